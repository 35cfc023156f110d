"""Writing log lines to where they go, without ever waiting for it or dying of it.

Standard error may be a pipe that nobody reads, a socket of a journal that stands still, or a file on a full disk. A
line that is not taken at once is lost, and how many were is said in the next one that is.
"""

from __future__ import annotations

import io
import os
import select
from collections.abc import Callable
from typing import Final, TextIO

PIECE_BYTES: Final = 4096
"""What a pipe that is ready takes without waiting (PIPE_BUF of Linux)."""

PATIENCE_MS: Final = 20
"""Longest wait for a reader who is busy, for a whole line."""


class LogLines:
    """Where structlog writes. `lost_line` makes the line that says how many were lost."""

    def __init__(self, stream: TextIO, lost_line: Callable[[int], str]) -> None:
        self._stream = stream
        self._lost_line = lost_line
        self.lost = 0
        self._torn = False
        self._poll = select.poll()
        try:
            self._descriptor: int | None = stream.fileno()
            self._poll.register(self._descriptor, select.POLLOUT)
        except (OSError, io.UnsupportedOperation):  # a stream of the program's own, which takes everything
            self._descriptor = None

    def write(self, text: str) -> None:
        """Write a line, or lose it."""
        try:
            if self.lost and self._taken(self._lost_line(self.lost) + "\n"):
                self.lost = 0
            if not self.lost and self._taken(text):
                return
        except (OSError, ValueError):  # the reader is gone, the disk is full, the stream is closed
            self._torn = True
        self.lost += 1

    def flush(self) -> None:
        """Nothing is held back."""

    def _taken(self, text: str) -> bool:
        """Whether all of it went out. Raises `OSError` and `ValueError`."""
        if self._descriptor is None:
            self._stream.write(text)
            self._stream.flush()
            return True
        rest = memoryview(f"{chr(10) * self._torn}{text}".encode(errors="replace"))
        patience_ms = PATIENCE_MS
        while rest:
            if not self._poll.poll(patience_ms):
                self._torn |= rest.nbytes < len(text)
                return False
            written = os.write(self._descriptor, rest[:PIECE_BYTES])
            self._torn, rest = False, rest[written:]
        return True
