"""The tolerated risk is steered so that the budget is used and not overdrawn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacing.face import Ledger
from pacing.steering import MOST_EAGER, OPENING, Steering


def test_the_aim_is_zero_without_slack_and_bounded_with_plenty() -> None:
    """No slack: progressive. A new window: a twentieth of the cap. Much slack: a little above the cap, not more."""
    steering = Steering(0.03)
    assert steering.eagerness(Ledger(95, 3), 0.0) == 0.0
    assert 0.0 < steering.eagerness(Ledger(0, 0), 0.0) <= OPENING
    assert steering.eagerness(Ledger(100_000, 0), 0.0) == MOST_EAGER


@given(st.integers(0, 5000), st.integers(0, 100), st.floats(0.0, 200.0))
def test_an_abandoned_call_never_raises_the_aim(answered: int, abandoned: int, expected: float) -> None:
    """The aim falls with abandoned calls and rises with live answers."""
    steering = Steering(0.03)
    aim = steering.eagerness(Ledger(answered, abandoned), expected)
    assert steering.eagerness(Ledger(answered + 1, abandoned + 1), expected) <= aim
    assert steering.eagerness(Ledger(answered + 1, abandoned), expected) >= aim


def test_the_tolerated_risk_settles_where_the_mean_is_aimed_at() -> None:
    """If calls carry half the tolerated risk on average, it settles at twice the aim."""
    steering = Steering(0.03)
    for _ in range(3000):
        steering.dialled(1, steering.tolerated / 2, 0.0, 1.0, False)
    assert steering.tolerated == pytest.approx(2 * 0.03 / steering.calibration, rel=0.05)


def test_a_limit_does_not_wind_the_tolerated_risk_up() -> None:
    """While lines or leads hold the number down, safe calls do not raise the tolerated risk."""
    steering = Steering(0.03)
    before = steering.tolerated
    for _ in range(1000):
        steering.dialled(5, 0.0, 0.3, 1.0, True)
    assert steering.tolerated == before


def test_more_abandoned_than_predicted_makes_careful() -> None:
    """The calibration learns that predictions are too low, and the tolerated risk follows."""
    steering = Steering(0.03)
    for _ in range(100):
        steering.dialled(100, 1.0, 0.3, 1.0, False)
        for _ in range(3):
            steering.abandoned()
    assert steering.calibration == pytest.approx(10.0, rel=0.1)


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0.0, 1.0), st.floats(0.0, 1.25), st.booleans()), max_size=50))
def test_the_tolerated_risk_stays_inside_its_bounds(steps: list[tuple[int, float, float, bool]]) -> None:
    """Whatever happens it stays positive and below five caps."""
    steering = Steering(0.03)
    for count, risk, eagerness, held in steps:
        steering.dialled(count, count * risk, 0.3, eagerness, held)
        steering.abandoned()
        assert 0.0 < steering.tolerated <= 0.15
