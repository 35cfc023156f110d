"""Settlement: one end for every attempt, counted once, announced at least once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import msgpack
import pytest

from compliance.policy import Policy
from dialer.core.abandonment.windows import Counting, CountingWindow
from dialer.core.model import Close, Disposition, Retry, Settlement
from dialer.store.base.connection import Store, careful_trip, trip
from dialer.store.base.errors import StoreUnavailable
from dialer.store.base.keys import digits
from dialer.store.base.streams import entries_of
from dialer.store.crm import event_settings, inbox
from dialer.store.crm.event_settings import EventSettings, Format
from dialer.store.gate import contacts
from dialer.store.leads import leases
from dialer.store.leads.leads import LeadState, story
from dialer.store.operators.status import counts
from dialer.store.settlement import ledger, outbox, settle
from dialer.store.settlement.settlements import event_of, from_wire, settled, to_wire
from pacing.api import AnswerKind
from tests.crm_events import heard
from tests.store.conftest import NOW, OWNER, Floor, number

End = Callable[..., Settlement]


def events(store: Store) -> list[tuple[str, str, dict[str, Any]]]:
    return [(event.kind, event.id, event.data) for event in heard(store)]


def test_an_end_is_told_counted_and_closes_the_lead(floor: Floor, end: End) -> None:
    """The CRM's event, the ledger, the counters and the lead agree."""
    floor.fill(1, customer_id="C9", attrs={"lot": 3})
    dialled = floor.dial()[0]

    ended = settle.settle(floor.store, [end(dialled, live=True, reason="call +8613800000000 back")], OWNER)

    assert ended == ("A0",)
    kind, name, data = events(floor.store)[0]
    assert (kind, name) == ("disposition", "A0")
    assert (data["disposition"], data["next"], data["attrs"], data["customer_id"]) == (
        "connected",
        "close",
        {"lot": 3},
        "C9",
    )
    assert (data["ring_s"], data["wait_s"], data["talk_s"], data["try"]) == (8.0, 0.5, 39.5, 1)
    assert "00000000" not in repr(data), "no number is shown whole"
    assert ledger.totals(floor.store, floor.name, ["2026-03-03"])[0].answered == 1
    after = counts(floor.store, floor.name, NOW)
    assert (after.dispositions, after.in_attempt, after.leased, after.closed) == ({"connected": 1}, 0, 0, 1)
    assert trip(floor.store, [("HLEN", floor.store.keys.unannounced(floor.name))]) == [0]


def test_settling_twice_counts_once(floor: Floor, end: End) -> None:
    """The second settlement of an attempt does nothing at all."""
    floor.fill(1)
    item = end(floor.dial()[0], live=True, abandoned=True)
    assert settle.settle(floor.store, [item, item], OWNER) == ("A0",)

    assert settle.settle(floor.store, [item, item], OWNER) == ()
    assert len(events(floor.store)) == 1
    total = ledger.totals(floor.store, floor.name, ["2026-03-03"])[0]
    assert (total.answered, total.abandoned) == (1, 1)


def test_a_retry_is_due_again_with_its_progress(floor: Floor, end: End) -> None:
    """The next lease has the number and the tries that the settlement decided."""
    floor.add({"lead_id": "L0", "phones": [number(0).clear, number(1).clear]})
    floor.take_in()
    item = end(floor.dial()[0], Disposition.INVALID, Retry(0.0, 1))
    settle.settle(floor.store, [item], OWNER)
    second = floor.dial(now=NOW + 61)[0]
    settle.settle(floor.store, [end(second, Disposition.BUSY, Retry(1200.0, 1), ended_at=NOW + 90)], OWNER)

    assert second.lead.number == number(1)
    assert floor.lease(now=NOW + 1289) == ()
    lead = floor.lease(now=NOW + 1290)[0]
    assert (lead.number_index, lead.tries) == (1, {Disposition.INVALID: 1, Disposition.BUSY: 1})
    past = story(floor.store, floor.name, "L0").attempts
    assert [(one.attempt, one.disposition, one.number) for one in past] == [
        ("A0", "invalid", str(number(0))),
        ("A1", "busy", str(number(1))),
    ]


def test_the_agent_who_talked_last_is_kept(floor: Floor, end: End) -> None:
    """Whoever talked with the lead is named in later leases, also after attempts in which nobody did."""
    floor.add({"lead_id": "L0", "phone": number(0).clear, "skills": ["cards:2"]})
    floor.take_in()
    floor.policy = replace(floor.policy, caps=())
    for talked, agent, expected in ((True, "ann", "ann"), (False, "bob", "ann"), (True, "cid", "cid")):
        item = replace(end(floor.dial()[0], step=Retry(0.0, 0)), bridged_at=NOW if talked else None, agent=agent)
        settle.settle(floor.store, [item], OWNER)
        (lead,) = floor.lease(now=NOW + 61)
        leases.release(floor.store, floor.name, OWNER, [lead.lead_id], NOW)
        assert (lead.last_agent, lead.skills) == (expected, {"cards": 2})


def test_an_uncharged_attempt_is_given_back(floor: Floor, end: End) -> None:
    """What never reached anybody does not count against the caps."""
    floor.fill(1)
    item = end(floor.dial()[0], Disposition.NOT_SENT, Retry(60.0, 0), charged=False)

    settle.settle(floor.store, [item], OWNER)

    assert contacts.history(floor.store, digits(number(0))) == ()


@pytest.mark.parametrize("lost_trip", [1, 2, 3, 4])
def test_a_crash_at_any_step_loses_no_event_and_counts_once(
    floor: Floor, end: End, monkeypatch: pytest.MonkeyPatch, lost_trip: int
) -> None:
    """However far settling came before the store went away, repeating it and announcing what is left is right."""
    floor.fill(1)
    item = end(floor.dial()[0], live=True)
    done = 0

    def failing(send: Callable[..., list[Any]], store: Store, calls: Any) -> list[Any]:
        nonlocal done
        done += 1
        if done == lost_trip:
            raise StoreUnavailable("cut")
        return send(store, calls)

    with monkeypatch.context() as patch:
        patch.setattr(settle, "trip", partial(failing, trip))
        patch.setattr(settle, "careful_trip", partial(failing, careful_trip))
        patch.setattr(outbox, "trip", partial(failing, trip))
        with pytest.raises(StoreUnavailable):
            settle.settle(floor.store, [item], OWNER)
    settle.settle(floor.store, [item], OWNER)

    assert {name for _, name, _ in events(floor.store)} == {"A0"}
    assert len(events(floor.store)) <= 2
    assert ledger.totals(floor.store, floor.name, ["2026-03-03"])[0].answered == 1
    assert settle.reannounce(floor.store) == 0


@pytest.mark.parametrize("repeated", [True, False])
def test_an_answer_lost_after_the_script_counts_once(
    floor: Floor, end: End, monkeypatch: pytest.MonkeyPatch, repeated: bool
) -> None:
    """The server did it, the answer never came: whoever is next, the same daemon or a later one, tells the CRM."""
    floor.fill(1)
    item = end(floor.dial()[0], live=True)

    def deaf(store: Store, calls: Any) -> list[Any]:
        trip(store, calls)
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(settle, "trip", deaf)
        with pytest.raises(StoreUnavailable):
            settle.settle(floor.store, [item], OWNER)

    assert events(floor.store) == []
    if repeated:
        assert settle.settle(floor.store, [item], OWNER) == ()
    else:
        assert settle.reannounce(floor.store) == 1
    assert [name for _, name, _ in events(floor.store)] == ["A0"]
    assert ledger.totals(floor.store, floor.name, ["2026-03-03"])[0].answered == 1


def test_an_attempt_that_was_reserved_and_never_opened_is_given_back(floor: Floor, end: End) -> None:
    """Its settlement as NOT_SENT finds nothing to end, and uncounts it."""
    floor.fill(1)
    dialled = floor.dial()[0]
    keys = floor.store.keys
    trip(floor.store, [("DEL", keys.attempts(floor.name)), ("DEL", keys.open(floor.name))])

    assert settle.settle(floor.store, [end(dialled, Disposition.NOT_SENT, charged=False)], OWNER) == ()

    assert contacts.history(floor.store, digits(number(0))) == ()


def test_settlements_of_many_campaigns_and_days_go_together(floor: Floor, end: End) -> None:
    """A batch may be long and cross midnight."""
    floor.fill(250)
    dialled = floor.dial(250)
    items = [end(one, live=True, day=f"2026-03-0{3 + i % 2}") for i, one in enumerate(dialled)]

    assert len(settle.settle(floor.store, items, OWNER)) == 250

    totals = ledger.totals(floor.store, floor.name, ["2026-03-03", "2026-03-04", "2026-03-05"])
    assert [total.answered for total in totals] == [125, 125, 0]


def test_the_ledger_is_charged_to_whoever_dialled(floor: Floor, end: End) -> None:
    """A spool that a later run replays counts for the run that dialled, so that the later one sees it as others'."""
    floor.fill(1)
    item = end(floor.dial()[0], live=True)

    settle.settle(floor.store, [item], "host-a:2")

    today = CountingWindow("calendar_day", "today", 0.03, NOW, days=("2026-03-03",))
    answered = [
        ledger.others(floor.store, floor.name, Counting(NOW, today, ()), owner).counts.answered
        for owner in ("host-a:2", OWNER)
    ]
    assert answered == [1, 0]


def test_a_settlement_survives_the_wire(floor: Floor, end: End) -> None:
    """What is spooled comes back equal."""
    floor.fill(1, timezone="Asia/Shanghai", priority=7, expires_at=NOW + 9e6, attrs={"a": [1, None]})
    dialled = floor.dial()[0]
    for step in (Close("done"), Retry(60.0, 0)):
        item = end(dialled, Disposition.BUSY, step, live=True)

        assert from_wire(msgpack.unpackb(msgpack.packb(to_wire(item)))) == item


def test_a_settlement_of_an_older_release_says_nothing_about_who_answered(floor: Floor, end: End) -> None:
    """A spool may have waited over an upgrade; what is known of machines comes back as it was."""
    floor.fill(1)
    item = end(floor.dial()[0], kind=AnswerKind.MACHINE)
    wire = to_wire(item)

    assert from_wire(msgpack.unpackb(msgpack.packb(wire))) == item
    del wire["settlement"]["answer_kind"]
    assert from_wire(wire).answer_kind is AnswerKind.UNKNOWN


@pytest.mark.parametrize("data", [None, {}, {"day": "d", "settlement": {}}, {"day": "d", "settlement": {"lead": {}}}])
def test_what_is_no_settlement_is_refused(data: object) -> None:
    """A damaged spool item is named, not guessed at."""
    with pytest.raises(ValueError, match="not a settlement"):
        from_wire(data)


def test_all_times_become_epoch_times(floor: Floor, end: End) -> None:
    """The engine's clock is turned once, and what did not happen stays so."""
    floor.fill(1)
    inner = end(floor.dial()[0])

    item = settled(inner, clock=lambda at: at + 1000, day="2026-03-03")

    assert item.ended_at == inner.ended_at + 1000
    assert item.bridged_at is None


def test_events_can_be_json(floor: Floor, end: End) -> None:
    """Where it is so chosen for the stream, the CRM gets JSON instead of msgpack."""
    floor.fill(1, name="王芳")
    dialled = floor.dial()[0]
    event_settings.save(floor.store, EventSettings(Format.JSON))

    settle.settle(floor.store, [end(dialled)], OWNER)

    entry = entries_of(trip(floor.store, [("XRANGE", floor.store.keys.crm_out(), "-", "+")])[0])[0]
    assert json.loads(entry.fields[b"data"])["attempt_id"] == "A0"
    assert entry.fields[b"v"] == b"1"


def test_the_event_says_who_settled(floor: Floor, end: End) -> None:
    """So that an integrator sees what recovery did."""
    floor.fill(1)

    assert event_of(end(floor.dial()[0]), "host-b:4").fields["settled_by"] == "host-b:4"


def test_a_wish_is_obeyed_once(floor: Floor, end: End) -> None:
    """What an agent wanted of a lead goes for the attempt that was open; the next one ends as it ends."""
    floor.policy = Policy("none", floor.policy.hours, ())
    floor.fill(1)
    (first,) = floor.dial()
    later = NOW + 1000
    said = inbox.Outcome(floor.name, "A0", "callback", callback_at=later)
    inbox.apply(floor.store, [inbox.Received("1-1", said)], now=NOW + 1)
    settle.settle(floor.store, [end(first, step=Close("talked"), live=True)], OWNER)
    assert story(floor.store, floor.name, "L0").row.at == later

    (second,) = floor.dial(now=later)
    settle.settle(floor.store, [end(second, step=Close("talked"), live=True, ended_at=later + 60)], OWNER)

    assert story(floor.store, floor.name, "L0").row.state is LeadState.CLOSED


def test_a_story_that_is_full_keeps_its_beginning(floor: Floor, end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt for which there is just room is kept, one more is counted and not kept."""
    floor.policy = Policy("none", floor.policy.hours, ())
    floor.fill(1)
    key, longest = floor.store.keys.story(floor.name), 0
    for i in range(3):
        (dialled,) = floor.dial(now=NOW + 100 * i)
        item = end(dialled, Disposition.BUSY, Retry(10.0, 0), ended_at=NOW + 100 * i + 60)
        assert settle.settle(floor.store, [item], OWNER) == (f"A{i}",)
        if i == 0:
            longest = trip(floor.store, [("HSTRLEN", key, "L0")])[0]
            monkeypatch.setattr(settle, "STORY_BYTES", 2 * longest)

    assert trip(floor.store, [("HSTRLEN", key, "L0")]) == [2 * longest]
    assert [attempt.attempt for attempt in story(floor.store, floor.name, "L0").attempts] == ["A0", "A1"]
    assert counts(floor.store, floor.name, NOW).dispositions == {"busy": 3}
