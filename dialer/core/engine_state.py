"""Everything that the engine knows: the floor with its agents, campaigns, calls, trunks and lines.

Data and the questions that any room of the engine asks of it. What is decided with it is in `dialling`, `routing`
and `settling`.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Final

from config.agents.settings import Connection
from config.inbound.settings import InboundSettings
from config.policies import AppliedSettings
from dialer.core.agents import choice
from dialer.core.agents.agent import BUSY, Agent, AgentState, Roster, come_free, enter, pause_after
from dialer.core.agents.staffing import Staffing
from dialer.core.agents.standing import LegState, StandingLeg
from dialer.core.calls import trunk_selection
from dialer.core.calls.call import (
    STATE_LIMIT_S,
    TRY_MARK,
    UNANSWERED,
    Call,
    CallState,
    CallTrigger,
    RecentAnswer,
)
from dialer.core.calls.trunk_load import TrunkLimits, TrunkLoad
from dialer.core.campaign_run import AtGates, CampaignRun
from dialer.core.effects import AgentChanged, Anomaly, Effect, Send
from dialer.core.inbound.callers import Callers
from dialer.core.talks.party import Party, Queued
from sip.messages import SLOTS_PER_CALL, HangUp


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the engine needs to know about its host. `max_parties` is how many third parties there may be at once;
    `listeners_told`: agents hear of supervisors who listen; `destinations` are the SIP URIs of the names that talks may
    be passed on to, besides agents. `hash_key` is the key of what stands for numbers in records. `connection` is how
    agents' phones take part where their login does not say; those on the line `beep` at a call."""

    trunks: tuple[TrunkLimits, ...]
    max_lines: int
    agent_heartbeat_timeout_s: float = 60.0
    lease_batch: int = 200
    handover_allowance_s: float = 0.3
    max_parties: int = 4
    listeners_told: bool = True
    destinations: Mapping[str, str] = field(default_factory=dict)
    hash_key: bytes = field(default=b"", repr=False)
    inbound: InboundSettings = field(default_factory=InboundSettings)
    connection: Connection = Connection.RUNG
    beep: bool = True


class TimerKind(StrEnum):
    """What a timer is for. Timers that no longer fit the state of things are ignored when they fire."""

    RING = "ring"
    ABANDON = "abandon"
    STATE = "state"
    WRAPUP = "wrapup"
    LEASE = "lease"
    STORE = "store"
    OFFER = "offer"
    LINE = "line"
    TALK = "talk"
    SCRIPT = "script"
    STEP = "step"
    HOLD = "hold"
    BEEP = "beep"
    STANDING = "standing"


Timer = tuple[float, int, TimerKind, str, float]
"""(when, order of setting, kind, name of the call, agent or campaign, the moment it was set for)."""

SILENCE_CHECK_S: Final = 1.0
SLOW_PHONE_S: Final = 1.0
"""A phone that was rung this long and did not answer would lose the next caller too; its agent is paused."""


@dataclass(slots=True)
class EngineState:
    """The mutable state of the engine. `effects` collects what the current step wants done.

    `waiting` are the calls that are WAITING, so that nobody has to look for them; calls come, move and go through
    `add_call`, `move` and `remove_call`, which keep it so. `at_gates` is how many leads of all campaigns are at the
    gates, by the trunk they are bound for; `enter_gates` and `leave_gates` keep it so. `in_preview` are the
    campaigns in mode preview. `ending` says that every call is being hung up.
    `recent_answers` are the newest answers by attempt, in order (see `routing`). `usable` are the trunks of each
    campaign, best first, as its settings were when they were last looked up.
    `parties` are third parties by their ids, also for a while those that are over.
    `callers` are those who call from outside, until it is known who they are.
    `recording_fault` says in words why nothing can be recorded on this host; empty: it can.
    `wall_ahead_s` is the wall clock's lead over the engine's, when the engine was last told something;
    `utc_offset_s` is how far the host's local time is ahead of UTC, None until it is known. `standing_dialled` counts
    the standing legs of this run.
    """

    settings: EngineSettings
    trunks: dict[str, TrunkLoad]
    roster: Roster = field(default_factory=Roster)
    campaigns: dict[str, CampaignRun] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    waiting: dict[str, Call] = field(default_factory=dict)
    queued: dict[str, Queued] = field(default_factory=dict)
    parties: dict[str, Party] = field(default_factory=dict)
    timers: list[Timer] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    recent_answers: dict[str, RecentAnswer] = field(default_factory=dict)
    slots_total: int = 0
    healthy: bool = True
    draining: bool = False
    ending: bool = False
    recording_fault: str = ""
    wall_ahead_s: float = 0.0
    utc_offset_s: float | None = None
    standing_dialled: int = 0
    at_gates: Counter[str] = field(default_factory=Counter)
    in_preview: list[CampaignRun] = field(default_factory=list)
    callers: Callers = field(default_factory=Callers)
    usable: dict[str, tuple[AppliedSettings, list[TrunkLoad]]] = field(default_factory=dict)
    staffing: Staffing = field(init=False)
    _order: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.staffing = Staffing(self.campaigns, self.calls, self.trunks, self.roster)

    def do(self, effect: Effect) -> None:
        """Want something done."""
        self.effects.append(effect)

    def anomaly(self, where: str, detail: str) -> None:
        """Say that something unforeseen was ignored."""
        self.do(Anomaly(where, detail))

    def set_timer(self, when: float, kind: TimerKind, name: str, about: float) -> None:
        """Ask to be woken. `about` is the moment that the timer belongs to (say, when the state began): a timer whose
        subject has moved on since is stale."""
        heapq.heappush(self.timers, (when, next(self._order), kind, name, about))

    def watch_state(self, call: Call, now: float) -> None:
        """Bound the state that the call has just entered."""
        self.set_timer(now + STATE_LIMIT_S[call.state], TimerKind.STATE, call.attempt, now)
        call.watched_since = now

    # --- calls --------------------------------------------------------------------------------------------------

    def add_call(self, call: Call) -> None:
        """A call goes on the line."""
        self.staffing.calls_changed += 1
        self.calls[call.attempt] = call
        run = self.campaigns[call.campaign]
        run.calls[call.attempt] = call
        if not (call.asked_by or call.is_inbound):
            run.unanswered_since[call.attempt] = call.started_at
            run.unanswered_on[call.attempt] = call.trunk

    def dialled(self, call: Call, at: float) -> None:
        """A call's INVITE has left."""
        call.dialled_at = at
        since = self.campaigns[call.campaign].unanswered_since
        if call.attempt in since:
            since[call.attempt] = at

    def call_on(self, dial_id: str) -> Call | None:
        """The call whose newest INVITE goes by this id. What is said of an earlier one is old news."""
        call = self.calls.get(dial_id) or self.calls.get(dial_id.partition(TRY_MARK)[0])
        return call if call is not None and call.dial_id == dial_id else None

    def go_elsewhere(self, call: Call, trunk: str, now: float) -> None:
        """A call that a trunk has given back is to go through another."""
        call.go_elsewhere(trunk, now)
        run = self.campaigns[call.campaign]
        if call.attempt in run.unanswered_since:
            run.unanswered_since[call.attempt] = now
            run.unanswered_on[call.attempt] = trunk

    def move(self, call: Call, event: CallTrigger) -> None:
        """Something happens to a call. Raises `CallError` and changes nothing where the table has no such thing."""
        call.move(event)
        if call.state not in UNANSWERED:
            self.campaigns[call.campaign].answered(call.attempt)
        if call.state is CallState.WAITING:
            self.waiting[call.attempt] = call
        else:
            self.waiting.pop(call.attempt, None)

    def remove_call(self, attempt: str) -> Call | None:
        """A call is over. None if there is no such call."""
        call = self.calls.pop(attempt, None)
        if call is not None:
            self.staffing.calls_changed += 1
            run = self.campaigns[call.campaign]
            del run.calls[attempt]
            run.answered(attempt)
            self.waiting.pop(attempt, None)
        return call

    # --- the gates ----------------------------------------------------------------------------------------------

    def enter_gates(self, run: CampaignRun, gate: AtGates) -> None:
        """A lead goes to the gates."""
        self.leave_gates(run, gate.lead.lead_id)
        run.reserving[gate.lead.lead_id] = gate
        self.at_gates[gate.trunk] += 1

    def leave_gates(self, run: CampaignRun, lead_id: str) -> AtGates | None:
        """A lead is not at the gates any more. None if it was not there."""
        gate = run.reserving.pop(lead_id, None)
        if gate is not None:
            self.at_gates[gate.trunk] -= 1
        return gate

    # --- lines --------------------------------------------------------------------------------------------------

    @property
    def lines_used(self) -> int:
        """Calls on the line or on their way there."""
        return len(self.calls) + sum(self.at_gates.values()) + len(self.callers.pending)

    @property
    def lines_total(self) -> int:
        """Calls that the workers can carry, an agent's leg for each included."""
        return min(self.settings.max_lines, self.slots_total // SLOTS_PER_CALL)

    def trunks_of(self, run: CampaignRun) -> list[TrunkLoad]:
        """The trunks that a campaign may dial through, best first."""
        known = self.usable.get(run.name)
        if known is None or known[0] is not run.settings:
            settings = run.settings
            shown = [row.number for row in settings.caller_pool().rows]
            known = settings, trunk_selection.ordered(self.trunks.values(), settings.trunks_named, shown)
            self.usable[run.name] = known
        return known[1]

    def opening(self, run: CampaignRun, now: float, *, asked: bool = False) -> tuple[TrunkLoad | None, int]:
        """The trunk that a campaign's next call most likely goes through, and how many of its calls may start now, by
        workers, by its trunks and by its own limit. Calls that agents have `asked` for and wait for go first."""
        trunks, first, room = self.trunks_of(run), None, 0
        for trunk in trunks:
            free_here = self.room(trunk, now)
            if free_here > 0:
                first = first or trunk
                room += free_here
        free = min(self.lines_total - self.lines_used, room)
        if run.settings.max_lines:
            free = min(free, run.settings.max_lines - run.in_flight)
        if self.in_preview and trunks and not asked:
            free -= self._asked_for(trunks)
        return first or (trunks[0] if trunks else None), max(0, free)

    def _asked_for(self, trunks: list[TrunkLoad]) -> int:
        """How many calls that agents have asked for wait for a line, and may take one of these trunks."""
        names = {trunk.name for trunk in trunks}
        return sum(
            offer.asked_at is not None
            for run in self.in_preview
            if run.offers and any(trunk.name in names for trunk in self.trunks_of(run))
            for offer in run.offers.values()
        )

    def lines_free(self, run: CampaignRun, now: float) -> int:
        """How many calls of a campaign may start now."""
        return self.opening(run, now)[1]

    def takes_one(self, trunk: str, now: float) -> bool:
        """Whether a call that has passed the gates may still start: lines or the trunk may have gone meanwhile."""
        return self.lines_used < self.lines_total and self.trunks[trunk].room(now) >= 1

    def room(self, trunk: TrunkLoad, now: float) -> int:
        """What a trunk may take beyond the calls at the gates, which will take their places in a moment."""
        return trunk.room(now) - self.at_gates[trunk.name]

    # --- agents -------------------------------------------------------------------------------------------------

    def put_agent(self, agent: Agent) -> None:
        """Remember an agent's new state and tell those who watch. The phone of one who has gone is hung up."""
        before = self.roster.get(agent.agent)
        self.roster.put(agent)
        if agent.state is AgentState.OFFLINE and agent.standing is not None:
            self.hang_up_standing(agent.standing)
        if before is not None and _shown(before) == _shown(agent):
            return
        self.changed.update(agent.campaigns if before is None else agent.campaigns + before.campaigns)
        self.do(
            AgentChanged(
                *(agent.agent, agent.state, agent.since, agent.reason, agent.campaigns, agent.pending),
                team=agent.team,
                name=agent.name,
                campaign=self._serves(agent),
            )
        )

    def hang_up_standing(self, leg: StandingLeg) -> None:
        """A phone need not stay on the line any more."""
        if leg.state is not LegState.DOWN:
            self.do(Send(HangUp(leg.call)))

    def _serves(self, agent: Agent) -> str:
        """The campaign that an agent works for at the moment; empty: it may be any of several."""
        call = None if agent.call is None else self.calls.get(agent.call)
        if call is not None:
            return call.campaign
        if agent.lead is not None:
            return agent.lead.campaign
        return agent.campaigns[0] if len(agent.campaigns) == 1 else ""

    def requalify(self, agent: Agent, now: float) -> None:
        """A campaign asks for other skills, maybe. An agent who serves none of its campaigns any more is paused, one
        with a call after it."""
        changed = choice.qualified(agent, self.campaigns)
        if changed is agent:
            return
        if not changed.campaigns:
            reason = choice.unqualified(changed, self.campaigns)
            if changed.state is AgentState.READY:
                changed = enter(changed, AgentState.PAUSED, now, reason=reason)
            elif changed.state in BUSY:
                changed = pause_after(changed, reason)
        self.put_agent(changed)

    def wrap_up(self, agent: Agent, run: CampaignRun, now: float) -> None:
        """An agent's talk is over: wrap-up, bounded by the campaign's limit."""
        self.put_agent(enter(agent, AgentState.WRAPUP, now))
        self.set_timer(now + run.settings.wrapup_limit_s, TimerKind.WRAPUP, agent.agent, now)

    def phone_silent(self, agent: Agent, now: float) -> None:
        """An agent's phone was rung and did not answer before the ringing was called off."""
        if now - agent.since < SLOW_PHONE_S:
            self.put_agent(come_free(agent, now))
        else:
            self.phone_failed(agent, "phone did not answer", now)

    def phone_failed(self, agent: Agent, reason: str, now: float) -> None:
        """An agent's phone does not take calls: the agent is paused, or leaves as asked. One that should stay on the
        line and has not is rung again (`standing_legs`)."""
        if not agent.can_be_reached:
            self.put_agent(come_free(agent, now))
            return
        target = agent.pending if agent.pending is AgentState.OFFLINE else AgentState.PAUSED
        self.put_agent(enter(agent, target, now, reason=reason))

    # --- who works for whom ---------------------------------------------------------------------------------------

    def staff(self) -> dict[str, list[Agent]]:
        """The agents whom each campaign may count on, in the order in which they came: each agent counts for one
        campaign only (see `staffing`)."""
        return self.staffing.staff()

    def serving(self, run: CampaignRun) -> list[Agent]:
        """The agents whom one campaign may count on."""
        return self.staff().get(run.name, [])

    def ready_staff(self) -> dict[str, list[Agent]]:
        """The ready agents whom each campaign may count on."""
        staff: dict[str, list[Agent]] = {name: [] for name in self.campaigns}
        first = self.staffing.turns().first
        for agent in self.roster.ready.values():
            name = first(agent.campaigns)
            if name is not None:
                staff[name].append(agent)
        return staff


def _shown(agent: Agent) -> tuple[object, ...]:
    """What others see of an agent."""
    return agent.state, agent.reason, agent.campaigns, agent.pending


def new_state(settings: EngineSettings) -> EngineState:
    """An empty state: no agents, no campaigns, no workers yet."""
    return EngineState(settings=settings, trunks={limits.name: TrunkLoad(limits) for limits in settings.trunks})
