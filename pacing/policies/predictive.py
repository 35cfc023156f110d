"""Predictive: dial while the forecast risk of abandoning the next call is tolerable."""

from __future__ import annotations

from pacing.api import (
    Brake,
    CallAbandoned,
    Decision,
    Guarantee,
    Memory,
    Observation,
    Rule,
    Settings,
    Snapshot,
    TalkEnded,
)
from pacing.exposure import Exposure
from pacing.forecast import Doubt, Proposal, Tables, make_tables, propose, stale
from pacing.governor import Governed, budget_spent, covered, govern, ledgers, limit
from pacing.learning.learn import Learnt
from pacing.policies.progressive import progressive
from pacing.quarter import Quarter
from pacing.reasons import forecast, simple
from pacing.risk_control import Steering

ERRORS_DOUBTED = 1.0
CALLS_SURE = 300.0
"""Standard errors by which the answer rate is reckoned higher than it seems at first; fewer and fewer until so many
calls are known, for then the steering knows better."""


class Predictive:
    """A pacer that forecasts answers and freed agents, and steers its tolerated risk by the ledger."""

    def __init__(self, settings: Settings, before: Memory | None = None) -> None:
        self.settings = settings
        self.known = Learnt(settings.ring_timeout_s, before)
        self.steering = Steering(settings.max_abandon_rate, before)
        self.quarter = Quarter()
        self.exposure = Exposure(settings.ring_timeout_s)
        self.tables: Tables | None = None

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """Learn from what happened, forecast, and dial what is tolerable; progressive while cold.

        With the budget spent it goes on with almost no risk, under the hard guarantee it is progressive.
        """
        for observation in observations:
            self.known.observe(observation)
            self.quarter.observe(observation)
            if isinstance(observation, CallAbandoned):
                self.steering.abandoned()
            elif isinstance(observation, TalkEnded):
                self.exposure.came_free(observation.at)
        self.known.look(snapshot)
        self.exposure.look(snapshot)
        if snapshot.agents <= 0:
            return progressive(snapshot, self.settings)
        missing = self.known.missing()
        if missing:
            return progressive(snapshot, self.settings, Rule.LEARNING, **missing)
        if self.settings.guarantee is Guarantee.HARD and budget_spent(self.settings.max_abandon_rate, snapshot):
            most = limit(self.settings, snapshot)
            dial = min(covered(snapshot), most.dial)
            brake = most.brake if dial < covered(snapshot) else Brake.BUDGET
            return simple(Governed(dial, brake), self.settings, snapshot, Rule.PROGRESSIVE)
        grace_s = self.settings.abandon_after_s
        if self.tables is None or stale(self.tables, self.known, snapshot.now):
            self.tables = make_tables(self.known, snapshot, grace_s)
        law, answers = self.tables.law, self.known.answers
        errors = ERRORS_DOUBTED * max(0.0, 1.0 - law.calls / CALLS_SURE)
        doubt = Doubt(answers.refused_share, law.upper(errors) * answers.doubt)
        expected_answers = law.person * len(snapshot.ringing_age_s)
        cap = self.settings.max_abandon_rate
        windows = (*ledgers(cap, snapshot), *self.quarter.window(cap, snapshot.now))
        eagerness = self.steering.eagerness(windows, expected_answers)
        tolerated = self.steering.tolerated * eagerness
        bound = self.exposure.limit(self.settings, snapshot, answers.starts, law.probability * answers.doubt)
        most = min(limit(self.settings, snapshot), bound, key=lambda one: one.dial)
        # One more than the limit, so that the governor sees whether the limit or the risk has the last word.
        proposal = propose(self.tables, snapshot, grace_s, doubt, tolerated, most.dial + 1)
        governed = govern(max(proposal.dial, covered(snapshot)), most, self.settings, snapshot)
        self.charge(governed.dial, proposal, eagerness)
        figures = self.exposure.figures if governed.brake is bound.brake else {}
        return forecast(governed, self.settings, snapshot, proposal, tolerated, figures)

    def charge(self, dial: int, proposal: Proposal, eagerness: float) -> None:
        """Tell the steering what the calls that start now are predicted to cost."""
        if dial <= 0:
            return
        if dial <= proposal.dial:
            taken = proposal.taken_risk * dial / proposal.dial
        else:
            taken = proposal.taken_risk + (dial - proposal.dial) * proposal.next_risk
        assert self.tables is not None
        person = self.tables.law.person * (1.0 - self.known.answers.refused_share)
        self.steering.dialled(dial, taken, person, eagerness, dial < proposal.dial)

    def learnt(self) -> dict[str, float]:
        """The learnt means, the tolerated risk and the calibration of the forecast."""
        return self.known.summary() | self.steering.memory()

    def memory(self) -> Memory:
        """What was learnt, and where the steering stands."""
        return {**self.known.memory(), **self.steering.memory()}
