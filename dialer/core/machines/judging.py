"""Who answered, by ear: what is asked for, and what follows a verdict.

An answered call goes to an agent as ever (unless the campaign waits for the verdict); the verdict comes meanwhile. A
machine is told of, hung up on, or left a message after its beep. A share of them stays with agents all the same, whose
outcomes say how many were people. Whoever an agent talks with is a person in the ledger until the agent says
`machine`, whom we hang up on as a machine is none; for each sampled machine that was a person the store counts as many
abandoned calls as it `stands_for`. Where a script answers, whoever asks for an agent by a key is a person, however it
sounded.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from config.machines.settings import MachineAction, MachineSettings
from dialer.core.agents.agent import come_free
from dialer.core.calls import recording
from dialer.core.calls.call import Call, CallState, CallTrigger
from dialer.core.calls.settling import hang_up_answered
from dialer.core.effects import Listen, Publish, Send, VerdictChecked
from dialer.core.engine_state import EngineState, TimerKind
from dialer.core.inputs import BeepEnded, Judged
from dialer.core.talks import parties
from pacing.api import AnswerCorrected, AnswerKind, TalkEnded
from sip.causes import Answerer, Cause
from sip.detection.messages import NOTHING_HEARD, Listening, ListenOn, Rules, Verdict
from sip.messages import CancelAgent, PlayMessage
from sip.scripts.messages import HangUpAgent

MARGIN_S: Final = 0.5
"""The worker listens a little longer than the verdict may take: audio comes in pieces of a quarter of a second."""

_TO_BE_DEALT_WITH: Final = frozenset({CallState.WAITING, CallState.CONNECTING, CallState.TALKING})


def listen_s(settings: MachineSettings) -> float:
    """How long a worker is to listen to an answered line; 0: not at all."""
    return settings.within_s + MARGIN_S if settings.used else 0.0


def hold_back(state: EngineState, call: Call, answered_at: float) -> None:
    """Keep an answered call from agents until its verdict, where the campaign wants that. Never longer than its
    abandonment limit; a call that an agent has asked for is not kept."""
    settings = state.campaigns[call.campaign].settings.machines
    if settings.used and settings.wait_s and not call.asked_by:
        call.held_until = answered_at + min(settings.wait_s, call.abandon_after_s)
        state.set_timer(call.held_until, TimerKind.HOLD, call.attempt, answered_at)


def is_held(call: Call, now: float) -> bool:
    """Whether agents do not have it yet."""
    return call.judged is None and now < call.held_until


def listening(state: EngineState, call: Call, event: Listening, now: float) -> None:
    """A worker writes down what the callee says: have it judged. If it cannot, there is no verdict to wait for."""
    settings = state.campaigns[call.campaign].settings.machines
    if not event.file:
        state.anomaly("machines", f"call {call.attempt} is not listened to: {event.problem}")
        judged(state, call, NOTHING_HEARD, now)
        return
    rules = Rules(settings.longest_greeting_s, settings.within_s)
    state.do(Listen(call.dial_id, event.file, rules, beep=settings.action is MachineAction.MESSAGE))


def heard(state: EngineState, event: Judged | BeepEnded, now: float) -> None:
    """What was heard on a line; nothing, where the call has ended meanwhile."""
    call = state.call_on(event.call)
    if call is None or call.answered_at is None:
        return
    if isinstance(event, Judged):
        judged(state, call, event.verdict, now)
    else:
        _beep_ended(state, call, now)


def judged(state: EngineState, call: Call, verdict: Verdict, now: float) -> None:
    """The verdict is there: tell it, and deal with a machine. The first one counts."""
    if call.judged is not None:
        return
    call.judged = verdict
    settings = state.campaigns[call.campaign].settings.machines
    is_machine = verdict.kind is Answerer.MACHINE
    sampled = is_machine and recording.is_drawn(f"machine {call.attempt}", settings.sampled_share)
    may_act = is_machine and settings.acts and call.state in _TO_BE_DEALT_WITH and not call.automated
    acts = may_act and not sampled
    if may_act and sampled:
        call.stands_for = stands_for(call.attempt, settings.sampled_share)
    if is_machine and call.attempt in state.recent_answers:
        known = state.recent_answers[call.attempt]
        state.recent_answers[call.attempt] = replace(known, judged_machine=True)
    fields = {
        "attempt_id": call.attempt,
        "lead_id": call.lead.lead_id,
        "agent": call.agent,
        "judged": verdict.kind.value,
        "confidence": verdict.confidence,
        "sign": verdict.sign.value,
        "greeting_s": verdict.greeting_s,
        "heard_s": verdict.heard_s,
        "sampled": sampled,
        "action": settings.action.value if acts else "none",
    }
    state.do(Publish("answer_judged", call.campaign, fields))
    if acts:
        _count_as_machine(state, call, now)
        if settings.action is MachineAction.MESSAGE:
            _wait_for_beep(state, call, settings, now)
        else:
            _hang_up(state, call, now)


def stands_for(attempt: str, sampled_share: float) -> int:
    """How many machines are hung up on for one that agents have: (1 - share) / share on average, in whole calls."""
    whole, rest = divmod((1.0 - sampled_share) / sampled_share, 1.0)
    return int(whole) + recording.is_drawn(f"stands for {attempt}", rest)


def reported(state: EngineState, attempt: str, *, machine: bool) -> None:
    """Somebody has said whether a machine had answered: was the verdict right?"""
    known = state.recent_answers.get(attempt)
    if known is not None and known.judged_machine:
        state.do(VerdictChecked(known.campaign, right=machine))


def no_beep(state: EngineState, call: Call, now: float) -> None:
    """The beep has been waited for long enough."""
    if call.state is CallState.MESSAGE and not call.message_left:
        _hang_up(state, call, now)


def _count_as_machine(state: EngineState, call: Call, now: float) -> None:
    known = state.recent_answers.get(call.attempt)
    if known is not None and known.kind is not AnswerKind.MACHINE:
        run = state.campaigns[call.campaign]
        machine = AnswerKind.MACHINE
        run.observations.append(AnswerCorrected(now, known.at, known.ring_s, known.kind, machine, known.trunk))
        state.recent_answers[call.attempt] = replace(known, kind=machine)
    call.answer_kind = AnswerKind.MACHINE
    state.changed.add(call.campaign)


def _hang_up(state: EngineState, call: Call, now: float) -> None:
    call.hung_up_for = Cause.MACHINE
    hang_up_answered(state, call, now)


def _wait_for_beep(state: EngineState, call: Call, settings: MachineSettings, now: float) -> None:
    """The agent has the next call, and the machine is listened to until it beeps."""
    if call.state is CallState.TALKING:
        _take_from_agent(state, call, now)
    elif call.state is CallState.CONNECTING:
        state.do(Send(CancelAgent(call.dial_id, call.leg)))
    state.move(call, CallTrigger.PLAY_MESSAGE)
    state.do(Send(ListenOn(call.dial_id, settings.beep_wait_s)))
    state.set_timer(now + settings.beep_wait_s, TimerKind.BEEP, call.attempt, now)
    state.watch_state(call, now)


def _take_from_agent(state: EngineState, call: Call, now: float) -> None:
    parties.agent_taken(state, call, now)
    agent = state.roster.get(call.agent)
    if agent is not None and agent.call == call.attempt:
        state.put_agent(come_free(agent, now))
    if call.bridged_at is not None:
        state.campaigns[call.campaign].observations.append(TalkEnded(now, now - call.bridged_at))
    recording.ended(state, call, now)
    call.recording_since = call.bridged_at = None
    call.agent = call.leg = ""
    state.do(Send(HangUpAgent(call.dial_id)))


def _beep_ended(state: EngineState, call: Call, now: float) -> None:
    settings = state.campaigns[call.campaign].settings.machines
    if call.state is CallState.MESSAGE and call.answer_kind is AnswerKind.MACHINE and not call.message_left:
        call.message_left = True
        state.do(Send(PlayMessage(call.dial_id, settings.message)))
        state.watch_state(call, now)
