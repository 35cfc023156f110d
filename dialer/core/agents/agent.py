"""Agents and their state table.

An agent belongs to one daemon at a time (claimed in the store) and is reserved here, in memory, in the same step that
decides; so two calls can never get the same agent. The rules:

1. Only READY agents are given calls; which of them is the campaign's `agent_choice`.
2. A pause or logout asked for in the middle of a call happens after it, and the agent hears so (`pending`).
3. An agent whose phone does not take a call is paused with a reason, or the next caller would be lost as well.
4. An agent who sends no heartbeat is gone: at once when idle, after the call when talking.
5. Anything the table does not foresee changes nothing and is answered with a reason that the sender can read.
6. A lead on offer (preview) is with one agent, who says `dial` or `skip` of that lead and of no other.
7. Where an agent's phone stays on the line (`standing`), nobody is READY without it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from dialer.core.agents.standing import StandingLeg


class AgentState(StrEnum):
    """What an agent is doing."""

    OFFLINE = "offline"
    PAUSED = "paused"
    READY = "ready"
    PREVIEW = "preview"  # has a lead on offer and decides
    DIALLING = "dialling"  # has asked for the call, which is on its way to the callee
    RINGING = "ringing"  # reserved for an answered call, the phone is being rung
    TALKING = "talking"
    WRAPUP = "wrapup"


class AgentEventKind(StrEnum):
    """What a desktop can say about its agent, and what the dialer itself finds out (`LOST`)."""

    LOGIN = "login"
    READY = "ready"
    PAUSE = "pause"
    DIAL = "dial"
    SKIP = "skip"
    HANGUP = "hangup"
    HOLD = "hold"
    RESUME = "resume"
    TRANSFER = "transfer"
    CONFERENCE = "conference"
    RECORD_PAUSE = "record_pause"
    RECORD_RESUME = "record_resume"
    WRAPUP_DONE = "wrapup_done"
    LOGOUT = "logout"
    HEARTBEAT = "heartbeat"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """One entry of the agents' stream. `uri`, `campaigns`, `team`, `name`, `skills` (levels by name) and
    `shift_ends_at` (seconds since the epoch, None: not said) belong to a login, `reason` to a pause or a skip,
    `lead_id` to the answer to an offer, `to` (an agent, or a name of the settings) to a transfer or a conference.
    `connection` of a login is how the phone takes part, empty: as this host's settings say. `ref` is what the desktop
    calls the entry, and comes back where it is refused.
    """

    kind: AgentEventKind
    agent: str
    uri: str = ""
    campaigns: tuple[str, ...] = ()
    team: str = ""
    reason: str = ""
    lead_id: str = ""
    shift_ends_at: float | None = None
    name: str = ""
    skills: Mapping[str, int] = field(default_factory=dict)
    ref: str = ""
    connection: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class LeadRef:
    """Which lead; its id is unique in its campaign."""

    campaign: str
    lead_id: str


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent as the engine sees it. `since` is when the state began, `heard_at` when the desktop last spoke.

    `call` is the attempt that the agent is reserved for or talking on. `lead` is the lead that is on offer to the agent
    or was asked for, until the call is answered. `pending` is the state to take after the call
    and its wrap-up instead of READY. `shift_ends_at` is seconds since the epoch, None if the login did not say. `name`
    is for people, `agent` for programs.

    `login` are the campaigns of the login, `campaigns` those of them that the agent serves: the ones whose skills it
    has (see `choice`). Since the login it was busy for `busy_s` and ready for `idle_s`, up to `since`; `served_at` is
    when it was last given a call. `standing` is the leg of a phone that stays on the line; None: it is rung for
    each call.
    """

    agent: str
    uri: str
    campaigns: tuple[str, ...]
    team: str
    state: AgentState
    since: float
    heard_at: float
    reason: str = ""
    call: str | None = None
    lead: LeadRef | None = None
    pending: AgentState | None = None
    pending_reason: str = ""
    logged_in_at: float = float("-inf")
    shift_ends_at: float | None = None
    name: str = ""
    login: tuple[str, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)
    busy_s: float = 0.0
    idle_s: float = 0.0
    served_at: float = float("-inf")
    standing: StandingLeg | None = None

    @property
    def can_be_reached(self) -> bool:
        """Whether a call may be sent to the phone."""
        return self.standing is None or self.standing.is_up


ON_CALL: Final = frozenset({AgentState.RINGING, AgentState.TALKING})
COMMITTED: Final = ON_CALL | {AgentState.DIALLING}
"""A call is on its way to the agent, or has arrived: whatever is asked for comes after it."""

BUSY: Final = COMMITTED | {AgentState.WRAPUP}

# What a desktop may say in which state. A missing pair is refused.
ALLOWED: Final[dict[AgentEventKind, frozenset[AgentState]]] = {
    AgentEventKind.LOGIN: frozenset({AgentState.OFFLINE, AgentState.PAUSED, AgentState.READY, AgentState.PREVIEW}),
    AgentEventKind.READY: frozenset(AgentState) - {AgentState.OFFLINE},
    AgentEventKind.PAUSE: frozenset(AgentState) - {AgentState.OFFLINE},
    AgentEventKind.DIAL: frozenset({AgentState.PREVIEW}),
    AgentEventKind.SKIP: frozenset({AgentState.PREVIEW}),
    AgentEventKind.HANGUP: frozenset({AgentState.TALKING}),
    AgentEventKind.HOLD: frozenset({AgentState.TALKING}),
    AgentEventKind.RESUME: frozenset({AgentState.TALKING}),
    AgentEventKind.TRANSFER: frozenset({AgentState.TALKING}),
    AgentEventKind.CONFERENCE: frozenset({AgentState.TALKING}),
    AgentEventKind.RECORD_PAUSE: frozenset({AgentState.TALKING}),
    AgentEventKind.RECORD_RESUME: frozenset({AgentState.TALKING}),
    AgentEventKind.WRAPUP_DONE: frozenset({AgentState.WRAPUP}),
    AgentEventKind.LOGOUT: frozenset(AgentState) - {AgentState.OFFLINE},
    AgentEventKind.HEARTBEAT: frozenset(AgentState) - {AgentState.OFFLINE},
    AgentEventKind.LOST: frozenset(AgentState) - {AgentState.OFFLINE},
}


class AgentEventRefused(ValueError):
    """An agent event that does not fit the agent's state; the message is for its sender."""


def apply(agent: Agent | None, event: AgentEvent, now: float) -> Agent:
    """The agent after a desktop's word. Raises `AgentEventRefused` and changes nothing where the table says no."""
    state = AgentState.OFFLINE if agent is None else agent.state
    if state not in ALLOWED[event.kind]:
        raise AgentEventRefused(f"{event.kind} does not fit an agent who is {state}")
    if event.kind is AgentEventKind.LOGIN:
        return _logged_in(event, now)
    assert agent is not None  # every other kind needs a state other than OFFLINE
    heard = replace(agent, heard_at=now)
    match event.kind:
        case AgentEventKind.HEARTBEAT:
            return heard
        case (
            AgentEventKind.HANGUP
            | AgentEventKind.HOLD
            | AgentEventKind.RESUME
            | AgentEventKind.TRANSFER
            | AgentEventKind.CONFERENCE
            | AgentEventKind.RECORD_PAUSE
            | AgentEventKind.RECORD_RESUME
        ):
            return heard  # what changes the talk and not the agent
        case AgentEventKind.READY:
            return _ready_asked(heard, now)
        case AgentEventKind.PAUSE:
            return _leave(heard, AgentState.PAUSED, event.reason or "pause", now)
        case AgentEventKind.DIAL:
            _about_the_offer(agent, event)
            return enter(heard, AgentState.DIALLING, now, lead=agent.lead)
        case AgentEventKind.SKIP:
            _about_the_offer(agent, event)
            return come_free(heard, now)
        case AgentEventKind.WRAPUP_DONE:
            return come_free(heard, now)
        case AgentEventKind.LOGOUT:
            return _leave(heard, AgentState.OFFLINE, "logout", now)
        case AgentEventKind.LOST:
            return _leave(agent, AgentState.OFFLINE, event.reason or "no heartbeat", now)


def _logged_in(event: AgentEvent, now: float) -> Agent:
    if not event.uri:
        raise AgentEventRefused("login needs the SIP URI of the agent's phone")
    if not event.campaigns:
        raise AgentEventRefused("login needs at least one campaign")
    return Agent(
        agent=event.agent,
        uri=event.uri,
        campaigns=event.campaigns,
        team=event.team,
        state=AgentState.PAUSED,
        since=now,
        heard_at=now,
        reason="login",
        logged_in_at=now,
        shift_ends_at=event.shift_ends_at,
        name=event.name,
        login=event.campaigns,
        skills=event.skills,
    )


def _about_the_offer(agent: Agent, event: AgentEvent) -> None:
    if agent.lead is None or agent.lead.lead_id != event.lead_id:
        on_offer = "none" if agent.lead is None else f"lead {agent.lead.lead_id!r}"
        raise AgentEventRefused(f"{event.kind} is about lead {event.lead_id!r}, on offer is {on_offer}")


def _ready_asked(agent: Agent, now: float) -> Agent:
    if agent.state in COMMITTED:
        return replace(agent, pending=None, pending_reason="")
    if agent.state in {AgentState.READY, AgentState.PREVIEW}:
        return agent
    return enter(agent, AgentState.READY, now)


def _leave(agent: Agent, target: AgentState, reason: str, now: float) -> Agent:
    if agent.state in COMMITTED or (agent.state is AgentState.WRAPUP and target is AgentState.PAUSED):
        return replace(agent, pending=target, pending_reason=reason)
    if agent.state is target:
        return replace(agent, reason=reason, standing=_ready_then(agent, wanted=False))
    return enter(agent, target, now, reason=reason)


def enter(
    agent: Agent,
    state: AgentState,
    now: float,
    *,
    reason: str = "",
    call: str | None = None,
    lead: LeadRef | None = None,
) -> Agent:
    """The agent in a new state since now; what was pending is kept while the agent is busy. Who would be ready without
    the phone is paused, and ready when it is there."""
    waits_for_phone = state is AgentState.READY and not agent.can_be_reached
    if waits_for_phone and agent.standing is not None:
        state, reason = AgentState.PAUSED, agent.standing.why
    keep = state in BUSY
    spent_s = now - agent.since
    return replace(
        agent,
        state=state,
        since=now,
        reason=reason,
        call=call,
        lead=lead,
        pending=agent.pending if keep else None,
        pending_reason=agent.pending_reason if keep else "",
        busy_s=agent.busy_s + (spent_s if agent.state in BUSY else 0.0),
        idle_s=agent.idle_s + (spent_s if agent.state is AgentState.READY else 0.0),
        served_at=now if state is AgentState.RINGING else agent.served_at,
        standing=_ready_then(agent, wanted=waits_for_phone),
    )


def _ready_then(agent: Agent, *, wanted: bool) -> StandingLeg | None:
    leg = agent.standing
    return leg and replace(leg, ready_then=wanted and leg.is_coming)


def with_leg(agent: Agent, leg: StandingLeg, now: float) -> Agent:
    """The agent, whose standing leg has become this one: no longer ready without it, and ready if that was all that was
    missing. An offer (preview) is the caller's to take back."""
    changed = replace(agent, standing=leg)
    if agent.state is AgentState.READY and not leg.is_up:
        return enter(changed, AgentState.READY, now)
    if agent.state is AgentState.PAUSED and agent.standing is not None and agent.standing.ready_then:
        return enter(changed, AgentState.READY, now) if leg.is_up else replace(changed, reason=leg.why)
    return changed


def pause_after(agent: Agent, reason: str) -> Agent:
    """The agent, who will be paused after the call and its wrap-up, unless something else was asked for."""
    if agent.pending is not None:
        return agent
    return replace(agent, pending=AgentState.PAUSED, pending_reason=reason)


def come_free(agent: Agent, now: float) -> Agent:
    """The agent after wrap-up, or after a call that vanished before any talk: ready, or what was asked for."""
    if agent.pending is not None:
        return enter(agent, agent.pending, now, reason=agent.pending_reason)
    return enter(agent, AgentState.READY, now)


@dataclass(slots=True)
class Roster:
    """All agents that this daemon holds, and who among the ready has waited longest. `ready` are those of `agents` who
    are, `serving` is how many agents serve each campaign, `ready_serving` how many of the ready do; `put` keeps them
    so, and counts in `changes`."""

    agents: dict[str, Agent] = field(default_factory=dict)
    ready: dict[str, Agent] = field(default_factory=dict)
    serving: Counter[str] = field(default_factory=Counter)
    ready_serving: Counter[str] = field(default_factory=Counter)
    changes: int = 0

    def get(self, agent: str) -> Agent | None:
        return self.agents.get(agent)

    def put(self, agent: Agent) -> None:
        """Remember the agent's new state; one who went offline is forgotten."""
        name, state = agent.agent, agent.state
        before = self.agents.get(name)
        self.changes += 1
        serves = () if state is AgentState.OFFLINE else agent.campaigns
        _count(self.serving, () if before is None else before.campaigns, serves)
        was_ready = self.ready.get(name)
        _count(
            self.ready_serving,
            () if was_ready is None else was_ready.campaigns,
            serves if state is AgentState.READY else (),
        )
        if state is AgentState.READY:
            self.ready[name] = agent
        else:
            self.ready.pop(name, None)
        if state is AgentState.OFFLINE:
            self.agents.pop(name, None)
        else:
            self.agents[name] = agent

    def silent(self, now: float, timeout_s: float) -> Iterator[Agent]:
        """Agents whose desktops have said nothing for `timeout_s` and who are not on their way out already."""
        for agent in self.agents.values():
            if now - agent.heard_at > timeout_s and agent.pending is not AgentState.OFFLINE:
                yield agent


def _count(agents: Counter[str], before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """An agent served the campaigns `before`, and serves those `after`."""
    if before == after:
        return
    for name in before:
        agents[name] -= 1
    for name in after:
        agents[name] += 1
