"""Virtual time with one source of chance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random

from dialer.sim.virtual_time import Timeline


@dataclass(slots=True)
class World(Timeline):
    """The clock, what will happen, and the dice."""

    dice: Random = field(kw_only=True)

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
