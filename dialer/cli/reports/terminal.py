"""A report on a terminal: tables that fit, and below them what the words mean."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.text import Text

from dialer.cli.base.output import fitted, page_width, table
from dialer.cli.reports.written import key_written, written
from dialer.reports.compose import Document, Section, Value


def page(document: Document) -> Iterator[RenderableType]:
    """The whole report."""
    yield Text.assemble((f"{document.report.title} {document.report.chinese}", "bold"), f"  {document.span}")
    only = "; ".join(f"{key}: {', '.join(values)}" for key, values in document.only.items() if values)
    yield Text(f"days and hours of {document.time_zone}{f'; only {only}' if only else ''}", "dim")
    for section in document.sections:
        yield ""
        if len(document.sections) > 1:
            yield Text(f"{section.part.title} {section.part.chinese}".rstrip(), "bold")
        yield _facts(section) if not section.part.keys else _table(section)
    yield from definitions(document)


def as_text(document: Document, width: int = 120) -> str:
    """The same as a text."""
    screen = Console(width=width, file=io.StringIO(), highlight=False, emoji=False, markup=False)
    with screen.capture() as captured:
        for part in page(document):
            screen.print(part)
    return "\n".join(line.rstrip() for line in captured.get().split("\n"))


def definitions(document: Document) -> Iterator[RenderableType]:
    """What the words mean."""
    rows = [
        (Text.assemble(measure.head, (f" {measure.chinese}", "dim")), Text(measure.meaning, "dim"))
        for measure in document.definitions
    ]
    yield table(("", ""), rows, whole=("",)) if page_width() >= 100 else table(("", ""), rows)


def _facts(section: Section) -> RenderableType:
    (row,) = section.rows
    pairs = zip(section.measures, row, strict=True)
    return table(
        ("", " "),
        [
            (Text.assemble(measure.head, (f" {measure.chinese}", "dim")), written(measure, value))
            for measure, value in pairs
        ],
        right=(" ",),
    )


def _table(section: Section) -> RenderableType:
    """Where there is no room, the last columns go first, and are named below."""
    if not section.rows:
        return Text("nothing was archived of these days", "dim")
    heads = [english for english, _ in section.heads]
    keys = len(section.part.keys)
    lines: list[list[RenderableType]] = []
    for row in section.rows:
        named = [key_written(key, value) for key, value in zip(section.part.keys, row, strict=False)]
        lines.append([*named, *_values(section, row[keys:])])
    if section.total is not None and len(section.rows) > 1:
        total = ["total", *[""] * (keys - 1), *_values(section, section.total[keys:])]
        lines.append([Text(cell, "bold") for cell in total])
    return fitted(heads, lines, right=heads[keys:], optional=tuple(reversed(heads[keys + 3 :])))


def _values(section: Section, values: tuple[Value, ...]) -> list[str]:
    return [written(measure, value) for measure, value in zip(section.measures, values, strict=True)]
