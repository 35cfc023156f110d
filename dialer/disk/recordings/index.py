"""The index of recordings: a file of JSON lines in each day's folder, beside the recordings that it lists.

    FOLDER/2026/03/01/19a3f-2b7c-000017.opus       or .opus.sealed where recordings are encrypted
    FOLDER/2026/03/01/index.jsonl

A line is appended when a recording is on disk for good; of two about one attempt the later counts. Lines go by writing
the file anew, so that nothing of who was erased stays in it. Whoever writes has the lock of the whole folder.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import msgspec

from dialer.disk.errors import DiskError
from dialer.disk.folders import sync_folder

INDEX_FILE: Final = "index.jsonl"
LOCK_FILE: Final = "index.lock"
PLAIN: Final = ".opus"
SEALED: Final = ".opus.sealed"
LONGEST_LINE_BYTES: Final = 8192

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,79}")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One recording. `at` is when it began, in seconds since the epoch; `sha256` is that of the file as it stands;
    `missing_s` is how much of the talk's audio never came to the disk. `number` and `customer` are keyed hashes,
    `phone` is masked. `keep_days` 0: as long as the host says."""

    attempt: str
    campaign: str = ""
    agent: str = ""
    team: str = ""
    lead: str = ""
    phone: str = ""
    number: str = ""
    customer: str = ""
    at: float
    duration_s: float
    missing_s: float = 0.0
    paused_s: float = 0.0
    sha256: str
    size_bytes: int
    file: str
    keep_days: int = 0

    @property
    def day(self) -> date:
        """The day, in UTC, whose folder it is in."""
        return datetime.fromtimestamp(self.at, UTC).date()


_DECODER: Final = msgspec.json.Decoder(Row)


def is_name(text: str) -> bool:
    """Whether a text may be the name of a recording: an attempt's id, and nothing that leads elsewhere."""
    return _NAME.fullmatch(text) is not None


def day_folder(folder: Path, day: date) -> Path:
    """Where the recordings of a day are."""
    return folder / f"{day:%Y}" / f"{day:%m}" / f"{day:%d}"


def path_of(folder: Path, row: Row) -> Path:
    """Where a recording is."""
    return day_folder(folder, row.day) / row.file


def make_private(folder: Path, day: date) -> Path:
    """The folder of a day, made with all above it where it is not there yet; mode 0700. Raises `OSError`."""
    path = folder
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for part in (f"{day:%Y}", f"{day:%m}", f"{day:%d}"):
        path = path / part
        path.mkdir(mode=0o700, exist_ok=True)
    return path


def days(folder: Path, first: date = date.min, last: date = date.max) -> list[date]:
    """The days that have an index, oldest first. Raises `OSError`."""
    held = []
    for path in folder.glob(f"[0-9][0-9][0-9][0-9]/[0-9][0-9]/[0-9][0-9]/{INDEX_FILE}"):
        year, month, day = path.parts[-4:-1]
        held.append(date(int(year), int(month), int(day)))
    return sorted(day for day in held if first <= day <= last)


def rows(folder: Path, day: date) -> list[Row]:
    """The recordings of a day, by their beginning. A line that is not whole, as after a power cut, is none: what it was
    about is still among the talks, and is indexed again. Raises `OSError`."""
    by_attempt: dict[str, Row] = {}
    path = day_folder(folder, day) / INDEX_FILE
    if not path.exists():
        return []
    with path.open("rb") as file:
        for line in file:
            row = _row(line)
            if row is not None:
                by_attempt[row.attempt] = row
    return sorted(by_attempt.values(), key=lambda row: row.at)


def _row(line: bytes) -> Row | None:
    try:
        row = _DECODER.decode(line)
    except msgspec.MsgspecError:
        return None
    whole = is_name(row.attempt) and row.file in (row.attempt + PLAIN, row.attempt + SEALED)
    return row if whole else None


def all_rows(folder: Path, first: date = date.min, last: date = date.max) -> Iterator[Row]:
    """All recordings of some days, oldest first. Raises `OSError`."""
    for day in days(folder, first, last):
        yield from rows(folder, day)


def find(folder: Path, attempt: str) -> Row | None:
    """The recording of an attempt, looked for in the newest days first. Raises `OSError`."""
    for day in reversed(days(folder)):
        for row in rows(folder, day):
            if row.attempt == attempt:
                return row
    return None


def append(folder: Path, row: Row) -> None:
    """List a recording. On disk for good when this returns. Raises `OSError`, `DiskError`."""
    line = msgspec.json.encode(row) + b"\n"
    if len(line) > LONGEST_LINE_BYTES:
        raise DiskError(f"what is known of recording {row.attempt} is too long for the index")
    with _locked(folder):
        path = make_private(folder, row.day) / INDEX_FILE
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line  # a crash left half a line
            _write_all(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(path.parent)


def remove(folder: Path, day: date, attempts: Collection[str]) -> int:
    """Delete recordings of a day, files first, then their lines; a day that is empty goes, too. Returns how many there
    were. Raises `OSError`."""
    with _locked(folder):
        kept = []
        gone = 0
        for row in rows(folder, day):
            if row.attempt in attempts:
                path_of(folder, row).unlink(missing_ok=True)
                gone += 1
            else:
                kept.append(row)
        if gone:
            _rewrite(day_folder(folder, day), kept)
        return gone


def _rewrite(place: Path, kept: list[Row]) -> None:
    path, part = place / INDEX_FILE, place / f"{INDEX_FILE}.part"
    if not kept:
        path.unlink()
        sync_folder(place)
        for empty in (place, place.parent, place.parent.parent):
            if any(empty.iterdir()):
                return
            empty.rmdir()
        return
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        _write_all(descriptor, b"".join(msgspec.json.encode(row) + b"\n" for row in kept))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    part.rename(path)
    sync_folder(place)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
