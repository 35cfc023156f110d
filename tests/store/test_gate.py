"""The second gate: blocklist, caps, and the attempt written down."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from compliance.caps import Cap, verdict
from compliance.face import Rule
from compliance.hours import CallingHours, Window
from compliance.policy import Policy
from config.campaign import CampaignSettings
from dialer.core.inputs import Permitted, Refused
from dialer.core.model import Lead
from dialer.store import blocklist, campaigns, contacts, gate, leases
from dialer.store.connection import Store, trip
from dialer.store.errors import StoreUnavailable
from dialer.store.gate import LEASE_LOST, screen
from dialer.store.keys import digits, place
from dialer.store.leads import LeadState, story
from dialer.store.registers import Shelf
from dialer.store.status import counts
from tests.store.conftest import ALWAYS, NOW, OWNER, POLICY, Floor, number
from tests.store.shelf import listed, made

DAY = 86_400.0


def test_a_permit_is_reserved_and_written_down(floor: Floor) -> None:
    """The attempt is in the history and among the open ones before anything is dialled."""
    floor.fill(1)

    answer = floor.dial()[0]

    assert (answer.permit.attempt, answer.permit.reserved.ordinal) == ("A0", 1)
    assert [one.at for one in contacts.history(floor.store, number(0))] == [NOW]
    assert story(floor.store, floor.name, "L0").row.state is LeadState.IN_ATTEMPT


def test_a_block_is_seen_by_the_next_reservation(floor: Floor) -> None:
    """A leased lead whose number was blocked a moment ago is refused and closed."""
    floor.fill(2)
    leads = floor.lease(2)
    blocklist.add(floor.store, [blocklist.Block(number(0), "", "complaint", "rude", "qa", NOW)])
    blocklist.add(floor.store, [blocklist.Block(number(1), "another", "crm", "", "qa", NOW)])

    first, second = floor.screen(leads)

    assert isinstance(first, Refused)
    assert (first.refusal.rule, first.refusal.until) == (Rule.BLOCKLIST, None)
    assert "complaint" in first.refusal.detail
    assert isinstance(second, Permitted), "a block of another campaign does not count here"
    assert story(floor.store, floor.name, "L0").row.state is LeadState.CLOSED
    assert contacts.history(floor.store, number(0)) == ()


def test_a_cap_postpones_the_lead_until_it_frees(floor: Floor) -> None:
    """The refusal is the definition's own, and the lead is due again when the cap frees."""
    floor.policy = Policy("tight", ALWAYS, (Cap(1, 2 * DAY),))
    floor.fill(1)
    trip(floor.store, [_seed(floor.store, 0, [NOW - DAY])])

    answer = floor.screen(floor.lease())[0]

    assert isinstance(answer, Refused)
    assert answer.refusal == verdict([NOW - DAY], floor.policy.caps, NOW)
    assert story(floor.store, floor.name, "L0").row.at == NOW + DAY
    assert counts(floor.store, floor.name, NOW).refused_by == {"cap": 1}


def test_the_first_gate_refuses_without_touching_the_history(floor: Floor) -> None:
    """Outside calling hours nothing is reserved."""
    floor.policy = Policy("morning", CallingHours((Window(frozenset(range(7)), 60, 61),)), POLICY.caps)
    floor.fill(1)

    answer = floor.screen(floor.lease())[0]

    assert isinstance(answer, Refused)
    assert answer.refusal.rule is Rule.HOURS
    assert answer.refusal.until is not None
    assert story(floor.store, floor.name, "L0").row.at == pytest.approx(answer.refusal.until)
    assert contacts.history(floor.store, number(0)) == ()


def test_a_number_on_a_national_register_is_never_reserved(floor: Floor, tmp_path: Path) -> None:
    """Its lead is closed with the register's name and day, as one on the blocklist is, and nothing is counted."""
    made(tmp_path / "cn.reg", [number(0)])
    floor.shelf = Shelf((listed(tmp_path / "cn.reg"),))
    floor.fill(2)

    on, off = floor.screen(floor.lease(2))

    assert isinstance(on, Refused)
    assert (on.refusal.rule, on.refusal.until) == (Rule.REGISTER, None)
    assert on.refusal.detail == "on the national register cn-list of 2026-03-01"
    row = story(floor.store, floor.name, "L0").row
    assert (row.state, row.why) == (LeadState.CLOSED, "register: on the national register cn-list of 2026-03-01")
    assert contacts.history(floor.store, number(0)) == ()
    assert isinstance(off, Permitted)
    assert counts(floor.store, floor.name, NOW).refused_by == {"register": 1}
    floor.shelf.close()


@pytest.mark.parametrize(
    ("as_of", "rule"), [("2026-01-01", Rule.REGISTER_OUTDATED), ("", Rule.REGISTER_UNREADABLE)], ids=["old", "missing"]
)
def test_without_a_register_to_rely_on_nothing_is_dialled(floor: Floor, tmp_path: Path, as_of: str, rule: Rule) -> None:
    """The lead is put off and comes up again; mode preview does not show it to an agent either."""
    if as_of:
        made(tmp_path / "cn.reg", [number(5)], as_of=as_of)
    floor.shelf = Shelf((listed(tmp_path / "cn.reg"),))
    floor.fill(2)
    first, second = floor.lease(2)

    (answer,) = floor.screen((first,))
    passed, refused = gate.sift(
        floor.store, floor.settings, floor.policy, (second,), owner=OWNER, now=NOW, shelf=floor.shelf
    )

    assert isinstance(answer, Refused)
    assert (answer.refusal.rule, answer.refusal.until) == (rule, NOW + 600.0)
    assert (passed, [one.refusal for one in refused]) == ((), [answer.refusal])
    assert story(floor.store, floor.name, "L0").row.state is LeadState.WAITING
    assert contacts.history(floor.store, number(0)) == ()
    floor.shelf.close()


def test_a_register_does_not_hold_up_what_hours_forbid(floor: Floor, tmp_path: Path) -> None:
    """Out of hours a lead waits for the hours, not for the register; one on the register is closed at once."""
    made(tmp_path / "cn.reg", [number(0)], as_of="2026-01-01")
    floor.shelf = Shelf((listed(tmp_path / "cn.reg"),))
    floor.policy = Policy("morning", CallingHours((Window(frozenset(range(7)), 60, 61),)), POLICY.caps)
    floor.fill(2)

    answers = floor.screen(floor.lease(2))

    assert [one.refusal.rule for one in answers if isinstance(one, Refused)] == [Rule.REGISTER, Rule.HOURS]
    floor.shelf.close()


def test_leads_are_sifted_as_the_gates_would_judge_them(floor: Floor) -> None:
    """Blocked, capped, expired: each ends as at the gates, and nothing is reserved for the one that passes."""
    floor.policy = Policy("tight", ALWAYS, (Cap(1, 2 * DAY),))
    floor.fill(3)
    floor.add({"lead_id": "L3", "phone": number(3).clear, "expires_at": NOW + 5})
    floor.take_in()
    blocklist.add(floor.store, [blocklist.Block(number(0), "spring", "complaint", "rude", "qa", NOW)])
    trip(floor.store, [_seed(floor.store, 1, [NOW - DAY])])
    leads = floor.lease()

    passed, refused = gate.sift(floor.store, floor.settings, floor.policy, leads, owner=OWNER, now=NOW + 10)

    assert [lead.lead_id for lead in passed] == ["L2"]
    judged = {one.lead.lead_id: one.refusal for one in refused}
    assert {name: one.rule for name, one in judged.items()} == {
        "L0": Rule.BLOCKLIST,
        "L1": Rule.CAP,
        "L3": Rule.EXPIRED,
    }
    assert judged["L1"] == verdict([NOW - DAY], floor.policy.caps, NOW + 10)
    states = {name: story(floor.store, floor.name, name).row.state for name in ("L0", "L1", "L2", "L3")}
    assert states == {
        "L0": LeadState.CLOSED,
        "L1": LeadState.WAITING,
        "L2": LeadState.LEASED,
        "L3": LeadState.CLOSED,
    }
    assert contacts.history(floor.store, number(2)) == ()
    assert counts(floor.store, floor.name, NOW).refused_by == {"blocklist": 1, "cap": 1, "expired": 1}
    assert isinstance(floor.screen(passed, now=NOW + 10)[0], Permitted)


def test_a_lost_lease_gives_the_reservation_back(floor: Floor) -> None:
    """A lead that another daemon has by now is not dialled and its number not charged."""
    floor.fill(1)
    leads = floor.lease()
    floor.lease(now=NOW + 130, owner="other:1")

    answer = floor.screen(leads, now=NOW + 131)[0]

    assert isinstance(answer, Refused)
    assert answer.refusal is LEASE_LOST
    assert contacts.history(floor.store, number(0)) == ()
    assert story(floor.store, floor.name, "L0").owner == "other:1"


def test_a_failed_second_step_gives_the_reservations_back(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the attempt cannot be written down, nothing is charged and the caller hears why."""
    floor.fill(1)
    leads = floor.lease()

    def broken(*args: object, **kwargs: object) -> list[int]:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(gate, "move", broken)
    with pytest.raises(StoreUnavailable):
        floor.screen(leads)

    assert contacts.history(floor.store, number(0)) == ()


def test_a_crash_between_the_steps_errs_on_the_callees_side(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies after the reservation leaves the number charged and the lead not dialled, due later."""
    floor.fill(1)
    leads = floor.lease()

    class Died(BaseException):
        """The process is gone."""

    def die(*args: object, **kwargs: object) -> list[int]:
        raise Died

    monkeypatch.setattr(gate, "move", die)
    with pytest.raises(Died):
        floor.screen(leads)

    assert len(contacts.history(floor.store, number(0))) == 1
    assert counts(floor.store, floor.name, NOW).in_attempt == 0
    assert len(floor.lease(now=NOW + 121, owner="other:1")) == 1


def test_giving_back_twice_uncounts_once(floor: Floor) -> None:
    """Other attempts to the same number stay counted."""
    floor.policy = Policy("wide", ALWAYS, (Cap(5, DAY),))
    trip(floor.store, [_seed(floor.store, 0, [NOW - 50])])
    floor.fill(1)
    floor.dial()
    mine = contacts.Reservation(number(0), floor.name, "A0")

    assert contacts.give_back(floor.store, [mine]) == 1
    assert contacts.give_back(floor.store, [mine]) == 0
    assert [one.at for one in contacts.history(floor.store, number(0))] == [NOW - 50]


def test_daemons_and_campaigns_together_never_pass_a_cap(store: Store) -> None:
    """Threads of several owners and campaigns that screen the same numbers at once get exactly the cap's worth."""
    policy, numbers, lanes = Policy("two", ALWAYS, (Cap(2, 30 * DAY),)), 20, 6
    won: list[str] = []
    floors = []
    for lane in range(lanes):
        settings = CampaignSettings(name=f"lane{lane}", mode="progressive")
        campaigns.create(store, settings, who="test", now=NOW)
        floors.append(Floor(store, settings, policy))
        floors[-1].fill(numbers)
    start = threading.Barrier(lanes)

    def work(lane: int) -> None:
        floor, owner = floors[lane], f"host:{lane}"
        leads = floor.lease(numbers, owner=owner)
        start.wait(10)
        for i, lead in enumerate(leads):
            ids = [f"{lane}-{i}"]
            answer = screen(store, floor.settings, policy, [lead], trunk="t", owner=owner, now=NOW, attempt_ids=ids)[0]
            if isinstance(answer, Permitted):
                won.append(lead.number.clear)

    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won) == sorted([number(i).clear for i in range(numbers)] * 2)


def test_the_same_number_twice_in_one_batch_is_counted_twice(store: Store, floor: Floor) -> None:
    """A batch is judged lead by lead."""
    floor.policy = Policy("one", ALWAYS, (Cap(1, DAY),))
    floor.fill(1)
    lead = floor.lease()[0]

    answers = screen(
        store,
        floor.settings,
        floor.policy,
        [lead, Lead("ghost", floor.name, lead.numbers)],
        trunk="t",
        owner=OWNER,
        now=NOW,
        attempt_ids=["A", "B"],
    )

    assert [type(answer) for answer in answers] == [Permitted, Refused]


# Small whole numbers meet each other's ends often; the odd fraction shows that nothing is rounded.
seconds = st.integers(0, 30).map(float)
caps_strategy = st.lists(
    st.builds(
        Cap,
        limit=st.integers(1, 4),
        window_s=st.one_of(st.integers(1, 12).map(float), st.floats(0.5, 12)),
        rest_s=st.one_of(seconds, st.floats(0, 30)),
    ),
    max_size=3,
)


@hypothesis_settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(
    caps=caps_strategy,
    times=st.lists(st.integers(0, 20), max_size=8),
    later=st.one_of(st.integers(-5, 50).map(float), st.floats(-5, 50)),
)
def test_the_script_agrees_with_the_definition(
    store: Store, settings: CampaignSettings, caps: list[Cap], times: list[int], later: float
) -> None:
    """For any history, caps and instant, Lua and `compliance.caps.verdict` say the same, to the second."""
    now, policy = NOW + later, Policy("any", ALWAYS, tuple(caps))
    past = [NOW + time for time in times]
    trip(store, [("DEL", store.keys.history(place(number(1)))), _seed(store, 1, past)])

    answer = gate._reserve(store, "spring", policy, [("A1", number(1))], now)[0]

    expected = verdict(past, policy.caps, now)
    if expected is None:
        widest = max((cap.window_s for cap in caps), default=None)
        seen = [time for time in past if widest is None or time + widest > now]
        assert getattr(answer, "ordinal", None) == len(seen) + 1
        assert len(contacts.history(store, number(1))) == len(past) + 1
    else:
        assert answer == expected
        assert len(contacts.history(store, number(1))) == len(past)


def test_only_the_newest_attempts_are_kept(store: Store, floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number's history has a limit."""
    monkeypatch.setattr(gate, "ATTEMPTS_KEPT", 3)
    trip(store, [_seed(store, 1, [NOW - 9, NOW - 8, NOW - 7])])

    gate._reserve(store, "spring", Policy("none", ALWAYS, ()), [("A1", number(1))], NOW)

    assert [one.at for one in contacts.history(store, number(1))] == [NOW - 8, NOW - 7, NOW]


def test_every_lead_needs_an_attempt_id(floor: Floor) -> None:
    """A caller's mistake is said at once."""
    with pytest.raises(ValueError, match="0 leads and 1 attempt ids"):
        screen(floor.store, floor.settings, POLICY, [], trunk="t", owner=OWNER, now=NOW, attempt_ids=["A"])


def test_leases_are_unharmed_by_an_empty_screen(floor: Floor) -> None:
    """No leads, no round trip, no answer."""
    assert screen(floor.store, floor.settings, POLICY, [], trunk="t", owner=OWNER, now=NOW, attempt_ids=[]) == ()
    assert leases.release(floor.store, floor.name, OWNER, [], NOW) == 0


def _seed(store: Store, index: int, times: list[float]) -> tuple[str | bytes, ...]:
    """The command that writes a history; of nothing, one that writes nothing."""
    raw = b"".join(contacts.packed(time, "seed", f"S{i}") for i, time in enumerate(times))
    key = store.keys.history(place(number(index)))
    return ("HSET", key, digits(number(index)), raw) if raw else ("HDEL", key, "none")
