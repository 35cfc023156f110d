"""A learnt law of durations is close to the true one, cold or warm."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacing.compiled import Floats, floats
from pacing.kernels import cumulated, survival
from pacing.learning.durations import EDGES_S, Durations, lognormal_cdf
from tests.pacing.cases import lognormal


def lasts(age_s: float, hazard: Floats) -> float:
    """P(a duration exceeds `age_s`)."""
    return survival(age_s, EDGES_S, hazard, cumulated(EDGES_S, hazard))


def durations() -> Durations:
    return Durations(120.0, 1.0, 500.0, 5.0)


def test_the_prior_has_the_mean_it_was_given() -> None:
    """Before anything is seen the mean duration is the prior's."""
    assert durations().mean_s == pytest.approx(120.0, rel=0.1)


def test_the_lognormal_share_is_that_of_its_draws() -> None:
    """Mean and coefficient of variation are those of the law itself, not of its logarithm."""
    rng = random.Random(2)
    drawn = [lognormal(rng, 60.0, 0.8) for _ in range(20_000)]
    shares = [sum(x <= t for x in drawn) / len(drawn) for t in (20.0, 60.0, 150.0)]
    assert lognormal_cdf(floats((20.0, 60.0, 150.0)), 60.0, 0.8) == pytest.approx(np.array(shares), abs=0.015)


def test_a_duration_curve_converges_to_the_law() -> None:
    """After a thousand lognormal talks the learnt survival is close to the true one, given the time talked so far."""
    rng = random.Random(5)
    curve, now = durations(), 0.0
    for _ in range(1000):
        curve.look(now, (0.0,))
        talk_s = lognormal(rng, 60.0, 0.8)
        now += talk_s
        curve.observe(now, talk_s)
    hazard = curve.hazard()
    sample = [lognormal(rng, 60.0, 0.8) for _ in range(20_000)]
    for age_s in (0.0, 30.0, 90.0):
        still = [x for x in sample if x > age_s]
        true = sum(x > age_s + 15.0 for x in still) / len(still)
        got = lasts(age_s + 15.0, hazard) / lasts(age_s, hazard)
        assert got == pytest.approx(true, abs=0.05)


def test_running_talks_correct_a_cold_start() -> None:
    """Short talks are seen first; the long ones still running keep the curve from believing that all are short."""
    curve = durations()
    for _ in range(10):
        curve.observe(20.0, 20.0)
    naive, corrected = curve.hazard(), curve.hazard(60.0, (60.0,) * 40)
    assert lasts(30.0, corrected) > lasts(30.0, naive) + 0.2


def test_durations_beyond_the_last_edge_are_counted() -> None:
    """A talk of a day is the open bin's business and the hazard there stays positive and finite."""
    curve = durations()
    for i in range(50):
        curve.observe(86_400.0 + i, 86_400.0)
    hazard = curve.hazard(1e6, (1e6,))
    assert np.all(np.isfinite(hazard))
    assert np.all(hazard > 0.0)
    assert lasts(2e5, hazard) > 0.0


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=30).map(tuple))
def test_running_talks_are_the_same_in_a_tuple_and_in_an_array(running_s: tuple[float, ...]) -> None:
    """And only lower the hazard."""
    hazard = durations().hazard(5.0, running_s)
    assert durations().hazard(5.0, floats(running_s)) == pytest.approx(hazard)
    assert np.all(hazard > 0.0)


def floor(curve: Durations, agents: int, seconds: int, talk_s: Callable[[], float], looked_s: int) -> list[np.ndarray]:
    """Agents who talk without a break, begun at once; the hazard every `looked_s`, with the talks that run then."""
    begun = [0.0] * agents
    ends = [(talk_s(), agent) for agent in range(agents)]
    heapq.heapify(ends)
    hazards = []
    for second in range(1, seconds + 1):
        while ends[0][0] <= second:
            at, agent = heapq.heappop(ends)
            curve.observe(at, at - begun[agent])
            begun[agent] = at
            heapq.heappush(ends, (at + talk_s(), agent))
        curve.look(float(second), second - np.array(begun))
        if second % looked_s == 0:
            hazards.append(curve.hazard(float(second), second - np.array(begun)))
    return hazards


def exponential(rng: random.Random) -> float:
    return rng.expovariate(1.0 / 100.0)


def humped(rng: random.Random) -> float:
    return lognormal(rng, 100.0, 0.6)


@pytest.mark.parametrize("law", [exponential, humped])
def test_many_running_talks_leave_the_law_unbiased(law: Callable[[random.Random], float]) -> None:
    """Four hundred talks run, not many fewer than are remembered: at every minute, cold and later, the share that
    lasts on is the true one. Talks that weigh otherwise when they run than when they have ended would bend it."""
    sample = np.array([law(random.Random(seed)) for seed in range(8000)])
    ages_s = (0.0, 40.0, 100.0)
    true = [np.mean(sample[sample > age_s] > age_s + 30.0) for age_s in ages_s]
    for seed in range(2):
        rng, curve = random.Random(seed), durations()
        found = []
        for minute, hazard in enumerate(floor(curve, 400, 900, partial(law, rng), 60), start=1):
            shares = [lasts(a + 30.0, hazard) / lasts(a, hazard) for a in ages_s]
            found.append(shares)
            reached = [place for place, age_s in enumerate(ages_s) if age_s + 30.0 <= 60.0 * minute]
            assert [shares[i] for i in reached] == pytest.approx([true[i] for i in reached], abs=0.1)
        assert np.mean(found[5:], axis=0) == pytest.approx(np.array(true), abs=0.035)


@pytest.mark.parametrize("seconds", [90, 1800], ids=["cold", "for a while"])
def test_what_is_shown_and_remembered_is_of_running_talks_too(seconds: int) -> None:
    """Amid four hundred talks those that ended are the short ones; the mean is of all, and a restart forgets none."""
    first, again = durations(), durations()
    hazard = floor(first, 400, seconds, partial(exponential, random.Random(1)), seconds)[-1]
    again.recall(first.memory(), 100.0)
    assert first.mean_s == pytest.approx(100.0, rel=0.12)
    assert again.mean_s == pytest.approx(first.mean_s)
    known, recalled = (lasts(30.0, some) for some in (hazard, again.hazard()))
    assert recalled == pytest.approx(known, abs=0.02)


def test_the_memory_reaches_over_the_talks_that_run() -> None:
    """With a thousand of them an end counts as one in two thousand, with ten as one in five hundred."""
    for running, memory in ((10, 500.0), (1000, 2000.0)):
        curve = durations()
        curve.look(10.0, (5.0,) * running)
        curve.observe(10.0, 5.0)
        assert curve.forgetting.mark == pytest.approx(1.0 / memory)


def test_a_remembered_law_goes_on() -> None:
    """What fifty talks said is said again, and an unusable memory changes nothing."""
    first, second = durations(), durations()
    for i in range(50):
        first.observe(100.0 * i, 10.0 + i)
    second.recall(first.memory(), 100.0)
    assert second.hazard() == pytest.approx(first.hazard())
    assert second.seen == 50
    second.recall({"ended": [0.0] * 28, "seconds": [1.0] * 28, "seen": 7}, 100.0)
    assert second.hazard() == pytest.approx(first.hazard())
