"""A call from outside is let in or refused. The store is asked who calls; meanwhile it has had no answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from compliance.numbers import E164, BadNumber
from dialer.core.calls import dialling, settling
from dialer.core.calls.call import Call
from dialer.core.effects import FindCaller, Send
from dialer.core.engine_state import EngineState
from dialer.core.inbound.arrival import Arrival
from dialer.core.inbound.callers import Pending
from dialer.core.inputs import CallerFound, LeadsTaken
from dialer.core.model import NOBODY, Lead
from sip.causes import Cause, Leg
from sip.inbound.messages import Answer, Arrived, Reject
from sip.messages import Ended

NOT_FOUND: Final = 404
UNAVAILABLE: Final = 480
BUSY: Final = 486


def arrived(state: EngineState, call: Arrived, now: float) -> None:
    """Somebody calls. To whom we show no such number is none of ours; beyond the limits the line is busy."""
    settings, callers = state.settings.inbound, state.callers
    if not settings.used or state.draining or call.trunk not in state.trunks:
        _refuse(state, call, UNAVAILABLE)
        return
    shown = callers.campaign_of(call.called, state.campaigns.values())
    if shown is None:
        _refuse(state, call, NOT_FOUND)
        return
    at_once = len(callers.pending) + sum(each.is_inbound for each in state.calls.values())
    if (
        at_once >= settings.max_calls
        or state.lines_used >= state.lines_total
        or callers.calls_too_often(call.caller, settings, now)
    ):
        _refuse(state, call, BUSY)
        return
    callers.pending[call.call] = Pending(call, *shown)
    caller = _number(call.caller)
    if caller is None:
        found(state, CallerFound(call.call), now)
    else:
        state.do(FindCaller(call.call, caller, call.trunk, shown[1], tuple(state.campaigns)))


def _refuse(state: EngineState, call: Arrived, sip_code: int) -> None:
    state.do(Send(Reject(call.call, sip_code)))


def _number(caller: str) -> E164 | None:
    try:
        return E164(caller)
    except BadNumber:
        return None


def found(state: EngineState, event: CallerFound, now: float) -> None:
    """The store has said who calls: the call is answered, and the lead's, or a stranger's. The lead is nobody else's
    until the call has ended."""
    pending = state.callers.pending.pop(event.call, None)
    if pending is None:
        state.anomaly("inbound", f"who calls in {event.call} is of no interest any more")
        return
    lead = event.lead
    if lead is None or lead.campaign not in state.campaigns:
        lead = Lead("", pending.campaign, (_number(pending.call.caller) or NOBODY,))
    elif event.held:
        dialling.leads_taken(state, LeadsTaken(lead.campaign, frozenset({lead.lead_id})), now)
    call = Call(
        permit=Arrival(event.call, pending.number, lead.number_index, event.due_at),
        lead=replace(lead, number_index=event.calling_from) if lead.lead_id else lead,
        trunk=pending.call.trunk,
        reserved_at=pending.call.at,
    )
    state.add_call(call)
    state.trunks[call.trunk].take()
    state.changed.add(call.campaign)
    if pending.gone is not None:
        settling.ended(state, gave_up(call.attempt, pending.gone), now)
    else:
        state.do(Send(Answer(call.attempt, call.trunk)))


def gave_up(call: str, at: float) -> Ended:
    """The end of a call whose caller did not wait for an answer."""
    return Ended(call, at, Cause.CANCELLED, Leg.CALLEE, 487, 0, "the caller gave up")


def went(state: EngineState, event: Ended) -> bool:
    """Whether a call has ended that nobody knows the caller of yet: it is settled when that is known."""
    pending = state.callers.pending.get(event.call)
    if pending is not None:
        pending.gone = event.at
    return pending is not None
