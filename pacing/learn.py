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
PRIOR_CALLS = 10.0
PRIOR_ANSWERS = 10.0
PRIOR_TALKS = 5.0


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

    def seconds_in_bins(self, duration_s: float) -> Floats:
        """How a duration is spent over the bins."""
        upper = np.append(self.edges_s[1:], np.inf)
        return np.clip(np.minimum(duration_s, upper) - self.edges_s, 0.0, None)

    def observe(self, duration_s: float) -> None:
        """One duration has ended."""
        duration_s = max(0.0, duration_s)
        self.ended *= self.keep
        self.seconds *= self.keep
        self.ended[np.searchsorted(self.edges_s, duration_s, side="right") - 1] += 1.0
        self.seconds += self.seconds_in_bins(duration_s)
        self.seen += 1

    def hazard(self, running_s: tuple[float, ...] = ()) -> Floats:
        """The hazard of every bin, with the durations still running taken into account; always positive."""
        seconds = self.seconds
        if running_s:
            upper = np.append(self.edges_s[1:], np.inf)
            ages = floats(running_s)[:, None]
            seconds = seconds + np.clip(np.minimum(ages, upper) - self.edges_s, 0.0, None).sum(axis=0)
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

    def __init__(self, ring_timeout_s: float, probability: float = 0.3, answer_mean_s: float = 11.0) -> None:
        bins = math.ceil((1.5 * ring_timeout_s + 10.0) / RING_BIN_S)
        upper_s = RING_BIN_S * np.arange(1, bins + 1)
        self.answered = probability * PRIOR_CALLS
        self.finished = PRIOR_CALLS
        answer_cdf = lognormal_cdf(upper_s, answer_mean_s, 0.5)
        self.answer_times = PRIOR_ANSWERS * np.diff(answer_cdf, prepend=0.0)
        # Most failures are calls nobody takes until the ring time-out; a fifth fails at once; a few in between.
        self.failure_times = np.full(bins, 0.2 * PRIOR_ANSWERS / bins)
        self.failure_times[: max(1, int(3.0 / RING_BIN_S))] += 0.2 * PRIOR_ANSWERS / max(1, int(3.0 / RING_BIN_S))
        self.failure_times[min(bins - 1, int(ring_timeout_s / RING_BIN_S))] += 0.6 * PRIOR_ANSWERS
        self.seen_answered = 0
        self.seen_failed = 0

    def observe(self, answered: bool, ring_s: float) -> None:
        """One call was answered, or ended without an answer, after `ring_s`."""
        keep = 1.0 - 1.0 / MEMORY_CALLS
        self.answered = self.answered * keep + (1.0 if answered else 0.0)
        self.finished = self.finished * keep + 1.0
        times = self.answer_times if answered else self.failure_times
        times *= 1.0 - 1.0 / MEMORY_ANSWERS
        times[min(times.size - 1, int(max(0.0, ring_s) / RING_BIN_S))] += 1.0
        if answered:
            self.seen_answered += 1
        else:
            self.seen_failed += 1

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
        return np.interp(shares, cdf, RING_BIN_S * np.arange(cdf.size)).astype(np.float64)


class Learnt:
    """Everything one pacer has learnt of its campaign."""

    def __init__(self, ring_timeout_s: float, before: Mapping[str, float] | None = None) -> None:
        known = before or {}
        self.answers = Answers(
            ring_timeout_s,
            min(0.99, max(0.01, known.get("answer_probability", 0.3))),
            min(ring_timeout_s, max(1.0, known.get("time_to_answer_s", 11.0))),
        )
        self.talk = Durations(max(1.0, known.get("talk_s", 120.0)), 1.0, MEMORY_TALKS, PRIOR_TALKS)
        self.wrapup = Durations(max(1.0, known.get("wrapup_s", 30.0)), 0.7, MEMORY_TALKS, PRIOR_TALKS)

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

    def missing(self, calls: int, answers: int, talks: int) -> str:
        """What is still to be seen before a forecast is worth anything, in words; empty if nothing."""
        seen = self.answers.seen_answered + self.answers.seen_failed
        lacks = (
            (calls - seen, "finished calls"),
            (answers - self.answers.seen_answered, "answers"),
            (talks - self.talk.seen, "talks"),
        )
        return ", ".join(f"{lack} {noun}" for lack, noun in lacks if lack > 0)

    def summary(self) -> dict[str, float]:
        """The learnt means by name; feed it to a new `Learnt` to start from there."""
        return {
            "answer_probability": self.answers.probability,
            "time_to_answer_s": self.answers.mean_s,
            "talk_s": self.talk.mean_s,
            "wrapup_s": self.wrapup.mean_s,
        }
