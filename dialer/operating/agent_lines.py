"""The agents of all hosts, with how long each has been at what they do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from config.agents.settings import AgentSettings
from dialer.core.board import AgentRow, Board
from dialer.operating.glossary import agent_state_word

HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class AgentLine:
    """An agent and the daemon that the agent belongs to. `over` is by how much the state lasts longer than it should,
    in seconds; below 0 it does not."""

    row: AgentRow
    host: str
    for_s: float
    over: float

    @property
    def per_hour(self) -> float | None:
        """Talks in an hour since the first of today began; None before, and until ten minutes have gone."""
        first_at = self.row.first_talk_at
        since_s = 0.0 if first_at is None else self.row.since + self.for_s - first_at
        return self.row.talks / since_s * HOUR_S if since_s >= 600 else None

    @property
    def average_talk_s(self) -> float | None:
        return self.row.talk_s / self.row.talks if self.row.talks else None


def agent_lines(boards: Sequence[Board], now: float, limits: AgentSettings) -> list[AgentLine]:
    """Every agent of every host, by name. `now` is seconds since the epoch."""
    longest_s = {"talking": limits.long_talk_s, "wrapup": limits.long_wrapup_s, "paused": limits.long_pause_s}
    lines = []
    for board in boards:
        for row in board.agents:
            for_s = max(now - row.since, 0.0)
            lines.append(AgentLine(row, board.host, for_s, for_s - longest_s.get(row.state, float("inf"))))
    return sorted(lines, key=lambda line: line.row.agent)


def matches(line: AgentLine, words: str) -> bool:
    """Whether each of the words stands somewhere in an agent's id, name, team, state, campaign, reason or host."""
    row = line.row
    text = " ".join(
        (row.agent, row.name, row.team, row.state, agent_state_word(row.state), row.campaign, row.reason, line.host)
    ).lower()
    return all(word in text for word in words.lower().split())
