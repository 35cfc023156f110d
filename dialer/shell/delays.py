"""The newest samples of a delay, kept in order as they come, so that its percentiles can be read at any moment."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from dialer.core.board import Delay

DELAY_SAMPLES: Final = 5_000
"""Percentiles are of so many of the newest calls."""


@dataclass(slots=True)
class Delays:
    """The newest `most` samples in seconds: `came` in the order in which they came, `ordered` by size. What they come
    to is kept until the next."""

    most: int = DELAY_SAMPLES
    came: deque[float] = field(default_factory=deque)
    ordered: list[float] = field(default_factory=list)
    _known: Delay | None = field(default_factory=Delay)

    def add(self, delay_s: float) -> None:
        """A further sample; the oldest goes where there are too many."""
        if len(self.came) == self.most:
            del self.ordered[bisect_left(self.ordered, self.came.popleft())]
        self.came.append(delay_s)
        insort(self.ordered, delay_s)
        self._known = None

    def delay(self) -> Delay:
        """What they come to."""
        if self._known is None:
            ordered, last = self.ordered, len(self.ordered) - 1
            p50_ms, p99_ms, max_ms = [
                round(ordered[at] * 1000, 2) for at in (round(0.5 * last), round(0.99 * last), last)
            ]
            self._known = Delay(len(ordered), p50_ms, p99_ms, max_ms)
        return self._known
