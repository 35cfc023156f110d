"""Values that drift."""

from __future__ import annotations

import pytest

from dialer.sim.study.callees import Trend, trends
from dialer.sim.study.durations import Duration, Law, constant, lognormal, uniform
from dialer.sim.study.scenario import load_scenario


def test_steps_and_slopes() -> None:
    """A slope of 100 s, a step, and a slope that a step overtakes half way."""
    trend = Trend(0.4, ((100.0, 200.0, 0.2), (300.0, 300.0, 0.1), (400.0, 500.0, 0.3), (450.0, 450.0, 0.9)))

    assert [trend.at(now) for now in (0, 150, 250, 299, 300)] == pytest.approx([0.4, 0.3, 0.2, 0.2, 0.1])
    assert trend.at(425) == pytest.approx(0.15)
    assert trend.at(1000) == pytest.approx(0.9)


def test_a_drift_may_alternate_until_the_next_one() -> None:
    """To the new value and back in steps, so many minutes at each; the next drift ends that."""
    turns = {"of": "answer_rate", "at_min": 10.0, "to": 0.1, "alternates_min": 2.0}
    then = {"of": "answer_rate", "at_min": 17.0, "over_min": 10.0, "to": 0.3}
    found = trends(load_scenario({"callees": {"answer_rate": 0.4}, "drifts": [turns, then]})).answer_rate

    values = [found.at(60.0 * at_min) for at_min in (9.9, 10, 11.9, 12, 14, 16.9)]
    assert values == pytest.approx([0.4, 0.1, 0.1, 0.4, 0.1, 0.4])
    assert found.at(60.0 * 22) == pytest.approx(0.35)
    assert found.at(60.0 * 60) == pytest.approx(0.3)


@pytest.mark.parametrize(
    "law", [lognormal(120.0, 1.0), uniform(60.0, 180.0), constant(120.0), Duration(law=Law.EXPONENTIAL, mean_s=120.0)]
)
def test_laws_have_their_means(law: Duration) -> None:
    """The mean of the quantiles is the mean."""
    shares = [(place + 0.5) / 20_000 for place in range(20_000)]

    assert sum(map(law.at, shares)) / len(shares) == pytest.approx(law.average_s, rel=0.01)
    assert law.average_s == 120.0
