"""A learnt law of durations is close to the true one, cold or warm."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacing.compiled import floats
from pacing.durations import Durations, lognormal_cdf
from pacing.kernels import survival
from tests.pacing.cases import lognormal


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


@given(st.lists(st.floats(0.0, 1e6), max_size=30).map(tuple))
def test_seconds_in_bins_add_up(running_s: tuple[float, ...]) -> None:
    """No second is lost between the bins, in a tuple or in an array."""
    spent = durations().seconds_in_bins(running_s)
    assert spent.sum() == pytest.approx(sum(running_s), abs=1e-6)
    assert durations().seconds_in_bins(floats(running_s)) == pytest.approx(spent)


def test_a_remembered_law_goes_on() -> None:
    """What fifty talks said is said again, and an unusable memory changes nothing."""
    first, second = durations(), durations()
    for i in range(50):
        first.observe(10.0 + i)
    second.recall(first.memory(), 100.0)
    assert second.hazard() == pytest.approx(first.hazard())
    assert second.seen == 50
    second.recall({"ended": [0.0] * 28, "seconds": [1.0] * 28, "seen": 7}, 100.0)
    assert second.hazard() == pytest.approx(first.hazard())
