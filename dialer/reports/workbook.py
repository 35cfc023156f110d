"""A report as a workbook: numbers are numbers, heads stay in view, and Chinese is shown by any office."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Final
from unicodedata import east_asian_width

import xlsxwriter

from dialer.language.translation import _
from dialer.reports.compose import Document, Section, Value
from dialer.reports.measures import Measure, Unit
from dialer.reports.written import key_written

FONT: Final = "Microsoft YaHei"
"""It has Chinese and Latin letters, and where it is missing Excel, WPS and LibreOffice take their own for Chinese."""

FORMATS: Final = {
    Unit.COUNT: "#,##0",
    Unit.SHARE: "0.0%",
    Unit.SECONDS: "#,##0.0",
    Unit.HOURS: "[h]:mm",
    Unit.NUMBER: "#,##0.0",
}
DAY_S: Final = 86_400.0
HEAD_ROW: Final = 2
MOST_WIDE: Final = 40


def write_workbook(document: Document, path: Path) -> None:
    """Write it. Raises `OSError`."""
    try:
        with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
            book.formats[0].set_font_name(FONT)
            book.set_properties({"title": f"{document.report.called} {document.span}"})
            _Sheets(book, document).write()
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(f"{path}: {error}") from error


class _Sheets:
    """A sheet for each table, and one for the definitions."""

    def __init__(self, book: Any, document: Document) -> None:
        self.book, self.document = book, document
        self.plain = book.add_format({"font_name": FONT})
        self.title = book.add_format({"font_name": FONT, "bold": True, "font_size": 14})
        self.head = book.add_format(
            {"font_name": FONT, "bold": True, "text_wrap": True, "bottom": 1, "align": "center", "valign": "vcenter"}
        )
        self.day = book.add_format({"font_name": FONT, "num_format": "yyyy-mm-dd", "align": "left"})
        self.numbers = {
            (unit, bold): book.add_format({"font_name": FONT, "num_format": text, "bold": bold, "top": int(bold)})
            for unit, text in FORMATS.items()
            for bold in (False, True)
        }
        self.total = book.add_format({"font_name": FONT, "bold": True, "top": 1})

    def write(self) -> None:
        for section in self.document.sections:
            self._section(section)
        self._definitions()

    def _sheet(self, name: str) -> Any:
        taken = {sheet.name.lower() for sheet in self.book.worksheets()}
        if name[:31].lower() in taken:  # a table that is grouped otherwise can be called like another
            name = f"{name[:27]} ({len(taken) + 1})"
        sheet = self.book.add_worksheet(name[:31])
        sheet.write_string(0, 0, self.document.report.called, self.title)
        sheet.write_string(1, 0, f"{self.document.span}, {self.document.time_zone}", self.plain)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        return sheet

    def _section(self, section: Section) -> None:
        sheet, keys = self._sheet(section.part.called), len(section.part.keys)
        for column, head in enumerate(section.heads):
            sheet.write_string(HEAD_ROW, column, head, self.head)
            widest = max([_width(head), *(len(str(row[column] or "")) for row in section.rows[:50])])
            sheet.set_column(column, column, min(MOST_WIDE, (widest if column < keys else min(widest, 14)) + 2))
        sheet.set_row(HEAD_ROW, 34)
        sheet.freeze_panes(HEAD_ROW + 1, keys)
        for number, row in enumerate(section.rows, HEAD_ROW + 1):
            for column, key in enumerate(section.part.keys):
                self._key(sheet, number, column, key, row[column])
            self._values(sheet, number, keys, section.measures, row[keys:], bold=False)
        last = HEAD_ROW + len(section.rows)
        if section.rows and keys:
            sheet.autofilter(HEAD_ROW, 0, last, len(section.heads) - 1)
        if section.total is not None:
            sheet.write_string(last + 1, 0, _("total"), self.total)
            for column in range(1, keys):
                sheet.write_blank(last + 1, column, None, self.total)
            self._values(sheet, last + 1, keys, section.measures, section.total[keys:], bold=True)

    def _key(self, sheet: Any, row: int, column: int, key: str, value: Value) -> None:
        if key == "day" and isinstance(value, str):
            sheet.write_datetime(row, column, date.fromisoformat(value), self.day)
        else:
            sheet.write_string(row, column, key_written(key, value), self.plain)

    def _values(
        self, sheet: Any, row: int, first: int, measures: tuple[Measure, ...], values: tuple[Value, ...], *, bold: bool
    ) -> None:
        for column, (measure, value) in enumerate(zip(measures, values, strict=True), first):
            cell = self.numbers[measure.unit, bold]
            if value is None or isinstance(value, str):
                sheet.write_blank(row, column, None, cell)
            else:
                sheet.write_number(row, column, value / DAY_S if measure.unit is Unit.HOURS else value, cell)

    def _definitions(self) -> None:
        sheet = self._sheet(_("Definitions"))
        for column, (head, width) in enumerate(((_("measure"), 22), (_("meaning"), 90))):
            sheet.write_string(HEAD_ROW, column, head, self.head)
            sheet.set_column(column, column, width)
        sheet.freeze_panes(HEAD_ROW + 1, 0)
        for row, measure in enumerate(self.document.definitions, HEAD_ROW + 1):
            for column, text in enumerate((measure.called, measure.explained)):
                sheet.write_string(row, column, text, self.plain)


def _width(text: str) -> int:
    """Columns that a text takes: a Chinese character takes two."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)
