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
from pacing.learning.learn import Model
from pacing.learning.ringing import Law
from pacing.policies.progressive import progressive
from pacing.quarter import Quarter
from pacing.reasons import forecast, simple
from pacing.risk_control import RiskControl

ERRORS_DOUBTED = 1.0
CALLS_SURE = 300.0
"""Standard errors by which the answer rate is reckoned higher than it seems at first; fewer and fewer until so many
calls are known, for then the risk control knows better."""


def _calls(governed: Governed) -> int:
    return governed.dial


class Predictive:
    """A pacer that forecasts answers and freed agents, and controls its tolerated risk by the ledger."""

    def __init__(self, settings: Settings, before: Memory | None = None) -> None:
        self.settings = settings
        self.model = Model(settings.ring_timeout_s, before)
        self.risk_control = RiskControl(settings.max_abandon_rate, before)
        self.quarter = Quarter()
        self.exposure = Exposure(settings.ring_timeout_s)
        self.tables: Tables | None = None

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """Learn from what happened, forecast, and dial what is tolerable; progressive while cold.

        With the budget spent it goes on with almost no risk, under the hard guarantee it is progressive.
        """
        self._learn(observations, snapshot)
        if snapshot.agents <= 0:
            return progressive(snapshot, self.settings)
        calls_to_go = self.model.calls_to_go
        if calls_to_go > 0.0:
            return progressive(snapshot, self.settings, Rule.LEARNING, calls_to_go=calls_to_go)
        cap = self.settings.max_abandon_rate
        if self.settings.guarantee is Guarantee.HARD and budget_spent(cap, snapshot):
            most = min(limit(self.settings, snapshot), Governed(covered(snapshot), Brake.BUDGET), key=_calls)
            return simple(most, self.settings, snapshot, Rule.PROGRESSIVE)
        grace_s = self.settings.abandon_after_s
        if self.tables is None or stale(self.tables, self.model, snapshot.now):
            self.tables = make_tables(self.model, snapshot, grace_s)
        law = self.tables.law
        windows = (*ledgers(cap, snapshot), *self.quarter.window(cap, snapshot.now))
        eagerness = self.risk_control.eagerness(windows, law.person * len(snapshot.ringing_age_s))
        tolerated = self.risk_control.tolerated * eagerness
        bound = self._bound(law, snapshot)
        most = min(limit(self.settings, snapshot), bound, key=_calls)
        # One more than the limit, so that the governor sees whether the limit or the risk has the last word.
        proposal = propose(self.tables, snapshot, grace_s, self._doubt(law), tolerated, most.dial + 1)
        governed = govern(max(proposal.dial, covered(snapshot)), most, self.settings, snapshot)
        self._charge(law, governed.dial, proposal, eagerness)
        figures = self.exposure.figures if governed.brake is bound.brake else {}
        return forecast(governed, self.settings, snapshot, proposal, tolerated, figures)

    def _learn(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> None:
        """Take in what happened up to the snapshot."""
        for observation in observations:
            self.model.observe(observation)
            self.quarter.observe(observation)
            if isinstance(observation, CallAbandoned):
                self.risk_control.abandoned()
            elif isinstance(observation, TalkEnded):
                self.exposure.came_free(observation.at)
        self.model.look(snapshot)
        self.exposure.look(snapshot)

    def _bound(self, law: Law, snapshot: Snapshot) -> Governed:
        """The limit by counts, with the forecast's answer rate as one of its upper bounds."""
        answers = self.model.answers
        return self.exposure.limit(self.settings, snapshot, answers.starts, law.probability * answers.doubt)

    def _doubt(self, law: Law) -> Doubt:
        """By how much the answer rate may be higher than the tables have it."""
        answers = self.model.answers
        errors = ERRORS_DOUBTED * max(0.0, 1.0 - law.calls / CALLS_SURE)
        return Doubt(answers.refused_share, law.upper(errors) * answers.doubt)

    def _charge(self, law: Law, dial: int, proposal: Proposal, eagerness: float) -> None:
        """Tell the risk control what the calls that start now are predicted to cost."""
        if dial <= 0:
            return
        if dial <= proposal.dial:
            taken = proposal.taken_risk * dial / proposal.dial
        else:
            taken = proposal.taken_risk + (dial - proposal.dial) * proposal.next_risk
        person = law.person * (1.0 - self.model.answers.refused_share)
        self.risk_control.dialled(dial, taken, person, eagerness, dial < proposal.dial)

    def learnt(self) -> dict[str, float]:
        """The learnt means, the tolerated risk and the calibration of the forecast."""
        return self.model.summary() | self.risk_control.memory()

    def memory(self) -> Memory:
        """What was learnt, and where the risk control stands."""
        return {**self.model.memory(), **self.risk_control.memory()}
