"""The results of a study as one page of HTML: no script, nothing loaded, readable in light, in dark and on a phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from dialer.drawing.page import definitions, figure, h2, legend, listed, page, table
from dialer.drawing.svg import Axis, Chart, middles, style_of
from dialer.sim.study.figures import AGAINST, INTERVAL, SWEPT, TABLES, Column, Estimate, cell
from dialer.sim.study.scenario import Scenario, assumptions
from dialer.sim.study.summary import PolicySummary, sentences
from dialer.sim.study.sweep import Enough, Step, Sweep, enough_sentence

MOST_CAPS: Final = 4
"""Charts of the abandon rate end at so many caps; what is beyond would leave nothing to see of the rest."""

STATES: Final = {"talking": "talking", "wrapup": "wrap-up", "ready": "ready", "paused": "paused"}


@dataclass(frozen=True, slots=True)
class Made:
    """When and by which version a page was made."""

    date: str
    version: str


def study_page(title: str, scenario: Scenario, summaries: Sequence[PolicySummary], made: Made) -> str:
    """Tables and charts of one scenario."""
    cap = scenario.dialling.max_abandon_rate
    names = [summary.policy for summary in summaries]
    hours = Axis(0.0, scenario.hours, title="hours from the start of the shift")
    body = [
        *_head(title, sentences(summaries, scenario), scenario, made),
        *(part for title, columns in TABLES.items() for part in (h2(title), _table(summaries, columns, cap))),
        legend(names),
        "<div class=charts>",
        figure("Utilisation against abandonment", _trade_off(summaries, cap)),
        figure("Utilisation over the shift", _utilisation(summaries, hours)),
        figure("Abandon rate of the shift so far", _abandon_rate(summaries, hours, cap)),
        figure("Lines in use", _lines_in_use(summaries, hours)),
        f"</div>{h2('Agents by state')}",
        _state_legend(),
        "<div class=charts>",
        *(figure(summary.policy, _agents(summary, hours)) for summary in summaries),
        "</div>",
        _meanings([column for columns in TABLES.values() for column in columns]),
    ]
    return page(title, body)


def sweep_page(
    title: str, scenario: Scenario, sweep: Sweep, steps: Sequence[Step], wanted: float | None,
    enough: Sequence[Enough], made: Made,
) -> str:  # fmt: skip
    """Connects per hour, utilisation and abandonment by the swept value; `scenario` is that of the first one."""
    cap = scenario.dialling.max_abandon_rate
    names = [summary.policy for summary in steps[0].summaries]
    rows = [
        ([step.value, summary.policy, *_cells(SWEPT, summary.figures)], "")
        for step in steps
        for summary in step.summaries
    ]
    verdicts = [enough_sentence(sweep.name, answer, wanted or 0.0) for answer in enough]
    swept = f"{sweep.name} is swept: the assumptions are those of its first value, {steps[0].value}."
    body = [
        *_head(title, [*verdicts, swept], scenario, made),
        legend(names),
        "<div class=charts>",
        figure("Connects per hour", _swept(sweep, steps, "connects_per_hour", 1.0, wanted, "wanted")),
        figure("Utilisation", _swept(sweep, steps, "utilisation", 100.0)),
        figure("Abandon rate", _swept(sweep, steps, "abandon_rate", 100.0, 100 * cap, _cap(cap))),
        "</div>",
        table([sweep.name, "policy", *(column.head for column in SWEPT)], rows),
        _meanings(SWEPT),
    ]
    return page(title, body)


# --- tables -------------------------------------------------------------------------------------------------------


def _table(summaries: Sequence[PolicySummary], columns: Sequence[Column], cap: float) -> str:
    rows = []
    for summary in summaries:
        over = columns[0].figures == ("abandon_rate",) and summary.figures["abandon_rate"].mean > cap
        rows.append(([summary.policy, *_cells(columns, summary.figures)], "over" if over else ""))
        if summary.against_first:
            rows.append(([AGAINST[0], *_cells(columns, summary.against_first, signed=True)], "quiet"))
    return table(["policy", *(column.head for column in columns)], rows)


def _cells(columns: Sequence[Column], values: Mapping[str, Estimate], *, signed: bool = False) -> list[str]:
    return [cell(column, values, signed=signed) for column in columns]


# --- charts -------------------------------------------------------------------------------------------------------


def _cap(cap: float) -> str:
    return f"cap {100 * cap:g} %"


def _trade_off(summaries: Sequence[PolicySummary], cap: float) -> str:
    rates = [100 * summary.figures["abandon_rate"].mean for summary in summaries]
    most = min(max(1.15 * max(rates), 150 * cap), 100 * MOST_CAPS * cap)
    dots = [
        (
            summary.policy + (f" ({rate:.0f} %)" if rate > most else ""),
            (rate, 100 * summary.figures["utilisation"].mean),
            style_of(place),
        )
        for place, (summary, rate) in enumerate(zip(summaries, rates, strict=True))
    ]
    low = max(0.0, min(utilisation for _, (_, utilisation), _ in dots) - 5)
    chart = Chart(Axis(0.0, most, " %", "abandon rate"), Axis(low, 100.0, " %", "utilisation"))
    chart.frame()
    chart.limit_upright(100 * cap, _cap(cap))
    chart.labelled_dots(dots)
    return chart.svg()


def _over_time(
    summaries: Sequence[PolicySummary], x: Axis, y: Axis, values: Sequence[Sequence[float | None]], cap: float = 0.0
) -> str:
    chart = Chart(x, y)
    chart.frame()
    if cap:
        chart.limit_across(100 * cap, _cap(cap))
    for place, (summary, row) in enumerate(zip(summaries, values, strict=True)):
        chart.line(summary.policy, middles(x, row), style_of(place))
    return chart.svg()


def _utilisation(summaries: Sequence[PolicySummary], x: Axis) -> str:
    values = [[None if v is None else 100 * v for v in summary.series.utilisation] for summary in summaries]
    low = min((value for row in values for value in row if value is not None), default=0.0)
    return _over_time(summaries, x, Axis(max(0.0, low - 5), 100.0, " %", "utilisation"), values)


def _abandon_rate(summaries: Sequence[PolicySummary], x: Axis, cap: float) -> str:
    values = [[100 * v for v in summary.series.abandon_rate] for summary in summaries]
    settled = [value for row in values for value in row[len(row) // 8 :]]
    high = min(max(200 * cap, 1.1 * max(settled)), 100 * MOST_CAPS * cap)
    return _over_time(summaries, x, Axis(0.0, high, " %", "abandon rate"), values, cap)


def _lines_in_use(summaries: Sequence[PolicySummary], x: Axis) -> str:
    most = max(value for summary in summaries for value in summary.series.lines)
    y = Axis(0.0, 1.08 * most or 1.0, title="lines")
    return _over_time(summaries, x, y, [summary.series.lines for summary in summaries])


def _agents(summary: PolicySummary, x: Axis) -> str:
    below = [0.0] * len(summary.series.lines)
    layers = []
    for state in STATES:
        above = [low + value for low, value in zip(below, getattr(summary.series, state), strict=True)]
        layers.append((STATES[state], _points(x, above), _points(x, below)))
        below = above
    chart = Chart(x, Axis(0.0, max(below) or 1.0, title="agents"))
    for place, (name, upper, lower) in enumerate(layers):
        chart.area(name, upper, lower, f"s{place}")
    chart.frame()
    return chart.svg()


def _points(x: Axis, values: Sequence[float]) -> list[tuple[float, float]]:
    return [(at, value or 0.0) for at, value in middles(x, values)]


def _swept(
    sweep: Sweep, steps: Sequence[Step], figure: str, factor: float, limit: float | None = None, limit_name: str = ""
) -> str:
    """A line for each policy over the swept values, with a dashed one at `limit`."""
    values = [float(step.value) for step in steps]
    half = (values[-1] - values[0]) / max(len(values) - 1, 1) / 2 or 0.5
    names = [summary.policy for summary in steps[0].summaries]
    rows = [[factor * step.summaries[place].figures[figure].mean for step in steps] for place in range(len(names))]
    most = MOST_CAPS * (limit or 0.0) if figure == "abandon_rate" else float("inf")
    top = max([min(value, most) for row in rows for value in row] + [limit or 0.0])
    unit = " %" if factor > 1 else ""
    x = Axis(values[0] - half, values[-1] + half, title=sweep.name)
    chart = Chart(x, Axis(0.0, 1.08 * top or 1.0, unit, figure.replace("_", " ")))
    chart.frame()
    if limit is not None:
        chart.limit_across(limit, limit_name)
    for place, (name, row) in enumerate(zip(names, rows, strict=True)):
        chart.line(name, zip(values, row, strict=True), style_of(place), dots=True)
    return chart.svg()


# --- the page -----------------------------------------------------------------------------------------------------


def _head(title: str, texts: Sequence[str], scenario: Scenario, made: Made) -> list[str]:
    """The title, what came of it in words, and what was assumed."""
    what = f"Simulated on {made.date} by version {made.version}; nobody was called."
    return [
        f"<h1>{escape(title)}</h1><p class=quiet>{escape(what)}</p>",
        *(f"<p>{escape(text)}</p>" for text in texts),
        h2("Assumptions"),
        definitions(assumptions(scenario)),
    ]


def _state_legend() -> str:
    swatch = '<svg viewBox="0 0 30 10"><rect class="s{}" width="30" height="10"/></svg>'
    return listed(swatch.format(place) + word for place, word in enumerate(STATES.values()))


def _meanings(columns: Sequence[Column]) -> str:
    words = [*((column.head, column.meaning) for column in columns), INTERVAL, AGAINST]
    return h2("What the words mean") + definitions(words)
