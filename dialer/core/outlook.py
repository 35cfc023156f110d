"""What a campaign's pacer sees of the floor."""

from __future__ import annotations

from collections.abc import Iterator

from dialer.core.agents import Agent, AgentState
from dialer.core.calls import UNANSWERED
from dialer.core.floor import CampaignRun, Floor
from pacing.face import Snapshot


def snapshot(floor: Floor, run: CampaignRun, staff: dict[str, list[Agent]], now: float) -> Snapshot:
    """One campaign as its pacer sees it, given everybody's `staff`."""
    agents = staff[run.name]
    waiting = (call for call in floor.waiting.values() if call.campaign == run.name)
    return Snapshot(
        now=now,
        ready=sum(agent.state is AgentState.READY for agent in agents),
        talking_age_s=_ages(agents, now, AgentState.TALKING)
        + (0.0,) * sum(agent.state is AgentState.RINGING for agent in agents),
        wrapup_age_s=_ages(agents, now, AgentState.WRAPUP),
        paused=sum(agent.state is AgentState.PAUSED for agent in agents),
        ringing_age_s=(*_ringing_ages(run, now), *_rivals(floor, run, staff, now)),
        waiting_age_s=tuple(now - (call.answered_at or now) for call in waiting),
        lines_free=floor.lines_free(run, now),
        leads_available=len(run.leads),
        ledger=run.ledger,
    )


def _rivals(floor: Floor, run: CampaignRun, staff: dict[str, list[Agent]], now: float) -> Iterator[float]:
    """Ages of other campaigns' calls that may take this one's ready agents when they are answered: those beyond
    the ready agents of their own, left from a time when they had more."""
    for other in floor.campaigns.values():
        if other is run or not other.in_flight:
            continue
        shared = sum(agent.state is AgentState.READY and other.name in agent.campaigns for agent in staff[run.name])
        if shared:
            ages = sorted(_ringing_ages(other, now), reverse=True)
            own = sum(agent.state is AgentState.READY for agent in staff[other.name])
            yield from ages[: max(0, min(len(ages) - own, shared))]


def _ringing_ages(run: CampaignRun, now: float) -> Iterator[float]:
    """Ages of the calls that were allowed and have no answer yet."""
    for call in run.calls.values():
        if call.state in UNANSWERED:
            yield now - call.started_at
    for gate in run.reserving.values():
        yield now - gate.since


def _ages(agents: list[Agent], now: float, state: AgentState) -> tuple[float, ...]:
    return tuple(now - agent.since for agent in agents if agent.state is state)
