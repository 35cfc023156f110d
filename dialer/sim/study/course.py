"""How the callees and talks of a scenario change over the shift."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dialer.sim.study.scenario import Drift, DriftOf, Scenario


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
    steps = tuple((d.at_min * 60, (d.at_min + d.over_min) * 60, d.to) for d in drifts if d.of is of)
    return Course(start, steps)


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
