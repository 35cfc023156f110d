"""Who calls back: found by the number, kept from the dialler until the call has ended, told of once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compliance import caps
from compliance.api import Per
from compliance.cap_windows import Rolling
from compliance.caps import Cap, Counts, Scope
from compliance.contacts import Mark
from compliance.numbers import E164
from dialer.core.effects import FindCaller
from dialer.core.inbound.ending import back_to
from dialer.core.inputs import CallerFound
from dialer.core.model import Close, Disposition, Lead, Retry, Settlement
from dialer.store.base.connection import Store, trip
from dialer.store.base.keys import digits
from dialer.store.crm import inbox, wishes
from dialer.store.crm.requests import Received
from dialer.store.gate import contacts
from dialer.store.leads import callbacks, callers
from dialer.store.leads.leads import LeadState, look, story
from dialer.store.operators import campaigns
from dialer.store.operators.status import counts
from dialer.store.settlement import ledger, recovery, settle
from sip.causes import Cause, Leg
from tests.crm_events import heard
from tests.store.conftest import NOW, OWNER, Floor, number

MONTH_S = 30 * 86_400.0
SCOPE = Scope.of("spring", "@spring")
CALL = "19f-ab12-000001"


def called(floor: Floor, end: Any, **more: Any) -> None:
    """L0 was called, by ann, and is due again in an hour."""
    floor.fill(1, **more)
    item = end(floor.dial()[0], Disposition.CONNECTED, Retry(3600.0, 0), live=True)
    settle.settle(floor.store, [replace(item, agent="ann")], OWNER)


def calls(floor: Floor, of: E164 | None = None, now: float = NOW + 100, call: str = CALL) -> CallerFound | None:
    """Somebody calls, and the lead is kept."""
    found = callers.find_and_keep(floor.store, a_wish(floor, of, call), OWNER, since=now - MONTH_S, now=now)
    return None if found.lead is None else found


def a_wish(floor: Floor, of: E164 | None = None, call: str = CALL) -> FindCaller:
    return FindCaller(call, of or number(0), "main", "+861065550000", (floor.name,))


def ended(found: CallerFound, **given: Any) -> Settlement:
    """The call that was kept for has ended."""
    lead, at = found.lead, NOW + 200
    assert lead is not None
    given = {"disposition": Disposition.HUNG_UP, "next_step": back_to(found.due_at, lead.number_index, at), **given}
    return Settlement(
        **{
            "attempt": found.call,
            "lead": lead,
            "trunk": "main",
            "live": False,
            "abandoned": False,
            "charged": False,
            "inbound": True,
            "cause": Cause.NORMAL,
            "ended_by": Leg.CALLEE,
            "reason": "",
            "caller_id": "+861065550000",
            "reserved_at": NOW + 100,
            "answered_at": NOW + 101,
            "ended_at": at,
            "day": "2026-03-03",
            **given,
        }
    )


def state_of(floor: Floor) -> tuple[LeadState, float]:
    (seen,) = look(floor.store, floor.name, ["L0"])
    return seen.state, seen.at


def test_a_caller_is_found_and_kept(floor: Floor, end: Any) -> None:
    """By the number, with the last agent; nobody else gets the lead meanwhile."""
    called(floor, end)
    found = calls(floor)
    assert found is not None
    assert found.lead is not None
    assert (found.lead.lead_id, found.lead.last_agent, found.held, found.due_at) == ("L0", "ann", True, NOW + 3660)
    assert state_of(floor)[0] is LeadState.IN_ATTEMPT
    assert floor.lease(now=NOW + 9000) == ()


def test_nobody_whom_we_did_not_call_lately_is_found(floor: Floor, end: Any) -> None:
    """A lead that was never called, a call from too long ago, another number."""
    floor.fill(1)
    assert calls(floor) is None
    called(floor, end)
    assert calls(floor, number(5)) is None
    assert calls(floor, now=NOW + MONTH_S + 3600) is None


def test_of_several_leads_the_last_called_counts(floor: Floor, end: Any, store: Store) -> None:
    """Whichever campaign it is in."""
    called(floor, end)
    other = Floor(store, floor.settings.model_copy(update={"name": "autumn"}), attempts=50)
    campaigns.create(store, other.settings, who="test", now=NOW)
    other.fill(1)
    item = end(other.dial(now=NOW + 40)[0], Disposition.NO_ANSWER, Retry(60.0, 0))
    settle.settle(store, [item], OWNER)
    found = callers.find(store, [floor.name, "autumn"], number(0), since=NOW, now=NOW + 100)
    assert found is not None
    assert found.lead.campaign == "autumn"


@pytest.mark.parametrize("begun", [True, False])
def test_a_lead_whose_call_ends_just_then_is_due_as_that_call_said(floor: Floor, end: Any, begun: bool) -> None:
    """Also where it had not begun when the lead was looked at: as things were then it would be dialled too soon."""
    called(floor, end)
    dialled = floor.dial(now=NOW + 3700) if begun else ()
    seen = callers.find(floor.store, [floor.name], number(0), since=NOW, now=NOW + 3701)
    assert seen is not None
    (outbound,) = dialled or floor.dial(now=NOW + 3702)
    settle.settle(floor.store, [end(outbound, Disposition.BUSY, Retry(3600.0, 0))], OWNER)
    assert callers.keep(floor.store, seen, a_wish(floor), OWNER, NOW + 3703) is None
    due_at = state_of(floor)[1]
    found = calls(floor, now=NOW + 3703)
    assert found is not None
    assert (found.held, found.due_at) == (True, due_at)


def test_a_call_that_came_to_nothing_leaves_the_lead_as_it_was(floor: Floor, end: Any) -> None:
    """Due when it was, with its tries; one event, one line of its story, nothing in the ledger or its history."""
    called(floor, end)
    found = calls(floor)
    assert found is not None
    before = ledger.totals(floor.store, floor.name, ["2026-03-03"])[0]
    item = ended(found, message_played=True)
    assert settle.settle(floor.store, [item], OWNER) == (CALL,)
    assert settle.settle(floor.store, [item], OWNER) == ()
    state, at = state_of(floor)
    assert (state, at) == (LeadState.WAITING, pytest.approx(NOW + 3660))
    lines = story(floor.store, floor.name, "L0")
    assert ([line.disposition for line in lines.attempts], lines.row.tries) == (["connected"], 1)
    assert [(line.what, line.attempt) for line in lines.history] == [("inbound_not_served", CALL)]
    assert ledger.totals(floor.store, floor.name, ["2026-03-03"])[0] == before
    told = counts(floor.store, floor.name, NOW)
    assert (told.callers, told.dispositions) == ({"not_served": 1}, {"connected": 1})
    (event,) = [event for event in heard(floor.store) if event.kind == "inbound_call"]
    assert (event.id, event.data["end"], event.data["called"]) == (CALL, "not_served", "+861065550000")
    assert "*" in event.data["phone"]


def test_a_talk_ends_like_any_other(floor: Floor, end: Any) -> None:
    """The agent's words on it count, said during the call or after it."""
    called(floor, end)
    found = calls(floor)
    assert found is not None
    said = Received("1-0", inbox.Outcome(floor.name, CALL, "sale", agent="bob"))
    assert inbox.apply(floor.store, [said], now=NOW + 150).applied == 1
    item = ended(found, disposition=Disposition.CONNECTED, agent="bob", bridged_at=NOW + 110, next_step=Close("talked"))
    settle.settle(floor.store, [item], OWNER)
    assert state_of(floor)[0] is LeadState.CLOSED
    assert counts(floor.store, floor.name, NOW).closed_by == {"sale": 1}
    (seen,) = look(floor.store, floor.name, ["L0"])
    assert seen.lead.last_agent == "bob"


@pytest.mark.parametrize("closed", [True, False])
def test_a_wish_for_a_call_is_a_callback(floor: Floor, end: Any, closed: bool) -> None:
    """Promised for later, to anybody; a closed lead is opened for it. Saying it twice changes nothing."""
    floor.fill(1)
    step = Close("done") if closed else Retry(86_400.0, 0)
    settle.settle(floor.store, [end(floor.dial()[0], Disposition.CONNECTED, step, live=True)], OWNER)
    found = calls(floor)
    assert found is not None
    assert found.held is not closed
    item = ended(found, wants_callback=True)
    for _ in range(2):
        settle.settle(floor.store, [item], OWNER)
        wishes.promise_callbacks(floor.store, [item], 900.0)
    (owed,) = callbacks.owed(floor.store, floor.name)
    assert (owed.lead_id, owed.promised_at, owed.agent, owed.due_at) == ("L0", NOW + 1100, "", NOW + 1100)


def test_a_lead_in_a_call_stays_in_it(floor: Floor) -> None:
    """Somebody who calls while we call: both calls end, each for itself."""
    floor.fill(1)
    floor.dial()
    found = calls(floor)
    assert found is not None
    assert (found.held, found.due_at) == (False, None)
    settle.settle(floor.store, [ended(found)], OWNER)
    assert state_of(floor)[0] is LeadState.IN_ATTEMPT


@pytest.mark.parametrize("dies", [True, False])
def test_a_lead_that_was_in_a_call_goes_on_as_that_one_said(floor: Floor, end: Any, dies: bool) -> None:
    """Our call ends first, and the lead is due again: the caller who gives up then, or whose daemon dies, changes
    nothing."""
    floor.fill(1)
    recovery.beat(floor.store, OWNER, 0.001, NOW)
    (outbound,) = floor.dial()
    found = calls(floor)
    assert found is not None
    settle.settle(floor.store, [end(outbound, Disposition.BUSY, Retry(3600.0, 0))], OWNER)
    before = state_of(floor)
    assert before[0] is LeadState.WAITING
    if dies:
        trip(floor.store, [("DEL", floor.store.keys.heartbeat(OWNER))])
        assert recovery.recover(floor.store, NOW + 300).attempts == 1
    else:
        assert settle.settle(floor.store, [ended(found)], OWNER) == (CALL,)
    assert state_of(floor) == before


def test_of_two_calls_of_one_lead_the_second_to_end_changes_nothing(floor: Floor, end: Any) -> None:
    """The first has the lead; it is due when it was, and stays so."""
    called(floor, end)
    first, second = calls(floor), calls(floor, call="19f-ab12-000002")
    assert first is not None
    assert second is not None
    assert (first.held, second.held) == (True, False)
    settle.settle(floor.store, [ended(first)], OWNER)
    before = state_of(floor)
    settle.settle(floor.store, [ended(second)], OWNER)
    assert state_of(floor) == before == (LeadState.WAITING, pytest.approx(NOW + 3660))


@pytest.mark.parametrize("forgotten", [True, False])
def test_a_talk_counts_as_a_conversation_and_as_no_attempt(floor: Floor, end: Any, forgotten: bool) -> None:
    """Also as a refusal, where the agent says so during it; and to a server that has forgotten that it came."""
    called(floor, end, customer_id="C-1")
    found = calls(floor)
    assert found is not None
    who = (digits(number(0)), "c:C-1")
    assert [one.marks for one in contacts.history(floor.store, who[0])][1:] == [Mark.INBOUND]
    inbox.apply(floor.store, [Received("1-0", inbox.Outcome(floor.name, CALL, "refused"))], now=NOW + 150)
    if forgotten:
        for field in who:
            trip(floor.store, [("HDEL", contacts.spot(floor.store, field).key, field)])
    item = ended(found, disposition=Disposition.CONNECTED, agent="bob", bridged_at=NOW + 110, next_step=Close("talked"))
    for _ in range(2):
        settle.settle(floor.store, [item], OWNER)
    talk = Mark.ENDED | Mark.CONVERSATION | Mark.INBOUND | (Mark(0) if forgotten else Mark.REFUSED)
    for field in who:
        history = contacts.history(floor.store, field)
        assert [one.marks for one in history][0 if forgotten else 1 :] == [talk]
    day = Rolling(86_400.0)
    told = {
        counts: caps.verdict({Per.NUMBER: history}, [Cap(2, day, counts)], scope=SCOPE, now=NOW + 300, zone=None)
        for counts in (Counts.ATTEMPTS, Counts.CONNECTS, Counts.CONVERSATIONS)
    }
    assert [told[counts] is None for counts in told] == [True, True, forgotten]


def test_who_gave_up_has_had_no_conversation(floor: Floor, end: Any) -> None:
    """And who pressed the key not to be called again has refused."""
    called(floor, end)
    found = calls(floor)
    assert found is not None
    settle.settle(floor.store, [ended(found, opted_out=True)], OWNER)
    contact = contacts.history(floor.store, digits(number(0)))[-1]
    assert contact.marks == Mark.ENDED | Mark.INBOUND | Mark.REFUSED


def test_a_stranger_has_an_end_too(floor: Floor) -> None:
    """Told and counted, also where nobody knows the number."""
    stranger = CallerFound(CALL, Lead("", floor.name, (number(7),)))
    assert settle.settle(floor.store, [ended(stranger, message_played=True)], OWNER) == (CALL,)
    assert counts(floor.store, floor.name, NOW).callers == {"stranger": 1}


def test_a_call_whose_daemon_died_is_failed_and_its_lead_goes_on(floor: Floor, end: Any) -> None:
    """The lead is due when it was; nothing is charged."""
    called(floor, end)
    recovery.beat(floor.store, OWNER, 0.001, NOW)
    assert calls(floor) is not None
    trip(floor.store, [("DEL", floor.store.keys.heartbeat(OWNER))])
    assert recovery.recover(floor.store, NOW + 300).attempts == 1
    assert state_of(floor) == (LeadState.WAITING, pytest.approx(NOW + 3660))
    assert counts(floor.store, floor.name, NOW).callers == {"failed": 1}
