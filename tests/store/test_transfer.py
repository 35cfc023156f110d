"""Leads that are moved or copied into another campaign."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dialer.core.inputs import Refused
from dialer.core.leads import lead_reasons
from dialer.core.model import Close, Disposition, Retry, Settlement
from dialer.store.crm import inbox
from dialer.store.leads import callbacks, funnel, leads, leases
from dialer.store.leads.bulk import changes
from dialer.store.leads.bulk.transfer import Fate, Transfer, copy, move
from dialer.store.leads.leads import LeadState
from dialer.store.operators import campaigns, status
from dialer.store.settlement.settle import settle
from tests.store.conftest import NOW, OWNER, Floor, number


@pytest.fixture
def autumn(floor: Floor) -> Floor:
    """Another campaign in the same store."""
    settings = floor.settings.model_copy(update={"name": "autumn"})
    campaigns.create(floor.store, settings, who="test", now=NOW)
    return Floor(floor.store, settings, attempts=1000)


TO_AUTUMN = Transfer("spring", "autumn", "ann@desk")
BACK = Transfer("autumn", "spring", "ann@desk")


def where(floor: Floor, lead_id: str) -> tuple[LeadState, float, str]:
    row = leads.story(floor.store, floor.name, lead_id).row
    return row.state, row.at, row.why


def test_leads_are_moved_with_their_tries(floor: Floor, autumn: Floor, end: Callable[..., Settlement]) -> None:
    """Where they were they are closed and keep their history; a waiting lead waits on, one in a call stays."""
    floor.fill(4)
    tried, calling = floor.dial(2)
    settle(floor.store, [end(tried, Disposition.NO_ANSWER, Retry(600.0, 0))], OWNER)
    leased = floor.lease(1)

    fates = move(floor.store, TO_AUTUMN, ["L0", "L1", "L2", "L3", "no such"], NOW + 100)

    assert fates == {Fate.DONE: 3, Fate.IN_CALL: 1, Fate.GONE: 1}
    assert where(floor, "L0") == (LeadState.CLOSED, NOW + 100, "moved to autumn by ann@desk")
    assert where(autumn, "L0")[:2] == (LeadState.WAITING, NOW + 660)
    *fresh, retried = autumn.lease(now=NOW + 660)
    assert [lead.lead_id for lead in fresh] == ["L2", "L3"]
    assert retried.tries == {Disposition.NO_ANSWER: 1}
    assert len(leads.story(floor.store, floor.name, "L0").attempts) == 1
    assert isinstance(floor.screen(leased)[0], Refused)
    assert status.counts(floor.store, "autumn", NOW).accepted == 3
    assert calling.lead.lead_id == "L1"


def test_what_is_there_already_stays_where_it_is(floor: Floor, autumn: Floor) -> None:
    """The same id, or the same number under another id."""
    floor.fill(3)
    autumn.add({"lead_id": "L0", "phone": number(50).clear}, {"lead_id": "other", "phone": number(1).clear})
    autumn.take_in()

    assert move(floor.store, TO_AUTUMN, ["L0", "L1", "L2"], NOW) == {Fate.DONE: 1, Fate.DUPLICATE: 2}
    assert copy(floor.store, TO_AUTUMN, ["L0", "L1"], NOW) == {Fate.DUPLICATE: 2}
    assert {lead.lead_id for lead in floor.lease()} == {"L0", "L1"}


def test_a_moved_lead_can_come_back(floor: Floor, autumn: Floor) -> None:
    """It takes the place of what it left behind."""
    floor.fill(1)
    move(floor.store, TO_AUTUMN, ["L0"], NOW)

    assert move(floor.store, BACK, ["L0"], NOW + 1) == {Fate.DONE: 1}
    assert [lead.lead_id for lead in floor.lease(now=NOW + 1)] == ["L0"]
    assert where(autumn, "L0")[0] is LeadState.CLOSED
    assert funnel.read(floor.store, floor.name, NOW + 1, None).lost == 0


def test_an_interrupted_move_is_finished_by_the_next(floor: Floor, autumn: Floor) -> None:
    """The lead was closed as moved and has not arrived."""
    floor.fill(1)
    why = lead_reasons.ordered("moved", "ann@desk", to="autumn")
    closing = changes.closed(changes.NOT_CLOSED, "moved", why)
    changes.change(floor.store, floor.name, ["L0"], closing, who="ann@desk", now=NOW)

    assert move(floor.store, TO_AUTUMN, ["L0"], NOW) == {Fate.DONE: 1}
    assert [lead.lead_id for lead in autumn.lease()] == ["L0"]


def test_a_copy_is_a_fresh_lead(floor: Floor, autumn: Floor, end: Callable[..., Settlement]) -> None:
    """Untried, due at once, with its priority; the original goes on."""
    floor.fill(1, priority=7)
    (dialled,) = floor.dial()
    settle(floor.store, [end(dialled, Disposition.NO_ANSWER, Retry(600.0, 0))], OWNER)

    assert copy(floor.store, TO_AUTUMN, ["L0"], NOW) == {Fate.DONE: 1}
    assert copy(floor.store, TO_AUTUMN, ["L0"], NOW) == {Fate.DUPLICATE: 1}

    (lead,) = autumn.lease()
    assert (lead.tries, lead.priority, lead.number) == ({}, 7, number(0))
    assert where(floor, "L0")[0] is LeadState.WAITING
    assert leases.release(floor.store, "autumn", OWNER, ["L0"], NOW) == 1


def promise(floor: Floor, end: Callable[..., Settlement], agent: str = "ann") -> None:
    """L0 was reached, and is to be called back by an agent in an hour."""
    (dialled,) = floor.dial()
    settle(floor.store, [end(dialled, Disposition.CONNECTED, Close("connected"), live=True)], OWNER)
    word = inbox.Outcome(floor.name, dialled.permit.attempt, "callback", callback_at=NOW + 3600, callback_agent=agent)
    assert inbox.apply(floor.store, [inbox.Received("1-0", word)], now=NOW + 60).applied == 1


def test_a_promised_callback_goes_along(floor: Floor, autumn: Floor, end: Callable[..., Settlement]) -> None:
    """With its time and its agent; where it was nothing is owed any more."""
    floor.fill(1)
    promise(floor, end)

    assert move(floor.store, TO_AUTUMN, ["L0"], NOW + 100) == {Fate.DONE: 1}

    assert callbacks.owed(floor.store, floor.name) == []
    assert where(autumn, "L0")[:2] == (LeadState.WAITING, NOW + 3600)
    assert [status.counts(floor.store, name, NOW + 3601).standing.overdue for name in ("spring", "autumn")] == [0, 1]
    (lead,) = autumn.lease(now=NOW + 3600)
    autumn.screen([lead], now=NOW + 3600)
    assert status.counts(floor.store, "autumn", NOW + 3601).standing.overdue == 0, "somebody is calling"
    (owed,) = callbacks.owed(floor.store, "autumn")
    assert (owed.promised_at, owed.agent) == (NOW + 3600, "ann")


def test_a_promise_outlives_an_interrupted_move(floor: Floor, autumn: Floor, end: Callable[..., Settlement]) -> None:
    """It stays with the lead that was closed as moved until that has arrived."""
    floor.fill(1)
    promise(floor, end)
    why = lead_reasons.ordered("moved", "ann@desk", to="autumn")
    closing = changes.Change("close", changes.NOT_CLOSED, kind="moved", why=why, owed=True)
    changes.change(floor.store, floor.name, ["L0"], closing, who="ann@desk", now=NOW + 100)

    assert callbacks.owed(floor.store, floor.name) == []
    assert move(floor.store, TO_AUTUMN, ["L0"], NOW + 200) == {Fate.DONE: 1}
    assert [row.promised_at for row in callbacks.owed(floor.store, "autumn")] == [NOW + 3600]
    assert where(autumn, "L0")[:2] == (LeadState.WAITING, NOW + 3600), "not called before its time"


def test_a_copy_owes_no_callback(floor: Floor, autumn: Floor, end: Callable[..., Settlement]) -> None:
    """The promise stays where it was made, and is kept once."""
    floor.fill(1)
    promise(floor, end)

    assert copy(floor.store, TO_AUTUMN, ["L0"], NOW + 100) == {Fate.DONE: 1}
    assert callbacks.owed(floor.store, "autumn") == []
    assert len(callbacks.owed(floor.store, floor.name)) == 1
