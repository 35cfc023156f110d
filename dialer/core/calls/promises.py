"""Promised callbacks: the agent who made the promise has the call, if that agent is there in time.

A callback whose agent is not ready is put off for a moment, again and again, until the agent is ready or the call is
`callback_agent_wait_s` late; then it is anybody's. Nobody who has answered waits for an agent: if the wanted one is not
free at that moment, whoever is free has the call.
"""

from __future__ import annotations

from typing import Final

from dialer.core.agents.agent import Agent, AgentState
from dialer.core.calls.call import Call
from dialer.core.campaign_run import CampaignRun
from dialer.core.effects import Postpone
from dialer.core.engine_state import EngineState
from dialer.core.leads.lead_reasons import AGAIN, Kind, Why
from dialer.core.model import Lead

LOOK_AGAIN_S: Final = 20.0
"""A callback whose agent is not ready is looked at again after so long, by whichever daemon has the agent then."""

CALLBACK: Final = "callback"


def wait_for_agent(state: EngineState, run: CampaignRun, lead: Lead, now: float) -> bool:
    """Whether a leased lead is put off, because a callback is promised by an agent who is not ready yet."""
    if not lead.wanted_agent or lead.promised_at is None:
        return False
    late_at = lead.promised_at + run.settings.callback_agent_wait_s
    if _ready(state, run.name, lead.wanted_agent) is not None or now + state.wall_ahead_s >= late_at:
        return False
    state.do(Postpone(run.name, lead, LOOK_AGAIN_S, Why(Kind.SAID, CALLBACK, AGAIN)))
    return True


def agent_for(state: EngineState, call: Call) -> Agent | None:
    """The agent who promised the call, or talked last with whoever calls back, if ready and not rung for it before."""
    wanted = call.lead.wanted_agent or (call.lead.last_agent if call.is_inbound else "")
    return _ready(state, call.campaign, wanted) if wanted and wanted not in call.tried else None


def take_lead(run: CampaignRun, agent: str) -> Lead:
    """The next lead to be offered to an agent (preview): one that the agent promised to call, else the first that no
    other agent did, else the first."""
    leads = run.leads
    own = next((place for place, lead in enumerate(leads) if lead.wanted_agent == agent), None)
    place = own if own is not None else next((at for at, lead in enumerate(leads) if not lead.wanted_agent), 0)
    lead = leads[place]
    del leads[place]
    return lead


def _ready(state: EngineState, campaign: str, name: str) -> Agent | None:
    agent = state.roster.get(name)
    there = agent is not None and agent.state is AgentState.READY and campaign in agent.campaigns
    return agent if there else None
