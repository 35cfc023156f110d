"""The end of an attempt: free what it held, say what it was, decide what follows.

Exactly one `Settle` leaves here for every permit that came in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Final

from compliance.api import Permit
from dialer.core.abandonment import counts as abandonment
from dialer.core.abandonment.windows import zone_of
from dialer.core.agents.agent import AgentState, come_free, pause_after
from dialer.core.calls import recording
from dialer.core.calls.call import Call, CallState, CallTrigger
from dialer.core.calls.dispositions import (
    NO_SIGN,
    PHONE_DIED,
    TRUNK_FAULTS,
    Counted,
    TrunkFault,
    counts,
    disposition_of,
    is_charged,
)
from dialer.core.calls.retries import NOT_SENT_DELAY_S, next_step
from dialer.core.campaign_run import CampaignRun
from dialer.core.effects import OptOut, Send, Settle
from dialer.core.engine_state import EngineState
from dialer.core.inbound.arrival import Arrival
from dialer.core.inbound.ending import back_to
from dialer.core.leads.retry_windows import zones_of
from dialer.core.model import Close, Disposition, Lead, NextStep, Retry, Settlement
from dialer.core.talks import parties
from dialer.language.phrases import phrase
from dialer.language.terms import term
from pacing.api import CallAbandoned, CallFailed, ScriptEnded, TalkEnded
from sip.causes import Cause, Leg
from sip.messages import Ended, HangUp
from sip.scripts.messages import AgentLeft

_WHO_WANTS_IT: Final = {Cause.AGENT: Leg.AGENT}
_OF_NO_TRUNK: Final = frozenset({Disposition.NOT_SENT, Disposition.WORKER_LOST})
"""Ends that say nothing about the trunk."""

OPTED_OUT: Final = "opted out by a key during the message"


def ended(state: EngineState, event: Ended, now: float) -> None:
    """A worker's word that a call is over. Unknown calls were given up earlier and are only noted."""
    call = state.call_on(event.call)
    if call is None:
        state.anomaly("settling", f"end of unknown call {event.call} ({event.cause})")
        return
    if call.hung_up_for is not None and event.ended_by is Leg.DIALER and event.cause is not Cause.WORKER_LOST:
        event = replace(event, cause=call.hung_up_for, ended_by=_WHO_WANTS_IT.get(call.hung_up_for, Leg.DIALER))
    recording.ended(state, call, event.at)
    parties.talk_ended(state, call, now)
    state.remove_call(call.attempt)
    run = state.campaigns[call.campaign]
    disposition = disposition_of(call.state, event.cause, event.ended_by, call.answer_kind)
    free_trunk(state, call, disposition, event, now)
    _free_agent(state, call, run, event, now)
    counted = Counted()
    wanted_at = call.agent_wanted_at
    if call.answered_at is not None and wanted_at is not None and not call.is_inbound:
        counted = counts(
            answered_at=wanted_at,
            bridged_at=call.bridged_at,
            ended_at=event.at,
            ended_by=event.ended_by,
            abandon_after_s=call.abandon_after_s,
            kind=call.answer_kind,
        )
        if counted.live:
            answered_at = call.answered_at + state.wall_ahead_s
            abandonment.live_answer(run, answered_at, abandoned=counted.abandoned, hung_up=counted.hung_up)
    _observe(run, call, event.at, disposition, abandoned=counted.abandoned)
    state.changed.add(run.name)
    if disposition is Disposition.UNWANTED and not call.opted_out:  # RFC 8197: the callee wants no such calls
        state.do(OptOut(call.campaign, call.attempt, call.lead.number, "", event.at))
    step = Close(OPTED_OUT) if call.opted_out else _next_step(run, call, disposition, now + state.wall_ahead_s)
    state.do(Settle(_settlement(call, event, disposition, counted, step)))


def _next_step(run: CampaignRun, call: Call, disposition: Disposition, at: float) -> NextStep:
    """`at` is seconds since the epoch."""
    if isinstance(call.permit, Arrival) and call.bridged_at is None:
        return back_to(call.permit.due_at, call.permit.number_index, at)
    settings = run.settings

    def zones(lead: Lead) -> Sequence[tzinfo | None]:  # few rows of the table ask for them
        return zones_of(lead, believe_stated_zone=settings.believe_stated_zone, otherwise=zone_of(settings))

    return next_step(call.lead, disposition, settings.retry, at, zones, answered=call.answered_at is not None)


def free_trunk(state: EngineState, call: Call, disposition: Disposition, event: Ended, now: float) -> None:
    """Give the trunk its channel back, and let its breaker know how it did."""
    trunk, fault = state.trunks[call.trunk], TRUNK_FAULTS.get(disposition)
    trunk.end()
    if call.is_inbound:
        return
    if fault is not None and event.retry_after_s > 0:
        trunk.leave_alone(now, event.retry_after_s)
    if call.answered_at is not None and disposition is Disposition.MEDIA_ERROR:
        trunk.answered_mute(now, call.started_at)
    elif fault is TrunkFault.CERTAIN:
        trunk.failed(now, call.started_at)
    elif fault is TrunkFault.LIKELY and call.ringing_at is None:
        trunk.refused(now, call.started_at)
    elif disposition not in _OF_NO_TRUNK:
        if call.answered_at is not None:
            trunk.heard()
        trunk.worked(now, call.started_at)


def free_talker(state: EngineState, call: Call, run: CampaignRun, event: Ended | AgentLeft, now: float) -> None:
    """An agent's talk is over. One whose phone is gone is paused after the wrap-up."""
    agent = state.roster.get(call.agent)
    if agent is None or agent.call != call.attempt:
        return
    by_agent = isinstance(event, AgentLeft) or event.ended_by is Leg.AGENT
    if by_agent and event.cause in PHONE_DIED:
        agent = pause_after(agent, phrase("phone is gone ({cause})", cause=term(event.cause)))
    state.wrap_up(agent, run, now)


def _free_agent(state: EngineState, call: Call, run: CampaignRun, event: Ended, now: float) -> None:
    agent = state.roster.get(call.agent or call.asked_by)
    if agent is None or agent.call != call.attempt:
        return
    if agent.state is AgentState.TALKING and call.hung_up_for is not Cause.MACHINE:
        free_talker(state, call, run, event, now)
    elif call.hung_up_for is not None:
        state.put_agent(come_free(agent, now))
    elif agent.state is AgentState.RINGING and call.state in {CallState.MESSAGE, CallState.HANGING_UP}:
        state.phone_silent(agent, now)  # rung until the limit passed
    else:
        state.put_agent(come_free(agent, now))


def _observe(run: CampaignRun, call: Call, at: float, disposition: Disposition, *, abandoned: bool) -> None:
    if call.answered_at is None and disposition not in NO_SIGN and not call.is_inbound:
        run.observations.append(CallFailed(at, at - call.started_at, call.trunk))
    if call.bridged_at is not None and call.agent_left_at is None:
        run.observations.append(TalkEnded(at, at - call.bridged_at))
    if call.automated and call.transfer_at is None:
        run.observations.append(ScriptEnded(at, wanted_agent=False))
    if abandoned:
        run.observations.append(CallAbandoned(at))


def _settlement(call: Call, event: Ended, disposition: Disposition, counted: Counted, next_: NextStep) -> Settlement:
    return Settlement(
        attempt=call.attempt,
        lead=call.lead,
        trunk=call.trunk,
        failed_trunks=call.failed_trunks,
        disposition=disposition,
        next_step=next_,
        live=counted.live,
        abandoned=counted.abandoned,
        hung_up=counted.hung_up,
        charged=not call.is_inbound
        and is_charged(disposition, rang=call.ringing_at is not None or call.answered_at is not None),
        cause=event.cause,
        ended_by=event.ended_by,
        sip_code=event.sip_code,
        q850=event.q850,
        reason=event.reason,
        caller_id=call.permit.caller_id,
        agent=call.agent if call.bridged_at is not None else "",
        reserved_at=call.reserved_at,
        dialled_at=call.dialled_at,
        ringing_at=call.ringing_at,
        answered_at=call.answered_at,
        answer_kind=call.answer_kind,
        judged="" if call.judged is None else call.judged.kind.value,
        confidence=0.0 if call.judged is None else call.judged.confidence,
        message_left=call.message_left and event.cause is not Cause.MEDIA_ERROR,
        stands_for=call.stands_for if call.bridged_at is not None else 0,
        agent_dialled_at=call.agent_dialled_at,
        bridged_at=call.bridged_at,
        transfer_at=call.transfer_at,
        agent_left_at=call.agent_left_at,
        ended_at=event.at,
        message_played=call.message_played and event.cause is not Cause.MEDIA_ERROR,
        opted_out=call.opted_out,
        inbound=call.is_inbound,
        wants_callback=call.wants_callback,
        crossed_cancel=call.crossed_cancel,
    )


def settle_unsent(state: EngineState, lead: Lead, permit: Permit, trunk: str, now: float) -> None:
    """The permit came too late: settle the attempt as one that never left."""
    reason = "no longer wanted when the permit came"
    state.do(Settle(unsent(lead, permit.attempt, trunk, reason, now, caller_id=permit.caller_id)))


def unsent(lead: Lead, attempt: str, trunk: str, reason: str, now: float, *, caller_id: str = "") -> Settlement:
    """The settlement of an attempt that was, or may have been, reserved and written down while no INVITE ever left.
    `caller_id` is the number that it would have shown, if anybody knows."""
    return Settlement(
        attempt=attempt,
        lead=lead,
        trunk=trunk,
        disposition=Disposition.NOT_SENT,
        next_step=Retry(NOT_SENT_DELAY_S, lead.number_index),
        live=False,
        abandoned=False,
        charged=False,
        cause=Cause.NOT_SENT,
        ended_by=Leg.DIALER,
        reason=reason,
        caller_id=caller_id,
        reserved_at=now,
        ended_at=now,
    )


def hang_up_answered(state: EngineState, call: Call, now: float) -> None:
    """End an answered call."""
    state.move(call, CallTrigger.HANG_UP)
    state.do(Send(HangUp(call.dial_id)))
    state.watch_state(call, now)


def give_up(state: EngineState, call: Call, now: float) -> None:
    """No end came for a call within its state's limit: settle it as lost, so that nothing leaks."""
    state.anomaly("settling", f"call {call.attempt} stayed {call.state} without an end; given up")
    state.do(Send(HangUp(call.dial_id)))  # should the worker still have it after all
    ended(
        state,
        Ended(
            call=call.dial_id,
            at=now,
            cause=Cause.WORKER_LOST,
            ended_by=Leg.DIALER,
            sip_code=0,
            q850=0,
            reason=f"no end while {call.state}",
        ),
        now,
    )
