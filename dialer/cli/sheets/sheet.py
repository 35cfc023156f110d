"""A file of a list as people export it: CSV of any kind or a workbook; its columns, and its rows as cells."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from dialer.cli.sheets.cells import without_mark
from dialer.cli.sheets.columns import HEADER_WITHIN, BadSheet, Column, columns_of
from dialer.cli.sheets.delimited import Layout, UnreadableLayout, find_layout, records
from dialer.cli.sheets.encodings import SHOWN, UnknownEncoding, find_encoding
from dialer.cli.sheets.workbook import BadWorkbook, is_workbook, open_workbook
from dialer.language.translation import _

MAX_ROWS: Final = 2_000_000
_LEAST_DIGITS: Final = 7
_DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the user says about a file, where the program should not find it out. `header_row` is counted as a
    spreadsheet counts; 0: there is none."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a file looks like. `digest` names its content; `what` says for people how it was read. The data begins in
    the row behind `header_row`. `layout` is None for a workbook, `sheet` empty for a text file."""

    path: Path
    what: str
    size_bytes: int
    digest: str
    columns: tuple[Column, ...]
    header_row: int = 1
    encoding: str = ""
    layout: Layout | None = None
    sheet: str = ""


class Row(NamedTuple):
    """One row as a spreadsheet counts them: the first of the file is row 1. `fault` says why it could not be read."""

    number: int
    cells: tuple[str, ...]
    fault: str = ""


def open_sheet(path: Path, mapping: Mapping[str, str], reading: Reading = Reading()) -> Sheet:
    """Find out what a file is. `mapping` gives columns a field by their names. Raises `BadSheet`."""
    try:
        opened = _workbook(path, reading) if is_workbook(path) else _text(path, reading)
        first_rows = list(islice(_raw_rows(opened, lambda _: None), HEADER_WITHIN + (reading.header_row or 0)))
    except (UnknownEncoding, UnreadableLayout, BadWorkbook) as error:
        raise BadSheet(str(error)) from None
    if not first_rows:
        raise BadSheet(
            _("the file is empty") if not opened.size_bytes else _("there is nothing in the file but empty rows")
        )
    header_row, header, below = _header(opened, first_rows, reading.header_row)
    return Sheet(
        path,
        opened.what,
        opened.size_bytes,
        opened.digest,
        columns_of(header, mapping, {row.number: row.cells for row in below}),
        header_row,
        opened.encoding,
        opened.layout,
        opened.sheet,
    )


def _text(path: Path, reading: Reading) -> Sheet:
    if reading.sheet is not None:
        raise BadSheet(_("--sheet is for workbooks; this is a text file"))
    encoding = find_encoding(path, reading.encoding)
    layout = find_layout(path, encoding.name, reading.delimiter)
    shown = SHOWN.get(encoding.name, encoding.name.upper())
    what = f"{shown}, {_DELIMITERS.get(layout.delimiter, repr(layout.delimiter))}"
    return Sheet(path, what, encoding.size_bytes, encoding.digest, (), 0, encoding.name, layout)


def _workbook(path: Path, reading: Reading) -> Sheet:
    named = [f"--{name}" for name in ("encoding", "delimiter") if getattr(reading, name) is not None]
    if named:
        raise BadSheet(_("{names}: only for text files; this is a workbook", names=" and ".join(named)))
    book = open_workbook(path, reading.sheet)
    what = _("workbook, sheet {sheet}", sheet=book.sheet) + (
        _(" (not read: {names})", names=", ".join(book.others)) if book.others else ""
    )
    digest = hashlib.blake2b(book.sheet.encode(), digest_size=4)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return Sheet(path, what, path.stat().st_size, digest.hexdigest(), (), 0, sheet=book.sheet)


def _header(opened: Sheet, first_rows: Sequence[Row], asked: int | None) -> tuple[int, Sequence[str], Sequence[Row]]:
    """The row that names the columns, its cells, and some rows below; as many nameless columns where there is none."""
    if asked == 0:
        return 0, [""] * max(len(row.cells) for row in first_rows), first_rows
    if asked is None:
        header = first_rows[0]
        if header.number > 1 + (opened.layout is not None and opened.layout.said_first):
            raise BadSheet(
                _(
                    "the first row is empty; if row {number} names the columns: --header-row {number}",
                    number=header.number,
                )
            )
    else:
        header = next((row for row in first_rows if row.number == asked), Row(asked, ()))
        if not header.cells:
            raise BadSheet(_("--header-row {asked}: that row is empty, or not there", asked=asked))
    if header.fault:
        raise BadSheet(
            _(
                "row {number}, which must name the columns, cannot be read: {fault}",
                number=header.number,
                fault=header.fault,
            )
        )
    return header.number, header.cells, [row for row in first_rows if row.number > header.number]


def rows(sheet: Sheet, on_bytes: Callable[[int], None] = lambda _: None) -> Iterator[Row]:
    """The rows below the header; empty ones are left out. `on_bytes` is told how many bytes have been read.

    Raises `BadSheet` after `MAX_ROWS` rows.
    """
    width = len(sheet.columns)
    for row in _raw_rows(sheet, on_bytes):
        if row.number <= sheet.header_row:
            continue
        if row.number - sheet.header_row > MAX_ROWS:
            raise BadSheet(
                _(
                    "more than {most:,} rows; those were handled, put the others into another file",
                    most=MAX_ROWS,
                )
            )
        if len(row.cells) > width and any(row.cells[width:]):
            yield Row(
                row.number, row.cells, _("has {cells} cells, the header has {width}", cells=len(row.cells), width=width)
            )
        else:
            yield row
    on_bytes(sheet.size_bytes)


def _raw_rows(sheet: Sheet, on_bytes: Callable[[int], None]) -> Iterator[Row]:
    """Every row with something in it."""
    if sheet.layout is None:
        book = open_workbook(sheet.path, sheet.sheet)
        for number, cells in book.rows:
            if number % 500 == 0:
                on_bytes(sheet.size_bytes * number // max(number, book.height))
            if any(cells):
                yield Row(number, tuple([without_mark(cell) for cell in cells]))
        return
    phones = [place for place, column in enumerate(sheet.columns) if column.field in ("phone", "phones")]
    width = len(sheet.columns)

    def is_row(cells: Sequence[str]) -> bool:
        """Whether a line within quotes is a lead by itself: as many cells as the header, and a number among them."""
        return len(cells) == width and any(
            sum(char.isdecimal() for char in cells[place]) >= _LEAST_DIGITS for place in phones
        )

    with sheet.path.open("rb") as raw, io.TextIOWrapper(raw, encoding=sheet.encoding, newline="") as file:
        for record in records(file, sheet.layout, is_row):
            if record.number % 500 == 0:
                on_bytes(raw.tell())
            if record.fault:
                yield Row(record.number, (), _("cannot be read: {fault}", fault=record.fault))
            elif any(record.cells):
                own = tuple([without_mark(cell) for cell in record.cells])
                if any(own):
                    yield Row(record.number, own)
