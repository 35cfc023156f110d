"""From an answer to an agent, or to the abandon message.

A call that is answered takes a ready agent in the same step; which one is the campaign's `agent_choice`. If there is
none it waits, at most `abandon_after_s` from the answer, and is in line for the next agent who becomes ready. What is
known to be a machine is served like anybody else, after the people who wait; if nobody comes in time it is hung up.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from dialer.core.agents import choice, standing_legs
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
from dialer.core.calls import previewing, promises, recording
from dialer.core.calls.call import UNANSWERED, Call, CallState, CallTrigger, RecentAnswer
from dialer.core.calls.dialling import cancel, drain
from dialer.core.calls.settling import free_talker, give_up, hang_up_answered
from dialer.core.effects import OptOut, Publish, Send
from dialer.core.engine_state import EngineState, TimerKind
from dialer.core.inbound import waiting
from dialer.core.inputs import AnswerReported
from dialer.core.machines import judging
from dialer.core.scripts import steps
from dialer.core.talks import desk, parties
from dialer.language.phrases import phrase
from dialer.language.terms import term
from pacing.api import AnswerCorrected, AnswerKind, CallAnswered, TalkEnded, WrapupEnded
from sip.causes import Cause
from sip.messages import (
    AgentDialled,
    AgentEnded,
    Answered,
    Bridged,
    CancelAgent,
    DialAgent,
    Digit,
    PlayMessage,
)
from sip.scripts.messages import AgentLeft

ANSWERS_KEPT: Final = 20_000
"""How many answers are remembered for a later word, the newest: hours of them, for the largest floor."""


def answered(state: EngineState, call: Call, event: Answered, now: float) -> None:
    """Somebody is on the line: the clock of the abandonment limit starts."""
    state.move(call, CallTrigger.ANSWERED)
    call.answered_at = event.at
    call.crossed_cancel = event.crossed_cancel
    if call.is_inbound:
        waiting.answered(state, call, now)
        return
    run = state.campaigns[call.campaign]
    call.abandon_after_s = run.settings.abandon_after_s
    call.answer_kind = AnswerKind(event.kind)
    run.observations.append(CallAnswered(event.at, event.at - call.started_at, call.trunk, call.answer_kind))
    _remember(state, call, event.at)
    state.changed.add(run.name)
    if state.ending:
        hang_up_answered(state, call, now)
    elif call.scripted and run.settings.script.used:
        steps.start(state, call, now)
    else:
        state.set_timer(event.at + call.abandon_after_s, TimerKind.ABANDON, call.attempt, event.at)
        judging.hold_back(state, call, event.at)


def _remember(state: EngineState, call: Call, at: float) -> None:
    recent, kind = state.recent_answers, call.answer_kind
    recent[call.attempt] = RecentAnswer(call.campaign, at, at - call.started_at, call.trunk, kind, kind)
    if len(recent) > ANSWERS_KEPT:
        del recent[next(iter(recent))]


def answer_reported(state: EngineState, event: AnswerReported, now: float) -> None:
    """An agent or the CRM has said whether a machine had answered; only the pacer hears of it here, the ledger is
    corrected in the store, for all hosts at once. An attempt that is not known is another host's, or from long ago."""
    judging.reported(state, event.attempt, machine=event.machine)
    known = state.recent_answers.get(event.attempt)
    if known is None:
        return
    kind = AnswerKind.MACHINE if event.machine else known.heard
    run = state.campaigns.get(known.campaign)
    if kind is known.kind or run is None:
        return
    state.recent_answers[event.attempt] = replace(known, kind=kind)
    run.observations.append(AnswerCorrected(now, known.at, known.ring_s, known.kind, kind, known.trunk))


def assign_agents(state: EngineState, now: float) -> None:
    """Give waiting calls to ready agents: people before machines, those whom we called before those who call us, VIPs
    before others, then the longest wait first. A call that an agent asked for is for that agent alone; one that an
    agent promised goes to that agent if ready; who else has it is chosen by the campaign's rules (`choice`)."""
    for call in sorted(state.waiting.values(), key=partial(_turn, state)):
        if call.asked_by:
            asker = state.roster.get(call.asked_by)
            is_there = asker is not None and asker.state is AgentState.DIALLING and asker.can_be_reached
            if asker is not None and is_there and asker.call == call.attempt:
                _connect(state, call, asker, now)
            continue
        if judging.is_held(call, now) or not state.roster.ready_serving[call.campaign]:
            continue
        agent = promises.agent_for(state, call) or _chosen(state, call, now)
        if agent is not None:
            _connect(state, call, agent, now)


def _chosen(state: EngineState, call: Call, now: float) -> Agent | None:
    own = state.ready_staff()[call.campaign] if len(state.campaigns) > 1 else ()
    request = choice.AgentRequest(
        call.campaign,
        tried=call.tried,
        own=frozenset(agent.agent for agent in own),
        last_agent=call.lead.last_agent,
        skills=call.lead.skills,
    )
    rules = state.campaigns[call.campaign].settings.agent_choice
    return choice.choose(state.roster.ready.values(), request, rules, now)


def _turn(state: EngineState, call: Call) -> tuple[bool, bool, bool, float]:
    """What the calls that wait are sorted by. Whom we called has a moment to wait, by law; who calls back hears music,
    and the pacer starts no call on account of the next agent."""
    is_vip = call.lead.priority >= state.campaigns[call.campaign].settings.agent_choice.vip_priority
    return call.answer_kind is AnswerKind.MACHINE, call.is_inbound, not is_vip, call.agent_wanted_at or 0.0


def _connect(state: EngineState, call: Call, agent: Agent, now: float) -> None:
    state.move(call, CallTrigger.AGENT_CHOSEN)
    call.legs += 1
    call.agent, call.leg = agent.agent, f"{call.attempt}.{call.legs}"
    call.tried |= {agent.agent}
    state.put_agent(enter(agent, AgentState.RINGING, now, call=call.attempt))
    state.do(
        Send(
            DialAgent(
                call.dial_id,
                call.leg,
                agent.uri,
                about=str(call.lead.number),
                recording=recording.order(state, call, agent),
                attempt=call.attempt,
                keeps_callee=state.campaigns[call.campaign].settings.survey.always,
                standing="" if agent.standing is None else agent.standing.call,
                cue=standing_legs.cue(state, state.campaigns[call.campaign], agent),
            )
        )
    )


def agent_dialled(call: Call, event: AgentDialled) -> None:
    """The INVITE to the agent's phone has left; the first one of a call is the hand-over delay that counts."""
    if call.agent_dialled_at is None:
        call.agent_dialled_at = event.at


def bridged(state: EngineState, call: Call, event: Bridged, now: float) -> None:
    """Agent and callee hear each other."""
    if event.leg != call.leg:
        state.anomaly("serving", f"leg {event.leg} was bridged, but {call.leg} is the one that matters")
        return
    state.move(call, CallTrigger.BRIDGED)
    if call.state is not CallState.TALKING:
        return
    call.bridged_at = event.at
    agent = state.roster.get(call.agent)
    if agent is not None and agent.call == call.attempt:
        state.put_agent(enter(agent, AgentState.TALKING, now, call=call.attempt))
    if limit_s := state.campaigns[call.campaign].settings.talk_limit_s:
        state.set_timer(event.at + limit_s, TimerKind.TALK, call.attempt, event.at)
    state.do(
        Publish(
            "connected",
            call.campaign,
            {
                "attempt_id": call.attempt,
                "direction": "inbound" if call.is_inbound else "outbound",
                **call.lead.shown,
                "agent": call.agent,
                "wait_s": round(event.at - (call.agent_wanted_at or event.at), 3),
            },
        )
    )

    parties.talk_began(state, call, now)


def agent_ended(state: EngineState, call: Call, event: AgentEnded, now: float) -> None:
    """The agent's phone did not take the call. If the callee still waits, the next agent is tried."""
    if event.leg != call.leg:
        state.anomaly("serving", f"end of leg {event.leg}, but {call.leg} is the one that matters")
        return
    state.move(call, CallTrigger.AGENT_FAILED)
    agent = state.roster.get(call.agent)
    call.agent = call.leg = ""
    if agent is None or agent.call != call.attempt:
        return
    if event.cause is Cause.CANCELLED:
        state.phone_silent(agent, now)
    else:
        state.phone_failed(
            agent,
            phrase("phone refused the call ({cause}, {sip_code})", cause=term(event.cause), sip_code=event.sip_code),
            now,
        )


def agent_left(state: EngineState, call: Call, event: AgentLeft, now: float) -> None:
    """A talk is over and the callee is still there: the agent has wrap-up, the callee the survey."""
    if call.state is not CallState.TALKING:
        return
    recording.ended(state, call, event.at)
    parties.talk_ended(state, call, now)
    call.agent_left_at = event.at
    run = state.campaigns[call.campaign]
    run.observations.append(TalkEnded(event.at, event.at - (call.bridged_at or event.at)))
    free_talker(state, call, run, event, now)
    state.changed.add(run.name)
    steps.start_survey(state, call, now)


def abandon_limit(state: EngineState, call: Call, about: float, now: float) -> None:
    """The limit has passed and no agent is on the line. A machine is not abandoned: it is hung up on without
    a message or an event."""
    if call.agent_wanted_at != about or call.state not in {CallState.WAITING, CallState.CONNECTING}:
        return
    if call.is_inbound:
        waiting.waited_too_long(state, call, now)
        return
    run = state.campaigns[call.campaign]
    if call.state is CallState.CONNECTING:
        state.do(Send(CancelAgent(call.dial_id, call.leg)))
    state.changed.add(run.name)
    if call.answer_kind is AnswerKind.MACHINE:
        hang_up_answered(state, call, now)
        return
    if run.settings.abandon_message:
        state.move(call, CallTrigger.PLAY_MESSAGE)
        call.message_played = True
        state.do(Send(PlayMessage(call.dial_id, run.settings.abandon_message)))
        state.watch_state(call, now)
    else:
        hang_up_answered(state, call, now)
    state.do(
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


def key_pressed(state: EngineState, call: Call, event: Digit, now: float) -> None:
    """The callee pressed a key. The campaign's key during the message, or while the call ends after it, is an opt-out:
    the number is blocked before anything else happens to the call. Any other key means nothing."""
    if call.is_inbound:
        waiting.key_pressed(state, call, event.digit, event.at, now)
        return
    listening = call.message_played and call.state in {CallState.MESSAGE, CallState.HANGING_UP}
    if not listening or call.opted_out or event.digit != state.campaigns[call.campaign].settings.opt_out_key:
        return
    call.opted_out = True
    state.do(OptOut(call.campaign, call.attempt, call.lead.number, event.digit, event.at))
    if call.state is CallState.MESSAGE:
        hang_up_answered(state, call, now)


def hang_up(state: EngineState, attempt: str, cause: Cause, now: float) -> None:
    """End one call, because somebody wants it or its time is up; how it ended will say so. Nothing happens to one that
    is over or ending."""
    call = state.calls.get(attempt)
    if call is None or call.hung_up_for is not None:
        return
    if call.state in UNANSWERED:
        call.hung_up_for = cause
        if call.state is not CallState.CANCELLING:
            cancel(state, call, now)
    elif call.state is CallState.MESSAGE or call.watched_since is None:
        call.hung_up_for = cause
        hang_up_answered(state, call, now)


def hang_up_all(state: EngineState, now: float) -> None:
    """End every call now, and those that are answered from now on."""
    drain(state, now)
    state.ending = True
    for call in list(state.calls.values()):
        if call.state in UNANSWERED:
            if call.state is not CallState.CANCELLING:
                cancel(state, call, now)
        elif call.state is CallState.MESSAGE or call.watched_since is None:  # else it is being hung up already
            hang_up_answered(state, call, now)


def state_limit(state: EngineState, call: Call, about: float, now: float) -> None:
    """The end of a call did not come in time: hang up a message that does not stop, give up whatever else."""
    if call.watched_since != about:
        return
    if call.state is CallState.MESSAGE:
        hang_up_answered(state, call, now)
    else:
        give_up(state, call, now)


def agent_event(state: EngineState, event: AgentEvent, now: float) -> None:
    """A desktop's word about its agent. What does not fit is answered with a reason and changes nothing."""
    agent = state.roster.get(event.agent)
    try:
        changed = apply(agent, event, now)
        if agent is not None and event.kind is AgentEventKind.DIAL and (obstacle := previewing.obstacle(state, agent)):
            raise AgentEventRefused(obstacle)
        recording.asked(state, event, changed)
        steps.asked(state, event, changed)
        if agent is not None:
            desk.asked(state, event, agent, now)
        if event.kind is AgentEventKind.LOGIN:
            changed = choice.qualified(changed, state.campaigns)
        if event.kind in {AgentEventKind.LOGIN, AgentEventKind.READY} and not changed.campaigns:
            raise AgentEventRefused(choice.unqualified(changed, state.campaigns))
    except AgentEventRefused as refusal:
        if event.kind is not AgentEventKind.LOST:
            fields = {"agent": event.agent, "event": str(event.kind), "reason": str(refusal), "ref": event.ref}
            state.do(Publish("agent_event_refused", "", fields))
        return
    if agent is not None and agent.state is AgentState.WRAPUP and changed.state is AgentState.READY:
        _note_wrapup(state, agent, now)
    if agent is not None and agent.state is AgentState.PREVIEW:
        previewing.decided(state, event, changed, now)
    if event.kind in {AgentEventKind.LOGIN, AgentEventKind.READY}:
        changed = standing_legs.asked(state, event, agent, changed, now)
    state.put_agent(changed)
    if event.kind in {AgentEventKind.HANGUP, AgentEventKind.SURVEY} and changed.call is not None:
        _end_talk(state, changed, changed.call, event.kind, now)


def _end_talk(state: EngineState, agent: Agent, attempt: str, word: AgentEventKind, now: float) -> None:
    """The agent ends the talk: with a survey the callee stays. A colleague's guest only leaves it."""
    call = state.calls.get(attempt)
    if call is None:
        return
    survey = state.campaigns[call.campaign].settings.survey
    leaves = word is AgentEventKind.SURVEY or survey.always or parties.is_guest(state, call, agent)
    if call.state is CallState.TALKING and leaves:
        parties.hang_up_agent(state, call, agent, keeps_callee=word is AgentEventKind.SURVEY)
    else:
        hang_up(state, attempt, Cause.AGENT, now)


def wrapup_limit(state: EngineState, name: str, about: float, now: float) -> None:
    """The campaign's limit on wrap-up has passed."""
    agent = state.roster.get(name)
    if agent is not None and agent.state is AgentState.WRAPUP and agent.since == about:
        free = come_free(agent, now)
        if free.state is AgentState.READY:
            _note_wrapup(state, agent, now)
        state.put_agent(free)


def _note_wrapup(state: EngineState, agent: Agent, now: float) -> None:
    for name in agent.campaigns:
        run = state.campaigns.get(name)
        if run is not None:
            run.observations.append(WrapupEnded(now, now - agent.since))


def silence(state: EngineState, now: float) -> None:
    """Agents whose desktops have gone silent are gone: an agent nobody hears of cannot take a call."""
    for agent in list(state.roster.silent(now, state.settings.agent_heartbeat_timeout_s)):
        agent_event(state, AgentEvent(AgentEventKind.LOST, agent.agent), now)
