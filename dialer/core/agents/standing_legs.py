"""Agents' phones that stay on the line: dialled at the login, dialled again when lost, let go with the agent."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from config.agents.settings import Connection
from dialer.core.agents import standing
from dialer.core.agents.agent import (
    BUSY,
    Agent,
    AgentEvent,
    AgentEventKind,
    AgentState,
    with_leg,
)
from dialer.core.agents.standing import StandingLeg
from dialer.core.calls import offers
from dialer.core.campaign_run import CampaignRun
from dialer.core.effects import Send
from dialer.core.engine_state import EngineState, TimerKind
from sip.causes import Cause
from sip.messages import CancelAgent, Ended
from sip.standing.messages import Cue, DialStanding, StandingUp

WORKS: Final = BUSY | {AgentState.READY, AgentState.PREVIEW}


def concerns(call: str) -> bool:
    """Whether a worker's call is a standing leg."""
    return standing.agent_of(call) is not None


def cue(state: EngineState, run: CampaignRun, agent: Agent) -> Cue:
    """What an agent hears when a talk of a campaign begins."""
    return Cue(beep=agent.standing is not None and state.settings.beep, whisper=run.settings.whisper)


def asked(state: EngineState, event: AgentEvent, before: Agent | None, agent: Agent, now: float) -> Agent:
    """The agent after a login or `ready` that fits, with the phone rung where that is due."""
    if event.kind is AgentEventKind.READY:
        leg = agent.standing
        if leg is None or leg.state is not standing.LegState.DOWN:
            return agent
        waiting = replace(leg, tries=0, ready_then=True)
        return with_leg(replace(agent, standing=waiting), _dial(state, agent, waiting, now), now)
    return _logged_in(state, event, before, agent, now)


def _logged_in(state: EngineState, event: AgentEvent, before: Agent | None, agent: Agent, now: float) -> Agent:
    """A phone that is on the line stays there if this login names it again."""
    leg = None if before is None else before.standing
    stays = Connection(event.connection or state.settings.connection) is Connection.STANDING
    if before is not None and leg is not None:
        if stays and before.uri == agent.uri and leg.state is not standing.LegState.DOWN:
            return replace(agent, standing=replace(leg, ready_then=False))
        state.hang_up_standing(leg)
    return replace(agent, standing=_dial(state, agent, None, now)) if stays else agent


def heard(state: EngineState, event: StandingUp | Ended, now: float) -> str:
    """A worker's word about a standing leg, which may be that of one that has been replaced. Returns the attempt whose
    talk cannot go on without the leg and does not end by itself, or nothing."""
    name = standing.agent_of(event.call)
    agent = None if name is None else state.roster.get(name)
    leg = None if agent is None else agent.standing
    if agent is None or leg is None or leg.call != event.call:
        return ""
    if isinstance(event, StandingUp):
        state.put_agent(with_leg(agent, standing.up(leg, now), now))
        return ""
    _lost(state, agent, standing.down(leg, event, now), now)
    is_cut_off = agent.state is AgentState.TALKING and event.cause is Cause.WORKER_LOST
    return agent.call if is_cut_off and agent.call is not None else ""


def _lost(state: EngineState, agent: Agent, leg: StandingLeg, now: float) -> None:
    state.put_agent(with_leg(agent, leg, now))
    if leg.redial_after_s is not None:
        state.set_timer(now + leg.redial_after_s, TimerKind.STANDING, agent.agent, now)
    run = None if agent.lead is None else state.campaigns.get(agent.lead.campaign)
    if agent.state is AgentState.PREVIEW and run is not None and agent.agent in run.offers:
        offers.withdraw_from(state, run, agent.agent, leg.why, now)
    call = state.calls.get(agent.call or "")
    if call is not None and agent.state is AgentState.RINGING:
        state.do(Send(CancelAgent(call.dial_id, call.leg)))


def redial(state: EngineState, name: str, about: float, now: float) -> None:
    """The leg that was lost at `about` is to be dialled again, for an agent who works or waits for it."""
    agent = state.roster.get(name)
    leg = None if agent is None else agent.standing
    if agent is None or leg is None or leg.redial_after_s is None or leg.since != about:
        return
    if agent.state in WORKS or leg.ready_then:
        state.put_agent(with_leg(agent, _dial(state, agent, leg, now), now))


def _dial(state: EngineState, agent: Agent, before: StandingLeg | None, now: float) -> StandingLeg:
    state.standing_dialled += 1
    leg = standing.dialled(before, standing.call_of(agent.agent, state.standing_dialled), now)
    state.do(Send(DialStanding(leg.call, agent.uri, about="dialer", give_up_s=standing.RING_S)))
    return leg
