"""Whether and when calls are answered, by hour of the day and by trunk where there is enough evidence.

The answer rate of a list moves slowly most of the time, and then it moves at once: another list, another hour, a
trunk that is down. So it is counted twice, with a long and with a short memory, and the long one is dropped for the
short one when the two cannot both be true.
"""

from __future__ import annotations

import math

import numpy as np

from pacing.compiled import Floats
from pacing.durations import lognormal_cdf
from pacing.face import Memory
from pacing.kernels import RING_BIN_S
from pacing.recall import counts_of, number_of

MEMORY_CALLS = 1000.0
MEMORY_RECENT = 60.0
MEMORY_ANSWERS = 500.0
MEMORY_HOUR = 5000.0
MEMORY_TRUNK = 150.0
# Standard deviations between the recent and the long-run answer rate that are no longer chance. With 3.5 a steady
# campaign is mistaken about once in twenty thousand calls, and then it only learns its rate again.
SURPRISE = 3.5
# So many finished calls of an hour (of a trunk) say something of their own; odds are never moved further than this.
EVIDENCE_HOUR = 300.0
EVIDENCE_TRUNK = 60.0
FURTHEST_ODDS = 4.0
MOST_TRUNKS = 64
HOURS = tuple(str(hour) for hour in range(24))


class Tally:
    """Answered among finished calls, discounted."""

    __slots__ = ("answered", "finished", "keep")

    def __init__(self, memory: float, answered: float = 0.0, finished: float = 0.0) -> None:
        self.keep = 1.0 - 1.0 / memory
        self.answered = answered
        self.finished = finished

    def observe(self, answered: bool) -> None:
        """One call has finished."""
        self.answered = self.answered * self.keep + (1.0 if answered else 0.0)
        self.finished = self.finished * self.keep + 1.0

    @property
    def probability(self) -> float:
        """P(answer); between 0.2 and 99 %, for nothing is certain after a few hundred calls."""
        return min(0.99, max(0.002, self.answered / self.finished)) if self.finished > 0.0 else 0.3

    @property
    def odds(self) -> float:
        """P / (1 - P)."""
        return self.probability / (1.0 - self.probability)


class Answers:
    """Answer probability, time to answer if answered, time to failure if not."""

    def __init__(self, ring_timeout_s: float, probability: float, answer_mean_s: float, prior_weight: float) -> None:
        bins = math.ceil((1.5 * ring_timeout_s + 10.0) / RING_BIN_S)
        early = min(bins, int(3.0 / RING_BIN_S))
        self.calls = Tally(MEMORY_CALLS, probability * prior_weight, prior_weight)
        self.recent = Tally(MEMORY_RECENT)
        self.hours: dict[int, Tally] = {}
        self.trunks: dict[str, Tally] = {}
        self.hour = -1
        answer_cdf = lognormal_cdf(RING_BIN_S * np.arange(1, bins + 1, dtype=np.float64), answer_mean_s, 0.5)
        self.answer_times = prior_weight * np.diff(answer_cdf, prepend=0.0)
        # Most failures are calls nobody takes until the ring time-out; a fifth fails at once; a fifth in between.
        self.failure_times = np.full(bins, 0.2 * prior_weight / bins)
        self.failure_times[:early] += 0.2 * prior_weight / early
        self.failure_times[min(bins - 1, int(ring_timeout_s / RING_BIN_S))] += 0.6 * prior_weight
        self.seen_answered = 0
        self.seen = 0

    def observe(self, answered: bool, ring_s: float, trunk: str = "") -> None:
        """One call was answered, or ended without an answer, after `ring_s`."""
        self.calls.observe(answered)
        self.recent.observe(answered)
        if self.surprised():
            self.calls.answered, self.calls.finished = self.recent.answered, self.recent.finished
        if self.hour >= 0:
            self.hours.setdefault(self.hour, Tally(MEMORY_HOUR)).observe(answered)
        if trunk and (trunk in self.trunks or len(self.trunks) < MOST_TRUNKS):
            self.trunks.setdefault(trunk, Tally(MEMORY_TRUNK)).observe(answered)
        times = self.answer_times if answered else self.failure_times
        times *= 1.0 - 1.0 / MEMORY_ANSWERS
        times[min(times.size - 1, int(max(0.0, ring_s) / RING_BIN_S))] += 1.0
        self.seen += 1
        self.seen_answered += answered

    def surprised(self) -> bool:
        """Whether the recent calls cannot be explained by the long-run rate.

        The sum of n exponentially forgotten trials has about half the variance of n trials.
        """
        recent = self.recent.finished
        if recent < 0.5 * MEMORY_RECENT or self.calls.finished < MEMORY_RECENT:
            return False
        rate = self.calls.probability
        spread = math.sqrt(rate * (1.0 - rate) * 0.5 * recent)
        return abs(self.recent.answered - rate * recent) > SURPRISE * max(1.0, spread)

    def turn_to(self, hour: int) -> None:
        """The hour of the day begins. If both hours are known, the rate moves as it did between them before."""
        if hour == self.hour:
            return
        before, after = self.hours.get(self.hour), self.hours.get(hour)
        self.hour = hour
        if before is None or after is None or min(before.finished, after.finished) < EVIDENCE_HOUR:
            return
        odds = self.calls.odds * _bounded(after.odds / before.odds)
        # Half of the certainty goes: today need not be like the days before.
        self.calls.finished *= 0.5
        self.calls.answered = self.calls.finished * odds / (1.0 + odds)
        # The newest calls were the other hour's: they say nothing against this one.
        self.recent = Tally(MEMORY_RECENT)

    def odds_of(self, trunk: str) -> float:
        """The odds of an answer over this trunk as a multiple of the ordinary ones; 1 without evidence otherwise."""
        tally = self.trunks.get(trunk)
        if tally is None or len(self.trunks) < 2 or tally.finished < EVIDENCE_TRUNK:
            return 1.0
        spread = math.sqrt(tally.probability * (1.0 - tally.probability) / (2.0 * tally.finished))
        if abs(tally.probability - self.calls.probability) < 2.0 * spread:
            return 1.0
        return _bounded(tally.odds / self.calls.odds)

    @property
    def probability(self) -> float:
        """P(a call started now is answered)."""
        return self.calls.probability

    @property
    def finished(self) -> float:
        """How many finished calls the probability rests on."""
        return self.calls.finished

    def answer_cdf(self) -> Floats:
        """Share of answered calls answered within 0, 1, 2, ... bins."""
        return np.concatenate((np.zeros(1), np.cumsum(self.answer_times) / self.answer_times.sum()))

    def failure_cdf(self) -> Floats:
        """Share of failed calls failed within 0, 1, 2, ... bins."""
        return np.concatenate((np.zeros(1), np.cumsum(self.failure_times) / self.failure_times.sum()))

    @property
    def mean_s(self) -> float:
        """Mean seconds from INVITE to answer."""
        middle_s = RING_BIN_S * (np.arange(self.answer_times.size) + 0.5)
        return float((self.answer_times * middle_s).sum() / self.answer_times.sum())

    def quantiles_s(self, count: int) -> Floats:
        """`count` equally likely times to answer of a call started now (the middles of its quantile groups)."""
        shares = (np.arange(count) + 0.5) / count
        cdf = self.answer_cdf()
        times_s: Floats = np.interp(shares, cdf, RING_BIN_S * np.arange(cdf.size))
        return times_s

    def memory(self) -> Memory:
        """What `recall` takes."""
        return {
            "answered": self.calls.answered,
            "finished": self.calls.finished,
            "answer_times": self.answer_times.tolist(),
            "failure_times": self.failure_times.tolist(),
            "seen": self.seen,
            "seen_answered": self.seen_answered,
            "hour": self.hour,
        }

    def recall(self, memory: Memory, hours: Memory, trunks: Memory, most: float) -> None:
        """Go on from earlier answers, as if at most `most` calls had finished. What is unusable changes nothing."""
        finished = number_of(memory, "finished", 0.0, 1e9, 0.0)
        answered = number_of(memory, "answered", 0.0, finished, 0.0)
        if finished >= 1.0:
            weight = min(most, finished)
            self.calls.answered, self.calls.finished = answered / finished * weight, weight
        for name in ("answer_times", "failure_times"):
            times = counts_of(memory, name, self.answer_times.size)
            if times is not None and times.sum() >= 1.0:
                setattr(self, name, times * min(1.0, most / float(times.sum())))
        self.seen = int(number_of(memory, "seen", 0.0, most, 0.0))
        self.seen_answered = int(number_of(memory, "seen_answered", 0.0, most, 0.0))
        self.hour = int(number_of(memory, "hour", -1.0, 23.0, -1.0))
        for name, row in list(hours.items())[:24]:
            if name in HOURS:
                self.hours[HOURS.index(name)] = _tally(row, MEMORY_HOUR)
        for name, row in list(trunks.items())[:MOST_TRUNKS]:
            if isinstance(name, str):
                self.trunks[name] = _tally(row, MEMORY_TRUNK)

    def shares(self) -> tuple[Memory, Memory]:
        """Answered and finished calls by hour and by trunk, as `recall` takes them."""
        return (
            {str(hour): [tally.answered, tally.finished] for hour, tally in sorted(self.hours.items())},
            {trunk: [tally.answered, tally.finished] for trunk, tally in sorted(self.trunks.items())},
        )


def _bounded(odds: float) -> float:
    return min(FURTHEST_ODDS, max(1.0 / FURTHEST_ODDS, odds))


def _tally(row: object, memory: float) -> Tally:
    counts = counts_of({"row": row}, "row", 2)
    if counts is None:
        return Tally(memory)
    answered, finished = float(counts[0]), float(counts[1])
    share = min(answered, finished) / finished if finished > 0.0 else 0.0
    finished = min(memory, finished)
    return Tally(memory, finished * share, finished)
