"""Impact Dialing: every minute, try six ratios in a small simulation of the next four, and keep the best.

Described from app/models/simulated_values.rb, predictive.rb and lib/scheduler/predictive.rb (commit 1e585bcd).

The description leaves open, and here it is so:
- "callers on call" are agents at work (ready, talking or wrapping up), "available" the ready ones, "presented" the
  calls that wait;
- the attempts are the last 100 of the last half hour (Impact fixes the beginning at its process's start: a defect);
- an answered attempt's talk is drawn from the last 100 talks, for no observation tells which talk was which call's;
- sampling is with replacement; fractions of calls are cut off; of equal ratios the smallest is kept; 1 if none is
  acceptable;
- within a simulated second: calls end, calls are answered, calls are dialled, busy agents are counted. Wrap-up does
  not count as use;
- the campaign's lifetime of answered and abandoned calls is the snapshot's ledger.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from dialer.sim.baselines.limits import Beat, Recent, decided, idle, placeable, unserved
from pacing.api import CallAnswered, CallFailed, Decision, Forgetful, Observation, Snapshot, TalkEnded

ANSWER_RING_S = 10
NO_ANSWER_RING_S = 15
WRAPUP_S = 5
SIMULATED_S = 240
CANDIDATES = 6


@dataclass(frozen=True, slots=True)
class ImpactSettings:
    """One campaign with the defaults. `acceptable_rate` is a share of live answers, `most_ratio` the admin's limit."""

    acceptable_rate: float = 0.03
    most_ratio: float = 4.0
    least_callers: int = 5
    least_attempts: int = 50
    attempts_kept: int = 100
    window_s: float = 1800.0
    pick_every_s: float = 60.0
    dial_every_s: float = 1.0
    idle_after_s: float = 600.0
    over_limit_factor: float = 0.75
    seed: int = 1

    def __post_init__(self) -> None:
        """Raises ValueError for a rate that is no share or a limit below one call for each agent."""
        if not 0.0 <= self.acceptable_rate <= 1.0:
            raise ValueError(f"acceptable_rate is {self.acceptable_rate:g}, it must be a share")
        if self.most_ratio < 1.0:
            raise ValueError(f"most_ratio is {self.most_ratio:g}, it must be at least 1")


@dataclass(frozen=True, slots=True)
class Trial:
    """What a ratio came to: shares of the agents' time in use and of the answered calls abandoned."""

    use: float
    abandon_rate: float


def candidates(attempts: int, answered: int) -> list[float]:
    """The ratios to try: up to as many calls as one answer takes, in sixths, never below 1."""
    return [max(1.0, attempts / answered * k / CANDIDATES) for k in range(1, CANDIDATES + 1)]


def try_ratio(ratio: float, callers: int, answer_rate: float, talks_s: Sequence[float], dice: Random) -> Trial:
    """Play four minutes from a floor where everybody is idle. An answered call without an idle agent is abandoned."""
    # By second; the tail stays 0, and a wrap-up that would end before the beginning looks there.
    answers, no_answers, ends = ([0] * (SIMULATED_S + NO_ANSWER_RING_S + WRAPUP_S) for _ in range(3))
    idle, ringing, on_call = callers, 0, 0
    answered = abandoned = used_s = 0
    for second in range(SIMULATED_S):
        on_call -= ends[second]
        idle += ends[second - WRAPUP_S]
        ringing -= answers[second] + no_answers[second]
        served = min(idle, answers[second])
        for _ in range(served):
            end = second + max(1, round(dice.choice(talks_s)))
            if end < SIMULATED_S:
                ends[end] += 1
        idle -= served
        on_call += served
        answered += answers[second]
        abandoned += answers[second] - served
        fresh = max(0, math.floor(idle * ratio) - ringing)
        to_answer = 0
        for _ in range(fresh):
            to_answer += dice.random() < answer_rate
        answers[second + ANSWER_RING_S] += to_answer
        no_answers[second + NO_ANSWER_RING_S] += fresh - to_answer
        ringing += fresh
        used_s += on_call
    return Trial(used_s / (callers * SIMULATED_S), abandoned / answered if answered else 0.0)


def best_ratio(
    callers: int, outcomes: Sequence[bool], talks_s: Sequence[float], acceptable_rate: float, dice: Random
) -> float:
    """The ratio with the most use among those whose abandon rate is acceptable. `outcomes`: whether answered."""
    answered = sum(outcomes)
    if not answered or not talks_s:
        return 1.0
    best, most_use = 1.0, -1.0
    for ratio in candidates(len(outcomes), answered):
        trial = try_ratio(ratio, callers, answered / len(outcomes), talks_s, dice)
        if trial.abandon_rate < acceptable_rate and trial.use > most_use:
            best, most_use = ratio, trial.use
    return best


class Impact(Forgetful):
    """A pacer that picks a ratio by simulation every minute and dials by it every second."""

    def __init__(self, settings: ImpactSettings) -> None:
        self.settings = settings
        self.asks_in_s = settings.dial_every_s
        self.dice = Random(settings.seed)
        self.picking = Beat(settings.pick_every_s)
        self.dialling = Beat(settings.dial_every_s)
        self.outcomes = Recent(settings.window_s)
        self.talks_s: deque[float] = deque(maxlen=settings.attempts_kept)
        self.best = 1.0
        self.dialled_at = -math.inf

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """Remember outcomes; pick a ratio when the minute is over; dial when the second is."""
        for observation in observations:
            if isinstance(observation, CallAnswered | CallFailed):
                self.outcomes.add(observation.at, isinstance(observation, CallAnswered))
            elif isinstance(observation, TalkEnded):
                self.talks_s.append(observation.talk_s)
        if snapshot.agents <= 0:
            return idle(snapshot)
        now = snapshot.now
        if self.picking.due(now):
            self.best = self.picked(snapshot)
        if not self.dialling.due(now):
            return decided(0, f"the next look is in {self.dialling.wait_s(now):.1f} s")
        factor = self.factor(snapshot)
        in_flight = unserved(snapshot)
        calls = math.trunc(factor * snapshot.ready - in_flight)
        if calls > self.settings.most_ratio * snapshot.ready:
            calls = snapshot.ready - in_flight
        dial = placeable(calls, snapshot)
        if dial:
            self.dialled_at = now
        return decided(dial, f"{snapshot.ready} ready, {in_flight} in flight, ratio {factor:.2f}")

    def picked(self, snapshot: Snapshot) -> float:
        """The ratio for the next minute; 1 for few agents or few attempts."""
        settings = self.settings
        attempts = min(settings.attempts_kept, self.outcomes.count(snapshot.now))
        if snapshot.agents < settings.least_callers or attempts < settings.least_attempts:
            return 1.0
        recent = [answered for _, answered in islice(reversed(self.outcomes.events), attempts)]
        return best_ratio(snapshot.agents, recent, self.talks_s, settings.acceptable_rate, self.dice)

    def factor(self, snapshot: Snapshot) -> float:
        """Lines for each ready agent now: the picked ratio, less while the abandon rate is over the acceptable."""
        settings, ledger = self.settings, snapshot.ledger
        if snapshot.now - self.dialled_at > settings.idle_after_s:
            return 1.0
        best = min(self.best, settings.most_ratio)
        if ledger.abandoned > settings.acceptable_rate * ledger.answered:
            return max(1.0, settings.over_limit_factor * best)
        return best

    def learnt(self) -> dict[str, float]:
        """The ratio picked last, in lines for each ready agent."""
        return {"best_ratio": self.best}
