"""The kernels again, in the plainest Python that can be read next to the formulas; the oracle of the tests."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from pacing.kernels import AGE_FIRST_S, AGES_PER_DECADE, RING_BIN_S
from pacing.learning.ringing import FASTEST_S

Rows = Sequence[Sequence[float]]


def survival(age_s: float, edges_s: Sequence[float], hazard: Sequence[float]) -> float:
    """exp(- integral of the hazard up to the age)."""
    cumulative = 0.0
    for b, rate in enumerate(hazard):
        upper = edges_s[b + 1] if b + 1 < len(edges_s) else math.inf
        cumulative += rate * max(0.0, min(age_s, upper) - edges_s[b])
    return math.exp(-cumulative)


def free_by(
    ages_s: Sequence[float],
    within_s: Sequence[float],
    talk: tuple[Sequence[float], Sequence[float]],
    wrapup: tuple[Sequence[float], Sequence[float]] | None,
    slices: int,
) -> list[list[float]]:
    """P(the talk ends at some slice, and the wrap-up fits into what is left of h | age)."""
    table = []
    for age_s in ages_s:
        row = []
        for h in within_s:
            total = 0.0
            for i in range(slices):
                start, end = h * i / slices, h * (i + 1) / slices
                ends_here = survival(age_s + start, *talk) - survival(age_s + end, *talk)
                left_s = h - (start + end) / 2
                total += ends_here * (1.0 if wrapup is None else 1.0 - survival(left_s, *wrapup))
            row.append(total / survival(age_s, *talk))
        table.append(row)
    return table


def interpolate(cdf: Sequence[float], position: float) -> float:
    """A value between two bins."""
    low = min(len(cdf) - 1, int(position))
    high = min(len(cdf) - 1, low + 1)
    return cdf[low] + (cdf[high] - cdf[low]) * min(1.0, position - low)


def answered_by(
    p: float, answers: Sequence[float], failures: Sequence[float], bin_s: float, horizons_s: Sequence[float]
) -> list[list[float]]:
    """p (G(a + h) - G(a)) / (p (1 - G(a)) + (1 - p) (1 - H(a)))."""
    table = []
    for row in range(len(answers)):
        still = p * (1 - answers[row]) + (1 - p) * (1 - failures[row])
        come = [p * (interpolate(answers, row + h / bin_s) - answers[row]) for h in horizons_s]
        table.append([c / still if still > 1e-12 else 0.0 for c in come])
    return table


def expected_within(
    ages_s: Sequence[float], passed_s: float, bin_s: float, cumulative: Sequence[float], mark_s: float
) -> tuple[float, int]:
    """The sum of what the cumulative hazard gains over every call's next seconds; and who passes the mark in them."""
    gained = sum(
        interpolate(cumulative, max(0.0, age_s + passed_s) / bin_s) - interpolate(cumulative, max(0.0, age_s) / bin_s)
        for age_s in ages_s
    )
    return gained, sum(1 for age_s in ages_s if age_s < mark_s <= age_s + passed_s)


def lookup(
    ages_s: Sequence[float], row_ages_s: Sequence[float], table: Rows, positions: Sequence[float]
) -> list[float]:
    """Column 0 of the table at every age, linear in `positions` between the rows' ages."""
    values = []
    for age_s, position in zip(ages_s, positions, strict=True):
        low = max(0, min(len(row_ages_s) - 1, bisect.bisect_right(row_ages_s, age_s) - 1))
        high = min(len(row_ages_s) - 1, low + 1)
        values.append(
            table[low][0] + (position - low) * (table[high][0] - table[low][0]) if high > low else table[low][0]
        )
    return values


def row_at(table: Rows, position: float) -> list[float]:
    """A row between two rows; the last one holds for all beyond."""
    return [interpolate(column, position) for column in zip(*table, strict=True)]


def with_odds(p: float, odds: float) -> float:
    """The probability whose odds are so many times those of p."""
    return odds * p / (1 - p + odds * p)


def mass(probabilities: Sequence[float]) -> list[float]:
    """The mass function of a Poisson-binomial count."""
    result = [1.0]
    for p in probabilities:
        padded = [0.0, *result]
        result = [(1 - p) * stay + p * move for stay, move in zip([*result, 0.0], padded, strict=True)]
    return result


def mass_by_enumeration(probabilities: Sequence[float]) -> list[float]:
    """The same by going through every combination of outcomes."""
    result = [0.0] * (len(probabilities) + 1)
    for outcomes in itertools.product((0, 1), repeat=len(probabilities)):
        chance = math.prod(p if o else 1 - p for o, p in zip(outcomes, probabilities, strict=True))
        result[sum(outcomes)] += chance
    return result


def excess(answers: Sequence[float], frees: Sequence[float], spare: int) -> float:
    """P(answers - frees >= spare)."""
    of_answers, of_frees = mass(answers), mass(frees)
    return sum(a * f for i, a in enumerate(of_answers) for j, f in enumerate(of_frees) if i - j >= spare)


def risk(free: Rows, ringing: Rows, spare: int, horizons: int) -> float:
    """The mean over the horizons of P(answers by then - agents free by then >= spare agents)."""
    return sum(excess([row[k] for row in ringing], [row[k] for row in free], spare) for k in range(horizons)) / horizons


def dial(
    free: Rows, ringing: Rows, fresh: Sequence[float], spare: int, tolerated: float, at_most: int
) -> tuple[int, float, float]:
    """Add calls one by one while the risk of the next is tolerable."""
    in_flight = [list(row) for row in ringing]
    taken = 0.0
    for count in range(at_most + 1):
        next_risk = risk(free, in_flight, spare, len(fresh))
        if next_risk > tolerated or count == at_most:
            return count, next_risk, taken
        taken += next_risk
        in_flight.append(list(fresh))
    raise AssertionError("unreachable")


@dataclass(frozen=True)
class Case:
    """What a decision starts from; odds are multiples, one for each ringing call and last that of a new one. `refused`
    is the share of calls that never ring, which shows by the age of `FASTEST_S`; `doubt` multiplies every answer."""

    talking_s: Sequence[float]
    wrapping_s: Sequence[float]
    ringing_s: Sequence[float]
    odds: Sequence[float]
    talk_free: Rows
    wrapup_free: Rows
    answered: Rows
    will: Sequence[float]
    spare: int
    refused: float = 0.0
    doubt: float = 1.0


def decide(case: Case, tolerated: float, at_most: int) -> tuple[int, float, float, float, float]:
    """Look every age up, weigh by the odds, and add calls; with the expected frees and answers."""
    free = [
        row_at(table, AGES_PER_DECADE * math.log10(1 + age_s / AGE_FIRST_S))
        for table, ages_s in ((case.talk_free, case.talking_s), (case.wrapup_free, case.wrapping_s))
        for age_s in ages_s
    ]
    ringing = []
    for age_s, odds in zip((*case.ringing_s, 0.0), case.odds, strict=True):
        will = interpolate(case.will, age_s / RING_BIN_S)
        by_then = row_at([[min(1.0, x * case.doubt) for x in row] for row in case.answered], age_s / RING_BIN_S)
        rings = 1.0 - case.refused * max(0.0, 1.0 - age_s / FASTEST_S)
        of_odds = with_odds(will, odds) / will if will else 1.0
        ringing.append([min(1.0, x * of_odds) * rings for x in by_then])
    *ringing, fresh = ringing
    horizons = len(fresh)
    expected = [sum(map(sum, rows)) / horizons for rows in (free, ringing)]
    return (*dial(free, ringing, fresh, case.spare, tolerated, at_most), *expected)  # type: ignore[return-value]


def incidence(
    ended: Sequence[tuple[int, int]], running: Sequence[int], causes: int, bins: int
) -> tuple[list[float], list[list[float]]]:
    """Aalen and Johansen's estimate, call by call: `ended` as (cause, bin), `running` as the bin where each stands.

    Returns the share that still runs and the cumulative incidence of every cause, at the edges of the bins.
    """
    still, came = [1.0], [[0.0] for _ in range(causes)]
    for b in range(bins):
        at_risk = sum(1.0 for _, bin_ in ended if bin_ >= b)
        at_risk += sum(1.0 if bin_ > b else 0.5 if bin_ == b else 0.0 for bin_ in running)
        hazards = [sum(1 for one in ended if one == (cause, b)) / max(1e-9, at_risk) for cause in range(causes)]
        for cause in range(causes):
            came[cause].append(came[cause][-1] + still[-1] * hazards[cause])
        still.append(still[-1] * max(0.0, 1.0 - sum(hazards)))
    return still, came
