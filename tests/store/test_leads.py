"""Looking at leads: masked, in pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dialer.store import contacts, control, crm_in, leads, leases
from dialer.store.connection import trip
from dialer.store.errors import StoreError, UnknownLead
from dialer.store.keys import digits
from dialer.store.leads import LeadState
from dialer.store.settle import settle
from dialer.store.settlements import Settled
from dialer.store.status import counts
from tests.store.conftest import NOW, OWNER, Floor, number


def all_rows(floor: Floor, state: LeadState | None = None, count: int = 7) -> list[leads.LeadRow]:
    rows: list[leads.LeadRow] = []
    cursor = ""
    for _ in range(1000):
        page, cursor = leads.page(floor.store, floor.name, state=state, cursor=cursor, count=count)
        rows += page
        if not cursor:
            return rows
    raise AssertionError("the pages do not end")


def test_pages_show_every_lead_once_masked(floor: Floor) -> None:
    """To the end, and never a whole number."""
    floor.fill(300)

    rows = all_rows(floor, count=50)

    assert {row.lead_id for row in rows} == {f"L{i}" for i in range(300)}
    assert next(row for row in rows if row.lead_id == "L7").number == "+86138****0007"


def test_leads_are_listed_by_state(floor: Floor) -> None:
    """Each where it is, with the time that belongs to it."""
    floor.fill(10)
    floor.dial(1)
    floor.lease(2)
    leases.postpone(floor.store, floor.name, OWNER, ["L1"], until=NOW + 60, why="hours: lunch", now=NOW)
    floor.lease(1)
    leases.close(floor.store, floor.name, OWNER, ["L3"], kind="expired", why="too old", now=NOW + 5)

    listed = {state: [(row.lead_id, row.at, row.why) for row in all_rows(floor, state)] for state in LeadState}

    assert listed[LeadState.IN_ATTEMPT] == [("L0", NOW + 120, "")]
    assert listed[LeadState.WAITING] == [("L1", NOW + 60, "hours: lunch")]
    assert listed[LeadState.LEASED] == [("L2", NOW + 120, "")]
    assert listed[LeadState.CLOSED] == [("L3", NOW + 5, "too old")]
    assert listed[LeadState.DUE] == [(f"L{i}", NOW, "") for i in range(4, 10)]


def test_a_lead_tells_its_story(floor: Floor) -> None:
    """All of it, masked."""
    floor.add({"lead_id": "L1", "phones": [number(1).clear, number(2).clear], "name": "王芳", "attrs": {"a": 1}})
    floor.take_in()
    floor.dial()

    story = leads.story(floor.store, floor.name, "L1")

    assert story.numbers == ("+86138****0001", "+86138****0002")
    assert (story.owner, story.open_attempt, story.row.state) == (OWNER, "A0", LeadState.IN_ATTEMPT)
    assert (story.row.name, story.attrs, story.attempts) == ("王芳", {"a": 1}, ())


def test_old_leads_are_purged_with_their_data(floor: Floor, end: Callable[..., Settled]) -> None:
    """Lead, numbers, attempts and outcomes are gone; the contact history and the counters stay, the trail says who."""
    floor.fill(3)
    first, second = floor.dial(2)
    store = floor.store
    settle(store, [end(first, ended_at=NOW), end(second, ended_at=NOW + 500)], OWNER)
    outcome = crm_in.Outcome(floor.name, "A0", "sale")
    crm_in.read(store, OWNER, 1, 0)
    crm_in.apply(store, [crm_in.Received("1-0", outcome)], now=NOW)
    before = _campaign_data(floor)

    assert leads.purge(store, floor.name, closed_before=NOW + 500, who="ann", now=NOW + 900) == 1
    assert leads.purge(store, floor.name, closed_before=NOW + 500, who="ann", now=NOW + 900) == 0

    assert b"L0" in before
    assert b"A0" in before
    after = _campaign_data(floor)
    assert not {b"L0", b"A0", digits(number(0)).encode()} & after
    assert {b"L1", b"A1", b"L2"} <= after
    assert len(contacts.history(store, number(0))) == 1
    assert control.audit_trail(store, 1)[0].what == "purge"
    floor.fill(1)
    assert counts(store, floor.name, NOW).accepted == 4, "the lead may come again"


def _campaign_data(floor: Floor) -> set[bytes]:
    """Every field and member in the hashes and sorted sets of the campaign."""
    found: set[bytes] = set()
    for key in trip(floor.store, [("KEYS", f"dialer:{{{floor.name}}}:*")])[0]:
        kind = trip(floor.store, [("TYPE", key)])[0]
        if kind == b"hash":
            found.update(trip(floor.store, [("HKEYS", key)])[0])
        elif kind == b"zset":
            found.update(trip(floor.store, [("ZRANGE", key, 0, -1)])[0])
    return found


def test_what_is_not_there_is_said(floor: Floor) -> None:
    """Unknown leads and cursors that are none of ours."""
    with pytest.raises(UnknownLead, match="campaign 'spring' has no lead 'x'"):
        leads.story(floor.store, floor.name, "x")
    with pytest.raises(StoreError, match="not a cursor"):
        leads.page(floor.store, floor.name, cursor="-1")
