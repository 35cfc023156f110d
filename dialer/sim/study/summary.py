"""Many shifts put together: means with their 95 % intervals, differences on the same days, and how a day goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from dialer.sim.study.figures import FIGURES, UTILISATION, Estimate, cell, estimate
from dialer.sim.study.results import Minute, Run
from dialer.sim.study.scenario import Scenario

SLOTS: Final = 96
"""Most points of a chart."""


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


def summarise(runs: Sequence[Run], policies: Sequence[str], cap: float) -> list[PolicySummary]:
    """One summary for each policy, in their order. Every policy has the same seeds."""
    by_policy = {name: sorted((r for r in runs if r.policy == name), key=lambda r: r.seed) for name in policies}
    first = by_policy[policies[0]]
    summaries = []
    for policy, own in by_policy.items():
        values = {name: [figure.of(run) for run in own] for name, figure in FIGURES.items()}
        paired = {
            name: [figure.of(run) - figure.of(base) for run, base in zip(own, first, strict=True)]
            for name, figure in FIGURES.items()
        }
        summaries.append(
            PolicySummary(
                policy=policy,
                shifts=len(own),
                over_cap_shifts=sum(run.totals.abandoned > cap * run.totals.live for run in own),
                figures={name: estimate(numbers) for name, numbers in values.items()},
                against_first={} if own is first else {name: estimate(numbers) for name, numbers in paired.items()},
                series=series([run.minutes for run in own]),
            )
        )
    return summaries


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


def sentences(summaries: Sequence[PolicySummary], scenario: Scenario) -> list[str]:
    """What it means, in words: who keeps the cap, and what keeping it costs."""
    cap = scenario.dialling.max_abandon_rate
    kept = [summary for summary in summaries if summary.over_cap_shifts == 0]
    texts = [
        f"{summary.policy} ended {summary.over_cap_shifts} of {summary.shifts} shifts over the cap of {100 * cap:g} %."
        for summary in summaries
        if summary.over_cap_shifts
    ]
    if kept:
        best = max(kept, key=lambda summary: summary.figures["utilisation"].mean)
        who = "Of those that never did, " if len(kept) < len(summaries) and len(kept) > 1 else ""
        text = (
            f"{who}{best.policy} kept agents busiest: {cell(UTILISATION, best.figures)} of their time, "
            f"{best.figures['connects_per_agent_hour'].mean:.1f} talks per agent and hour."
        )
        texts.append(text[0].upper() + text[1:] if who else text)
    else:
        texts.append("No policy kept the cap in every shift.")
    return texts
