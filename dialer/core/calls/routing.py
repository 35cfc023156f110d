"""From an answer to an agent, or to the abandon message.

A call that is answered takes the agent who has waited longest, in the same step. If there is none it waits, at most
`abandon_after_s` from the answer, and is first in line for the next agent who becomes ready. What is known to be a
machine is served like anybody else, after the people who wait; if nobody comes in time it is hung up.
"""

from __future__ import annotations

from dialer.core.agents.agent import (
    Agent,
    AgentEvent,
    AgentEventKind,
    AgentEventRefused,
    AgentState,
    apply,
    come_free,
    enter,
)
from dialer.core.calls import answer_kinds, previewing
from dialer.core.calls.call import UNANSWERED, Call, CallEvent, CallState
from dialer.core.calls.dialling import cancel, drain
from dialer.core.calls.settling import give_up
from dialer.core.effects import OptOut, Publish, Send
from dialer.core.engine_state import Floor, TimerKind
from pacing.api import AnswerKind, CallAnswered, WrapupEnded
from sip.causes import Cause
from sip.messages import (
    AgentDialled,
    AgentEnded,
    Answered,
    Bridged,
    CancelAgent,
    DialAgent,
    Digit,
    HangUp,
    PlayMessage,
)


def answered(floor: Floor, call: Call, told: Answered, now: float) -> None:
    """Somebody is on the line: the clock of the abandonment limit starts."""
    floor.move(call, CallEvent.ANSWERED)
    call.answered_at = told.at
    call.crossed_cancel = told.crossed_cancel
    run = floor.campaigns[call.campaign]
    call.abandon_after_s = run.settings.abandon_after_s
    call.answer_kind = AnswerKind(told.kind)
    run.observations.append(CallAnswered(told.at, told.at - call.started_at, call.trunk, call.answer_kind))
    answer_kinds.remember(floor, call, told.at)
    floor.changed.add(run.name)
    floor.set_timer(told.at + call.abandon_after_s, TimerKind.ABANDON, call.attempt, told.at)
    if floor.ending:
        _hang_up(floor, call, now)


def serve(floor: Floor, now: float) -> None:
    """Give waiting calls to ready agents, people before machines, the longest wait first on both sides. Where campaigns
    share agents, those who count for the call's campaign come first: another campaign has called on account of the
    others. A call that an agent asked for is for that agent alone."""
    for call in sorted(floor.waiting.values(), key=_turn):
        if call.asked_by:
            asker = floor.roster.get(call.asked_by)
            if asker is not None and asker.state is AgentState.DIALLING and asker.call == call.attempt:
                _connect(floor, call, asker, now)
            continue
        if not floor.roster.ready_serving[call.campaign]:
            continue
        own = floor.ready_staff()[call.campaign] if len(floor.campaigns) > 1 else ()
        before = frozenset(agent.agent for agent in own)
        agent = floor.roster.longest_ready(call.campaign, without=call.tried, before=before)
        if agent is not None:
            _connect(floor, call, agent, now)


def _turn(call: Call) -> tuple[bool, float]:
    """What the calls that wait are sorted by."""
    return call.answer_kind is AnswerKind.MACHINE, call.answered_at or 0.0


def _connect(floor: Floor, call: Call, agent: Agent, now: float) -> None:
    floor.move(call, CallEvent.AGENT_CHOSEN)
    call.legs += 1
    call.agent, call.leg = agent.agent, f"{call.attempt}.{call.legs}"
    call.tried |= {agent.agent}
    floor.put_agent(enter(agent, AgentState.RINGING, now, call=call.attempt))
    floor.do(Send(DialAgent(call.attempt, call.leg, agent.uri, about=str(call.lead.number))))


def agent_dialled(call: Call, told: AgentDialled) -> None:
    """The INVITE to the agent's phone has left; the first one of a call is the hand-over delay that counts."""
    if call.agent_dialled_at is None:
        call.agent_dialled_at = told.at


def bridged(floor: Floor, call: Call, told: Bridged, now: float) -> None:
    """Agent and callee hear each other."""
    if told.leg != call.leg:
        floor.anomaly("serving", f"leg {told.leg} was bridged, but {call.leg} is the one that matters")
        return
    floor.move(call, CallEvent.BRIDGED)
    if call.state is not CallState.TALKING:
        return
    call.bridged_at = told.at
    agent = floor.roster.get(call.agent)
    if agent is not None and agent.call == call.attempt:
        floor.put_agent(enter(agent, AgentState.TALKING, now, call=call.attempt))
    lead = call.lead
    floor.do(
        Publish(
            "connected",
            call.campaign,
            {
                "attempt_id": call.attempt,
                "lead_id": lead.lead_id,
                "customer_id": lead.customer_id,
                "name": lead.name,
                "phone": str(lead.number),
                "agent": call.agent,
                "wait_s": round(told.at - (call.answered_at or told.at), 3),
                "attrs": lead.shown_attrs,
            },
        )
    )


def agent_ended(floor: Floor, call: Call, told: AgentEnded, now: float) -> None:
    """The agent's phone did not take the call. If the callee still waits, the next agent is tried."""
    if told.leg != call.leg:
        floor.anomaly("serving", f"end of leg {told.leg}, but {call.leg} is the one that matters")
        return
    floor.move(call, CallEvent.AGENT_FAILED)
    agent = floor.roster.get(call.agent)
    call.agent = call.leg = ""
    if agent is None or agent.call != call.attempt:
        return
    if told.cause is Cause.CANCELLED:
        floor.phone_silent(agent, now)
    else:
        floor.phone_failed(agent, f"phone refused the call ({told.cause}, {told.sip_code})", now)


def abandon_limit(floor: Floor, call: Call, about: float, now: float) -> None:
    """The limit has passed and no agent is on the line. A machine is not abandoned: it hears no message, and nobody is
    told."""
    if call.answered_at != about or call.state not in {CallState.WAITING, CallState.CONNECTING}:
        return
    run = floor.campaigns[call.campaign]
    if call.state is CallState.CONNECTING:
        floor.do(Send(CancelAgent(call.attempt, call.leg)))
    floor.changed.add(run.name)
    if call.answer_kind is AnswerKind.MACHINE:
        _hang_up(floor, call, now)
        return
    if run.settings.abandon_message:
        floor.move(call, CallEvent.PLAY_MESSAGE)
        call.message_played = True
        floor.do(Send(PlayMessage(call.attempt, run.settings.abandon_message)))
        floor.watch_state(call, now)
    else:
        _hang_up(floor, call, now)
    floor.do(
        Publish(
            "abandoned",
            call.campaign,
            {
                "attempt_id": call.attempt,
                "lead_id": call.lead.lead_id,
                "phone": str(call.lead.number),
                "waited_s": round(now - about, 3),
                "message_played": call.message_played,
            },
        )
    )


def key_pressed(floor: Floor, call: Call, told: Digit, now: float) -> None:
    """The callee pressed a key. The campaign's key during the message, or while the call ends after it, is an opt-out:
    the number is blocked before anything else happens to the call. Any other key means nothing."""
    listening = call.message_played and call.state in {CallState.MESSAGE, CallState.HANGING_UP}
    if not listening or call.opted_out or told.digit != floor.campaigns[call.campaign].settings.opt_out_key:
        return
    call.opted_out = True
    floor.do(OptOut(call.campaign, call.attempt, call.lead.number, told.digit, told.at))
    if call.state is CallState.MESSAGE:
        _hang_up(floor, call, now)


def hang_up_all(floor: Floor, now: float) -> None:
    """End every call now, and those that are answered from now on."""
    drain(floor, now)
    floor.ending = True
    for call in list(floor.calls.values()):
        if call.state in UNANSWERED:
            if call.state is not CallState.CANCELLING:
                cancel(floor, call, now)
        elif call.state is CallState.MESSAGE or call.watched_since is None:  # else it is being hung up already
            _hang_up(floor, call, now)


def _hang_up(floor: Floor, call: Call, now: float) -> None:
    """End an answered call."""
    floor.move(call, CallEvent.HANG_UP)
    floor.do(Send(HangUp(call.attempt)))
    floor.watch_state(call, now)


def state_limit(floor: Floor, call: Call, about: float, now: float) -> None:
    """The end of a call did not come in time: hang up a message that does not stop, give up whatever else."""
    if call.watched_since != about:
        return
    if call.state is CallState.MESSAGE:
        _hang_up(floor, call, now)
    else:
        give_up(floor, call, now)


def agent_event(floor: Floor, event: AgentEvent, now: float) -> None:
    """A desktop's word about its agent. What does not fit is answered with a reason and changes nothing."""
    agent = floor.roster.get(event.agent)
    try:
        changed = apply(agent, event, now)
        if agent is not None and event.kind is AgentEventKind.DIAL and (obstacle := previewing.obstacle(floor, agent)):
            raise AgentEventRefused(obstacle)
    except AgentEventRefused as refusal:
        if event.kind is not AgentEventKind.LOST:
            fields = {"agent": event.agent, "event": str(event.kind), "reason": str(refusal)}
            floor.do(Publish("agent_event_refused", "", fields))
        return
    if agent is not None and agent.state is AgentState.WRAPUP and changed.state is AgentState.READY:
        _note_wrapup(floor, agent, now)
    if agent is not None and agent.state is AgentState.PREVIEW:
        previewing.decided(floor, event, changed, now)
    floor.put_agent(changed)


def wrapup_limit(floor: Floor, name: str, about: float, now: float) -> None:
    """The campaign's limit on wrap-up has passed."""
    agent = floor.roster.get(name)
    if agent is not None and agent.state is AgentState.WRAPUP and agent.since == about:
        free = come_free(agent, now)
        if free.state is AgentState.READY:
            _note_wrapup(floor, agent, now)
        floor.put_agent(free)


def _note_wrapup(floor: Floor, agent: Agent, now: float) -> None:
    for name in agent.campaigns:
        run = floor.campaigns.get(name)
        if run is not None:
            run.observations.append(WrapupEnded(now, now - agent.since))


def silence(floor: Floor, now: float) -> None:
    """Agents whose desktops have gone silent are gone: an agent nobody hears of cannot take a call."""
    for agent in list(floor.roster.silent(now, floor.settings.agent_heartbeat_timeout_s)):
        agent_event(floor, AgentEvent(AgentEventKind.LOST, agent.agent), now)
