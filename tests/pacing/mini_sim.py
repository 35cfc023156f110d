"""A small call centre in virtual time: an event heap, a seed, and a pacer that is asked after every event.

The law of everything: lognormal talk (mean 120 s, CV 1) and wrap-up (mean 30 s, CV 0.7), 2 s post-dial delay and
lognormal ringing (mean 9 s, CV 0.5), 22 s no-answer time-out, failures 60/25/15 % no answer / machine (recognised at
once) / fast failure, 2 s grace, calls are never cancelled. Events within 100 ms are seen by the pacer together, and it
is asked at least once a second.
"""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass, field

from pacing.face import (
    CallAbandoned,
    CallAnswered,
    CallFailed,
    Ledger,
    Observation,
    Pacer,
    Snapshot,
    TalkEnded,
    WrapupEnded,
)

TIMEOUT_S = 22.0


@dataclass(frozen=True, slots=True)
class Floor:
    """One call centre and one campaign."""

    agents: int
    probability: float
    hours: float
    talk_mean_s: float = 120.0
    wrapup_mean_s: float = 30.0
    grace_s: float = 2.0
    window_s: float = math.inf  # the ledger starts anew this often
    drift_at_s: float = math.inf  # from here on calls are answered with `drift_probability`
    drift_probability: float = 0.1
    break_at_s: float = math.inf  # from here `break_share` of the agents leave as soon as they are not busy
    back_at_s: float = math.inf  # and here they all come back together
    break_share: float = 0.4


@dataclass
class Outcome:
    """What came out of a run; `utilisation` counts from the start, the learning included. Excess is in calls."""

    utilisation: float = 0.0
    answered: int = 0
    abandoned: int = 0
    dialled: int = 0
    worst_excess: float = 0.0
    over_cap_s: float = 0.0
    windows: list[Ledger] = field(default_factory=list)

    @property
    def abandon_rate(self) -> float:
        return self.abandoned / max(1, self.answered)


def lognormal(rng: random.Random, mean: float, variation: float) -> float:
    sigma2 = math.log1p(variation * variation)
    return rng.lognormvariate(math.log(mean) - sigma2 / 2, math.sqrt(sigma2))


class Centre:
    """Agents and calls under one seed: who is where since when, and a heap of events (time, serial, what, who)."""

    def __init__(self, floor: Floor, seed: int) -> None:
        self.floor = floor
        self.rng = random.Random(seed)
        self.now = 0.0
        self.ready = list(range(floor.agents))
        self.paused: list[int] = []
        self.leaving: set[int] = set()
        self.talking: dict[int, float] = {}
        self.wrapping: dict[int, float] = {}
        self.ringing: dict[int, float] = {}
        self.waiting: dict[int, float] = {}
        self.answered = self.abandoned = self.dialled = 0
        self.busy_s = self.serial = 0.0
        self.observed: list[Observation] = []
        self.heap: list[tuple[float, float, str, int]] = [(0.0, 0.0, "tick", 0)]
        if math.isfinite(floor.break_at_s):
            self.push(floor.break_at_s, "on_break", 0)
            self.push(floor.back_at_s, "back", 0)

    def push(self, at: float, what: str, who: int) -> None:
        self.serial += 1
        heapq.heappush(self.heap, (at, self.serial, what, who))

    def advance(self) -> None:
        """Play the next event."""
        at, _, what, who = heapq.heappop(self.heap)
        self.busy_s += (at - self.now) * (len(self.talking) + len(self.wrapping))
        self.now = at
        getattr(self, what)(who)

    def dial(self, count: int) -> None:
        floor, rng, now = self.floor, self.rng, self.now
        chance = floor.probability if now < floor.drift_at_s else floor.drift_probability
        for _ in range(count):
            self.dialled += 1
            self.ringing[self.dialled] = now
            if rng.random() < chance:
                self.push(now + min(2.0 + lognormal(rng, 9.0, 0.5), TIMEOUT_S), "answer", self.dialled)
                continue
            kind = rng.random()
            if kind < 0.6:
                ring_s = TIMEOUT_S
            elif kind < 0.85:
                ring_s = min(2.0 + lognormal(rng, 13.0, 0.3), TIMEOUT_S)
            else:
                ring_s = rng.uniform(1.0, 3.0)
            self.push(now + ring_s, "fail", self.dialled)

    def serve(self) -> None:
        agent = self.ready.pop(0)
        self.talking[agent] = self.now
        self.push(self.now + lognormal(self.rng, self.floor.talk_mean_s, 1.0), "talk_end", agent)

    def tick(self, _: int) -> None:
        self.push(self.now + 1.0, "tick", 0)

    def answer(self, call: int) -> None:
        self.observed.append(CallAnswered(self.now, self.now - self.ringing.pop(call)))
        self.answered += 1
        if self.ready and not self.waiting:
            self.serve()
        else:
            self.waiting[call] = self.now
            self.push(self.now + self.floor.grace_s, "grace", call)

    def fail(self, call: int) -> None:
        self.observed.append(CallFailed(self.now, self.now - self.ringing.pop(call)))

    def grace(self, call: int) -> None:
        if self.waiting.pop(call, None) is not None:
            self.abandoned += 1
            self.observed.append(CallAbandoned(self.now))

    def talk_end(self, agent: int) -> None:
        self.observed.append(TalkEnded(self.now, self.now - self.talking.pop(agent)))
        self.wrapping[agent] = self.now
        self.push(self.now + lognormal(self.rng, self.floor.wrapup_mean_s, 0.7), "wrap_end", agent)

    def wrap_end(self, agent: int) -> None:
        self.observed.append(WrapupEnded(self.now, self.now - self.wrapping.pop(agent)))
        (self.paused if agent in self.leaving else self.ready).append(agent)
        if self.waiting and self.ready:
            del self.waiting[next(iter(self.waiting))]
            self.serve()

    def on_break(self, _: int) -> None:
        self.leaving = set(range(round(self.floor.break_share * self.floor.agents)))
        self.paused = [agent for agent in self.ready if agent in self.leaving]
        self.ready = [agent for agent in self.ready if agent not in self.leaving]

    def back(self, _: int) -> None:
        self.leaving = set()
        self.ready += self.paused
        self.paused = []

    def snapshot(self) -> Snapshot:
        now = self.now
        return Snapshot(
            now=now,
            ready=len(self.ready),
            talking_age_s=tuple(now - t for t in self.talking.values()),
            wrapup_age_s=tuple(now - t for t in self.wrapping.values()),
            paused=len(self.paused),
            ringing_age_s=tuple(now - t for t in self.ringing.values()),
            waiting_age_s=tuple(now - t for t in self.waiting.values()),
            lines_free=10_000,
            leads_available=10_000,
            ledger=Ledger(self.answered, self.abandoned),
        )


def run(floor: Floor, pacer: Pacer, seed: int, cap: float = 0.03) -> Outcome:
    """Play `floor` under `seed` with `pacer` deciding; `cap` only for the count of seconds and calls over it."""
    centre = Centre(floor, seed)
    out = Outcome()
    end_s = floor.hours * 3600.0
    window_end_s = floor.window_s
    while centre.heap[0][0] <= end_s:
        if centre.abandoned > cap * centre.answered:
            out.over_cap_s += centre.heap[0][0] - centre.now
        batch_end_s = min(centre.heap[0][0] + 0.1, end_s)
        while centre.heap[0][0] <= batch_end_s:
            centre.advance()
        if centre.now >= window_end_s:
            out.windows.append(Ledger(centre.answered, centre.abandoned))
            centre.answered = centre.abandoned = 0
            window_end_s += floor.window_s
        out.worst_excess = max(out.worst_excess, centre.abandoned - cap * centre.answered)
        decision = pacer.step(tuple(centre.observed), centre.snapshot())
        centre.observed.clear()
        centre.dial(decision.dial)
    out.windows.append(Ledger(centre.answered, centre.abandoned))
    out.answered = sum(window.answered for window in out.windows)
    out.abandoned = sum(window.abandoned for window in out.windows)
    out.dialled = centre.dialled
    out.utilisation = centre.busy_s / (floor.agents * end_s)
    return out
