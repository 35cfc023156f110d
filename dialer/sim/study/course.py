"""How the callees and talks of a scenario change over the shift."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dialer.sim.study.scenario import Drift, DriftOf, Scenario

LAST_S: Final = 86_400.0
"""No shift is longer."""


@dataclass(frozen=True, slots=True)
class Course:
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


def course(start: float, drifts: Iterable[Drift], of: DriftOf) -> Course:
    """The course of one value under a scenario's drifts."""
    own = [drift for drift in drifts if drift.of is of]
    ends_s = [drift.at_min * 60 for drift in own[1:]] + [LAST_S]
    steps: list[tuple[float, float, float]] = []
    before = start
    for drift, until_s in zip(own, ends_s, strict=False):  # no drift, no step
        steps.append((drift.at_min * 60, (drift.at_min + drift.over_min) * 60, drift.to))
        steps += _to_and_fro(drift, before, until_s)
        before = steps[-1][2]
    return Course(start, tuple(steps))


def _to_and_fro(drift: Drift, before: float, until_s: float) -> list[tuple[float, float, float]]:
    """The further steps of a drift that alternates with the value before it."""
    if drift.alternates_min <= 0:
        return []
    every_s = drift.alternates_min * 60
    first_s = (drift.at_min + drift.over_min) * 60 + every_s
    times = [first_s + turn * every_s for turn in range(math.ceil(max(0.0, until_s - first_s) / every_s))]
    return [(at, at, before if turn % 2 == 0 else drift.to) for turn, at in enumerate(times)]


@dataclass(frozen=True, slots=True)
class Courses:
    """The four values that may drift. Talks and wrap-ups as factors of their usual length."""

    answer_rate: Course
    machine_rate: Course
    talk: Course
    wrapup: Course


def courses(scenario: Scenario) -> Courses:
    """The courses of a scenario."""
    drifts, agents = scenario.drifts, scenario.agents
    return Courses(
        course(scenario.callees.answer_rate, drifts, DriftOf.ANSWER_RATE),
        course(scenario.callees.machine_rate, drifts, DriftOf.MACHINE_RATE),
        _factor(course(agents.talk.average_s, drifts, DriftOf.TALK)),
        _factor(course(agents.wrapup.average_s, drifts, DriftOf.WRAPUP)),
    )


def _factor(means: Course) -> Course:
    return Course(1.0, tuple((begins, ends, to / means.start) for begins, ends, to in means.steps))
