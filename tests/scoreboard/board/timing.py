"""How long one decision of ours takes, on floors made up for it: everything moves from one decision to the next."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np

from pacing.api import (
    CallAnswered,
    CallFailed,
    Ledger,
    Mode,
    Observation,
    Pacer,
    Settings,
    Snapshot,
    TalkEnded,
    WrapupEnded,
)
from pacing.policies import make
from tests.scoreboard.days import Clock

STEP_S: Final = 0.25
LEARN_FROM: Final = 1500
WARM_UP: Final = 200


@dataclass(frozen=True, slots=True)
class Size:
    """A floor to decide for."""

    agents: int
    ringing: int


SIZES: Final = (Size(50, 100), Size(500, 2000))


@dataclass(frozen=True, slots=True)
class Timing:
    """Microseconds of one decision."""

    size: Size
    decisions: int
    p50_us: float
    p99_us: float
    max_us: float


def time_decisions(size: Size, clock: Clock, decisions: int = 4000) -> Timing:
    """Time decisions of the predictive pacer, once it has learnt and its code is warm."""
    dice, pacer = Random(size.agents), make(Settings(mode=Mode.PREDICTIVE))
    pacer.step(tuple(_history(dice)), _snapshot(size, dice, 0))
    took_s = []
    for turn in range(1, WARM_UP + decisions + 1):
        seen, snapshot = _seen(size, dice, turn * STEP_S), _snapshot(size, dice, turn)
        took_s.append(_step_s(pacer, seen, snapshot, clock))
    p50, p99, most = np.quantile(np.array(took_s[WARM_UP:]) * 1e6, (0.5, 0.99, 1.0))
    return Timing(size, decisions, float(p50), float(p99), float(most))


def _step_s(pacer: Pacer, seen: tuple[Observation, ...], snapshot: Snapshot, clock: Clock) -> float:
    begun = clock()
    pacer.step(seen, snapshot)
    return clock() - begun


def _history(dice: Random) -> list[Observation]:
    """Enough to have learnt from."""
    return [one for _ in range(LEARN_FROM // 4) for one in _moment(dice, 0.0)]


def _moment(dice: Random, at: float) -> list[Observation]:
    return [
        CallAnswered(at, 2.0 + dice.lognormvariate(2.1, 0.47)),
        CallFailed(at, 22.0),
        CallFailed(at, dice.uniform(1.0, 3.0)),
        TalkEnded(at, dice.lognormvariate(4.4, 0.83)),
        WrapupEnded(at, dice.lognormvariate(3.2, 0.63)),
    ]


def _seen(size: Size, dice: Random, now: float) -> tuple[Observation, ...]:
    """What a floor of this size sees in a step, talks of two and a half minutes with their wrap-up."""
    expected = size.agents * STEP_S / 150.0
    moments = int(expected) + (dice.random() < expected % 1.0)
    return tuple(one for _ in range(moments) for one in _moment(dice, now))


def _snapshot(size: Size, dice: Random, turn: int) -> Snapshot:
    ready = dice.randrange(max(1, size.agents // 12))
    wrapping = (size.agents - ready) // 5
    ages = np.random.default_rng(turn)  # a seed, not chance: the floors are the same in every run
    answered = 2000 + turn
    return Snapshot(
        now=turn * STEP_S,
        ready=ready,
        talking_age_s=ages.exponential(120.0, size.agents - ready - wrapping),
        wrapup_age_s=ages.exponential(30.0, wrapping),
        paused=0,
        ringing_age_s=ages.uniform(0.0, 22.0, size.ringing),
        waiting_age_s=ages.uniform(0.0, 2.0, dice.randrange(2)),
        lines_free=10_000,
        leads_available=10_000,
        ledger=Ledger(answered, int(0.027 * answered)),
    )
