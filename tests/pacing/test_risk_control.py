"""The tolerated risk is steered so that the budget is used and not overdrawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacing import risk_control as constants
from pacing.api import Ledger
from pacing.governor import slack_calls
from pacing.risk_control import LEAST_TOLERATED, MOST_EAGER, OPENING, SPENT, RiskControl
from tests.pacing.cases import ledgers

caps = st.sampled_from((0.01, 0.03, 0.2))
expected = st.floats(0.0, 200.0)


def aim_of(cap: float, ledger: Ledger, expected_answers: float = 0.0) -> float:
    return RiskControl.allowance(cap, ledger, expected_answers)


@given(caps, ledgers(), expected)
def test_the_allowance_is_bounded(cap: float, ledger: Ledger, answers: float) -> None:
    """Never negative, never above its limit; very little once the budget is spent, something as long as it is not."""
    aim = aim_of(cap, ledger, answers)
    assert 0.0 <= aim <= MOST_EAGER
    if slack_calls(cap, ledger) <= 0.0:
        assert aim == SPENT <= 0.1
    else:
        assert aim >= OPENING > SPENT


@given(caps, ledgers(), expected)
def test_the_allowance_rises_with_the_slack(cap: float, ledger: Ledger, answers: float) -> None:
    """An abandoned call never raises the aim, a live answer that is served never lowers it."""
    aim = aim_of(cap, ledger, answers)
    assert aim_of(cap, Ledger(ledger.answered, ledger.abandoned + 1), answers) <= aim
    assert aim_of(cap, Ledger(ledger.answered + 1, ledger.abandoned), answers) >= aim - 1e-12
    assert aim_of(cap, Ledger(ledger.answered + 1, ledger.abandoned + 1), answers) <= aim + 1e-12


@given(caps, ledgers(), expected, expected)
def test_calls_that_can_no_longer_be_steered_are_provided_for(
    cap: float, ledger: Ledger, answers: float, more: float
) -> None:
    """The more answers are to come from calls already ringing, the lower the aim."""
    assert aim_of(cap, ledger, answers + more) <= aim_of(cap, ledger, answers) + 1e-12


def test_plenty_of_slack_and_a_new_window() -> None:
    """Much slack: more than the cap, up to the limit. An empty window: a part of the cap, not nothing."""
    assert aim_of(0.03, Ledger(100_000, 0)) == MOST_EAGER > 1.0
    assert OPENING <= aim_of(0.03, Ledger(0, 0)) < 1.0


@given(ledgers(), ledgers(), expected)
def test_the_tightest_window_decides(day: Ledger, hour: Ledger, answers: float) -> None:
    """The aim is the least rate that any window allows, as a multiple of the campaign's own cap."""
    risk_control = RiskControl(0.03)
    alone = [risk_control.eagerness(((cap, ledger),), answers) for cap, ledger in ((0.03, day), (0.06, hour))]
    assert risk_control.eagerness(((0.03, day), (0.06, hour)), answers) == min(alone)
    assert alone == pytest.approx([aim_of(0.03, day, answers), 2 * aim_of(0.06, hour, answers)])


def test_a_cap_of_nothing_allows_nothing() -> None:
    """No abandoned call is allowed, so no risk is aimed at; and nothing is divided by it."""
    risk_control = RiskControl(0.0)
    assert risk_control.eagerness(((0.0, Ledger(1000, 0)),), 1.0) * risk_control.tolerated <= LEAST_TOLERATED


def test_the_tolerated_risk_settles_where_the_mean_is_aimed_at() -> None:
    """If calls carry half the tolerated risk on average, it settles at twice the aim."""
    risk_control = RiskControl(0.03)
    for _ in range(3000):
        risk_control.dialled(1, risk_control.tolerated / 2, 0.0, 1.0, False)
    assert risk_control.tolerated == pytest.approx(2 * 0.03 / risk_control.calibration, rel=0.05)


def test_a_limit_does_not_wind_the_tolerated_risk_up() -> None:
    """While lines or leads hold the number down, safe calls do not raise the tolerated risk."""
    risk_control = RiskControl(0.03)
    before = risk_control.tolerated
    for _ in range(1000):
        risk_control.dialled(5, 0.0, 0.3, 1.0, True)
    assert risk_control.tolerated == before


def test_more_abandoned_than_predicted_makes_careful() -> None:
    """The calibration learns that predictions are too low, and the tolerated risk follows."""
    risk_control, other = RiskControl(0.03), RiskControl(0.03)
    for _ in range(100):
        risk_control.dialled(100, 1.0, 0.3, 1.0, False)
        other.dialled(100, 1.0, 0.3, 1.0, False)
        for _ in range(3):
            risk_control.abandoned()
    assert risk_control.calibration == pytest.approx(10.0, rel=0.1)
    assert risk_control.tolerated < other.tolerated


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0.0, 1.0), st.floats(0.0, 1.5), st.booleans()), max_size=50))
def test_the_tolerated_risk_stays_inside_its_bounds(steps: list[tuple[int, float, float, bool]]) -> None:
    """Whatever happens it stays positive and below five caps."""
    risk_control = RiskControl(0.03)
    for count, risk, eagerness, held in steps:
        risk_control.dialled(count, count * risk, 0.3, eagerness, held)
        risk_control.abandoned()
        assert 0.0 < risk_control.tolerated <= 0.15
        assert risk_control.calibration > 0.0


def test_the_risk_control_goes_on_from_before() -> None:
    """The tolerated risk and how right the forecast was; between bounds."""
    risk_control = RiskControl(0.03, {"tolerated_risk": 0.05, "calibration": 3.0})
    assert (risk_control.tolerated, risk_control.calibration) == (0.05, pytest.approx(3.0))
    assert RiskControl(0.03, {"tolerated_risk": 9.0}).tolerated == pytest.approx(0.15)
    risk_control.abandoned()
    risk_control.dialled(3, 0.1, 0.3, 1.0, False)
    again = RiskControl(0.03, risk_control.memory())
    assert again.tolerated == risk_control.tolerated
    assert again.calibration == pytest.approx(risk_control.calibration)


@pytest.mark.parametrize("name", ["SOFTEST", "RESERVE", "MOST_EAGER", "OPENING", "SPENT"])
def test_the_manual_has_the_constants(name: str) -> None:
    """docs/pacing.md shows what the risk control works with."""
    manual = (Path(__file__).parents[2] / "docs" / "pacing.md").read_text(encoding="utf-8")
    assert f"| `{name}` | {getattr(constants, name):g} " in manual
