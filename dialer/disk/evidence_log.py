"""Evidence on disk, for writing: records are appended to files that are never changed again, and forced to disk.

A new file begins with every start of the daemon, every UTC day, and when one is large enough. What a crash left
unfinished at the end of a file stays there; the first record of the next file says so. Closed files are compressed.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from compliance.evidence import DELETED, OPENED, Entry, Head, key_id, read, written
from dialer.disk.errors import DiskError
from dialer.disk.evidence_files import (
    HEAD_FILE,
    KEY_BYTES,
    Segment,
    head_line,
    lines,
    read_head,
    read_key,
    segment_path,
    segments,
)
from dialer.disk.folders import lock_folder, sync_folder

TORN_SHOWN_BYTES: Final = 2_000
_PART: Final = ".part"


@dataclass(frozen=True, slots=True)
class _Left:
    """What earlier runs left: where the chain goes on, unfinished ends, and files that were altered."""

    head: Head
    torn: tuple[Mapping[str, Any], ...]
    damaged: tuple[str, ...]


@dataclass(slots=True)
class _File:
    """The file that is written to: `size` bytes of it are on disk for good."""

    descriptor: int
    path: Path
    day: date
    size: int = 0


@dataclass(slots=True)
class EvidenceLog:
    """The evidence of one host. One process uses it, one thread at a time. `open_evidence` makes it.

    `head` is the newest record on disk, `damaged` names files that were altered behind the daemon's back.
    """

    folder: Path
    host: str
    version: str
    key: bytes
    segment_bytes: int
    head: Head
    torn: tuple[Mapping[str, Any], ...]
    damaged: tuple[str, ...]
    ordinal: int
    lock: int
    _file: _File | None = None
    _head_told: bool = False
    _unsure: bool = False  # what is at the end of the newest file

    def append(self, entries: Sequence[Entry], *, opened_ms: int) -> None:
        """Write records and force them to disk, all of them or none. Raises `OSError`.

        `opened_ms` (milliseconds since the epoch) decides the day, and is the time on a new file's first record.
        """
        if self._unsure:
            left = _left_by(self.folder, self.key)
            self.head, self.torn, self._unsure = left.head, left.torn, False
        self._tell_head()
        if not entries:
            return
        day = datetime.fromtimestamp(opened_ms / 1000, UTC).date()
        file = self._file
        if file is None or file.day != day or file.size >= self.segment_bytes:
            self.close_file()
            file = self._begin(day)
            opening = {"host": self.host, "version": self.version, "key": key_id(self.key), "torn": list(self.torn)}
            entries = [Entry(opened_ms, OPENED, opening), *entries]
        head, parts = self.head, []
        for entry in entries:
            line, head = written(entry, head)
            parts.append(line)
        self._write(file, b"".join(parts))
        self._file, self.head, self.torn, self._head_told = file, head, (), False
        # The records are on disk for good now: a head that cannot be written must not have them written again.
        with suppress(OSError):
            self._tell_head()

    def _begin(self, day: date) -> _File:
        path = segment_path(self.folder, self.ordinal + 1, day)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        self.ordinal += 1
        return _File(descriptor, path, day)

    def _write(self, file: _File, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(file.descriptor, view) :]
            os.fsync(file.descriptor)
            if not file.size:
                sync_folder(self.folder)
        except OSError:
            self._undo(file)
            raise
        file.size += len(data)

    def _undo(self, file: _File) -> None:
        """Take back what nobody relies on yet. Where even that fails, the file ends there, unfinished, on record."""
        self._file = file
        try:
            os.ftruncate(file.descriptor, file.size)
            if not file.size:
                file.path.unlink()
                self.close_file()
                self.ordinal -= 1
        except OSError:
            self._unsure = True
            with suppress(OSError):
                self.close_file()

    def _tell_head(self) -> None:
        """Seal the head. It is not forced to disk: after a power cut it may be older than the records, never newer."""
        if self._head_told or not self.head.seq:
            return
        descriptor = os.open(self.folder / HEAD_FILE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(descriptor, head_line(self.key, self.head), 0)
        finally:
            os.close(descriptor)
        self._head_told = True

    # --- closed files -------------------------------------------------------------------------------------------------

    def closed(self) -> list[Segment]:
        """Files that are not written to any more, oldest first: all but the newest. Raises `OSError`."""
        return segments(self.folder)[:-1]

    def expired(self, today: date, keep_days: int) -> list[tuple[Segment, dict[str, Any]]]:
        """Closed files that are older than `keep_days`, oldest first, each with what goes on record before it is
        deleted. Raises `OSError`."""
        before = today - timedelta(keep_days)
        found = []
        for segment in self.closed():
            if segment.day >= before:
                break
            records = [record for line in lines([segment]) if (record := read(line.raw)) is not None]
            span = {"first": records[0].seq, "last": records[-1].seq, "last_hash": records[-1].hash} if records else {}
            found.append((segment, {"file": segment.stem, **span, "kept_days": keep_days}))
        return found

    def close_file(self) -> None:
        """End the current file; what comes next begins another one."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file.descriptor)

    def close(self) -> None:
        """End everything; what is on disk stays."""
        self.close_file()
        os.close(self.lock)


def deletion(at_ms: int, fields: Mapping[str, Any]) -> Entry:
    """The record of a file that is deleted because of its age."""
    return Entry(at_ms, DELETED, fields)


def compress(segment: Segment) -> None:
    """Compress a closed file; the plain one goes when the other is on disk. Raises `OSError`."""
    target = segment.path.with_name(f"{segment.path.name}.gz")
    part = target.with_name(target.name + _PART)
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as raw, segment.path.open("rb") as plain:
            with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as packed:
                shutil.copyfileobj(plain, packed, 1024 * 1024)
            raw.flush()
            os.fsync(raw.fileno())
        part.rename(target)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    sync_folder(segment.path.parent)
    segment.path.unlink()


def open_evidence(
    folder: Path, key_file: Path, *, host: str, version: str, segment_bytes: int, new_key: bytes
) -> EvidenceLog:
    """Open or create the folder (mode 0700) and the key (`new_key`, mode 0600, where there is none); find where the
    chain goes on. Nothing is written to the chain yet. Raises `DiskError`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = _key(key_file, new_key, first=not segments(folder))
        lock = lock_folder(folder)
    except OSError as error:
        raise DiskError(f"{error.filename or folder}: {error.strerror}") from error
    try:
        for part in folder.glob(f"*{_PART}"):
            part.unlink()
        left = _left_by(folder, key)
        ordinal = max((segment.ordinal for segment in segments(folder)), default=0)
    except OSError as error:
        os.close(lock)
        raise DiskError(f"{folder}: {error.strerror}") from error
    return EvidenceLog(folder, host, version, key, segment_bytes, left.head, left.torn, left.damaged, ordinal, lock)


def _key(path: Path, new_key: bytes, *, first: bool) -> bytes:
    if not path.exists():
        if not first:
            raise DiskError(f"the key {path} is gone, and there is evidence made with it: bring it back from its copy")
        assert len(new_key) == KEY_BYTES
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    return read_key(path)


def _left_by(folder: Path, key: bytes) -> _Left:
    """Find the newest good record, and what is wrong behind it.

    Unreadable lines that reach the end of a file were being written when the machine stopped, unless the sealed head
    says that they had been on disk: then somebody altered them, or the disk lost them. The chain goes on behind the
    head in that case, so that the fault stays where it is.
    """
    torn: list[Mapping[str, Any]] = []
    damaged: list[str] = []
    files = segments(folder)
    try:
        sealed = read_head(folder, key)
    except DiskError:
        sealed = Head()
        damaged += [HEAD_FILE] if files else []
    for segment in reversed(files):
        good, tail, in_the_middle = _scan(segment)
        if in_the_middle or (tail and good.seq and good.seq < sealed.seq):
            damaged.append(segment.stem)
        elif tail:
            digest = hashlib.sha256(tail).hexdigest()
            text = tail[:TORN_SHOWN_BYTES].decode("ascii", "backslashreplace")
            torn.append({"file": segment.stem, "bytes": len(tail), "sha256": digest, "text": text})
        if good.seq:
            if good.seq < sealed.seq and segment.stem not in damaged:
                damaged.append(segment.stem)
            return _Left(max(good, sealed, key=lambda head: head.seq), tuple(torn), tuple(damaged))
    return _Left(sealed, tuple(torn), tuple(damaged))


def _scan(segment: Segment) -> tuple[Head, bytes, bool]:
    """A file's newest good record, the unreadable bytes behind it, and whether there are any before it."""
    head, tail, in_the_middle = Head(), [], False
    for line in lines([segment]):
        record = None if line.error else read(line.raw)
        if record is None:
            tail.append(line.raw)
        else:
            in_the_middle |= bool(tail)
            head, tail = Head(record.seq, record.hash), []
    return head, b"".join(tail), in_the_middle
