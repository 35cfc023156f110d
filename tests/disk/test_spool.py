"""The disk queue: in order, bounded, and whole after a crash."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.disk import spool as module
from dialer.disk.errors import DiskError, SpoolFull
from dialer.disk.spool import Spool

LIMIT = 1_000_000


def reopened(directory: Path) -> Spool:
    return Spool(directory, limit_bytes=LIMIT)


def test_items_come_back_in_order_after_a_restart(tmp_path: Path) -> None:
    """What was appended and not discarded is there, oldest first."""
    first = reopened(tmp_path / "spool")
    first.append([{"n": 1}, {"n": 2}])
    first.append([{"n": 3}])
    first.discard(1)
    assert (len(first), first.peek(5)) == (2, [{"n": 2}, {"n": 3}])
    first.close()

    second = reopened(tmp_path / "spool")

    assert second.peek(2) == [{"n": 1}, {"n": 2}], "what was discarded inside a file may come back"
    second.discard(3)
    assert (len(second), second.size_bytes, second.peek(1)) == (0, 0, [])
    second.append(["again"])
    assert second.peek(9) == ["again"]
    second.close()


def test_clear_numbers_on_disk_are_for_the_daemon_alone(tmp_path: Path) -> None:
    """Directory and files are closed to others."""
    spool = reopened(tmp_path / "spool")
    spool.append([1])

    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "spool").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    spool.close()


def test_what_nobody_can_use_is_kept_aside(tmp_path: Path) -> None:
    """In a file that is not read again, for the daemon alone."""
    spool = reopened(tmp_path)
    spool.append([1])
    path = spool.set_aside(["odd"])
    spool.set_aside(["odder"])
    spool.close()

    again = reopened(tmp_path)

    assert again.peek(9) == [1]
    assert [word in path.read_bytes() for word in (b"odd", b"odder")] == [True, True]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again.close()


def test_a_full_spool_refuses_the_whole_batch(tmp_path: Path) -> None:
    """Nothing of it is written, and there is room again after a discard."""
    spool = Spool(tmp_path, limit_bytes=100)
    spool.append(["x" * 60])

    with pytest.raises(SpoolFull):
        spool.append(["y", "z" * 60])

    assert spool.peek(9) == ["x" * 60]
    spool.discard(1)
    spool.append(["z" * 60])
    spool.close()


@pytest.mark.parametrize("cut", [1, 5, 8, 9, 12])
def test_a_torn_tail_is_cut_off(tmp_path: Path, cut: int) -> None:
    """A frame that was being written when the machine died is gone, those before it are whole."""
    spool = reopened(tmp_path)
    spool.append(["one", "two", "three"])
    spool.close()
    (path,) = tmp_path.glob("*.spool")
    path.write_bytes(path.read_bytes()[:-cut])

    after = reopened(tmp_path)

    assert after.peek(9) == ["one", "two"]
    assert after.damaged == []
    after.append(["four"])
    assert after.peek(9) == ["one", "two", "four"]
    after.close()


def test_damage_before_the_end_is_kept_aside(tmp_path: Path) -> None:
    """A flipped bit in the middle loses nothing silently."""
    spool = reopened(tmp_path)
    spool.append(["one", "two", "three"])
    spool.close()
    (path,) = tmp_path.glob("*.spool")
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"two")] ^= 1
    path.write_bytes(raw)

    after = reopened(tmp_path)

    assert after.peek(9) == ["one"]
    assert b"three" in after.damaged[0].read_bytes()
    assert after.damaged[0].stat().st_mode & 0o077 == 0  # it may hold clear numbers
    after.close()


def test_long_queues_are_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that were replayed are deleted."""
    monkeypatch.setattr(module, "SEGMENT_BYTES", 50)
    spool = reopened(tmp_path)
    for i in range(30):
        spool.append([i, "x" * 20])
    assert len(list(tmp_path.glob("*.spool"))) > 5

    assert spool.peek(60)[::2] == list(range(30))
    spool.discard(59)
    assert len(list(tmp_path.glob("*.spool"))) == 1
    assert spool.peek(9) == ["x" * 20]
    spool.close()


def test_one_process_uses_a_spool(tmp_path: Path) -> None:
    """A second daemon on the same directory is told so."""
    spool = reopened(tmp_path)
    with pytest.raises(DiskError, match="in use by another process"):
        reopened(tmp_path)
    spool.close()
    reopened(tmp_path).close()


def test_what_cannot_be_spooled_is_said(tmp_path: Path) -> None:
    """And the directory too."""
    spool = reopened(tmp_path)
    with pytest.raises(DiskError, match="cannot be kept on disk"):
        spool.append([object()])
    with pytest.raises(DiskError, match="cannot be kept on disk, the limit"):
        spool.append(["x" * 2_000_000])
    spool.append([])
    assert len(spool) == 0
    spool.close()
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="spool directory"):
        Spool(tmp_path / "file", limit_bytes=1)


@given(st.lists(st.integers(0, 5) | st.lists(st.integers(0, 999), min_size=1, max_size=5), max_size=20))
def test_a_spool_is_a_queue(tmp_path_factory: pytest.TempPathFactory, steps: list[int | list[int]]) -> None:
    """Any mixture of appends and discards gives what a list would."""
    spool, expected = Spool(tmp_path_factory.mktemp("queue"), limit_bytes=LIMIT), []
    for step in steps:
        if isinstance(step, list):
            spool.append(step)
            expected += step
        else:
            spool.discard(step)
            del expected[:step]
        assert spool.peek(1000) == expected
        assert len(spool) == len(expected)
    spool.close()


@pytest.mark.parametrize("left_bytes", [0, 1, 20, None])
def test_what_is_taken_away_under_it_is_counted_and_the_rest_goes_on(tmp_path: Path, left_bytes: int | None) -> None:
    """A file that is cut off or deleted while the process uses it: nothing hangs on items that are not there."""
    spool = Spool(tmp_path, limit_bytes=1_000_000)
    spool.append(["a" * 30, "b" * 30])
    (path,) = tmp_path.glob("*.spool")
    if left_bytes is None:
        path.unlink()
    else:
        os.truncate(path, left_bytes)

    assert spool.peek(10) == []
    assert (len(spool), spool.lost) == (0, 2)
    spool.append(["c"])
    assert spool.peek(10) == ["c"]
    spool.discard(1)
    assert len(spool) == 0
    spool.close()


def test_what_is_left_of_a_file_is_still_there(tmp_path: Path) -> None:
    """The first of two items, and what came after both."""
    spool = Spool(tmp_path, limit_bytes=1_000_000)
    spool.append(["a" * 30, "b" * 30])
    (path,) = tmp_path.glob("*.spool")
    os.truncate(path, path.stat().st_size - 1)

    assert spool.peek(10) == ["a" * 30]
    spool.append(["c"])
    assert spool.peek(10) == ["a" * 30, "c"]
    assert (len(spool), spool.lost) == (2, 1)
    spool.discard(2)
    assert (len(spool), spool.peek(10)) == (0, [])
    spool.close()
