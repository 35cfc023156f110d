"""The index: what is listed is there, whatever was cut off, and what is deleted leaves no trace."""

from __future__ import annotations

import os
import stat
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.disk.recordings import index
from dialer.disk.recordings.index import Row
from tests.disk.recordings.made_talks import AT

DAY = date(2026, 3, 3)


def row(attempt: str = "a1", at: float = AT, **given: object) -> Row:
    """A row, with everything that has no default."""
    known = {"duration_s": 10.0, "sha256": "00" * 32, "size_bytes": 30_000, "file": f"{attempt}.opus"}
    return Row(attempt=attempt, at=at, **{**known, **given})


def made(folder: Path, given: Row) -> Row:
    """The row, with its file."""
    path = index.make_private(folder, given.day) / given.file
    path.write_bytes(b"audio")
    index.append(folder, given)
    return given


def test_what_is_appended_is_found(tmp_path: Path) -> None:
    """By day, by attempt; the later of two lines about one counts."""
    first, second = made(tmp_path, row("a1")), made(tmp_path, row("a2", AT + 86_400, agent="17"))
    again = made(tmp_path, row("a1", duration_s=11.0))
    assert index.days(tmp_path) == [DAY, date(2026, 3, 4)]
    assert list(index.all_rows(tmp_path)) == [again, second]
    assert index.find(tmp_path, "a1") == again != first
    assert index.find(tmp_path, "a3") is None
    assert stat.S_IMODE((index.day_folder(tmp_path, DAY) / "index.jsonl").stat().st_mode) == 0o600


@settings(max_examples=40)
@given(cut=st.integers(0, 400))
def test_a_line_cut_off_anywhere_costs_only_itself(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """After a power cut the next line is whole again."""
    folder = tmp_path_factory.mktemp("cut")
    index.append(folder, row("a1"))
    path = index.day_folder(folder, DAY) / "index.jsonl"
    whole = path.stat().st_size
    index.append(folder, row("a2"))
    os.truncate(path, min(whole + cut, path.stat().st_size))
    index.append(folder, row("a3"))
    found = [each.attempt for each in index.rows(folder, DAY)]
    assert found in (["a1", "a3"], ["a1", "a2", "a3"])


@pytest.mark.parametrize(
    "line",
    [b"nonsense", b"{}", b'{"attempt": "../x", "at": 1, "duration_s": 1, "sha256": "", "size_bytes": 1, "file": "x"}'],
)
def test_a_line_that_is_no_row_is_passed_over(tmp_path: Path, line: bytes) -> None:
    """A name that leads elsewhere is none of ours."""
    index.append(tmp_path, row())
    with (index.day_folder(tmp_path, DAY) / "index.jsonl").open("ab") as file:
        file.write(line + b"\n")
    assert [each.attempt for each in index.rows(tmp_path, DAY)] == ["a1"]


def test_a_file_outside_its_day_cannot_be_named(tmp_path: Path) -> None:
    """Whoever can write the index cannot have other files deleted by it."""
    index.append(tmp_path, row("a1", file="../../../x"))
    assert index.rows(tmp_path, DAY) == []


def test_what_is_removed_leaves_no_trace(tmp_path: Path) -> None:
    """Its file and every line about it go; of an empty day the folders, too."""
    for name in ("a1", "a2"):
        made(tmp_path, row(name, phone="+86138****8000"))
    assert index.remove(tmp_path, DAY, {"a1", "a9"}) == 1
    assert [each.attempt for each in index.rows(tmp_path, DAY)] == ["a2"]
    assert b"a1" not in (index.day_folder(tmp_path, DAY) / "index.jsonl").read_bytes()
    assert index.remove(tmp_path, DAY, {"a2"}) == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["index.lock"]
    assert index.remove(tmp_path, DAY, {"a2"}) == 0
