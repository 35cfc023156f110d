"""A flood of bad entries hides nobody else's answers."""

from __future__ import annotations

import msgpack
import pytest

from dialer.store.base.connection import Store, trip
from dialer.store.crm import event_settings, inbox, refusals
from dialer.store.crm.event_settings import DEFAULTS, EventSettings, Format
from dialer.store.crm.refusals import Refusals
from dialer.store.settlement.outbox import CrmEvent, publish
from tests.crm_events import heard
from tests.store.conftest import NOW, OWNER


def request(who: str) -> tuple[str, ...]:
    """A block request that is no good."""
    return "request", msgpack.packb({"type": "block", "who": who, "number": "12"})


def test_a_flood_is_told_as_a_sum(store: Store) -> None:
    """Its sender is told the first ones, then how many more; another one is told every one of its own."""
    kept = Refusals()
    flood = [("XADD", store.keys.crm_in(), "*", *request("noisy")) for _ in range(1_000)]
    trip(store, [*flood, ("XADD", store.keys.crm_in(), "*", *request("quiet"))])

    received = inbox.read(store, OWNER, 2_000, 0)
    report = inbox.apply(store, received, now=NOW, refusals_told=kept)
    publish(store, kept.sums(NOW + refusals.SUM_EVERY_S))

    by_sender = [event.data["sender"] for event in heard(store, "refused")]
    assert report.refused == 1_001
    assert (by_sender.count("noisy"), by_sender.count("quiet")) == (refusals.SENDER_AT_ONCE + 1, 1)
    last = heard(store, "refused")[-1].data
    assert last["reasons"] == [
        "900 more entries were refused in 10 s and are told in this sum alone; the last:",
        "number: too short",
    ]
    assert kept.sums(NOW + 100) == []


def test_a_sender_who_changes_names_meets_the_streams_allowance() -> None:
    """The sum is bounded as well."""
    kept = Refusals()

    told = sum(kept.may_tell("crm:in", f"s{i}", "bad", NOW) for i in range(10_000))

    assert told == refusals.STREAM_AT_ONCE
    assert len(kept.sums(NOW + 20)) <= refusals.MOST_SUMS + 1


def test_a_flood_is_an_alarm_until_it_is_over() -> None:
    """The board says which stream, how many, and why."""
    kept = Refusals()
    for _ in range(500):
        kept.may_tell("crm:in", "noisy", "number: too short", NOW)

    words = kept.alarms(NOW + 1)["crm:in"]
    assert "crm:in is flooded" in words
    assert "400 of them" in words
    assert words.endswith("number: too short")
    assert kept.alarms(NOW + 1000) == {"crm:in": ""}
    assert kept.alarms(NOW + 1001) == {}


def test_an_allowance_fills_up_again() -> None:
    """Who stops is told everything again."""
    kept = Refusals()
    for _ in range(500):
        kept.may_tell("crm:in", "noisy", "bad", NOW)

    assert not kept.may_tell("crm:in", "noisy", "bad", NOW)
    assert kept.may_tell("crm:in", "noisy", "bad", NOW + 1)


def test_a_flood_pushes_no_disposition_out(store: Store) -> None:
    """Refusals and events for screens have a stream of their own."""
    publish(store, [CrmEvent("disposition", "A1", "spring", NOW, {})])
    publish(store, [CrmEvent("agent_state", f"x{i}", "", NOW, {"agent": "17"}) for i in range(100)])

    assert trip(store, [("XLEN", store.keys.crm_out()), ("XLEN", store.keys.crm_live())]) == [1, 100]


def test_everything_can_be_in_one_stream(store: Store) -> None:
    """For a CRM that knows only crm:out."""
    event_settings.save(store, EventSettings(live_stream=False))
    publish(store, [CrmEvent("connected", "A1", "spring", NOW, {}), CrmEvent("disposition", "A1", "spring", NOW, {})])

    assert trip(store, [("XLEN", store.keys.crm_out()), ("XLEN", store.keys.crm_live())]) == [2, 0]


def test_an_entry_of_thousands_of_fields_gets_a_short_answer(store: Store) -> None:
    """What is wrong with it can be said in a line."""
    fields = [part for i in range(30_000) for part in (f"f{i}", "x")]
    trip(store, [("XADD", store.keys.crm_in(), "*", *fields)])

    inbox.apply(store, inbox.read(store, OWNER, 10, 0), now=NOW)

    (event,) = heard(store, "refused")
    assert len(str(event.data)) < 1_000
    assert "and 29,995 more" in event.data["reasons"][0]


def test_one_format_holds_for_all_hosts(store: Store) -> None:
    """Who starts with an old setting sets it where nobody has, and cannot change it for others."""
    assert event_settings.adopt_format(store, Format.JSON) is Format.JSON
    assert event_settings.load(store) == EventSettings(Format.JSON)
    event_settings.save(store, EventSettings(Format.MSGPACK))
    assert event_settings.adopt_format(store, Format.JSON) is Format.MSGPACK


@pytest.mark.parametrize(
    ("field", "value"), [("format", "xml"), ("kept", "many"), ("limit", "-1"), ("kept", "9" * 40), ("format", b"\xff")]
)
def test_settings_that_cannot_be_read_are_the_usual_ones(store: Store, field: str, value: str) -> None:
    """Events go on."""
    trip(store, [("HSET", store.keys.crm_settings(), field, value)])

    assert event_settings.load(store) == DEFAULTS
