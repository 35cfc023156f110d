"""Looking at leads: masked, in pages."""

from __future__ import annotations

import pytest

from dialer.store.base.errors import StoreError, UnknownLead
from dialer.store.leads import leads, leases
from dialer.store.leads.leads import LeadState
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


def test_what_people_wrote_is_shown_masked(floor: Floor) -> None:
    """A number in the name, in attrs, in where the consent is to be found."""
    floor.add(
        {
            "lead_id": "L1",
            "phone": number(1).clear,
            "name": "王芳 138 0000 1234",
            "consent_at": NOW - 60,
            "consent_source": "called us from 13800001235",
            "attrs": {"second": "13800001236", "13800001237": 13_800_001_238, "vip": True},
        }
    )
    floor.take_in()

    story = leads.story(floor.store, floor.name, "L1")

    assert (story.row.name, story.consent_source) == ("王芳 *******1234", "called us from *******1235")
    assert story.attrs == {"second": "*******1236", "*******1237": "*******1238", "vip": True}
    assert (story.consent_at, story.consent_until, story.came_in_at) == (NOW - 60, None, NOW)


def test_what_is_not_there_is_said(floor: Floor) -> None:
    """Unknown leads and cursors that are none of ours."""
    with pytest.raises(UnknownLead, match="campaign 'spring' has no lead 'x'"):
        leads.story(floor.store, floor.name, "x")
    with pytest.raises(StoreError, match="not a cursor"):
        leads.page(floor.store, floor.name, cursor="-1")
