"""The journal: what was told can be told again, whatever cut it off."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dialer.disk import journal as module
from dialer.disk.journal import Confirmed, Journal, Row, confirmation

BEGUN = 1_772_500_000.0


def at(tick: int) -> Row:
    return confirmation(Confirmed("a1", 1, "s1", tick, BEGUN + tick))


def told(journal: Journal, since: int) -> list[object]:
    return [row.data for row in journal.since(since) if row.kind == "end"]


def test_rows_since_a_tick_come_back_in_order_after_a_restart(tmp_path: Path) -> None:
    """And the marker that was confirmed last, also where the machine died while a row was being written."""
    first = Journal(tmp_path)
    assert first.confirmed is None
    first.append([Row("end", 0), at(1), Row("end", 1)])
    first.append([at(2), Row("end", 2)])
    first.close()
    path = next(tmp_path.glob("*.journal"))
    path.write_bytes(path.read_bytes() + b"\x00\x00\x00\x20half")

    second = Journal(tmp_path)
    second.append([Row("end", 3)])

    assert second.confirmed == Confirmed("a1", 1, "s1", 2, BEGUN + 2)
    assert told(second, 2) == [2, 3]
    assert told(second, 0) == [0, 1, 2, 3]
    second.close()


def test_it_knows_when_a_tick_was_confirmed_or_that_it_does_not(tmp_path: Path) -> None:
    """A tick in between belongs to the one before; before the first of all is that one."""
    journal = Journal(tmp_path / "from-the-start")
    journal.append([at(1), at(2), at(4)])
    later = Journal(tmp_path / "later")
    later.append([at(7)])

    assert [journal.confirmed_at(tick) for tick in (-1, 1, 3, 4, 9)] == [
        BEGUN + 1,
        BEGUN + 1,
        BEGUN + 2,
        BEGUN + 4,
        BEGUN + 4,
    ]
    assert later.confirmed_at(6) is None
    assert later.confirmed_at(-1) is None
    journal.close()
    later.close()


def test_old_files_go_and_the_marker_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is older than is kept is deleted; a host that was off for months still knows what it knew last."""
    monkeypatch.setattr(module, "SEGMENT_BYTES", 1)
    journal = Journal(tmp_path)
    for tick in range(1, 5):
        journal.append([at(tick), Row("end", tick)])
    journal.close()
    for path in tmp_path.glob("*.journal"):
        os.utime(path, (BEGUN, BEGUN))

    again = Journal(tmp_path)
    again.append([Row("end", 5)])

    assert len(list(tmp_path.glob("*.journal"))) == 2
    assert again.confirmed is not None
    assert (again.confirmed.tick, told(again, 0)) == (4, [4, 5])
    again.close()


def test_a_file_is_not_written_to_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that on a quiet host, too, what is old can go."""
    monkeypatch.setattr(module, "SEGMENT_S", 0.0)
    journal = Journal(tmp_path)
    journal.append([Row("end", 1)])
    journal.append([Row("end", 2)])

    assert len(list(tmp_path.glob("*.journal"))) == 2
    journal.close()


def test_it_never_grows_beyond_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest files make room."""
    monkeypatch.setattr(module, "SEGMENT_BYTES", 1)
    monkeypatch.setattr(module, "MOST_BYTES", 3000)
    journal = Journal(tmp_path)
    for tick in range(1, 50):
        journal.append([at(tick), Row("end", "x" * 100)])

    assert sum(path.stat().st_size for path in tmp_path.glob("*.journal")) < 3500
    assert len(told(journal, 0)) > 5
    journal.close()


def test_clear_numbers_on_disk_are_for_the_daemon_alone(tmp_path: Path) -> None:
    """Directory and files are closed to others."""
    journal = Journal(tmp_path / "journal")
    journal.append([Row("end", 1)])

    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "journal").iterdir()}
    assert (modes, stat.S_IMODE((tmp_path / "journal").stat().st_mode)) == ({0o600}, 0o700)
    journal.close()


@pytest.mark.parametrize("rubbish", [b"\x00\x00\x00\x20half", b"\xff" * 50, bytes(300)])
def test_rubbish_in_the_middle_hides_nothing_behind_it(tmp_path: Path, rubbish: bytes) -> None:
    """An append that failed and could not be taken back: what was written before and after it is told again."""
    journal = Journal(tmp_path)
    journal.append([at(1), Row("end", 0)])
    with next(tmp_path.glob("*.journal")).open("ab") as file:
        file.write(rubbish)
    journal.append([at(2), Row("end", 1)])

    assert told(journal, 0) == [0, 1]
    assert journal.confirmed_at(2) == BEGUN + 2
    journal.close()
    assert Journal(tmp_path).confirmed == Confirmed("a1", 1, "s1", 2, BEGUN + 2)
