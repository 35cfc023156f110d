"""What came out of a demo, drawn for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dialer.cli.base.figures import by_size, figure_text, flowed, labelled
from dialer.cli.live.campaign_panels import delays
from dialer.operating.figures import BAD, GOOD, QUIET, WARN, count, percent
from dialer.operating.glossary import UTILISATION
from dialer.operating.text import counted

if TYPE_CHECKING:
    from dialer.demo.books import Line
    from dialer.demo.summary import Summary

LABEL: Final = 14
"""Columns that the labels take."""


def drawn(summary: Summary, width: int) -> RenderableType:
    """The figures, then the books with a tick or a cross on each line, then the verdict."""
    room = width - LABEL
    figures = labelled(_figures(summary, room), LABEL)
    books = [_line(line, width) for line in summary.books]
    return Group(Text(" Summary", "bold"), figures, Text(), Text(" Books", "bold"), *books, Text(), *_verdict(summary))


def _figures(summary: Summary, room: int) -> list[tuple[str, Text]]:
    attempts = [
        Text.assemble((count(summary.attempts), "bold"), " calls tried"),
        Text.assemble((count(summary.live_answers), "bold"), " answered"),
    ]
    utilisation = [
        figure_text(UTILISATION, summary.utilisation).append(" while dialling"),
        Text.assemble((percent(summary.late_utilisation), "bold"), " in its second half"),
    ]
    rows = [
        ("attempts", flowed(attempts, room)),
        ("ended as", _by_size(summary.dispositions, room)),
        ("abandoned", _abandoned(summary)),
        ("delay", delays(summary.hand_over, summary.answer_to_agent, room) or Text("no call was answered", QUIET)),
        ("agents", flowed(utilisation, room)),
        ("outcomes", _by_size(summary.outcomes, room)),
        ("not called", _by_size(summary.refusals, room)),
        ("not taken in", _by_size(summary.rejections, room)),
    ]
    notes = _notes(summary)
    return [*rows, ("notes", flowed(notes, room))] if notes else rows


def _abandoned(summary: Summary) -> Text:
    style = BAD if summary.abandon_rate > summary.max_abandon_rate else GOOD
    return Text.assemble(
        (percent(summary.abandon_rate, 2), f"bold {style}"),
        f" of {100 * summary.max_abandon_rate:g} % allowed: ",
        f"{count(summary.abandoned)} of {count(summary.live_answers)} answered",
    )


def _by_size(counts: Mapping[str, int], room: int) -> Text:
    return flowed(by_size(counts) or [Text("none", QUIET)], room)


def _notes(summary: Summary) -> list[Text]:
    """What should not have happened, where it did."""
    wrong = [
        (summary.anomalies, "anomalies in the daemon, see its log"),
        (summary.late_decisions, "pacing decisions came too late; the progressive rule made them"),
        (summary.repeated_events, "events came twice and were taken once"),
        (len(summary.refused_requests), "requests of the CRM were refused"),
    ]
    notes = [Text(f"{count(number)} {text}", WARN) for number, text in wrong if number]
    return notes + [Text(text, QUIET) for text in summary.refused_requests[:3]]


def _line(line: Line, width: int) -> Table:
    """A tick or a cross, and the line, wrapped under itself."""
    mark, style = ("✓", GOOD) if line.balances else ("✗", f"bold {BAD}")
    row = Table.grid(padding=0, pad_edge=False)
    row.add_column(width=3, no_wrap=True)
    row.add_column(overflow="fold", max_width=width - 3)
    row.add_row(Text(f" {mark}", style), Text(line.text, "" if line.balances else BAD))
    return row


def _verdict(summary: Summary) -> list[Text]:
    wrong = sum(not line.balances for line in summary.books)
    lines = [Text(" The books balance.", f"bold {GOOD}")]
    if wrong:
        lines = [Text(f" The books do not balance: {wrong} of {counted(len(summary.books), 'line')}.", f"bold {BAD}")]
    if summary.folder:
        lines.append(Text(f" Settings, logs and data are kept in {summary.folder}"))
    return lines
