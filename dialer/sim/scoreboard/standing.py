"""How a policy did on a row: means over days with their 95 % intervals, differences to ours on the same days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from dialer.sim.scoreboard.days import Kept, task_of
from dialer.sim.scoreboard.entrants import OURS, TUNED, seeds_of
from dialer.sim.scoreboard.outcome import Outcome
from dialer.sim.scoreboard.rows import Row
from dialer.sim.scoreboard.tuning import tuned
from dialer.sim.study.summary import Estimate, estimate

KEEPS: Final = 0.99
"""Who kept the cap on at least this share of days keeps it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One policy on one row under one cap. `against_ours` is the paired difference of utilisation, None for ours.

    Rates are fractions. `worst_*` are over all days; `over_cap_s` and `idle_*` are means over days.
    """

    policy: str
    note: str
    days: int
    utilisation: Estimate
    settled: float
    against_ours: Estimate | None
    abandon_rate: float
    worst_day: float
    worst_hour: float
    worst_half_hour: float
    kept_days: int
    over_cap_s: float
    idle_mean_s: float
    idle_p50_s: float
    idle_p95_s: float
    connects_per_agent_hour: float
    talk_min_per_agent_hour: float

    @property
    def kept_share(self) -> float:
        """The share of days that ended with the cap kept."""
        return self.kept_days / self.days

    @property
    def keeps(self) -> bool:
        """Whether the cap is kept, for what so few days can say."""
        return self.kept_share >= KEEPS


@dataclass(frozen=True, slots=True)
class Table:
    """One row under one cap: everybody, the busiest agents first."""

    row: Row
    cap: float
    standings: tuple[Standing, ...]

    def of(self, policy: str) -> Standing | None:
        """One policy's place, None if it did not play."""
        return next((one for one in self.standings if one.policy == policy), None)

    @property
    def best_other(self) -> Standing | None:
        """The busiest of the others among those that keep the cap; what is ours, or tuned in hindsight, does not
        compete."""
        others = (
            one for one in self.standings if one.keeps and not one.policy.startswith(OURS) and one.policy != TUNED
        )
        return next(others, None)


def table_of(row: Row, cap: float, policies: Sequence[str], seeds: Sequence[int], kept: Kept) -> Table:
    """The table of a row under a cap from the days that are kept."""
    played: dict[str, tuple[str, list[Outcome]]] = {}
    for policy in policies:
        actual = tuned(row, cap, kept) if policy == TUNED else policy
        note = actual.partition(":")[2]
        played[policy] = note, [kept.days[task_of(row, actual, seed, cap).key] for seed in seeds_of(policy, seeds)]
    ours = played[OURS][1] if OURS in played else None
    found = [
        standing(policy, note, days, cap, None if policy == OURS else ours) for policy, (note, days) in played.items()
    ]
    return Table(row, cap, tuple(sorted(found, key=lambda one: -one.utilisation.mean)))


def standing(
    policy: str, note: str, days: Sequence[Outcome], cap: float, ours: Sequence[Outcome] | None = None
) -> Standing:
    """One policy over its days; `ours` are the same days under ours, and perhaps more."""
    utilisation = [day.utilisation for day in days]
    against = None
    if ours is not None:
        against = estimate([own - other.utilisation for own, other in zip(utilisation, ours, strict=False)])
    return Standing(
        policy=policy,
        note=note,
        days=len(days),
        utilisation=estimate(utilisation),
        settled=fmean(day.settled for day in days),
        against_ours=against,
        abandon_rate=fmean(day.abandon_rate for day in days),
        worst_day=max(day.abandon_rate for day in days),
        worst_hour=max(day.worst_hour for day in days),
        worst_half_hour=max(day.worst_half_hour for day in days),
        kept_days=sum(day.keeps(cap) for day in days),
        over_cap_s=fmean(day.over_s(cap) for day in days),
        idle_mean_s=fmean(day.idle_mean_s for day in days),
        idle_p50_s=fmean(day.idle_p50_s for day in days),
        idle_p95_s=fmean(day.idle_p95_s for day in days),
        connects_per_agent_hour=fmean(day.connects_per_agent_hour for day in days),
        talk_min_per_agent_hour=fmean(day.talk_min_per_agent_hour for day in days),
    )
