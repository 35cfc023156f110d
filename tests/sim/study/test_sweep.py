"""One setting through a range."""

from __future__ import annotations

import pytest

from dialer.sim.study.scenario import load_scenario
from dialer.sim.study.shift import work
from dialer.sim.study.summary import summarise
from dialer.sim.study.sweep import Step, enough, parse_sweep


def test_ranges_and_lists() -> None:
    """The end is included; short names stand for paths; values go up."""
    assert parse_sweep("agents=5:50:5").values[::9] == ("5", "50")
    assert parse_sweep("answer_rate=0.3,0.1").values == ("0.1", "0.3")
    assert parse_sweep("lines=10:12").values == ("10", "11", "12")
    assert parse_sweep("agents=5").path == "agents.count"
    assert parse_sweep("callees.patience_s=1,2").path == "callees.patience_s"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agents", "wants NAME="),
        ("agents=5:1:1", "goes up"),
        ("agents=1:9:0", "goes up"),
        ("agents=a", "no number"),
        ("agents=1.5", "whole number"),
        ("agents=1:1000", "it must be 1 to 50"),
        ("agents=1:2:3:4", "a range is"),
        ("agents=nan", "out of range"),
    ],
)
def test_what_is_no_sweep(text: str, said: str) -> None:
    """Said as it is."""
    with pytest.raises(ValueError, match=said):
        parse_sweep(text)


def test_more_agents_reach_more_people() -> None:
    """The smallest number that is enough is named, or that none is."""
    steps = []
    for count in ("2", "4", "8"):
        scenario = load_scenario({"hours": 0.5, "policies": ["progressive"]}, {"agents.count": count})
        runs = [work(scenario, "progressive", seed) for seed in (1, 2)]
        steps.append(Step(count, tuple(summarise(runs, scenario.policies, 0.03)), tuple(runs)))
    rates = [step.summaries[0].figures["connects_per_hour"].mean for step in steps]

    assert rates == sorted(rates)
    assert enough(steps, ("progressive",), rates[1])[0].value == "4"
    assert enough(steps, ("progressive",), 1e6)[0].value is None
