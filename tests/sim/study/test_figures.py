"""How figures are written, and that each has a place in the manual."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.sim.study.figures import (
    ABANDONED,
    CALLS,
    FIGURES,
    IDLE,
    OVER_CAP,
    SWEPT,
    TABLES,
    UTILISATION,
    Estimate,
    cell,
    estimate,
)  # fmt: skip


def test_the_interval_is_students() -> None:
    """1, 2, 3: mean 2, half width 4.303 / sqrt 3; one value alone has none."""
    three = estimate([1.0, 2.0, 3.0])

    assert (three.mean, three.half) == pytest.approx((2.0, 4.303 / 3**0.5))
    assert estimate([5.0]).half is None


@pytest.mark.parametrize(
    ("column", "name", "value", "text"),
    [
        (UTILISATION, "utilisation", Estimate(0.8888, 0.0031), "88.9 ±0.3 %"),
        (UTILISATION, "utilisation", Estimate(0.05, None), "5.0 %"),
        (ABANDONED, "abandon_rate", Estimate(0.0282, 0.0002), "2.82 ±0.02 %"),
        (ABANDONED, "abandon_rate", Estimate(0.1234, 0.01), "12.3 ±1.0 %"),
        (OVER_CAP, "over_cap_s", Estimate(3725.0, 60.0), "1:02:05 ±0:01:00"),
        (CALLS, "calls_per_agent_hour", Estimate(-0.01, 4.0), "0.0 ±4.0"),
    ],
)
def test_figures_are_written_in_their_units(column, name, value, text) -> None:
    """Shares in per cent, a decimal more where they are small; long times by the clock."""
    assert cell(column, {name: value}) == text


def test_a_median_stands_with_its_percentile() -> None:
    """In one column, with one unit."""
    values = {"idle_p50_s": Estimate(11.6, 1.0), "idle_p95_s": Estimate(40.0, 3.0)}

    assert cell(IDLE, values) == "12 ±1 / 40 ±3 s"
    assert cell(IDLE, values, interval=False) == "12/40 s"


def test_differences_have_a_sign_and_no_unit() -> None:
    """Shares differ by points, not by per cent."""
    assert cell(UTILISATION, {"utilisation": Estimate(-0.141, 0.032)}, signed=True) == "-14.1 ±3.2"
    assert cell(ABANDONED, {"abandon_rate": Estimate(0.011, 0.0035)}, signed=True) == "+1.10 ±0.35"
    assert cell(OVER_CAP, {"over_cap_s": Estimate(-147.0, None)}, signed=True) == "-0:02:27"


def test_the_manual_has_every_column_with_its_meaning() -> None:
    """docs/simulate.md says of each what the tables say."""
    manual = (Path(__file__).parents[3] / "docs" / "simulate.md").read_text(encoding="utf-8")
    columns = [column for columns in (*TABLES.values(), SWEPT) for column in columns]

    assert {name for column in columns for name in column.figures} == set(FIGURES)
    for column in columns:
        assert f"| {column.head} | {column.meaning} |" in manual
