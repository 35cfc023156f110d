"""Two charts as SVG files: utilisation against abandon rate for each row, and ours against targets and the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from tests.scoreboard.entrants import HARD, NEXT_DAY, OURS, RATIO, TUNED, YARDSTICK
from tests.scoreboard.standing import Table

FONT: Final = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"'
INK, SOFT, GRID, LIMIT, PAPER = "#1f2430", "#6b7280", "#e5e7eb", "#b91c1c", "#ffffff"
FAMILIES: Final = (
    (OURS, "#1d4ed8"),
    ("progressive", "#111827"),
    (RATIO, "#0891b2"),
    ("vicidial", "#ea580c"),
    ("issabel", "#7c3aed"),
    ("impact", "#be185d"),
    ("wombat", "#a16207"),
    ("cisco", "#15803d"),
    ("sinch", "#64748b"),
    (YARDSTICK, "#b91c1c"),
)
"""Colour of a policy by the beginning of its name."""

RATES: Final = (0.0, 0.01, 0.03, 0.10, 0.30, 0.70)
PANEL_W, PANEL_H, COLUMNS = 330, 230, 3
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 26, 34


def colour_of(policy: str) -> str:
    """The colour of a policy's family."""
    return next((colour for name, colour in FAMILIES if policy.startswith(name)), SOFT)


# --- utilisation against abandon rate --------------------------------------------------------------------------------


def trade_chart(tables: Sequence[Table]) -> str:
    """A panel for each table: a dot for each policy, abandon rate (a square-root scale) across, utilisation up."""
    head = 88
    lines = -(-len(tables) // COLUMNS)
    width, height = COLUMNS * PANEL_W, head + lines * PANEL_H
    parts = [_text(12, 22, "Utilisation against abandon rate, mean of all days", 16, INK, weight=600), *_legend()]
    for place, table in enumerate(tables):
        x, y = place % COLUMNS * PANEL_W, head + place // COLUMNS * PANEL_H
        parts += [f'<g transform="translate({x},{y})">', *_panel(table), "</g>"]
    return _svg(width, height, parts)


def _legend() -> list[str]:
    parts, x = [], 12
    for name, colour in FAMILIES:
        parts += [f'<circle cx="{x + 5}" cy="42" r="5" fill="{colour}"/>', _text(x + 14, 46, name, 12, INK)]
        x += 26 + 7 * len(name)
    hollow = f"hollow: {HARD}, {NEXT_DAY}, {TUNED}, {YARDSTICK}, vicidial-*-available-only; dashed: the cap"
    return [*parts, _text(12, 68, hollow, 12, SOFT)]


def _panel(table: Table) -> list[str]:
    low = math.floor(10 * min(one.utilisation.mean for one in table.standings)) / 10
    span = max(1.0 - low, 0.1)

    def across(rate: float) -> float:
        return LEFT + min(1.0, math.sqrt(rate / RATES[-1])) * (PANEL_W - LEFT - RIGHT)

    def up(utilisation: float) -> float:
        return PANEL_H - BOTTOM - (utilisation - low) / span * (PANEL_H - TOP - BOTTOM)

    parts = [_text(LEFT, 16, _short(table), 12, INK, weight=600)]
    step = 0.1 if span > 0.25 else 0.05
    for number in range(round(span / step) + 1):
        value = low + number * step
        parts.append(_line(LEFT, up(value), PANEL_W - RIGHT, up(value), GRID))
        parts.append(_text(LEFT - 6, up(value) + 4, f"{100 * value:.0f}%", 11, SOFT, "end"))
    for rate in RATES:
        parts.append(_line(across(rate), TOP, across(rate), PANEL_H - BOTTOM, GRID))
        parts.append(_text(across(rate), PANEL_H - BOTTOM + 15, f"{100 * rate:.0f}%", 11, SOFT, "middle"))
    cap = across(table.cap)
    parts.append(_line(cap, TOP, cap, PANEL_H - BOTTOM, LIMIT, dashes="4 3"))
    for one in sorted(table.standings, key=lambda one: one.policy == OURS):
        colour = colour_of(one.policy)
        hollow = one.policy.endswith("available-only") or one.policy in {TUNED, HARD, NEXT_DAY, YARDSTICK}
        name = f"{one.policy}: {100 * one.utilisation.mean:.1f} %, {100 * one.abandon_rate:.2f} % abandoned"
        parts.append(
            f'<circle cx="{across(one.abandon_rate):.1f}" cy="{up(one.utilisation.mean):.1f}"'
            f' r="{6 if one.policy == OURS else 4.5}" fill="{PAPER if hollow else colour}" stroke="{colour}"'
            f' stroke-width="2"><title>{escape(name)}</title></circle>'
        )
    return parts


# --- ours against the targets ----------------------------------------------------------------------------------------

BAR_H, BAR_LEFT, BAR_W, BAR_TOP = 30, 300, 620, 74


def overview_chart(tables: Sequence[Table]) -> str:
    """A line for each table: ours, the target, progressive, and the busiest of the others that keeps the cap."""
    width, height = BAR_LEFT + BAR_W + 30, BAR_TOP + BAR_H * len(tables) + 34
    low = math.floor(20 * min(_least(table) for table in tables)) / 20

    def across(utilisation: float) -> float:
        return BAR_LEFT + (utilisation - low) / (1.0 - low) * BAR_W

    parts = [_text(12, 22, "Utilisation of the policies that keep the cap", 16, INK, weight=600), *_overview_legend()]
    for number in range(round((1.0 - low) / 0.05) + 1):
        value = low + 0.05 * number
        parts.append(_line(across(value), BAR_TOP - 8, across(value), height - 30, GRID))
        parts.append(_text(across(value), height - 12, f"{100 * value:.0f}%", 11, SOFT, "middle"))
    for place, table in enumerate(tables):
        y = BAR_TOP + BAR_H * place + 8
        parts.append(_text(BAR_LEFT - 12, y + 4, f"{_short(table)}, cap {100 * table.cap:.0f} %", 12, INK, "end"))
        parts += _marks(table, y, across)
    return _svg(width, height, parts)


def _marks(table: Table, y: float, across: Callable[[float], float]) -> list[str]:
    parts = []
    ours, plain, other = table.of(OURS), table.of("progressive"), table.best_other
    wanted = table.row.targets.get(table.cap)
    marks = [one.utilisation.mean for one in (ours, plain, other) if one is not None]
    if marks:
        parts.append(_line(across(min(marks)), y, across(max(marks)), y, GRID, width=3))
    if plain is not None:
        parts.append(f'<circle cx="{across(plain.utilisation.mean):.1f}" cy="{y}" r="4.5" fill="#111827"/>')
    if other is not None and other.policy != "progressive":
        at = across(other.utilisation.mean)
        parts.append(f'<circle cx="{at:.1f}" cy="{y}" r="5" fill="{colour_of(other.policy)}"/>')
        parts.append(_text(at - 8, y - 6, other.policy, 10, SOFT, "end"))
    if ours is not None:
        fill = colour_of(OURS) if ours.keeps else PAPER
        at = across(ours.utilisation.mean)
        parts.append(
            f'<circle cx="{at:.1f}" cy="{y}" r="6.5" fill="{fill}" stroke="{colour_of(OURS)}" stroke-width="2"/>'
        )
    if wanted is not None:
        parts.append(_line(across(wanted), y - 11, across(wanted), y + 11, LIMIT, width=2))
    return parts


def _overview_legend() -> list[str]:
    entries = ((colour_of(OURS), "predictive"), ("#111827", "progressive"), (SOFT, "busiest of the others, by name"))
    parts, x = [], 12
    for colour, name in entries:
        parts += [f'<circle cx="{x + 5}" cy="42" r="5" fill="{colour}"/>', _text(x + 14, 46, name, 12, INK)]
        x += 30 + 7 * len(name)
    parts += [_line(x + 4, 34, x + 4, 50, LIMIT, width=2), _text(x + 14, 46, "target", 12, INK)]
    ring = f'<circle cx="{x + 81}" cy="42" r="5" fill="{PAPER}" stroke="{colour_of(OURS)}" stroke-width="2"/>'
    return [*parts, ring, _text(x + 92, 46, "predictive, where it did not keep the cap", 12, INK)]


def _least(table: Table) -> float:
    found = [
        one.utilisation.mean for one in (table.of(OURS), table.of("progressive"), table.best_other) if one is not None
    ]
    return min([*found, *table.row.targets.values(), 0.95])


# --- pieces ----------------------------------------------------------------------------------------------------------


def _short(table: Table) -> str:
    """The row's name for people, such as `R1: 5 agents, 30 % answer`; of a short day its name as it is."""
    if table.row.baseline_days is not None:
        return table.row.name
    name, *rest = table.row.name.split("-")
    words = " ".join(word for word in rest if not word.isdecimal())
    answer = f", {rest[1]} % answer" if len(rest) == 2 and rest[1].isdecimal() else ""
    return f"{name.capitalize()}{' ' + words if words else ''}: {table.row.agents} agents{answer}"


def _text(x: float, y: float, text: str, size: int, colour: str, anchor: str = "start", weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"'
        f' font-weight="{weight}">{escape(text)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, width: float = 1, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"'
        f' stroke-width="{width:g}"{dashed}/>'
    )


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
        f' height="{height:g}" {FONT}>\n<rect width="100%" height="100%" fill="{PAPER}"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
