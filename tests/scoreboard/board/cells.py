"""How figures are written on the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dialer.sim.study.figures import Estimate
from tests.scoreboard.board.standing import Standing, Table
from tests.scoreboard.virtual_floor.quarters import ENOUGH_ANSWERS


def name(table: Table) -> str:
    """A table's name."""
    return f"{table.row.title}, cap {100 * table.cap:.0f} %"


def estimate(value: Estimate) -> str:
    """A share with half of its interval, in per cent."""
    half = "" if value.half is None else f" ±{100 * value.half:.1f}"
    return f"{100 * value.mean:.1f}{half} %"


def gap(value: Estimate | None) -> str:
    """A difference of shares with half of its interval, in points; empty where there is nothing to compare with."""
    if value is None:
        return ""
    half = "" if value.half is None else f" ±{100 * value.half:.1f}"
    return f"{100 * value.mean:+.1f}{half}"


def percent(share: float, digits: int = 1) -> str:
    """A share in per cent."""
    return f"{100 * share:.{digits}f} %"


def minutes(seconds: float) -> str:
    """A time, in minutes from one on."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"


def quarter(value: Estimate | None, one: Standing) -> str:
    """The abandon rate of a quarter of an hour; in brackets how many answers it had if that is less than 100."""
    if value is None:
        return ""
    few = f" ({one.quarter_answers})" if one.quarter_answers < ENOUGH_ANSWERS else ""
    return percent(value.mean) + few


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, *rows)]
    return "\n".join([lines[0], f"|{len(heads) * '---|'}", *lines[1:]])
