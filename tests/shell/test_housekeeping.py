"""Deleting what is old, and finishing erasures, in a daemon that is otherwise at rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio

from compliance.cap_windows import Rolling
from compliance.caps import Cap, horizon_s
from compliance.contacts import packed
from compliance.evidence import Record, number_hash, read
from compliance.numbers import E164
from config.campaign import CampaignSettings
from config.daemon import RetentionSettings
from config.policies import shipped
from dialer.disk.evidence_files import lines, segments
from dialer.disk.evidence_log import open_evidence
from dialer.shell.clock import Clock
from dialer.shell.health import Health, NoCalls
from dialer.shell.tasks import housekeeping
from dialer.shell.tasks.evidence import Evidence
from dialer.shell.tasks.housekeeping import DAY_S, Housekeeping, rules_of
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import StoreUnavailable
from dialer.store.base.keys import digits, place
from dialer.store.leads import intake, leads
from dialer.store.operators import campaigns, control
from dialer.store.privacy import erase, erasures, retention
from dialer.store.privacy.erasures import Erasure
from dialer.store.privacy.retention import Round
from pacing.api import Mode
from tests.rules import CN_DEFAULT
from tests.shell.some_parts import some_parts

OWNER = "one:1"
NUMBER = E164("+8613800000001")
SETTINGS = CampaignSettings(name="spring", mode=Mode.PROGRESSIVE)


@pytest.fixture
def house(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Housekeeping]:
    """A daemon's housekeeping that never rests; the contact histories are few hashes."""
    monkeypatch.setattr(retention, "BUCKETS", 64)
    monkeypatch.setattr(retention, "BUCKETS_AT_ONCE", 256)
    log = open_evidence(
        tmp_path / "e", tmp_path / "key", host="one", version="1", segment_bytes=10**6, new_key=bytes(range(32))
    )
    clock, health, catalogue = Clock.start(), Health(), shipped()
    evidence = Evidence(log, clock, health, keep_days=5)
    parts = some_parts(store, owner=OWNER, clock=clock, health=health, evidence=evidence)
    yield Housekeeping(parts, lambda: catalogue, pause_s=0.0, idle_s=0.01)
    log.close()


def run(house: Housekeeping, condition: Callable[[], object]) -> None:
    """Keep house until something is so."""

    async def main() -> None:
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(house.parts.evidence.write)
                nursery.start_soon(house.keep)
                await until(condition)
                nursery.cancel_scope.cancel()

    trio.run(main)


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that no event tells of; `run` has the deadline."""
    while not await trio.to_thread.run_sync(condition):
        await trio.sleep(0.01)
        await trio.lowlevel.checkpoint()


def ended(house: Housekeeping) -> bool:
    """Whether a round has come to its end."""
    round_ = retention.load(house.parts.store)
    return round_ is not None and not round_.what


def records(house: Housekeeping, kind: str) -> list[Record]:
    found = (read(line.raw) for line in lines(segments(house.parts.evidence.disk.folder)))
    return [record for record in found if record is not None and record.kind == kind]


def take_in(house: Housekeeping, lead_id: str, number: E164, age_days: float) -> None:
    intake.enqueue(house.parts.store, "spring", [{"lead_id": lead_id, "phone": number.clear}])
    intake.take_in(house.parts.store, "spring", OWNER, house.parts.clock.wall() - age_days * DAY_S, 10)


def history(store: Store, number: E164, at: float) -> None:
    field = digits(number)
    where = place(field)
    key = store.keys.history(replace(where, bucket=where.bucket % 64))
    trip(store, [("HSET", key, field, packed(at, "spring", "", "A", ""))])


def test_a_round_deletes_what_is_old_and_puts_it_on_record(house: Housekeeping) -> None:
    """Leads after ten months, contact histories after 400 days; younger ones stay. Evidence and audit say how many."""
    store, now = house.parts.store, house.parts.clock.wall()
    campaigns.create(store, SETTINGS, who="test", now=now)
    for i, age_days in enumerate((305, 303, 310)):
        take_in(house, f"L{i}", E164(f"+8613800000{i:03}"), age_days)
    for i, age_days in enumerate((401, 399)):
        history(store, E164(f"+8613900000{i:03}"), now - age_days * DAY_S)

    run(house, lambda: ended(house))

    assert [row.lead_id for row in leads.page(store, "spring")[0]] == ["L1"]
    said = [
        (record.fields["what"], record.fields["campaign"], record.fields["count"])
        for record in records(house, "purged")
    ]
    assert said == [("leads", "spring", 2), ("contacts", "", 1)]
    round_ = retention.load(store)
    assert round_ is not None
    assert records(house, "purged")[0].fields["before"] == int((round_.began_at - 304 * DAY_S) * 1000)
    trail = [line for line in control.audit_trail(store, 10) if line.what == "purge"]
    assert [(line.who, line.detail["what"], line.detail["count"]) for line in trail] == [
        ("housekeeping", "contacts", 1),
        ("housekeeping", "leads", 2),
    ]


def test_a_round_goes_on_after_a_restart_and_the_next_is_tomorrow(house: Housekeeping) -> None:
    """What an earlier run had deleted and not put on record yet is counted in."""
    store, now = house.parts.store, house.parts.clock.wall()
    campaigns.create(store, SETTINGS, who="test", now=now)
    retention.save(store, Round(now - 100, "contacts", "", "512", 17))
    take_in(house, "L0", NUMBER, 400)

    run(house, lambda: ended(house))
    assert [record.fields["count"] for record in records(house, "purged")] == [17]
    assert len(leads.page(store, "spring")[0]) == 1, "the round was past the leads"
    retention.save(store, Round(now - DAY_S - 1))
    run(house, lambda: ended(house) and not leads.page(store, "spring")[0])


def test_another_daemon_keeps_house(house: Housekeeping) -> None:
    """Then this one does nothing; when that one is silent, it takes over."""
    retention.claim(house.parts.store, "two:1", 0.3)

    run(house, lambda: ended(house))

    assert trip(house.parts.store, [("GET", house.parts.store.keys.housekeeper())])[0] == OWNER.encode()


def test_caps_that_look_back_further_keep_the_histories() -> None:
    """However the setting is; and none is deleted while a campaign's caps are not known."""
    year = replace(CN_DEFAULT, caps=(Cap(3, Rolling(366 * DAY_S), rest_s=500 * DAY_S),), retention_s=90 * DAY_S)
    settings = RetentionSettings(leads_days=304, contacts_days=400)

    rules = rules_of(settings, {"a": year, "b": CN_DEFAULT})

    assert rules.leads_s == {"a": 90 * DAY_S, "b": 304 * DAY_S}
    assert rules.contacts_s == horizon_s(year.caps) > 500 * DAY_S
    assert rules_of(settings, {"b": CN_DEFAULT}).contacts_s == 400 * DAY_S
    assert rules_of(settings, {"b": CN_DEFAULT, "c": None}).contacts_s is None


def test_an_erasure_is_finished_and_goes_on_record(house: Housekeeping) -> None:
    """By the keyed hash; the number is nowhere any more but in the block."""
    store, now = house.parts.store, house.parts.clock.wall()
    campaigns.create(store, SETTINGS, who="test", now=now)
    take_in(house, "L0", NUMBER, 1)
    asked = Erasure("E1", now, "ann", "asked by +86 138 0000 0001", NUMBER)
    erasures.save(store, replace(erase.erase(store, asked, ["spring"]), complete=True))

    run(house, lambda: not erasures.waiting(store))

    (record,) = records(house, "erased")
    assert record.fields["numbers"] == [number_hash(house.parts.evidence.disk.key, NUMBER)]
    assert (record.fields["who"], record.fields["reason"]) == ("ann", "asked by +86138****0001")
    assert record.fields["deleted"] == {"leads": 1}
    (line,) = [line for line in control.audit_trail(store, 10) if line.what == "erased"]
    assert line.detail["numbers"] == record.fields["numbers"]
    assert "00000001" not in repr(line)


def test_an_erasure_that_was_cut_off_is_done_anew(house: Housekeeping) -> None:
    """Whoever asked for it died over it; one that is just being worked on is left alone."""
    store, now = house.parts.store, house.parts.clock.wall()
    campaigns.create(store, SETTINGS, who="test", now=now)
    take_in(house, "L0", NUMBER, 1)
    erasures.save(store, Erasure("new", now, "ann", "", E164("+8613800000002")))
    erasures.save(store, Erasure("old", now - 61, "ann", "", NUMBER))

    run(house, lambda: len(erasures.waiting(store)) == 1)

    assert [one.id for one in erasures.waiting(store)] == ["new"]
    assert leads.page(store, "spring")[0] == ()


def test_what_cannot_be_read_is_no_reason_to_stop_calls(house: Housekeeping, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said in the log; while the store is away no calls start."""
    said: list[Any] = []
    monkeypatch.setattr(housekeeping.log, "warning", lambda *args, **more: said.append(more))
    trip(house.parts.store, [("HSET", house.parts.store.keys.erasures(), "odd", b"x")])
    run(house, lambda: said)
    assert house.parts.health.redis_healthy

    def away(*_: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(retention, "claim", away)
    run(house, lambda: not house.parts.health.redis_healthy)
    assert house.parts.health.reasons[NoCalls.REDIS] == "gone"


def test_an_erasure_that_cannot_be_done_holds_up_nothing_else(
    house: Housekeeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are finished, what is old is deleted, and it is said once."""
    said: list[Any] = []
    monkeypatch.setattr(housekeeping.log, "warning", lambda *args, **more: said.append(more["detail"]))
    store, now = house.parts.store, house.parts.clock.wall()
    campaigns.create(store, SETTINGS, who="test", now=now)
    take_in(house, "L0", NUMBER, 1)
    other = E164("+8613800000002")
    take_in(house, "L1", other, 1)
    trip(store, [("HSET", store.keys.lead("spring"), "L1", b"x"), ("HSET", store.keys.erasures(), "odd", b"x")])
    erasures.save(store, Erasure("hard", now - 90, "ann", "", other))
    erasures.save(store, Erasure("easy", now - 61, "ann", "", NUMBER))

    run(house, lambda: ended(house) and not trip(store, [("HEXISTS", store.keys.erasures(), "easy")])[0])

    assert trip(store, [("HKEYS", store.keys.lead("spring"))])[0] == [b"L1"]
    assert {name.decode() for name in trip(store, [("HKEYS", store.keys.erasures())])[0]} == {"hard", "odd"}
    assert len(said) == len(set(said)) == 2


def test_a_wrong_clock_deletes_nothing(house: Housekeeping, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's is a year ahead of the server's: it is said, once, and nothing is done."""
    said: list[Any] = []
    monkeypatch.setattr(housekeeping.log, "warning", lambda *args, **more: said.append(more["detail"]))
    campaigns.create(house.parts.store, SETTINGS, who="test", now=0.0)
    take_in(house, "L0", NUMBER, 1)
    wall = house.parts.clock.wall
    monkeypatch.setattr(Clock, "wall", lambda _: wall() + 365 * DAY_S)

    run(house, lambda: said)

    assert retention.load(house.parts.store) is None
    assert len(leads.page(house.parts.store, "spring")[0]) == 1
    assert len(said) == 1
    assert said[0].startswith("nothing is deleted: this host's clock and that of Redis differ by +3153")
