"""The results of a study as one page of HTML: no script, nothing loaded, readable in light and in dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from dialer.sim.study.scenario import Scenario
from dialer.sim.study.summary import Estimate, PolicySummary, sentences
from dialer.sim.study.svg import COLOURS, Axis, Line, lines_chart, points_chart, stack_chart, style_of
from dialer.sim.study.sweep import Enough, Step, Sweep, enough_sentence

_Columns = Sequence[tuple[str, str, str]]
"""Figures of a table: (name, head, how it is shown)."""

MOST_CAPS: Final = 4
"""Charts of the abandon rate end at so many caps; what is beyond would leave nothing to see of the rest."""

STATES: Final = ("talking", "wrapup", "ready", "paused")
STATE_WORDS: Final = {"talking": "talking", "wrapup": "wrap-up", "ready": "ready", "paused": "paused"}
_LIGHT: Final = ("#1f6fd6", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#0e7490", "#be185d", "#475569")
_DARK: Final = ("#7cb3ff", "#ff9e6b", "#6fdc8c", "#cfa2ff", "#f2cc60", "#5fd4e6", "#ff8fc0", "#b6c2d1")
_STATES_LIGHT: Final = ("#15803d", "#d9a514", "#a9c8ef", "#d4d4d8")
_STATES_DARK: Final = ("#3fae63", "#b98900", "#3c6296", "#4b4b52")

_STYLE: Final = """
:root{color-scheme:light dark;--back:#fff;--text:#1b1f24;--quiet:#5b6470;--grid:#e3e6ea;--bad:#b42318;LIGHT}
@media (prefers-color-scheme:dark){
:root{--back:#14171a;--text:#e6e9ec;--quiet:#9aa4af;--grid:#2c3238;--bad:#ff8a80;DARK}}
body{background:var(--back);color:var(--text);font:15px/1.5 system-ui,sans-serif}
body{max-width:76rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:1.8rem 0 .4rem}p{margin:.3rem 0}.quiet{color:var(--quiet)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .8rem .25rem 0;text-align:right;white-space:nowrap;border-bottom:1px solid var(--grid)}
th{font-weight:600;color:var(--quiet)}th:first-child,td:first-child{text-align:left}.bad{color:var(--bad);font-weight:600}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(30rem,100%),1fr));gap:0 2rem}
svg{width:100%;height:auto;display:block}
svg text{fill:var(--quiet);font:12px system-ui,sans-serif}svg .name{fill:var(--text)}
.grid{stroke:var(--grid)}.line{fill:none;stroke-width:2}.dot{stroke:none}.limit{stroke:var(--bad);stroke-dasharray:5 4}
svg .limit-name{fill:var(--bad)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.3rem 0;padding:0;list-style:none}
.legend svg{width:1.8rem;height:.8rem;display:inline-block;margin-right:.4rem}
dt{font-weight:600;margin-top:.4rem}dd{margin:0}
.line.d1{stroke-dasharray:7 4}.line.d2{stroke-dasharray:2 4}
"""

_AGENTS: Final = (
    ("utilisation", "utilisation", "rate"),
    ("talk_min_per_hour", "talk min/h", "1"),
    ("idle_p50_s", "idle p50", "s0"),
    ("idle_p95_s", "idle p95", "s0"),
    ("connects_per_agent_hour", "connects per agent-hour", "1"),
    ("calls_per_agent_hour", "calls per agent-hour", "1"),
)
_CALLEES: Final = (
    ("abandon_rate", "abandoned", "rate"),
    ("worst_30_min_abandon_rate", "worst 30 min", "rate"),
    ("over_cap_s", "over the cap", "s0"),
    ("wait_p50_s", "wait p50", "s2"),
    ("wait_p95_s", "wait p95", "s2"),
    ("most_lines", "most lines", "1"),
)
_SWEPT: Final = (
    ("connects_per_hour", "connects/h", "1"),
    ("connects_per_agent_hour", "per agent-hour", "1"),
    ("utilisation", "utilisation", "rate"),
    ("abandon_rate", "abandoned", "rate"),
    ("worst_30_min_abandon_rate", "worst 30 min", "rate"),
    ("most_lines", "most lines", "1"),
)

_MEANINGS: Final = (
    ("utilisation", "(talk + wrap-up) / (logged in - paused)"),
    ("idle", "from the moment an agent is ready until the next talk begins: median and 95th percentile"),
    ("abandoned", "answered, and no agent on the line within the limit, by all answered calls"),
    ("worst 30 min", "the highest abandon rate of any thirty minutes in a row"),
    ("over the cap", "time in which the abandon rate of the shift so far was above the cap"),
    ("wait", "from the answer until callee and agent hear each other, of calls that got an agent"),
    ("±", "half of the 95 % interval of the mean over shifts (Student's t)"),
    ("against the first", "difference on the same days: same callees, same talk times; in percentage points for rates"),
)


def study_page(title: str, scenario: Scenario, summaries: Sequence[PolicySummary]) -> str:
    """Table and charts of one scenario."""
    cap = scenario.dialling.max_abandon_rate
    head = (
        f"{scenario.seeds} shifts of {scenario.hours:g} h for each policy, {scenario.agents.count} agents, "
        f"cap {100 * cap:g} %. Simulated; nobody was called."
    )
    names = [one.policy for one in summaries]
    body = [
        f"<h1>{escape(title)}</h1><p class=quiet>{escape(head)}</p>",
        *(f"<p>{escape(sentence)}</p>" for sentence in sentences(summaries, scenario)),
        "<h2>Agents</h2>",
        _table(summaries, _AGENTS, cap),
        "<h2>Callees</h2>",
        _table(summaries, _CALLEES, cap),
        _legend(names),
        "<div class=charts>",
        _figure("Utilisation against abandonment", _trade_off(summaries, cap)),
        _figure("Utilisation over the shift", _utilisation(summaries, scenario.hours)),
        _figure("Abandon rate of the shift so far", _abandon(summaries, scenario.hours, cap)),
        _figure("Lines in use", _lines(summaries, scenario.hours)),
        "</div><h2>Agents by state</h2>",
        _state_legend(),
        "<div class=charts>",
        *(_figure(one.policy, _agents(one, scenario.hours)) for one in summaries),
        "</div>",
        _meanings(),
    ]
    return _page(title, body)


def sweep_page(
    title: str, sweep: Sweep, steps: Sequence[Step], wanted: float | None, found: Sequence[Enough], cap: float
) -> str:
    """Connects per hour, utilisation and abandonment by the swept value."""
    names = [one.policy for one in steps[0].summaries]
    values = [float(step.value) for step in steps]
    half = (values[-1] - values[0]) / max(len(values) - 1, 1) / 2 or 0.5
    x = Axis(values[0] - half, values[-1] + half, "", sweep.name)
    charts = []
    for figure, words, factor, unit in (
        ("connects_per_hour", "connects per hour", 1.0, ""),
        ("utilisation", "utilisation", 100.0, " %"),
        ("abandon_rate", "abandon rate", 100.0, " %"),
    ):
        lines = [
            Line(name, [factor * step.summaries[place].figures[figure].mean for step in steps], place, values)
            for place, name in enumerate(names)
        ]
        limit = {"connects_per_hour": wanted, "abandon_rate": 100 * cap}.get(figure)
        most = 100 * MOST_CAPS * cap if figure == "abandon_rate" else float("inf")
        top = max([min(value, most) for line in lines for value in line.values if value is not None] + [limit or 0.0])
        y = Axis(0.0, 1.08 * top or 1.0, unit, words)
        name = "wanted" if figure == "connects_per_hour" else f"cap {100 * cap:g} %"
        charts.append(_figure(words.capitalize(), lines_chart(lines, x, y, limit=limit, limit_name=name)))
    rows = "".join(
        f"<tr><td>{escape(step.value)}</td><td>{escape(one.policy)}</td>"
        + "".join(f"<td>{_shown(one.figures[name], kind)}</td>" for name, _, kind in _SWEPT)
        + "</tr>"
        for step in steps
        for one in step.summaries
    )
    heads = "".join(f"<th>{escape(words)}</th>" for _, words, _ in _SWEPT)
    verdicts = "".join(f"<p>{escape(enough_sentence(sweep.name, one, wanted or 0.0))}</p>" for one in found)
    table = f"<div class=wide><table><tr><th>{escape(sweep.name)}</th><th>policy</th>{heads}</tr>{rows}</table></div>"
    body = [
        f"<h1>{escape(title)}</h1>",
        verdicts,
        _legend(names),
        "<div class=charts>",
        *charts,
        "</div>",
        table,
        _meanings(),
    ]
    return _page(title, body)


def _table(summaries: Sequence[PolicySummary], columns: _Columns, cap: float) -> str:
    heads = "".join(f"<th>{escape(words)}</th>" for _, words, _ in columns)
    rows = []
    for one in summaries:
        cells = []
        for name, _, kind in columns:
            bad = " class=bad" if name == "abandon_rate" and one.figures[name].mean > cap else ""
            cells.append(f"<td{bad}>{_shown(one.figures[name], kind)}</td>")
        rows.append(f"<tr><td>{escape(one.policy)}</td>{''.join(cells)}</tr>")
        if one.against_first:
            cells = [f"<td>{_shown(one.against_first[name], kind, signed=True)}</td>" for name, _, kind in columns]
            rows.append(f"<tr class=quiet><td>&nbsp;&nbsp;against the first</td>{''.join(cells)}</tr>")
    return f"<div class=wide><table><tr><th>policy</th>{heads}</tr>{''.join(rows)}</table></div>"


def _shown(value: Estimate, kind: str, *, signed: bool = False) -> str:
    factor, digits, unit = {"rate": (100.0, 2, " %"), "1": (1.0, 1, ""), "s0": (1.0, 0, " s"), "s2": (1.0, 2, " s")}[
        kind
    ]
    unit = "" if signed else unit
    half = "" if value.half is None else f" ±{factor * value.half:.{digits}f}"
    return f"{factor * value.mean:{'+' if signed else ''}.{digits}f}{half}{unit}"


# --- charts -------------------------------------------------------------------------------------------------------


def _hours(hours: float) -> Axis:
    return Axis(0.0, hours, "", "hours from the start of the shift")


def _trade_off(summaries: Sequence[PolicySummary], cap: float) -> str:
    rates = [100 * one.figures["abandon_rate"].mean for one in summaries]
    across = min(max(1.15 * max(rates), 150 * cap), 100 * MOST_CAPS * cap)
    points = [
        (one.policy + (f" ({lost:.0f} %)" if lost > across else ""), lost, 100 * one.figures["utilisation"].mean, place)
        for place, (one, lost) in enumerate(zip(summaries, rates, strict=True))
    ]
    low = max(0.0, min(point[2] for point in points) - 5)
    x, y = Axis(0.0, across, " %", "abandon rate"), Axis(low, 100.0, " %", "utilisation")
    return points_chart(points, x, y, 100 * cap, f"cap {100 * cap:g} %")


def _utilisation(summaries: Sequence[PolicySummary], hours: float) -> str:
    lines = [
        Line(one.policy, [None if v is None else 100 * v for v in one.series.utilisation], place)
        for place, one in enumerate(summaries)
    ]
    low = min((value for line in lines for value in line.values if value is not None), default=0.0)
    return lines_chart(lines, _hours(hours), Axis(max(0.0, low - 5), 100.0, " %", "utilisation"))


def _abandon(summaries: Sequence[PolicySummary], hours: float, cap: float) -> str:
    lines = [Line(one.policy, [100 * v for v in one.series.abandon_rate], p) for p, one in enumerate(summaries)]
    settled = [value or 0.0 for line in lines for value in line.values[len(line.values) // 8 :]]
    high = min(max(200 * cap, 1.1 * max(settled)), 100 * MOST_CAPS * cap)
    axis = Axis(0.0, high, " %", "abandon rate")
    return lines_chart(lines, _hours(hours), axis, limit=100 * cap, limit_name=f"cap {100 * cap:g} %")


def _lines(summaries: Sequence[PolicySummary], hours: float) -> str:
    lines = [Line(one.policy, one.series.lines, place) for place, one in enumerate(summaries)]
    most = max(value or 0.0 for line in lines for value in line.values)
    return lines_chart(lines, _hours(hours), Axis(0.0, 1.08 * most or 1.0, "", "lines"))


def _agents(one: PolicySummary, hours: float) -> str:
    layers = [(STATE_WORDS[state], getattr(one.series, state)) for state in STATES]
    most = max(sum(values[place] for _, values in layers) for place in range(len(one.series.lines)))
    return stack_chart(layers, _hours(hours), Axis(0.0, most or 1.0, "", "agents"))


# --- the page -----------------------------------------------------------------------------------------------------


def _figure(title: str, chart: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{chart}</section>"


def _legend(names: Sequence[str]) -> str:
    swatch = '<svg viewBox="0 0 30 10"><line class="line {}" x1="0" x2="30" y1="5" y2="5"/></svg>'
    items = "".join(f"<li>{swatch.format(style_of(place))}{escape(name)}</li>" for place, name in enumerate(names))
    return f"<ul class=legend>{items}</ul>"


def _state_legend() -> str:
    swatch = '<svg viewBox="0 0 30 10"><rect class="s{}" width="30" height="10"/></svg>'
    items = "".join(f"<li>{swatch.format(place)}{STATE_WORDS[state]}</li>" for place, state in enumerate(STATES))
    return f"<ul class=legend>{items}</ul>"


def _meanings() -> str:
    items = "".join(f"<dt>{escape(word)}</dt><dd>{escape(meaning)}</dd>" for word, meaning in _MEANINGS)
    return f"<h2>What the words mean</h2><dl class=quiet>{items}</dl>"


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
