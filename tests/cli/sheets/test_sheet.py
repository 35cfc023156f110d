"""CSV files as people export them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.cli.sheets.columns import BadSheet
from dialer.cli.sheets.sheet import Reading, Sheet, open_sheet, rows


def sheet(
    tmp_path: Path, content: bytes, mapping: dict[str, str] | None = None, reading: Reading | None = None
) -> Sheet:
    path = tmp_path / "leads.csv"
    path.write_bytes(content)
    return open_sheet(path, mapping or {}, reading or Reading())


TEXT = "phone,姓名\n13800001234,张三\n"


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("utf-8", "utf-8-sig"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030"), ("utf-16", "utf-16")],
)
def test_encodings_are_found_out(tmp_path: Path, encoding: str, found: str) -> None:
    """UTF-8 with and without a mark, GB18030 and UTF-16 all read the same."""
    opened = sheet(tmp_path, TEXT.encode(encoding))

    assert opened.encoding == found
    assert [column.name for column in opened.columns] == ["phone", "姓名"]
    assert [row.cells for row in rows(opened)] == [("13800001234", "张三")]


def test_a_late_character_decides(tmp_path: Path) -> None:
    """The whole file is looked at, not its beginning."""
    text = "phone,name\n" + "13800001234,abc\n" * 90_000 + "13800001234,张三\n"

    assert sheet(tmp_path, text.encode("gb18030")).encoding == "gb18030"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_out(tmp_path: Path, delimiter: str) -> None:
    """As the header has them."""
    opened = sheet(tmp_path, f'phone{delimiter}"my{delimiter}city"\n1{delimiter}Bonn\n'.encode())

    assert [column.name for column in opened.columns] == ["phone", f"my{delimiter}city".replace("\t", " ")]
    assert [row.cells for row in rows(opened)] == [("1", "Bonn")]


def test_columns_find_their_fields(tmp_path: Path) -> None:
    """By name whatever the case, by --map, and else into attrs; what a file of rejects added is left out."""
    opened = sheet(
        tmp_path, b"Phone,Lead ID,mobile,secret,city,rejected_row,rejected_why\n", {"mobile": "phone", "secret": "-"}
    )

    assert [column.field for column in opened.columns] == ["phone", "lead_id", "phone", "-", "attrs", "-", "-"]


@pytest.mark.parametrize(
    ("content", "mapping", "words"),
    [
        (b"", {}, "empty"),
        (b"\n\n", {}, "nothing in the file"),
        (b"\nphone\n1\n", {}, "first row is empty; .* --header-row 2"),
        (b"name,tel\n", {}, "--map tel=phone"),
        (b"who,where\nWang,13800138001\nLi,13800138002\n", {}, "--map where=phone"),
        ("手机 号码,姓名\n".encode(), {}, "there are: 手机 号码, 姓名"),
        (
            "联系电话,客户姓名,客户号\n".encode(),
            {},
            "--map 联系电话=phone --map 客户姓名=name --map 客户号=customer_id",
        ),
        (b"Handy Nr,x\n13800138001,y\n", {}, "--map 'Handy Nr=phone'"),
        (b"list of march\nphone,name\n1,a\n", {}, "row 2 looks like the header: try --header-row 2"),
        ("13800138001,王芳\n".encode(), {}, r"data, .*\\*8001.*--header-row 0 --map column_1=phone"),
        (b'"phone\n1\n', {}, "row 1, which must name the columns, cannot be read"),
        (b"phone\n", {"tel": "phone"}, "not there: tel; there are: phone"),
        (b"phone,name,Name\n", {}, "several columns fill name: name, Name"),
        (b"phone,city,city\n", {}, "the same name: city"),
        (b"phone,\xff\xff\n", {}, "choose by how it reads"),
        (("phone," + "x," * 300).encode(), {}, "at most 200"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_words(
    tmp_path: Path, content: bytes, mapping: dict[str, str], words: str
) -> None:
    """Each mistake is said so that it can be put right."""
    with pytest.raises(BadSheet, match=words.replace("(", r"\(")):
        sheet(tmp_path, content, mapping)


def test_no_clear_number_is_in_a_refusal(tmp_path: Path) -> None:
    """A first row of data is named masked."""
    with pytest.raises(BadSheet) as refused:
        sheet(tmp_path, "王芳,138 0013 8001\n李娜,13800138002\n".encode())

    assert "column 2" in str(refused.value)
    assert "8001" in str(refused.value)
    assert "0013" not in str(refused.value)


def test_the_hint_for_a_file_without_names_loses_nobody(tmp_path: Path) -> None:
    """Its first row is a lead, too."""
    opened = sheet(
        tmp_path, "13800138001,王芳\n13800138002,李娜\n".encode(), {"column_1": "phone"}, Reading(header_row=0)
    )

    assert [(row.number, row.cells[0]) for row in rows(opened)] == [(1, "13800138001"), (2, "13800138002")]


def test_cells_lose_what_marks_them_as_text(tmp_path: Path) -> None:
    """Apostrophes, formulas that are only quotes, and what cannot be seen around them; nothing else."""
    content = 'phone,a,b\n\'13800138001,"=""A-1""",\'n Sync\n\u202d13800138002\u202c,\u200bx\ufeff,=SUM(1)\n'

    assert [row.cells for row in rows(sheet(tmp_path, content.encode()))] == [
        ("13800138001", "A-1", "'n Sync"),
        ("13800138002", "x", "=SUM(1)"),
    ]


def test_rows_are_counted_as_a_spreadsheet_counts(tmp_path: Path) -> None:
    """The header is row 1; empty rows count but are left out; a cell may go over lines."""
    opened = sheet(tmp_path, b'phone,note\n1,a\n,\n2,"b\nc"\n3,d,too much\n4\n')

    assert [(row.number, row.cells, row.fault) for row in rows(opened)] == [
        (2, ("1", "a"), ""),
        (4, ("2", "b\nc"), ""),
        (5, ("3", "d", "too much"), "has 3 cells, the header has 2"),
        (6, ("4",), ""),
    ]


def test_progress_ends_at_the_size(tmp_path: Path) -> None:
    """The last report of progress is the whole file."""
    opened = sheet(tmp_path, b"phone\n" + b"13800001234\n" * 2000)
    seen: list[int] = []

    assert sum(1 for _ in rows(opened, seen.append)) == 2000
    assert seen == sorted(seen)
    assert seen[-1] == opened.size_bytes
