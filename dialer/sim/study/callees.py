"""The callees of a shift. Who they are depends on the seed and their place on the list alone.

So every policy meets the same people: the n-th lead is as likely to answer, takes as long to, and talks as long,
whoever calls and whenever. What drifts over the shift changes the thresholds and the lengths, never the draws.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Final

from dialer.sim.study.scenario import Drift, DriftOf, Machines, Scenario

SEED_STEP: Final = 2**40
TRY_STEP: Final = 2**34


LAST_S: Final = 86_400.0
"""No shift is longer."""


class Outcome(StrEnum):
    """How a call would end, were it left to ring."""

    PERSON = "person"
    MACHINE = "machine"
    BUSY = "busy"
    INVALID = "invalid"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Callee:
    """One call to come. `after_s` is from the INVITE to the answer or the failure; infinite where nobody ever answers.
    `talk_share` and `wrapup_share` are quantiles: how long they are depends on when the talk begins."""

    outcome: Outcome
    ringing_after_s: float
    after_s: float
    talk_share: float
    wrapup_share: float
    hangs_up: bool
    patience_s: float


@dataclass(slots=True)
class People:
    """Everybody on the list under a seed."""

    scenario: Scenario
    seed: int
    trends: Trends = field(init=False)
    _dice: Random = field(default_factory=Random)

    def __post_init__(self) -> None:
        self.trends = trends(self.scenario)

    def call(self, lead: int, tries: int, now: float) -> Callee:
        """What comes of calling the `lead`-th number for the (`tries` + 1)-th time at `now` seconds."""
        dice = self._dice
        dice.seed(self.seed * SEED_STEP + tries * TRY_STEP + lead)
        draw = dice.random
        who, post_dial, ring, talk, wrapup, hangs_up, patience = draw(), draw(), draw(), draw(), draw(), draw(), draw()
        callees = self.scenario.callees
        outcome = self._outcome(who, now)
        ringing_after_s = callees.post_dial.at(post_dial)
        match outcome:
            case Outcome.NOBODY:
                after_s = math.inf
            case Outcome.PERSON:
                after_s = ringing_after_s + callees.ring.at(ring)
            case Outcome.MACHINE:
                after_s = ringing_after_s + callees.machine_ring.at(ring)
            case _:
                after_s = callees.fast_failure.at(ring)
        return Callee(
            outcome=outcome,
            ringing_after_s=ringing_after_s,
            after_s=after_s,
            talk_share=talk,
            wrapup_share=wrapup,
            hangs_up=hangs_up < callees.hung_up_by_callee_rate,
            patience_s=-callees.patience_s * math.log1p(-patience) if callees.patience_s else math.inf,
        )

    def _outcome(self, who: float, now: float) -> Outcome:
        """People from one end of the draw, the rest from the other: a drift of one leaves the others as they are."""
        callees = self.scenario.callees
        if who < self.trends.answer_rate.at(now):
            return Outcome.PERSON
        left = 1.0 - who
        for outcome, share in (
            (Outcome.INVALID, callees.invalid_rate),
            (Outcome.BUSY, callees.busy_rate),
            (Outcome.MACHINE, self.trends.machine_rate.at(now)),
        ):
            if left <= share:
                return outcome
            left -= share
        return Outcome.NOBODY

    def talk_s(self, callee: Callee, now: float) -> float:
        """How long the talk is that begins now. A machine holds an agent for a moment only."""
        agents = self.scenario.agents
        if callee.outcome is Outcome.MACHINE:
            return agents.machine_talk.at(callee.talk_share)
        return agents.talk.at(callee.talk_share) * self.trends.talk.at(now)

    def wrapup_s(self, callee: Callee, now: float) -> float:
        """How long the wrap-up is that begins now; none after a machine."""
        if callee.outcome is Outcome.MACHINE:
            return 0.0
        return self.scenario.agents.wrapup.at(callee.wrapup_share) * self.trends.wrapup.at(now)

    @property
    def screens_machines(self) -> bool:
        """Whether the carrier ends calls that machines answer."""
        return self.scenario.callees.machines is Machines.SCREENED


# --- what drifts over the shift ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trend:
    """One value over time: from `start` along `steps` of (begin, end, value at the end), seconds, in order."""

    start: float
    steps: tuple[tuple[float, float, float], ...] = ()

    def at(self, now: float) -> float:
        """The value at `now` seconds. A change that another one overtakes goes on from where it was."""
        value = self.start
        for place, (begins, ends, to) in enumerate(self.steps):
            if now < begins:
                break
            until = self.steps[place + 1][0] if place + 1 < len(self.steps) else now
            moment = min(now, until)
            share = 1.0 if moment >= ends else (moment - begins) / (ends - begins)
            value += (to - value) * share
        return value


def trend(start: float, drifts: Iterable[Drift], of: DriftOf) -> Trend:
    """The trend of one value under a scenario's drifts."""
    own = [drift for drift in drifts if drift.of is of]
    ends_s = [drift.at_min * 60 for drift in own[1:]] + [LAST_S]
    steps: list[tuple[float, float, float]] = []
    before = start
    for drift, until_s in zip(own, ends_s, strict=False):  # no drift, no step
        steps.append((drift.at_min * 60, (drift.at_min + drift.over_min) * 60, drift.to))
        steps += _to_and_fro(drift, before, until_s)
        before = steps[-1][2]
    return Trend(start, tuple(steps))


def _to_and_fro(drift: Drift, before: float, until_s: float) -> list[tuple[float, float, float]]:
    """The further steps of a drift that alternates with the value before it."""
    if drift.alternates_min <= 0:
        return []
    every_s = drift.alternates_min * 60
    first_s = (drift.at_min + drift.over_min) * 60 + every_s
    times = [first_s + turn * every_s for turn in range(math.ceil(max(0.0, until_s - first_s) / every_s))]
    return [(at, at, before if turn % 2 == 0 else drift.to) for turn, at in enumerate(times)]


@dataclass(frozen=True, slots=True)
class Trends:
    """The four values that may drift. Talks and wrap-ups as factors of their usual length."""

    answer_rate: Trend
    machine_rate: Trend
    talk: Trend
    wrapup: Trend


def trends(scenario: Scenario) -> Trends:
    """The trends of a scenario."""
    drifts, agents = scenario.drifts, scenario.agents
    return Trends(
        trend(scenario.callees.answer_rate, drifts, DriftOf.ANSWER_RATE),
        trend(scenario.callees.machine_rate, drifts, DriftOf.MACHINE_RATE),
        _factor(trend(agents.talk.average_s, drifts, DriftOf.TALK)),
        _factor(trend(agents.wrapup.average_s, drifts, DriftOf.WRAPUP)),
    )


def _factor(means: Trend) -> Trend:
    return Trend(1.0, tuple((begins, ends, to / means.start) for begins, ends, to in means.steps))
