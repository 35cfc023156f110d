"""What others may see of the engine: plain copies of one moment, so that nobody reaches into its state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from config.policies import AppliedSettings
from dialer.core.agents.agent import Agent, AgentState
from dialer.core.board import AgentRow, CallRow, CampaignRow, PartyRow, TrunkRow, row_of
from dialer.core.calls import previewing
from dialer.core.calls.call import CallState
from dialer.core.calls.trunk_load import FAULTS_OF_SHARE, SHARE_OF, RestCause, TrunkLoad
from dialer.core.campaign_run import CampaignRun
from dialer.core.engine_state import EngineState
from dialer.language.phrases import listed, phrase
from pacing.api import Mode


@dataclass(frozen=True, slots=True)
class EngineView:
    """What is in the engine's hands. `calls` are attempts on the line; `leads` are the ids of leads that are leased, on
    offer, at the gates or in a call, by campaign."""

    draining: bool
    calls: frozenset[str]
    campaigns: tuple[str, ...]
    leads: Mapping[str, list[str]]
    agents: Mapping[str, Agent]


def view(state: EngineState) -> EngineView:
    """The engine's hands now."""
    leads = {
        run.name: [lead.lead_id for lead in run.leads]
        + [offer.lead.lead_id for offer in run.offers.values()]
        + list(run.reserving)
        + [call.lead.lead_id for call in run.calls.values() if call.lead.lead_id]
        for run in state.campaigns.values()
    }
    return EngineView(state.draining, frozenset(state.calls), tuple(state.campaigns), leads, dict(state.roster.agents))


@dataclass(frozen=True, slots=True)
class CampaignStatistics:
    """One campaign: its row of the board as far as the engine knows it. In mode preview `lacks_leads` says
    that leads are all it lacks."""

    settings: AppliedSettings
    row: CampaignRow
    lacks_leads: bool


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """The figures that the board is made of. `broken_trunks` are kept from calls, or on probes."""

    draining: bool
    lines_used: int
    lines_total: int
    trunks: tuple[TrunkRow, ...]
    broken_trunks: frozenset[str]
    campaigns: tuple[CampaignStatistics, ...]
    agents: tuple[AgentRow, ...]


def statistics(state: EngineState, now: float) -> EngineStatistics:
    """The figures of this moment."""
    staff = state.staff()
    return EngineStatistics(
        draining=state.draining,
        lines_used=state.lines_used,
        lines_total=state.lines_total,
        trunks=tuple(_trunk_row(trunk, now) for trunk in state.trunks.values()),
        broken_trunks=frozenset(trunk.name for trunk in state.trunks.values() if trunk.is_open or trunk.rests(now)),
        campaigns=tuple([_campaign(state, run, staff[run.name]) for run in state.campaigns.values()]),
        agents=tuple([_agent_row(state, agent) for _, agent in sorted(state.roster.agents.items())]),
    )


def _campaign(state: EngineState, run: CampaignRun, staff: list[Agent]) -> CampaignStatistics:
    settings, in_preview = run.settings, run.settings.mode is Mode.PREVIEW
    row = CampaignRow(
        name=run.name,
        state=run.state.value,
        mode=settings.mode.value,
        sentence=previewing.sentence(state, run) if in_preview else "",
        max_abandon_rate=settings.max_abandon_rate,
        leads_held=len(run.leads) + len(run.offers) + len(run.reserving),
        answered=run.ledger.answered,
        abandoned=run.ledger.abandoned,
        agents=_by_state([agent.state for agent in staff]),
        calls=_by_state([call.state for call in run.calls.values()]),
        windows=tuple([row_of(window, settings.abandonment) for window in run.windows]),
    )
    return CampaignStatistics(settings, row, in_preview and previewing.lacks_leads(state, run))


def _by_state(states: Iterable[AgentState | CallState]) -> dict[str, int]:
    counts: dict[AgentState | CallState, int] = {}
    for state in states:
        counts[state] = counts.get(state, 0) + 1
    return {state.value: number for state, number in counts.items()}


def _agent_row(state: EngineState, agent: Agent) -> AgentRow:
    call = state.calls.get(agent.call) if agent.call else None
    first = (agent.campaigns or agent.login or ("",))[0] if agent.lead is None else agent.lead.campaign
    return AgentRow(
        agent=agent.agent,
        team=agent.team,
        state=agent.state.value,
        since=agent.since + state.wall_ahead_s,
        reason=agent.reason,
        campaign=call.campaign if call is not None else first,
        name=agent.name,
        pending=agent.pending.value if agent.pending is not None else "",
        logged_in_at=agent.logged_in_at + state.wall_ahead_s,
    )


def calls(state: EngineState) -> list[CallRow]:
    """The calls on the line."""
    ahead_s = state.wall_ahead_s
    return [
        CallRow(
            attempt_id=call.attempt,
            campaign=call.campaign,
            lead_id=call.lead.lead_id,
            phone=str(call.lead.number),
            state=call.state.value,
            started_at=call.started_at + ahead_s,
            answered_at=None if call.answered_at is None else call.answered_at + ahead_s,
            bridged_at=None if call.bridged_at is None else call.bridged_at + ahead_s,
            agent=call.agent or call.asked_by,
            trunk=call.trunk,
            inbound=call.is_inbound,
        )
        for call in state.calls.values()
    ]


def parties(state: EngineState) -> list[PartyRow]:
    """Third parties of talks, those that ended lately included."""
    return [
        PartyRow(
            *(party.party, party.purpose.value, party.who, party.to, party.agent, party.attempt, party.voice.value),
            *(party.state.value, party.since + state.wall_ahead_s, party.reason),
        )
        for party in state.parties.values()
    ]


def _trunk_row(trunk: TrunkLoad, now: float) -> TrunkRow:
    return TrunkRow(
        name=trunk.name,
        calls=trunk.calls,
        max_calls=trunk.limits.max_calls,
        starts_last_second=trunk.started_lately(now),
        max_cps=trunk.limits.max_cps,
        faults=trunk.faults,
        resting_s=round(max(0.0, trunk.rests_until - now, trunk.asked_until - now), 1),
        why=_why_it_rests(trunk, now),
        priority=trunk.limits.priority,
        weight=trunk.limits.weight,
    )


def _why_it_rests(trunk: TrunkLoad, now: float) -> str:
    """Why a trunk takes no calls, or only now and then one, in words."""
    if trunk.obstacles:
        return listed(trunk.obstacles.values(), "; ")
    if trunk.is_open:
        match trunk.cause:
            case RestCause.SHARE:
                return phrase(
                    "{faults} of its newest {calls} calls were refused", faults=FAULTS_OF_SHARE, calls=SHARE_OF
                )
            case RestCause.NO_MEDIA:
                return phrase("{calls} answered calls in a row had no audio that can be used", calls=trunk.mute_answers)
        return phrase("its calls failed {times} times in a row", times=trunk.faults)
    return phrase("it asked for a pause (Retry-After)") if now < trunk.asked_until else ""
