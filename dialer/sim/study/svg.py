"""Charts as inline SVG. Colours are classes of the page's style sheet, so that they follow light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 560
HEIGHT: Final = 240
LEFT: Final = 52
RIGHT: Final = 12
TOP: Final = 12
BOTTOM: Final = 36
COLOURS: Final = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart. A `None` is a gap. `style` picks colour and dashes by number. Without `across`, the values
    belong to equal parts of the chart's width; with it, to those numbers on the x axis."""

    name: str
    values: Sequence[float | None]
    style: int
    across: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Axis:
    """Numbers along one side: from `low` to `high`; `unit` follows each label."""

    low: float
    high: float
    unit: str
    title: str

    def at(self, value: float) -> float:
        """The place of a value, 0 to 1."""
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.0

    def ticks(self) -> list[float]:
        """About five round numbers."""
        span = self.high - self.low
        step = next((s * 10.0**p for p in range(-3, 7) for s in (1, 2, 2.5, 5) if span / (s * 10.0**p) <= 6), span)
        first = -(-self.low // step) * step
        return [first + step * place for place in range(int((self.high - first) / step + 1e-9) + 1)]


def style_of(number: int) -> str:
    """The class of a colour, with dashes from the second round on."""
    return f"c{number % COLOURS} d{number // COLOURS % 3}"


def lines_chart(lines: Sequence[Line], x: Axis, y: Axis, *, limit: float | None = None, limit_name: str = "") -> str:
    """Lines over x; a dashed line at `limit`."""
    parts = [*_frame(x, y)]
    if limit is not None and y.low <= limit <= y.high:
        parts.append(_limit(y, limit, limit_name))
    for line in lines:
        across = line.across or _middles(x, len(line.values))
        name = f"<title>{escape(line.name)}</title>"
        for run in _unbroken(line.values):
            points = " ".join(f"{_x(x, across[place]):.1f},{_y(y, value):.1f}" for place, value in run)
            parts.append(f'<polyline class="line {style_of(line.style)}" points="{points}">{name}</polyline>')
            if line.across:
                dots = (f'<circle cx="{_x(x, across[n]):.1f}" cy="{_y(y, v):.1f}" r="3"/>' for n, v in run)
                parts.append(f'<g class="dot {style_of(line.style)}">{"".join(dots)}</g>')
    return _svg(parts, f"{y.title} over {x.title}")


def points_chart(
    points: Sequence[tuple[str, float, float, int]], x: Axis, y: Axis, limit: float, limit_name: str
) -> str:
    """Named dots (name, x, y, style), with a dashed line at `limit` on x."""
    at = _x(x, limit)
    parts = [
        *_frame(x, y),
        f'<line class="limit" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        f'<text class="limit-name" x="{at + 4:.1f}" y="{TOP + 10}">{escape(limit_name)}</text>',
    ]
    placed: list[tuple[float, float]] = []
    for name, across, up, style in points:
        px, py = _x(x, across), _y(y, up)
        left = px + 9 + 7 * len(name) > WIDTH - RIGHT
        label_y = py + 4
        while any(abs(px - other_x) < 150 and abs(label_y - other_y) < 12 for other_x, other_y in placed):
            label_y += 12
        placed.append((px, label_y))
        parts.append(
            f'<circle class="dot {style_of(style)}" cx="{px:.1f}" cy="{py:.1f}" r="5">'
            f"<title>{escape(name)}: {up:.1f} / {across:.2f}</title></circle>"
            f'<text class="name" x="{px + (-9 if left else 9):.1f}" y="{label_y:.1f}"'
            f' text-anchor="{"end" if left else "start"}">{escape(name)}</text>'
        )
    return _svg(parts, f"{y.title} against {x.title}")


def stack_chart(layers: Sequence[tuple[str, Sequence[float]]], x: Axis, y: Axis) -> str:
    """Areas on top of each other, the first at the bottom; the class of each is `s` and its place."""
    parts = []
    below = [0.0] * len(layers[0][1])
    for place, (name, values) in enumerate(layers):
        above = [low + value for low, value in zip(below, values, strict=True)]
        edge = [(n, v) for n, v in enumerate(above)] + [(n, below[n]) for n in reversed(range(len(below)))]
        across = _middles(x, len(values))
        points = " ".join(f"{_x(x, across[n]):.1f},{_y(y, value):.1f}" for n, value in edge)
        parts.append(f'<polygon class="area s{place}" points="{points}"><title>{escape(name)}</title></polygon>')
        below = above
    return _svg([*parts, *_frame(x, y)], f"{y.title} over {x.title}")


def _middles(x: Axis, parts: int) -> list[float]:
    """The middles of equal parts of an axis."""
    return [x.low + (place + 0.5) * (x.high - x.low) / parts for place in range(parts)]


def _unbroken(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    runs: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((place, value))
    return [run for run in runs if run]


def _frame(x: Axis, y: Axis) -> list[str]:
    parts = []
    for tick in y.ticks():
        at = _y(y, tick)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
            f'<text class="tick" x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{tick:g}{y.unit}</text>'
        )
    for tick in x.ticks():
        at = _x(x, tick)
        parts.append(
            f'<text class="tick" x="{at:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{tick:g}{x.unit}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="title" x="{middle:.0f}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x.title)}</text>')
    return parts


def _limit(y: Axis, limit: float, name: str) -> str:
    at = _y(y, limit)
    return (
        f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text class="limit-name" x="{WIDTH - RIGHT}" y="{at - 4:.1f}" text-anchor="end">{escape(name)}</text>'
    )


def _x(axis: Axis, value: float) -> float:
    return LEFT + min(max(axis.at(value), 0.0), 1.0) * (WIDTH - LEFT - RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - min(max(axis.at(value), 0.0), 1.0) * (HEIGHT - TOP - BOTTOM)


def _svg(parts: Sequence[str], label: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
