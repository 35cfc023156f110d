"""A bounded queue on disk, for what happened while the store was away.

Items are appended to numbered files of frames (`disk/frames.py`). A batch is on disk when `append` returns.
What was read and not discarded comes back after a crash, so whoever replays must not mind an item twice. A frame that
was being written when the machine died is cut off; a file with a fault before its end is kept aside as *.damaged.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from dialer.disk.errors import DiskError, SpoolFull
from dialer.disk.folders import lock_folder, sync_folder
from dialer.disk.frames import framed, frames_of, is_torn

SEGMENT_BYTES: Final = 4 * 1024 * 1024
UNREADABLE: Final = "unreadable.damaged"


@dataclass(slots=True)
class _Segment:
    """One file: `size` good bytes with `left` items from `start` on."""

    path: Path
    size: int
    left: int
    start: int = 0


class Spool:
    """Items in files of one directory, oldest first. One process uses it, one thread at a time.

    `damaged` names files that were put aside because they could not be read to their end, `lost` is how many items of
    this run somebody has taken away.
    """

    def __init__(self, directory: Path, *, limit_bytes: int) -> None:
        """Open or create the directory (mode 0700). Raises `DiskError`."""
        self._directory, self._limit = directory, limit_bytes
        self._segments: deque[_Segment] = deque()
        self._tail: BinaryIO | None = None
        self.damaged: list[Path] = []
        self.lost = 0
        try:
            self._lock = lock_folder(directory)
        except OSError as error:
            raise DiskError(f"spool directory {directory}: {error.strerror}") from error
        try:
            for path in sorted(directory.glob("*.spool")):
                self._adopt(path)
        except OSError as error:
            os.close(self._lock)
            raise DiskError(f"spool directory {directory}: {error.strerror}") from error

    def __len__(self) -> int:
        """Items waiting."""
        return sum(segment.left for segment in self._segments)

    @property
    def size_bytes(self) -> int:
        """Disk space in use."""
        return sum(segment.size for segment in self._segments)

    def append(self, items: Sequence[Any]) -> None:
        """Write a batch, then force it to disk. Raises `SpoolFull` or `DiskError`; then nothing was written."""
        if not items:
            return
        frames = b"".join(map(framed, items))
        if self.size_bytes + len(frames) > self._limit:
            raise SpoolFull(f"the spool holds {self.size_bytes} bytes, the limit is {self._limit}")
        try:
            tail = self._open_tail()
            segment = self._segments[-1]
            self._write(tail, segment, frames)
        except OSError as error:
            raise DiskError(f"spool directory {self._directory}: {error.strerror}") from error
        segment.size += len(frames)
        segment.left += len(items)

    def peek(self, count: int) -> list[Any]:
        """The oldest `count` items, or fewer. What somebody has taken away under this process is gone, and counted in
        `lost`."""
        items: list[Any] = []
        for segment in list(self._segments):
            if len(items) >= count:
                break
            expected = min(count - len(items), segment.left)
            readable = self._readable(segment, expected)
            items += readable
            if len(readable) < expected:
                self._give_up_on(segment, len(readable))
        return items

    def _readable(self, segment: _Segment, count: int) -> list[Any]:
        """The first items of a file that can be read still."""
        with suppress(FileNotFoundError), segment.path.open("rb") as file:
            return [item for _, item in islice(frames_of(file, segment.start, segment.size), count)]
        return []

    def _give_up_on(self, segment: _Segment, left: int) -> None:
        """The file was cut off or damaged: `left` of its items are left, and nothing more is appended to it."""
        self.lost += segment.left - left
        segment.left = left
        if segment is self._segments[-1] and self._tail is not None:
            self._tail.close()
            self._tail = None
        if not left:
            self._segments.remove(segment)
            segment.path.unlink(missing_ok=True)

    def discard(self, count: int) -> None:
        """Forget the oldest `count` items: they are in the store."""
        while count > 0 and self._segments:
            segment = self._segments[0]
            if segment.left > count:
                with segment.path.open("rb") as file:
                    frames = frames_of(file, segment.start, segment.size)
                    segment.start += sum(size for size, _ in islice(frames, count))
                segment.left -= count
                return
            count -= segment.left
            self._drop_first()

    def set_aside(self, items: Sequence[Any]) -> Path:
        """Keep items that nobody can use in a file of their own, which is never read by itself. Raises `OSError`."""
        path = self._directory / UNREADABLE
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            if file.tell() < self._limit:
                file.write(b"".join(map(framed, items)))
                file.flush()
                os.fsync(file.fileno())
        return path

    def close(self) -> None:
        """Close the files; what is in them stays."""
        if self._tail is not None:
            self._tail.close()
            self._tail = None
        os.close(self._lock)

    def _drop_first(self) -> None:
        if len(self._segments) == 1 and self._tail is not None:
            self._tail.close()
            self._tail = None
        self._segments.popleft().path.unlink(missing_ok=True)

    def _open_tail(self) -> BinaryIO:
        """The file to append to; a new one when the last is long enough."""
        if self._tail is not None and self._segments[-1].size < SEGMENT_BYTES:
            return self._tail
        if self._tail is not None:
            self._tail.close()
            self._tail = None
        number = int(self._segments[-1].path.stem) + 1 if self._segments else 1
        path = self._directory / f"{number:010}.spool"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._tail = os.fdopen(descriptor, "wb", buffering=0)
        sync_folder(self._directory)
        self._segments.append(_Segment(path, 0, 0))
        return self._tail

    def _write(self, tail: BinaryIO, segment: _Segment, frames: bytes) -> None:
        try:
            view = memoryview(frames)
            while view:
                view = view[tail.write(view) :]
            os.fsync(tail.fileno())
        except OSError:
            tail.truncate(segment.size)
            tail.seek(segment.size)
            raise

    def _adopt(self, path: Path) -> None:
        """Take over a file of an earlier run: count its items and cut a torn tail off."""
        size = path.stat().st_size
        with path.open("rb") as file:
            lengths = [length for length, _ in frames_of(file, 0, size)]
        good = sum(lengths)
        if good < size and not is_torn(path, good, size):
            aside = path.with_suffix(".damaged")
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(path.read_bytes()[good:])
            self.damaged.append(aside)
        if good < size:
            os.truncate(path, good)
        if lengths:
            self._segments.append(_Segment(path, good, len(lengths)))
        else:
            path.unlink()
