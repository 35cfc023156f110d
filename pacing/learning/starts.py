"""Counts of calls by when they began, for what must not depend on the order in which calls end.

Calls are counted in slots of their start; a slot counts when every call in it has had its whole ring time. No model is
in it: the governor, the hours of the day and the trunks rest on these counts.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

SLOT_S: Final = 5.0
PATIENCE_S: Final = 8.0
"""So long after its ring time-out a call has certainly ended: post-dial delay, and its end's way back."""

RECENT_CALLS: Final = 200
RECENT_S: Final = 60.0
LONG_RUN_S: Final = 1800.0
BLOCK_S: Final = 30.0
PEAK_S: Final = 900.0


@dataclass(slots=True)
class Count:
    """Answered (by anybody) among ended calls."""

    answered: float = 0.0
    ended: float = 0.0

    def add(self, other: Count, kept: float = 1.0) -> None:
        """More of them; the old ones count for `kept`."""
        self.answered = self.answered * kept + other.answered
        self.ended = self.ended * kept + other.ended


@dataclass(frozen=True, slots=True)
class Slot:
    """The calls that began within `SLOT_S` from `began_at`, by trunk."""

    began_at: float
    trunks: dict[str, Count]

    @property
    def all(self) -> Count:
        """Over all trunks."""
        total = Count()
        for count in self.trunks.values():
            total.add(count)
        return total


def wilson(answered: float, ended: float, errors: float) -> float:
    """The end of the score interval `errors` standard errors up (Wilson, J. Am. Stat. Assoc. 22, 1927); down, if
    negative. Without calls it is 1 and 0."""
    if ended <= 0.0:
        return 1.0 if errors > 0.0 else 0.0
    z2 = errors * errors
    share = min(1.0, answered / ended)
    spread = errors * math.sqrt(share * (1.0 - share) / ended + z2 / (4.0 * ended * ended))
    return min(1.0, max(0.0, (share + z2 / (2.0 * ended) + spread) / (1.0 + z2 / ended)))


@dataclass(slots=True)
class Starts:
    """Calls by the slot of their start. `open` slots still have calls that may ring, `recent` ones are complete.

    Bounds are asked for at every decision and follow from complete slots alone, which come every few seconds: those
    worked out since the last one are kept in `_bounds`."""

    ring_timeout_s: float
    open: dict[int, dict[str, Count]] = field(default_factory=dict)
    recent: deque[tuple[float, Count]] = field(default_factory=deque)
    pool: Count = field(default_factory=Count)
    long_run: Count = field(default_factory=Count)
    blocks: deque[tuple[float, Count]] = field(default_factory=deque)
    complete: float = 0.0
    ripe_at: float = -math.inf
    _bounds: dict[tuple[float, ...], float] = field(default_factory=dict)

    def ended(self, began_at: float, answered: bool, trunk: str) -> None:
        """A call that began then has been answered, or has ended."""
        trunks = self.open.setdefault(math.floor(began_at / SLOT_S), {})
        count = trunks.get(trunk)
        if count is None:
            count = trunks[trunk] = Count()
        count.ended += 1.0
        if answered:
            count.answered += 1.0

    def ripen(self, now: float) -> list[Slot]:
        """The slots that have become complete, oldest first."""
        if now < self.ripe_at:
            return []
        self.ripe_at = now + 1.0
        last = math.floor((now - self.ring_timeout_s - PATIENCE_S) / SLOT_S) - 1
        ripe = [Slot(SLOT_S * number, self.open.pop(number)) for number in sorted(self.open) if number <= last]
        for slot in ripe:
            self._take(slot.began_at, slot.all)
        while self.recent and (
            self.pool.ended - self.recent[0][1].ended >= RECENT_CALLS and self.recent[0][0] < now - RECENT_S
        ):
            _, old = self.recent.popleft()
            self.pool.add(Count(-old.answered, -old.ended))
            self._bounds.clear()
        return ripe

    def assume(self, count: Count) -> None:
        """Take this many calls of an earlier run for the recent ones."""
        self.pool.add(count)
        self.recent.append((-math.inf, Count(count.answered, count.ended)))
        self._bounds.clear()

    def _take(self, began_at: float, count: Count) -> None:
        self._bounds.clear()
        self.recent.append((began_at, count))
        self.pool.add(count)
        if not self.blocks or began_at >= self.blocks[-1][0] + BLOCK_S:
            self.blocks.append((began_at, Count()))
        self.blocks[-1][1].add(count)
        while self.blocks[0][0] < began_at - PEAK_S:
            self.blocks.popleft()
        self.long_run.add(count, math.exp(-SLOT_S / LONG_RUN_S))
        self.complete += count.ended

    def rate_peak(self, errors: float = 1.0, within_s: float = PEAK_S) -> float:
        """The highest answer rate of any half minute that began `within_s` before the newest (`PEAK_S` at most), by a
        lower bound `errors` standard errors down: as far as it is no chance."""
        peak = self._bounds.get((errors, within_s))
        if peak is None:
            since = self.blocks[-1][0] - within_s if self.blocks else 0.0
            recent = [block for began_at, block in self.blocks if began_at >= since]
            peak = max((wilson(block.answered, block.ended, -errors) for block in recent), default=0.0)
            self._bounds[errors, within_s] = peak
        return peak

    def rate_upper(self, errors: float) -> float:
        """An upper bound on the share of calls that are answered, of those that were not refused: of the recent
        complete slots, and never below half of what it was in the long run. 1 where nothing is complete."""
        if self.pool.ended <= 0.0:
            return 1.0
        upper = self._bounds.get((errors,))
        if upper is None:
            long_run = self.long_run.answered / self.long_run.ended if self.long_run.ended > 0.0 else 1.0
            upper = max(wilson(self.pool.answered, self.pool.ended, errors), 0.5 * long_run)
            self._bounds[(errors,)] = upper
        return upper
