"""A report on a terminal: tables that fit, and below them what the words mean."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.text import Text

from dialer.cli.base.output import console, left_out, page_width, table
from dialer.language.translation import _
from dialer.reports.compose import Document, Section, Value
from dialer.reports.written import key_written, written

GAP: Final = 2


def page(document: Document, width: int = 0) -> Iterator[RenderableType]:
    """The whole report, for so many columns; 0: those of the terminal."""
    yield Text.assemble((document.report.called, "bold"), f"  {document.span}")
    about, only = _("days and hours of {zone}", zone=document.time_zone), document.narrowed
    yield Text(_("{about}; only {only}", about=about, only=only) if only else about, "dim")
    for section in document.sections:
        yield ""
        if len(document.sections) > 1:
            yield Text(section.part.called, "bold")
        yield _facts(section) if not section.part.keys else _table(section, width or console().width)
    yield from definitions(document)


def as_text(document: Document, width: int = 120) -> str:
    """The same as a text."""
    screen = Console(width=width, file=io.StringIO(), highlight=False, emoji=False, markup=False)
    with screen.capture() as captured:
        for part in page(document, width):
            screen.print(part)
    return "\n".join(line.rstrip() for line in captured.get().split("\n"))


def definitions(document: Document) -> Iterator[RenderableType]:
    """What the words mean."""
    rows = [(Text(measure.called), Text(measure.explained, "dim")) for measure in document.definitions]
    yield table(("", ""), rows, whole=("",)) if page_width() >= 100 else table(("", ""), rows)


def _facts(section: Section) -> RenderableType:
    (row,) = section.rows
    pairs = zip(section.measures, row, strict=True)
    return table(
        ("", " "),
        [(Text(measure.called), written(measure, value)) for measure, value in pairs],
        right=(" ",),
    )


def _table(section: Section, width: int) -> RenderableType:
    """Where there is no room, the last columns go first, and are named below."""
    if not section.rows:
        return Text(_("nothing was archived of these days"), "dim")
    heads, total = list(section.heads), _("total")
    keys = len(section.part.keys)
    lines: list[list[str]] = []
    for row in section.rows:
        named = [key_written(key, value) for key, value in zip(section.part.keys, row, strict=False)]
        lines.append([*named, *_values(section, row[keys:])])
    if section.total is not None and len(section.rows) > 1:
        lines.append([total, *[""] * (keys - 1), *_values(section, section.total[keys:])])
    shown = _shown(heads, lines, keys + 3, width)
    rows = [[Text(cell, "bold" if line[0] == total else "") for cell in line[:shown]] for line in lines]
    drawn = table(heads[:shown], rows, right=heads[keys:shown])
    return Group(drawn, left_out(heads[shown:])) if heads[shown:] else drawn


def _shown(heads: list[str], lines: list[list[str]], least: int, width: int) -> int:
    """How many columns fit. Each cell is measured once: a floor's table has thousands."""
    used = 0
    for place, head in enumerate(heads):
        used += max(cell_len(text) for text in (head, *(line[place] for line in lines))) + GAP
        if used > width and place >= least:
            return place
    return len(heads)


def _values(section: Section, values: tuple[Value, ...]) -> list[str]:
    return [written(measure, value) for measure, value in zip(section.measures, values, strict=True)]
