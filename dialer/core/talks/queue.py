"""A talk that its agent leaves to whoever of a queue is free first; the callee hears the music of hold until then.

A queue is those who serve a campaign, or have a skill, and are logged in at this host.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from config.agent_choice import missing, skills_of
from dialer.core.agents.agent import Agent, AgentEvent, AgentEventKind, AgentEventRefused
from dialer.core.agents.choice import turn_by
from dialer.core.calls.call import Call
from dialer.core.campaign_run import CampaignRun
from dialer.core.engine_state import EngineState
from dialer.core.talks import parties
from dialer.core.talks.listening import no_room
from dialer.core.talks.party import Purpose, Queued

CAMPAIGN: Final = "queue"
SKILL: Final = "skill"
"""What a desktop names: queue:CAMPAIGN, skill:NAME or skill:NAME:LEVEL."""

_IN_VAIN: Final = "nobody was free in time"


def is_queue(to: str) -> bool:
    """Whether a desktop names a queue."""
    return to.startswith((f"{CAMPAIGN}:", f"{SKILL}:"))


def asked(state: EngineState, call: Call, event: AgentEvent, agent: Agent, now: float) -> None:
    """An agent leaves the talk to a queue, and has wrap-up. Raises `AgentEventRefused` where that cannot be."""
    if event.kind is not AgentEventKind.TRANSFER:
        raise AgentEventRefused("to: a queue takes a talk over; say transfer")
    if parties.successor(state, call) is not None or parties.awaits(state, call):
        raise AgentEventRefused("to: somebody has joined the talk, or is on the way")
    queued = _queued(event, agent, now)
    if not any(_suits(each, queued) for each in state.roster.agents.values()):
        raise AgentEventRefused(f"to: nobody else of {event.to} is logged in at this host")
    state.queued[call.attempt] = queued
    parties.hold(state, call, on=True)
    parties.tell(state, call, "queued", to=queued.to, ref=queued.ref)
    parties.hang_up_agent(state, call, agent)
    state.changed.add(_run(state, call, queued).name)


def _run(state: EngineState, call: Call, queued: Queued) -> CampaignRun:
    return state.campaigns.get(queued.campaign) or state.campaigns[call.campaign]


def _queued(event: AgentEvent, agent: Agent, now: float) -> Queued:
    kind, _, name = event.to.partition(":")
    queued = Queued(event.to, agent.agent, now, event.ref, tried=frozenset({agent.agent}))
    if kind == CAMPAIGN:
        return replace(queued, campaign=name)
    try:
        return replace(queued, skills=skills_of([name]))
    except ValueError as error:
        raise AgentEventRefused(f"to: {error}") from error


def _suits(agent: Agent, queued: Queued) -> bool:
    is_of_it = queued.campaign in agent.campaigns if queued.campaign else not missing(queued.skills, agent.skills)
    return is_of_it and agent.agent not in queued.tried


def serve(state: EngineState, now: float) -> None:
    """Ring a free agent for each talk that waits, the longest first; each agent's phone once."""
    for attempt, queued in list(state.queued.items()):
        call = state.calls[attempt]
        if parties.awaited(state, call) is not None or no_room(state):
            continue
        turn = turn_by(_run(state, call, queued).settings.agent_choice.order, now)
        free = [agent for agent in state.roster.ready.values() if _suits(agent, queued)]
        agent = min(free, key=lambda agent: (turn(agent), agent.agent), default=None)
        if agent is not None:
            state.queued[attempt] = replace(queued, tried=queued.tried | {agent.agent})
            party = parties.party_for(call, Purpose.TRANSFER, queued.who, agent.agent, queued.ref, now)
            parties.ring(state, call, party, agent.uri, agent, now)


def look(state: EngineState, now: float) -> None:
    """Once a second: a talk for which nobody was free in time ends."""
    for attempt, queued in list(state.queued.items()):
        call = state.calls[attempt]
        is_late = now - queued.since > state.settings.inbound.longest_wait_s
        if is_late and parties.awaited(state, call) is None:
            parties.leave_queue(state, call)
            parties.tell(state, call, "failed", to=queued.to, reason=_IN_VAIN, ref=queued.ref)
            parties.hold(state, call, on=False)
