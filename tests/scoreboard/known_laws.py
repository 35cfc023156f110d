"""The laws of a scenario as the tables of a decision: what a pacer would know that has been told everything.

By ring age, who answers a call that still rings and when; by age of a talk or a wrap-up, when its agent is free. Times
to answer run from the INVITE. Kinds of answers and of talks are mixed by what is still possible at an age.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from dialer.sim.study.durations import Duration, Law
from dialer.sim.study.scenario import Machines, Scenario
from pacing.compiled import Floats, floats
from pacing.kernels import AGE_FIRST_S, AGE_ROWS, AGES_PER_DECADE, RING_BIN_S, answered_by, free_by

HORIZONS: Final = 8
SLICES: Final = 8
EDGES: Final = 80
NONE: Final = floats(())
AGES_S: Final = AGE_FIRST_S * (10.0 ** (np.arange(AGE_ROWS) / AGES_PER_DECADE) - 1.0)


@dataclass(frozen=True, slots=True)
class Moment:
    """What drifts, as it is now: shares of calls, and talks and wrap-ups as factors of their usual length."""

    answer_rate: float
    machine_rate: float
    talk: float
    wrapup: float


@dataclass(frozen=True, slots=True)
class Told:
    """Tables by age (rows) and horizon (columns); horizons are the equally likely times to answer of a person called
    now. `will` is the probability that a call of that age is answered at all."""

    answered: Floats
    will: Floats
    talk_free: Floats
    wrapup_free: Floats


def told(scenario: Scenario, now: Moment, grace_s: float) -> Told:
    """The tables at one moment; who answers within `grace_s` of an agent's coming free is served."""
    people, machines, failures = _ends(scenario, now)
    horizon_s = _quantiles_s(people)
    answers = people + machines
    probability = float(answers[-1])
    answered, will = answered_by(np.maximum(0.0, 1.0 - answers - failures), answers, RING_BIN_S, horizon_s)
    talk_free, wrapup_free = _frees(scenario, now, horizon_s + grace_s, float(machines[-1]) / probability)
    return Told(answered, will, talk_free, wrapup_free)


def probability_of(scenario: Scenario, now: Moment) -> float:
    """The probability that a call is answered which starts now, by whomever."""
    callees, timeout_s = scenario.callees, np.array([scenario.dialling.ring_timeout_s])
    machines = now.machine_rate if callees.machines is Machines.AGENT else 0.0
    people = now.answer_rate * cdf(callees.ring)(timeout_s)[0]
    return float(people + machines * cdf(callees.machine_ring)(timeout_s)[0])


def _ends(scenario: Scenario, now: Moment) -> tuple[Floats, Floats, Floats]:
    """Shares of calls that a person has answered, that a machine has, and that have failed, by ring age."""
    callees, timeout_s = scenario.callees, scenario.dialling.ring_timeout_s
    bins = math.ceil((timeout_s + callees.post_dial.at(0.999)) / RING_BIN_S) + 2
    ages_s: Floats = np.arange(bins, dtype=np.float64) * RING_BIN_S
    ring, machine_ring, fast = cdf(callees.ring), cdf(callees.machine_ring), cdf(callees.fast_failure)
    people = now.answer_rate * _after(callees.post_dial, lambda t: ring(_at_most(t, timeout_s)), ages_s)
    machines = now.machine_rate * _after(callees.post_dial, lambda t: machine_ring(_at_most(t, timeout_s)), ages_s)
    failed = (callees.busy_rate + callees.invalid_rate) * fast(ages_s)
    if callees.machines is Machines.SCREENED:
        failed, machines = failed + machines, np.zeros(bins)
    left = 1.0 - people[-1] - machines[-1] - failed[-1]
    return people, machines, failed + left * _after(callees.post_dial, lambda t: _over(t, timeout_s), ages_s)


def _after(delay: Duration, share: Callable[[Floats], Floats], ages_s: Floats) -> Floats:
    """`share` of the time since a delay, by the time since it began."""
    delays_s = [delay.at((part + 0.5) / HORIZONS) for part in range(HORIZONS)]
    shares = [np.where(ages_s >= late_s, share(ages_s - late_s), 0.0) for late_s in delays_s]
    return np.asarray(np.mean(shares, axis=0), np.float64)


def _at_most(times: Floats, most_s: float) -> Floats:
    return np.asarray(np.minimum(times, most_s), np.float64)


def _over(times: Floats, since_s: float) -> Floats:
    return np.where(times >= since_s, 1.0, 0.0)


def _quantiles_s(people: Floats) -> Floats:
    """Equally likely times to answer, from the share that has answered by each age."""
    shares = people[-1] * (np.arange(HORIZONS) + 0.5) / HORIZONS
    rising = np.concatenate(([True], np.diff(people) > 0))
    return np.asarray(np.interp(shares, people[rising], np.arange(people.size)[rising] * RING_BIN_S))


def _frees(scenario: Scenario, now: Moment, within_s: Floats, machine_share: float) -> tuple[Floats, Floats]:
    """Whether talkers and those in wrap-up are free in time; after a machine there is no wrap-up."""
    agents = scenario.agents
    talk, wrapup = hazard(agents.talk, now.talk), hazard(agents.wrapup, now.wrapup)
    talk_free = free_by(AGES_S, within_s, *talk, *wrapup, SLICES)
    if machine_share > 0.0:
        moment = free_by(AGES_S, within_s, *hazard(agents.machine_talk, 1.0), NONE, NONE, SLICES)
        people = (1.0 - machine_share) * (1.0 - cdf(agents.talk)(AGES_S / now.talk))
        machines = machine_share * (1.0 - cdf(agents.machine_talk)(AGES_S))
        share = (machines / np.maximum(people + machines, 1e-300))[:, None]
        talk_free = share * moment + (1.0 - share) * talk_free
    return talk_free, free_by(AGES_S, within_s, *wrapup, NONE, NONE, SLICES)


def cdf(law: Duration) -> Callable[[Floats], Floats]:
    """The share of durations that are over by a time, for an array of times."""
    match law.law:
        case Law.LOGNORMAL:
            sigma = math.sqrt(math.log1p(law.cv**2))
            mu = math.log(law.mean_s) - sigma * sigma / 2
            scale = sigma * math.sqrt(2.0)
            below = np.vectorize(lambda t: 0.5 * math.erfc((mu - math.log(t)) / scale), otypes=[float])
            return lambda times: np.asarray(below(np.maximum(times, 1e-9)))
        case Law.EXPONENTIAL:
            return lambda times: -np.expm1(-np.maximum(times, 0.0) / law.mean_s)
        case Law.UNIFORM:
            return lambda times: np.clip((times - law.low_s) / (law.high_s - law.low_s), 0.0, 1.0)
        case Law.CONSTANT:
            return lambda times: _over(times, law.mean_s)


def hazard(law: Duration, factor: float) -> tuple[Floats, Floats]:
    """A law's durations, stretched by `factor`, as a hazard (1/s) that is constant between edges: edges and hazards."""
    if law.law is Law.CONSTANT:
        return np.array([0.0, law.mean_s * factor]), np.array([0.0, 100.0])
    levels = np.concatenate(([0.0], np.geomspace(0.002, 8.0, EDGES)))  # cumulative hazard
    edges_s = np.array([0.0 if level == 0.0 else law.at(-math.expm1(-level)) * factor for level in levels])
    steps = np.diff(levels) / np.maximum(np.diff(edges_s), 1e-9)
    return edges_s, np.append(steps, steps[-1])
