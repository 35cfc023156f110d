"""The compiled arithmetic against its plain twin."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from dialer.language.decisions import sentence
from pacing import kernels
from pacing.api import Ledger, Settings
from pacing.compiled import Floats, floats
from pacing.learning.ringing import FASTEST_S
from pacing.policies import make
from tests.pacing import naive
from tests.pacing.cases import EXPERIENCED, snapshot

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
    edges_s, rates = floats(EDGES_S), floats(tuple(hazard))
    got = kernels.survival(age_s, edges_s, rates, kernels.cumulated(edges_s, rates))
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
    still = p * (1.0 - answers) + (1.0 - p) * (1.0 - failures)
    horizons_s = (0.7, 2.0, 9.0)
    by_then, will = kernels.answered_by(still, p * answers, 0.5, floats(horizons_s))
    assert by_then == pytest.approx(np.array(naive.answered_by(p, answers, failures, 0.5, horizons_s)), abs=1e-9)
    ever = naive.answered_by(p, answers, failures, 0.5, (1000.0,))
    assert will == pytest.approx(np.array(ever)[:, 0], abs=1e-9)
    assert np.all(by_then <= will[:, None] + 1e-9)


def test_answered_by_of_calls_that_ring_beyond_all_that_is_known() -> None:
    """Where nothing rings any more nothing is answered, and some may ring for ever."""
    still, answers = floats((1.0, 0.8, 0.5, 0.5)), floats((0.0, 0.1, 0.2, 0.2))
    by_then, will = kernels.answered_by(still, answers, 0.5, floats((0.5, 10.0)))
    assert by_then == pytest.approx(np.array([[0.1, 0.2], [0.125, 0.125], [0.0, 0.0], [0.0, 0.0]]))
    assert will == pytest.approx(np.array([0.2, 0.125, 0.0, 0.0]))
    gone, ever = kernels.answered_by(floats((1.0, 0.0)), floats((0.0, 1.0)), 0.5, floats((0.25,)))
    assert (gone.ravel().tolist(), ever.tolist()) == ([0.5, 0.0], [1.0, 0.0])


in_flight = st.lists(st.floats(-1.0, 30.0), max_size=12)


@given(in_flight, st.floats(0.0, 5.0), st.lists(st.floats(0.0, 0.5), min_size=3, max_size=30), st.floats(0.5, 10.0))
def test_expected_within_agrees_with_its_twin(
    ages_s: list[float], passed_s: float, gains: list[float], mark_s: float
) -> None:
    """How many answers the next seconds should bring, and how many calls pass the mark in them."""
    cumulative = np.concatenate((np.zeros(1), np.cumsum(gains)))
    got = kernels.expected_within(floats(tuple(ages_s)), passed_s, 0.5, cumulative, mark_s)
    expected = naive.expected_within(ages_s, passed_s, 0.5, cumulative.tolist(), mark_s)
    assert got[0] == pytest.approx(expected[0], abs=1e-9)
    assert got[1] == expected[1]
    later = floats(tuple(age_s + passed_s / 2 for age_s in ages_s))
    halves = [
        kernels.expected_within(some, passed_s / 2, 0.5, cumulative, mark_s)[0]
        for some in (floats(tuple(ages_s)), later)
    ]
    assert sum(halves) == pytest.approx(got[0], abs=1e-9)


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


@dataclass(frozen=True)
class Laws:
    """Times to answer and to failure on bins of half a second, and who is free by when."""

    p: float
    answers: list[float]
    failures: list[float]
    frees: list[list[float]]

    def answered(self, p: float) -> list[list[float]]:
        return naive.answered_by(p, self.answers, self.failures, kernels.RING_BIN_S, HORIZONS_S)

    def will(self, p: float) -> list[float]:
        return [row[0] for row in naive.answered_by(p, self.answers, self.failures, kernels.RING_BIN_S, (1000.0,))]


@st.composite
def laws(draw: st.DrawFn) -> Laws:
    """Any laws, spiky ones included."""
    bins = draw(st.integers(4, 20))

    def shares() -> list[float]:
        weights = draw(st.lists(st.floats(0.001, 1.0), min_size=bins, max_size=bins))
        return [sum(weights[:i]) / sum(weights) for i in range(bins)] + [1.0]

    frees = [sorted(draw(st.lists(probabilities, min_size=3, max_size=3))) for _ in range(6)]
    return Laws(draw(st.floats(0.02, 0.9)), shares(), shares(), frees)


HORIZONS_S = (1.0, 3.0, 8.0)
some_ages = st.lists(st.floats(0.0, 40.0), max_size=6)
odds_of_a_trunk = st.floats(0.25, 4.0)
# Between two bins of age the ordinary odds only: what others are worth there is a matter of interpolation.
on_a_bin = st.integers(0, 40).map(lambda bins: kernels.RING_BIN_S * bins)
ringing_calls = st.lists(
    st.tuples(st.floats(0.0, 40.0), st.just(1.0)) | st.tuples(on_a_bin, odds_of_a_trunk), max_size=6
)


def decide(case: naive.Case, tolerated: float, at_most: int) -> tuple[int, float, float, float, float]:
    """The compiled decision."""
    numbers = (case.talking_s, case.wrapping_s, case.ringing_s, case.odds)
    tables = (case.talk_free, case.wrapup_free, case.answered, case.will)
    return kernels.decide(
        *(floats(tuple(some)) for some in numbers),
        *(np.array(some) for some in tables),
        case.refused,
        FASTEST_S,
        case.doubt,
        case.spare,
        tolerated,
        at_most,
    )


@examples(max_examples=120)
@given(
    laws(),
    some_ages,
    some_ages,
    ringing_calls,
    odds_of_a_trunk,
    st.integers(-3, 6),
    st.floats(0.001, 0.5),
    st.floats(0.0, 0.7),
    st.floats(1.0, 4.0),
)
def test_a_whole_decision_agrees_with_its_twin(
    law: Laws,
    talking_s: list[float],
    wrapping_s: list[float],
    ringing: list[tuple[float, float]],
    next_odds: float,
    spare: int,
    tolerated: float,
    refused: float,
    doubt: float,
) -> None:
    """Ages looked up, odds of trunks, refusals, doubt, calls added: as the plain twin, and the same expectations."""
    ringing_s, odds = [age_s for age_s, _ in ringing], [odds for _, odds in ringing]
    case = naive.Case(
        talking_s,
        wrapping_s,
        ringing_s,
        [*odds, next_odds],
        law.frees,
        law.frees[::-1],
        law.answered(law.p),
        law.will(law.p),
        spare,
        refused,
        doubt,
    )
    expected, got = naive.decide(case, tolerated, 8), decide(case, tolerated, 8)
    assert got[3:] == pytest.approx(expected[3:], abs=1e-8)
    if abs(expected[1] - tolerated) > 1e-9:
        assert got[0] == expected[0]
        assert got[1:3] == pytest.approx(expected[1:3], abs=1e-8)


@examples(max_examples=60)
@given(laws(), st.lists(on_a_bin, max_size=6), odds_of_a_trunk, st.integers(-2, 5))
def test_odds_are_those_of_another_answer_probability(
    law: Laws, ringing_s: list[float], odds: float, spare: int
) -> None:
    """A trunk whose calls have such odds decides like a list on which so many more (or fewer) people answer."""
    here, there = law.p, naive.with_odds(law.p, odds)
    same = ((), (10.0,), ringing_s)
    by_odds = naive.Case(
        *same, [odds] * (len(ringing_s) + 1), law.frees, law.frees, law.answered(here), law.will(here), spare
    )
    plainly = naive.Case(
        *same, [1.0] * (len(ringing_s) + 1), law.frees, law.frees, law.answered(there), law.will(there), spare
    )
    got, expected = decide(by_odds, 0.2, 0), naive.decide(plainly, 0.2, 0)
    assert got[1] == pytest.approx(expected[1], abs=1e-7)
    assert got[4] == pytest.approx(expected[4], abs=1e-7)


def test_no_call_is_answered_with_more_than_certainty() -> None:
    """Where failures end together, between two bins of age, odds do not make ten ringing calls eleven answers."""
    answers = [i / 60 for i in range(61)]
    failures = [0.0] * 51 + [1.0] * 10
    law = Laws(0.2, answers, failures, [[0.0, 0.0, 0.0]])
    case = naive.Case((), (), [25.3] * 10, [4.0] * 11, law.frees, law.frees, law.answered(0.2), law.will(0.2), 1)
    assert decide(case, 0.03, 0)[4] <= 10.0


def by_normal(free: Floats, ringing: Floats, *rest: Any) -> tuple[int, float, float]:
    """The approximation with every row for one agent or call."""
    return kernels.dial_normal(free, np.ones(len(free)), ringing, np.ones(len(ringing)), *rest)


@examples(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(0, 15))
def test_the_approximation_is_close_where_it_is_used(seed: int, spare: int) -> None:
    """With many agents and calls the refined normal risk is within half a point of the exact one."""
    rng = np.random.default_rng(seed)
    busy = kernels.EXACT_UP_TO * 3 // 5
    free = rng.uniform(0.0, 0.25, (busy, 2))
    ringing = rng.uniform(0.0, 0.3, (kernels.EXACT_UP_TO - busy, 2))
    fresh = floats((0.05, 0.2))
    exact = kernels.dial_exact(free, ringing, fresh, spare, 0.0, 0)[1]
    normal = by_normal(free, ringing, fresh, spare, 0.0, 0)[1]
    assert normal == pytest.approx(exact, abs=0.005)


@pytest.mark.parametrize(
    ("calls", "agents"),
    [([0.02] * 200, []), ([0.05] * 20, [0.9] * 100), ([0.01] * 10, [0.98] * 200), ([0.97] * 200, [])],
    ids=["few answer", "few stay busy", "hardly any stays busy", "nearly all answer"],
)
def test_the_approximation_bends_to_the_side_of_the_skew(calls: list[float], agents: list[float]) -> None:
    """Answers that are few and agents nearly all of whom come free have long tails: the third moment brings the normal
    risk nearer to the exact one on both sides and in the middle; with its sign turned it would be farther."""
    trials = [(q, 1.0) for q in calls] + [(q, -1.0) for q in agents]
    mean = sum(sign * q for q, sign in trials)
    variance = sum(q * (1.0 - q) for q, _ in trials)
    third = sum(sign * q * (1.0 - q) * (1.0 - 2.0 * q) for q, sign in trials)
    off = []
    for errors in (0.0, 2.0):
        spare = round(mean + errors * variance**0.5)
        exact = naive.excess(calls, agents, spare)
        off.append([abs(kernels.normal_excess(mean, variance, term, spare) - exact) for term in (third, 0.0, -third)])
        rows = [np.array(some).reshape(len(some), 1) for some in (agents, calls)]
        by_kernel = by_normal(*rows, floats((0.1,)), spare, 0.0, 0)[1]
        assert by_kernel == pytest.approx(kernels.normal_excess(mean, variance, third, spare))
        assert by_kernel == pytest.approx(exact, abs=0.005)
    for refined, plain, turned in off:
        assert refined < plain < turned
        assert turned > 0.012


@pytest.mark.parametrize("seed", range(5))
def test_a_decision_does_not_jump_at_the_border(seed: int) -> None:
    """One more busy agent of no consequence changes the method there, and hardly the number or the risk."""
    rng = np.random.default_rng(seed)
    frees = rng.uniform(0.05, 0.3, (6, 3)).tolist()
    law = Laws(0.25, [i / 40 for i in range(41)], [i / 50 for i in range(41)], frees)
    busy = kernels.EXACT_UP_TO - 40
    never = [[0.0, 0.0, 0.0]]

    def case(idle: int) -> naive.Case:
        ages_s = rng.uniform(0.0, 20.0, busy + 40).tolist() if not idle else exact_ages_s
        return naive.Case(
            ages_s[:busy],
            [1.0] * idle,
            ages_s[busy:],
            [1.0] * 41,
            law.frees,
            never,
            law.answered(0.25),
            law.will(0.25),
            0,
        )

    exact = case(0)
    exact_ages_s = [*exact.talking_s, *exact.ringing_s]
    by_convolution, by_approximation = decide(exact, 0.05, 200), decide(case(1), 0.05, 200)
    assert abs(by_convolution[0] - by_approximation[0]) <= 1
    risks = [decide(some, 0.0, 0)[1] for some in (exact, case(1))]
    assert risks[0] == pytest.approx(risks[1], abs=0.005)


def test_the_kernels_run_as_plain_python() -> None:
    """NUMBA_DISABLE_JIT=1 gives the same decision without the compiler."""
    code = "from tests.pacing.test_kernels import plain_decision; print(plain_decision())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    dial, reason = plain_decision()
    assert (dial, reason) == ast.literal_eval(done.stdout)


def plain_decision() -> tuple[int, str]:
    """A decision that uses every kernel."""
    seen = snapshot(ready=1, ringing_age_s=(2.0, 30.0), ringing_trunk=("north", "south"), next_trunk="north")
    memory = {**EXPERIENCED, "trunks": {"north": [60.0, 100.0], "south": [1.0, 100.0]}}
    large = snapshot(ready=0, wrapup_age_s=(30.0,) * 200, ledger=Ledger(2000, 0), now=2000.0)
    pacer = make(Settings(), memory)
    nothing = np.zeros((0, 2))  # and one call more than there is room for, where the compiler sees no bounds
    assert kernels.dial_exact(nothing, nothing, floats((0.1, 0.2)), -3, 0.01, 5) == (0, 1.0, 0.0)
    small, big = pacer.step((), seen), pacer.step((), large)
    return small.dial + big.dial, sentence(small) + sentence(big)


@pytest.mark.parametrize("kernel", [kernels.dial_exact, by_normal])
def test_with_nobody_busy_and_nothing_ringing_ready_agents_decide(
    kernel: Callable[..., tuple[int, float, float]],
) -> None:
    """The first call has no risk while an agent is ready, and is certain to be abandoned while none is."""
    nothing = np.zeros((0, 2))
    fresh = floats((0.1, 0.2))
    assert kernel(nothing, nothing, fresh, 1, 0.01, 5)[0] >= 1
    assert kernel(nothing, nothing, fresh, 0, 0.01, 5)[:2] == (0, 1.0)
