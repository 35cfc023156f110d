"""The yardstick: a pacer that has been told the laws of its row, with what drifts, and the risk that comes to the cap.

It dials while the risk of the next call is at most a constant, from the first second on; nothing is learnt and nothing
is counted. What a pacer loses against it is the price of not knowing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from dialer.sim.study.callees import Trends, trends
from dialer.sim.study.scenario import Scenario
from pacing.api import Decision, Memory, Observation, Settings, Snapshot
from pacing.compiled import Floats, floats
from pacing.kernels import decide
from tests.scoreboard.known_laws import Moment, Told, probability_of, told


@dataclass(slots=True)
class Yardstick:
    """Dials while the risk of the next call is at most `tolerated`."""

    scenario: Scenario
    settings: Settings
    tolerated: float
    _moments: list[Moment] = field(init=False)
    _odds: Floats = field(init=False)
    _told: dict[Moment, Told] = field(default_factory=dict)

    def __post_init__(self) -> None:
        drifting = trends(self.scenario)
        seconds = math.ceil(self.scenario.duration_s) + 1 if self.scenario.drifts else 1
        self._moments = [_moment(drifting, float(second)) for second in range(seconds)]
        odds = {moment: _odds(self.scenario, moment) for moment in dict.fromkeys(self._moments)}
        self._odds = np.array([odds[moment] for moment in self._moments])

    def step(self, _: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """Forecast by the true laws and dial what is tolerable."""
        in_flight = len(snapshot.ringing_age_s) + len(snapshot.waiting_age_s)
        most = int(self.settings.max_calls_per_agent * snapshot.agents) - in_flight
        most = max(0, min(most, snapshot.lines_free, snapshot.leads_available))
        if most == 0:
            return Decision(0)
        return Decision(self._dial(snapshot, most))

    def _dial(self, snapshot: Snapshot, at_most: int) -> int:
        grace_s = self.settings.abandon_after_s
        now = self._moments[self._second(snapshot.now)]
        known = self._told.get(now)
        if known is None:
            known = self._told[now] = told(self.scenario, now, grace_s)
        dial, *_ = decide(
            floats(snapshot.talking_age_s),
            floats(snapshot.wrapup_age_s),
            floats(snapshot.ringing_age_s),
            self._ringing_odds(snapshot),
            known.talk_free,
            known.wrapup_free,
            known.answered,
            known.will,
            0.0,
            1.0,
            1.0,
            snapshot.ready - sum(age_s < grace_s for age_s in snapshot.waiting_age_s),
            self.tolerated,
            at_most,
        )
        return int(dial)

    def _second(self, at: float) -> int:
        return max(0, min(int(at), len(self._moments) - 1))

    def _ringing_odds(self, snapshot: Snapshot) -> Floats:
        """The odds of an answer of each ringing call by when it started, and last of the next one, as multiples of
        those of a call that starts now."""
        odds = np.ones(len(snapshot.ringing_age_s) + 1)
        if len(self._moments) > 1:
            seconds = (snapshot.now - floats(snapshot.ringing_age_s)).astype(np.int64)
            of_now = self._odds[self._second(snapshot.now)]
            odds[:-1] = self._odds[np.clip(seconds, 0, len(self._moments) - 1)] / of_now
        return odds

    def learnt(self) -> dict[str, float]:
        """Nothing."""
        return {}

    def memory(self) -> Memory:
        """Nothing."""
        return {}


def _moment(drifting: Trends, at: float) -> Moment:
    """The values of a moment, in steps so small that nothing hangs on them and so large that tables last."""
    return Moment(
        round(drifting.answer_rate.at(at), 3),
        round(drifting.machine_rate.at(at), 3),
        round(drifting.talk.at(at), 2),
        round(drifting.wrapup.at(at), 2),
    )


def _odds(scenario: Scenario, moment: Moment) -> float:
    probability = min(0.999, probability_of(scenario, moment))
    return probability / (1.0 - probability)
