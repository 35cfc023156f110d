"""A law of durations, learnt while some of them still run: talks and wrap-ups.

Talks have more than one hump (quick refusals and long conversations), and what remains of one depends on its age. So
the law is kept as a hazard by age, not as a mean.
"""

from __future__ import annotations

import math

import numpy as np

from pacing.api import Ages, Memory
from pacing.compiled import Floats, floats
from pacing.learning.forgetting import Forgetting, end_life, spread
from pacing.learning.state_codec import counts_of, number_of

BINS = 28
EDGES_S = np.concatenate((np.zeros(1), 2.0 * 1.35 ** np.arange(BINS - 1)))
LIVES_REMEMBERED = 2.0
"""The memory reaches at least over so many times the durations that run: a shorter one would know their beginnings
only."""


def lognormal_cdf(times_s: Floats, mean_s: float, variation: float) -> Floats:
    """Share of durations up to each time, for a lognormal of this mean and coefficient of variation."""
    sigma = math.sqrt(math.log1p(variation * variation))
    mu = math.log(mean_s) - 0.5 * sigma * sigma
    return floats(tuple(0.5 * math.erfc((mu - math.log(max(t, 1e-9))) / (sigma * math.sqrt(2.0))) for t in times_s))


class Durations:
    """A learnt law of durations: a hazard (1/s) that is constant between edges in geometric progression.

    The hazard of a bin is the (weighted) number of durations that ended in it over the (weighted) seconds spent in it:
    the piecewise exponential model of survival analysis. Durations still running count through the seconds they have
    lasted, so that short ones, which are seen first, do not bias a cold start. Ended and running ones are weighted by
    when they began (`Forgetting`). The last bin has no upper edge.
    """

    def __init__(self, prior_mean_s: float, prior_variation: float, memory: float, prior_weight: float) -> None:
        self.edges_s = EDGES_S
        cdf = lognormal_cdf(self.edges_s, prior_mean_s, prior_variation)
        upper = np.append(cdf[1:], 1.0)
        # Seconds spent in a bin: width times the mean share that is still running; the open bin gets one mean more.
        width_s = np.append(np.diff(self.edges_s), prior_mean_s)
        self.ended = prior_weight * (upper - cdf)
        self.seconds = prior_weight * width_s * (1.0 - 0.5 * (cdf + upper))
        self.memory_calls = memory
        self.forgetting = Forgetting()
        self.last: tuple[float, Floats] = (0.0, floats(()))
        self.seen = 0

    def look(self, now: float, running_s: Ages) -> None:
        """Time has come to `now`, and durations of these ages run."""
        self.forgetting.now(now)
        self.last = now, floats(running_s)

    def observe(self, at: float, duration_s: float) -> None:
        """One duration has ended at `at`."""
        duration_s = max(0.0, duration_s)
        share = 1.0 / max(self.memory_calls, LIVES_REMEMBERED * self.last[1].size)
        self.forgetting.passed(share)
        weight = self.forgetting.of_one(at - duration_s)
        end_life(duration_s, weight, math.exp(-share), self.edges_s, self.ended, self.seconds)
        self.seen += 1

    def hazard(self, now: float = 0.0, running_s: Ages = ()) -> Floats:
        """The hazard of every bin, with the durations still running taken into account; always positive."""
        seconds = self._spent(now, floats(running_s))
        overall = self.ended.sum() / seconds.sum()
        # Half a duration's worth of the overall hazard keeps bins nobody has visited sensible.
        hazard: Floats = (self.ended + 0.5) / (seconds + 0.5 / overall)
        return hazard

    def _spent(self, now: float, ages_s: Floats) -> Floats:
        """The seconds spent in every bin, by those that ended and those that run."""
        seconds: Floats = self.seconds.copy()
        if ages_s.size:
            spread(ages_s, self.forgetting.of(now - ages_s), self.edges_s, np.zeros(BINS), seconds)
        return seconds

    @property
    def mean_s(self) -> float:
        """Seconds for each duration that ended, with those that ran at the last look: the others alone are short."""
        return float(self._spent(*self.last).sum() / self.ended.sum())

    def memory(self) -> Memory:
        """What `recall` takes. The seconds of durations that run count as spent, or only short ones were remembered."""
        return {"ended": self.ended.tolist(), "seconds": self._spent(*self.last).tolist(), "seen": self.seen}

    def recall(self, memory: Memory, most: float) -> None:
        """Go on from an earlier law, as if at most `most` durations had been seen. Unusable memory changes nothing."""
        ended, seconds = counts_of(memory, "ended", BINS), counts_of(memory, "seconds", BINS)
        if ended is None or seconds is None or ended.sum() < 1.0 or seconds.sum() <= 0.0:
            return
        share = min(1.0, most / float(ended.sum()))
        self.ended, self.seconds = ended * share, seconds * share
        self.seen = int(min(most, number_of(memory, "seen", 0.0, most, 0.0)))
