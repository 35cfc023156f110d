"""Predictive: dial while the forecast risk of abandoning the next call is tolerable."""

from __future__ import annotations

from collections.abc import Mapping

from pacing.face import CallAbandoned, Decision, Observation, Settings, Snapshot
from pacing.forecast import Proposal, Tables, dial_within, make_forecast, make_tables, stale
from pacing.governor import covered, govern, limit
from pacing.learn import Learnt
from pacing.policies.progressive import progressive
from pacing.sentence import braked, forecasting
from pacing.steering import Steering

# Progressive until this much has been seen (cold start).
CALLS_NEEDED = 30
ANSWERS_NEEDED = 10
TALKS_NEEDED = 10


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
        most = limit(self.settings, snapshot)
        if snapshot.agents <= 0:
            return progressive(snapshot, self.settings)
        missing = self.known.missing(CALLS_NEEDED, ANSWERS_NEEDED, TALKS_NEEDED)
        if missing:
            return progressive(snapshot, self.settings, f"learning, {missing} to go")
        if self.tables is None or stale(self.tables, snapshot.now):
            self.tables = make_tables(self.known, snapshot, self.settings.abandon_after_s)
        forecast = make_forecast(self.tables, snapshot, self.settings.abandon_after_s)
        eagerness = self.steering.eagerness(snapshot.ledger, forecast.probability * len(snapshot.ringing_age_s))
        tolerated = self.steering.tolerated * eagerness
        proposal = dial_within(forecast, tolerated, most.dial)
        wanted = max(proposal.dial, covered(snapshot)) 
        governed = govern(wanted if eagerness > 0.0 else max(wanted, proposal.dial), self.settings, snapshot)
        self.charge(governed.dial, proposal, eagerness)
        reason = forecasting(governed, self.settings, snapshot, forecast, proposal, tolerated)
        return Decision(governed.dial, reason, proposal.next_risk)

    def charge(self, dial: int, proposal: Proposal, eagerness: float) -> None:
        """Tell the steering what the calls that start now are predicted to cost."""
        if dial > 0:
            more = max(0, dial - proposal.dial)
            taken = proposal.taken_risk * min(1.0, dial / max(1, proposal.dial)) + more * proposal.next_risk
            self.steering.dialled(dial, taken, self.known.answers.probability, eagerness)

    def learnt(self) -> dict[str, float]:
        """The learnt means, the tolerated risk and its calibration."""
        return self.known.summary() | {
            "tolerated_risk": self.steering.tolerated,
            "calibration": self.steering.calibration,
        }
