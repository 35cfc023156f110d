"""The figures of a study, each once: how it comes from a shift, its unit, how it is written, what it means.

Tables and pages are made of the columns below, in a terminal and in a browser alike. The names are those in JSON, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from statistics import fmean, stdev
from typing import Final

from dialer.sim.study.results import Run

# Student's t, two-sided 95 %, by degrees of freedom from 1.
_T: Final = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over shifts. The true one is within `mean` +- `half` in 95 of 100 studies; None for a single shift."""

    mean: float
    half: float | None


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and half the 95 % interval (Student's t)."""
    if len(values) < 2:
        return Estimate(values[0], None)
    freedom = len(values) - 1
    factor = _T[freedom - 1] if freedom <= len(_T) else 1.96
    return Estimate(fmean(values), factor * stdev(values) / math.sqrt(len(values)))


class Unit(Enum):
    """What a figure is written in: a share in per cent (its differences in points), seconds, h:mm:ss, or a number."""

    SHARE = auto()
    SECONDS = auto()
    CLOCK = auto()
    NUMBER = auto()


UNIT_TEXTS: Final = {Unit.SHARE: " %", Unit.SECONDS: " s"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a shift, with its unit and its decimals. A share of less than a tenth has one more."""

    of: Callable[[Run], float]
    unit: Unit
    decimals: int = 1


FIGURES: Final = {
    "utilisation": Figure(lambda run: run.totals.utilisation, Unit.SHARE),
    "talk_min_per_hour": Figure(
        lambda run: 60 * run.totals.talk_s / run.totals.worked_s if run.totals.worked_s else 0.0, Unit.NUMBER
    ),
    "abandon_rate": Figure(lambda run: run.totals.abandon_rate, Unit.SHARE),
    "worst_30_min_abandon_rate": Figure(lambda run: run.totals.worst_window_rate, Unit.SHARE),
    "over_cap_s": Figure(lambda run: run.totals.over_cap_s, Unit.CLOCK),
    "idle_p50_s": Figure(lambda run: run.idle_s[0], Unit.SECONDS, 0),
    "idle_p95_s": Figure(lambda run: run.idle_s[1], Unit.SECONDS, 0),
    "wait_p50_s": Figure(lambda run: run.wait_s[0], Unit.SECONDS, 2),
    "wait_p95_s": Figure(lambda run: run.wait_s[1], Unit.SECONDS, 2),
    "connects_per_agent_hour": Figure(lambda run: run.totals.per_agent_hour(run.totals.connected), Unit.NUMBER),
    "calls_per_agent_hour": Figure(lambda run: run.totals.per_agent_hour(run.totals.calls), Unit.NUMBER),
    "connects_per_hour": Figure(lambda run: 60 * run.totals.connected / max(len(run.minutes), 1), Unit.NUMBER, 0),
    "calls_per_hour": Figure(lambda run: 60 * run.totals.calls / max(len(run.minutes), 1), Unit.NUMBER, 0),
    "most_lines": Figure(lambda run: run.totals.most_lines, Unit.NUMBER, 0),
}
"""Name with the unit last -> the figure. Rates are fractions."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: one figure, or a median with its 95th percentile. `meaning` is for whoever reads it.
    `interval`: the interval is shown where room is scarce, too, and so is the difference to the first policy."""

    head: str
    figures: tuple[str, ...]
    meaning: str
    interval: bool = False


UTILISATION: Final = Column("utilisation", ("utilisation",), "(talk + wrap-up) / (logged in - paused)", True)
TALK: Final = Column("talk min/h", ("talk_min_per_hour",), "minutes of talk in each hour that an agent works")
IDLE: Final = Column("idle p50/95", ("idle_p50_s", "idle_p95_s"), "from ready to the next talk: median/95th percentile")
CONNECTS: Final = Column("connects/h", ("connects_per_agent_hour",), "talks per agent and hour")
CALLS: Final = Column("calls/h", ("calls_per_agent_hour",), "calls per agent and hour")
ABANDONED: Final = Column(
    "abandoned", ("abandon_rate",), "answered, and no agent on the line in time / all answered", True
)
WORST: Final = Column("worst ½h", ("worst_30_min_abandon_rate",), "highest abandon rate of any thirty minutes in a row")
OVER_CAP: Final = Column("over cap", ("over_cap_s",), "time with the abandon rate of the shift so far above the cap")
WAIT: Final = Column("wait p50/95", ("wait_p50_s", "wait_p95_s"), "from the answer to the agent, of calls that got one")
LINES: Final = Column("lines", ("most_lines",), "lines in use in the busiest minute")
ALL_CONNECTS: Final = Column("connects/h", ("connects_per_hour",), "talks per hour of all agents together", True)
PER_AGENT: Final = Column("per agent", ("connects_per_agent_hour",), "talks per agent and hour")
ALL_CALLS: Final = Column("calls/h", ("calls_per_hour",), "calls per hour of all agents together")

TABLES: Final[dict[str, tuple[Column, ...]]] = {
    "Agents": (UTILISATION, TALK, IDLE, CONNECTS, CALLS),
    "Callees": (ABANDONED, WORST, OVER_CAP, WAIT, LINES),
}
"""The two tables of a study by their titles."""

SWEPT: Final = (ALL_CONNECTS, PER_AGENT, UTILISATION, ABANDONED, WORST, LINES, ALL_CALLS)
"""The table of a sweep."""

INTERVAL: Final = ("±", "half of the 95 % interval of the mean over shifts (Student's t)")
AGAINST: Final = ("vs first", "difference on the same days, same callees, same talks; points for shares")


def text_of(name: str, value: Estimate, *, interval: bool = True, signed: bool = False) -> str:
    """A figure without its unit: `88.9 ±0.3`. `signed` is for differences."""
    text = _written(name, value.mean, value.mean)
    sign = "+" if signed and not text.startswith("-") else ""
    half = "" if value.half is None or not interval else f" ±{_written(name, value.half, value.mean)}"
    return sign + text + half


def _written(name: str, number: float, mean: float) -> str:
    """A number of a figure, with the decimals that fit its mean."""
    figure = FIGURES[name]
    if figure.unit is Unit.CLOCK:
        whole = round(abs(number))
        return f"{'-' if number < -0.5 else ''}{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    if figure.unit is not Unit.SHARE:
        return f"{round(number, figure.decimals) + 0.0:.{figure.decimals}f}"
    decimals = figure.decimals + (abs(mean) < 0.0995 and name != "utilisation")
    return f"{round(100 * number, decimals) + 0.0:.{decimals}f}"


def cell(column: Column, values: Mapping[str, Estimate], *, interval: bool = True, signed: bool = False) -> str:
    """A column's text: `88.9 ±0.3 %`, `12/45 s`. Differences (`signed`) have no unit: shares differ by points."""
    texts = [text_of(name, values[name], interval=interval, signed=signed) for name in column.figures]
    unit = "" if signed else UNIT_TEXTS.get(FIGURES[column.figures[0]].unit, "")
    between = " / " if interval or signed else "/"
    return between.join(texts) + unit
