"""Which of the ready agents has an answered call, by the campaign's table `agent_choice`. Pure.

What decides, the first that differs:

1. The agent counts for the call's campaign: another campaign has called on account of the others.
2. The agent talked with the lead last (`last_agent`).
3. The agent has more of the skills that the lead asks for. They are wishes: nobody who has answered waits for them.
   What a campaign's agents must have is another matter: who lacks it does not serve the campaign (`qualified`).
4. The campaign's order.
5. The agent's name, so that the same floor gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from config.agent_choice import AgentChoiceSettings, AgentOrder, Skills, missing, texts_of
from dialer.core.agents.agent import Agent
from dialer.core.campaign_run import CampaignRun
from dialer.language.phrases import listed, phrase


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """What a call asks for: an agent of `campaign`, none of `tried`, one of `own` (who count for the campaign) if
    there is any, `last_agent` if that one is there, with `skills` as far as they go."""

    campaign: str
    tried: Collection[str] = ()
    own: Collection[str] = ()
    last_agent: str = ""
    skills: Skills = field(default_factory=dict)


def choose(ready: Iterable[Agent], request: AgentRequest, rules: AgentChoiceSettings, now: float) -> Agent | None:
    """The agent who has the call; None if no ready one serves the campaign."""
    last_agent, skills = request.last_agent if rules.last_agent else "", request.skills
    suits = [agent for agent in ready if request.campaign in agent.campaigns and agent.agent not in request.tried]
    turn = turn_by(rules.order, now)

    def key(agent: Agent) -> tuple[bool, bool, int, float, str]:
        lacks = len(missing(skills, agent.skills)) if skills else 0
        return agent.agent not in request.own, agent.agent != last_agent, lacks, turn(agent), agent.agent

    return min(suits, key=key, default=None)


def turn_by(order: AgentOrder, now: float) -> Callable[[Agent], float]:
    """What ready agents are sorted by; the least has its turn."""
    match order:
        case AgentOrder.LONGEST_IDLE:
            return lambda agent: agent.since
        case AgentOrder.LEAST_OCCUPIED:
            return lambda agent: occupancy(agent, now)
        case AgentOrder.ROUND_ROBIN:
            return lambda agent: agent.served_at


def occupancy(agent: Agent, now: float) -> float:
    """The share of its working time that a ready agent was on calls and in wrap-up; 0 at the beginning."""
    worked_s = agent.busy_s + agent.idle_s + (now - agent.since)
    return agent.busy_s / worked_s if worked_s > 0 else 0.0


def qualified(agent: Agent, runs: Mapping[str, CampaignRun]) -> Agent:
    """The agent, serving those campaigns of its login whose skills it has. What a campaign asks for that this daemon
    does not know yet is looked at when it does."""
    serves = tuple([name for name in agent.login if not lacking(agent, runs.get(name))])
    return agent if serves == agent.campaigns else replace(agent, campaigns=serves)


def lacking(agent: Agent, run: CampaignRun | None) -> tuple[str, ...]:
    """The skills that a campaign asks for and the agent lacks, as people write them."""
    return texts_of(missing(run.settings.agent_choice.needed, agent.skills)) if run is not None else ()


def unqualified(agent: Agent, runs: Mapping[str, CampaignRun]) -> str:
    """Why an agent serves none of the campaigns of its login, for the desktop."""
    reasons = [
        phrase("campaign {name} needs {skills}", name=name, skills=listed(lacking(agent, runs.get(name))))
        for name in agent.login
    ]
    return phrase("skills: {reasons}", reasons=listed(reasons, "; "))
