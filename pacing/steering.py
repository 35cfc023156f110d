"""Which risk of a single call is tolerable, so that the abandonment budget is used and not overdrawn.

Three loops. The inner one needs no abandoned call to learn from: it moves the tolerated risk until the mean predicted
risk of the calls that start is the one aimed at. The middle one compares predicted with actual abandoned calls and
corrects the prediction, for the forecast does not know of calls that will start later and be answered sooner. The
outer one is the ledger: with little slack the aim falls in proportion, to nothing when the cap is reached; with slack
left over it rises a little above the cap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pacing.face import Ledger
from pacing.governor import slack_calls
from pacing.learn import recalled

# Inner loop: relative step of the tolerated risk for each call that starts; about a hundred calls to settle.
GAIN_PER_CALL = 0.01
LEAST_TOLERATED = 1e-4
MOST_TOLERATED_CAPS = 5.0  # at most this many caps: the mean aimed at must not be reached by a few reckless calls
# Middle loop: abandoned calls for each predicted one, starting from a few imagined ones, remembering about thirty.
CALIBRATION_START = 2.2
CALIBRATION_WEIGHT = 4.0
CALIBRATION_MEMORY = 30.0
# Outer loop, in calls of slack; see `Steering.eagerness`.
RESERVE = 1.0
RESERVE_IN_FLIGHT = 2.0
RAMP = 4.0
RAMP_IN_FLIGHT = 2.0
MOST_EAGER = 1.25
OPENING = 0.05


class Steering:
    """The tolerated risk of one campaign under one cap."""

    def __init__(self, cap: float, before: Mapping[str, float] | None = None) -> None:
        self.cap = cap
        self.most = max(LEAST_TOLERATED, min(0.9, MOST_TOLERATED_CAPS * cap))
        self.tolerated = recalled(before, "tolerated_risk", LEAST_TOLERATED, self.most, cap)
        self.actual = CALIBRATION_WEIGHT
        self.predicted = CALIBRATION_WEIGHT / recalled(before, "calibration", 0.1, 20.0, CALIBRATION_START)

    @property
    def calibration(self) -> float:
        """Abandoned calls for each one predicted."""
        return min(20.0, max(0.1, self.actual / self.predicted))

    def eagerness(self, ledger: Ledger, expected_answers: float) -> float:
        """The abandon rate to aim at as a multiple of the cap; 0 means progressive.

        The slack of the ledger (in calls) less a reserve, over a ramp. Reserve and ramp grow with the standard
        deviation of the abandoned calls that are in flight already, sqrt(cap * expected_answers), because those can
        no longer be steered. Below the reserve, which every window begins with, a twentieth of the cap is aimed at:
        a progressive start would cost more talk time than it saves risk.
        """
        slack = slack_calls(self.cap, ledger)
        if slack <= 0.0:
            return 0.0
        spread = math.sqrt(self.cap * max(0.0, expected_answers))
        ramp = (slack - RESERVE - RESERVE_IN_FLIGHT * spread) / (RAMP + RAMP_IN_FLIGHT * spread)
        return min(MOST_EAGER, max(OPENING * min(1.0, slack), ramp))

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
