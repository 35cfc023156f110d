"""Which risk of a single call is tolerable, so that the abandonment budget is used and not overdrawn.

Two loops. The inner one needs no abandoned call to learn from: it moves the tolerated risk until the mean predicted
risk of the calls that start is the one aimed at. The middle one compares predicted with actual abandoned calls and
corrects the prediction. Around both, the ledger: with little slack the aim is lowered in proportion, to nothing when
the next abandoned call would break the cap; with slack left over the aim is raised above the cap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pacing.face import Ledger
from pacing.governor import RESERVE_CALLS, slack_calls

GAIN_PER_CALL = 0.01
WANTED_SLACK_CALLS = 4.0
MOST_EAGER = 1.5
OPENING = 0.05
SPREAD = 2.0
RS = 1.0
CALIBRATION_START = 2.2
CALIBRATION_WEIGHT = 4.0
CALIBRATION_MEMORY = 30.0
LEAST_TOLERATED = 1e-4
MOST_TOLERATED = 0.6


class Steering:
    """The tolerated risk of one campaign under one cap."""

    def __init__(self, cap: float, before: Mapping[str, float] | None = None) -> None:
        known = before or {}
        self.cap = cap
        start = known.get("calibration", CALIBRATION_START)
        self.tolerated = min(MOST_TOLERATED, max(LEAST_TOLERATED, known.get("tolerated_risk", cap)))
        self.actual = CALIBRATION_WEIGHT
        self.predicted = CALIBRATION_WEIGHT / max(0.1, start)

    @property
    def calibration(self) -> float:
        """Abandoned calls for each one predicted."""
        return min(20.0, max(0.1, self.actual / self.predicted))

    def eagerness(self, ledger: Ledger, expected_answers: float) -> float:
        """The aim as a multiple of the cap, from the slack of the ledger: 0 is progressive.

        `expected_answers` of the calls in flight widen the wanted slack: so many cannot be steered any more.
        """
        slack = slack_calls(self.cap, ledger)
        if slack <= 0.0:
            return 0.0
        spread = math.sqrt(self.cap * expected_answers)
        ramp = (slack - RESERVE_CALLS - RS * spread) / (WANTED_SLACK_CALLS + SPREAD * spread)
        return min(MOST_EAGER, max(OPENING * min(1.0, slack), ramp))

    def abandoned(self) -> None:
        """One call was abandoned."""
        keep = 1.0 - 1.0 / CALIBRATION_MEMORY
        self.actual = self.actual * keep + 1.0
        self.predicted *= keep

    def dialled(self, count: int, taken_risk: float, probability: float, eagerness: float) -> None:
        """`count` calls were started with this sum of predicted risks while aiming at `eagerness`."""
        self.predicted += probability * taken_risk
        if eagerness <= 0.0:
            return
        aim = self.cap * eagerness / self.calibration
        step = GAIN_PER_CALL * (aim * count - taken_risk) / aim
        tolerated = self.tolerated * math.exp(min(0.2, max(-0.2, step)))
        self.tolerated = min(MOST_TOLERATED, max(LEAST_TOLERATED, tolerated))
