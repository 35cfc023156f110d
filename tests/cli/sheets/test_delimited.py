"""CSV of any kind, record by record."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.cli.sheets.delimited import MAX_LINE, Layout, Record, UnreadableLayout, find_layout, records


def layout(tmp_path: Path, text: str, given: str | None = None) -> Layout:
    path = tmp_path / "list.csv"
    path.write_text(text, newline="")
    return find_layout(path, "utf-8", given)


def read(text: str, delimiter: str = ",", width: int = 2) -> list[Record]:
    def is_row(cells: Sequence[str]) -> bool:
        return len(cells) == width and cells[0].isdecimal()

    return list(records(io.StringIO(text, newline=""), Layout(delimiter), is_row))


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("phone,name\n1,a\n", ","),
        ('"phone";"last name, first name"\n1;"Wang, Fang"\n', ";"),
        ("phone;note\n1;a, b, c, d\n2;e, f, g\n", ";"),
        ("phone\tname\n1\ta,b\n", "\t"),
        ("phone|name\n", "|"),
        ("phone\n1\n2\n", ","),
        ('phone;name\n1;"a\n2;b"\n3;c\n', ";"),
    ],
)
def test_what_separates_cells_is_found_out(tmp_path: Path, text: str, delimiter: str) -> None:
    """Not by what is inside quotes, and by more than the header."""
    assert layout(tmp_path, text).delimiter == delimiter


def test_a_first_line_may_say_it(tmp_path: Path) -> None:
    """As Excel does; it is no row of the table, but a row of the file."""
    said = layout(tmp_path, "sep=;\r\nphone;a,b,c,d\r\n")

    assert said == Layout(";", said_first=True)
    assert list(records(io.StringIO("sep=;\nphone;x\n", newline=""), said)) == [Record(2, ["phone", "x"])]


def test_the_user_may_say_it(tmp_path: Path) -> None:
    """By the character or its name; what is no character is refused."""
    assert layout(tmp_path, "phone^name\n", "^").delimiter == "^"
    assert layout(tmp_path, "phone,name\n", "tab").delimiter == "\t"
    assert layout(tmp_path, "sep=,\nphone;name\n", "semicolon") == Layout(";", said_first=True)
    with pytest.raises(UnreadableLayout, match="one character"):
        layout(tmp_path, "phone\n", "::")


def test_a_stray_quote_harms_its_own_line_only() -> None:
    """A quote that opens is not closed by one that opens in another row; a quote behind a closing one is named."""
    found = read('1,a\n2,"see 5\n3,c\n4,"d"\n5,e\n6,"x" y\n7,5" screen\n8,"no end\n')

    assert [(record.number, record.cells) for record in found if not record.fault] == [
        (1, ["1", "a"]),
        (3, ["3", "c"]),
        (4, ["4", "d"]),
        (5, ["5", "e"]),
        (7, ["7", '5" screen']),
    ]
    assert [record.number for record in found if record.fault] == [2, 6, 8]
    assert "opened and not closed" in found[1].fault


def test_two_stray_quotes_do_not_swallow_what_is_between_them() -> None:
    """Where the quotes would fit, rows between them show that they do not belong together."""
    found = read('1,"a\n2,b\n3,c\n4,d"\n5,e\n')

    assert [record.number for record in found if not record.fault] == [2, 3, 4, 5]
    assert [record.cells for record in found if record.number == 4] == [["4", 'd"']]


def test_a_quoted_cell_may_go_over_lines() -> None:
    """As a note does; it is one row, as a spreadsheet counts."""
    found = read('1,"a\r\nb ""c""\r\nd"\r\n2,e\r\n')

    assert found == [Record(1, ["1", 'a\r\nb "c"\r\nd']), Record(2, ["2", "e"])]


def test_a_line_without_end_is_named() -> None:
    """It is not kept in memory, and the next one is read."""
    found = read("1,a\n" + "x" * (3 * MAX_LINE) + "\n3,c\n")

    assert [record.number for record in found] == [1, 2, 3]
    assert "longer than" in found[1].fault
    assert found[2].cells == ["3", "c"]


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=4)
    )
)
def test_what_a_spreadsheet_writes_is_read_back(rows: list[list[str]]) -> None:
    """Whatever stands in the cells, commas, quotes and newlines included."""
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)

    assert [record.cells for record in records(io.StringIO(file.getvalue(), newline=""), Layout(","))] == rows
