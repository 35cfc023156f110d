"""A daemon whose streams and keys hold garbage: it starts, it lives, and what nothing is wrong with is dialled."""

from __future__ import annotations

from functools import partial

import msgpack

from dialer.store.base import quarantine
from dialer.store.base.connection import trip
from dialer.store.leads import intake
from tests.shell.rig import Rig, Site

JUNK = b"\xc1junk"
POISON = "1" + "0" * 400


def poison(site: Site) -> None:
    """An entry with a time of 401 digits in every stream."""
    keys = site.store.keys
    number = "+8613800138001"
    for stream, text in (
        (keys.leads("good"), f'{{"lead_id": "P", "phone": "{number}", "not_before": {POISON}}}'),
        (keys.agents_in(), f'{{"type": "ready", "agent": "17", "shift_ends_at": {POISON}}}'),
        (keys.crm_in(), f'{{"type": "block", "number": "{number}", "who": "x", "until": {POISON}}}'),
        (keys.control(), f'{{"name": "x", "who": "x", "at": {POISON}}}'),
    ):
        trip(site.store, [("XADD", stream, "*", "json", text)])


def damage(site: Site) -> None:
    """Records that nobody can read, an attempt whose lead is gone, and a key of another kind."""
    keys = site.store.keys
    gone = {"lead": "L0", "number": 0, "owner": "one:dead", "at": 1.0, "trunk": "quick", "caller_id": ""}
    trip(
        site.store,
        [
            ("HSET", keys.attempts("good"), "A-junk", JUNK),
            ("HSET", keys.attempts("good"), "A-gone", msgpack.packb(gone)),
            ("HSET", keys.open("good"), "L0", "A-gone"),
            ("HSET", keys.owners(), "one:dead", "1"),
            ("HSET", keys.owners(), b"\xff", "x"),
            ("HSET", keys.agents(), "nobody", JUNK),
            ("HSET", keys.unannounced("good"), "A-junk", JUNK),
            ("HSET", keys.ended("good"), "A-old", JUNK),
            ("SET", keys.waiting("bad"), "x"),
            (
                "XADD",
                keys.crm_in(),
                "*",
                "json",
                '{"type":"outcome","campaign":"good","attempt_id":"A-old","outcome":"x"}',
            ),
            (
                "XADD",
                keys.crm_in(),
                "*",
                "json",
                '{"type":"outcome","campaign":"bad","attempt_id":"A-old","outcome":"x"}',
            ),
        ],
    )


def talked(site: Site, times: int) -> bool:
    return len(site.talks("good")) >= times


def test_a_poisoned_daemon_starts_lives_and_dials(rig: Rig) -> None:
    """Twice, the second time on what the first one left; the campaign with the damaged key rests, and is named."""
    with rig.site("poisoned", quick=rig.quick.carrier_port) as site:
        for name in ("good", "bad"):
            site.campaign(name, trunk="quick")
        damage(site)
        poison(site)
        for run in range(2):
            dialer = site.start()
            poison(site)
            site.log_in(rig.quick, [f"agent-{run}"], "good", "bad")
            site.leads("good", [f"+8613611{run}0{i:04}" for i in range(3)])
            rows = [{"lead_id": f"{run}-{i}", "phone": f"+8613612{run}0{i:04}"} for i in range(3)]
            intake.enqueue(site.store, "bad", rows)
            site.until(partial(talked, site, 3 * (run + 1)), "the others are dialled")
            if not run:
                dialer.kill()

        def problem() -> str:
            board = site.board()
            return "" if board is None else "; ".join(str(one) for one in board.problems)

        site.until(lambda: "{bad}:waiting is damaged" in problem(), "the campaign that rests is named")
        assert "Redis does not answer" not in problem()
        assert dialer.process.poll() is None, dialer.log
        assert "Traceback" not in dialer.log
        told = {event.data["attempt_id"]: event.data["disposition"] for event in site.events("disposition")}
        assert told["A-gone"] == "unknown"
        assert quarantine.count(site.store) >= 3
        assert not site.ends("bad")
        dialer.stop()
        assert dialer.ended() == 0, dialer.log[-2000:]
