"""Ours against the yardstick, a line for each table: what the day, its quarters of an hour and its agents came to."""

from __future__ import annotations

from collections.abc import Sequence

from tests.scoreboard.cells import difference, estimate, percent, quarter
from tests.scoreboard.entrants import OURS, YARDSTICK
from tests.scoreboard.page_words import OVERVIEW_HEAD
from tests.scoreboard.standing import Standing, Table


def overview(tables: Sequence[Table]) -> str:
    """The whole part; empty if ours has not played."""
    lines = [_line(table, ours) for table in tables if (ours := table.of(OURS)) is not None]
    return OVERVIEW_HEAD + "\n".join(lines) if lines else ""


def _line(table: Table, ours: Standing) -> str:
    told, gap = table.of(YARDSTICK), ours.against_yardstick
    cells = (
        table.row.name,
        percent(table.cap, 0),
        percent(ours.kept_share, 0),
        percent(ours.abandon_rate, 2),
        percent(ours.first_quarter.mean),
        quarter(ours.calm_quarter, ours),
        quarter(ours.shocked_quarter, ours),
        estimate(ours.utilisation),
        "" if told is None else estimate(told.utilisation),
        "" if gap is None else difference(gap),
        "" if told is None else percent(told.abandon_rate, 2),
    )
    return f"| {' | '.join(cells)} |"
