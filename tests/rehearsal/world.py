"""Virtual time: a heap of things to come, and one source of chance."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Final

from dialer.core.inputs import Input

EPOCH: Final = 1_772_416_800.0
"""Wall clock at virtual time 0: Monday 2026-03-02, 10:00 in Shanghai."""

Action = Callable[[], None]
Tell = Callable[[Input], None]
"""Hand an input to the engine now."""


@dataclass(slots=True)
class World:
    """The clock, what will happen, and the dice. Things due at the same instant happen in the order they were set."""

    dice: Random
    now: float = 0.0
    _coming: list[tuple[float, int, Action]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)

    @property
    def wall(self) -> float:
        """Seconds since the epoch."""
        return EPOCH + self.now

    def at(self, when: float, action: Action) -> None:
        """Let `action` happen at `when`, or now if that has passed."""
        heapq.heappush(self._coming, (max(when, self.now), next(self._order), action))

    def after(self, delay_s: float, action: Action) -> None:
        """Let `action` happen `delay_s` from now."""
        self.at(self.now + delay_s, action)

    def run(self, until: float, finished: Callable[[], bool] = lambda: False) -> None:
        """Let time pass up to `until`, or until `finished`."""
        while self._coming and self._coming[0][0] <= until and not finished():
            self.now, _, action = heapq.heappop(self._coming)
            action()
        if not finished():
            self.now = until

    # --- dice ---------------------------------------------------------------------------------------------------

    def chance(self, probability: float) -> bool:
        """True with this probability. Draws nothing where there is no doubt."""
        return probability > 0 and self.dice.random() < probability

    def between(self, low_s: float, high_s: float) -> float:
        """A uniform duration."""
        return self.dice.uniform(low_s, high_s)

    def about(self, mean_s: float, variation: float = 0.5) -> float:
        """A lognormal duration by its mean and coefficient of variation."""
        sigma2 = math.log1p(variation * variation)
        return self.dice.lognormvariate(math.log(mean_s) - sigma2 / 2, math.sqrt(sigma2))
