"""The rows: the reference scenarios in their sizes, and short days that are hard at the start."""

from __future__ import annotations

import pytest

from tests.scoreboard.row import CAP, STRICT_CAP, Group, Row
from tests.scoreboard.rows import TARGETS, rows
from tests.scoreboard.rows_at_once import UNTUNED
from tests.scoreboard.virtual_floor.quarters import shocks_min
from tests.scoreboard.virtual_floor.rules import refuse

ROWS = rows()
LONG = [row for row in ROWS if row.baseline_days is None]
SHORT = [row for row in ROWS if row.baseline_days is not None]


def test_every_reference_scenario_has_a_row() -> None:
    """R1 to R8, each under its own name, and the surge."""
    names = [row.name for row in LONG]

    assert len(names) == 18
    assert {name.split("-")[0] for name in names} == {*(f"r{number}" for number in range(1, 9)), "surge"}
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_floor_plays_every_row(row: Row) -> None:
    """For eight hours or for two at most, at the caps of the page."""
    refuse(row.scenario)

    assert row.scenario.hours == 8.0 if row in LONG else row.scenario.hours <= 2.0
    assert row.caps in {(CAP,), (CAP, STRICT_CAP)}
    assert set(row.targets) <= set(row.caps)


def test_the_rows_that_nothing_is_tuned_on_are_on_the_board() -> None:
    """By name: a start, machines known at once and later, a step and turns."""
    assert set(UNTUNED) < {row.name for row in SHORT}


def test_every_target_belongs_to_a_row() -> None:
    """By agents and answer rate."""
    wanted = {(row.agents, row.scenario.callees.answer_rate) for row in ROWS if row.targets}

    assert wanted == set(TARGETS)


def test_shocks_are_played_one_by_one() -> None:
    """R8's two shocks have a row each."""
    by_name = {row.name: row.scenario for row in ROWS}

    assert [str(shock.kind) for shock in by_name["r8-leave"].shocks] == ["agents_leave"]
    assert [str(shock.kind) for shock in by_name["r8-outage"].shocks] == ["trunk_outage"]
    assert [drift.to for drift in by_name["surge"].drifts] == [0.30, 0.10]


def test_on_short_days_everybody_is_there_at_once() -> None:
    """From the first second, on floors of 2 to 500 agents, where 3 % to 60 % answer."""
    assert {row.scenario.agents.ramp_up_s for row in SHORT} == {0.0}
    assert {2, 10, 20, 50, 60, 80, 100, 120, 150, 200, 300, 500} == {row.agents for row in SHORT}
    rates = {row.scenario.callees.answer_rate for row in SHORT}
    assert min(rates) == 0.03
    assert max(rates) == 0.60


def test_machines_reach_agents_known_at_once_later_or_never() -> None:
    """Up to half of all calls; on one row the carrier ends them."""
    callees = [row.scenario.callees for row in SHORT if row.group is Group.MACHINES]

    assert {str(callee.kinds) for callee in callees} == {"at_once", "later", "never"}
    assert {str(callee.machines) for callee in callees} == {"agent", "screened"}
    assert max(callee.machine_rate for callee in callees) == 0.5
    assert min(callee.machine_ring.at(0.0) for callee in callees) >= 16.0


def test_every_shock_has_a_row_of_its_own() -> None:
    """Steps up and down, a trunk that is dead and one that refuses, a list that alternates; elsewhere there is none."""
    for row in ROWS:
        assert bool(shocks_min(row.scenario)) == (row.group is Group.SHOCKS or row.name == "r7"), row.name
    names = {row.name.split("-")[0] for row in SHORT if row.group is Group.SHOCKS}
    assert names == {"step", "dead", "refuses", "turns"}


def test_the_new_days_cost_no_more_than_the_old_ones() -> None:
    """In agents' hours on the floor, all caps of ours together."""
    cost = {name: sum(row.agents * row.scenario.hours * len(row.caps) for row in some)
            for name, some in (("long", LONG), ("short", SHORT))}  # fmt: skip

    assert cost["short"] <= cost["long"]
