"""The risk with which the yardstick comes to the cap on a row: found by bisection, on days of their own."""

from __future__ import annotations

import math
from statistics import fmean
from typing import Final

from tests.scoreboard.days import Kept, Task, missing, task_of
from tests.scoreboard.entrants import YARDSTICK
from tests.scoreboard.row import Row

FIRST_SEED: Final = 9101
"""What is calibrated on a day is not measured on it."""

ANSWERS: Final = 8000.0
"""So many answers tell an abandon rate of 3 % to a fifth of a point; small floors get more days for it."""

FEWEST_DAYS, MOST_DAYS = 2, 24
BUSY: Final = 0.85
ROUNDS: Final = 6
CLOSE: Final = 0.03
"""The search ends when the mean rate is so near to the cap, as a fraction of it."""

WIDEST: Final = 4.0


def days_of(row: Row) -> range:
    """The seeds of a row's trial days."""
    agents = row.scenario.agents
    an_answer_s = agents.talk.average_s + agents.wrapup.average_s
    answers = agents.count * row.scenario.duration_s * BUSY / an_answer_s
    return range(FIRST_SEED, FIRST_SEED + min(MOST_DAYS, max(FEWEST_DAYS, math.ceil(ANSWERS / answers))))


def due(row: Row, cap: float, kept: Kept) -> list[Task]:
    """The days to play next on the way to the risk; none when it is found."""
    return _search(row, cap, kept)[1]


def calibrated(row: Row, cap: float, kept: Kept) -> str:
    """The policy whose mean abandon rate over the trial days is nearest to the cap, for what has been played."""
    return _search(row, cap, kept)[0]


def _search(row: Row, cap: float, kept: Kept) -> tuple[str, list[Task]]:
    """Walk through the rounds as far as they have been played: the best policy so far, and what is to be played."""
    low = high = None
    tolerated, best, nearest = 1.5 * cap, "", math.inf
    for _ in range(ROUNDS):
        policy = f"{YARDSTICK}:{tolerated:.4g}"
        tasks = [task_of(row, policy, seed, cap) for seed in days_of(row)]
        absent = missing(tasks, kept)
        if absent:
            return best or policy, absent
        rate = fmean(kept.days[task.key].abandon_rate for task in tasks)
        if abs(rate - cap) < nearest:
            best, nearest = policy, abs(rate - cap)
        if nearest <= CLOSE * cap:
            break
        if rate < cap:
            low = (tolerated, rate)
        else:
            high = (tolerated, rate)
        tolerated = min(1.0, _next(low, high, cap))
    return best, []


def _next(low: tuple[float, float] | None, high: tuple[float, float] | None, cap: float) -> float:
    """Between the two, where a power law through both would have the cap, but never near an end; beyond the one that
    there is, as if the rate were in proportion."""
    if low is None or high is None:
        tolerated, rate = low or high or (cap, cap)
        return tolerated * min(WIDEST, max(1.0 / WIDEST, cap / max(rate, 1e-6)))
    share = math.log(cap / max(low[1], 1e-6)) / math.log(high[1] / max(low[1], 1e-6))
    return float(low[0] * (high[0] / low[0]) ** min(0.85, max(0.15, share)))
