"""Where answered lines are written while they are listened to."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.shell.detection import ear
from dialer.shell.detection.ear import listening_folder


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ear, "MEMORY", tmp_path)
    return tmp_path


def test_two_daemons_of_one_name_leave_each_other_s_files(memory: Path) -> None:
    """Two installations may be on one machine; each has its own folder, and takes it away itself."""
    with listening_folder("one") as first:
        (Path(first) / "a.wav").touch()
        with listening_folder("one") as second:
            assert (Path(first) / "a.wav").exists()
            assert second != first
        assert [str(path) for path in memory.iterdir()] == [first]
    assert list(memory.iterdir()) == []


def test_what_a_killed_daemon_left_is_deleted(memory: Path) -> None:
    """Whatever its name was; what is no folder, or another program's, stays."""
    left, link, other = memory / f"{ear.PREFIX}gone-x", memory / f"{ear.PREFIX}link", memory / "other"
    left.mkdir()
    (left / "a.wav").touch()
    other.mkdir()
    link.symlink_to(other)
    with listening_folder("one"):
        assert not left.exists()
        assert other.exists()
        assert link.is_symlink()
