"""Whatever began together weighs the same for ever, ended or running."""

from __future__ import annotations

import bisect
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacing.compiled import floats
from pacing.learning.forgetting import GRID_S, MOST_ROWS, Forgetting, spread, weights_of

EDGES_S = (0.0, 1.0, 3.0, 10.0)
times = st.lists(st.tuples(st.floats(0.0, 3.0), st.floats(0.0, 0.2)), max_size=40)
lives = st.lists(st.tuples(st.floats(-1.0, 50.0), st.floats(0.0, 2.0)), max_size=20)


class Remembered:
    """The plain twin: every row of the grid is kept in a list."""

    def __init__(self) -> None:
        self.rows = [(-math.inf, 0.0)]
        self.mark = 0.0

    def now(self, at: float) -> None:
        if at >= self.rows[-1][0] + GRID_S:
            self.rows.append((at, self.mark))

    def of(self, began_at: float) -> float:
        row = bisect.bisect_right(self.rows, (began_at, math.inf)) - 1
        return math.exp(self.rows[max(0, row)][1] - self.mark)


def both(steps: list[tuple[float, float]]) -> tuple[Forgetting, Remembered, float]:
    """The same steps of the clock and shares that ended, in both; and what time it is then."""
    forgetting, twin, now = Forgetting(), Remembered(), 0.0
    for passed_s, share in steps:
        now += passed_s
        forgetting.now(now)
        twin.now(now)
        forgetting.passed(share)
        twin.mark += share
    return forgetting, twin, now


@given(times, st.lists(st.floats(-10.0, 200.0), max_size=8))
def test_weights_agree_with_their_twin(steps: list[tuple[float, float]], began_at: list[float]) -> None:
    """One by one and all at once, before the grid and beyond its end."""
    forgetting, twin, _ = both(steps)
    expected = np.array([twin.of(at) for at in began_at])
    assert forgetting.of(floats(tuple(began_at))) == pytest.approx(expected)
    assert np.array([forgetting.of_one(at) for at in began_at]) == pytest.approx(expected)


@given(times, st.floats(0.0, 100.0), st.floats(0.0, 100.0))
def test_what_began_later_never_weighs_less(steps: list[tuple[float, float]], one_at: float, other_at: float) -> None:
    """And nothing weighs more than what begins now."""
    forgetting, _, now = both(steps)
    earlier, later = sorted((one_at, other_at))
    assert 0.0 < forgetting.of_one(earlier) <= forgetting.of_one(later) <= 1.0
    assert forgetting.of_one(now + GRID_S) <= 1.0


@given(st.lists(st.floats(0.001, 0.3), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_calls_that_began_together_weigh_the_same(shares: list[float], rng: random.Random) -> None:
    """An ended call's weight, faded since by what passed, is the weight of a twin that began with it and still runs."""
    forgetting = Forgetting()
    forgetting.now(0.0)
    ended: list[float] = []
    for second, share in enumerate(shares, start=1):
        forgetting.now(float(second))
        forgetting.passed(share)
        ended = [weight * math.exp(-share) for weight in ended]
        if rng.random() < 0.5 or not ended:
            ended.append(forgetting.of_one(0.5))  # whenever it ends, it began at 0.5
    running = forgetting.of_one(0.5)
    assert ended == pytest.approx([running] * len(ended))
    assert forgetting.of(floats((0.5, 0.5)))[0] == pytest.approx(running)


def test_thinning_the_grid_loses_nothing_that_matters() -> None:
    """Starts of the last minutes weigh what they should, of half an hour ago nearly, and older ones never more."""
    steps = [(1.0, 0.01)] * (6 * MOST_ROWS)
    forgetting, twin, now = both(steps)
    assert forgetting.rows <= MOST_ROWS
    recent = now - np.arange(0.0, 0.45 * MOST_ROWS, 7.3)
    assert forgetting.of(recent) == pytest.approx(np.array([twin.of(at) for at in recent]))
    for age_s in (600.0, 1000.0, 1800.0):
        meant = -math.log(twin.of(now - age_s))
        assert -math.log(forgetting.of_one(now - age_s)) == pytest.approx(meant, rel=0.15)
    for age_s in (2500.0, 4000.0, 1e9):
        assert forgetting.of_one(now - age_s) <= twin.of(now - age_s) + 1e-12
    assert forgetting.of_one(-5.0) == pytest.approx(twin.of(-5.0))  # the first row is never lost
    assert np.all(np.diff(forgetting.at[: forgetting.rows]) >= GRID_S)
    assert np.all(np.diff(forgetting.marks[: forgetting.rows]) >= 0.0)


def test_a_clock_that_steps_back_is_waited_for() -> None:
    """The grid stays in order, what began before the step keeps its weight, and it goes on where the clock was."""
    forgetting, _, now = both([(1.0, 0.05)] * 50)
    rows = forgetting.rows
    before = forgetting.of_one(now - 10.0)
    for back in range(5):
        forgetting.now(now - 30.0 + back)
    assert forgetting.rows == rows
    assert forgetting.of_one(now - 10.0) == before
    assert 0.0 < forgetting.of_one(now - 30.0) < before
    forgetting.passed(0.05)
    forgetting.now(now + GRID_S)
    assert forgetting.rows == rows + 1
    assert forgetting.of_one(now + GRID_S) == 1.0


def test_without_a_grid_everything_began_at_once() -> None:
    """Before time has come to anything all starts are alike; that of no starts is no weights."""
    forgetting = Forgetting()
    forgetting.passed(0.5)
    assert forgetting.of(floats((-1e9, 0.0, 1e9))) == pytest.approx(np.full(3, math.exp(-0.5)))
    assert weights_of(floats(()), forgetting.at[:1], forgetting.marks[:1], 0.5).size == 0


def plainly(lasted: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Life by life and bin by bin."""
    within, seconds = [0.0] * len(EDGES_S), [0.0] * len(EDGES_S)
    for lasted_s, weight in lasted:
        age_s = max(0.0, lasted_s)
        for b, low in enumerate(EDGES_S):
            high = EDGES_S[b + 1] if b + 1 < len(EDGES_S) else math.inf
            within[b] += weight if low <= age_s < high else 0.0
            seconds[b] += weight * max(0.0, min(age_s, high) - low)
    return within, seconds


@given(lives, lives)
def test_spread_agrees_with_a_plain_loop(first: list[tuple[float, float]], second: list[tuple[float, float]]) -> None:
    """Where lives stand and the time they spent in every bin; what is there already is added to."""
    within, seconds = np.zeros(len(EDGES_S)), np.zeros(len(EDGES_S))
    for some in (first, second):
        lasted_s, weights = (floats(tuple(life[i] for life in some)) for i in (0, 1))
        spread(lasted_s, weights, floats(EDGES_S), within, seconds)
    expected = plainly(first + second)
    assert within == pytest.approx(np.array(expected[0]))
    assert seconds == pytest.approx(np.array(expected[1]))
    assert seconds.sum() == pytest.approx(sum(max(0.0, life) * weight for life, weight in first + second))
