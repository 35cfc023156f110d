"""The yardstick: told the laws, calibrated to the cap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dialer.sim.study.durations import constant, lognormal, uniform
from dialer.sim.study.scenario import Scenario, load_scenario
from pacing.kernels import RING_BIN_S, cumulated, survival
from tests.scoreboard import calibration
from tests.scoreboard.calibration import calibrated, due
from tests.scoreboard.days import Kept, play_all
from tests.scoreboard.entrants import pacer_of
from tests.scoreboard.known_laws import AGES_S, Moment, cdf, hazard, probability_of, told
from tests.scoreboard.row import Row
from tests.scoreboard.virtual_floor.floor import play

CALLEES: dict[str, Any] = {
    "answer_rate": 0.15,
    "machine_rate": 0.25,
    "machines": "agent",
    "machine_ring": {"law": "uniform", "low_s": 16.0, "high_s": 18.0},
}
NOW = Moment(0.15, 0.25, 1.0, 1.0)


def scenario(**changes: Any) -> Scenario:
    agents = {"count": 20, "ramp_up_s": 0.0, "pick_up_s": 0.0}
    return load_scenario({"hours": 0.5, "agents": agents, "callees": CALLEES} | changes)


@pytest.mark.parametrize("law", [lognormal(120.0, 1.0), lognormal(9.0, 0.3), uniform(600.0, 1200.0)])
def test_a_hazard_between_edges_is_the_law(law: Any) -> None:
    """Survival by it is 1 - the law's share, stretched or not."""
    for factor in (1.0, 1.5):
        edges_s, found = hazard(law, factor)
        for share in (0.05, 0.3, 0.5, 0.8, 0.95):
            age_s = law.at(share) * factor
            assert 1.0 - survival(age_s, edges_s, found, cumulated(edges_s, found)) == pytest.approx(share, abs=0.01)
    assert cdf(law)(np.array([law.at(0.3)]))[0] == pytest.approx(0.3, abs=1e-6)


def test_a_constant_law_ends_when_it_ends() -> None:
    """Not before, and at once then."""
    edges_s, found = hazard(constant(20.0), 1.0)

    assert survival(19.9, edges_s, found, cumulated(edges_s, found)) == 1.0
    assert survival(20.1, edges_s, found, cumulated(edges_s, found)) < 0.01


def test_who_answers_at_which_age() -> None:
    """People early, machines in their hump, and after it only failures are left."""
    one = scenario()
    known = told(one, NOW, 2.0)
    timeout = one.dialling.ring_timeout_s

    def will(age_s: float) -> float:
        return float(known.will[round(age_s / RING_BIN_S)])

    assert will(0.0) == pytest.approx(probability_of(one, NOW), abs=0.005)
    assert will(0.0) == pytest.approx(0.25 + 0.15 * cdf(one.callees.ring)(np.array([timeout]))[0], abs=0.005)
    assert will(17.0) > 0.3
    assert will(20.5) < 0.02
    assert known.answered[0, -1] < will(0.0)


def test_screened_machines_are_failures() -> None:
    """They take nobody."""
    one = scenario(callees=CALLEES | {"machines": "screened"})

    assert told(one, NOW, 2.0).will[0] == pytest.approx(probability_of(one, NOW), abs=0.005)
    assert probability_of(one, NOW) == pytest.approx(0.15, abs=0.01)


def test_a_talk_that_has_just_begun_may_be_with_a_machine() -> None:
    """Then its agent is free within seconds; an old one is with a person, and a wrap-up is to come."""
    mixed = told(scenario(), NOW, 2.0).talk_free
    people = told(scenario(callees=CALLEES | {"machine_rate": 0.0}), Moment(0.15, 0.0, 1.0, 1.0), 2.0).talk_free
    old = int(np.searchsorted(AGES_S, 60.0))

    assert mixed[0, -1] > 0.5 > 0.1 > people[0, -1]
    assert mixed[old, -1] == pytest.approx(people[old, -1], abs=0.05)


def test_its_forecast_is_true_on_the_floor() -> None:
    """Told everything and with a small constant, it abandons little; with a larger one more, and agents are busier."""
    one = scenario(hours=1.0, callees=CALLEES | {"machine_rate": 0.0}, agents={"count": 40, "ramp_up_s": 0.0})
    low, high = (play(one, pacer_of(f"yardstick:{risk}", one, 1), 1) for risk in (0.005, 0.06))

    assert low.abandon_rate < 0.02 < high.abandon_rate < 0.12
    assert 0.8 < low.utilisation < high.utilisation


def test_it_knows_what_alternates() -> None:
    """Calls that started on the other half of the list are as likely to be answered as they were then."""
    turns = {"of": "answer_rate", "at_min": 2.0, "to": 0.1, "alternates_min": 2.0}
    one = scenario(hours=1.0, callees=CALLEES | {"answer_rate": 0.4, "machine_rate": 0.0}, drifts=[turns])

    assert play(one, pacer_of("yardstick:0.02", one, 1), 1).abandon_rate < 0.05


def test_its_risk_is_found_by_bisection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Round by round, each on the same trial days, until the mean rate is at the cap."""
    monkeypatch.setattr(calibration, "MOST_DAYS", 6)
    row, kept = Row("short", "short", scenario(), (0.03,)), Kept(tmp_path / "days.jsonl")
    rounds = []
    while tasks := due(row, 0.03, kept):
        rounds.append({task.policy for task in tasks})
        assert {task.seed for task in tasks} == set(calibration.days_of(row))
        play_all(tasks, kept, jobs=1)
    found = calibrated(row, 0.03, kept)
    rate = np.mean([day.abandon_rate for key, day in kept.days.items() if f" {found} " in key])

    assert 1 < len(rounds) <= calibration.ROUNDS
    assert all(len(policies) == 1 for policies in rounds)
    assert {found} in rounds
    assert rate == pytest.approx(0.03, abs=0.006)


@pytest.mark.parametrize(("agents", "days"), [(2, 24), (20, 20), (100, 4), (500, 2)])
def test_small_floors_are_calibrated_on_more_days(agents: int, days: int) -> None:
    """So that their rates say as much as a large one's."""
    one = load_scenario({"hours": 1.0, "agents": {"count": agents}})

    assert len(calibration.days_of(Row("one", "one", one))) == days
