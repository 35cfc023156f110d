"""A report as one page of HTML: charts, tables, and what the words mean. Pure."""

from __future__ import annotations

from html import escape
from typing import Final

from dialer.drawing.page import definitions, h2, legend, page, table, tiles
from dialer.drawing.svg import Axis, Chart, style_of
from dialer.language.translation import _, html_language
from dialer.reports.compose import Document, Section, Value
from dialer.reports.measures import Measure, Unit
from dialer.reports.written import NOTHING, key_written, written

OVER_TIME: Final = frozenset({"day", "hour"})
MOST_BARS: Final = 30
BAR_PX: Final = 22


def report_page(document: Document, version: str) -> str:
    """The whole page, as one file."""
    report = document.report
    return page(f"{report.called} {document.span}", report_body(document, version), language=html_language())


def report_body(document: Document, version: str) -> list[str]:
    """What stands in it."""
    report = document.report
    only = document.narrowed
    span = _("{span}, only {only}", span=document.span, only=only) if only else document.span
    made = _(
        "Made {made_at} by version {version}; days and hours of {zone}.",
        made_at=document.made_at,
        version=version,
        zone=document.time_zone,
    )
    return [
        f"<h1>{escape(report.called)}</h1>",
        f"<p>{escape(span)}</p>",
        f"<p class=quiet>{escape(made)}</p>",
        *(text for section in document.sections for text in _section(section)),
        h2(_("What the words mean")),
        definitions((measure.called, measure.explained) for measure in document.definitions),
    ]


def _section(section: Section) -> list[str]:
    title = h2(section.part.called)
    if not section.part.keys:
        (row,) = section.rows
        pairs = zip(section.measures, row, strict=True)
        return [title, tiles((one.called, written(one, value)) for one, value in pairs)]
    if not section.rows:
        return [title, f"<p class=quiet>{escape(_('Nothing was archived of these days.'))}</p>"]
    return [title, *_charts(section), _table(section)]


def _table(section: Section) -> str:
    keys = len(section.part.keys)
    rows = [([*_keys(section, row), *_values(section, row[keys:])], "") for row in section.rows]
    if section.total is not None and len(section.rows) > 1:
        rows.append(([_("total"), *[""] * (keys - 1), *_values(section, section.total[keys:])], "total"))
    return table(section.heads, rows)


def _keys(section: Section, row: tuple[Value, ...]) -> list[str]:
    return [key_written(key, value) for key, value in zip(section.part.keys, row, strict=False)]


def _values(section: Section, values: tuple[Value, ...]) -> list[str]:
    return [written(measure, value) for measure, value in zip(section.measures, values, strict=True)]


# --- charts -----------------------------------------------------------------------------------------------------------


def _charts(section: Section) -> list[str]:
    drawn = [measure for measure in section.measures if measure.name in section.part.chart]
    if not drawn or len(section.rows) < 2:
        return []
    if section.part.keys[0] in OVER_TIME:
        return [legend([one.called for one in drawn]), _lines(section, drawn)]
    return [_bars(section, measure) for measure in drawn]


def _column(section: Section, measure: Measure) -> list[float | None]:
    place = len(section.part.keys) + section.measures.index(measure)
    factor = 100.0 if measure.unit is Unit.SHARE else 1.0
    return [factor * value if isinstance(value := row[place], int | float) else None for row in section.rows]


def _lines(section: Section, measures: list[Measure]) -> str:
    """A line for each measure; the rows are days or hours, one after the other."""
    columns = [_column(section, measure) for measure in measures]
    names = [key_written(section.part.keys[0], row[0])[-5:] for row in section.rows]
    top = max((value for column in columns for value in column if value is not None), default=1.0)
    chart = Chart(
        Axis(0.0, len(names) - 1.0, names=names), Axis(0.0, 1.08 * top or 1.0), width=900, height=260, right=24
    )
    chart.frame()
    for number, (measure, column) in enumerate(zip(measures, columns, strict=True)):
        chart.line(measure.called, enumerate(column), style_of(number), dots=True)
    return chart.svg()


def _bars(section: Section, measure: Measure) -> str:
    """A bar for each row, the greatest first."""
    named = [
        (" / ".join(_keys(section, row)), value, text)
        for row, value, text in zip(section.rows, _column(section, measure), _texts(section, measure), strict=True)
        if value is not None
    ]
    rows = sorted(named, key=lambda row: -row[1])[:MOST_BARS]
    top = (
        100.0 if measure.unit is Unit.SHARE and max(row[1] for row in rows) > 50 else 1.1 * max(row[1] for row in rows)
    )
    left = 20 + 7 * min(24, max(len(name) for name, _, _ in rows))
    title = measure.called
    height = BAR_PX * len(rows) + 20
    chart = Chart(
        Axis(0.0, top or 1.0, title=title), Axis(0.0, 1.0), width=720, height=height, left=left, right=70, bottom=8
    )
    chart.bars([(name[:24], value, text) for name, value, text in rows], BAR_PX)
    return f"<p class=quiet>{escape(title)}</p><div class=bars>{chart.svg()}</div>"


def _texts(section: Section, measure: Measure) -> list[str]:
    place = len(section.part.keys) + section.measures.index(measure)
    return [written(measure, row[place]) if row[place] is not None else NOTHING for row in section.rows]
