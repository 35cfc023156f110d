"""How often somebody may try to sign in. Pure: times are monotonic seconds."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

MOST_KEYS: Final = 10_000
"""Names and addresses that are remembered; the one that has tried least lately is forgotten first."""


@dataclass(slots=True)
class Throttle:
    """A bucket for each key: `burst` tries at once, then one every `each_s` seconds."""

    burst: int
    each_s: float
    _full_at: OrderedDict[str, float] = field(default_factory=OrderedDict)  # when the bucket of a key is full again

    def wait_s(self, key: str, now: float) -> float:
        """How long the key has to wait for its next try; 0: it may try now."""
        full_at = self._full_at.get(key, now)
        return max(0.0, full_at - now - (self.burst - 1) * self.each_s)

    def count(self, key: str, now: float) -> None:
        """A try was made, and failed."""
        self._full_at[key] = max(self._full_at.get(key, now), now) + self.each_s
        self._full_at.move_to_end(key)
        if len(self._full_at) > MOST_KEYS:
            self._full_at.popitem(last=False)

    def take_back(self, key: str) -> None:
        """The last try was right: it does not count, those before it do."""
        if key in self._full_at:
            self._full_at[key] -= self.each_s

    def forgive(self, key: str) -> None:
        """A try was right: those before it do not count."""
        self._full_at.pop(key, None)
