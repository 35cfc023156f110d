"""Which agents count for which campaign, where campaigns share agents.

Each agent counts for one campaign only: the first by priority among those that run and have work and that the agent
logged in for; on a call, or with a lead on offer, the campaign of that. Campaigns without work come last.

It is asked many times a second and changes less often. So it is worked out when somebody asks, and kept until something
it follows from has changed: the campaigns' turns, which are looked at anew each time, an agent, or which calls there
are.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from config.policies import AppliedSettings
from dialer.core.agents.agent import Agent, Roster
from dialer.core.calls.call import Call
from dialer.core.calls.trunk_load import TrunkLoad
from dialer.core.campaign_run import CampaignRun
from dialer.core.inputs import CampaignState

Login = tuple[str, ...]
Mark = tuple[AppliedSettings, CampaignState, bool]
"""All of a campaign that its turn depends on: its settings, its state, and whether it has work."""


@dataclass(frozen=True, slots=True)
class Turns:
    """Who goes first. `places` are those of the campaigns that run and need agents, the smaller the sooner; `ranks` are
    all campaigns by priority alone, `idle` those without work. `firsts` remembers which campaign a login counts for."""

    marks: tuple[Mark, ...]
    places: dict[str, int]
    ranks: dict[str, int]
    idle: frozenset[str]
    firsts: dict[Login, str | None] = field(default_factory=dict)

    def first(self, login: Login) -> str | None:
        """The campaign that an idle agent with this login counts for; None: none of them runs."""
        try:
            return self.firsts[login]
        except KeyError:
            known = [name for name in login if name in self.places]
            self.firsts[login] = min(known, key=self.places.__getitem__, default=None)
            return self.firsts[login]


@dataclass(slots=True)
class Staffing:
    """The engine's own tables, and what was last worked out of them. Whoever adds or takes away a call counts
    `calls_changed`."""

    campaigns: dict[str, CampaignRun]
    calls: dict[str, Call]
    trunks: dict[str, TrunkLoad]
    roster: Roster
    calls_changed: int = 0
    _turns: Turns = field(default_factory=lambda: Turns((), {}, {}, frozenset()))
    _staff: dict[str, list[Agent]] = field(default_factory=dict)
    _prospects: dict[str, int] | None = None
    _known: tuple[Turns, int, int] | None = None

    def has_work(self, run: CampaignRun) -> bool:
        """Whether a campaign has leads to dial, as far as is known, and channels to dial them through."""
        return _has_work(run, self._open_trunks())

    def staff(self) -> dict[str, list[Agent]]:
        """The agents who count for each campaign, in the order in which they came."""
        if len(self.campaigns) == 1:
            return {name: self._staff_of_the_only(run) for name, run in self.campaigns.items()}
        turns = self.turns()
        known = self._known
        if known is None or known[0] is not turns or known[1:] != (self.roster.changes, self.calls_changed):
            self._known = turns, self.roster.changes, self.calls_changed
            self._staff, self._prospects = self._worked_out(turns), None
        return self._staff

    def prospects(self) -> dict[str, int]:
        """For how many agents each campaign may lease leads: those who count for it, and those who would if only it had
        some. The store alone knows whether it has, and says so only when asked for leads."""
        if len(self.campaigns) == 1:
            return {name: self.roster.serving[name] for name in self.campaigns}
        staff = self.staff()
        if self._prospects is None:
            self._prospects = _prospects(staff, self._turns)
        return self._prospects

    def turns(self) -> Turns:
        """Who goes first now."""
        channels = self._open_trunks()
        marks = tuple([(run.settings, run.state, _has_work(run, channels)) for run in self.campaigns.values()])
        if marks != self._turns.marks:
            self._turns = _turns(marks)
        return self._turns

    # --- within -----------------------------------------------------------------------------------------------------

    def _open_trunks(self) -> list[str]:
        return [trunk.name for trunk in self.trunks.values() if trunk.calls < trunk.limits.max_calls]

    def _worked_out(self, turns: Turns) -> dict[str, list[Agent]]:
        staff: dict[str, list[Agent]] = {name: [] for name in self.campaigns}
        calls, first = self.calls, turns.first
        for agent in self.roster.agents.values():
            if agent.call is not None and (call := calls.get(agent.call)) is not None:
                staff[call.campaign].append(agent)
            elif agent.lead is not None:
                staff[agent.lead.campaign].append(agent)
            elif (name := first(agent.campaigns)) is not None:
                staff[name].append(agent)
        return staff

    def _staff_of_the_only(self, run: CampaignRun) -> list[Agent]:
        """What it comes to where there is one campaign; asked for at every decision."""
        name, calls = run.name, self.calls
        open_to_all = run.state is CampaignState.RUNNING
        if open_to_all and self.roster.serving[name] == len(self.roster.agents):
            return list(self.roster.agents.values())
        return [
            agent
            for agent in self.roster.agents.values()
            if (open_to_all and name in agent.campaigns) or agent.call in calls or agent.lead is not None
        ]


def _has_work(run: CampaignRun, open_trunks: Collection[str]) -> bool:
    settings = run.settings
    if not (run.leads or run.due) or 0 < settings.max_lines <= run.in_flight:
        return False
    named = settings.trunks_named
    return any(name in open_trunks for name in named) if named else bool(open_trunks)


def _turns(marks: tuple[Mark, ...]) -> Turns:
    ranked = sorted(marks, key=lambda mark: (-mark[0].priority, mark[0].name))
    running = [mark for mark in ranked if mark[1] is CampaignState.RUNNING and mark[0].needs_agents]
    running.sort(key=lambda mark: not mark[2])
    return Turns(
        marks,
        places={settings.name: place for place, (settings, _, _) in enumerate(running)},
        ranks={settings.name: place for place, (settings, _, _) in enumerate(ranked)},
        idle=frozenset(settings.name for settings, _, has_work in marks if not has_work),
    )


def _prospects(staff: dict[str, list[Agent]], turns: Turns) -> dict[str, int]:
    """Agents with the same login who count for the same campaign are alike."""
    prospects = {name: len(agents) for name, agents in staff.items()}
    ranks = turns.ranks
    for name, agents in staff.items():
        alike: dict[Login, int] = {}
        for agent in agents:
            alike[agent.campaigns] = alike.get(agent.campaigns, 0) + 1
        has_work, rank = name not in turns.idle, ranks[name]
        for login, number in alike.items():
            for other in login if len(login) == 1 else dict.fromkeys(login):
                if other != name and other in prospects and not (has_work and ranks[other] > rank):
                    prospects[other] += number
    return prospects
