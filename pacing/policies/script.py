"""Script: calls that callees go through by themselves, some of which come to ask for an agent.

Without a transfer nothing bounds the calls but lines and leads. With one, the calls in the air are as many as the
ready agents bear: were everybody to ask at once, at most the cap's share of those who ask would find no agent. How many
ask is learnt, and taken for higher than it seems; until enough is known each call has an agent of its own. Agents who
may come free meanwhile are not counted on, so what is lost is less than that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from pacing.api import (
    Brake,
    CallFailed,
    Decision,
    Guarantee,
    Memory,
    Observation,
    Rule,
    ScriptEnded,
    Settings,
    Snapshot,
)
from pacing.governor import Governed, budget_spent, covered, guaranteed, ledgers, limit
from pacing.reasons import simple

ERRORS_DOUBTED: Final = 2.0
"""Standard errors by which the share of those who ask is taken for higher than it was so far."""

REMEMBERED: Final = 5_000.0
"""About how many ended calls are remembered; the share may change in the course of a day."""


_COUNTS: Final = ("script_calls", "script_ends", "script_asks")


class Script:
    """The pacer of mode script. `memory` has what an earlier one counted."""

    def __init__(self, settings: Settings, before: Memory | None = None) -> None:
        self.settings = settings
        self.calls, self.scripts, self.asked = (_count(before, name) for name in _COUNTS)

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """As many calls as lines, leads and, with a transfer, agents bear."""
        self._learn(observations)
        if not self.settings.needs_agents:
            return simple(_lines(snapshot, self.settings), self.settings, snapshot, Rule.SCRIPT, in_script=0.0)
        most = limit(self.settings, snapshot)
        bound = self._bound(snapshot)
        governed = min(most, bound, key=lambda each: each.dial)
        return simple(
            governed,
            self.settings,
            snapshot,
            Rule.SCRIPT,
            in_script=snapshot.in_script,
            asks_upper=self._upper(self.calls),
        )

    def learnt(self) -> dict[str, float]:
        """The shares of those who ask for an agent."""
        return {
            "asks_per_call": self.asked / self.calls if self.calls else 0.0,
            "asks_per_answer": self.asked / self.scripts if self.scripts else 0.0,
        }

    def memory(self) -> Memory:
        """The counts."""
        return dict(zip(_COUNTS, (self.calls, self.scripts, self.asked), strict=True))

    def _learn(self, observations: Sequence[Observation]) -> None:
        for observation in observations:
            match observation:
                case CallFailed():
                    self.calls += 1
                case ScriptEnded(_, wanted_agent):
                    self.calls, self.scripts = self.calls + 1, self.scripts + 1
                    self.asked += wanted_agent
        if self.calls > REMEMBERED:
            self.calls, self.scripts, self.asked = (each / 2 for each in (self.calls, self.scripts, self.asked))

    def _upper(self, of: float) -> float:
        """The share of `of` that may ask, by an upper bound."""
        asked = self.asked + 1.0
        return min(1.0, (asked + ERRORS_DOUBTED * math.sqrt(asked)) / of) if of else 1.0

    def _bound(self, snapshot: Snapshot) -> Governed:
        """What agents and abandonment budget bear."""
        safe = covered(snapshot)
        cap = self.settings.max_abandon_rate
        if budget_spent(cap, snapshot):
            return Governed(safe, Brake.BUDGET)
        asks_most = most_asks(
            snapshot.ready - len(snapshot.waiting_age_s), min(each for each, _ in ledgers(cap, snapshot))
        )
        ringing = len(snapshot.ringing_age_s) - snapshot.in_script
        asks = ringing * self._upper(self.calls) + snapshot.in_script * self._upper(self.scripts)
        dial = max(safe, math.floor((asks_most - asks) / self._upper(self.calls)))
        if self.settings.guarantee is Guarantee.HARD:
            firm = max(safe, guaranteed(cap, snapshot))
            if firm < dial:
                return Governed(firm, Brake.GUARANTEE)
        return Governed(dial, Brake.EXPOSURE)


def _lines(snapshot: Snapshot, settings: Settings) -> Governed:
    if snapshot.staffed_s < settings.ring_timeout_s:
        return Governed(0, Brake.SHIFT_END)
    choices = ((snapshot.leads_available, Brake.NO_LEAD), (snapshot.lines_free, Brake.NO_LINE))
    most, brake = min(choices, key=lambda choice: choice[0])
    return Governed(max(0, most), brake)


def lost_share(asks: float, agents: int) -> float:
    """The share of those who ask, a Poisson number with the mean `asks`, that `agents` cannot serve:
    E[(X - n)+] / E[X] = P(X >= n) - n P(X > n) / mean."""
    if asks <= 0.0:
        return 0.0
    term = math.exp(-asks)  # P(X = k)
    below = 0.0  # P(X < k)
    for k in range(agents):
        below += term
        term *= asks / (k + 1)
    at_least = max(0.0, 1.0 - below)
    return max(0.0, at_least - agents * max(0.0, at_least - term) / asks)


def most_asks(agents: int, cap: float) -> float:
    """How many may be expected to ask so that at most the share `cap` of them finds no agent; 0 without agents."""
    if agents <= 0:
        return 0.0
    low, high = 0.0, min(2.0 * agents + 1.0, 600.0)  # beyond 700 the exponential of the sum is nought
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if lost_share(middle, agents) <= cap else (low, middle)
    return low


def _count(before: Memory | None, name: str) -> float:
    value = (before or {}).get(name)
    return float(value) if isinstance(value, int | float) and 0 <= value <= 2 * REMEMBERED else 0.0
