"""Two charts as SVG files: utilisation against abandon rate for each row, and ours against targets and the others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from dialer.drawing.svg import Axis, Chart, element
from tests.scoreboard.board.standing import Table
from tests.scoreboard.entrants import HARD, NEXT_DAY, OURS, RATIO, TUNED, YARDSTICK

FAMILIES: Final = {
    OURS: "#1d4ed8",
    "progressive": "#111827",
    RATIO: "#0891b2",
    "vicidial": "#ea580c",
    "issabel": "#7c3aed",
    "impact": "#be185d",
    "wombat": "#a16207",
    "cisco": "#15803d",
    "sinch": "#64748b",
    YARDSTICK: "#b91c1c",
}
"""Colour of a policy by the beginning of its name."""

HOLLOW: Final = frozenset({TUNED, HARD, NEXT_DAY, YARDSTICK})
RATES: Final = (0.0, 1.0, 3.0, 10.0, 30.0, 70.0)
PANEL_W, PANEL_H, COLUMNS = 330, 230, 3
BAR_H, BAR_LEFT, BAR_W, BAR_TOP = 30, 300, 620, 74
_STYLE: Final = """
text{font:12px system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif;fill:#1f2430}.quiet,.tick{fill:#6b7280}
.title{font-size:16px;font-weight:600}.name{font-weight:600}.small{font-size:10px;fill:#6b7280}.grid{stroke:#e5e7eb}
.limit{stroke:#b91c1c;stroke-dasharray:4 3}.target{stroke:#b91c1c;stroke-width:2}.span{stroke:#e5e7eb;stroke-width:3}
.dot{stroke-width:2}
"""


def family_of(policy: str) -> str:
    """The class of a policy's colour; `hollow` for the kin of another policy."""
    name = next((name for name in FAMILIES if policy.startswith(name)), "other")
    return f"{name} hollow" if policy in HOLLOW or policy.endswith("available-only") else name


# --- utilisation against abandon rate --------------------------------------------------------------------------------


def trade_chart(tables: Sequence[Table]) -> str:
    """A panel for each table: a dot for each policy, abandon rate (a square-root scale) across, utilisation up."""
    head = 88
    board = Chart(Axis(0, 1), Axis(0, 1), COLUMNS * PANEL_W, head + -(-len(tables) // COLUMNS) * PANEL_H)
    board.text(12, 22, "Utilisation against abandon rate, mean of all days", "title")
    _legend(board, ((name, name) for name in FAMILIES))
    hollow = f"hollow: {HARD}, {NEXT_DAY}, {TUNED}, {YARDSTICK}, vicidial-*-available-only; dashed: the cap"
    board.text(12, 68, hollow, "quiet")
    for place, table in enumerate(tables):
        x, y = place % COLUMNS * PANEL_W, head + place // COLUMNS * PANEL_H
        board.parts.append(element("g", _panel(table), transform=f"translate({x},{y})"))
    return _file(board)


def _panel(table: Table) -> str:
    low = math.floor(10 * min(standing.utilisation.mean for standing in table.standings)) * 10.0
    step = 10 if low < 75 else 5
    marks = [low + step * number for number in range(round((100 - low) / step) + 1)]
    x, y = Axis(0.0, RATES[-1], "%", marks=RATES, shape=math.sqrt), Axis(low, max(100.0, low + 10), "%", marks=marks)
    chart = Chart(x, y, PANEL_W, PANEL_H, left=44, top=26, bottom=34)
    chart.text(chart.left, 16, _short(table), "name")
    chart.frame(upright=True)
    chart.limit_upright(100 * table.cap)
    for one in sorted(table.standings, key=lambda one: one.policy == OURS):
        point = (100 * one.abandon_rate, 100 * one.utilisation.mean)
        name = f"{one.policy}: {point[1]:.1f} %, {point[0]:.2f} % abandoned"
        chart.dot(name, point, family_of(one.policy), 6 if one.policy == OURS else 4.5)
    return "".join(chart.parts)


# --- ours against the targets ----------------------------------------------------------------------------------------


def overview_chart(tables: Sequence[Table]) -> str:
    """A line for each table: ours, the target, progressive, and the busiest of the others that keeps the cap."""
    low = math.floor(20 * min(_least(table) for table in tables)) * 5.0
    marks = [low + 5 * number for number in range(round((100 - low) / 5) + 1)]
    height = BAR_TOP + BAR_H * len(tables) + 34
    x = Axis(low, 100.0, "%", marks=marks)
    chart = Chart(x, Axis(0, 1), BAR_LEFT + BAR_W + 30, height, BAR_LEFT, 30, BAR_TOP - 8, 34)
    chart.text(12, 22, "Utilisation of the policies that keep the cap", "title")
    right = _legend(chart, ((OURS, OURS), ("progressive", "progressive"), ("other", "busiest of the others, by name")))
    _target(chart, right + 4, 42, 8)
    chart.text(right + 14, 46, "target", "quiet")
    _mark(chart, right + 81, 42, f"{OURS} hollow", 5)
    chart.text(right + 92, 46, "predictive, where it did not keep the cap", "quiet")
    for mark in marks:
        at = chart.across(mark)
        chart.parts.append(element("line", class_="grid", x1=at, x2=at, y1=BAR_TOP - 8, y2=height - 30))
        chart.text(at, height - 12, f"{mark:g}%", "tick", "middle")
    for place, table in enumerate(tables):
        y = BAR_TOP + BAR_H * place + 8
        chart.text(BAR_LEFT - 12, y + 4, f"{_short(table)}, cap {100 * table.cap:.0f} %", "", "end")
        _marks(chart, table, y)
    return _file(chart)


def _marks(chart: Chart, table: Table, y: float) -> None:
    ours, plain, other = table.of(OURS), table.of("progressive"), table.best_other
    wanted = table.row.targets.get(table.cap)
    at = [chart.across(100 * one.utilisation.mean) for one in (ours, plain, other) if one is not None]
    if at:
        chart.parts.append(element("line", class_="span", x1=min(at), x2=max(at), y1=y, y2=y))
    if plain is not None:
        _mark(chart, chart.across(100 * plain.utilisation.mean), y, "progressive", 4.5)
    if other is not None and other.policy != "progressive":
        x = chart.across(100 * other.utilisation.mean)
        _mark(chart, x, y, family_of(other.policy).removesuffix(" hollow"), 5)
        chart.text(x - 8, y - 6, other.policy, "small", "end")
    if ours is not None:
        _mark(chart, chart.across(100 * ours.utilisation.mean), y, OURS if ours.keeps else f"{OURS} hollow", 6.5)
    if wanted is not None:
        _target(chart, chart.across(100 * wanted), y, 11)


def _mark(chart: Chart, x: float, y: float, family: str, radius: float) -> None:
    chart.parts.append(element("circle", class_=f"dot {family}", cx=x, cy=y, r=radius))


def _target(chart: Chart, x: float, y: float, half: float) -> None:
    chart.parts.append(element("line", class_="target", x1=x, x2=x, y1=y - half, y2=y + half))


def _least(table: Table) -> float:
    standings = (table.of(OURS), table.of("progressive"), table.best_other)
    found = [standing.utilisation.mean for standing in standings if standing is not None]
    return min([*found, *table.row.targets.values(), 0.95])


# --- pieces ----------------------------------------------------------------------------------------------------------


def _legend(chart: Chart, entries: Iterable[tuple[str, str]]) -> float:
    """Families and their names in a line; returns where it ends."""
    x = 12.0
    for family, name in entries:
        _mark(chart, x + 5, 42, family, 5)
        chart.text(x + 14, 46, name, "quiet")
        x += 28 + 7 * len(name)
    return x


def _short(table: Table) -> str:
    """The row's name for people, such as `R1: 5 agents, 30 % answer`; of a short day its name as it is."""
    if table.row.baseline_days is not None:
        return table.row.name
    name, *rest = table.row.name.split("-")
    words = " ".join(word for word in rest if not word.isdecimal())
    answer = f", {rest[1]} % answer" if len(rest) == 2 and rest[1].isdecimal() else ""
    return f"{name.capitalize()}{' ' + words if words else ''}: {table.row.agents} agents{answer}"


def _file(chart: Chart) -> str:
    """A picture that stands by itself, on white."""
    colours = "".join(
        f".{name}{{fill:{colour};stroke:{colour}}}.hollow.{name}{{fill:#fff}}"
        for name, colour in {**FAMILIES, "other": "#6b7280"}.items()
    )
    paper = '<rect width="100%" height="100%" fill="#fff"/>'
    content = f"<style>{_STYLE}{colours}</style>{paper}" + "\n".join(chart.parts)
    return element(
        "svg", content, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {chart.width:g} {chart.height:g}",
        width=chart.width, height=chart.height,
    ) + "\n"  # fmt: skip
