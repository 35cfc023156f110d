"""A small call centre in virtual time: an event heap, a seed, and a pacer that is asked after every event.

The law of everything is section A.4 (vii) of the reference notes: lognormal talk (mean 120 s, CV 1) and wrap-up (mean
30 s, CV 0.7), 2 s post-dial delay and lognormal ringing (mean 9 s, CV 0.5), 22 s no-answer time-out, failures 60/25/15 %
no answer / machine (recognised at once) / fast failure, 2 s grace, calls are never cancelled. Events within 100 ms are
seen by the pacer together, and it is asked at least once a second.
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


@dataclass
class Outcome:
    """What came out of a run; `utilisation` counts from the start, the learning included."""

    utilisation: float = 0.0
    answered: int = 0
    abandoned: int = 0
    dialled: int = 0
    worst_excess: float = 0.0
    over_cap_s: float = 0.0
    windows: list[Ledger] = field(default_factory=list)
    by_quarter: list[tuple[int, int]] = field(default_factory=list)

    @property
    def abandon_rate(self) -> float:
        return self.abandoned / max(1, self.answered)


def lognormal(rng: random.Random, mean: float, variation: float) -> float:
    sigma2 = math.log1p(variation * variation)
    return rng.lognormvariate(math.log(mean) - sigma2 / 2, math.sqrt(sigma2))


@dataclass
class State:
    """Who is where since when; values are start times."""

    ready: list[int]
    talking: dict[int, float] = field(default_factory=dict)
    wrapping: dict[int, float] = field(default_factory=dict)
    ringing: dict[int, float] = field(default_factory=dict)
    waiting: dict[int, float] = field(default_factory=dict)
    answered: int = 0
    abandoned: int = 0

    def snapshot(self, now: float) -> Snapshot:
        return Snapshot(
            now=now,
            ready=len(self.ready),
            talking_age_s=tuple(now - t for t in self.talking.values()),
            wrapup_age_s=tuple(now - t for t in self.wrapping.values()),
            paused=0,
            ringing_age_s=tuple(now - t for t in self.ringing.values()),
            waiting_age_s=tuple(now - t for t in self.waiting.values()),
            lines_free=10_000,
            leads_available=10_000,
            ledger=Ledger(self.answered, self.abandoned),
        )


def run(floor: Floor, pacer: Pacer, seed: int, cap: float = 0.03) -> Outcome:
    """Play `floor` under `seed` with `pacer` deciding."""
    rng = random.Random(seed)
    end = floor.hours * 3600.0
    state = State(ready=list(range(floor.agents)))
    heap: list[tuple[float, int, str, int]] = [(0.0, 0, "tick", 0)]
    out = Outcome()
    serial = 0
    observed: list[Observation] = []
    busy_s = 0.0
    now = last = 0.0
    next_window = floor.window_s

    def push(at: float, what: str, who: int) -> None:
        nonlocal serial
        serial += 1
        heapq.heappush(heap, (at, serial, what, who))

    def serve(call: int, at: float) -> None:
        agent = state.ready.pop(0)
        state.talking[agent] = at
        push(at + lognormal(rng, floor.talk_mean_s, 1.0), "talk_end", agent)

    def dial(count: int, at: float) -> None:
        for _ in range(count):
            out.dialled += 1
            call = out.dialled
            state.ringing[call] = at
            chance = floor.probability if at < floor.drift_at_s else floor.drift_probability
            if rng.random() < chance:
                push(at + min(2.0 + lognormal(rng, 9.0, 0.5), TIMEOUT_S), "answer", call)
            else:
                kind = rng.random()
                if kind < 0.6:
                    push(at + TIMEOUT_S, "fail", call)
                elif kind < 0.85:
                    push(at + min(2.0 + lognormal(rng, 13.0, 0.3), TIMEOUT_S), "fail", call)
                else:
                    push(at + rng.uniform(1.0, 3.0), "fail", call)

    while heap:
        at = heap[0][0]
        if at > end:
            break
        now = at
        busy_s += (now - last) * (len(state.talking) + len(state.wrapping))
        if state.abandoned > cap * state.answered:
            out.over_cap_s += now - last
        last = now
        batch_end = now + 0.1
        while heap and heap[0][0] <= min(batch_end, end):
            at, _, what, who = heapq.heappop(heap)
            busy_s += (at - last) * (len(state.talking) + len(state.wrapping))
            now = last = at
            if what == "tick":
                push(now + 1.0, "tick", 0)
            elif what == "answer":
                observed.append(CallAnswered(now, now - state.ringing.pop(who)))
                state.answered += 1
                if state.ready and not state.waiting:
                    serve(who, now)
                else:
                    state.waiting[who] = now
                    push(now + floor.grace_s, "grace", who)
            elif what == "fail":
                observed.append(CallFailed(now, now - state.ringing.pop(who)))
            elif what == "grace" and who in state.waiting:
                del state.waiting[who]
                state.abandoned += 1
                out.abandoned += 1
                observed.append(CallAbandoned(now))
            elif what == "talk_end":
                observed.append(TalkEnded(now, now - state.talking.pop(who)))
                state.wrapping[who] = now
                push(now + lognormal(rng, floor.wrapup_mean_s, 0.7), "wrap_end", who)
            elif what == "wrap_end":
                observed.append(WrapupEnded(now, now - state.wrapping.pop(who)))
                state.ready.append(who)
                if state.waiting:
                    first = next(iter(state.waiting))
                    del state.waiting[first]
                    serve(first, now)
        if now >= next_window:
            out.windows.append(Ledger(state.answered, state.abandoned))
            out.answered += state.answered
            state.answered = state.abandoned = 0
            next_window += floor.window_s
        out.worst_excess = max(out.worst_excess, state.abandoned - cap * state.answered)
        decision = pacer.step(tuple(observed), state.snapshot(now))
        observed.clear()
        dial(decision.dial, now)
    out.windows.append(Ledger(state.answered, state.abandoned))
    out.answered += state.answered
    out.utilisation = busy_s / (floor.agents * end)
    return out
