"""Quarters of an hour: the first, the worst, and those with no shock near."""

from __future__ import annotations

import numpy as np
import pytest

from dialer.sim.study.scenario import load_scenario
from tests.scoreboard.virtual_floor.quarters import quarters, shocks_min


def test_the_first_and_the_worst_quarter() -> None:
    """By whole minutes: the worst may begin at any."""
    live, lost = np.full(60, 10.0), np.zeros(60)
    lost[[3, 33, 44]] = (3.0, 6.0, 6.0)
    found = quarters(live, lost)

    assert found.first == pytest.approx(0.02)
    assert found.worst == found.calm == pytest.approx(0.08)
    assert found.shocked is None
    assert found.answers == 100


def test_a_quarter_with_few_answers_is_not_looked_at() -> None:
    """One abandoned call of two says nothing; on a small floor the quarters with the most answers count."""
    live, lost = np.full(60, 10.0), np.zeros(60)
    live[20:40] = 0.1
    lost[30] = 1.0
    small = quarters(live / 10, lost / 10)

    assert quarters(live, lost).worst == 0.0
    assert small.answers == 15
    assert small.worst == 0.0


def test_quarters_near_a_shock_are_apart() -> None:
    """With the shock in them, or up to fifteen minutes before; later ones count as calm again."""
    live, lost = np.full(90, 10.0), np.zeros(90)
    lost[58], lost[61], lost[75] = 15.0, 3.0, 6.0
    found = quarters(live, lost, [30.0])

    assert found.shocked == pytest.approx(15 / 150)
    assert found.calm == pytest.approx(18 / 150)
    lost[58] = 0.0
    assert quarters(live, lost, [30.0]).shocked == 0.0
    assert quarters(live, lost, [30.0]).calm == pytest.approx(0.06)


def test_a_day_shorter_than_a_quarter_is_one() -> None:
    """And a day without answers has no rate."""
    found = quarters(np.full(6, 10.0), np.full(6, 1.0))

    assert found.first == found.worst == pytest.approx(0.1)
    assert found.answers == 60
    assert quarters(np.zeros(20), np.zeros(20)).worst == 0.0


def test_sudden_changes_of_who_answers_are_shocks() -> None:
    """And so is every turn of an alternating list; slow drifts, breaks and restarts are ordinary."""
    scenario = load_scenario(
        {
            "hours": 1.0,
            "agents": {"breaks": [{"at_min": 5.0}]},
            "restarts": [{"at_min": 6.0}],
            "shocks": [{"kind": "trunk_refuses", "at_min": 30.0}],
            "drifts": [
                {"of": "talk_mean_s", "at_min": 1.0, "to": 60.0},
                {"of": "answer_rate", "at_min": 2.0, "over_min": 10.0, "to": 0.1},
                {"of": "answer_rate", "at_min": 40.0, "to": 0.2, "alternates_min": 8.0},
            ],
        }
    )

    assert sorted(set(shocks_min(scenario))) == [30.0, 40.0, 48.0, 56.0]
