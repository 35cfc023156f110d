"""What came of simulated shifts, as tables and as sentences. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Group, RenderableType
from rich.text import Text

from dialer.cli.base.figures import flowed
from dialer.cli.base.output import table
from dialer.operating.figures import BAD, GOOD, QUIET, WARN
from dialer.sim.study.figures import (
    ABANDONED,
    AGAINST,
    INTERVAL,
    LINES,
    OVER_CAP,
    SWEPT,
    TABLES,
    TALK,
    WORST,
    Column,
    cell,
)
from dialer.sim.study.scenario import assumptions
from dialer.sim.study.summary import sentences

if TYPE_CHECKING:
    from dialer.sim.study.scenario import Scenario
    from dialer.sim.study.summary import PolicySummary
    from dialer.sim.study.sweep import Step, Sweep

ONLY: Final = "-available-only"
ON_PAGES: Final = (TALK, LINES)
"""Columns that 80 characters have no room for."""


def tables(summaries: Sequence[PolicySummary], scenario: Scenario, width: int) -> RenderableType:
    """Two tables that fit 80 columns, what their words mean, what was assumed, and the verdict."""
    cap = scenario.dialling.max_abandon_rate
    parts: list[RenderableType] = []
    shown: list[Column] = []
    for title, columns in TABLES.items():
        own = [column for column in columns if column not in ON_PAGES]
        shown += own
        parts += [Text(title, "bold"), _table(summaries, own, cap), Text()]
    words = [
        f"{word}: {meaning}"
        for word, meaning in [*((column.head, column.meaning) for column in shown), INTERVAL, AGAINST]
    ]
    if any(ONLY in summary.policy for summary in summaries):
        words.append("*: counts available agents only")
    return Group(
        *parts,
        _flowed(words, width),
        Text(),
        Text("Assumptions", "bold"),
        _flowed([f"{what}: {value}" for what, value in assumptions(scenario)], width),
        Text(),
        *(Text(line) for line in sentences(summaries, scenario)),
    )


def _flowed(words: Iterable[str], width: int) -> RenderableType:
    return flowed([Text(word, QUIET) for word in words], min(width, 120))


def _table(summaries: Sequence[PolicySummary], columns: Sequence[Column], cap: float) -> RenderableType:
    heads = ["policy"]
    for column in columns:
        heads += [column.head, AGAINST[0]] if column.interval else [column.head]
    rows = []
    for summary in summaries:
        texts: list[Text | str] = [_short(summary.policy)]
        for column in columns:
            texts.append(Text(cell(column, summary.figures, interval=column.interval), _style(column, summary, cap)))
            if column.interval:
                texts.append(cell(column, summary.against_first, signed=True) if summary.against_first else "")
        rows.append(texts)
    return table(heads, rows, right=heads[1:])


def _style(column: Column, summary: PolicySummary, cap: float) -> str:
    if column is ABANDONED:
        return BAD if summary.figures["abandon_rate"].mean > cap else GOOD
    return WARN if column is OVER_CAP and summary.over_cap_shifts else ""


def _short(policy: str) -> str:
    return policy.replace(ONLY, "*")


# --- sweeps -------------------------------------------------------------------------------------------------------


def sweep_table(sweep: Sweep, steps: Sequence[Step], cap: float) -> RenderableType:
    """A row for each value and policy."""
    columns = [column for column in SWEPT if column is not WORST]
    heads = [sweep.name, "policy", *(column.head for column in columns)]
    rows: list[list[Text | str]] = []
    for step in steps:
        for place, summary in enumerate(step.summaries):
            texts = [
                Text(cell(column, summary.figures, interval=column is SWEPT[0]), _over(column, summary, cap))
                for column in columns
            ]
            rows.append([step.value if place == 0 else "", _short(summary.policy), *texts])
    return table(heads, rows, right=[head for head in heads if head != "policy"])


def _over(column: Column, summary: PolicySummary, cap: float) -> str:
    return BAD if column is ABANDONED and summary.figures["abandon_rate"].mean > cap else ""


def sweep_bars(
    sweep: Sweep, steps: Sequence[Step], wanted: float | None, width: int, bar: Callable[[float, int, str], Text]
) -> RenderableType:
    """Connects per hour as bars, a mark where the wanted number is."""
    names = [summary.policy for summary in steps[0].summaries]
    values = {
        (step.value, summary.policy): summary.figures["connects_per_hour"].mean
        for step in steps
        for summary in step.summaries
    }
    most = max([*values.values(), wanted or 0.0]) or 1.0
    label = max(len(step.value) for step in steps) + 1
    room = max(10, min(width, 100) - label - 8)
    aim = "" if wanted is None else f", ✓ from {wanted:g}"
    lines = [Text.assemble(("connects per hour", "bold"), f" by {sweep.name}{aim}")]
    for name in names:
        lines.append(Text(name, "cyan"))
        for step in steps:
            value = values[step.value, name]
            enough = wanted is not None and value >= wanted
            drawn = bar(value / most, room, GOOD if enough or wanted is None else WARN)
            lines.append(Text.assemble(f"{step.value:>{label}} ", drawn, f" {value:.0f}", " ✓" if enough else ""))
    return Group(*lines)
