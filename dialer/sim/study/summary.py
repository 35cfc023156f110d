"""Many shifts put together: means with their 95 % intervals, differences on the same days, and how a day goes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Final

from dialer.sim.study.results import Minute, Run
from dialer.sim.study.scenario import Scenario

SLOTS: Final = 96
"""Most points of a chart."""

# Student's t, two-sided 95 %, by degrees of freedom from 1.
_T: Final = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip

FIGURES: Final[dict[str, Callable[[Run], float]]] = {
    "utilisation": lambda run: run.totals.utilisation,
    "talk_min_per_hour": lambda run: 60 * run.totals.talk_s / run.totals.worked_s if run.totals.worked_s else 0.0,
    "abandon_rate": lambda run: run.totals.abandon_rate,
    "worst_30_min_abandon_rate": lambda run: run.totals.worst_window_rate,
    "over_cap_s": lambda run: run.totals.over_cap_s,
    "idle_p50_s": lambda run: run.idle_s[0],
    "idle_p95_s": lambda run: run.idle_s[1],
    "wait_p50_s": lambda run: run.wait_s[0],
    "wait_p95_s": lambda run: run.wait_s[1],
    "connects_per_agent_hour": lambda run: run.totals.per_agent_hour(run.totals.connected),
    "calls_per_agent_hour": lambda run: run.totals.per_agent_hour(run.totals.calls),
    "connects_per_hour": lambda run: 60 * run.totals.connected / max(len(run.minutes), 1),
    "most_lines": lambda run: run.totals.most_lines,
}
"""Name with the unit last -> the figure of one shift. Rates are fractions."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over shifts. The true one is within `mean` +- `half` in 95 of 100 studies; None for a single shift."""

    mean: float
    half: float | None


@dataclass(frozen=True, slots=True)
class Series:
    """How a shift goes, mean over all shifts: a point for each slot of `slot_min` minutes.

    `abandon_rate` is that of the shift so far. `utilisation` is None in a slot in which nobody works.
    """

    slot_min: float
    utilisation: tuple[float | None, ...]
    abandon_rate: tuple[float, ...]
    ready: tuple[float, ...]
    talking: tuple[float, ...]
    wrapup: tuple[float, ...]
    paused: tuple[float, ...]
    lines: tuple[float, ...]
    connects_per_hour: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PolicySummary:
    """One policy over all seeds. `against_first` has the paired differences to the first policy, day by day."""

    policy: str
    shifts: int
    over_cap_shifts: int
    figures: Mapping[str, Estimate]
    against_first: Mapping[str, Estimate]
    series: Series


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and half the 95 % interval (Student's t)."""
    if len(values) < 2:
        return Estimate(values[0], None)
    freedom = len(values) - 1
    factor = _T[freedom - 1] if freedom <= len(_T) else 1.96
    return Estimate(fmean(values), factor * stdev(values) / math.sqrt(len(values)))


def summarise(runs: Sequence[Run], policies: Sequence[str], cap: float) -> list[PolicySummary]:
    """One summary for each policy, in their order. Every policy has the same seeds."""
    by_policy = {name: sorted((r for r in runs if r.policy == name), key=lambda r: r.seed) for name in policies}
    first = by_policy[policies[0]]
    found = []
    for name, own in by_policy.items():
        values = {figure: [of(run) for run in own] for figure, of in FIGURES.items()}
        paired = {
            figure: [of(run) - of(base) for run, base in zip(own, first, strict=True)] for figure, of in FIGURES.items()
        }
        found.append(
            PolicySummary(
                policy=name,
                shifts=len(own),
                over_cap_shifts=sum(run.totals.abandoned > cap * run.totals.live for run in own),
                figures={figure: estimate(numbers) for figure, numbers in values.items()},
                against_first={} if own is first else {figure: estimate(numbers) for figure, numbers in paired.items()},
                series=series([run.minutes for run in own]),
            )
        )
    return found


def series(shifts: Sequence[Sequence[Minute]], slots: int = SLOTS) -> Series:
    """The mean of shifts of the same length."""
    minutes = len(shifts[0])
    width = -(-minutes // slots)
    groups = [[m for shift in shifts for m in shift[begin : begin + width]] for begin in range(0, minutes, width)]
    live = abandoned = 0
    rates = []
    for group in groups:
        live += sum(minute.live for minute in group)
        abandoned += sum(minute.abandoned for minute in group)
        rates.append(abandoned / live if live else 0.0)
    return Series(
        slot_min=float(width),
        utilisation=tuple(_utilisation(group) for group in groups),
        abandon_rate=tuple(rates),
        ready=_means(groups, "ready"),
        talking=_means(groups, "talking"),
        wrapup=_means(groups, "wrapup"),
        paused=_means(groups, "paused"),
        lines=_means(groups, "lines"),
        connects_per_hour=tuple(60 * fmean(m.live - m.abandoned for m in group) for group in groups),
    )


def _utilisation(group: Sequence[Minute]) -> float | None:
    busy = sum(minute.talking + minute.wrapup for minute in group)
    worked = busy + sum(minute.ready for minute in group)
    return busy / worked if worked > 0 else None


def _means(groups: Sequence[Sequence[Minute]], name: str) -> tuple[float, ...]:
    return tuple(fmean(getattr(minute, name) for minute in group) for group in groups)


# --- in words ---------------------------------------------------------------------------------------------------------


def rate(value: Estimate) -> str:
    """`88.9 ±0.3 %`; small rates with two digits."""
    digits = 1 if value.mean >= 0.1 else 2
    half = "" if value.half is None else f" ±{100 * value.half:.{digits}f}"
    return f"{100 * value.mean:.{digits}f}{half} %"


def sentences(summaries: Sequence[PolicySummary], scenario: Scenario) -> list[str]:
    """What it means, in words: who keeps the cap, and what keeping it costs."""
    cap = scenario.dialling.max_abandon_rate
    kept = [one for one in summaries if one.over_cap_shifts == 0]
    found = [
        f"{one.policy} ended {one.over_cap_shifts} of {one.shifts} shifts over the cap of {100 * cap:g} %."
        for one in summaries
        if one.over_cap_shifts
    ]
    if kept:
        best = max(kept, key=lambda one: one.figures["utilisation"].mean)
        who = "Of those that never did, " if len(kept) < len(summaries) and len(kept) > 1 else ""
        text = (
            f"{who}{best.policy} kept agents busiest: {rate(best.figures['utilisation'])} of their time, "
            f"{best.figures['connects_per_agent_hour'].mean:.1f} talks per agent and hour."
        )
        found.append(text[0].upper() + text[1:] if who else text)
    else:
        found.append("No policy kept the cap in every shift.")
    return found
