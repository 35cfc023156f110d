"""What holds for every baseline."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.language.decisions import sentence
from dialer.sim.baselines import BASELINES
from dialer.sim.study.scenario import load_scenario
from pacing.api import Observation, Settings, Snapshot
from tests.pacing.cases import observations, snapshot, snapshots
from tests.scoreboard.virtual_floor.floor import play

HALF_AN_HOUR = load_scenario({"hours": 0.5, "agents": {"count": 12}, "callees": {"machine_rate": 0.0}})
Steps = list[tuple[tuple[Observation, ...], Snapshot]]


@st.composite
def histories(draw: st.DrawFn) -> Steps:
    """Steps up to 20 s apart, on floors that have nothing to do with each other."""
    now, steps = 0.0, []
    for _ in range(draw(st.integers(1, 6))):
        now += draw(st.sampled_from((0.1, 1.0, 2.6, 20.0)))
        steps.append((draw(observations()), replace(draw(snapshots()), now=now)))
    return steps


@given(history=histories())
@settings(max_examples=40, deadline=None)
def test_never_more_than_lines_or_leads_and_none_without_agents(history: Steps) -> None:
    """Whatever the floor looks like; and every answer has its sentence."""
    for make in BASELINES.values():
        pacer = make(Settings(), 1)
        for seen, floor in history:
            decision = pacer.step(seen, floor)
            assert 0 <= decision.dial <= max(0, min(floor.lines_free, floor.leads_available))
            assert floor.agents > 0 or decision.dial == 0
            assert sentence(decision).startswith(f"dial {decision.dial}: ")


@pytest.mark.parametrize("name", BASELINES)
def test_the_same_seed_gives_the_same_calls(name: str) -> None:
    """Half an hour twice, call for call; and it is a half hour of work."""
    first, second = (play(HALF_AN_HOUR, BASELINES[name](Settings(), 7), 3) for _ in range(2))
    assert first == second
    assert first.answered > 50
    assert first.utilisation > 0.5


@pytest.mark.parametrize("name", BASELINES)
def test_nobody_is_called_for_paused_agents(name: str) -> None:
    """Everybody on break for two minutes: not one call."""
    pacer = BASELINES[name](Settings(), 1)
    empty = {"ready": 0, "talking_age_s": (), "wrapup_age_s": (), "paused": 10}
    assert not any(pacer.step((), snapshot(**empty, now=float(second))).dial for second in range(120))


def test_every_baseline_reports_numbers() -> None:
    """What a pacer has learnt is named numbers."""
    for make in BASELINES.values():
        assert all(isinstance(value, float) for value in make(Settings(), 1).learnt().values())


def test_the_cap_reaches_those_that_have_one() -> None:
    """A cap of 1 % is VICIdial's drop limit, Impact's acceptable rate, Cisco's and Sinch's abandon limit."""
    strict = Settings(max_abandon_rate=0.01)
    limits = {
        "vicidial-average": "drop_limit_percent",
        "impact": "acceptable_rate",
        "cisco": "abandon_limit",
        "sinch": "abandon_limit",
    }
    found = {name: getattr(BASELINES[name](strict, 1).settings, field) for name, field in limits.items()}  # type: ignore[attr-defined]
    assert found == {"vicidial-average": 1.0, "impact": 0.01, "cisco": 0.01, "sinch": 0.01}
