"""Charts as SVG. Colours are classes, so that a page's style sheet decides them, in light and in dark.

Why no library: of those that draw without a script in the page, pygal, matplotlib and Altair with vl-convert take ten
to a hundred times as long for the charts of a study, and make its page two to four times as large.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

COLOURS: Final = 8
MOST_TICKS: Final = 6
MOST_NAMES: Final = 12
Point = tuple[float, float]


def element(name: str, content: str = "", **attributes: str | float) -> str:
    """One element. `class_` is `class` and `x_y` is `x-y`; numbers have one decimal."""
    texts = [
        f' {key.rstrip("_").replace("_", "-")}="{value if isinstance(value, str) else f"{value:.1f}"}"'
        for key, value in attributes.items()
    ]
    return f"<{name}{''.join(texts)}>{content}</{name}>"


def title(text: str) -> str:
    """What shows while the pointer rests on an element."""
    return element("title", escape(text))


@dataclass(frozen=True, slots=True)
class Axis:
    """Numbers along one side, from `low` to `high`; `unit` follows each label. `shape` bends the scale, `marks` are
    the labelled values (about five round ones if there are none). With `names` it is an axis of places,
    0, 1, 2 ..., and as many of them are labelled as there is room for."""

    low: float
    high: float
    unit: str = ""
    title: str = ""
    marks: Sequence[float] = ()
    shape: Callable[[float], float] = float
    names: Sequence[str] = ()

    def at(self, value: float) -> float:
        """The place of a value, 0 to 1; what is beyond is at the edge."""
        low, high = self.shape(self.low), self.shape(self.high)
        share = (self.shape(value) - low) / (high - low) if high > low else 0.0
        return min(max(share, 0.0), 1.0)

    def ticks(self) -> Sequence[float]:
        """The values that are labelled."""
        if self.names:
            return range(0, len(self.names), max(1, math.ceil(len(self.names) / MOST_NAMES)))
        if self.marks:
            return self.marks
        span = self.high - self.low
        steps = (size * 10.0**power for power in range(-3, 7) for size in (1, 2, 2.5, 5))
        step = next((step for step in steps if span / step <= MOST_TICKS), span)
        first = math.ceil(self.low / step) * step
        return [first + step * place for place in range(int((self.high - first) / step + 1e-9) + 1)]

    def label(self, tick: float) -> str:
        """How a value is labelled."""
        return self.names[int(tick)] if self.names else f"{tick:g}{self.unit}"


@dataclass(slots=True)
class Chart:
    """What is drawn between two axes. `parts` are its elements, the last on top. Margins are in pixels."""

    x: Axis
    y: Axis
    width: float = 560
    height: float = 240
    left: float = 52
    right: float = 12
    top: float = 12
    bottom: float = 36
    parts: list[str] = field(default_factory=list)

    def across(self, value: float) -> float:
        """The x of a value."""
        return self.left + self.x.at(value) * (self.width - self.left - self.right)

    def up(self, value: float) -> float:
        """The y of a value."""
        return self.height - self.bottom - self.y.at(value) * (self.height - self.top - self.bottom)

    def frame(self, *, upright: bool = False) -> None:
        """Labels along both axes, and lines across; `upright` ones, too."""
        for tick in self.y.ticks():
            at = self.up(tick)
            self.parts.append(element("line", class_="grid", x1=self.left, x2=self.width - self.right, y1=at, y2=at))
            self.text(self.left - 6, at + 4, self.y.label(tick), "tick", "end")
        for tick in self.x.ticks():
            at = self.across(tick)
            if upright:
                self.parts.append(
                    element("line", class_="grid", x1=at, x2=at, y1=self.top, y2=self.height - self.bottom)
                )
            self.text(at, self.height - self.bottom + 15, self.x.label(tick), "tick", "middle")
        if self.x.title:
            self.text((self.left + self.width - self.right) / 2, self.height - 4, self.x.title, "title", "middle")

    def text(self, x: float, y: float, text: str, class_: str, anchor: str = "start") -> None:
        """A text at a place in pixels."""
        self.parts.append(element("text", escape(text), class_=class_, x=x, y=y, text_anchor=anchor))

    def limit_across(self, value: float, name: str) -> None:
        """A dashed line at a value of y."""
        at = self.up(value)
        self.parts.append(element("line", class_="limit", x1=self.left, x2=self.width - self.right, y1=at, y2=at))
        self.text(self.width - self.right, at - 4, name, "limit-name", "end")

    def limit_upright(self, value: float, name: str = "") -> None:
        """A dashed line at a value of x."""
        at = self.across(value)
        self.parts.append(element("line", class_="limit", x1=at, x2=at, y1=self.top, y2=self.height - self.bottom))
        if name:
            self.text(at + 4, self.top + 10, name, "limit-name")

    def line(self, name: str, points: Iterable[tuple[float, float | None]], class_: str, *, dots: bool = False) -> None:
        """A line through points; a `None` is a gap."""
        for run in _unbroken(points):
            self.parts.append(element("polyline", title(name), class_=f"line {class_}", points=self._points(run)))
            if dots:
                circles = [element("circle", cx=self.across(x), cy=self.up(y), r=3) for x, y in run]
                self.parts.append(element("g", "".join(circles), class_=f"dot {class_}"))

    def area(self, name: str, above: Sequence[Point], below: Sequence[Point], class_: str) -> None:
        """What is between two lines."""
        edge = self._points([*above, *reversed(below)])
        self.parts.append(element("polygon", title(name), class_=f"area {class_}", points=edge))

    def dot(self, name: str, point: Point, class_: str, radius: float = 5) -> None:
        """A dot that says its name."""
        x, y = self.across(point[0]), self.up(point[1])
        self.parts.append(element("circle", title(name), class_=f"dot {class_}", cx=x, cy=y, r=radius))

    def bars(self, rows: Sequence[tuple[str, float, str]], row_px: float = 22) -> None:
        """A bar across for each (name, value along x, text behind it), from top to bottom, names before them."""
        for place, (name, value, text) in enumerate(rows):
            y = self.top + place * row_px
            width = max(self.across(value) - self.left, 1.0)
            self.parts.append(
                element(
                    "rect", title(f"{name}: {text}"), class_="bar", x=self.left, y=y, width=width, height=row_px - 6
                )
            )
            self.text(self.left - 6, y + row_px / 2 + 1, name, "name", "end")
            self.text(self.left + width + 5, y + row_px / 2 + 1, text, "tick")

    def labelled_dots(self, dots: Sequence[tuple[str, Point, str]]) -> None:
        """Dots (name, point, class) with their names beside them, which make way for each other."""
        placed: list[Point] = []
        for name, point, class_ in dots:
            x, y = self.across(point[0]), self.up(point[1])
            self.dot(f"{name}: {point[1]:.1f} / {point[0]:.2f}", point, class_)
            label_y = y + 4
            while any(abs(x - other_x) < 150 and abs(label_y - other_y) < 12 for other_x, other_y in placed):
                label_y += 12
            placed.append((x, label_y))
            left = x + 9 + 7 * len(name) > self.width - self.right
            self.text(x - 9 if left else x + 9, label_y, name, "name", "end" if left else "start")

    def _points(self, points: Iterable[Point]) -> str:
        return " ".join(f"{self.across(x):.1f},{self.up(y):.1f}" for x, y in points)

    def svg(self) -> str:
        """The whole picture."""
        box = f"0 0 {self.width:g} {self.height:g}"
        label = escape(f"{self.y.title} over {self.x.title}")
        return element("svg", "".join(self.parts), viewBox=box, role="img", aria_label=label)


def middles(axis: Axis, values: Sequence[float | None]) -> list[tuple[float, float | None]]:
    """Values that belong to equal parts of an axis, as points."""
    width = (axis.high - axis.low) / len(values)
    return [(axis.low + (place + 0.5) * width, value) for place, value in enumerate(values)]


def style_of(number: int) -> str:
    """The class of a colour, with dashes from the second round on."""
    return f"c{number % COLOURS} d{number // COLOURS % 3}"


def _unbroken(points: Iterable[tuple[float, float | None]]) -> list[list[Point]]:
    runs: list[list[Point]] = [[]]
    for x, y in points:
        if y is None:
            runs.append([])
        else:
            runs[-1].append((x, y))
    return [run for run in runs if run]
