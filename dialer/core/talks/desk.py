"""What an agent's desktop may do with a talk: hold it, have somebody join it, pass it on.

Whom a desktop names is an agent of this host who is ready, a queue of agents, or a destination of the settings; never a
number. So a desktop is no way to call whatever it likes.
"""

from __future__ import annotations

from typing import Final

from dialer.core.agents.agent import Agent, AgentEvent, AgentEventKind, AgentEventRefused, AgentState
from dialer.core.calls.call import Call, CallState
from dialer.core.engine_state import EngineState
from dialer.core.talks import parties, queue
from dialer.core.talks.listening import no_room
from dialer.core.talks.party import MOST_OF_A_TALK, PartyState, Purpose

_PURPOSES: Final = {
    AgentEventKind.TRANSFER: Purpose.TRANSFER,
    AgentEventKind.CONFERENCE: Purpose.CONFERENCE,
}
_HOLDS: Final = {AgentEventKind.HOLD: True, AgentEventKind.RESUME: False}


def asked(state: EngineState, event: AgentEvent, agent: Agent, now: float) -> None:
    """Do what an agent who talks asks for. Raises `AgentEventRefused` where that cannot be. Any other event is none of
    this module's."""
    if event.kind not in _PURPOSES and event.kind not in _HOLDS:
        return
    call = state.calls.get(agent.call or "")
    if call is None or call.state is not CallState.TALKING:
        raise AgentEventRefused("there is no talk")
    if parties.is_guest(state, call, agent):
        raise AgentEventRefused(f"this is the talk of agent {call.agent}")
    if event.kind in _HOLDS:
        _hold(state, call, on=_HOLDS[event.kind], event=event)
    elif queue.is_queue(event.to):
        queue.asked(state, call, event, agent, now)
    elif event.to:
        _ring(state, call, event, agent, now)
    else:
        _pass_on(state, call, event, agent)


def _hold(state: EngineState, call: Call, *, on: bool, event: AgentEvent) -> None:
    if call.on_hold is on:
        raise AgentEventRefused("the callee is on hold already" if on else "the callee is not on hold")
    parties.hold(state, call, on=on)
    parties.tell(state, call, "held" if on else "resumed", ref=event.ref)


def _pass_on(state: EngineState, call: Call, event: AgentEvent, agent: Agent) -> None:
    """Leave the talk to whoever has joined it."""
    if event.kind is AgentEventKind.CONFERENCE:
        raise AgentEventRefused("to: say who is to join, an agent or a destination of agents.transfer_to")
    if parties.successor(state, call) is None:
        raise AgentEventRefused("to: nobody has joined the talk who could take it over")
    if call.on_hold:
        parties.hold(state, call, on=False)
    parties.hang_up_agent(state, call, agent)


def _ring(state: EngineState, call: Call, event: AgentEvent, agent: Agent, now: float) -> None:
    there = parties.of_talk(state, call)
    if any(each.state is PartyState.RINGING and each.stays for each in there):
        raise AgentEventRefused("somebody is being rung for this talk already")
    if len(there) >= MOST_OF_A_TALK:
        raise AgentEventRefused(f"{MOST_OF_A_TALK} third parties are in this talk already")
    if obstacle := no_room(state):
        raise AgentEventRefused(obstacle)
    colleague = state.roster.get(event.to)
    uri = colleague.uri if colleague is not None else state.settings.destinations.get(event.to, "")
    if not uri:
        raise AgentEventRefused(f"to: {event.to!r} is no agent of this host and no destination of agents.transfer_to")
    if event.to == agent.agent:
        raise AgentEventRefused("to: that is you")
    if colleague is not None and colleague.state is not AgentState.READY:
        raise AgentEventRefused(f"to: agent {event.to} is {colleague.state}")
    party = parties.party_for(call, _PURPOSES[event.kind], agent.agent, event.to, event.ref, now)
    parties.ring(state, call, party, uri, colleague, now)
