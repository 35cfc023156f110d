"""Workbooks as rows of text."""

from __future__ import annotations

import datetime
from pathlib import Path

import openpyxl
import pytest
import xlwt

from dialer.cli.sheets.columns import BadSheet
from dialer.cli.sheets.sheet import Reading, open_sheet, rows
from dialer.cli.sheets.workbook import BadWorkbook, open_workbook, text_of

ROWS = [
    ["phone", "name", "customer_id", "since"],
    [13800138001, "王芳", "440106199001011234", datetime.datetime(2026, 3, 1, 9, 30)],
    [13800138002.0, "李娜", 440106199001011234, None],
    [None, None, None, None],
    ["138 0013 8003", "张伟", 17, None],
]


def xlsx(path: Path, sheets: dict[str, list[list[object]]], hidden: str = "") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, table in sheets.items():
        sheet = book.create_sheet(name)
        for row in table:
            sheet.append(row)
        sheet.sheet_state = "hidden" if name == hidden else "visible"
    book.save(path)
    return path


def xls(path: Path, table: list[list[object]]) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    style = xlwt.easyxf(num_format_str="YYYY-MM-DD hh:mm:ss")
    for y, row in enumerate(table):
        for x, cell in enumerate(row):
            if cell is not None:
                sheet.write(y, x, cell, *([style] if isinstance(cell, datetime.datetime) else []))
    book.save(str(path))
    return path


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_workbooks_read_as_their_csv_would(tmp_path: Path, kind: str) -> None:
    """Numbers without a point, times in ISO form, rows as the spreadsheet counts them; a long id that was kept as a
    number is seen to be rounded."""
    path = tmp_path / f"list.{kind}"
    path = xlsx(path, {"客户": ROWS}) if kind == "xlsx" else xls(path, ROWS)

    opened = open_sheet(path, {})

    assert opened.what.startswith("workbook, sheet ")
    assert [(row.number, row.cells) for row in rows(opened)] == [
        (2, ("13800138001", "王芳", "440106199001011234", "2026-03-01 09:30:00")),
        (3, ("13800138002", "李娜", "4.40106199001011E+17", "")),
        (5, ("138 0013 8003", "张伟", "17", "")),
    ]


def test_the_first_sheet_with_cells_that_can_be_seen_is_read(tmp_path: Path) -> None:
    """Another one is chosen by name or place; those that are not read are named."""
    table = [["phone"], ["13800138001"]]
    path = xlsx(tmp_path / "x.xlsx", {"secret": table, "empty": [], "march": table, "april": table}, hidden="secret")

    assert open_sheet(path, {}).what == "workbook, sheet march (not read: empty, april)"
    assert open_sheet(path, {}, Reading(sheet="april")).sheet == "april"
    assert open_sheet(path, {}, Reading(sheet="1")).sheet == "secret"
    with pytest.raises(BadSheet, match="there are secret, empty, march, april"):
        open_sheet(path, {}, Reading(sheet="may"))


def test_a_header_further_down_is_named_by_its_row(tmp_path: Path) -> None:
    """With the option that reads it."""
    path = xlsx(tmp_path / "x.xlsx", {"a": [["三月名单", None], ["手机", "姓名"], ["13800138001", "王芳"]]})

    with pytest.raises(BadSheet, match="--header-row 2"):
        open_sheet(path, {})
    with pytest.raises(BadSheet, match="--map 手机=phone --map 姓名=name"):
        open_sheet(path, {}, Reading(header_row=2))
    opened = open_sheet(path, {"手机": "phone"}, Reading(header_row=2))
    assert [(row.number, row.cells) for row in rows(opened)] == [(3, ("13800138001", "王芳"))]


def test_a_table_that_begins_further_right_and_down_keeps_its_row_numbers(tmp_path: Path) -> None:
    """As the spreadsheet shows them."""
    path = xlsx(tmp_path / "x.xlsx", {"a": [[], [], [None, "phone"], [None, "13800138001"]]})

    opened = open_sheet(path, {}, Reading(header_row=3))

    assert [(row.number, row.cells) for row in rows(opened)] == [(4, ("13800138001",))]


@pytest.mark.parametrize("content", [b"PK\x03\x04 no archive", b"\xd0\xcf\x11\xe0 no workbook"])
def test_what_is_no_workbook_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    """Whatever its first bytes promise."""
    path = tmp_path / "x.xlsx"
    path.write_bytes(content)

    with pytest.raises(BadWorkbook, match="cannot be read"):
        open_workbook(path, None)


def test_options_of_text_files_are_refused(tmp_path: Path) -> None:
    """And the other way round."""
    book, text = xlsx(tmp_path / "x.xlsx", {"a": [["phone"]]}), tmp_path / "x.csv"
    text.write_text("phone\n")

    with pytest.raises(BadSheet, match="--delimiter: only for text files"):
        open_sheet(book, {}, Reading(delimiter=";"))
    with pytest.raises(BadSheet, match="--sheet is for workbooks"):
        open_sheet(text, {}, Reading(sheet="a"))


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (True, "TRUE"),
        (1.5, "1.5"),
        (999_999_999_999_999.0, "999999999999999"),
        (1e15, "1.00000000000000E+15"),
        (datetime.date(2026, 3, 1), "2026-03-01"),
        ("", ""),
    ],
)
def test_cells_are_text(cell: object, text: str) -> None:
    """Of every type."""
    assert text_of(cell) == text
