"""Evidence on disk: what is written stays as it was written, whatever the disk and the machine do."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.evidence import Entry, FaultKind, Head, Verdict, read, verify
from dialer.disk import evidence_log as module
from dialer.disk.errors import DiskError
from dialer.disk.evidence_files import HEAD_FILE, lines, read_head, read_key, segments
from dialer.disk.evidence_log import EvidenceLog, compress, deletion, open_evidence

NOON_MS = 1_772_539_200_000  # 2026-03-03 12:00 UTC
DAY_MS = 86_400_000
KEY = bytes(range(32))

Write = Callable[[int, bytes], int]


@contextmanager
def opened(folder: Path, *, segment_bytes: int = 1_000_000) -> Iterator[EvidenceLog]:
    log = open_evidence(
        folder / "evidence", folder / "key", host="one", version="1", segment_bytes=segment_bytes, new_key=KEY
    )
    yield log
    log.close()


def entries(count: int, first: int = 0) -> list[Entry]:
    return [Entry(NOON_MS + i, "permit", {"attempt": f"A{i}"}) for i in range(first, first + count)]


def checked(folder: Path) -> Verdict:
    place = folder / "evidence"
    return verify(lines(segments(place)), read_head(place, KEY))


def attempts(folder: Path) -> list[str]:
    found = [read(line.raw) for line in lines(segments(folder / "evidence"))]
    return [record.fields["attempt"] for record in found if record is not None and record.kind == "permit"]


def newest(folder: Path) -> Path:
    return segments(folder / "evidence")[-1].path


def test_what_is_written_is_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    """One chain over all files: a new one for every start, every UTC day, and when one is large enough."""
    with opened(tmp_path, segment_bytes=400) as log:
        log.append(entries(3), opened_ms=NOON_MS)
        log.append(entries(2, 3), opened_ms=NOON_MS)
        log.append(entries(1, 5), opened_ms=NOON_MS + DAY_MS)
    with opened(tmp_path) as log:
        log.append(entries(1, 6), opened_ms=NOON_MS + DAY_MS)

    assert [path.name for path in sorted((tmp_path / "evidence").glob("*.jsonl"))] == [
        "00000001-2026-03-03.jsonl",
        "00000002-2026-03-03.jsonl",
        "00000003-2026-03-04.jsonl",
        "00000004-2026-03-04.jsonl",
    ]
    assert attempts(tmp_path) == [f"A{i}" for i in range(7)]
    verdict = checked(tmp_path)
    assert (verdict.faults, verdict.records) == ([], 11)
    modes = {path.name: path.stat().st_mode & 0o777 for path in [*(tmp_path / "evidence").iterdir(), tmp_path / "key"]}
    assert set(modes.values()) == {0o600}
    assert (tmp_path / "evidence").stat().st_mode & 0o777 == 0o700


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """A second one would write a second chain."""
    with opened(tmp_path), pytest.raises(DiskError, match="in use by another process"), opened(tmp_path):
        pass


@given(cut=st.integers(1, 400), start_again=st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_torn_end_is_on_record(tmp_path_factory: pytest.TempPathFactory, cut: int, start_again: bool) -> None:
    """The machine stopped while a batch was being written: nothing that anybody relied on is lost, and the file keeps
    what there was of it."""
    tmp_path = tmp_path_factory.mktemp("torn")
    with opened(tmp_path) as log:
        log.append(entries(2), opened_ms=NOON_MS)
        sealed = (tmp_path / "evidence" / HEAD_FILE).read_bytes()
        durable = newest(tmp_path).stat().st_size
        log.append(entries(2, 2), opened_ms=NOON_MS)
    (tmp_path / "evidence" / HEAD_FILE).write_bytes(sealed)
    with newest(tmp_path).open("r+b") as file:
        file.truncate(durable + min(cut, file.seek(0, os.SEEK_END) - durable - 1))
    torn = newest(tmp_path).read_bytes()

    for _ in range(1 + start_again):
        with opened(tmp_path) as log:
            log.append(entries(1, 9), opened_ms=NOON_MS)

    verdict = checked(tmp_path)
    assert verdict.faults == []
    assert segments(tmp_path / "evidence")[0].path.read_bytes() == torn
    assert attempts(tmp_path)[:2] == ["A0", "A1"]
    assert verdict.torn == ([] if torn.endswith(b"\n") else ["00000001-2026-03-03"])


@pytest.mark.parametrize("how", ["flip", "cut", "gone"])
def test_what_was_altered_stays_visible(tmp_path: Path, how: str) -> None:
    """The daemon goes on behind the sealed head, says which file it is, and does not smooth it over."""
    with opened(tmp_path) as log:
        log.append(entries(2), opened_ms=NOON_MS)
        log.append(entries(2, 2), opened_ms=NOON_MS)
    path = newest(tmp_path)
    raw = path.read_bytes()
    if how == "flip":
        path.write_bytes(raw[:-120] + bytes([raw[-120] ^ 1]) + raw[-119:])
    else:
        path.write_bytes(raw[:-100] if how == "cut" else raw[: raw.index(b"A2") - 60])
        if how == "gone":
            path.write_bytes(b"".join(raw.splitlines(keepends=True)[:3]))

    with opened(tmp_path) as log:
        assert log.damaged == ("00000001-2026-03-03",)
        log.append(entries(1, 9), opened_ms=NOON_MS)

    kinds = [(fault.kind, fault.first, fault.last) for fault in checked(tmp_path).faults]
    assert kinds == ([(FaultKind.MISSING, 4, 5)] if how == "gone" else [(FaultKind.ALTERED, 5, 5)])


def test_a_file_that_is_gone_is_found(tmp_path: Path) -> None:
    """In the middle and at the end."""
    for i in range(3):
        with opened(tmp_path) as log:
            log.append(entries(1, i), opened_ms=NOON_MS)
    files = segments(tmp_path / "evidence")
    kept = files[1].path.read_bytes()

    files[1].path.unlink()
    assert [(fault.kind, fault.first, fault.last) for fault in checked(tmp_path).faults] == [(FaultKind.MISSING, 3, 4)]
    files[1].path.write_bytes(kept)
    files[2].path.unlink()
    assert [(fault.kind, fault.first, fault.last) for fault in checked(tmp_path).faults] == [(FaultKind.MISSING, 5, 6)]


@pytest.mark.parametrize("after_bytes", [0, 1, 150, 100_000])
def test_a_full_disk_takes_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after_bytes: int) -> None:
    """What did not fit is taken back and written when there is room again; no record is there twice."""
    with opened(tmp_path) as log:
        log.append(entries(1), opened_ms=NOON_MS)
        write: Write = os.write
        with monkeypatch.context() as patch:
            patch.setattr(module.os, "write", _until_full(write, after_bytes))
            patch.setattr(module.os, "fsync", _refuse)
            for _ in range(2):
                with pytest.raises(OSError, match="No space"):
                    log.append(entries(3, 1), opened_ms=NOON_MS)
        assert checked(tmp_path).whole
        log.append(entries(3, 1), opened_ms=NOON_MS)

    assert checked(tmp_path).faults == []
    assert attempts(tmp_path) == ["A0", "A1", "A2", "A3"]


def _until_full(write: Write, left: int) -> Write:
    def partly(descriptor: int, data: bytes) -> int:
        nonlocal left
        if left <= 0:
            _refuse(descriptor)
        done = write(descriptor, data[:left])
        left -= done
        return done

    return partly


def _refuse(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_takes_nothing_back_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the cut works: the file ends there, unfinished, and the next one says so."""
    with opened(tmp_path) as log:
        log.append(entries(1), opened_ms=NOON_MS)
        with monkeypatch.context() as patch:
            patch.setattr(module.os, "write", _until_full(os.write, 50))
            patch.setattr(module.os, "ftruncate", lambda *_: _refuse(0))
            with pytest.raises(OSError, match="No space"):
                log.append(entries(3, 1), opened_ms=NOON_MS)
        log.append(entries(3, 1), opened_ms=NOON_MS)

    verdict = checked(tmp_path)
    assert (verdict.faults, verdict.torn) == ([], ["00000001-2026-03-03"])
    assert attempts(tmp_path) == ["A0", "A1", "A2", "A3"]


def test_a_full_disk_on_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No empty file is left, and the numbering has no gap."""
    with opened(tmp_path) as log:
        with monkeypatch.context() as patch:
            patch.setattr(module.os, "write", _until_full(os.write, 10))
            with pytest.raises(OSError, match="No space"):
                log.append(entries(1), opened_ms=NOON_MS)
        assert segments(tmp_path / "evidence") == []
        log.append(entries(1), opened_ms=NOON_MS)

    assert newest(tmp_path).name.startswith("00000001-")
    assert checked(tmp_path).whole


def test_closed_files_are_compressed(tmp_path: Path) -> None:
    """What is in them stays the same, and a crash in between does no harm; a damaged one is found."""
    for i in range(3):
        with opened(tmp_path) as log:
            log.append(entries(20, i * 20), opened_ms=NOON_MS)
    with opened(tmp_path) as log:
        assert [one.ordinal for one in log.closed()] == [1, 2]
        plain = log.closed()[0].path.read_bytes()
        for segment in log.closed():
            compress(segment)
        first = segments(tmp_path / "evidence")[0]
        assert first.compressed
        assert checked(tmp_path).whole
        (tmp_path / "evidence" / f"{first.stem}.jsonl").write_bytes(plain)  # as if it had not been deleted yet
        assert checked(tmp_path).whole
        compress(segments(tmp_path / "evidence")[0])
    packed = segments(tmp_path / "evidence")[0].path
    raw = packed.read_bytes()
    packed.write_bytes(raw[: len(raw) // 2])

    faults = checked(tmp_path).faults

    assert faults[0].kind is FaultKind.UNREADABLE
    assert faults[0].file == packed.name


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_byte_in_a_compressed_file_changes_no_record_unseen(tmp_path: Path, data: st.DataObject) -> None:
    """Either the fault is found, or every record is still what it was (some bits of the format mean nothing)."""
    if not (tmp_path / "evidence").exists():
        for i in range(2):
            with opened(tmp_path) as log:
                log.append(entries(5, i * 5), opened_ms=NOON_MS)
        compress(segments(tmp_path / "evidence")[0])
    packed = segments(tmp_path / "evidence")[0].path
    raw, before = packed.read_bytes(), attempts(tmp_path)
    where = data.draw(st.integers(0, len(raw) - 1))
    try:
        packed.write_bytes(raw[:where] + bytes([raw[where] ^ data.draw(st.integers(1, 255))]) + raw[where + 1 :])
        assert not checked(tmp_path).whole or attempts(tmp_path) == before
    finally:
        packed.write_bytes(raw)


def test_old_files_are_deleted_on_record(tmp_path: Path) -> None:
    """The newest is kept whatever its age; what is kept is whole, and a file that nobody deleted is missed."""
    for day in range(4):
        with opened(tmp_path) as log:
            log.append(entries(2, day), opened_ms=NOON_MS + day * DAY_MS)
    with opened(tmp_path) as log:
        expired = log.expired(date(2026, 3, 9), 5)
        assert [(said["first"], said["last"]) for _, said in expired] == [(1, 3)]
        for segment, said in expired:
            log.append([deletion(NOON_MS, said)], opened_ms=NOON_MS + 6 * DAY_MS)
            assert checked(tmp_path).whole, "before it is gone as well"
            segment.path.unlink()
        assert checked(tmp_path).faults == []
        assert len(log.expired(date(2036, 1, 1), 5)) == 3

    segments(tmp_path / "evidence")[0].path.unlink()
    assert [(fault.kind, fault.first, fault.last) for fault in checked(tmp_path).faults] == [(FaultKind.MISSING, 1, 6)]


def test_the_head_is_sealed(tmp_path: Path) -> None:
    """Who has not the key cannot make one that holds; without the key the rest is still checked."""
    with opened(tmp_path) as log:
        log.append(entries(1), opened_ms=NOON_MS)
        assert read_head(log.folder, KEY) == log.head == read_head(log.folder, None)
    place = tmp_path / "evidence"
    with pytest.raises(DiskError, match="not of this key"):
        read_head(place, KEY[::-1])
    (place / HEAD_FILE).write_bytes(b"{")
    with pytest.raises(DiskError, match="damaged"):
        read_head(place, None)
    (place / HEAD_FILE).unlink()
    with pytest.raises(DiskError, match="cannot be told"):
        read_head(place, None)
    with opened(tmp_path) as log:
        assert log.head == Head(2, log.head.hash)
        assert log.damaged == (HEAD_FILE,)


def test_the_key_is_made_once_and_must_be_secret(tmp_path: Path) -> None:
    """The first start makes it; a short one, or one that everybody may read, is refused."""
    with opened(tmp_path) as log:
        assert log.key == KEY == read_key(tmp_path / "key")
    other = open_evidence(
        tmp_path / "evidence", tmp_path / "key", host="one", version="1", segment_bytes=1, new_key=KEY[::-1]
    )
    other.close()
    assert other.key == KEY
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(DiskError, match="chmod 0600"), opened(tmp_path):
        pass
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "key").write_text("abcd")
    with pytest.raises(DiskError, match="64 hexadecimal digits"), opened(tmp_path):
        pass


def test_a_key_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    """What is on record under it could not be looked up any more, and nobody would notice."""
    with opened(tmp_path) as log:
        log.append(entries(1), opened_ms=NOON_MS)
    (tmp_path / "key").unlink()

    with pytest.raises(DiskError, match="bring it back"), opened(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """With its name."""
    (tmp_path / "evidence").touch()
    with pytest.raises(DiskError, match="evidence"), opened(tmp_path):
        pass
