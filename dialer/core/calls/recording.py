"""Which talks are recorded, and what agents may say about it.

It is decided when an agent's phone is rung, so that the recording can begin with the talk. While this host cannot
record (`EngineState.recording_fault`) nothing is, nobody is told that it would be, and campaigns that require it start
no call.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from compliance.evidence import customer_hash, number_hash
from config.recordings.settings import RecordingMode, RecordingSettings
from dialer.core.agents.agent import Agent, AgentEvent, AgentEventKind, AgentEventRefused
from dialer.core.calls.call import Call
from dialer.core.campaign_run import CampaignRun
from dialer.core.effects import Publish, Recorded, Send
from dialer.core.engine_state import EngineState
from dialer.core.evidence import without_number
from sip.messages import Record, RecordingChanged, RecordingOrder

NOT_RECORDED: Final = RecordingOrder()

_DRAWS: Final = 2**32
_ON: Final = {AgentEventKind.RECORD_PAUSE: False, AgentEventKind.RECORD_RESUME: True}


def is_drawn(attempt: str, share: float) -> bool:
    """Whether an attempt is one of a share. The same one always is: it follows from its id, and from nothing else."""
    digest = hashlib.sha256(attempt.encode()).digest()
    return int.from_bytes(digest[:4], "big") < share * _DRAWS


def may_be_recorded(settings: RecordingSettings, attempt: str) -> bool:
    """Whether the talk of an attempt is recorded, or may be when its agent says so."""
    return settings.used and (settings.mode is not RecordingMode.SHARE or is_drawn(attempt, settings.share))


def keeps_from_dialling(state: EngineState, run: CampaignRun) -> bool:
    """Whether a campaign starts no call because nothing could be recorded."""
    settings = run.settings.recording if state.recording_fault else None
    return settings is not None and settings.required and settings.used


def order(state: EngineState, call: Call, agent: Agent) -> RecordingOrder:
    """How the talk with this agent is to be recorded."""
    settings = state.campaigns[call.campaign].settings.recording
    call.recordable = not state.recording_fault and may_be_recorded(settings, call.attempt)
    if not call.recordable:
        return NOT_RECORDED
    return RecordingOrder(
        name=call.attempt,
        facts=json.dumps(facts(state, call, agent), ensure_ascii=False),
        starts=settings.mode is not RecordingMode.ON_DEMAND,
        announcement=settings.announcement,
    )


def facts(state: EngineState, call: Call, agent: Agent | None) -> dict[str, Any]:
    """What is kept with a recording. Number and customer are hashed with the host's key, as in evidence."""
    lead, key = call.lead, state.settings.hash_key
    return {
        "campaign": call.campaign,
        "agent": call.agent if agent is None else agent.agent,
        "team": "" if agent is None else agent.team,
        "keep_days": state.campaigns[call.campaign].settings.recording.keep_days,
        "lead": without_number(lead),
        "phone": str(lead.number),
        "number": number_hash(key, lead.number),
        "customer": customer_hash(key, lead.customer_id) if lead.customer_id else "",
    }


def asked(state: EngineState, event: AgentEvent, agent: Agent) -> None:
    """An agent who talks says that the recording is to pause, or to go on. Raises `AgentEventRefused` where the talk is
    not recorded. Any other event is none of this module's."""
    on = _ON.get(event.kind)
    if on is None:
        return
    call = state.calls.get(agent.call or "")
    if call is None or not call.recordable:
        raise AgentEventRefused("this talk is not recorded")
    state.do(Send(Record(call.dial_id, on)))


def changed(state: EngineState, call: Call, event: RecordingChanged) -> None:
    """The worker's word: only now does the agent's screen say that nothing is recorded."""
    call.recording_on = event.on
    if event.on and call.recording_since is None:
        call.recording_since = event.at
    what = "failed" if event.problem else "on" if event.on else "paused"
    fields = {"attempt_id": call.attempt, "agent": call.agent, "recording": what, "reason": event.problem}
    state.do(Publish("recording_state", call.campaign, fields))


def ended(state: EngineState, call: Call, at: float) -> None:
    """A talk is over: say how long its recording should be, so that what the disk did not take is noticed."""
    if call.recording_since is not None and call.agent_left_at is None:  # else it ended when the agent left
        state.do(Recorded(call.attempt, at - call.recording_since if call.recording_on else None))
