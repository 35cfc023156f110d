"""Scenario files."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from config.problems import ConfigError
from dialer.sim.study.scenario import Scenario, find_scenario, load_scenario, shipped
from dialer.sim.study.scenario_example import example_toml


def test_every_mistake_is_said_at_once_with_its_path() -> None:
    """Bounds, units, laws, names and sums."""
    bad: dict[str, Any] = {
        "hours": -1,
        "policies": ["predictiv"],
        "agents": {"count": 0, "talk": {"law": "unifrom"}, "wrapup": {"law": "uniform", "low_s": 3.0}},
        "callees": {"answer_rate": 0.9, "machine_rate": 0.4, "ring": {"law": "exponential", "mean_s": 9.0, "cv": 1.0}},
        "dialling": {"ring_timeout_s": 5.0},
        "drifts": [{"of": "answer_rate", "at_min": 1.0, "to": 2.0}],
        "shoks": [],
    }

    with pytest.raises(ConfigError) as caught:
        load_scenario(bad)

    said = {problem.path: problem.message for problem in caught.value.problems}
    assert said["hours"] == "must be more than 0, got -1"
    assert 'there is no policy "predictiv" (did you mean "predictive"?)' in said["policies"]
    assert said["agents.count"] == "must be at least 1, got 0"
    assert 'did you mean "uniform"?' in said["agents.talk.law"]
    assert said["agents.wrapup"] == "law uniform needs high_s"
    assert said["callees.ring"] == "law exponential has no cv"
    assert said["dialling.ring_timeout_s"] == "must be at least 15 (seconds), got 5"
    assert said["drifts[0].to"] == "must be a fraction, 0 to 1, got 2"
    assert said["shoks"] == 'is not a setting (did you mean "shocks"?)'


def test_rates_must_fit_together_at_any_time() -> None:
    """At the start, and after every drift."""
    with pytest.raises(ConfigError, match=r"callees: .* are 1.2 together, more than 1"):
        load_scenario({"callees": {"answer_rate": 0.7, "machine_rate": 0.4}})
    with pytest.raises(ConfigError, match=r"can reach 1\.15 together"):
        load_scenario({"drifts": [{"of": "answer_rate", "at_min": 1.0, "to": 0.9}]})


def test_drifts_are_written_in_order() -> None:
    """A later row begins later."""
    rows = [{"of": "answer_rate", "at_min": at, "to": 0.2} for at in (10.0, 5.0)]

    with pytest.raises(ConfigError, match=r"drifts\[1\] begins before drifts\[0\]"):
        load_scenario({"drifts": rows})


def test_flags_stand_above_the_file() -> None:
    """Single values by path, one of a duration included."""
    found = load_scenario({"agents": {"count": 5}}, {"agents.count": "7", "agents.talk.mean_s": "90"})

    assert (found.agents.count, found.agents.talk.mean_s) == (7, 90.0)


@pytest.mark.parametrize("name", [f"r{number}" for number in range(1, 9)])
def test_the_published_scenarios_are_there(name: str) -> None:
    """By name, in either case."""
    assert load_scenario(find_scenario(name.upper())).title.startswith(name.upper())


def test_an_unknown_name_says_what_there_is() -> None:
    """And what may have been meant."""
    with pytest.raises(ConfigError, match=r"neither a file nor one of r1, r2, .* r9, r10, r11"):
        find_scenario("r9x")
    assert set(shipped()) >= {"r1", "r8", "r11"}


def test_the_example_is_complete_and_gives_the_defaults(tmp_path: Path) -> None:
    """As it is, and with every comment sign taken away from the settings."""
    file = tmp_path / "example.toml"
    file.write_text(example_toml())
    assert load_scenario(file) == Scenario()

    lines = [
        line[1:] if line.startswith("#") and not line.startswith("# ") else line for line in example_toml().split("\n")
    ]
    full = tomllib.loads("\n".join(lines))
    lists = {"agents": Scenario().agents, "drifts": (), "shocks": (), "restarts": ()}
    assert load_scenario(full).model_copy(update=lists) == Scenario()


def test_the_example_file_is_true() -> None:
    """Made anew by `dialer simulate --example > config/scenario.example.toml`."""
    file = Path(__file__).parents[3] / "config" / "scenario.example.toml"

    assert file.read_text(encoding="utf-8") == example_toml()


def test_the_manual_shows_a_scenario_that_works() -> None:
    """The example of docs/simulate.md."""
    manual = (Path(__file__).parents[3] / "docs" / "simulate.md").read_text(encoding="utf-8")
    text = manual.partition("```toml\n")[2].partition("```")[0]

    assert load_scenario(tomllib.loads(text)).title == "Spring sale"
