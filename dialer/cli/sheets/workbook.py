"""Workbooks (XLSX, XLS, XLSB, ODS) as rows of text."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dialer.language.translation import _

MAGIC: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
MOST_BYTES: Final = 512 << 20
MOST_UNPACKED_BYTES: Final = 4 << 30
"""A workbook is held in memory: about so much of it unpacked is 2 million rows of a dozen cells."""

_EXACT: Final = 1e15
"""Spreadsheets keep 15 digits of a number; from here on they have rounded it."""


class BadWorkbook(ValueError):
    """A workbook that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class WorkbookRows:
    """The rows of one sheet of a workbook, `height` of them, each with its number as the spreadsheet counts. `others`
    are the sheets besides it."""

    sheet: str
    others: tuple[str, ...]
    height: int
    rows: Iterator[tuple[int, list[str]]]


def is_workbook(path: Path) -> bool:
    """Whether a file is one of a spreadsheet, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) in MAGIC


def open_workbook(path: Path, sheet: str | None) -> WorkbookRows:
    """Open a sheet by its name or its place (from 1), else the first that can be seen and has cells. Raises
    `BadWorkbook`."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

    _check_size(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        seen = [
            each.name
            for each in book.sheets_metadata
            if each.typ is SheetTypeEnum.WorkSheet and each.visible is SheetVisibleEnum.Visible
        ]
        name = _chosen(seen, book.sheet_names, sheet)
        chosen = book.get_sheet_by_name(name)
        if sheet is None:
            for name in seen:
                chosen = book.get_sheet_by_name(name)
                if chosen.height:
                    break
    except PasswordError:
        raise BadWorkbook(_("the workbook is protected by a password: save it without")) from None
    except CalamineError as error:
        raise BadWorkbook(_("the workbook cannot be read: {error}", error=str(error)[:200])) from None
    # Empty rows before the first with cells are iterated over as well, empty columns are not.
    rows = ((number, [text_of(cell) for cell in row]) for number, row in enumerate(chosen.iter_rows(), 1))
    others = tuple(each for each in seen if each != chosen.name)
    return WorkbookRows(chosen.name, others, chosen.total_height + 1, rows)


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise BadWorkbook(
            _(
                "the workbook has {size} MB, at most {most} are read: save it as CSV",
                size=size >> 20,
                most=MOST_BYTES >> 20,
            )
        )
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MOST_UNPACKED_BYTES:
        raise BadWorkbook(_("the workbook is too large when it is unpacked: save it as CSV"))


def _chosen(seen: Sequence[str], names: Sequence[str], asked: str | None) -> str:
    if not names:
        raise BadWorkbook(_("the workbook has no sheet"))
    if asked is None:
        return seen[0] if seen else names[0]
    if asked in names:
        return asked
    if asked.isdecimal() and 1 <= int(asked) <= len(names):
        return names[int(asked) - 1]
    raise BadWorkbook(_("--sheet {asked}: there are {names}", asked=asked, names=", ".join(names)))


def text_of(cell: Any) -> str:
    """A cell as text: whole numbers without a point, times as ISO 8601. A number that the spreadsheet has rounded looks
    shortened, as in a CSV file of the same sheet, and is refused as such where digits matter."""
    match cell:
        case str():
            return cell
        case bool():
            return "TRUE" if cell else "FALSE"
        case int() | float() if abs(cell) >= _EXACT:
            return f"{cell:.14E}"
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime.datetime():
            return cell.isoformat(" ")
        case None:
            return ""
        case _:
            return str(cell)
