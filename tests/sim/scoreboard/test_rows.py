"""The rows are the reference scenarios in their sizes."""

from __future__ import annotations

import pytest

from dialer.sim.scoreboard.rows import CAP, STRICT_CAP, TARGETS, Row, rows
from dialer.sim.scoreboard.rules import refuse

ROWS = rows()


def test_every_reference_scenario_has_a_row() -> None:
    """R1 to R8, each under its own name, and the surge."""
    names = [row.name for row in ROWS]

    assert len(set(names)) == len(names) == 18
    assert {name.split("-")[0] for name in names} == {*(f"r{number}" for number in range(1, 9)), "surge"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_floor_plays_every_row(row: Row) -> None:
    """For eight hours, at the caps of the page."""
    refuse(row.scenario)

    assert row.scenario.hours == 8.0
    assert row.caps in {(CAP,), (CAP, STRICT_CAP)}
    assert set(row.targets) <= set(row.caps)


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
