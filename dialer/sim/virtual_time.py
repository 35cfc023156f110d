"""Virtual time: a clock, and what will happen, soonest first."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from dialer.core.inputs import Input

EPOCH: Final = 1_772_416_800.0
"""Wall clock at virtual time 0: Monday 2026-03-02, 10:00 in Shanghai."""

UTC_OFFSET_S: Final = 8 * 3600.0

Action = Callable[..., None]
Tell = Callable[[Input], None]
"""Hand an input to the engine now."""


@dataclass(slots=True)
class Timeline:
    """The clock and a heap. Things due at the same instant happen in the order they were set."""

    now: float = 0.0
    _coming: list[tuple[float, int, Action, tuple[Any, ...]]] = field(default_factory=list)
    _order: int = 0

    @property
    def wall(self) -> float:
        """Seconds since the epoch."""
        return EPOCH + self.now

    def at(self, when: float, action: Action, *arguments: Any) -> None:
        """Let `action(*arguments)` happen at `when`, or now if that has passed."""
        self._order += 1
        heapq.heappush(self._coming, (max(when, self.now), self._order, action, arguments))

    def after(self, delay_s: float, action: Action, *arguments: Any) -> None:
        """Let `action(*arguments)` happen `delay_s` from now."""
        self._order += 1
        heapq.heappush(self._coming, (self.now + delay_s, self._order, action, arguments))

    def next_at(self) -> float:
        """When the next thing happens; infinite if nothing will."""
        return self._coming[0][0] if self._coming else float("inf")

    def step(self) -> None:
        """Let the next thing happen."""
        self.now, _, action, arguments = heapq.heappop(self._coming)
        action(*arguments)

    def run(self, until: float, finished: Callable[[], bool] = lambda: False) -> None:
        """Let time pass up to `until`, or until `finished`."""
        while self.next_at() <= until and not finished():
            self.step()
        if not finished():
            self.now = until
