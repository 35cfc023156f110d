"""Predictive: dial while the forecast risk of abandoning the next call is tolerable."""

from __future__ import annotations

from pacing.face import Brake, CallAbandoned, Decision, Guarantee, Memory, Observation, Rule, Settings, Snapshot
from pacing.forecast import Proposal, Tables, make_tables, propose, stale
from pacing.governor import Governed, budget_spent, covered, govern, ledgers, limit
from pacing.learn import Learnt
from pacing.policies.progressive import progressive
from pacing.reasons import forecast, simple
from pacing.steering import Steering


class Predictive:
    """A pacer that forecasts answers and freed agents, and steers its tolerated risk by the ledger."""

    def __init__(self, settings: Settings, before: Memory | None = None) -> None:
        self.settings = settings
        self.known = Learnt(settings.ring_timeout_s, before)
        self.steering = Steering(settings.max_abandon_rate, before)
        self.tables: Tables | None = None

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """Learn from what happened, forecast, and dial what is tolerable; progressive while cold.

        With the budget spent it goes on with almost no risk, under the hard guarantee it is progressive.
        """
        for observation in observations:
            self.known.observe(observation)
            if isinstance(observation, CallAbandoned):
                self.steering.abandoned()
        self.known.answers.turn_to(snapshot.hour)
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
        if self.tables is None or stale(self.tables, snapshot.now):
            self.tables = make_tables(self.known, snapshot, grace_s)
        expected_answers = self.tables.probability * len(snapshot.ringing_age_s)
        eagerness = self.steering.eagerness(ledgers(self.settings.max_abandon_rate, snapshot), expected_answers)
        tolerated = self.steering.tolerated * eagerness
        most = limit(self.settings, snapshot)
        # One more than the limit, so that the governor sees whether the limit or the risk has the last word.
        proposal = propose(self.tables, snapshot, grace_s, tolerated, most.dial + 1)
        governed = govern(max(proposal.dial, covered(snapshot)), most, self.settings, snapshot)
        self.charge(governed.dial, proposal, eagerness)
        return forecast(governed, self.settings, snapshot, proposal, tolerated)

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
        return self.known.summary() | self.steering.memory()

    def memory(self) -> Memory:
        """What was learnt, and where the steering stands."""
        return {**self.known.memory(), **self.steering.memory()}
