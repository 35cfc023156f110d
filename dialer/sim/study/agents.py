"""The agents of a study: they log in, wrap up as long as the call was complicated, take breaks, and go home."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

from dialer.core.agents.agent import AgentEventKind, AgentState
from dialer.core.effects import AgentChanged
from dialer.sim.desk import Desk, Desks
from dialer.sim.study.callees import Callee, People
from dialer.sim.study.scenario import Break, Scenario, Shock, ShockKind
from dialer.sim.virtual_time import EPOCH

DESKTOP_S: Final = 0.02
"""From a desktop to the engine."""

PLANS_SEED: Final = 2**60


def back_together_s(away: Break | Shock) -> float:
    """When everybody on a break is back at the same moment, in seconds; 0 where each comes back in turn."""
    together = isinstance(away, Break) and away.together
    return (away.at_min + away.for_min) * 60 if together else 0.0


@dataclass(slots=True)
class AgentDesk(Desk):
    """One agent. `away_s` is the length of the break that the agent is asked to take, `back_at` when everybody on it is
    back (0: not together); `callee` the one talked to."""

    callee: Callee | None = None
    away_s: float | None = None
    back_at: float = 0.0
    gone: bool = False


@dataclass(slots=True)
class Agents(Desks[AgentDesk]):
    """All agents of a shift. Who takes which break depends on the seed alone."""

    people: People
    campaign: str
    by_uri: dict[str, AgentDesk] = field(default_factory=dict)

    def plan(self, scenario: Scenario, seed: int) -> None:
        """Put the whole shift of everybody on the timeline."""
        dice, agents, end_s = Random(PLANS_SEED + seed), scenario.agents, scenario.duration_s
        for number in range(agents.count):
            desk = AgentDesk(f"agent{number + 1}", (self.campaign,))
            self.desks[desk.name] = self.by_uri[desk.uri] = desk
            comes_at = dice.uniform(0.0, agents.ramp_up_s)
            if agents.ramp_down_s:
                leaves_at = end_s - dice.uniform(0.0, min(agents.ramp_down_s, end_s))
                self.timeline.at(leaves_at, self._goes_home, desk)
                desk.shift_ends_at = EPOCH + leaves_at if agents.shifts_known else None
            self.timeline.at(comes_at, self.says, desk, AgentEventKind.LOGIN)
        absences: list[Break | Shock] = [*agents.breaks]
        absences += [shock for shock in scenario.shocks if shock.kind is ShockKind.AGENTS_LEAVE]
        for away in absences:
            for desk in dice.sample(list(self.desks.values()), round(away.share * agents.count)):
                at = away.at_min * 60 + dice.uniform(0.0, away.within_s)
                self.timeline.at(at, self._goes_away, desk, away.for_min * 60, back_together_s(away))

    def talks(self, uri: str, callee: Callee) -> None:
        """A talk begins."""
        self.by_uri[uri].callee = callee

    def changed(self, change: AgentChanged) -> None:
        """The desktop shows a new state, and the agent acts on it."""
        desk = self.desks[change.agent]
        if not desk.sees(change):
            return
        match change.state:
            case AgentState.WRAPUP if desk.callee is not None:
                wrapup_s = self.people.wrapup_s(desk.callee, self.timeline.now)
                desk.callee = None
                self.says_later(desk, wrapup_s + DESKTOP_S, AgentEventKind.WRAPUP_DONE)
            case AgentState.PAUSED if not desk.gone:
                away_s, desk.away_s = desk.away_s or 0.0, None
                now = self.timeline.now
                back_at = max(now, desk.back_at) if desk.back_at else now + away_s
                self.timeline.at(back_at + DESKTOP_S, self.says, desk, AgentEventKind.READY)
            case _:
                pass

    def _goes_away(self, desk: AgentDesk, away_s: float, back_at: float) -> None:
        if desk.away_s is None and not desk.gone and desk.state is not AgentState.PAUSED:
            desk.away_s, desk.back_at = away_s, back_at
            self.says(desk, AgentEventKind.PAUSE)

    def _goes_home(self, desk: AgentDesk) -> None:
        desk.gone = True
        self.says(desk, AgentEventKind.LOGOUT)
