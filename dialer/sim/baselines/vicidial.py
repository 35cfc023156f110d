"""VICIdial: the placer's loop, under a dial level that its controller moves.

Described from bin/AST_VDauto_dial.pl (SVN r3884): sleep 2.5 s, count agents and calls, place what is missing one by one
with 1/CPS between them, and count again only after the last.

Where the simulated floor decides for every policy alike, VICIdial's own is not modelled: its drop timer of 5 s and the
polling for an agent (the simulator's grace and hand-over hold), its dial timeout of 60 s, its 23 trunks per server. A
shorter grace than 5 s shows the controller fewer waiting calls, and they are what lowers the level below the limit.
One dialer server, no blended inbound. Agents whose customer has hung up wrap up here at once, so none is "dead".

The description leaves open, and here it is so: the loop begins with its sleep; halves round to even, as C's printf
does; calls for which no line or lead is left when their turn comes are lost to that round; a round ends early where
no agent is left (VICIdial would go on). It should be asked at least every 2.5 s: what of a round is still to be placed
when the next may begin is counted anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dialer.sim.baselines.limits import CLOSE_S, decided, idle, placeable, unserved
from dialer.sim.baselines.vicidial_level import Level, Method, VicidialSettings
from pacing.api import Decision, Forgetful, Observation, Snapshot

ROUND_SLEEP_S = 2.5
MOST_CALLS_PER_SECOND = 200.0
FALLBACK_INTERVAL_S = 0.025  # where the rate is 0 or above the most
ASKS_EVERY_S = 0.4  # while calls are due one by one: at 5 a second, two come due together


@dataclass(slots=True)
class Round:
    """One round of the placer: `calls` calls from `started_at` on, one every `interval_s`, then the sleep."""

    started_at: float
    calls: int
    interval_s: float
    placed: int = 0

    @property
    def next_at(self) -> float:
        """When the next round may begin."""
        return self.started_at + self.calls * self.interval_s + ROUND_SLEEP_S

    def due(self, now: float) -> int:
        """How many more calls have come due; they count as placed."""
        turns = math.floor((now - self.started_at + CLOSE_S) / self.interval_s) + 1
        due = min(self.calls, turns) - self.placed
        self.placed += due
        return due


def interval_s(settings: VicidialSettings) -> float:
    """Seconds between two calls of a round."""
    rate = settings.calls_per_second
    return 1.0 / rate if 0.0 < rate <= MOST_CALLS_PER_SECOND else FALLBACK_INTERVAL_S


def missing(level: float, settings: VicidialSettings, snapshot: Snapshot) -> int:
    """How many calls a round would make, before lines and leads: the goal less what exists."""
    connected = len(snapshot.talking_age_s)
    agents = snapshot.ready if settings.available_only else snapshot.ready + connected
    if settings.target_in_calls:
        agents += settings.difference_target
    goal = round(level * max(0, agents))
    if settings.available_only:
        goal += connected
    return max(0, goal - unserved(snapshot) - connected)


class Vicidial(Forgetful):
    """A pacer that keeps level x agents calls alive, by rounds."""

    def __init__(self, settings: VicidialSettings) -> None:
        self.settings = settings
        self.asks_in_s = ASKS_EVERY_S
        self.level = Level(settings)
        self.round: Round | None = None

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """Move the level if its time has come; place what the round in hand has due, or begin the next."""
        now = snapshot.now
        self.level.observe(observations, now)
        self.level.look(snapshot)
        if snapshot.agents <= 0:
            self.round, self.asks_in_s = None, ASKS_EVERY_S
            return idle(snapshot)
        if self.round is None:
            self.round = Round(now, 0, interval_s(self.settings))
        if now >= self.round.next_at - CLOSE_S:
            calls = placeable(missing(self.level.value, self.settings, snapshot), snapshot)
            self.round = Round(now, calls, interval_s(self.settings))
        dial = placeable(self.round.due(now), snapshot)
        self.asks_in_s = self.wait_s(self.round, now)
        return decided(dial, self.why(self.round, now))

    def wait_s(self, current: Round, now: float) -> float:
        """Seconds until there is something to do: a call of the round, the next round, or the controller's turn."""
        if current.placed < current.calls:
            return ASKS_EVERY_S
        wait_s = current.next_at - now
        if self.settings.method is not Method.RATIO:
            wait_s = min(wait_s, self.level.sampling.wait_s(now))
        return max(CLOSE_S, wait_s)

    def why(self, current: Round, now: float) -> str:
        """Where the placer stands."""
        level = f"dial level {self.level.value:.3g}"
        if current.placed < current.calls:
            return f"{current.placed} of {current.calls} calls of this round placed, {level}"
        return f"the placer counts again in {max(0.0, current.next_at - now):.1f} s, {level}"

    def learnt(self) -> dict[str, float]:
        """The dial level, in lines for each agent."""
        return {"dial_level": self.level.value}
