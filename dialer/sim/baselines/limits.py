"""What every baseline obeys, and the clock of those that look only now and then."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from pacing.api import Brake, Decision, Reason, Rule, Snapshot

# Float sums of tenths of a second fall a hair short of the whole second.
CLOSE_S = 1e-6
# The most events kept of one rolling window: half an hour at 50 calls a second.
EVENTS_KEPT = 90_000


def placeable(calls: int, snapshot: Snapshot) -> int:
    """What of the wanted calls may start: never more than lines or leads, and none without a working agent."""
    if snapshot.agents <= 0:
        return 0
    return max(0, min(calls, snapshot.lines_free, snapshot.leads_available))


def decided(dial: int, text: str) -> Decision:
    """A decision with a text of the policy's own."""
    return Decision(dial, Reason(Rule.OTHER, text=text))


def idle(snapshot: Snapshot) -> Decision:
    """No call, for no agent is working."""
    figures = {"paused": float(snapshot.paused)}
    return Decision(0, Reason(Rule.OTHER, Brake.NO_AGENT, figures))


def unserved(snapshot: Snapshot) -> int:
    """Calls that ring or wait, in calls: in flight without an agent."""
    return len(snapshot.ringing_age_s) + len(snapshot.waiting_age_s)


@dataclass(slots=True)
class Beat:
    """A loop that sleeps `every_s` between its turns; the first turn is at once, or at `next_at`."""

    every_s: float
    next_at: float = -math.inf

    def due(self, now: float) -> bool:
        """Whether a turn is due; if so, the sleep begins anew. Turns missed while nobody asked are not made up."""
        if now < self.next_at - CLOSE_S:
            return False
        self.next_at = now + self.every_s
        return True

    def wait_s(self, now: float) -> float:
        """Seconds to the next turn."""
        return max(0.0, self.next_at - now)


@dataclass(slots=True)
class Recent:
    """Outcomes of the last `window_s`: when, and whether it was a success."""

    window_s: float
    events: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    successes: int = 0

    def add(self, at: float, success: bool) -> None:
        """One more outcome; the oldest gives way where there are too many."""
        if len(self.events) == EVENTS_KEPT:
            self.successes -= self.events[0][1]
        self.events.append((at, success))
        self.successes += success

    def count(self, now: float) -> int:
        """How many there are; those older than the window are forgotten here."""
        while self.events and self.events[0][0] <= now - self.window_s:
            self.successes -= self.events.popleft()[1]
        return len(self.events)
