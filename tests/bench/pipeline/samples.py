"""A look a second at a floor, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import mean, quantiles


def percentile(samples: list[float], share: float) -> float:
    """0 where there is none."""
    return sorted(samples)[round(share * (len(samples) - 1))] if samples else 0.0


@dataclass(slots=True)
class Looks:
    """Times (epoch seconds), attempts so far, lines in use and talks at each look."""

    at: list[float] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    talks: list[float] = field(default_factory=list)

    def add(self, at: float, attempts: int, lines: int, talks: float) -> None:
        """One more."""
        self.at.append(at)
        self.attempts.append(attempts)
        self.lines.append(lines)
        self.talks.append(talks)

    def rate(self, first: int = 0, last: int = -1) -> float:
        """Attempts a second between two looks."""
        seconds = self.at[last] - self.at[first]
        return (self.attempts[last] - self.attempts[first]) / seconds if seconds else 0.0

    def slowest_5_s(self) -> float:
        """The least rate over any five seconds; 0 in a window that is shorter."""
        return min((self.rate(place, place + 5) for place in range(len(self.at) - 5)), default=0.0)

    def lines_mean(self) -> float:
        """Lines in use."""
        return mean(self.lines)

    def lines_p5(self) -> float:
        """Fewer are in use at one look of twenty."""
        return quantiles(self.lines, n=20)[0]

    def talks_mean(self) -> float:
        """Callees who talk."""
        return mean(self.talks)
