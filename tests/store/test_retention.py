"""Deleting what has been kept long enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgpack
import pytest

from compliance.api import Per, Subject
from compliance.contacts import packed
from dialer.core.inputs import Permitted
from dialer.core.model import Settlement
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import UnknownLead
from dialer.store.base.keys import BUCKETS, SHARDS, digits, place, subject_field
from dialer.store.crm import inbox
from dialer.store.gate import contacts
from dialer.store.leads import leads, leases
from dialer.store.leads.leads import LeadState
from dialer.store.operators.status import counts
from dialer.store.privacy import retention
from dialer.store.privacy.retention import Purged, Round, Slice
from dialer.store.settlement.settle import settle
from tests.store.conftest import NOW, OWNER, Floor, number

DAY = 86_400.0


def all_slices(step: Callable[[str], Slice]) -> int:
    """How many were deleted in all, slice by slice to the end."""
    gone, cursor = 0, ""
    for _ in range(100_000):
        done = step(cursor)
        gone, cursor = gone + done.gone, done.cursor
        if not cursor:
            return gone
    raise AssertionError("the slices do not end")


def campaign_data(store: Store, campaign: str) -> set[bytes]:
    """Every field and member in the hashes and sorted sets of a campaign."""
    found: set[bytes] = set()
    for key in trip(store, [("KEYS", f"dialer:{{{campaign}}}:*")])[0]:
        kind = trip(store, [("TYPE", key)])[0]
        if kind == b"hash":
            found.update(trip(store, [("HKEYS", key)])[0])
        elif kind == b"zset":
            found.update(trip(store, [("ZRANGE", key, 0, -1)])[0])
    return found


def test_leads_go_by_the_day_they_came_in_whatever_their_state(floor: Floor, end: Callable[..., Settlement]) -> None:
    """Closed, due, waiting, leased; all that the campaign knows of them goes. The contact history and counters stay."""
    floor.fill(6)
    store = floor.store
    (ended,) = floor.dial(1)
    settle(store, [end(ended)], OWNER)
    outcome = inbox.Outcome(floor.name, "A0", "sale", note="called her at work")
    inbox.apply(store, [inbox.Received("1-0", outcome)], now=NOW)
    floor.lease(2)
    leases.postpone(store, floor.name, OWNER, ["L1"], until=NOW + 60, why="hours: lunch", now=NOW)
    floor.add({"lead_id": "young", "phone": number(77).clear})
    floor.take_in(NOW + DAY)

    gone = all_slices(lambda cursor: retention.purge_leads(store, floor.name, NOW + DAY, cursor))

    assert gone == 6
    rows, _ = leads.page(store, floor.name)
    assert [row.lead_id for row in rows] == ["young"]
    known = campaign_data(store, floor.name)
    assert not {b"A0", *(f"L{i}".encode() for i in range(6)), *(digits(number(i)).encode() for i in range(6))} & known
    assert {b"young", digits(number(77)).encode()} <= known
    assert len(contacts.history(store, digits(number(0)))) == 1
    assert counts(store, floor.name, NOW).accepted == 7
    floor.fill(1)
    assert counts(store, floor.name, NOW).accepted == 8, "a lead may come again"


def test_a_lead_in_an_attempt_stays_until_it_has_ended(floor: Floor, end: Callable[..., Settlement]) -> None:
    """And until the CRM has been told."""
    floor.fill(1)
    store = floor.store
    (dialled,) = floor.dial(1)

    assert retention.purge(store, floor.name, ["L0"], counter="purged") == (Purged.HELD,)
    settle(store, [end(dialled)], OWNER)
    trip(store, [("HSET", store.keys.unannounced(floor.name), "A0", b"x")])
    assert retention.purge(store, floor.name, ["L0"], counter="purged") == (Purged.HELD,)
    trip(store, [("DEL", store.keys.unannounced(floor.name))])
    assert retention.purge(store, floor.name, ["L0", "L0"], counter="purged") == (Purged.GONE, Purged.ABSENT)


def test_a_purged_lead_is_not_dialled_by_who_holds_it(floor: Floor) -> None:
    """Its lease is gone, so no attempt is opened."""
    floor.fill(1)
    held = floor.lease(1)

    retention.purge(floor.store, floor.name, ["L0"], counter="purged")

    (answer,) = floor.screen(held)
    assert not isinstance(answer, Permitted)


def test_a_held_lead_may_be_closed_after_its_attempt(floor: Floor, end: Callable[..., Settlement]) -> None:
    """It is not called again in between."""
    floor.fill(1)
    (dialled,) = floor.dial(1)
    retention.purge(floor.store, floor.name, ["L0"], counter="erased", close_why="erased on request")

    settle(floor.store, [end(dialled)], OWNER)

    row = leads.story(floor.store, floor.name, "L0").row
    assert (row.state, row.why) == (LeadState.CLOSED, "erased on request")


def test_attempts_for_which_the_story_had_no_room_go_too(floor: Floor, end: Callable[..., Settlement]) -> None:
    """Ended attempts and outcomes of leads that are gone; others stay."""
    floor.fill(2)
    store, keys = floor.store, floor.store.keys
    settle(store, [end(one) for one in floor.dial(2)], OWNER)
    inbox.apply(store, [inbox.Received("1-0", inbox.Outcome(floor.name, "A0", "sale"))], now=NOW)
    trip(store, [("HDEL", keys.story(floor.name), "L0")])
    retention.purge(store, floor.name, ["L0"], counter="purged")

    assert all_slices(lambda cursor: retention.purge_attempts(store, floor.name, cursor)) == 1

    assert trip(store, [("HKEYS", keys.ended(floor.name))])[0] == [b"A1"]
    assert trip(store, [("EXISTS", keys.outcomes(floor.name))])[0] == 0
    with pytest.raises(UnknownLead):
        leads.story(store, floor.name, "L0")


def test_entries_of_streams_go_by_their_age(store: Store) -> None:
    """Rejected leads and events, thousands of them, to the millisecond."""
    for stream, purge in (
        (store.keys.rejected("spring"), lambda cursor: retention.purge_rejected(store, "spring", NOW, cursor)),
        (store.keys.crm_out(), lambda cursor: retention.purge_events(store, NOW, cursor)),
    ):
        ids = [f"{int(NOW * 1000) - 2500 + i}-0" for i in range(2600)]
        trip(store, [("XADD", stream, one, "x", "y") for one in ids])

        assert all_slices(purge) == 2500
        assert trip(store, [("XRANGE", stream, "-", "+", "COUNT", 1)])[0][0][0] == ids[2500].encode()
        assert purge("") == Slice(0)


def test_contact_histories_go_when_their_newest_contact_is_old(store: Store) -> None:
    """Of numbers, customers and accounts alike, wherever they are; who has a newer contact keeps all."""
    old, both = packed(NOW - 401 * DAY, "spring", "", "A", ""), packed(NOW - DAY, "spring", "", "B", "")
    subjects = [Subject(Per.NUMBER, digits(number(i))) for i in range(40)]
    subjects += [Subject(Per.CUSTOMER, f"C{i}") for i in range(10)] + [Subject(Per.ACCOUNT, "X")]
    fields = [subject_field(subject) for subject in subjects]
    for i, field in enumerate(fields):
        trip(store, [("HSET", store.keys.history(place(field)), field, old + both if i % 3 == 0 else old)])

    gone = all_slices(lambda cursor: retention.purge_contacts(store, NOW - 400 * DAY, cursor))

    left = [field for field in fields if trip(store, [("HEXISTS", store.keys.history(place(field)), field)])[0]]
    assert left == fields[::3]
    assert gone == len(fields) - len(left)


def test_a_history_that_is_written_to_meanwhile_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading it and deleting it an attempt was counted."""
    field = digits(number(1))
    key = store.keys.history(place(field))
    old = packed(NOW - 401 * DAY, "spring", "", "A", "")
    trip(store, [("HSET", key, field, old)])
    index = place(field).shard * BUCKETS + place(field).bucket
    real = retention.trip

    def interrupted(store: Store, calls: Any) -> list[Any]:
        replies = real(store, calls)
        if isinstance(calls[0], tuple):  # reading; the scripts delete
            trip(store, [("HSET", key, field, old + packed(NOW, "spring", "", "B", ""))])
        return replies

    monkeypatch.setattr(retention, "trip", lambda store, calls: interrupted(store, list(calls)) if calls else [])

    assert retention.purge_contacts(store, NOW - 400 * DAY, str(index)).gone == 0
    assert len(contacts.history(store, field)) == 2


def test_the_cursor_over_the_histories_goes_on_where_it_was(store: Store) -> None:
    """A slice is some hashes, and the last one says so."""
    assert retention.purge_contacts(store, NOW).cursor == str(retention.BUCKETS_AT_ONCE)
    assert retention.purge_contacts(store, NOW, str(SHARDS * BUCKETS - 3)) == Slice(0)


def test_what_cannot_be_read_stays(floor: Floor) -> None:
    """A lead and a history of another release are left to it."""
    keys = floor.store.keys
    trip(floor.store, [("HSET", keys.lead(floor.name), "odd", msgpack.packb([1]))])
    trip(floor.store, [("HSET", keys.history(place("1")), "1", b"short")])

    assert retention.purge_leads(floor.store, floor.name, NOW) == Slice(0)
    assert all_slices(lambda cursor: retention.purge_contacts(floor.store, NOW, cursor)) == 0


def test_one_daemon_deletes_until_it_is_silent(store: Store) -> None:
    """Who came first goes on, another waits for its end."""
    assert retention.claim(store, "a:1", 60)
    assert not retention.claim(store, "b:1", 60)
    assert retention.claim(store, "a:1", 60)
    trip(store, [("DEL", store.keys.housekeeper())])
    assert retention.claim(store, "b:1", 60)


def test_a_round_goes_on_where_it_was(store: Store) -> None:
    """After a restart; what another release wrote is begun anew."""
    assert retention.load(store) is None
    going = Round(NOW, "contacts", "", "640", 17)
    retention.save(store, going)
    assert retention.load(store) == going
    trip(store, [("SET", store.keys.retention(), '{"other": 1}')])
    assert retention.load(store) is None
