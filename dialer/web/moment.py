"""The floor as it was read last, put together once for all who look. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from config.agents.settings import AgentSettings
from dialer.core.board import CampaignRow, TrunkRow
from dialer.language.translation import Language, _, speaking
from dialer.operating.agent_lines import AgentLine, agent_lines
from dialer.operating.alarms import alarms_of
from dialer.operating.host_totals import campaigns, rank
from dialer.operating.hosts import Hosts


@dataclass(frozen=True)
class Moment:
    """What the daemons said, read at `at` (seconds since the epoch). `redis_error` is there while Redis does not
    answer: the rest is old then."""

    hosts: Hosts
    at: float
    limits: AgentSettings
    redis_error: str = ""
    _said: dict[Language, Moment] = field(default_factory=dict, compare=False, repr=False)

    def said(self, language: Language) -> Moment:
        """The same with the daemons' sentences in a language; put together once for all who read it."""
        if language not in self._said:
            with speaking(language):
                self._said[language] = Moment(self.hosts.said(), self.at, self.limits, self.redis_error)
        return self._said[language]

    def without_redis(self, error: str, at: float) -> Moment:
        """The same, with Redis away."""
        return self if self.redis_error else Moment(self.hosts, at, self.limits, error)

    @cached_property
    def rows(self) -> tuple[CampaignRow, ...]:
        """Each campaign once, by name, those at rest last. The busiest is not the first: rows that change places under
        the eye, or the hand, are no help."""
        return tuple(sorted(campaigns(self.hosts.boards), key=lambda row: (rank(row)[0], row.name)))

    def row(self, name: str) -> CampaignRow | None:
        """One campaign; None where no daemon speaks of it."""
        return next((row for row in self.rows if row.name == name), None)

    @cached_property
    def lines(self) -> tuple[AgentLine, ...]:
        """Every agent, by name."""
        return tuple(agent_lines(self.hosts.boards, self.at, self.limits))

    @cached_property
    def by_state(self) -> Counter[str]:
        """How many agents are in each state."""
        return Counter(line.row.state for line in self.lines)

    @cached_property
    def calls(self) -> int:
        """Calls in progress, whatever their state."""
        return sum(sum(row.calls.values()) for row in self.rows)

    @cached_property
    def overdue(self) -> int:
        """Callbacks that were promised and are late."""
        return sum(row.overdue for row in self.rows)

    @cached_property
    def utilisation(self) -> float:
        """Of all hosts since their start, weighed by their agents; a fraction."""
        agents = [(len(board.agents), board.utilisation) for board in self.hosts.boards]
        return sum(number * share for number, share in agents) / (sum(number for number, _ in agents) or 1)

    @cached_property
    def trunks(self) -> tuple[tuple[str, TrunkRow], ...]:
        """Every trunk of every host."""
        return tuple((board.host, trunk) for board in self.hosts.boards for trunk in board.trunks)

    @cached_property
    def alarms(self) -> tuple[str, ...]:
        """What is wrong, each once."""
        boards = self.hosts.boards
        texts = (
            [_("Redis does not answer, what is shown is old: {error}", error=self.redis_error)]
            if self.redis_error
            else []
        )
        texts += [self.hosts.notice] if self.hosts.notice else []
        texts += [text for board in boards for text in alarms_of(board, self.at, len(boards) > 1)]
        texts += [
            _("{name} is held: {problem}", name=row.name, problem=row.problem) for row in self.rows if row.problem
        ]
        if not self.hosts.alive and not self.redis_error:
            texts.append(_("no daemon is alive: nothing is dialled"))
        return tuple(dict.fromkeys(texts))
