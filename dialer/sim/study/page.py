"""The results of a study as one page of HTML: no script, nothing loaded, readable in light, in dark and on a phone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from dialer.sim.study.figures import AGAINST, INTERVAL, SWEPT, TABLES, Column, Estimate, cell
from dialer.sim.study.scenario import Scenario, assumptions
from dialer.sim.study.summary import PolicySummary, sentences
from dialer.sim.study.svg import COLOURS, Axis, Chart, middles, style_of
from dialer.sim.study.sweep import Enough, Step, Sweep, enough_sentence

MOST_CAPS: Final = 4
"""Charts of the abandon rate end at so many caps; what is beyond would leave nothing to see of the rest."""

STATES: Final = {"talking": "talking", "wrapup": "wrap-up", "ready": "ready", "paused": "paused"}
_LIGHT: Final = ("#1f6fd6", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#0e7490", "#be185d", "#475569")
_DARK: Final = ("#7cb3ff", "#ff9e6b", "#6fdc8c", "#cfa2ff", "#f2cc60", "#5fd4e6", "#ff8fc0", "#b6c2d1")
_STATES_LIGHT: Final = ("#15803d", "#d9a514", "#a9c8ef", "#d4d4d8")
_STATES_DARK: Final = ("#3fae63", "#b98900", "#3c6296", "#4b4b52")

_STYLE: Final = """
:root{color-scheme:light dark;--back:#fff;--text:#1b1f24;--quiet:#5b6470;--grid:#e3e6ea;--bad:#b42318;LIGHT}
@media (prefers-color-scheme:dark){
:root{--back:#14171a;--text:#e6e9ec;--quiet:#9aa4af;--grid:#2c3238;--bad:#ff8a80;DARK}}
body{background:var(--back);color:var(--text);font:15px/1.5 system-ui,sans-serif}
body{max-width:76rem;margin:2rem auto;padding:0 1rem;overflow-wrap:break-word}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:1.8rem 0 .4rem}p{margin:.3rem 0}.quiet{color:var(--quiet)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .8rem .25rem 0;text-align:right;white-space:nowrap;border-bottom:1px solid var(--grid)}
th{font-weight:600;color:var(--quiet)}th:first-child,td:first-child{text-align:left}.bad{color:var(--bad);font-weight:600}
tr.quiet td:first-child{padding-left:1rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(30rem,100%),1fr));gap:0 2rem}
svg{width:100%;height:auto;display:block}
svg text{fill:var(--quiet);font:12px system-ui,sans-serif}svg .name{fill:var(--text)}
.grid{stroke:var(--grid)}.line{fill:none;stroke-width:2}.dot{stroke:none}.limit{stroke:var(--bad);stroke-dasharray:5 4}
svg .limit-name{fill:var(--bad)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.3rem 0;padding:0;list-style:none}
.legend svg{width:1.8rem;height:.8rem;display:inline-block;margin-right:.4rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.3rem 0}dt{font-weight:600}dd{margin:0}
.line.d1{stroke-dasharray:7 4}.line.d2{stroke-dasharray:2 4}
@media (max-width:48rem){
table,tbody,tr,td{display:block}tr:first-child{display:none}tr{border-bottom:1px solid var(--grid);padding:.4rem 0}
td{display:flex;justify-content:space-between;border:0;padding:.05rem 0;white-space:normal}
td::before{content:attr(data-head);color:var(--quiet)}td:first-child{font-weight:600}td:first-child::before{content:none}
svg text{font-size:14px}dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}
"""


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
        *(part for title, columns in TABLES.items() for part in (_h2(title), _table(summaries, columns, cap))),
        _legend(names),
        "<div class=charts>",
        _figure("Utilisation against abandonment", _trade_off(summaries, cap)),
        _figure("Utilisation over the shift", _utilisation(summaries, hours)),
        _figure("Abandon rate of the shift so far", _abandon_rate(summaries, hours, cap)),
        _figure("Lines in use", _lines_in_use(summaries, hours)),
        f"</div>{_h2('Agents by state')}",
        _state_legend(),
        "<div class=charts>",
        *(_figure(summary.policy, _agents(summary, hours)) for summary in summaries),
        "</div>",
        _meanings([column for columns in TABLES.values() for column in columns]),
    ]
    return _page(title, body)


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
        _legend(names),
        "<div class=charts>",
        _figure("Connects per hour", _swept(sweep, steps, "connects_per_hour", 1.0, wanted, "wanted")),
        _figure("Utilisation", _swept(sweep, steps, "utilisation", 100.0)),
        _figure("Abandon rate", _swept(sweep, steps, "abandon_rate", 100.0, 100 * cap, _cap(cap))),
        "</div>",
        _rows([sweep.name, "policy", *(column.head for column in SWEPT)], rows),
        _meanings(SWEPT),
    ]
    return _page(title, body)


# --- tables -------------------------------------------------------------------------------------------------------


def _table(summaries: Sequence[PolicySummary], columns: Sequence[Column], cap: float) -> str:
    rows = []
    for summary in summaries:
        over = columns[0].figures == ("abandon_rate",) and summary.figures["abandon_rate"].mean > cap
        rows.append(([summary.policy, *_cells(columns, summary.figures)], "over" if over else ""))
        if summary.against_first:
            rows.append(([AGAINST[0], *_cells(columns, summary.against_first, signed=True)], "quiet"))
    return _rows(["policy", *(column.head for column in columns)], rows)


def _cells(columns: Sequence[Column], values: Mapping[str, Estimate], *, signed: bool = False) -> list[str]:
    return [cell(column, values, signed=signed) for column in columns]


def _rows(heads: Sequence[str], rows: Iterable[tuple[Sequence[str], str]]) -> str:
    """A table. Each cell knows its head, for where a row is shown as a list; `over` marks the first figure."""
    lines = []
    for cells, kind in rows:
        bad = {1: " class=bad"} if kind == "over" else {}
        texts = (
            f'<td data-head="{escape(head)}"{bad.get(place, "")}>{escape(text)}</td>'
            for place, (head, text) in enumerate(zip(heads, cells, strict=True))
        )
        lines.append(f"<tr{' class=quiet' if kind == 'quiet' else ''}>{''.join(texts)}</tr>")
    first = "".join(f"<th>{escape(head)}</th>" for head in heads)
    return f"<div class=wide><table><tr>{first}</tr>{''.join(lines)}</table></div>"


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
        _h2("Assumptions"),
        _definitions(assumptions(scenario)),
    ]


def _h2(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _figure(title: str, chart: str) -> str:
    return f"<section>{_h2(title)}{chart}</section>"


def _legend(names: Sequence[str]) -> str:
    swatch = '<svg viewBox="0 0 30 10"><line class="line {}" x1="0" x2="30" y1="5" y2="5"/></svg>'
    return _list(swatch.format(style_of(place)) + escape(name) for place, name in enumerate(names))


def _state_legend() -> str:
    swatch = '<svg viewBox="0 0 30 10"><rect class="s{}" width="30" height="10"/></svg>'
    return _list(swatch.format(place) + word for place, word in enumerate(STATES.values()))


def _list(items: Iterable[str]) -> str:
    return f"<ul class=legend>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _meanings(columns: Sequence[Column]) -> str:
    words = [*((column.head, column.meaning) for column in columns), INTERVAL, AGAINST]
    return _h2("What the words mean") + _definitions(words)


def _definitions(rows: Iterable[tuple[str, str]]) -> str:
    items = "".join(f"<dt>{escape(word)}</dt><dd>{escape(meaning)}</dd>" for word, meaning in rows)
    return f"<dl class=quiet>{items}</dl>"


def _page(title: str, body: Sequence[str]) -> str:
    style = _STYLE.replace("LIGHT", _variables(_LIGHT, _STATES_LIGHT)).replace("DARK", _variables(_DARK, _STATES_DARK))
    style += "".join(f".line.c{n}{{stroke:var(--c{n})}}.dot.c{n}{{fill:var(--c{n})}}" for n in range(COLOURS))
    style += "".join(f".s{n}{{fill:var(--s{n})}}" for n in range(len(STATES)))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _variables(colours: Sequence[str], states: Sequence[str]) -> str:
    pairs = [f"--c{place}:{colour}" for place, colour in enumerate(colours)]
    return ";".join(pairs + [f"--s{place}:{colour}" for place, colour in enumerate(states)])
