"""Shifts put together."""

from __future__ import annotations

import pytest

from dialer.sim.study.results import Minute, _over_cap_s, _worst_window
from dialer.sim.study.scenario import load_scenario
from dialer.sim.study.shift import work
from dialer.sim.study.summary import sentences, series, summarise


def minute(live: int = 0, abandoned: int = 0, **changes: float) -> Minute:
    values = {"ready": 2.0, "talking": 6.0, "wrapup": 2.0, "paused": 1.0, "lines": 9.0}
    return Minute(**(values | changes), calls=3 * live, live=live, abandoned=abandoned)


def test_seconds_over_the_cap() -> None:
    """From the answer that breaks it to the one that mends it; the end of the shift ends it, too."""
    live = [(10.0, True), (20.0, False), (30.0, False), (40.0, True)]

    assert _over_cap_s(live, 0.4, 100.0) == pytest.approx(20.0 + 60.0)
    assert _over_cap_s([(10.0, False)], 0.03, 100.0) == 0.0


def test_the_worst_half_hour() -> None:
    """A bad half hour is found where it is; a short shift is one window."""
    minutes = [minute(10, 5 if 40 <= place < 70 else 0) for place in range(120)]

    assert _worst_window(minutes) == 0.5
    assert _worst_window(minutes[:41]) == pytest.approx(5 / 300)
    assert _worst_window([minute(10, 1)] * 5) == 0.1


def test_series_have_utilisation_without_pauses() -> None:
    """(talk + wrap-up) / (logged in - paused); where nobody works there is none."""
    found = series([[minute(4, 1), minute(ready=0.0, talking=0.0, wrapup=0.0)]])

    assert found.utilisation == (0.8, None)
    assert found.abandon_rate == (0.25, 0.25)


def test_differences_are_taken_day_by_day() -> None:
    """The paired interval is narrower than either policy's own."""
    scenario = load_scenario({"hours": 0.25, "policies": ["wombat", "progressive"], "seeds": 6})
    runs = [work(scenario, policy, seed) for policy in scenario.policies for seed in range(6)]
    first, second = summarise(runs, scenario.policies, 0.03)
    gain = second.against_first["utilisation"]

    assert first.against_first == {}
    assert gain.mean == pytest.approx(second.figures["utilisation"].mean - first.figures["utilisation"].mean)
    assert gain.half is not None
    assert second.figures["utilisation"].half is not None
    assert gain.half < second.figures["utilisation"].half
    assert "kept agents busiest" in sentences([first, second], scenario)[-1]
