"""How long agents were in which state, for reports: intervals, cut at every quarter of an hour. Pure.

Every midnight of every zone lies on a quarter, so an interval belongs to one hour and one day wherever it is looked at,
and a process that dies takes no more of an agent's time with it than the quarter that has not been told yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from dialer.core.agents.agent import AgentState
from dialer.core.effects import AgentChanged

QUARTER_S: Final = 900


@dataclass(frozen=True, slots=True)
class Interval:
    """A state that an agent was in, from `started_at` to `ended_at` (seconds since the epoch), within one quarter of an
    hour. `campaign` is that of the call, of the lead, or the only one of the login; wrap-up is of the talk's campaign;
    empty: nobody can say."""

    agent: str
    name: str
    team: str
    campaign: str
    state: AgentState
    reason: str
    started_at: float
    ended_at: float


@dataclass(slots=True)
class AgentTime:
    """The states that agents are in, as they were told of, and the intervals that follow."""

    _now: dict[str, Interval] = field(default_factory=dict)

    def changed(self, change: AgentChanged, at: float) -> list[Interval]:
        """An agent is in a state since `at` (seconds since the epoch). What the agent did until then, in order."""
        before = self._now.get(change.agent)
        if before is not None:
            at = max(at, before.started_at)
            if change.state is before.state and change.campaign == before.campaign:
                self._now[change.agent] = replace(before, reason=change.reason)
                return []
        campaign = change.campaign
        if change.state is AgentState.WRAPUP and before is not None:
            campaign = before.campaign or campaign
        if change.state is AgentState.OFFLINE:
            self._now.pop(change.agent, None)
        else:
            self._now[change.agent] = Interval(
                change.agent, change.name, change.team, campaign, change.state, change.reason, at, at
            )
        return [] if before is None else _quarters(before, at)

    def cut(self, at: float) -> list[Interval]:
        """What has not been told of quarters that are over at `at` (seconds since the epoch)."""
        edge = float(at // QUARTER_S * QUARTER_S)
        intervals: list[Interval] = []
        for agent, interval in self._now.items():
            if interval.started_at < edge:
                intervals += _quarters(interval, edge)
                self._now[agent] = replace(interval, started_at=edge, ended_at=edge)
        return intervals


def _quarters(interval: Interval, until: float) -> list[Interval]:
    parts, start = [], interval.started_at
    while start < until:
        end = min(until, (start // QUARTER_S + 1) * QUARTER_S)
        parts.append(replace(interval, started_at=start, ended_at=end))
        start = end
    return parts
