"""How a policy did on a row: means over days with their 95 % intervals, differences to ours on the same days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from dialer.sim.study.figures import Estimate, estimate
from dialer.sim.study.scenario import Heard
from tests.scoreboard.calibration import calibrated
from tests.scoreboard.counted import counted_rate
from tests.scoreboard.days import Kept, missing, task_of
from tests.scoreboard.entrants import OURS, TUNED, YARDSTICK, seeds_of
from tests.scoreboard.row import Row
from tests.scoreboard.tuning import trials, tuned
from tests.scoreboard.virtual_floor.outcome import Outcome
from tests.scoreboard.virtual_floor.quarters import worst_of_days

KEEPS: Final = 0.99
"""Who kept the cap on at least this share of days keeps it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One policy on one row under one cap. `against_ours` and `against_yardstick` are paired differences of
    utilisation, None for the one itself and where the other has not played.

    Rates are fractions; `counted_rate` is the abandon rate as the ledger has it (see `counted`). `worst_day`,
    `worst_hour` and `worst_half_hour` are over all days; the other rates, `over_cap_s` and `idle_*` are means over
    days. Of quarters of an hour `calm_quarter` is the worst with no shock near and `shocked_quarter` the worst of
    the others, None where no day has one; `quarter_answers` is the least that such a quarter had on any day.
    `any_quarter` is the highest rate of any calm quarter of the day over all days together.
    """

    policy: str
    note: str
    days: int
    utilisation: Estimate
    settled: float
    against_ours: Estimate | None
    abandon_rate: float
    counted_rate: float
    worst_day: float
    worst_hour: float
    worst_half_hour: float
    kept_days: int
    counted_kept_days: int
    first_quarter: Estimate
    calm_quarter: Estimate | None
    shocked_quarter: Estimate | None
    quarter_answers: int
    any_quarter: float | None
    over_cap_s: float
    idle_mean_s: float
    idle_p50_s: float
    idle_p95_s: float
    connects_per_agent_hour: float
    talk_min_per_agent_hour: float
    against_yardstick: Estimate | None = None

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
        """The busiest of the others among those that keep the cap; what is ours, or told the row beforehand,
        does not compete."""
        others = (
            one
            for one in self.standings
            if one.keeps and not one.policy.startswith(OURS) and one.policy not in {TUNED, YARDSTICK}
        )
        return next(others, None)


def actual_policy(row: Row, policy: str, cap: float, kept: Kept) -> str:
    """The policy that plays: what stands for one that is set on trial days is that one."""
    if policy == TUNED:
        return tuned(row, cap, kept)
    return calibrated(row, cap, kept) if policy == YARDSTICK else policy


def table_of(row: Row, cap: float, policies: Sequence[str], seeds: Sequence[int], kept: Kept) -> Table:
    """The table of a row under a cap from the days that are kept; who has played none is not in it."""
    played: dict[str, tuple[str, list[Outcome]]] = {}
    for policy in policies:
        if policy == TUNED and missing(trials(row, cap), kept):
            continue
        actual = actual_policy(row, policy, cap, kept)
        keys = [task_of(row, actual, seed, cap).key for seed in seeds_of(policy, seeds, row.baseline_days)]
        days = [kept.days[key] for key in keys if key in kept.days]
        if days:
            played[policy] = actual.partition(":")[2], days
    ours = played[OURS][1] if OURS in played else None
    told = played[YARDSTICK][1] if YARDSTICK in played else None
    heard = row.scenario.callees.kinds
    found = [
        standing(
            policy, note, days, cap, None if policy == OURS else ours, None if policy == YARDSTICK else told, heard
        )
        for policy, (note, days) in played.items()
    ]
    return Table(row, cap, tuple(sorted(found, key=lambda one: -one.utilisation.mean)))


def standing(
    policy: str,
    note: str,
    days: Sequence[Outcome],
    cap: float,
    ours: Sequence[Outcome] | None = None,
    told: Sequence[Outcome] | None = None,
    heard: Heard = Heard.NEVER,
) -> Standing:
    """One policy over its days; `ours` and `told` are the same days under ours and the yardstick, and perhaps more.
    `heard` is when the pacer hears of machines."""
    utilisation = [day.utilisation for day in days]
    return Standing(
        policy=policy,
        note=note,
        days=len(days),
        utilisation=estimate(utilisation),
        settled=fmean(day.settled for day in days),
        against_ours=_against(utilisation, ours),
        against_yardstick=_against(utilisation, told),
        abandon_rate=fmean(day.abandon_rate for day in days),
        counted_rate=fmean(counted_rate(day, heard) for day in days),
        worst_day=max(day.abandon_rate for day in days),
        worst_hour=max(day.worst_hour for day in days),
        worst_half_hour=max(day.worst_half_hour for day in days),
        first_quarter=estimate([day.first_quarter for day in days]),
        any_quarter=worst_of_days([day.calm_counts for day in days]),
        calm_quarter=_of_those([day.calm_quarter for day in days]),
        shocked_quarter=_of_those([day.shocked_quarter for day in days]),
        quarter_answers=min(day.quarter_answers for day in days),
        kept_days=sum(day.keeps(cap) for day in days),
        counted_kept_days=sum(counted_rate(day, heard) <= cap for day in days),
        over_cap_s=fmean(day.over_s(cap) for day in days),
        idle_mean_s=fmean(day.idle_mean_s for day in days),
        idle_p50_s=fmean(day.idle_p50_s for day in days),
        idle_p95_s=fmean(day.idle_p95_s for day in days),
        connects_per_agent_hour=fmean(day.connects_per_agent_hour for day in days),
        talk_min_per_agent_hour=fmean(day.talk_min_per_agent_hour for day in days),
    )


def _against(utilisation: Sequence[float], others: Sequence[Outcome] | None) -> Estimate | None:
    """The difference day by day; either may have played more days."""
    pairs = zip(utilisation, others or (), strict=False)
    differences = [own - other.utilisation for own, other in pairs]
    return estimate(differences) if differences else None


def _of_those(values: Sequence[float | None]) -> Estimate | None:
    found = [value for value in values if value is not None]
    return estimate(found) if found else None
