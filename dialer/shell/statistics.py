"""What the daemon has counted since it started, and the `Board` made of it and of the engine's state."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import tzinfo

import dialer
from dialer.core.agents.agent import Agent, AgentState
from dialer.core.board import AgentRow, Board, CampaignRow, TrunkRow, WindowRow, row_of
from dialer.core.calls import previewing
from dialer.core.calls.call import CallState
from dialer.core.calls.trunks import TrunkLoad
from dialer.core.campaign_run import CampaignRun, OpenWindow
from dialer.core.effects import AgentChanged
from dialer.core.engine_state import EngineState
from dialer.core.inputs import Refused
from dialer.core.leads.lead_counts import LeadCounts, last_word
from dialer.core.model import Settlement
from dialer.shell.clock import Clock
from dialer.shell.delays import Delays
from pacing.api import NOT_ASKED, Brake, Decision, Mode
from pacing.sentence import sentence


@dataclass(slots=True)
class CampaignTally:
    """One campaign's counts. `hand_over_s` is answer to agent's INVITE, `answer_to_agent_s` answer to bridge."""

    attempts: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    decisions: int = 0
    hand_over_s: Delays = field(default_factory=Delays)
    answer_to_agent_s: Delays = field(default_factory=Delays)
    decision: Decision = NOT_ASKED
    decided_at: float = 0.0  # seconds since the epoch
    problem: str = ""
    standing: LeadCounts = field(default_factory=LeadCounts)


@dataclass(slots=True)
class Tally:
    """Everything that is counted in one process. `problems` are alarms in words by what they are about, `ailments` what
    of that lets no call start. `unwritten` are attempts that ended and are not in the store yet; `zones` are the time
    zones of campaigns' counting days, where they are not the host's."""

    host: str
    clock: Clock
    started_at: float
    campaigns: defaultdict[str, CampaignTally] = field(default_factory=lambda: defaultdict(CampaignTally))
    agent_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    agent_now: dict[str, tuple[AgentState, float]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    ailments: set[str] = field(default_factory=set)
    pacing_late: int = 0
    decisions_taken: int = 0
    unwritten: set[str] = field(default_factory=set)
    zones: dict[str, tzinfo | None] = field(default_factory=dict)
    anomalies: int = 0
    spooled: int = 0

    def settled(self, settlement: Settlement) -> None:
        """An attempt ended."""
        self.unwritten.add(settlement.attempt)
        tally = self.campaigns[settlement.campaign]
        tally.attempts += 1
        tally.dispositions[settlement.disposition.value] += 1
        tally.causes[settlement.cause.value] += 1
        if settlement.answered_at is None:
            return
        if settlement.agent_dialled_at is not None:
            tally.hand_over_s.add(settlement.agent_dialled_at - settlement.answered_at)
        if settlement.bridged_at is not None:
            tally.answer_to_agent_s.add(settlement.bridged_at - settlement.answered_at)

    def refused(self, told: Refused) -> None:
        """A gate said no."""
        self.campaigns[told.lead.campaign].refusals[told.refusal.rule.value] += 1

    def decided(self, campaign: str, decision: Decision) -> None:
        """A pacer answered."""
        tally = self.campaigns[campaign]
        tally.decision = decision
        tally.decided_at = self.clock.wall()
        tally.decisions += 1

    def agent_changed(self, change: AgentChanged) -> None:
        """An agent went from one state to another: book the time spent in the old one."""
        self._book(change.agent, change.since)
        if change.state is AgentState.OFFLINE:
            self.agent_now.pop(change.agent, None)
        else:
            self.agent_now[change.agent] = (change.state, change.since)

    def _book(self, agent: str, until: float) -> None:
        before = self.agent_now.get(agent)
        if before is not None:
            self.agent_s[before[0].value] += max(0.0, until - before[1])

    def board(self, floor: EngineState, *, workers: int, restarts: int, redis_healthy: bool) -> Board:
        """How things stand now."""
        now, staff = self.clock.now(), floor.staff()
        for agent, (state, _) in list(self.agent_now.items()):
            self._book(agent, now)
            self.agent_now[agent] = (state, now)
        return Board(
            host=self.host,
            version=dialer.__version__,
            at=self.clock.wall(),
            started_at=self.started_at,
            state="draining" if floor.draining else "running",
            redis_healthy=redis_healthy,
            spooled=self.spooled,
            lines_used=floor.lines_used,
            lines_total=floor.lines_total,
            workers=workers,
            worker_restarts=restarts,
            pacing_late=self.pacing_late,
            anomalies=self.anomalies,
            problems=tuple(self.problems.values()),
            no_new_calls=tuple(words for about, words in self.problems.items() if about in self.ailments),
            trunks=tuple(_trunk_row(trunk, now) for trunk in floor.trunks.values()),
            campaigns=tuple([self._campaign_row(floor, run, staff[run.name]) for run in floor.campaigns.values()]),
            agents=tuple(self._agent_rows(floor)),
            agent_s=dict(self.agent_s),
        )

    def _campaign_row(self, floor: EngineState, run: CampaignRun, staff: list[Agent]) -> CampaignRow:
        tally, ledger = self.campaigns[run.name], run.ledger
        return CampaignRow(
            name=run.name,
            state=run.state.value,
            mode=run.settings.mode.value,
            problem=tally.problem,
            sentence=self._sentence(floor, run),
            risk=tally.decision.risk,
            decision=tally.decision,
            decided_at=tally.decided_at,
            max_abandon_rate=run.settings.max_abandon_rate,
            leads_held=len(run.leads) + len(run.offers) + len(run.reserving),
            due=tally.standing.due,
            waiting=tally.standing.waiting,
            next=last_word(tally.standing, self.zones.get(run.name)) if tally.standing.at else "",
            finished=bool(tally.standing.at) and tally.standing.finished,
            answered=ledger.answered,
            abandoned=ledger.abandoned,
            attempts=tally.attempts,
            agents=_by_state([agent.state for agent in staff]),
            calls=_by_state([call.state for call in run.calls.values()]),
            dispositions=dict(tally.dispositions),
            refusals=dict(tally.refusals),
            causes=dict(tally.causes),
            decisions=tally.decisions,
            hand_over=tally.hand_over_s.delay(),
            answer_to_agent=tally.answer_to_agent_s.delay(),
            windows=tuple(_window_row(window) for window in run.windows),
        )

    def _sentence(self, floor: EngineState, run: CampaignRun) -> str:
        """Why as many are dialled as are. The pacer knows that no lead is due, not until when."""
        tally = self.campaigns[run.name]
        decision, standing = tally.decision, tally.standing
        preview = run.settings.mode is Mode.PREVIEW
        text = previewing.sentence(floor, run) if preview else sentence(decision)
        no_lead = previewing.lacks_leads(floor, run) if preview else decision.reason.brake is Brake.NO_LEAD
        if no_lead and standing.at and not standing.diallable:
            return f"{text} ({last_word(standing, self.zones.get(run.name))})"
        return text

    def _agent_rows(self, floor: EngineState) -> Iterable[AgentRow]:
        for agent in sorted(floor.roster.agents.values(), key=lambda agent: agent.agent):
            call = floor.calls.get(agent.call) if agent.call else None
            first = agent.campaigns[0] if agent.lead is None else agent.lead.campaign
            yield AgentRow(
                agent=agent.agent,
                team=agent.team,
                state=agent.state.value,
                since=self.clock.to_wall(agent.since),
                reason=agent.reason,
                campaign=call.campaign if call is not None else first,
            )


def _by_state(states: Iterable[AgentState | CallState]) -> dict[str, int]:
    counts: dict[AgentState | CallState, int] = {}
    for state in states:
        counts[state] = counts.get(state, 0) + 1
    return {state.value: number for state, number in counts.items()}


def _window_row(window: OpenWindow) -> WindowRow:
    return row_of(window.others, window.ledger, window.definition)


def _trunk_row(trunk: TrunkLoad, now: float) -> TrunkRow:
    return TrunkRow(
        name=trunk.name,
        calls=trunk.calls,
        max_calls=trunk.max_calls,
        starts_last_second=trunk.started_lately(now),
        max_cps=trunk.max_cps,
        faults=trunk.faults,
        resting_s=round(max(0.0, trunk.rests_until - now), 1),
    )
