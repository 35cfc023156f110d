"""The compiled arithmetic against its plain twin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pacing import kernels
from pacing.compiled import floats
from tests.pacing import naive

EDGES_S = (0.0, 2.0, 5.0, 12.0, 30.0, 80.0)
probabilities = st.floats(0.0, 1.0)
hazards = st.lists(st.floats(1e-4, 0.5), min_size=6, max_size=6)


def rows(most: int) -> st.SearchStrategy[list[list[float]]]:
    """Up to `most` trials at two horizons."""
    return st.lists(st.lists(probabilities, min_size=2, max_size=2), max_size=most)


def matrix(values: list[list[float]], columns: int = 2) -> np.ndarray:
    return np.array(values, dtype=np.float64).reshape(len(values), columns)


@given(st.floats(0.0, 500.0), hazards)
def test_survival_agrees_with_its_twin(age_s: float, hazard: list[float]) -> None:
    """The survival curve is the exponential of the integrated hazard, also beyond the last edge."""
    got = kernels.survival(age_s, floats(EDGES_S), floats(tuple(hazard)))
    assert got == pytest.approx(naive.survival(age_s, EDGES_S, hazard))


@examples(max_examples=40)
@given(st.lists(st.floats(0.0, 60.0), min_size=1, max_size=4), hazards, hazards)
def test_free_by_agrees_with_its_twin(ages_s: list[float], talk: list[float], wrapup: list[float]) -> None:
    """The chance that talk and wrap-up end within a horizon is the same in both, with and without a second phase."""
    within_s = (3.0, 11.0, 24.0)
    edges, none = floats(EDGES_S), floats(())
    talk_hazard, wrapup_hazard = floats(tuple(talk)), floats(tuple(wrapup))
    both = kernels.free_by(floats(tuple(ages_s)), floats(within_s), edges, talk_hazard, edges, wrapup_hazard, 6)
    assert both == pytest.approx(
        np.array(naive.free_by(ages_s, within_s, (EDGES_S, talk), (EDGES_S, wrapup), 6)), abs=1e-9
    )
    one = kernels.free_by(floats(tuple(ages_s)), floats(within_s), edges, wrapup_hazard, none, none, 6)
    assert one == pytest.approx(np.array(naive.free_by(ages_s, within_s, (EDGES_S, wrapup), None, 6)), abs=1e-9)


def test_free_by_of_two_exponentials_is_the_textbook_formula() -> None:
    """For constant hazards u and v the sum of both phases has the hypoexponential law."""
    u, v, h = 1 / 120, 1 / 30, 14.0
    hazard_u, hazard_v = floats((u,) * 6), floats((v,) * 6)
    got = kernels.free_by(floats((50.0,)), floats((h,)), floats(EDGES_S), hazard_u, floats(EDGES_S), hazard_v, 10)
    assert got[0, 0] == pytest.approx(1 - (v * np.exp(-u * h) - u * np.exp(-v * h)) / (v - u), rel=0.01)


@given(st.floats(0.01, 0.99), st.lists(st.floats(0.0, 5.0), min_size=12, max_size=12))
def test_answered_by_agrees_with_its_twin(p: float, weights: list[float]) -> None:
    """The chance of an answer given the time rung so far is Bayes' rule on both cumulative curves."""
    shares = np.cumsum(np.array(weights) + 0.01)
    answers = np.concatenate((np.zeros(1), shares / shares[-1]))
    failures = np.linspace(0.0, 1.0, 13) ** 2
    horizons_s = (0.7, 2.0, 9.0)
    got = kernels.answered_by(p, answers, failures, 0.5, floats(horizons_s))
    assert got == pytest.approx(np.array(naive.answered_by(p, answers, failures, 0.5, horizons_s)), abs=1e-9)


@given(st.lists(st.floats(0.0, 3000.0), min_size=1, max_size=8))
def test_lookup_agrees_with_its_twin(ages_s: list[float]) -> None:
    """Rows are interpolated between the ages they stand for, and the last one holds for all older ages."""
    table = np.sqrt(np.arange(20.0)).reshape(20, 1)
    row_ages_s = 4.0 * (10.0 ** (np.arange(20) / 8.0) - 1.0)
    positions = [8.0 * np.log10(1.0 + a / 4.0) for a in ages_s]
    expected = naive.lookup(ages_s, row_ages_s.tolist(), table.tolist(), positions)
    assert kernels.lookup(floats(tuple(ages_s)), 4.0, 8.0, table)[:, 0] == pytest.approx(expected, abs=1e-6)


@given(st.lists(probabilities, max_size=8))
def test_trials_add_up_to_the_count_by_enumeration(chances: list[float]) -> None:
    """Convolving trials one by one gives the law found by going through every outcome."""
    mass = np.zeros(len(chances) + 1)
    mass[0] = 1.0
    top = 0
    for chance in chances:
        top = kernels.add_trial(mass, top, chance)
    assert mass == pytest.approx(naive.mass_by_enumeration(chances), abs=1e-9)
    assert mass == pytest.approx(naive.mass(chances), abs=1e-9)


@examples(max_examples=150)
@given(rows(8), rows(8), st.integers(-3, 10), st.floats(0.001, 0.5), st.integers(0, 12))
def test_the_exact_decision_agrees_with_its_twin(
    free: list[list[float]], ringing: list[list[float]], spare: int, tolerated: float, at_most: int
) -> None:
    """The same number of calls, risk of the next and sum of risks as the plain loop over convolutions."""
    fresh = [0.05, 0.2]
    count, next_risk, taken = naive.dial(free, ringing, fresh, spare, tolerated, at_most)
    got = kernels.dial_exact(matrix(free), matrix(ringing), floats(tuple(fresh)), spare, tolerated, at_most)
    if abs(next_risk - tolerated) > 1e-9:
        assert got[0] == count
        assert got[1:] == pytest.approx((next_risk, taken), abs=1e-8)


@examples(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(0, 15))
def test_the_approximation_is_close_where_it_is_used(seed: int, spare: int) -> None:
    """With many agents and calls the refined normal risk is within half a point of the exact one."""
    rng = np.random.default_rng(seed)
    free = rng.uniform(0.0, 0.25, (90, 2))
    ringing = rng.uniform(0.0, 0.3, (kernels.EXACT_UP_TO - 90, 2))
    fresh = floats((0.05, 0.2))
    exact = kernels.dial_exact(free, ringing, fresh, spare, 0.0, 0)[1]
    normal = kernels.dial_normal(free, ringing, fresh, spare, 0.0, 0)[1]
    assert normal == pytest.approx(exact, abs=0.005)


@pytest.mark.parametrize("kernel", [kernels.dial_exact, kernels.dial_normal])
def test_with_nobody_busy_and_nothing_ringing_ready_agents_decide(
    kernel: Callable[..., tuple[int, float, float]],
) -> None:
    """The first call has no risk while an agent is ready, and is certain to be abandoned while none is."""
    nothing = np.zeros((0, 2))
    fresh = floats((0.1, 0.2))
    assert kernel(nothing, nothing, fresh, 1, 0.01, 5)[0] >= 1
    assert kernel(nothing, nothing, fresh, 0, 0.01, 5)[:2] == (0, 1.0)
