"""Virtual time for whole shifts: what will happen, soonest first."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dialer.core.inputs import Input

Action = Callable[..., None]
Tell = Callable[[Input], None]


@dataclass(slots=True)
class Timeline:
    """The clock and a heap. Things due at the same instant happen in the order they were set."""

    now: float = 0.0
    coming: list[tuple[float, int, Action, tuple[Any, ...]]] = field(default_factory=list)
    _order: int = 0

    def at(self, when: float, action: Action, *arguments: Any) -> None:
        """Let `action(*arguments)` happen at `when`."""
        self._order += 1
        heapq.heappush(self.coming, (when, self._order, action, arguments))

    def after(self, delay_s: float, action: Action, *arguments: Any) -> None:
        """Let `action(*arguments)` happen `delay_s` from now."""
        self._order += 1
        heapq.heappush(self.coming, (self.now + delay_s, self._order, action, arguments))

    def next_at(self) -> float:
        """When the next thing happens; infinite if nothing will."""
        return self.coming[0][0] if self.coming else float("inf")

    def step(self) -> None:
        """Let the next thing happen."""
        self.now, _, action, arguments = heapq.heappop(self.coming)
        action(*arguments)
