"""What the daemon has counted since it started, and the `Board` made of it and of the engine's figures."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import dialer
from dialer.core.abandonment.windows import zone_of
from dialer.core.agents.agent import AgentState
from dialer.core.board import (
    NO_RECORDINGS,
    AgentRow,
    Board,
    CallerIdRow,
    CampaignRow,
    Delay,
    ReaderRow,
    RecordingsRow,
    Trend,
    TrunkRow,
)
from dialer.core.call_quality import NewestCalls
from dialer.core.effects import AgentChanged, VerdictChecked
from dialer.core.engine_view import CampaignStatistics, EngineStatistics
from dialer.core.inbound.ending import end_of
from dialer.core.inputs import Refused
from dialer.core.leads.lead_counts import LeadCounts, last_word
from dialer.core.model import Settlement
from dialer.language.decisions import sentence
from dialer.language.phrases import phrase
from dialer.shell.clock import Clock
from dialer.shell.health import Health
from dialer.store.operators.agent_days import AgentDay
from pacing.api import NOT_ASKED, Brake, Decision, Mode

CALLER_IDS: Final = 200
"""The board has so many caller ids at most, those that were shown last."""

DELAY_SAMPLES: Final = 5_000
"""Percentiles are of so many of the newest calls."""


@dataclass(slots=True)
class Delays:
    """The newest `most` samples in seconds: `came` in the order in which they came, `ordered` by size. What they come
    to is kept until the next."""

    most: int = DELAY_SAMPLES
    came: deque[float] = field(default_factory=deque)
    ordered: list[float] = field(default_factory=list)
    _known: Delay | None = field(default_factory=Delay)

    def add(self, delay_s: float) -> None:
        """A further sample; the oldest goes where there are too many."""
        if len(self.came) == self.most:
            del self.ordered[bisect_left(self.ordered, self.came.popleft())]
        self.came.append(delay_s)
        insort(self.ordered, delay_s)
        self._known = None

    def delay(self) -> Delay:
        """What they come to."""
        if self._known is None:
            ordered, last = self.ordered, len(self.ordered) - 1
            p50_ms, p99_ms, max_ms = [
                round(ordered[at] * 1000, 2) for at in (round(0.5 * last), round(0.99 * last), last)
            ]
            self._known = Delay(len(ordered), p50_ms, p99_ms, max_ms)
        return self._known


@dataclass(slots=True)
class TrendCounts:
    """What ended in each of the last `Trend.STEPS` stretches of `Trend.STEP_S` seconds of the monotonic clock. `ends`
    has [ends, live answers, abandoned] by the number of the stretch."""

    ends: dict[int, list[int]] = field(default_factory=dict)

    def count(self, now: float, *, live: bool, abandoned: bool) -> None:
        """An attempt ended."""
        step = int(now // Trend.STEP_S)
        if step not in self.ends:
            self.ends = {kept: counts for kept, counts in self.ends.items() if kept > step - Trend.STEPS}
            self.ends[step] = [0, 0, 0]
        for place, counted in enumerate((True, live, abandoned)):
            self.ends[step][place] += counted

    def trend(self, now: float) -> Trend:
        """The last hour, the oldest stretch first; the newest is not over yet."""
        last = int(now // Trend.STEP_S)
        steps = [self.ends.get(step, (0, 0, 0)) for step in range(last - Trend.STEPS + 1, last + 1)]
        return Trend(*[tuple(column) for column in zip(*steps, strict=True)])


@dataclass(slots=True)
class CampaignCounts:
    """One campaign's counts. `callers` are calls from outside by how they ended. `hand_over_s` is answer to agent's
    INVITE, `answer_to_agent_s` answer to bridge; `problem` is why the campaign cannot run here, `leads` where its leads
    are."""

    attempts: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    callers: Counter[str] = field(default_factory=Counter)
    decisions: int = 0
    asked: int = 0  # calls that the decisions came to
    hand_over_s: Delays = field(default_factory=Delays)
    answer_to_agent_s: Delays = field(default_factory=Delays)
    decision: Decision = NOT_ASKED
    decided_at: float = 0.0  # seconds since the epoch
    problem: str = ""
    leads: LeadCounts = field(default_factory=LeadCounts)
    trend: TrendCounts = field(default_factory=lambda: TrendCounts())


@dataclass(slots=True)
class Statistics:
    """Everything that is counted in one process. `agent_s` is agents' time by state, `agent_days` what they did today,
    as the store last had it, `readers` and `recordings` how those stood when last looked at; of caller ids those that
    were shown last are kept."""

    clock: Clock
    started_at: float
    campaigns: defaultdict[str, CampaignCounts] = field(default_factory=lambda: defaultdict(CampaignCounts))
    agent_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    agent_now: dict[str, tuple[AgentState, float]] = field(default_factory=dict)
    pacing_late: int = 0
    anomalies: int = 0
    refused_callers: Counter[str] = field(default_factory=Counter)
    by_trunk: defaultdict[str, NewestCalls] = field(default_factory=lambda: defaultdict(NewestCalls))
    by_caller_id: dict[str, NewestCalls] = field(default_factory=dict)
    agent_days: Mapping[str, AgentDay] = field(default_factory=dict)
    readers: tuple[ReaderRow, ...] = ()
    recordings: RecordingsRow = NO_RECORDINGS

    def settled(self, settlement: Settlement) -> None:
        """An attempt ended."""
        counts = self.campaigns[settlement.campaign]
        if settlement.inbound:
            counts.callers[end_of(settlement).value] += 1
            return
        counts.attempts += 1
        counts.dispositions[settlement.disposition.value] += 1
        counts.causes[settlement.cause.value] += 1
        if settlement.judged:
            counts.judged[settlement.judged] += 1
        self._note_quality(settlement)
        counts.trend.count(self.clock.now(), live=settlement.live, abandoned=settlement.abandoned)
        wanted_at = settlement.agent_wanted_at
        if wanted_at is None:
            return
        if settlement.agent_dialled_at is not None:
            counts.hand_over_s.add(settlement.agent_dialled_at - wanted_at)
        if settlement.bridged_at is not None:
            counts.answer_to_agent_s.add(settlement.bridged_at - wanted_at)

    def _note_quality(self, settlement: Settlement) -> None:
        for name in settlement.failed_trunks:
            self.by_trunk[name].gave_back()
        self.by_trunk[settlement.trunk].ended(settlement)
        if settlement.caller_id:
            calls = self.by_caller_id.pop(settlement.caller_id, None) or NewestCalls()
            self.by_caller_id[settlement.caller_id] = calls
            calls.ended(settlement)
            if len(self.by_caller_id) > CALLER_IDS:
                del self.by_caller_id[next(iter(self.by_caller_id))]

    def verdict_checked(self, checked: VerdictChecked) -> None:
        """Somebody said whether what was judged a machine was one."""
        self.campaigns[checked.campaign].checked["machine" if checked.right else "person"] += 1

    def refused(self, refused: Refused) -> None:
        """A gate said no."""
        self.campaigns[refused.lead.campaign].refusals[refused.refusal.rule.value] += 1

    def decided(self, campaign: str, decision: Decision) -> None:
        """A pacer answered."""
        counts = self.campaigns[campaign]
        counts.decision = decision
        counts.decided_at = self.clock.wall()
        counts.decisions += 1
        counts.asked += decision.dial

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

    def board(
        self, host: str, engine: EngineStatistics, health: Health, *, workers: int, restarts: int, spooled: int
    ) -> Board:
        """How things stand now."""
        now = self.clock.now()
        for agent, (state, _) in list(self.agent_now.items()):
            self._book(agent, now)
            self.agent_now[agent] = (state, now)
        return Board(
            host=host,
            version=dialer.__version__,
            at=self.clock.wall(),
            started_at=self.started_at,
            state="draining" if engine.draining else "running",
            redis_healthy=health.redis_healthy,
            spooled=spooled,
            lines_used=engine.lines_used,
            lines_total=engine.lines_total,
            workers=workers,
            worker_restarts=restarts,
            pacing_late=self.pacing_late,
            anomalies=self.anomalies,
            problems=tuple(health.problems.values()),
            no_new_calls=tuple(health.no_new_calls.values()),
            trunks=tuple([self._with_quality(row) for row in engine.trunks]),
            caller_ids=tuple(
                [
                    CallerIdRow(name, calls.figures(), dict(calls.totals), calls.answered, calls.short)
                    for name, calls in sorted(self.by_caller_id.items())
                ]
            ),
            campaigns=tuple([self._campaign_row(campaign) for campaign in engine.campaigns]),
            agents=tuple([self._agent_row(row) for row in engine.agents]),
            agent_s=dict(self.agent_s),
            readers=self.readers,
            about=tuple(health.problems),
            recordings=self.recordings,
            refused_callers=dict(self.refused_callers),
        )

    def _with_quality(self, row: TrunkRow) -> TrunkRow:
        calls = self.by_trunk[row.name]
        return replace(
            row, quality=calls.figures(), ended=dict(calls.totals), answered=calls.answered, short=calls.short
        )

    def _agent_row(self, row: AgentRow) -> AgentRow:
        day = self.agent_days.get(row.agent)
        if day is not None:
            row.talks, row.talk_s, row.outcomes = day.talks, day.talk_s, day.outcomes
            row.first_talk_at = day.first_at if day.talks else None
        return row

    def _campaign_row(self, campaign: CampaignStatistics) -> CampaignRow:
        settings, counts = campaign.settings, self.campaigns[campaign.settings.name]
        leads, decision = counts.leads, counts.decision
        next_ = last_word(leads, zone_of(settings), held=bool(counts.problem)) if leads.at else ""
        if settings.mode is Mode.PREVIEW:
            words, no_lead = campaign.row.sentence, campaign.lacks_leads
        else:
            windows = {str(window.name): window.name for window in campaign.row.windows}
            words, no_lead = sentence(decision, windows), decision.reason.brake is Brake.NO_LEAD
        if no_lead and next_ and not leads.diallable:  # the pacer knows that no lead is due, not until when
            words = phrase("{words} ({next})", words=words, next=next_)
        row = campaign.row
        row.problem, row.sentence, row.risk = counts.problem, words, decision.risk
        row.decision, row.decisions, row.decided_at = decision, counts.decisions, counts.decided_at
        row.due, row.waiting, row.next = leads.due, leads.waiting, next_
        row.overdue = leads.overdue
        row.finished = bool(leads.at) and leads.finished
        row.trend = counts.trend.trend(self.clock.now())
        row.attempts, row.dispositions = counts.attempts, dict(counts.dispositions)
        row.refusals, row.causes = dict(counts.refusals), dict(counts.causes)
        row.judged, row.checked = dict(counts.judged), dict(counts.checked)
        row.callers = dict(counts.callers)
        row.hand_over, row.answer_to_agent = counts.hand_over_s.delay(), counts.answer_to_agent_s.delay()
        return row
