"""The journal: what this host has told the store of late, on its own disk, for the day on which the store forgets it.

Rows are appended to numbered files of frames (`disk/frames.py`), each with the tick of the store's marker that had been
confirmed by then (`store/settlement/marker.py`). So the rows since any tick can be told again. A file that is full, or
`SEGMENT_S` old, is followed by another; they are deleted when they are older than `KEPT_S`, or beyond `MOST_BYTES`.
Clear numbers stand in it, as in the spool: it is for the daemon alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from dialer.disk.errors import DiskError
from dialer.disk.folders import sync_folder
from dialer.disk.frames import all_frames_of, framed

SEGMENT_BYTES: Final = 4 * 1024 * 1024
SEGMENT_S: Final = 600.0
MOST_BYTES: Final = 200_000_000
KEPT_S: Final = 2 * 3600.0
"""A store that has forgotten more than this is a matter for people anyway."""

CONFIRMED: Final = "confirmed"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that the store was told, as plain msgpack-able data."""

    kind: str
    data: Any


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The marker as the store had it when this host last asked: whose data, told how often again, by which run of the
    server, how many ticks of this host, and when that was (seconds since the epoch)."""

    identity: str
    generation: int
    server: str
    tick: int
    at: float


class Journal:
    """Rows in files of one directory. One process writes it, one thread at a time; another thread may read.

    `confirmed` is the marker that was last confirmed, in this run or an earlier one; None before the first.
    """

    def __init__(self, directory: Path) -> None:
        """Open or create the directory (mode 0700). Raises `DiskError`."""
        self._directory = directory
        self._file: BinaryIO | None = None
        self._size = 0
        self._begun_at = 0.0
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.confirmed = self._last_confirmed()
        except OSError as error:
            raise DiskError(f"{error.filename or directory}: {error.strerror}") from error

    def append(self, rows: Sequence[Row]) -> None:
        """Write rows and force them to disk, all or none. Raises `OSError`, and `DiskError` for a row that cannot be
        written."""
        if not rows:
            return
        frames = []
        for row in rows:
            if row.kind == CONFIRMED:
                self.confirmed = Confirmed(**row.data)
            frames.append(self._framed(row))
        if self._file is None or self._size >= SEGMENT_BYTES or abs(time.time() - self._begun_at) >= SEGMENT_S:
            self._begin()
            if self.confirmed is not None:
                frames.insert(0, self._framed(confirmation(self.confirmed)))
        assert self._file is not None
        self._write(self._file, b"".join(frames))

    def since(self, tick: int) -> Iterator[Row]:
        """Rows that were written when `tick` was confirmed or a later one, oldest first. Raises `OSError`."""
        chosen = []
        for path in reversed(self._paths()):
            chosen.append(path)
            first = next(_rows(path), None)
            if first is not None and first[0] < tick:
                break
        for path in reversed(chosen):
            yield from (row for at, row in _rows(path) if at >= tick)

    def confirmed_at(self, tick: int) -> float | None:
        """When `tick` was the newest that was confirmed, in seconds since the epoch; below 1: before the first of all.
        None where the journal does not reach back so far. Raises `OSError`."""
        for path in reversed(self._paths()):
            times = [row.data["at"] for at, row in _rows(path) if row.kind == CONFIRMED and at <= max(tick, 1)]
            if times:
                return float(times[-1])
        return None

    def close(self) -> None:
        """Close the file; what is in it stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _framed(self, row: Row) -> bytes:
        return framed([self.confirmed.tick if self.confirmed else 0, row.kind, row.data])

    def _paths(self) -> list[Path]:
        return sorted(self._directory.glob("*.journal"))

    def _last_confirmed(self) -> Confirmed | None:
        for path in reversed(self._paths()):
            confirmed = [row.data for _, row in _rows(path) if row.kind == CONFIRMED]
            with suppress(TypeError):
                if confirmed:
                    return Confirmed(**confirmed[-1])
        return None

    def _begin(self) -> None:
        """Go on in a new file, and delete what is old."""
        self.close()
        paths = self._paths()
        number = int(paths[-1].stem) + 1 if paths else 1
        path = self._directory / f"{number:010}.journal"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._file, self._size, self._begun_at = os.fdopen(descriptor, "wb", buffering=0), 0, time.time()
        sync_folder(self._directory)
        stats = [(earlier, earlier.stat()) for earlier in paths]
        total = sum(stat.st_size for _, stat in stats)
        for earlier, stat in stats[:-1]:  # the newest of them has what this host knew last
            if total <= MOST_BYTES and stat.st_mtime > time.time() - KEPT_S:
                break
            earlier.unlink()
            total -= stat.st_size

    def _write(self, file: BinaryIO, frames: bytes) -> None:
        try:
            view = memoryview(frames)
            while view:
                view = view[file.write(view) :]
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                file.truncate(self._size)
            raise
        self._size += len(frames)


def confirmation(marker: Confirmed) -> Row:
    """The row that says what was confirmed."""
    return Row(CONFIRMED, asdict(marker))


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    """The rows of a file with their ticks; what cannot be read is passed over."""
    for item in all_frames_of(path.read_bytes()):
        match item:
            case [int(tick), str(kind), data]:
                yield tick, Row(kind, data)
