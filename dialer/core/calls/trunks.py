"""How many calls a trunk may take now: its channels, its calls per second, and whether it works at all."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

WINDOW_S: Final = 1.0
FAULTS_TO_OPEN: Final = 5
"""So many faults in a row, with no sign of life between them, open the breaker."""

REFUSALS_FOR_A_FAULT: Final = 4
"""A trunk that refuses every call by itself is no better than one that is silent, only harder to tell from bad luck:
20 refusals in a row open the breaker. At 5 % congestion that comes by chance once in 10^26 calls."""

FIRST_REST_S: Final = 10.0
LONGEST_REST_S: Final = 300.0


@dataclass(slots=True)
class TrunkLoad:
    """One trunk's limits and what uses them. `starts` holds the start times of the last second, oldest first.

    The breaker: after `FAULTS_TO_OPEN` faults in a row the trunk rests, then one call probes it; each failed probe
    doubles the rest, any other outcome of a probe ends it. `refusals` are ends in a row that the trunk or its network
    may be to blame for; a few of them count as one fault, and one is enough to fail a probe. While the breaker is open,
    what becomes of calls that started before it opened is old news and changes nothing.
    """

    name: str
    max_cps: float
    max_calls: int
    calls: int = 0
    starts: deque[float] = field(default_factory=deque)
    faults: int = 0
    refusals: int = 0
    rests_until: float = float("-inf")
    opened_at: float = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether the breaker keeps calls away, but for probes."""
        return self.faults >= FAULTS_TO_OPEN

    def room(self, now: float) -> int:
        """How many calls may start at this instant. A limit below one call a second spaces the calls out."""
        if now < self.rests_until:
            return 0
        self._let_go(now)
        per_window = max(1, int(self.max_cps))
        room = max(0, min(per_window - len(self.starts), self.max_calls - self.calls))
        return min(room, 1) if self.is_open else room

    def started_lately(self, now: float) -> int:
        """How many calls started within the last second."""
        self._let_go(now)
        return len(self.starts) if self.max_cps >= 1 else sum([start > now - WINDOW_S for start in self.starts])

    def _let_go(self, now: float) -> None:
        """Forget the starts that no limit looks back to."""
        oldest = now - (WINDOW_S if self.max_cps >= 1 else WINDOW_S / self.max_cps)
        while self.starts and self.starts[0] <= oldest:
            self.starts.popleft()

    def start(self, now: float) -> None:
        """A call takes a channel and a place in the window."""
        self.starts.append(now)
        self.calls += 1
        if self.is_open:
            self._rest(now)  # one probe a rest

    def end(self) -> None:
        """A call gives its channel back; its place in the window stays taken."""
        self.calls -= 1

    def failed(self, now: float, started_at: float) -> None:
        """A call that started at `started_at` ended with a fault of the trunk itself."""
        if self.is_open and started_at < self.opened_at:
            return
        if self.faults == FAULTS_TO_OPEN - 1:
            self.opened_at = now
        self.faults += 1
        if self.is_open:
            self._rest(now)

    def refused(self, now: float, started_at: float) -> None:
        """A call that started at `started_at` was refused on its way, before any phone rang."""
        self.refusals += 1
        if self.is_open or self.refusals % REFUSALS_FOR_A_FAULT == 0:
            self.failed(now, started_at)

    def worked(self, started_at: float) -> None:
        """The far end said something sensible about a call that started at `started_at`."""
        if self.is_open and started_at < self.opened_at:
            return
        self.faults = self.refusals = 0
        self.rests_until = float("-inf")

    def _rest(self, now: float) -> None:
        doublings = min(self.faults - FAULTS_TO_OPEN, 10)
        self.rests_until = now + min(FIRST_REST_S * 2**doublings, LONGEST_REST_S)
