"""The arithmetic of a predictive decision: who answers by when, who is free by then, and what that risks.

Every time is a horizon from now. The next call, if a person answers it, is answered at one of `len(horizon_s)` equally
likely times. For each of them two counts of independent, unequal events are needed, both Poisson-binomial: the other
calls answered by then, and the agents freed by then or within the grace. The call is abandoned if the answered calls
have used up every agent. Sources: the weights per agent by time so far are US 5,640,445 and US 6,466,664; the rule
"dial while the risk is tolerable" is section A.4 (vii) of the reference notes; the refined normal approximation of a
Poisson-binomial tail is Volkova (1996), as given by Hong, Computational Statistics & Data Analysis 59 (2013).
"""

from __future__ import annotations

import math

import numpy as np

from pacing.compiled import Floats, compiled

# Beyond this many calls and agents together the exact convolution costs more than its precision is worth.
EXACT_UP_TO = 160
NEGLIGIBLE = 1e-12
# Where the rows of the tables stand: ages of the busy in geometric progression, those of ringing calls evenly.
AGE_FIRST_S = 4.0
AGES_PER_DECADE = 12.0
AGE_ROWS = 40
RING_BIN_S = 0.5


@compiled
def cumulated(edges_s: Floats, hazard: Floats) -> Floats:
    """The cumulative hazard at every lower edge, for a hazard (1/s) that is constant between edges."""
    total = np.zeros(edges_s.size)
    for b in range(1, edges_s.size):
        total[b] = total[b - 1] + (edges_s[b] - edges_s[b - 1]) * hazard[b - 1]
    return total


@compiled
def survival(age_s: float, edges_s: Floats, hazard: Floats, cumulative: Floats) -> float:
    """P(a duration exceeds `age_s`) for a hazard (1/s) constant between edges; the last one goes on for ever.

    `edges_s[b]` is the lower edge of bin b and `edges_s[0]` is 0; `cumulative` is that of `cumulated`.
    """
    b = np.searchsorted(edges_s, age_s, side="right") - 1
    return math.exp(-cumulative[b] - (age_s - edges_s[b]) * hazard[b])


@compiled
def free_by(
    ages_s: Floats,
    within_s: Floats,
    edges_s: Floats,
    hazard: Floats,
    next_edges_s: Floats,
    next_hazard: Floats,
    slices: int,
) -> Floats:
    """P(a first phase of age a ends, and then a whole second phase, within h seconds), for every a and h.

    The first phase is the talk and the second the wrap-up. For an agent already in wrap-up pass no second phase
    (`next_edges_s` empty). Shape (len(ages_s), len(within_s)). The convolution is a sum over `slices` slices of h.
    """
    table = np.zeros((ages_s.size, within_s.size))
    cumulative = cumulated(edges_s, hazard)
    followed = next_edges_s.size > 0
    steps = slices if followed else 1
    second_done = np.ones((within_s.size, steps))
    if followed:
        next_cumulative = cumulated(next_edges_s, next_hazard)
        for k in range(within_s.size):
            for i in range(steps):
                left_s = within_s[k] * (1.0 - (i + 0.5) / steps)
                second_done[k, i] = 1.0 - survival(left_s, next_edges_s, next_hazard, next_cumulative)
    last = edges_s.size - 1
    for row in range(ages_s.size):
        alive_now = max(1e-300, survival(ages_s[row], edges_s, hazard, cumulative))
        stands = np.searchsorted(edges_s, ages_s[row], side="right") - 1
        for k in range(within_s.size):
            before = alive_now
            total = 0.0
            b = stands
            for i in range(steps):  # as `survival` of each age, whose bin is the one before or soon after it
                age_s = ages_s[row] + within_s[k] * (i + 1) / steps
                while b < last and edges_s[b + 1] <= age_s:
                    b += 1
                after = math.exp(-cumulative[b] - (age_s - edges_s[b]) * hazard[b])
                total += (before - after) * second_done[k, i]
                before = after
            table[row, k] = min(1.0, total / alive_now)
    return table


@compiled
def answered_by(still: Floats, answers: Floats, bin_s: float, horizon_s: Floats) -> tuple[Floats, Floats]:
    """P(a call that has rung for a seconds is answered within h more), for every a on the bins and every h; and ever.

    `still[i]` is the share of calls that rings still after i * bin_s, `answers[i]` the share answered by then. Of those
    that ring at a, (answers(a + h) - answers(a)) / still(a) are answered within h.
    """
    last = still.size - 1
    table = np.zeros((still.size, horizon_s.size))
    will = np.zeros(still.size)
    for row in range(still.size):
        if still[row] <= NEGLIGIBLE:
            continue
        will[row] = min(1.0, (answers[last] - answers[row]) / still[row])
        for k in range(horizon_s.size):
            position = row + horizon_s[k] / bin_s
            low = min(last, int(position))
            high = min(last, low + 1)
            by_then = answers[low] + (answers[high] - answers[low]) * min(1.0, position - low)
            table[row, k] = min(1.0, max(0.0, by_then - answers[row]) / still[row])
    return table, will


@compiled
def hazard_of_answer(still: Floats, answers: Floats) -> Floats:
    """The cumulative hazard of an answer at the edges of the bins; `still` and `answers` as for `answered_by`."""
    total = np.zeros(answers.size)
    for b in range(answers.size - 1):
        total[b + 1] = total[b] + min(1.0, (answers[b + 1] - answers[b]) / max(still[b], 1e-9))
    return total


@compiled
def expected_within(
    ages_s: Floats, passed_s: float, bin_s: float, cumulative: Floats, mark_s: float
) -> tuple[float, int]:
    """How many answers calls of these ages give within `passed_s`, and how many of them come to the age `mark_s` by
    then; `cumulative` is the cumulative hazard of an answer at multiples of `bin_s`."""
    last = cumulative.size - 1
    total = 0.0
    marked = 0
    for i in range(ages_s.size):
        if ages_s[i] < mark_s <= ages_s[i] + passed_s:
            marked += 1
        for end in range(2):
            position = min(float(last), max(0.0, ages_s[i] + end * passed_s) / bin_s)
            low = int(position)
            high = min(last, low + 1)
            at = cumulative[low] + (cumulative[high] - cumulative[low]) * (position - low)
            total += at if end == 1 else -at
    return total, marked


@compiled
def lookup(ages_s: Floats, first_s: float, per_decade: float, table: Floats) -> Floats:
    """Rows of `table` for every age, interpolated; shape (len(ages_s), table.shape[1]).

    With `per_decade` > 0 the rows stand at ages first_s * (10**(row/per_decade) - 1), else at row * first_s.
    """
    rows = np.zeros((ages_s.size, table.shape[1]))
    last = table.shape[0] - 1
    for i in range(ages_s.size):
        age_s = max(0.0, ages_s[i])
        position = math.log10(1.0 + age_s / first_s) * per_decade if per_decade > 0.0 else age_s / first_s
        low = int(min(position, float(last)))
        high = min(last, low + 1)
        part = min(1.0, position - low)
        for k in range(table.shape[1]):
            rows[i, k] = table[low, k] + part * (table[high, k] - table[low, k])
    return rows


@compiled
def add_trial(mass: Floats, top: int, probability: float) -> int:
    """Convolve `mass` (in place, used up to index `top`) with one trial; the new `top`."""
    grown = min(top + 1, mass.size - 1)
    for j in range(grown, 0, -1):
        mass[j] = mass[j] * (1.0 - probability) + mass[j - 1] * probability
    mass[0] *= 1.0 - probability
    return grown if mass[grown] > NEGLIGIBLE else top


@compiled
def excess(answers: Floats, top_answers: int, freed: Floats, top_freed: int, spare: int) -> float:
    """P(answers - freed >= spare) from the two mass functions; `answers` may be cut off at its end."""
    total = 0.0
    at_most = 0.0
    counted = -1
    for f in range(top_freed + 1):
        below = spare + f
        while counted < below - 1 and counted < top_answers:
            counted += 1
            at_most += answers[counted]
        total += freed[f] * (1.0 - at_most if below > 0 else 1.0)
    return min(1.0, max(0.0, total))


@compiled
def normal_excess(mean: float, variance: float, third: float, spare: int) -> float:
    """P(D >= spare) for a sum of independent trials with these first three central moments (refined normal)."""
    if variance < 1e-9:
        return 1.0 if mean >= spare - 0.5 else 0.0
    sd = math.sqrt(variance)
    x = (spare - 0.5 - mean) / sd
    density = math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    below = 0.5 * math.erfc(-x / math.sqrt(2.0)) + third / (sd * sd * sd) * (1.0 - x * x) * density / 6.0
    return min(1.0, max(0.0, 1.0 - below))


@compiled
def dial_exact(
    free: Floats, ringing: Floats, fresh: Floats, spare: int, tolerated: float, at_most: int
) -> tuple[int, float, float]:
    """How many calls to add, the risk of the next one, and the sum of the risks of those added; exact convolution.

    `free[j, k]`: P(busy agent j is free in time for horizon k); `ringing[i, k]`: P(call i is answered by horizon k);
    `fresh[k]`: the same for a call started now. `spare`: ready agents less answered calls that wait for one.
    """
    horizons = fresh.size
    # An excess needs at most spare + busy answers; more is certain and need not be told apart.
    size = max(1, min(ringing.shape[0] + at_most, spare + free.shape[0]) + 1)
    answers = np.zeros((horizons, size))
    freed = np.zeros((horizons, free.shape[0] + 1))
    top_answers = np.zeros(horizons, dtype=np.int64)
    top_freed = np.zeros(horizons, dtype=np.int64)
    for k in range(horizons):
        answers[k, 0] = 1.0
        freed[k, 0] = 1.0
        for j in range(free.shape[0]):
            top_freed[k] = add_trial(freed[k], top_freed[k], free[j, k])
        for i in range(ringing.shape[0]):
            top_answers[k] = add_trial(answers[k], top_answers[k], ringing[i, k])
    dial = 0
    taken = 0.0
    while True:
        risk = 0.0
        for k in range(horizons):
            risk += excess(answers[k], top_answers[k], freed[k], top_freed[k], spare) / horizons
        if risk > tolerated or dial >= at_most:
            return dial, risk, taken
        dial += 1
        taken += risk
        for k in range(horizons):
            top_answers[k] = add_trial(answers[k], top_answers[k], fresh[k])


@compiled
def row_counts(ages_s: Floats, first_s: float, per_decade: float, rows: int) -> Floats:
    """How many of the ages stand at each row of a table, each shared between the two rows that `lookup` would mix."""
    counts = np.zeros(rows)
    last = rows - 1
    for i in range(ages_s.size):
        age_s = max(0.0, ages_s[i])
        position = math.log10(1.0 + age_s / first_s) * per_decade if per_decade > 0.0 else age_s / first_s
        low = int(min(position, float(last)))
        part = min(1.0, position - low)
        counts[low] += 1.0 - part
        counts[min(last, low + 1)] += part
    return counts


@compiled
def dial_normal(
    free: Floats,
    free_counts: Floats,
    ringing: Floats,
    ringing_counts: Floats,
    fresh: Floats,
    spare: int,
    tolerated: float,
    at_most: int,
) -> tuple[int, float, float]:
    """As `dial_exact`, by the refined normal approximation: the cost grows with the calls, not with their square.

    Row j of `free` stands for `free_counts[j]` agents, row i of `ringing` for `ringing_counts[i]` calls.
    """
    horizons = fresh.size
    mean = np.zeros(horizons)
    variance = np.zeros(horizons)
    third = np.zeros(horizons)
    for i in range(ringing.shape[0]):
        n = ringing_counts[i]
        for k in range(horizons):  # within, so that the machine takes several horizons at once
            q = ringing[i, k]
            mean[k] += n * q
            variance[k] += n * q * (1.0 - q)
            third[k] += n * q * (1.0 - q) * (1.0 - 2.0 * q)
    for j in range(free.shape[0]):
        n = free_counts[j]
        for k in range(horizons):
            q = free[j, k]
            mean[k] -= n * q
            variance[k] += n * q * (1.0 - q)
            third[k] -= n * q * (1.0 - q) * (1.0 - 2.0 * q)
    dial = 0
    taken = 0.0
    while True:
        risk = 0.0
        for k in range(horizons):
            risk += normal_excess(mean[k], variance[k], third[k], spare) / horizons
        if risk > tolerated or dial >= at_most:
            return dial, risk, taken
        dial += 1
        taken += risk
        for k in range(horizons):
            q = fresh[k]
            mean[k] += q
            variance[k] += q * (1.0 - q)
            third[k] += q * (1.0 - q) * (1.0 - 2.0 * q)


@compiled
def answers_of(
    ringing_s: Floats, odds: Floats, answered: Floats, will: Floats, refused: float, refused_within_s: float
) -> Floats:
    """P(each ringing call is answered by each horizon), by its age, its trunk and whether it may still be refused."""
    ringing = lookup(ringing_s, RING_BIN_S, 0.0, answered)
    last = will.size - 1
    for i in range(ringing_s.size):
        if odds[i] != 1.0:
            position = min(float(last), max(0.0, ringing_s[i]) / RING_BIN_S)
            low = int(position)
            w = will[low] + (position - low) * (will[min(last, low + 1)] - will[low])
            ringing[i] = np.minimum(1.0, ringing[i] * (odds[i] / (odds[i] * w + 1.0 - w)))
        if ringing_s[i] < refused_within_s:
            ringing[i] *= 1.0 - refused * (1.0 - ringing_s[i] / refused_within_s)
    return ringing


@compiled
def decide(
    talking_s: Floats,
    wrapping_s: Floats,
    ringing_s: Floats,
    odds: Floats,
    talk_free: Floats,
    wrapup_free: Floats,
    answered: Floats,
    will: Floats,
    refused: float,
    refused_within_s: float,
    doubt: float,
    spare: int,
    tolerated: float,
    at_most: int,
) -> tuple[int, float, float, float, float]:
    """Look every age up and dial: (calls to add, risk of the next, risk taken, expected frees, expected answers).

    `odds` are the ringing calls' odds of an answer as multiples of the ordinary call's, and in its last place those of
    a call started now; see `answered_by` for `answered` and `will`. The share `refused` of calls fails within
    `refused_within_s` and never rings. `doubt` is the factor by which all answers are reckoned more likely than they
    seem.
    """
    horizons = answered.shape[1]
    busy = talking_s.size + wrapping_s.size
    doubted = np.minimum(1.0, answered * doubt)
    fresh = np.minimum(1.0, doubted[0] * (odds[-1] / (odds[-1] * will[0] + 1.0 - will[0]))) * (1.0 - refused)
    if busy + ringing_s.size + max(0, spare) <= EXACT_UP_TO:
        free = np.empty((busy, horizons))
        free[: talking_s.size] = lookup(talking_s, AGE_FIRST_S, AGES_PER_DECADE, talk_free)
        free[talking_s.size :] = lookup(wrapping_s, AGE_FIRST_S, AGES_PER_DECADE, wrapup_free)
        ringing = answers_of(ringing_s, odds, doubted, will, refused, refused_within_s)
        dial, risk, taken = dial_exact(free, ringing, fresh, spare, tolerated, at_most)
        return dial, risk, taken, free.sum() / horizons, ringing.sum() / horizons
    # Many: the ordinary calls and all agents are counted at the rows of their tables.
    ordinary_s, special_s, special_odds = np.empty(ringing_s.size), np.empty(ringing_s.size), np.empty(ringing_s.size)
    specials = 0
    for i in range(ringing_s.size):
        if odds[i] == 1.0 and (ringing_s[i] >= refused_within_s or refused == 0.0):
            ordinary_s[i - specials] = ringing_s[i]
        else:
            special_s[specials], special_odds[specials] = ringing_s[i], odds[i]
            specials += 1
    special = answers_of(special_s[:specials], special_odds[:specials], doubted, will, refused, refused_within_s)
    ringing = np.concatenate((doubted, special))
    calls = np.ones(ringing.shape[0])
    ordinary_s = ordinary_s[: ringing_s.size - specials]
    calls[: doubted.shape[0]] = row_counts(ordinary_s, RING_BIN_S, 0.0, doubted.shape[0])
    free = np.concatenate((talk_free, wrapup_free))
    agents = np.concatenate(
        (
            row_counts(talking_s, AGE_FIRST_S, AGES_PER_DECADE, talk_free.shape[0]),
            row_counts(wrapping_s, AGE_FIRST_S, AGES_PER_DECADE, wrapup_free.shape[0]),
        )
    )
    dial, risk, taken = dial_normal(free, agents, ringing, calls, fresh, spare, tolerated, at_most)
    frees = (agents[:, None] * free).sum() / horizons
    return dial, risk, taken, frees, (calls[:, None] * ringing).sum() / horizons
