"""What is learnt converges to what happens, forgets, and never leaves the range of sense."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given

from pacing.compiled import floats
from pacing.face import CallAnswered, CallFailed, Observation
from pacing.kernels import survival
from pacing.learn import MEMORY_CALLS, Durations, Learnt, recalled
from tests.pacing.cases import EXPERIENCED, observations
from tests.pacing.mini_sim import lognormal


def durations() -> Durations:
    return Durations(120.0, 1.0, 500.0, 5.0)


def test_the_prior_has_the_mean_it_was_given() -> None:
    """Before anything is seen the mean duration is the prior's."""
    assert durations().mean_s == pytest.approx(120.0, rel=0.1)


def test_a_duration_curve_converges_to_the_law() -> None:
    """After a thousand lognormal talks the learnt survival is close to the true one, given the time talked so far."""
    rng = random.Random(5)
    curve = durations()
    for _ in range(1000):
        curve.observe(lognormal(rng, 60.0, 0.8))
    hazard = curve.hazard()
    sample = [lognormal(rng, 60.0, 0.8) for _ in range(20_000)]
    for age_s in (0.0, 30.0, 90.0):
        still = [x for x in sample if x > age_s]
        true = sum(x > age_s + 15.0 for x in still) / len(still)
        got = survival(age_s + 15.0, curve.edges_s, hazard) / survival(age_s, curve.edges_s, hazard)
        assert got == pytest.approx(true, abs=0.05)


def test_running_talks_correct_a_cold_start() -> None:
    """Short talks are seen first; the long ones still running keep the curve from believing that all are short."""
    curve = durations()
    for _ in range(10):
        curve.observe(20.0)
    naive, corrected = curve.hazard(), curve.hazard((60.0,) * 40)
    assert survival(30.0, curve.edges_s, corrected) > survival(30.0, curve.edges_s, naive) + 0.2


def test_durations_beyond_the_last_edge_are_counted() -> None:
    """A talk of a day is the open bin's business and the hazard there stays positive and finite."""
    curve = durations()
    for _ in range(50):
        curve.observe(86_400.0)
    hazard = curve.hazard((1e6,))
    assert np.all(np.isfinite(hazard))
    assert np.all(hazard > 0.0)
    assert survival(2e5, curve.edges_s, hazard) > 0.0


def test_the_answer_probability_follows_a_drift() -> None:
    """After three memories at a new answer rate the old one is forgotten."""
    learnt = Learnt(25.0)
    rng = random.Random(1)
    for rate in (0.4, 0.1):
        for i in range(int(3 * MEMORY_CALLS)):
            answered = rng.random() < rate
            learnt.observe(CallAnswered(float(i), 9.0) if answered else CallFailed(float(i), 22.0))
        assert learnt.answers.probability == pytest.approx(rate, abs=0.05)


def test_times_to_answer_give_equally_likely_horizons() -> None:
    """The horizons are quantiles of the learnt time to answer."""
    learnt = Learnt(25.0)
    for i in range(3000):
        learnt.observe(CallAnswered(float(i), 4.0 + (i % 10)))
    horizon_s = learnt.answers.quantiles_s(5)
    assert horizon_s == pytest.approx(floats((5.0, 7.0, 9.0, 11.0, 13.0)), abs=0.6)


@given(observations())
def test_whatever_happens_the_curves_stay_curves(seen: tuple[Observation, ...]) -> None:
    """Probabilities stay inside 0..1, cumulative curves rise to 1, hazards are positive."""
    learnt = Learnt(25.0)
    for observation in seen:
        learnt.observe(observation)
    assert 0.0 < learnt.answers.probability < 1.0
    for cdf in (learnt.answers.answer_cdf(), learnt.answers.failure_cdf()):
        assert np.all(np.diff(cdf) >= 0.0)
        assert cdf[-1] == pytest.approx(1.0)
    assert np.all(learnt.talk.hazard() > 0.0)


def test_a_restart_begins_where_the_last_run_ended() -> None:
    """The summary of one run is the prior of the next, and its evidence ends the cold start."""
    assert Learnt(25.0).missing() == "30 finished calls, 10 answers, 10 ended talks"
    learnt = Learnt(25.0, EXPERIENCED | {"talk_s": 300.0})
    assert learnt.missing() == ""
    assert learnt.talk.mean_s == pytest.approx(300.0, rel=0.1)
    assert learnt.summary()["answer_probability"] == pytest.approx(0.3)


@pytest.mark.parametrize(("value", "kept"), [(0.4, 0.4), (7.0, 0.99), (float("nan"), 0.3), (float("inf"), 0.3)])
def test_nonsense_from_an_earlier_run_is_not_believed(value: float, kept: float) -> None:
    """A remembered number is kept between its bounds, and replaced by the prior if it is not a number."""
    assert recalled({"p": value}, "p", 0.01, 0.99, 0.3) == kept
