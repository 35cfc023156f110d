"""What becomes of calls that ring: competing risks by how long they have rung.

A call that rings may be answered by a person, by a machine, or fail. The first to end are no sample of all: answers
come after 5 to 15 s, machines after 15 to 25, time-outs all at once. So every call counts at every age that it has
reached, those that ring now included: of the calls that came to an age, so many were answered there. The chain of
these shares is the cumulative incidence of an answer (Aalen and Johansen, Scand. J. Statist. 5, 1978); how sure it is
follows from how many calls came to each age (its variance is that of Dinse and Larson, Biometrika 73, 1986), and
where nobody has been yet, it is not sure at all.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from pacing.api import Ages, Memory
from pacing.compiled import Floats, compiled, floats
from pacing.kernels import RING_BIN_S
from pacing.learning.durations import lognormal_cdf
from pacing.learning.forgetting import Forgetting
from pacing.learning.state_codec import counts_of, number_of

PERSON: Final = 0
MACHINE: Final = 1
FAILED: Final = 2
CAUSES: Final = 3
NAMES: Final = ("person", "machine", "failed")

TRACE: Final = 0.1
"""The share of the prior that is never forgotten, so that ages nobody reaches stay sensible."""

NEXT_TO_NOTHING: Final = 1e-6

RING_TIMES_REMEMBERED: Final = 2.0
"""The memory reaches at least over so many times the calls that ring."""

FASTEST_S: Final = 3.0
"""A call that fails sooner was refused: busy, no such number, congestion, a dead trunk. It never rang."""


@compiled
def incidence(events: Floats, within: Floats) -> tuple[Floats, Floats, Floats, float]:
    """The law from weighted counts: `events[cause, bin]` ended there, `within[bin]` stand there now.

    Returns, at the lower edge of every bin and at the end of the last: the share that still rings; the cumulative
    incidence of an answer of any kind, and of a person's; and the variance of the former at the end, for counts of
    weight 1.
    """
    bins = within.size
    still = np.ones(bins + 1)
    answers = np.zeros(bins + 1)
    people = np.zeros(bins + 1)
    reached = np.zeros(bins + 1)
    for b in range(bins - 1, -1, -1):
        reached[b] = reached[b + 1] + events[0, b] + events[1, b] + events[2, b] + within[b]
    for b in range(bins):
        # Those who stand in the bin have lived through half of it: the actuarial estimate.
        at_risk = max(1e-9, reached[b] - 0.5 * within[b])
        person, machine, failed = events[0, b] / at_risk, events[1, b] / at_risk, events[2, b] / at_risk
        still[b + 1] = still[b] * max(0.0, 1.0 - person - machine - failed)
        answers[b + 1] = answers[b] + still[b] * (person + machine)
        people[b + 1] = people[b] + still[b] * person
    variance = 0.0
    for b in range(bins):
        n = reached[b] - 0.5 * within[b]
        if n <= 1e-9 or still[b] <= 1e-9:
            continue
        a = min(1.0, (events[0, b] + events[1, b]) / n)
        d = min(1.0, a + events[2, b] / n)
        left = answers[bins] - answers[b + 1]  # of all, to be answered later
        gone = left / max(1e-9, 1.0 - d)  # what each of those who ended here would have brought, had they stayed
        # Var of S_b (a - d * later share): a multinomial over answered, failed and neither.
        later = gone / still[b] if d < 1.0 else 0.0
        mean = a - d * later
        square = a * (1.0 - later) * (1.0 - later) + (d - a) * later * later
        variance += still[b] * still[b] * max(0.0, square - mean * mean) / n
    return still, answers, people, variance


@compiled
def end_call(events: Floats, cause: int, place: int, kept: float, weight: float) -> None:
    """What is there counts for `kept`; then add a call that ended so, in one go: this is done for every call."""
    for c in range(events.shape[0]):
        for b in range(events.shape[1]):
            events[c, b] *= kept
    events[cause, place] += weight


@compiled
def bin_counts(ages_s: Floats, bins: int) -> Floats:
    """How many of the ages are in each bin; what is beyond the last is in the last."""
    calls = np.zeros(bins)
    for i in range(ages_s.size):
        calls[min(bins - 1, int(max(0.0, ages_s[i]) / RING_BIN_S))] += 1.0
    return calls


class Ringing:
    """A learnt law of what becomes of calls, by ring age in bins of `RING_BIN_S`; refused calls are not in it.

    `events[cause, bin]` are the (weighted) calls that ended so there. `weight` and `squares` are the sum of the weights
    of all ended calls and of their squares: the fewer calls make up a weight, the less sure it is. After a move
    `squares` is larger than that, for what was discounted says less.
    """

    def __init__(self, ring_timeout_s: float, answer_rate: float, answer_mean_s: float, memory: float, prior: float):
        bins = math.ceil((1.5 * ring_timeout_s + 10.0) / RING_BIN_S)
        edges_s = RING_BIN_S * np.arange(bins, dtype=np.float64)
        times = np.diff(lognormal_cdf(np.append(edges_s, edges_s[-1] + RING_BIN_S), answer_mean_s, 0.5))
        self.edges_s = edges_s
        self.prior = np.zeros((CAUSES, bins))
        self.prior[PERSON] = prior * answer_rate * times / times.sum()
        # Most calls that fail ring until the time-out; a fifth of them end somewhere before.
        lost = prior * (1.0 - answer_rate)
        timeout = min(bins - 1, int(ring_timeout_s / RING_BIN_S))
        self.prior[FAILED] = 0.2 * lost / bins
        self.prior[FAILED, timeout:] += 0.8 * lost / (bins - timeout)
        self.prior_weight = 1.0
        self.events = np.zeros((CAUSES, bins))
        self.memory_calls = memory
        self.forgetting = Forgetting()
        self.ringing = 0
        self.weight = self.squares = 0.0
        self.seen = [0] * CAUSES

    def look(self, now: float, ringing: int) -> None:
        """Time has come to `now`, and so many calls ring."""
        self.forgetting.now(now)
        self.ringing = ringing

    def observe(self, at: float, ring_s: float, cause: int) -> None:
        """A call ended so at `at`, after `ring_s`."""
        share = 1.0 / max(self.memory_calls, RING_TIMES_REMEMBERED * self.ringing)
        kept = math.exp(-share)
        self.forgetting.passed(share)
        weight = self.forgetting.of_one(at - ring_s)
        end_call(self.events, cause, self.bin_of(ring_s), kept, weight)
        self.prior_weight = max(TRACE, self.prior_weight * kept)
        self.weight = self.weight * kept + weight
        self.squares = self.squares * kept * kept + weight * weight
        self.seen[cause] += 1

    def correct(self, answered_at: float, ring_s: float, was: int, cause: int) -> None:
        """A call that ended as `was` turns out to have ended as `cause`."""
        bin_, weight = self.bin_of(ring_s), self.forgetting.of_one(answered_at - ring_s)
        moved = min(weight, float(self.events[was, bin_]))
        self.events[was, bin_] -= moved
        self.events[cause, bin_] += moved
        self.seen[was] -= 1
        self.seen[cause] += 1

    def bin_of(self, ring_s: float) -> int:
        """The bin of an age; what is beyond the last is in the last."""
        return min(self.edges_s.size - 1, int(max(0.0, ring_s) / RING_BIN_S))

    def fade(self, kept: float) -> None:
        """Everything so far counts for less."""
        self.events *= kept
        self.prior_weight = max(TRACE, self.prior_weight * kept)
        self.weight *= kept
        self.squares *= kept * kept

    def move(self, answers: float, kept: float) -> None:
        """The answer rate has changed: answers so far count as `answers` times as many, and all of it for less, the
        calls that ring now included."""
        if kept < 1.0:
            self.forgetting.passed(-math.log(kept))
            self.fade(kept)
            self.squares /= kept  # each call is worth less by itself: all of them together are less sure
        gained = (answers - 1.0) * self.events[:FAILED]
        self.events[:FAILED] += gained
        # Whoever is answered more often fails less often: at the time-out, in the end.
        failed = float(self.events[FAILED].sum())
        if failed > 0.0:
            self.events[FAILED] *= max(0.05, 1.0 - float(gained.sum()) / failed)

    def law(self, now: float = 0.0, ringing_s: Ages = ()) -> Law:
        """The law as it is known now, the calls that ring now included."""
        within = np.zeros(self.edges_s.size)
        ages_s = floats(ringing_s)
        squares, weight = self.squares, self.weight
        if ages_s.size:
            calls = bin_counts(ages_s, self.edges_s.size)
            within = calls * self.forgetting.of(now - self.edges_s)
            weight += float(within.sum())
            squares += float(within.sum())  # a move may have discounted them, and ordinarily they fade but little
        still, answers, people, variance = incidence(self.events + self.prior_weight * self.prior, within)
        alike = squares / weight if weight > 0.0 else 1.0
        return Law(still, answers, people, math.sqrt(variance * alike), weight)

    def memory(self, now: float = 0.0, ringing_s: Ages = ()) -> Memory:
        """What `recall` takes. Calls that ring now count as what becomes of them by the law (Efron's redistribution to
        the right, 1967): without them only those that end first would be remembered."""
        within = bin_counts(floats(ringing_s), self.edges_s.size) * self.forgetting.of(now - self.edges_s)
        # The prior says what becomes of them at ages that nobody has reached, and nothing else.
        still, answers, people, _ = incidence(self.events + NEXT_TO_NOTHING * self.prior, within)
        total = float(self.events.sum() + within.sum())
        gone = (people, answers - people, 1.0 - still - answers)
        rows = [np.maximum(0.0, np.diff(shares)) * total for shares in gone] if len(ringing_s) else self.events
        events = {name: row.tolist() for name, row in zip(NAMES, rows, strict=True)}
        return {**events, "seen": list(self.seen), "prior": self.prior_weight}

    def recall(self, memory: Memory, most: float) -> None:
        """Go on from an earlier law, as if at most `most` calls had been seen. Unusable memory changes nothing."""
        rows = [counts_of(memory, name, self.edges_s.size) for name in NAMES]
        events = np.array([row for row in rows if row is not None])
        if events.shape != self.events.shape or events.sum() <= 0.0:
            return
        self.events = events * min(1.0, most / float(events.sum()))
        self.weight = self.squares = float(self.events.sum())
        self.prior_weight = number_of(memory, "prior", TRACE, 1.0, TRACE)
        seen = counts_of(memory, "seen", CAUSES)
        if seen is not None:
            self.seen = [int(min(most, count)) for count in seen]


class Law:
    """What becomes of calls that ring, at one moment, on the edges of the bins (one more than bins).

    `still` is the share that still rings, `answers` and `people` the share answered by then, by anybody and by a
    person; `probability` and `person` are those answered in the end. `error` is the standard error of `probability`,
    `calls` the weight of the calls it rests on.
    """

    __slots__ = ("answers", "calls", "error", "people", "person", "probability", "still")

    def __init__(self, still: Floats, answers: Floats, people: Floats, error: float, calls: float) -> None:
        self.still = still
        self.answers = answers
        self.people = people
        self.error = error
        self.calls = calls
        # Nothing is certain after a few hundred calls.
        self.probability = min(0.99, max(0.002, float(answers[-1])))
        self.person = min(0.99, max(0.001, float(people[-1])))

    @property
    def mean_s(self) -> float:
        """Mean seconds from INVITE to a person's answer."""
        middle_s = RING_BIN_S * (np.arange(self.people.size - 1) + 0.5)
        return float((np.diff(self.people) * middle_s).sum() / max(1e-9, self.people[-1]))

    def quantiles_s(self, count: int) -> Floats:
        """`count` equally likely times to a person's answer to a call started now (the middles of its quantiles)."""
        shares = (np.arange(count) + 0.5) / count * self.people[-1]
        times_s: Floats = np.interp(shares, self.people, RING_BIN_S * np.arange(self.people.size))
        return times_s

    def upper(self, errors: float) -> float:
        """By how much the answer rate may be higher than it seems, `errors` standard errors up, as a factor."""
        return min(1.0, self.probability + errors * self.error) / self.probability
