"""The end of an attempt: free what it held, say what it was, decide what follows.

Exactly one `Settle` leaves here for every permit that came in.
"""

from __future__ import annotations

from typing import Final

from compliance.api import Permit
from dialer.core.abandonment import counts as abandonment
from dialer.core.agents.agent import AgentState, come_free
from dialer.core.calls.call import Call, CallState
from dialer.core.calls.dispositions import (
    NO_SIGN,
    TRUNK_FAULTS,
    TRUNK_REFUSALS,
    Counted,
    counts,
    disposition_of,
    is_charged,
)
from dialer.core.calls.retries import NOT_SENT_DELAY_S, next_step
from dialer.core.campaign_run import CampaignRun
from dialer.core.effects import OptOut, Send, Settle
from dialer.core.engine_state import Floor
from dialer.core.model import Close, Disposition, Lead, NextStep, Retry, Settlement
from pacing.api import CallAbandoned, CallFailed, TalkEnded
from sip.causes import Cause, Leg
from sip.messages import Ended, HangUp

OPTED_OUT: Final = "opted out by a key during the message"


def ended(floor: Floor, told: Ended, now: float) -> None:
    """A worker's word that a call is over. Unknown calls were given up earlier and are only noted."""
    call = floor.remove_call(told.call)
    if call is None:
        floor.anomaly("settling", f"end of unknown call {told.call} ({told.cause})")
        return
    run = floor.campaigns[call.campaign]
    disposition = disposition_of(call.state, told.cause, told.ended_by, call.answer_kind)
    _free_trunk(floor, call, disposition, now)
    _free_agent(floor, call, run, now)
    counted = counts(
        answered_at=call.answered_at,
        bridged_at=call.bridged_at,
        ended_at=told.at,
        ended_by=told.ended_by,
        abandon_after_s=call.abandon_after_s,
        kind=call.answer_kind,
    )
    if counted.live and call.answered_at is not None:
        answered_at = call.answered_at + floor.wall_ahead_s
        abandonment.live_answer(run, answered_at, abandoned=counted.abandoned, hung_up=counted.hung_up)
    _observe(run, call, told.at, disposition, abandoned=counted.abandoned)
    floor.changed.add(run.name)
    if disposition is Disposition.UNWANTED and not call.opted_out:  # RFC 8197: the callee wants no such calls
        floor.do(OptOut(call.campaign, call.attempt, call.lead.number, "", told.at))
    step = Close(OPTED_OUT) if call.opted_out else next_step(call.lead, disposition, run.settings.retry)
    floor.do(Settle(_settlement(call, told, disposition, counted, step)))


def _free_trunk(floor: Floor, call: Call, disposition: Disposition, now: float) -> None:
    trunk = floor.trunks[call.trunk]
    trunk.end()
    if disposition in TRUNK_FAULTS:
        trunk.failed(now, call.started_at)
    elif disposition in TRUNK_REFUSALS and call.ringing_at is None:
        trunk.refused(now, call.started_at)
    elif disposition not in {Disposition.NOT_SENT, Disposition.WORKER_LOST}:
        trunk.worked(call.started_at)


def _free_agent(floor: Floor, call: Call, run: CampaignRun, now: float) -> None:
    agent = floor.roster.get(call.agent or call.asked_by)
    if agent is None or agent.call != call.attempt:
        return
    if agent.state is AgentState.TALKING:
        floor.wrap_up(agent, run, now)
    elif agent.state is AgentState.RINGING and call.state in {CallState.MESSAGE, CallState.HANGING_UP}:
        floor.phone_silent(agent, now)  # rung until the limit passed
    else:
        floor.put_agent(come_free(agent, now))


def _observe(run: CampaignRun, call: Call, at: float, disposition: Disposition, *, abandoned: bool) -> None:
    if call.answered_at is None and disposition not in NO_SIGN:
        run.observations.append(CallFailed(at, at - call.started_at, call.trunk))
    if call.bridged_at is not None:
        run.observations.append(TalkEnded(at, at - call.bridged_at))
    if abandoned:
        run.observations.append(CallAbandoned(at))


def _settlement(call: Call, told: Ended, disposition: Disposition, counted: Counted, next_: NextStep) -> Settlement:
    return Settlement(
        attempt=call.attempt,
        lead=call.lead,
        trunk=call.trunk,
        disposition=disposition,
        next_step=next_,
        live=counted.live,
        abandoned=counted.abandoned,
        hung_up=counted.hung_up,
        charged=is_charged(disposition, rang=call.ringing_at is not None or call.answered_at is not None),
        cause=told.cause,
        ended_by=told.ended_by,
        sip_code=told.sip_code,
        q850=told.q850,
        reason=told.reason,
        caller_id=call.permit.caller_id,
        agent=call.agent if call.bridged_at is not None else "",
        reserved_at=call.reserved_at,
        dialled_at=call.dialled_at,
        ringing_at=call.ringing_at,
        answered_at=call.answered_at,
        answer_kind=call.answer_kind,
        agent_dialled_at=call.agent_dialled_at,
        bridged_at=call.bridged_at,
        ended_at=told.at,
        message_played=call.message_played,
        opted_out=call.opted_out,
        crossed_cancel=call.crossed_cancel,
    )


def settle_unsent(floor: Floor, lead: Lead, permit: Permit, trunk: str, now: float) -> None:
    """The permit came too late: settle the attempt as one that never left."""
    reason = "no longer wanted when the permit came"
    floor.do(Settle(unsent(lead, permit.attempt, trunk, reason, now, caller_id=permit.caller_id)))


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


def give_up(floor: Floor, call: Call, now: float) -> None:
    """No end came for a call within its state's limit: settle it as lost, so that nothing leaks."""
    floor.anomaly("settling", f"call {call.attempt} stayed {call.state} without an end; given up")
    floor.do(Send(HangUp(call.attempt)))  # should the worker still have it after all
    ended(
        floor,
        Ended(
            call=call.attempt,
            at=now,
            cause=Cause.WORKER_LOST,
            ended_by=Leg.DIALER,
            sip_code=0,
            q850=0,
            reason=f"no end while {call.state}",
        ),
        now,
    )
