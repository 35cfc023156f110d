"""Predictive: dial while the forecast risk of abandoning the next call is tolerable."""

from __future__ import annotations

from collections.abc import Mapping

from pacing.face import CallAbandoned, Decision, Observation, Settings, Snapshot
from pacing.forecast import Proposal, Tables, dial_within, make_forecast, make_tables, stale
from pacing.governor import Brake, budget_spent, covered, govern, limit
from pacing.learn import Learnt
from pacing.policies.progressive import progressive
from pacing.sentence import braked, forecasting
from pacing.steering import Steering


class Predictive:
    """A pacer that forecasts answers and freed agents, and steers its tolerated risk by the ledger."""

    def __init__(self, settings: Settings, before: Mapping[str, float] | None = None) -> None:
        self.settings = settings
        self.known = Learnt(settings.ring_timeout_s, before)
        self.steering = Steering(settings.max_abandon_rate, before)
        self.tables: Tables | None = None

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """Learn from what happened, forecast, and dial what is tolerable; progressive while cold or out of budget."""
        for observation in observations:
            self.known.observe(observation)
            if isinstance(observation, CallAbandoned):
                self.steering.abandoned()
        why_not = self.why_progressive(snapshot)
        if why_not is not None:
            return progressive(snapshot, self.settings, why_not)
        grace_s = self.settings.abandon_after_s
        if self.tables is None or stale(self.tables, snapshot.now):
            self.tables = make_tables(self.known, snapshot, grace_s)
        forecast = make_forecast(self.tables, snapshot, grace_s)
        expected_answers = forecast.probability * len(snapshot.ringing_age_s)
        eagerness = self.steering.eagerness(snapshot.ledger, expected_answers)
        tolerated = self.steering.tolerated * eagerness
        # One more than the limit, so that the governor sees whether the limit or the risk has the last word.
        proposal = dial_within(forecast, tolerated, limit(self.settings, snapshot).dial + 1)
        governed = govern(max(proposal.dial, covered(snapshot)), self.settings, snapshot)
        self.charge(governed.dial, proposal, eagerness)
        reason = forecasting(governed, self.settings, snapshot, forecast, proposal, tolerated)
        return Decision(governed.dial, reason, proposal.next_risk)

    def why_progressive(self, snapshot: Snapshot) -> str | None:
        """Why no forecast is made now; None if one is."""
        if snapshot.agents <= 0:
            return ""
        missing = self.known.missing()
        if missing:
            return f"learning ({missing} to go), one call for each ready agent until then"
        if budget_spent(self.settings.max_abandon_rate, snapshot.ledger):
            return braked(Brake.BUDGET, self.settings, snapshot)
        return None

    def charge(self, dial: int, proposal: Proposal, eagerness: float) -> None:
        """Tell the steering what the calls that start now are predicted to cost."""
        if dial <= 0:
            return
        if dial <= proposal.dial:
            taken = proposal.taken_risk * dial / proposal.dial
        else:
            taken = proposal.taken_risk + (dial - proposal.dial) * proposal.next_risk
        self.steering.dialled(dial, taken, self.known.answers.probability, eagerness, dial < proposal.dial)

    def learnt(self) -> dict[str, float]:
        """The learnt means, the tolerated risk and the calibration of the forecast."""
        return self.known.summary() | {
            "tolerated_risk": self.steering.tolerated,
            "calibration": self.steering.calibration,
        }
