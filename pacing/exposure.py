"""What may be lost, bounded by counts alone: the limit that holds whatever the forecast believes.

    answers to come, at an upper bound of the answer rate     no more than
    ready agents - waiting calls + agents who surely come free + what is left of every counting window's budget

The upper bound is counted over calls that began at least a ring time ago, so that no order of ends deceives it, and is
no lower than the rate of any half minute of late that was no chance: what came once may come again. With a budget spent
less doubt is given, and the last quarter of an hour counts. Calls in flight may double in a ring time, and no faster.
Until enough calls have had their whole ring time, and while a window is overdrawn by more than `overdraft`, only
covered calls start.

What this gives, for any behaviour of callees: at every moment, in a window that only grows (a day, a month),

    abandoned <= cap * answered + overdraft + the most uncovered calls ever in flight

Uncovered are as many of the calls that ring or wait as there are more than ready agents. An answer, a failure, a call
that vanishes, an agent who comes free: none makes them more, only a start does, and a call that is abandoned is one of
them. Beyond the overdraft no uncovered call starts, so what is lost from then on was in flight. They are at most
`max_calls_per_agent` for each agent, so the bound has a figure before the first call. `overdraft` is that of the most
agents who have worked. What is not callees' doing comes on top: one call for each agent who leaves, or whose phone
fails, while calls are in flight. A property test plays callees who choose.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from pacing.api import Brake, Settings, Snapshot
from pacing.governor import Governed, covered, slack_calls, tightest
from pacing.learning.starts import PATIENCE_S, SLOT_S, Starts

COMPLETE_CALLS: Final = 20
"""Progressive until so many calls have had their whole ring time."""

ERRORS: Final = 1.64
"""Standard errors of the bounds: one in twenty is beyond."""

LATELY_S: Final = 450.0
"""So far back a busy half minute is reckoned with, budget or not: where the answer rate goes up and down by turns, the
mean of the recent calls is never the rate of the next ones."""

FREED_WITHIN_S: Final = 30.0
MEAN_RING_SHARE: Final = 0.8
"""A call rings for so much of its time-out on average; agents who come free in that time can take an answer."""

GROWTH: Final = 2.0
"""Calls in flight may become so many times what they were a ring time ago."""

LEAST_OVERDRAFT: Final = 3.0
OVERDRAFT_SHARE: Final = 0.5
"""The overdraft in calls for each working agent."""


def overdraft(agents: int) -> float:
    """By how many calls a window may be overdrawn before only covered calls start. To stop at once would cost more
    than it saves: agents without calls bring no answers, and answers are what an overdrawn window needs."""
    return max(LEAST_OVERDRAFT, OVERDRAFT_SHARE * agents)


@dataclass(slots=True)
class Exposure:
    """The counts of one campaign. `peaks` are the most calls in flight by slots of time, the
    newest last, `before` the most of a ring time ago. `figures` are those of the last limit, for the reason."""

    ring_timeout_s: float
    freed: deque[float] = field(default_factory=lambda: deque(maxlen=4096))
    peaks: deque[tuple[float, int]] = field(default_factory=deque)
    before: int = 0
    figures: dict[str, float] = field(default_factory=dict)

    def came_free(self, at: float) -> None:
        """An agent's talk has ended."""
        self.freed.append(at)

    def look(self, snapshot: Snapshot) -> None:
        """Take the snapshot's calls in flight into the peaks, and drop what is older than the windows."""
        now, in_flight = snapshot.now, len(snapshot.ringing_age_s) + len(snapshot.waiting_age_s)
        while self.freed and self.freed[0] < now - FREED_WITHIN_S:
            self.freed.popleft()
        if self.peaks and now < self.peaks[-1][0] + SLOT_S:
            at, peak = self.peaks[-1]
            self.peaks[-1] = (at, max(peak, in_flight))
            return
        self.peaks.append((now, in_flight))
        ring_s = self.ring_timeout_s + PATIENCE_S
        while self.peaks[0][0] < now - 2.0 * ring_s:
            self.peaks.popleft()
        self.before = max((peak for at, peak in self.peaks if at <= now - ring_s), default=0)

    def freed_lower(self) -> float:
        """How many agents surely come free while a call rings, by a lower bound on the talks that ended lately."""
        seen = len(self.freed)
        surely = max(0.0, seen - ERRORS * math.sqrt(seen))
        return surely * MEAN_RING_SHARE * self.ring_timeout_s / FREED_WITHIN_S

    def limit(self, settings: Settings, snapshot: Snapshot, starts: Starts, rate_upper: float) -> Governed:
        """The most calls that may start, and which of the limits it is. `rate_upper` is the forecast's own upper bound
        of the answer rate: the larger of the two holds."""
        ringing, waiting = len(snapshot.ringing_age_s), len(snapshot.waiting_age_s)
        safe = covered(snapshot)
        window = tightest(settings.max_abandon_rate, snapshot)
        slack = slack_calls(window.cap, window.ledger)
        self.figures = {}
        if slack < -overdraft(snapshot.agents):
            return Governed(safe, Brake.BUDGET)
        peak = starts.rate_peak() if slack <= 0.0 else starts.rate_peak(ERRORS, LATELY_S)
        rate = max(rate_upper, starts.rate_upper(ERRORS), peak)
        left = max(0.0, slack + 1.0)  # with no slack, the one call that a window's first answer may cost
        answers = snapshot.ready - waiting + self.freed_lower() + left
        may_start = max(safe, math.floor(answers / rate - ringing))
        most = math.floor(GROWTH * max(snapshot.agents, self.before))
        may_grow = max(safe, most - ringing - waiting)
        if may_grow < may_start:
            self.figures = {"calls_most": most}
            return Governed(may_grow, Brake.GROWTH)
        self.figures = {"answer_rate_upper": rate, "answers_most": max(0.0, answers)}
        return Governed(may_start, Brake.EXPOSURE)
