"""Which risk of a single call is tolerable, so that the abandonment budget is used and not overdrawn.

Three loops. The inner one needs no abandoned call to learn from: it moves the tolerated risk until the mean predicted
risk of the calls that start is the one aimed at. The middle one compares predicted with actual abandoned calls and
corrects the prediction, for the forecast does not know of calls that will start later and be answered sooner. The
outer one is the ledger: the aim is the cap where the slack of the counting window is what it should be, more above,
less below, almost nothing when the cap is reached.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from pacing.api import Ledger, Memory
from pacing.governor import slack_calls
from pacing.learning.state_codec import number_of

# Inner loop: relative step of the tolerated risk for each call that starts; about a hundred calls to settle.
GAIN_PER_CALL = 0.01
LEAST_TOLERATED = 1e-4
MOST_TOLERATED_CAPS = 5.0  # at most this many caps: the mean aimed at must not be reached by a few reckless calls
# Middle loop: abandoned calls for each predicted one, starting from a few imagined ones.
CALIBRATION_START = 2.2
CALIBRATION_WEIGHT = 20.0
CALIBRATION_MEMORY = 60.0
# Outer loop; see `RiskControl.allowance`. `SOFTEST` is in calls, `RESERVE` in standard deviations, the rest in caps.
SOFTEST = 2.0
RESERVE = 1.45
MOST_EAGER = 1.5
OPENING = 0.25  # with slack, however little: a window would else begin with an hour of almost no calls
SPENT = 0.05  # without slack: far less than what every live answer brings back


class RiskControl:
    """The tolerated risk of one campaign under one cap."""

    def __init__(self, cap: float, before: Memory | None = None) -> None:
        self.cap = max(LEAST_TOLERATED, cap)  # a cap of 0 is one of next to nothing here
        self.most = max(LEAST_TOLERATED, min(0.9, MOST_TOLERATED_CAPS * cap))
        self.tolerated = number_of(before, "tolerated_risk", LEAST_TOLERATED, self.most, cap)
        self.actual = CALIBRATION_WEIGHT
        self.predicted = CALIBRATION_WEIGHT / number_of(before, "calibration", 0.1, 20.0, CALIBRATION_START)

    @property
    def calibration(self) -> float:
        """Abandoned calls for each one predicted."""
        return min(20.0, max(0.1, self.actual / self.predicted))

    def eagerness(self, ledgers: Iterable[tuple[float, Ledger]], expected_answers: float) -> float:
        """The abandon rate to aim at, as a multiple of the campaign's cap: the least that any (cap, ledger) allows."""
        return min(cap * self.allowance(cap, ledger, expected_answers) for cap, ledger in ledgers) / self.cap

    @staticmethod
    def allowance(cap: float, ledger: Ledger, expected_answers: float) -> float:
        """The abandon rate that one window allows, as a multiple of its cap.

        Talk time grows about with the logarithm of the abandon rate, so a steady rate is worth more than one that
        swings, and a very low one is worth far more than none. The slack of the window (in calls) is therefore pulled
        back softly to `wanted`, the softer the larger the budget: `softness` is where what swings cost and what stays
        unspent cost balance, (budget)^(2/3). Below `wanted` the aim falls to the little that a spent budget leaves.
        """
        slack = slack_calls(cap, ledger)
        softness = max(SOFTEST, math.pow(cap * ledger.answered, 2.0 / 3.0))
        wanted = RESERVE * math.sqrt(softness + cap * max(0.0, expected_answers))
        aim = min(1.0 + (slack - wanted) / softness, slack / wanted)
        return min(MOST_EAGER, max(OPENING if slack > 0.0 else SPENT, aim))

    def abandoned(self) -> None:
        """One call was abandoned."""
        keep = 1.0 - 1.0 / CALIBRATION_MEMORY
        self.actual = self.actual * keep + 1.0
        self.predicted *= keep

    def dialled(self, count: int, taken_risk: float, probability: float, eagerness: float, held: bool) -> None:
        """`count` calls were started with this sum of predicted risks while aiming at `eagerness` times the cap.

        `held`: something else held the number down, so the tolerated risk may fall but must not wind up.
        """
        self.predicted += probability * taken_risk
        aim = self.cap * eagerness / self.calibration
        if count <= 0 or aim <= 0.0:
            return
        step = GAIN_PER_CALL * (aim * count - taken_risk) / aim
        step = min(0.0 if held else 0.2, max(-0.2, step))
        self.tolerated = min(self.most, max(LEAST_TOLERATED, self.tolerated * math.exp(step)))

    def memory(self) -> dict[str, float]:
        """What a new `RiskControl` goes on from."""
        return {"tolerated_risk": self.tolerated, "calibration": self.calibration}
