"""The fixed ratio that does best on a row: the yardstick of somebody who knows the day beforehand."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean
from typing import Final

from dialer.sim.study.scenario import DriftOf, Machines
from tests.scoreboard.days import Kept, Task, task_of
from tests.scoreboard.entrants import RATIO
from tests.scoreboard.row import Row
from tests.scoreboard.virtual_floor.outcome import Outcome

ANSWERS: Final = (0.45, 0.525, 0.6, 0.675, 0.75, 0.9, 1.05, 1.2, 1.35, 1.5, 1.8, 2.1)
"""What is tried, in answers to come for each ready agent: by the answer rate these are the ratios."""

SEEDS: Final = (9001, 9002)
"""Days of their own: what is tuned on a day is not measured on it."""


def trials(row: Row, cap: float) -> list[Task]:
    """The days to play before the ratio can be chosen."""
    scenario = row.scenario
    rate = max([scenario.callees.answer_rate, *(d.to for d in scenario.drifts if d.of is DriftOf.ANSWER_RATE)])
    if scenario.callees.machines is Machines.AGENT:
        rate += scenario.callees.machine_rate
    policies = [f"{RATIO}:{answers / rate:.3g}" for answers in ANSWERS]
    return [task_of(row, policy, seed, cap) for policy in policies for seed in SEEDS]


def tuned(row: Row, cap: float, kept: Kept) -> str:
    """The policy with the highest utilisation among the ratios that kept the cap on every trial day; the smallest
    ratio if none did."""
    days: dict[str, list[Outcome]] = {}
    for task in trials(row, cap):
        days.setdefault(task.policy, []).append(kept.days[task.key])
    good = {policy: fmean(day.utilisation for day in own) for policy, own in days.items() if _kept(own, cap)}
    return max(good, key=good.__getitem__) if good else next(iter(days))


def _kept(days: Iterable[Outcome], cap: float) -> bool:
    return all(day.keeps(cap) for day in days)
