"""Issabel (Elastix) CallCenter: free agents, agents probably free soon, and overcommit by the success rate.

Described from setup/dialer_process/dialer (CampaignProcess, Predictor, ConfigDB; commit 861d2849). It has no control of
abandoned calls at all.

The description leaves open, and here it is so:
- agents in wrap-up are paused members, neither free nor busy;
- an agent whose phone rings counts there as free while the caller still counts as waiting, which cancels out; here
  neither counts;
- the answer time is 8 s until a call is answered, then the mean of all; the duration is the mean of all talks;
- a success is an answered call, and a call counts when it is answered or fails;
- calls awaiting their originate response are those that ring; nothing is scheduled for single agents;
- no limit of channels beside the simulated lines; halves round up, as PHP's do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dialer.sim.baselines.limits import Beat, Recent, decided, idle, placeable
from pacing.api import Ages, CallAnswered, CallFailed, Decision, Forgetful, Observation, Snapshot, TalkEnded


@dataclass(frozen=True, slots=True)
class IssabelSettings:
    """The dialer's configuration with its defaults. `certainty` is q, `extra` the calls forced on top of a need."""

    every_s: float = 5.0
    predictive: bool = True
    overcommit: bool = False
    certainty: float = 0.97
    answer_s: float = 8.0
    calls_needed: int = 10
    least_success_rate: float = 0.20
    window_s: float = 1800.0
    extra: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for shares that are none."""
        if not 0.0 < self.certainty < 1.0 or not 0.0 < self.least_success_rate <= 1.0:
            raise ValueError(
                f"certainty ({self.certainty:g}) and least_success_rate ({self.least_success_rate:g}) are shares"
            )


@dataclass(slots=True)
class Mean:
    """A plain mean of what was seen."""

    count: int = 0
    total: float = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value

    def value(self, otherwise: float) -> float:
        """The mean, or `otherwise` while nothing was seen."""
        return self.total / self.count if self.count else otherwise


def free_soon(talking_age_s: Ages, answer_s: float, talk_s: float, certainty: float) -> int:
    """How many of the busy agents count as free by the time of an answer: 1 - exp(-(e + a)/d) >= q.

    The share of all talks that are shorter than e + a, where the share of those that have lasted e would be needed.
    """
    if talk_s <= 0.0:
        return len(talking_age_s)
    return sum(1.0 - math.exp(-(age_s + answer_s) / talk_s) >= certainty for age_s in talking_age_s)


def overcommitted(calls: int, successes: int, attempts: int, settings: IssabelSettings) -> int:
    """The calls needed for `calls` answers at the recent success rate; no more while too little is known."""
    if attempts < settings.calls_needed or successes < 1:
        return calls
    return math.floor(calls / max(settings.least_success_rate, successes / attempts) + 0.5)


class Issabel(Forgetful):
    """A pacer that looks every 5 s and calls for free agents and those nearly free."""

    def __init__(self, settings: IssabelSettings) -> None:
        self.settings = settings
        self.asks_in_s = settings.every_s
        self.cycle = Beat(settings.every_s)
        self.outcomes = Recent(settings.window_s)
        self.answer_s = Mean()
        self.talk_s = Mean()

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """Learn the means; at the cycle's turn, call."""
        for observation in observations:
            self.observe(observation)
        if snapshot.agents <= 0:
            return idle(snapshot)
        now = snapshot.now
        if not self.cycle.due(now):
            return decided(0, f"the next look is in {self.cycle.wait_s(now):.1f} s")
        soon = self.soon(snapshot)
        calls = max(0, snapshot.ready + soon - len(snapshot.waiting_age_s))
        if calls > 0:
            calls += self.settings.extra
        calls = max(0, calls - len(snapshot.ringing_age_s))
        if self.settings.overcommit:
            attempts = self.outcomes.count(now)
            calls = overcommitted(calls, self.outcomes.successes, attempts, self.settings)
        dial = placeable(calls, snapshot)
        return decided(dial, f"{snapshot.ready} free, {soon} free soon, {calls} calls needed")

    def observe(self, observation: Observation) -> None:
        if isinstance(observation, CallAnswered):
            self.answer_s.add(observation.ring_s)
            self.outcomes.add(observation.at, True)
        elif isinstance(observation, CallFailed):
            self.outcomes.add(observation.at, False)
        elif isinstance(observation, TalkEnded):
            self.talk_s.add(observation.talk_s)

    def soon(self, snapshot: Snapshot) -> int:
        """Busy agents that count as nearly free; none before enough calls are completed."""
        settings = self.settings
        if not settings.predictive or self.talk_s.count < settings.calls_needed:
            return 0
        answer_s = self.answer_s.value(settings.answer_s)
        return free_soon(snapshot.talking_age_s, answer_s, self.talk_s.value(0.0), settings.certainty)

    def learnt(self) -> dict[str, float]:
        """The means of answer time and talk."""
        return {"answer_s": self.answer_s.value(self.settings.answer_s), "talk_s": self.talk_s.value(0.0)}
