"""One shift: the daemon's engine and a pacer, among callees, agents, a list and a trunk, in virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from config.abandonment import AbandonWindow, WindowKind
from config.campaign import CampaignSettings
from config.policies import AppliedSettings, applied, shipped
from config.rules import CapSettings, Day, HoursSettings
from dialer.core.abandonment.rate import AnswerCounts
from dialer.core.calls.trunk_load import TrunkLimits
from dialer.core.effects import AgentChanged, Anomaly, Effect, Lease, Publish, Release, Reserve, Send, Settle
from dialer.core.engine import Engine
from dialer.core.engine_state import EngineSettings
from dialer.core.inputs import CampaignChanged, CampaignState, Drain, Input, LedgerOfOthers, LocalTime, Paced
from dialer.core.model import Disposition
from dialer.core.pacing_snapshot import pacing_settings
from dialer.sim.policies import POLICIES, pacer_after_restart
from dialer.sim.study.agents import Agents
from dialer.sim.study.callees import People
from dialer.sim.study.carrier import Carrier
from dialer.sim.study.lead_list import LeadList
from dialer.sim.study.results import Recorder, Run
from dialer.sim.study.scenario import Scenario, ShockKind
from dialer.sim.virtual_time import UTC_OFFSET_S, Timeline
from pacing.api import Mode, Pacer, Settings
from sip.messages import SLOTS_PER_CALL, Capacity, Dial

CAMPAIGN: Final = "study"
TRUNK: Final = "trunk"
DESK: Final = "cn-default"
"""The policy whose caps a list with an end is called by."""

NO_LIMIT: Final = 100_000
TRUNK_FAILS: Final = {ShockKind.TRUNK_OUTAGE: "down", ShockKind.TRUNK_REFUSES: "refuses"}
"""What a shock switches on the carrier."""

EVERYONE_S: Final = 1.0
"""The pacer is asked at least this often, as in the daemon."""

DRAIN_LIMIT_S: Final = 4 * 3600.0


@dataclass(slots=True)
class Shift:
    """One shift while it is played. `tell` is the only way to the engine."""

    scenario: Scenario
    policy: str
    seed: int
    timeline: Timeline = field(default_factory=Timeline)
    anomalies: int = 0
    draining: bool = False
    looks_at: float = 0.0
    looked_at: float = 0.0
    leases_at: float = 0.0
    engine: Engine = field(init=False)
    settings: Settings = field(init=False)
    pacer: Pacer = field(init=False)
    lead_list: LeadList = field(init=False)
    carrier: Carrier = field(init=False)
    agents: Agents = field(init=False)
    recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        limits, settings = self.scenario.dialling, _campaign(self.scenario)
        lines = limits.lines or NO_LIMIT
        trunk = TrunkLimits(TRUNK, limits.max_cps or NO_LIMIT, lines)
        # Desktops of a study never fall silent, so nobody has to listen for their heartbeats.
        floor = EngineSettings((trunk,), lines, agent_heartbeat_timeout_s=float("inf"))
        self.engine = Engine(floor)
        people = People(self.scenario, self.seed)
        self.lead_list = LeadList(self.timeline, self.tell, settings, limits.leads)
        self.agents = Agents(self.timeline, self.tell, people, CAMPAIGN)
        self.recorder = Recorder(self.scenario.duration_s)
        self.carrier = Carrier(
            self.timeline,
            self.tell,
            people,
            self.engine.state,
            self.agents.talks,
            self.scenario.agents.pick_up_s,
            limits.message_s,
        )
        self.tell(CampaignChanged(settings, CampaignState.RUNNING))
        run = self.engine.state.campaigns[CAMPAIGN]
        self.settings = pacing_settings(self.engine.state, run)
        self.pacer = POLICIES[self.policy](self.settings, self.seed)
        self.tell(LocalTime(UTC_OFFSET_S))
        self.tell(LedgerOfOthers(CAMPAIGN, "today", AnswerCounts(0, 0)))
        self.tell(Capacity(SLOTS_PER_CALL * lines, 1))

    def tell(self, event: Input) -> None:
        """Hand the engine an input and carry out what it wants."""
        now = self.timeline.now
        for effect in self.engine.receive(event, now, self.timeline.wall):
            self._carry_out(effect, now)

    def play(self) -> Run:
        """Open, work, drain, and count."""
        scenario, end_s = self.scenario, self.scenario.duration_s
        self.agents.plan(scenario, self.seed)
        for shock in scenario.shocks:
            if shock.kind in TRUNK_FAILS:
                self.timeline.at(shock.at_min * 60, setattr, self.carrier, TRUNK_FAILS[shock.kind], True)
                ends_s = (shock.at_min + shock.for_min) * 60
                self.timeline.at(ends_s, setattr, self.carrier, TRUNK_FAILS[shock.kind], False)
        for restart in scenario.restarts:
            self.timeline.at(restart.at_min * 60, setattr, self, "draining", True)
            self.timeline.at((restart.at_min + restart.for_min) * 60, self._starts_again, restart.memory)
        self._work(end_s)
        self.tell(Drain())
        self._work(end_s + DRAIN_LIMIT_S, draining=True)
        cap = scenario.dialling.max_abandon_rate
        return self.recorder.run(self.policy, self.seed, cap, self.lead_list.exhausted_at, self.anomalies)

    def _starts_again(self, memory: bool) -> None:
        """Another pacer goes on where the daemon drained."""
        self.engine.pacer_requests(self.timeline.now, everyone=True)
        self.pacer = pacer_after_restart(self.policy, self.settings, self.seed, self.pacer if memory else None)
        self.draining = False

    def _work(self, until: float, *, draining: bool = False) -> None:
        """Let time pass up to `until`; in a drain, until nothing is on the line."""
        timeline, engine = self.timeline, self.engine
        while True:
            next_at, wakes_at = timeline.next_at(), engine.next_wake()
            if draining and engine.is_idle():
                return
            # Asked after something happened, no more often than the daemon asks; and once a second in any case.
            looks_at = self.looks_at if engine.state.changed else self.looked_at + EVERYONE_S
            if next_at <= wakes_at and next_at <= looks_at and next_at <= until:
                timeline.step()
                continue
            now = max(min(next_at, wakes_at, looks_at), timeline.now)
            if now > until:
                timeline.now = until
                return
            if next_at <= now:
                timeline.step()
            elif wakes_at <= now:
                timeline.now = now
                for effect in engine.advance(now):
                    self._carry_out(effect, now)
            else:
                timeline.now = now
                self._look(now)

    def _look(self, now: float) -> None:
        self.looked_at, self.looks_at = now, now + self.scenario.dialling.look_every_s
        engine = self.engine
        if now >= self.leases_at:  # each decision tops up, too; this is for when there is none
            self.leases_at = now + EVERYONE_S
            for effect in engine.lease_more(now):
                self._carry_out(effect, now)
        if self.draining:
            engine.pacer_requests(now, everyone=True)  # what happens now is told to nobody
            return
        for question in engine.pacer_requests(now, everyone=True):
            self.tell(Paced(CAMPAIGN, self.pacer.step(question.observations, question.snapshot)))

    def _carry_out(self, effect: Effect, now: float) -> None:
        match effect:
            case Send():
                if isinstance(effect.command, Dial):
                    self.recorder.call_starts(now)
                self.carrier.send(effect.command)
            case Settle():
                settlement = effect.settlement
                if settlement.disposition is not Disposition.NOT_SENT:
                    self.recorder.call_ends(settlement, now)
                self.lead_list.settle(settlement)
            case AgentChanged():
                self.recorder.agent(effect, now)
                self.agents.changed(effect)
            case Reserve():
                self.lead_list.reserve(effect)
            case Lease():
                self.lead_list.lease(effect)
            case Release():
                self.lead_list.release(effect)
            case Anomaly():
                self.anomalies += 1
            case Publish():
                pass  # nobody listens here


def _campaign(scenario: Scenario) -> AppliedSettings:
    """The scenario's limits as a campaign, with the caps of the default policy. Its mode plays no part: the policy's
    pacer is asked."""
    limits = scenario.dialling
    caps = shipped().get(DESK).caps
    campaign = CampaignSettings(
        name=CAMPAIGN,
        mode=Mode.PREDICTIVE,
        policies=(),
        hours=(HoursSettings(days=tuple(Day), opens="00:00", closes="24:00"),),
        caps=tuple(CapSettings(**row.model_dump(exclude={"source", "as_of"})) for row in caps),
        abandon_windows=(AbandonWindow(kind=WindowKind.CALENDAR_DAY),),
        abandon_message="message.wav",
        max_abandon_rate=limits.max_abandon_rate,
        abandon_after_s=limits.abandon_after_s,
        ring_timeout_s=limits.ring_timeout_s,
        ratio=limits.ratio,
        max_calls_per_agent=limits.max_calls_per_agent,
        wrapup_limit_s=scenario.agents.wrapup_limit_s,
    )
    return applied(campaign)


def work(scenario: Scenario, policy: str, seed: int) -> Run:
    """Play one shift. The same three give the same run."""
    return Shift(scenario, policy, seed).play()
