"""Abandon rates of fifteen minutes in a row: the first, the worst, and the worst with no shock near.

A quarter with few answers says little: one abandoned call of ten is 10 %. So only quarters with at least
`ENOUGH_ANSWERS` answers are looked at, or, on a floor too small for that, those with the most answers of the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dialer.sim.study.scenario import DriftOf, Scenario
from pacing.compiled import Floats

QUARTER_MIN: Final = 15
ENOUGH_ANSWERS: Final = 100
SUDDEN_MIN: Final = 2.0
"""A change of who answers that takes no longer than this is a shock."""


@dataclass(frozen=True, slots=True)
class Quarters:
    """Rates are fractions. `answers`: what a quarter must have to be looked at. `calm` is the worst of those without a
    shock in them or up to fifteen minutes before, `shocked` the worst of the others; None where there is none.
    `calm_counts` has the answers and the abandoned calls of the quarters from minute 0, 15, 30 ... on, (0, 0) where a
    shock is near: added up over days, they say what a quarter of the day is like, whatever chance did on one day."""

    first: float
    worst: float
    calm: float | None
    shocked: float | None
    answers: int
    calm_counts: tuple[tuple[int, int], ...]


def quarters(live: Floats, lost: Floats, shocks_min: Sequence[float] = ()) -> Quarters:
    """From live answers and abandoned ones minute by minute; a day of less than a quarter is one."""
    width = min(QUARTER_MIN, len(live))
    answered, abandoned = (np.convolve(counts, np.ones(width), "valid") for counts in (live, lost))
    answers = int(min(ENOUGH_ANSWERS, answered.max()))
    rates = abandoned / np.maximum(answered, 1.0)
    counts = answered >= answers
    shocked = _shocked(len(answered), shocks_min)
    return Quarters(
        first=float(rates[0]),
        worst=float(rates[counts].max()),
        calm=_worst(rates[counts & ~shocked]),
        shocked=_worst(rates[counts & shocked]),
        answers=answers,
        calm_counts=tuple(
            (0, 0) if shocked[at] else (int(answered[at]), int(abandoned[at]))
            for at in range(0, len(answered), QUARTER_MIN)
        ),
    )


def worst_of_days(days: Sequence[tuple[tuple[int, int], ...]]) -> float | None:
    """The highest abandon rate of any quarter of the day, its calls of all days added up, of those that have
    `ENOUGH_ANSWERS` on the mean day; None where none has."""
    counts = np.array(days, dtype=np.float64).reshape(len(days), -1, 2).sum(axis=0)
    enough = counts[:, 0] >= ENOUGH_ANSWERS * len(days)
    return float((counts[enough, 1] / counts[enough, 0]).max()) if enough.any() else None


def _worst(rates: Floats) -> float | None:
    return float(rates.max()) if rates.size else None


def _shocked(windows: int, shocks_min: Sequence[float]) -> NDArray[np.bool_]:
    """Which windows, by their first minute, have a shock in them or up to a quarter before."""
    begins = np.arange(windows)
    found = np.zeros(windows, bool)
    for at_min in shocks_min:
        found |= (begins - QUARTER_MIN <= at_min) & (at_min < begins + QUARTER_MIN)
    return found


def shocks_min(scenario: Scenario) -> list[float]:
    """When the shocks of a scenario begin: its own, and sudden changes of who answers. A break, a start of many agents
    and a restart are ordinary."""
    end_min = scenario.hours * 60
    found = [shock.at_min for shock in scenario.shocks]
    for drift in scenario.drifts:
        if drift.of in {DriftOf.ANSWER_RATE, DriftOf.MACHINE_RATE} and drift.over_min <= SUDDEN_MIN:
            found.append(drift.at_min)
        if drift.alternates_min > 0:
            found += np.arange(drift.at_min + drift.over_min, end_min, drift.alternates_min).tolist()
    return sorted(found)
