"""A call's way through its script: what the interpreter wants becomes commands, and what comes of them its next event.

A script begins with the answer (mode script) or when the agent leaves (a survey after the talk). It ends by itself, by
its `limit_s`, or by asking for an agent: from then on the call waits like any other that was answered.
"""

from __future__ import annotations

import json
from typing import Final

from config.policies import AppliedSettings
from dialer.core.agents.agent import Agent, AgentEvent, AgentEventKind, AgentEventRefused
from dialer.core.calls import recording
from dialer.core.calls.call import Call, CallState, CallTrigger
from dialer.core.calls.settling import hang_up_answered
from dialer.core.effects import OptOut, Publish, Send
from dialer.core.engine_state import EngineState, TimerKind
from dialer.core.scripts import interpreter as does
from dialer.core.scripts.run import ScriptRun
from dialer.language.phrases import phrase
from pacing.api import ScriptEnded
from sip.causes import Cause
from sip.messages import Digit
from sip.scripts.messages import EndMessage, Prompt, PromptDone, TakeMessage

IN_SCRIPT: Final = frozenset({CallState.SCRIPT, CallState.SURVEY})

MESSAGE_MARK: Final = "-m"
"""Stands between an attempt and the number of a message that was left in it, in the name of its recording."""


def asked(state: EngineState, event: AgentEvent, agent: Agent) -> None:
    """An agent who talks asks for the survey. Raises `AgentEventRefused` where the campaign has none; any other event
    is none of this module's."""
    call = state.calls.get(agent.call or "")
    if event.kind is AgentEventKind.SURVEY and call is not None and not _settings(state, call).survey.used:
        raise AgentEventRefused(phrase("campaign {campaign} has no survey", campaign=call.campaign))


def start(state: EngineState, call: Call, now: float) -> None:
    """Somebody has answered, in mode script."""
    state.move(call, CallTrigger.SCRIPT)
    call.automated = True
    _begin(state, call, now)


def start_survey(state: EngineState, call: Call, now: float) -> None:
    """The agent has left, and the callee is asked."""
    state.move(call, CallTrigger.AGENT_LEFT)
    if _settings(state, call).survey.used and not state.ending:
        _begin(state, call, now)
    else:
        hang_up_answered(state, call, now)


def _begin(state: EngineState, call: Call, now: float) -> None:
    settings = _settings(state, call)
    script = settings.script if call.state is CallState.SCRIPT else settings.survey
    position, actions = does.begin(script)
    call.script = ScriptRun(script, position, now)
    state.set_timer(now + script.limit_s, TimerKind.SCRIPT, call.attempt, now)
    _carry_out(state, call, call.script, actions, now)


def key_pressed(state: EngineState, call: Call, event: Digit, now: float) -> None:
    """The callee pressed a key."""
    _tell(state, call, does.KeyPressed(event.digit), now)


def prompt_done(state: EngineState, call: Call, event: PromptDone, now: float) -> None:
    """A recording has played, or cannot be; a message that cannot be recorded is passed over."""
    run = call.script
    if run is None or call.state not in IN_SCRIPT:
        return
    if event.problem:
        state.anomaly("scripts", f"call {call.attempt}, step {run.position.step}: {event.problem}")
        if event.prompt:
            _break_off(state, call, Cause.MEDIA_ERROR, now)
        else:
            _tell(state, call, does.TimeUp(), now)
    elif event.prompt == run.prompt:
        _tell(state, call, does.Played(), now)


def step_limit(state: EngineState, call: Call, about: float, now: float) -> None:
    """The time for a key, or for a message, is up."""
    if call.script is not None and call.script.waits_since == about:
        _tell(state, call, does.TimeUp(), now)


def script_limit(state: EngineState, call: Call, about: float, now: float) -> None:
    """The script has lasted longer than it may."""
    if call.state in IN_SCRIPT and call.script is not None and call.script.began_at == about:
        _break_off(state, call, Cause.TALK_LIMIT, now)


def _break_off(state: EngineState, call: Call, cause: Cause, now: float) -> None:
    if call.watched_since is None:
        call.hung_up_for = cause
        hang_up_answered(state, call, now)


def _tell(state: EngineState, call: Call, event: does.ScriptEvent, now: float) -> None:
    run = call.script
    if run is None or call.state not in IN_SCRIPT or call.watched_since is not None:
        return
    run.position, actions = does.after(run.script, run.position, event)
    _carry_out(state, call, run, actions, now)


def _carry_out(state: EngineState, call: Call, run: ScriptRun, actions: tuple[does.Action, ...], now: float) -> None:
    for action in actions:
        match action:
            case does.Play(path):
                run.prompt, run.waits_since = run.prompt + 1, None
                state.do(Send(Prompt(call.dial_id, run.prompt, path)))
            case does.Listen(wait_s):
                _wait(state, call, run, wait_s, now)
            case does.TakeMessage(step, limit_s):
                run.messages += 1
                name = f"{call.attempt}{MESSAGE_MARK}{run.messages}"
                facts = {**recording.facts(state, call, state.roster.get(call.agent)), "step": step}
                state.do(Send(TakeMessage(call.dial_id, name, json.dumps(facts, ensure_ascii=False))))
                _wait(state, call, run, limit_s, now)
            case does.EndMessage():
                state.do(Send(EndMessage(call.dial_id)))
            case does.Note():
                _tell_answer(state, call, action)
            case does.BlockNumber(key) if not call.opted_out:
                call.opted_out = True
                state.do(OptOut(call.campaign, call.attempt, call.lead.number, key, now))
            case does.GoToAgent():
                _want_agent(state, call, now)
            case does.HangUpNow():
                hang_up_answered(state, call, now)


def _settings(state: EngineState, call: Call) -> AppliedSettings:
    return state.campaigns[call.campaign].settings


def _wait(state: EngineState, call: Call, run: ScriptRun, seconds: float, now: float) -> None:
    run.waits_since = now
    state.set_timer(now + seconds, TimerKind.STEP, call.attempt, now)


def _tell_answer(state: EngineState, call: Call, answer: does.Note) -> None:
    fields = {
        "attempt_id": call.attempt,
        "lead_id": call.lead.lead_id,
        "agent": call.agent,
        "script": "survey" if call.state is CallState.SURVEY else "script",
        "step": answer.step,
        "key": answer.key,
        "score": answer.score,
    }
    state.do(Publish("script_answer", call.campaign, fields))


def _want_agent(state: EngineState, call: Call, now: float) -> None:
    """The callee wants an agent: from now on the abandonment limit counts."""
    state.move(call, CallTrigger.AGENT_WANTED)
    call.transfer_at = now
    run = state.campaigns[call.campaign]
    run.observations.append(ScriptEnded(now, wanted_agent=True))
    state.changed.add(run.name)
    state.set_timer(now + call.abandon_after_s, TimerKind.ABANDON, call.attempt, now)
