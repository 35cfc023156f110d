"""What a pacer learns from what happened: answer probability, time to answer, talk and wrap-up times.

Everything is counted with exponential forgetting: each new observation multiplies the old counts by 1 - 1/memory, so
about `memory` observations are remembered and a drift is followed. The counts start as a few imagined observations of
a plausible campaign (the prior), which are forgotten like all others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from pacing.compiled import Floats, floats
from pacing.face import CallAnswered, CallFailed, Observation, TalkEnded, WrapupEnded

MEMORY_CALLS = 400.0
MEMORY_ANSWERS = 500.0
MEMORY_TALKS = 500.0
RING_BIN_S = 0.5
# How many imagined observations the priors are worth, and how many at most what an earlier pacer had learnt.
PRIOR_CALLS = 10.0
PRIOR_TALKS = 5.0
RECALLED_MOST = 100.0
# Progressive until this much has been seen (cold start).
CALLS_NEEDED = 30
ANSWERS_NEEDED = 10
TALKS_NEEDED = 10


def recalled(before: Mapping[str, float] | None, name: str, low: float, high: float, default: float) -> float:
    """One number an earlier pacer had learnt, kept between bounds; `default` if it is missing or not a number."""
    value = (before or {}).get(name, default)
    return min(high, max(low, value)) if math.isfinite(value) else default


def lognormal_cdf(times_s: Floats, mean_s: float, variation: float) -> Floats:
    """Share of durations up to each time, for a lognormal of this mean and coefficient of variation."""
    sigma = math.sqrt(math.log1p(variation * variation))
    mu = math.log(mean_s) - 0.5 * sigma * sigma
    return floats(tuple(0.5 * math.erfc((mu - math.log(max(t, 1e-9))) / (sigma * math.sqrt(2.0))) for t in times_s))


class Durations:
    """A learnt law of durations: a hazard (1/s) that is constant between edges in geometric progression.

    The hazard of a bin is the (discounted) number of durations that ended in it over the (discounted) seconds spent in
    it: the piecewise exponential model of survival analysis. Durations still running count through the seconds they
    have lasted, so that short ones, which are seen first, do not bias a cold start. The last bin has no upper edge.
    """

    def __init__(self, prior_mean_s: float, prior_variation: float, memory: float, prior_weight: float) -> None:
        self.edges_s = np.concatenate((np.zeros(1), 2.0 * 1.35 ** np.arange(27)))
        cdf = lognormal_cdf(self.edges_s, prior_mean_s, prior_variation)
        upper = np.append(cdf[1:], 1.0)
        # Seconds spent in a bin: width times the mean share that is still running; the open bin gets one mean more.
        width_s = np.append(np.diff(self.edges_s), prior_mean_s)
        self.ended = prior_weight * (upper - cdf)
        self.seconds = prior_weight * width_s * (1.0 - 0.5 * (cdf + upper))
        self.keep = 1.0 - 1.0 / memory
        self.seen = 0

    def seconds_in_bins(self, durations_s: tuple[float, ...]) -> Floats:
        """How durations are spent over the bins, summed up."""
        upper = np.append(self.edges_s[1:], np.inf)
        spent = np.clip(np.minimum(floats(durations_s)[:, None], upper) - self.edges_s, 0.0, None)
        total: Floats = spent.sum(axis=0)
        return total

    def observe(self, duration_s: float) -> None:
        """One duration has ended."""
        duration_s = max(0.0, duration_s)
        self.ended *= self.keep
        self.seconds *= self.keep
        self.ended[np.searchsorted(self.edges_s, duration_s, side="right") - 1] += 1.0
        self.seconds += self.seconds_in_bins((duration_s,))
        self.seen += 1

    def hazard(self, running_s: tuple[float, ...] = ()) -> Floats:
        """The hazard of every bin, with the durations still running taken into account; always positive."""
        seconds = self.seconds + self.seconds_in_bins(running_s) if running_s else self.seconds
        overall = self.ended.sum() / seconds.sum()
        # Half a duration's worth of the overall hazard keeps bins nobody has visited sensible.
        hazard: Floats = (self.ended + 0.5) / (seconds + 0.5 / overall)
        return hazard

    @property
    def mean_s(self) -> float:
        """Seconds for each duration that ended."""
        return float(self.seconds.sum() / self.ended.sum())


class Answers:
    """Whether and when calls are answered: probability, time to answer if answered, time to failure if not."""

    def __init__(self, ring_timeout_s: float, probability: float, answer_mean_s: float, prior_weight: float) -> None:
        bins = math.ceil((1.5 * ring_timeout_s + 10.0) / RING_BIN_S)
        early = min(bins, int(3.0 / RING_BIN_S))
        self.answered = probability * prior_weight
        self.finished = prior_weight
        answer_cdf = lognormal_cdf(RING_BIN_S * np.arange(1, bins + 1, dtype=np.float64), answer_mean_s, 0.5)
        self.answer_times = prior_weight * np.diff(answer_cdf, prepend=0.0)
        # Most failures are calls nobody takes until the ring time-out; a fifth fails at once; a fifth in between.
        self.failure_times = np.full(bins, 0.2 * prior_weight / bins)
        self.failure_times[:early] += 0.2 * prior_weight / early
        self.failure_times[min(bins - 1, int(ring_timeout_s / RING_BIN_S))] += 0.6 * prior_weight
        self.seen_answered = 0
        self.seen = 0

    def observe(self, answered: bool, ring_s: float) -> None:
        """One call was answered, or ended without an answer, after `ring_s`."""
        keep = 1.0 - 1.0 / MEMORY_CALLS
        self.answered = self.answered * keep + (1.0 if answered else 0.0)
        self.finished = self.finished * keep + 1.0
        times = self.answer_times if answered else self.failure_times
        times *= 1.0 - 1.0 / MEMORY_ANSWERS
        times[min(times.size - 1, int(max(0.0, ring_s) / RING_BIN_S))] += 1.0
        self.seen += 1
        self.seen_answered += answered

    @property
    def probability(self) -> float:
        """P(a call started now is answered)."""
        return self.answered / self.finished

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


class Learnt:
    """Everything one pacer has learnt of its campaign."""

    def __init__(self, ring_timeout_s: float, before: Mapping[str, float] | None = None) -> None:
        calls = recalled(before, "calls_seen", 0.0, RECALLED_MOST, 0.0)
        talks = recalled(before, "talks_seen", 0.0, RECALLED_MOST, 0.0)
        weight = max(PRIOR_TALKS, talks)
        self.answers = Answers(
            ring_timeout_s,
            recalled(before, "answer_probability", 0.01, 0.99, 0.3),
            recalled(before, "time_to_answer_s", 1.0, max(1.0, ring_timeout_s), 11.0),
            max(PRIOR_CALLS, calls),
        )
        self.answers.seen = int(calls)
        self.answers.seen_answered = int(recalled(before, "answers_seen", 0.0, RECALLED_MOST, 0.0))
        self.talk = Durations(recalled(before, "talk_s", 1.0, 7200.0, 120.0), 1.0, MEMORY_TALKS, weight)
        self.talk.seen = int(talks)
        self.wrapup = Durations(recalled(before, "wrapup_s", 1.0, 7200.0, 30.0), 0.7, MEMORY_TALKS, weight)

    def observe(self, observation: Observation) -> None:
        """Take in one thing that happened."""
        if isinstance(observation, CallAnswered):
            self.answers.observe(True, observation.ring_s)
        elif isinstance(observation, CallFailed):
            self.answers.observe(False, observation.ring_s)
        elif isinstance(observation, TalkEnded):
            self.talk.observe(observation.talk_s)
        elif isinstance(observation, WrapupEnded):
            self.wrapup.observe(observation.wrapup_s)

    def missing(self) -> str:
        """What is still to be seen before a forecast is worth anything, in words; empty if nothing."""
        lacks = (
            (CALLS_NEEDED - self.answers.seen, "finished calls"),
            (ANSWERS_NEEDED - self.answers.seen_answered, "answers"),
            (TALKS_NEEDED - self.talk.seen, "ended talks"),
        )
        return ", ".join(f"{lack} {noun}" for lack, noun in lacks if lack > 0)

    def summary(self) -> dict[str, float]:
        """The learnt means by name; feed it to a new `Learnt` to start from there."""
        return {
            "answer_probability": self.answers.probability,
            "time_to_answer_s": self.answers.mean_s,
            "talk_s": self.talk.mean_s,
            "wrapup_s": self.wrapup.mean_s,
            "calls_seen": float(self.answers.seen),
            "answers_seen": float(self.answers.seen_answered),
            "talks_seen": float(self.talk.seen),
        }
