"""The rehearsal: one engine, its twins around it, and a check after every step."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from random import Random
from typing import Final

from compliance.numbers import E164
from dialer.core.abandonment.rate import AnswerCounts
from dialer.core.agents.agent import AgentState
from dialer.core.effects import (
    AgentChanged,
    Anomaly,
    Effect,
    Lease,
    Listen,
    OptOut,
    Postpone,
    Publish,
    Release,
    Reserve,
    Send,
    Settle,
)
from dialer.core.engine import Engine, PacerRequest
from dialer.core.engine_state import EngineSettings
from dialer.core.inputs import (
    BeepEnded,
    CampaignChanged,
    CampaignState,
    Drain,
    HangUpAll,
    Input,
    Judged,
    LedgerOfOthers,
    Paced,
    Permitted,
)
from dialer.core.model import Disposition, Lead
from pacing.api import Mode, Pacer, Settings
from pacing.policies import make
from sip.causes import Answerer
from sip.detection.messages import Sign, Verdict
from sip.messages import Answered, Dial, Ended, Progress
from tests.rehearsal.desks import Phones
from tests.rehearsal.far_end import FallibleFarEnd
from tests.rehearsal.faults import Saboteur, draw
from tests.rehearsal.invariants import InvariantBroken, Past, Step, attempt_of, check
from tests.rehearsal.memory import LEASE_S, Memory, Place
from tests.rehearsal.scenario import Scenario
from tests.rehearsal.world import World

DRAIN_LIMIT_S: Final = 300.0
HANG_UP_LIMIT_S: Final = 150.0
STARTS_KEPT: Final = 200
MakePacer = Callable[[Settings], Pacer]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a rehearsal. `utilisation` is the share of working time (ready, ringing, talking, wrap-up) that
    agents talked or wrapped up; `abandon_rate` is abandoned by live answers; `trace` names this very course of things:
    the same scenario and seed give the same."""

    attempts: int
    live: int
    abandoned: int
    dispositions: dict[Disposition, int]
    utilisation: float
    anomalies: int
    opt_outs: int
    further_invites: int
    steps: int
    trace: str

    @property
    def abandon_rate(self) -> float:
        return self.abandoned / self.live if self.live else 0.0


@dataclass(slots=True)
class Rehearsal:
    """One run. `tell` is the only way to the engine, and checks what comes of it."""

    scenario: Scenario
    world: World
    engine: Engine
    make_pacer: MakePacer
    past: Past = field(default_factory=Past)
    pacers: dict[str, tuple[Settings, Pacer]] = field(default_factory=dict)
    dispositions: Counter[Disposition] = field(default_factory=Counter)
    live: int = 0
    abandoned: int = 0
    anomalies: int = 0
    opt_outs: int = 0
    further_invites: int = 0
    steps: int = 0
    busy_s: float = 0.0
    working_s: float = 0.0
    wakes_at: float = float("inf")
    asks_everyone_at: float = 0.0
    digest: hashlib.blake2b = field(default_factory=lambda: hashlib.blake2b(digest_size=16))
    memory: Memory = field(init=False)
    phones: Phones = field(init=False)
    far_end: FallibleFarEnd = field(init=False)

    def __post_init__(self) -> None:
        scenario, world = self.scenario, self.world
        settings = {campaign.name: campaign for campaign in scenario.campaigns}
        self.memory = Memory(world, self.tell, scenario.disorder, settings)
        self.phones = Phones(world, self.tell, scenario.desks)
        self.far_end = FallibleFarEnd(
            world, self.tell, scenario.callees, scenario.disorder, self.phones, scenario.slots
        )

    # --- the engine and its clock -------------------------------------------------------------------------------

    def tell(self, told: Input) -> None:
        """Hand an input to the engine, check the step, and carry its effects out."""
        could_start = 0
        if isinstance(told, Paced):
            run = self.engine.state.campaigns[told.campaign]
            floor = self.engine.state
            paced = run.state is CampaignState.RUNNING and run.settings.mode is not Mode.PREVIEW
            if paced and floor.healthy and not floor.draining:
                could_start = min(floor.lines_free(run, self.world.now), len(run.leads))
        if isinstance(told, LedgerOfOthers) and self.engine.state.campaigns[told.campaign].day not in {"", told.day}:
            self.past.live[told.campaign] = self.past.abandoned[told.campaign] = 0
        self._stepped(told, self.engine.receive(told, self.world.now, self.world.wall), could_start)

    def _wake(self) -> None:
        if self.world.now >= self.wakes_at:
            self.wakes_at = float("inf")
            self._stepped(None, self.engine.advance(self.world.now))

    def _stepped(self, told: Input | None, effects: list[Effect], could_start: int = 0) -> None:
        world = self.world
        self.steps += 1
        check(
            Step(told, effects, self.engine.state, world.now, world.wall, self.memory.records, self.past, could_start)
        )
        self._remember(told, effects)
        for effect in effects:
            self._carry_out(effect)
        wake = max(self.engine.next_wake(), world.now)
        if wake < self.wakes_at:
            self.wakes_at = wake
            world.at(wake, self._wake)

    def _remember(self, told: Input | None, effects: list[Effect]) -> None:
        now, past, floor = self.world.now, self.past, self.engine.state
        trail = [f"{now:.6f}", type(told).__name__, *map(_trail, effects)]
        self.digest.update(" ".join(trail).encode())
        if isinstance(told, Permitted):
            past.permits[told.permit.attempt] = told.permit
        if isinstance(told, Answered) and told.kind is Answerer.MACHINE:
            past.machines.add(attempt_of(told.call))
        if isinstance(told, Progress | Answered):
            past.rang.add(attempt_of(told.call))
        if isinstance(told, Ended) and past.invites_out.get(attempt_of(told.call)) == told.call:
            del past.invites_out[attempt_of(told.call)]
        for effect in effects:
            match effect:
                case Settle(settlement):
                    past.settled.add(settlement.attempt)
                    past.permits.pop(settlement.attempt, None)
                    past.live[settlement.campaign] += settlement.live
                    past.abandoned[settlement.campaign] += settlement.abandoned
                case Publish("answer_judged", _, fields) if fields["action"] != "none":
                    past.machines.add(fields["attempt_id"])
                case OptOut():
                    past.opted_out.add(effect.number.clear)
                case Send(Dial() as dial):
                    attempt = attempt_of(dial.call)
                    call = floor.calls[attempt]
                    lead = call.lead.lead_id
                    if call.asked_by:
                        past.asked_by[attempt] = call.asked_by
                    past.dialled.add(dial.call)
                    past.invites_out[attempt] = dial.call
                    past.trunks_tried.setdefault(attempt, set()).add(dial.trunk)
                    self.further_invites += dial.call != attempt
                    past.dialled_leases.add((lead, self.memory.records[lead].leases))
                    past.starts.setdefault(dial.trunk, deque(maxlen=STARTS_KEPT)).append(now)
                case _:
                    pass

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send(command):
                self.far_end.send(command)
            case Lease():
                self.memory.lease(effect)
            case Reserve():
                self.memory.reserve(effect)
            case Release():
                self.memory.release(effect)
            case Postpone():
                self.memory.postpone(effect)
            case Settle(settlement):
                self.dispositions[settlement.disposition] += 1
                self.live += settlement.live
                self.abandoned += settlement.abandoned
                self.memory.settle(settlement)
            case OptOut():
                self.opt_outs += 1
                self.memory.opt_out(effect)
            case AgentChanged():
                self.phones.changed(effect)
            case Anomaly():
                self.anomalies += 1
            case Publish("preview", _, fields):
                self.phones.offered(fields["agent"], fields["lead_id"])
            case Listen(call, beep=beep):
                self._listen(call, beep=beep)
            case Publish():
                pass  # nobody listens here

    def _listen(self, call: str, *, beep: bool) -> None:
        """Somebody is heard, perhaps; a beep comes to machines and to people."""
        kind = self.world.dice.choice((Answerer.MACHINE, Answerer.MACHINE, Answerer.PERSON, Answerer.UNKNOWN))
        verdict = Verdict(kind, 0.9, Sign.LONG_GREETING, 2.0, 2.5)
        judged_s = self.world.between(0.3, 5.0)
        self.world.after(judged_s, partial(self.tell, Judged(call, verdict)))
        if beep and self.world.chance(0.6):
            self.world.after(judged_s + self.world.between(0.0, 40.0), partial(self.tell, BeepEnded(call)))

    # --- the pacers' beat -----------------------------------------------------------------------------------------

    def _pace(self) -> None:
        world, beat_s = self.world, self.scenario.pacing_every_s
        self._measure(beat_s)
        for effect in self.engine.lease_more(world.now):
            self._carry_out(effect)
        everyone = world.now >= self.asks_everyone_at
        if everyone:
            self.asks_everyone_at = world.now + 1.0
        thinking_s = 0.0
        for question in self.engine.pacer_requests(world.now, everyone=everyone):
            decision = self._pacer(question).step(question.observations, question.snapshot)
            thinking_s += world.between(0.001, 0.05)
            world.after(thinking_s, partial(self.tell, Paced(question.campaign, decision)))
        world.after(max(beat_s, thinking_s), self._pace)

    def _pacer(self, question: PacerRequest) -> Pacer:
        known = self.pacers.get(question.campaign)
        if known is None or known[0] != question.settings:
            known = self.pacers[question.campaign] = (question.settings, self.make_pacer(question.settings))
        return known[1]

    def _measure(self, seconds: float) -> None:
        states = Counter(agent.state for agent in self.engine.state.roster.agents.values())
        self.busy_s += seconds * (states[AgentState.TALKING] + states[AgentState.WRAPUP])
        self.working_s += seconds * (states.total() - states[AgentState.PAUSED])

    # --- from the first moment to the last ------------------------------------------------------------------------

    def play(self) -> Outcome:
        """Open the floor, let it work and break, drain, and see that nothing is left behind."""
        self.open()
        self.world.run(self.scenario.duration_s)
        return self.close()

    def open(self) -> None:
        """Load the leads, start the campaigns, let the agents in and plan the faults."""
        scenario, world = self.scenario, self.world
        names = tuple(campaign.name for campaign in scenario.campaigns)
        for index, campaign in enumerate(scenario.campaigns):
            self.memory.load(_leads(campaign.name, index, scenario.leads))
            self.tell(CampaignChanged(campaign, CampaignState.RUNNING))
            self.tell(LedgerOfOthers(campaign.name, "day 0", AnswerCounts(0, 0)))
        self.far_end.capacity()
        self.phones.open(names)
        saboteur = Saboteur(
            world, self.tell, self.far_end, self.phones, self.memory, dict(self.memory.settings), count(1)
        )
        saboteur.plan(scenario.faults + draw(scenario, world.dice))
        self._pace()

    def close(self) -> Outcome:
        """Drain, hang up what is left, and see that nothing is left behind."""
        world = self.world
        self.tell(Drain())
        world.run(world.now + DRAIN_LIMIT_S, self.engine.is_idle)
        self.tell(HangUpAll())
        world.run(world.now + HANG_UP_LIMIT_S, self.engine.is_idle)
        world.run(world.now + 2 * LEASE_S)
        self._nothing_left()
        return self._outcome()

    def _nothing_left(self) -> None:
        """At the end: no call, no open attempt, no lead that nobody holds."""
        if not self.engine.is_idle():
            raise InvariantBroken(f"{self.engine.state.lines_used} calls are left at the end")
        if any(run.offers for run in self.engine.state.campaigns.values()):
            raise InvariantBroken("leads are still on offer at the end")
        if self.past.permits:
            raise InvariantBroken(f"{len(self.past.permits)} attempts are not settled at the end")
        places = {place: self.memory.count(place) for place in Place}
        if places[Place.LEASED]:
            raise InvariantBroken(f"{places[Place.LEASED]} leads are still leased at the end")
        if sum(places.values()) != self.scenario.leads * len(self.scenario.campaigns):
            raise InvariantBroken(f"leads at the end: {places}")
        if any(times != 1 for times in self.memory.settled.values()):
            raise InvariantBroken("the store was told of an attempt's end twice")
        if self.memory.settled.keys() != self.past.settled:
            raise InvariantBroken("the store was not told of every attempt's end")

    def _outcome(self) -> Outcome:
        return Outcome(
            attempts=len(self.past.settled),
            live=self.live,
            abandoned=self.abandoned,
            dispositions=dict(self.dispositions),
            utilisation=self.busy_s / self.working_s if self.working_s else 0.0,
            anomalies=self.anomalies,
            opt_outs=self.opt_outs,
            further_invites=self.further_invites,
            steps=self.steps,
            trace=self.digest.hexdigest(),
        )


def _leads(campaign: str, index: int, number: int) -> list[Lead]:
    """Leads with two numbers each, all in Shanghai."""
    return [
        Lead(
            lead_id=f"{campaign}-{serial}",
            campaign=campaign,
            numbers=(E164(f"+8613{index}{serial:07d}0"), E164(f"+8615{index}{serial:07d}0")),
        )
        for serial in range(number)
    ]


def _trail(effect: Effect) -> str:
    """What an effect leaves in the trace."""
    match effect:
        case Send(command):
            return f"{type(command).__name__}:{getattr(command, 'call', '')}"
        case Settle(settlement):
            return f"{settlement.attempt}:{settlement.disposition}"
        case AgentChanged(agent, state):
            return f"{agent}:{state}"
        case _:
            return type(effect).__name__


def rehearse(scenario: Scenario, seed: int, make_pacer: MakePacer = make) -> Outcome:
    """Play a scenario under a seed. The same two give the same outcome, trace included.

    Raises `InvariantBroken` where the engine did what it must not, with the moment; the seed repeats it.
    """
    return prepare(scenario, seed, make_pacer).play()


def prepare(scenario: Scenario, seed: int, make_pacer: MakePacer = make) -> Rehearsal:
    """A rehearsal that has not begun."""
    engine = Engine(EngineSettings(scenario.trunks, scenario.max_lines, connection=scenario.connection))
    return Rehearsal(scenario, World(dice=Random(seed)), engine, make_pacer)
