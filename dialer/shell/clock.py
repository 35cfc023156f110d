"""The daemon's two clocks, and how it notices that one of them jumped or that the process stood still."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

JUMP_S: Final = 5.0
"""A wall clock that moved this much against the monotonic one was set by hand, or the host slept."""

STOOD_STILL_S: Final = 2.0
"""Who wakes this much too late has stood still: SIGSTOP, a snapshot of the machine, a machine far too busy."""


@dataclass(slots=True)
class Clock:
    """Monotonic time for the engine, wall time for people, laws and Redis.

    `offset_s` is wall minus monotonic when last looked at; `jumped` compares it with now.
    """

    offset_s: float

    @classmethod
    def start(cls) -> Clock:
        return cls(time.time() - time.monotonic())

    def now(self) -> float:
        """Monotonic seconds; the same clock that the SIP workers stamp their events with."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def to_wall(self, at: float) -> float:
        """The wall time of a moment of the monotonic clock."""
        return at + (time.time() - time.monotonic())

    def utc_offset_s(self) -> float:
        """How far the host's local time is ahead of UTC now."""
        return float(time.localtime().tm_gmtoff)

    def jumped(self) -> float:
        """How far the wall clock moved by itself since the last call, in seconds; 0.0 if less than `JUMP_S`."""
        offset_s = time.time() - time.monotonic()
        moved_s, self.offset_s = offset_s - self.offset_s, offset_s
        return moved_s if abs(moved_s) >= JUMP_S else 0.0

    def is_off(self) -> bool:
        """Whether the wall clock has moved by itself since `jumped` last looked: what it says is not to be acted on."""
        return abs(time.time() - time.monotonic() - self.offset_s) >= JUMP_S

    def stood_still_s(self, due_at: float) -> float:
        """How long the process stood still that was to wake at `due_at` (monotonic) at the latest, and wakes now; 0.0
        where it is in time."""
        late_s = self.now() - due_at
        return late_s if late_s >= STOOD_STILL_S else 0.0
