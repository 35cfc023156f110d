"""Agents: what their desktops say, which daemon each belongs to, and the presence table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from compliance.numbers import holds_number, masked_text
from config.agent_choice import texts_of
from config.agents.settings import Connection
from dialer.core.agents.agent import AgentEvent, AgentEventKind, AgentState
from dialer.store.base.connection import Command, ScriptCall, Store, Value, careful_trip, trip
from dialer.store.base.errors import KeyDamaged
from dialer.store.base.fields import Fields, Undecodable, decode
from dialer.store.base.quarantine import Bad
from dialer.store.base.records import Time, packed, text_of
from dialer.store.base.records import read as read_record
from dialer.store.base.streams import Entry, read_after

ENTRIES_KEPT: Final = 100_000
MAX_URI_LENGTH: Final = 255
MAX_CAMPAIGNS: Final = 32
MAX_TEXT_LENGTH: Final = 64

_ENTRY_ID: Final = re.compile(rb"[0-9]{1,19}-[0-9]{1,19}")
AGENT_NAME: Final = re.compile(r"[A-Za-z0-9_.@+-]{1,64}")
SAYABLE: Final = tuple(kind.value for kind in AgentEventKind if kind is not AgentEventKind.LOST)
"""What a desktop can say; that an agent is lost is the dialer's own finding."""

AS_THE_HOST_SAYS: Final = "default"
"""The connection of a login that leaves it to `agents.connection`."""

ABOUT_A_LEAD: Final = frozenset({AgentEventKind.DIAL.value, AgentEventKind.SKIP.value})


@dataclass(frozen=True, slots=True)
class Malformed:
    """A stream entry that could not be read, with every reason. `agent` and `ref` where they could be read, else
    empty."""

    entry_id: str
    reasons: tuple[str, ...]
    agent: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """An agent's word and the stream entry that it came in."""

    entry_id: str
    event: AgentEvent


@dataclass(frozen=True, slots=True)
class Presence:
    """One row of the presence table. `since` is seconds since the epoch."""

    agent: str
    state: AgentState
    since: float
    reason: str
    campaigns: tuple[str, ...]
    owner: str


class _Row(NamedTuple):
    """A presence as it is kept under the agent's name: all of it but that, in its order."""

    state: AgentState
    since: Time
    reason: str
    campaigns: tuple[str, ...]
    owner: str


def enqueue(store: Store, events: Sequence[AgentEvent], *, keep: int = ENTRIES_KEPT) -> None:
    """Say something as a desktop would, in one round trip; the stream keeps about `keep` entries."""
    stream = store.keys.agents_in()
    calls: list[Command | ScriptCall] = [
        ("XADD", stream, "MAXLEN", "~", keep, "*", "event", packed(_said(event))) for event in events
    ]
    trip(store, calls)


def _said(event: AgentEvent) -> dict[str, Any]:
    optional = {
        "uri": event.uri,
        "campaigns": list(event.campaigns),
        "team": event.team,
        "name": event.name,
        "reason": event.reason,
        "lead_id": event.lead_id,
        "ref": event.ref,
        "connection": event.connection,
        "to": event.to,
    }
    given: dict[str, Any] = {name: value for name, value in optional.items() if value}
    if event.skills:
        given["skills"] = list(texts_of(event.skills))
    if event.shift_ends_at is not None:
        given["shift_ends_at"] = event.shift_ends_at
    return {"type": event.kind.value, "agent": event.agent, **given}


def read(store: Store, host: str, cursor: str, count: int, block_ms: int) -> tuple[tuple[Heard | Malformed, ...], str]:
    """Entries after `cursor` and the next cursor. Waits up to `block_ms` (0: not at all).

    Every host reads every entry, because any of them may hold the agent. The cursor "" goes on where this host left
    off, also after a restart, and begins with what comes from now on where it never read; "$" always does the latter,
    and "0" begins with the oldest entry.
    """
    places = store.keys.agents_read()
    if not cursor:
        left_off = trip(store, [("HGET", places, host)])[0]
        cursor = left_off.decode() if left_off and _ENTRY_ID.fullmatch(left_off) else "$"
    entries, after = read_after(store, store.keys.agents_in(), cursor, count, block_ms)
    if after != cursor:
        trip(store, [("HSET", places, host, after)])
    return tuple(parse(entry) for entry in entries), after


def parse(entry: Entry) -> Heard | Malformed:
    """Read one entry: one field, `event` (a msgpack map) or `json` (a JSON object)."""
    try:
        given = Fields(decode(entry.fields, "event"))
    except Undecodable as error:
        return Malformed(entry.id, (str(error),))
    event = read_event(given)
    if event is not None:
        return Heard(entry.id, event)
    named = str(given.data.get("agent", ""))[:MAX_TEXT_LENGTH]  # also one that came as a number
    return Malformed(entry.id, tuple(given.faults), named if _is_name(named) else "", Fields(given.data).ref())


def read_event(given: Fields) -> AgentEvent | None:
    """What an agent's desktop says; None where it cannot be read, and `given` has the faults."""
    kind = given.choice("type", SAYABLE)
    agent = given.agent(MAX_TEXT_LENGTH, needed=True)
    if agent and not AGENT_NAME.fullmatch(agent):
        given.faults.append("agent: must be letters, digits and _ . @ + -")
    elif holds_number(agent):
        given.faults.append("agent: reads like a phone number, and agents are shown and logged by name")
    uri = given.text("uri", MAX_URI_LENGTH)
    if uri and not uri.startswith("sip:"):
        given.faults.append("uri: must begin with sip:")
    campaigns = given.texts("campaigns", MAX_TEXT_LENGTH, MAX_CAMPAIGNS)
    team = given.text("team", MAX_TEXT_LENGTH)
    shown_name = masked_text(given.text("name", MAX_TEXT_LENGTH))  # it goes onto boards, as the reason does
    reason = masked_text(given.text("reason", MAX_TEXT_LENGTH))  # it goes onto boards, into logs and events
    lead_id = given.text("lead_id", MAX_TEXT_LENGTH, needed=kind in ABOUT_A_LEAD)
    shift_ends_at = given.time("shift_ends_at")
    skills = given.skills()
    if kind == AgentEventKind.LOGIN:
        for name, value in (("uri", uri), ("campaigns", campaigns)):
            if not value and not any(fault.startswith(name) for fault in given.faults):
                given.faults.append(f"{name}: a login needs it")
    to = given.text("to", MAX_TEXT_LENGTH)
    ref = given.ref()
    connection = given.choice("connection", (AS_THE_HOST_SAYS, *Connection), AS_THE_HOST_SAYS)
    given.finish()
    if given.faults:
        return None
    kept = (
        uri,
        campaigns,
        team,
        reason,
        lead_id,
        shift_ends_at,
        shown_name,
        skills,
        ref,
        connection if connection in tuple(Connection) else "",
        to,
    )
    return AgentEvent(AgentEventKind(kind), agent, *kept)


def _is_name(agent: str) -> bool:
    return AGENT_NAME.fullmatch(agent) is not None and not holds_number(agent)


# --- which daemon an agent belongs to --------------------------------------------------------------------------------


def is_claimed(store: Store, agent: str) -> bool:
    """Whether any daemon has claimed an agent."""
    return bool(trip(store, [("EXISTS", store.keys.agent_claim(agent))])[0])


def claim(store: Store, agents: Sequence[str], owner: str, ttl_s: float) -> tuple[str, ...]:
    """Claim agents for `ttl_s` seconds; returns those that are the owner's now (also those it held before)."""
    done = _each(store, "claim", agents, owner, ttl_s)
    return tuple(agent for agent, mine in zip(agents, done, strict=True) if mine)


def renew(store: Store, agents: Sequence[str], owner: str, ttl_s: float) -> tuple[str, ...]:
    """Prolong claims; returns the agents that are no longer the owner's."""
    done = _each(store, "renew", agents, owner, ttl_s)
    return tuple(agent for agent, mine in zip(agents, done, strict=True) if not mine)


def release(store: Store, agents: Sequence[str], owner: str) -> int:
    """Give claims up; returns how many were the owner's."""
    return sum(_each(store, "release", agents, owner, 1.0))


def claim_phones(store: Store, phones: Mapping[str, str], ttl_s: float) -> tuple[str, ...]:
    """Claim a phone for each agent (`phones` is by agent) for `ttl_s` seconds, or prolong that; returns the agents
    whose phone is another agent's."""
    done = _each_phone(store, "claim", phones, ttl_s)
    return tuple(agent for agent, mine in zip(phones, done, strict=True) if not mine)


def release_phones(store: Store, phones: Mapping[str, str]) -> None:
    """Let others have these phones."""
    _each_phone(store, "release", phones, 1.0)


def _each_phone(store: Store, what: str, phones: Mapping[str, str], ttl_s: float) -> list[int]:
    ttl_ms = max(1, round(ttl_s * 1000))
    calls = [
        ScriptCall("claim", [store.keys.phone_claim(phone)], [what, agent, ttl_ms]) for agent, phone in phones.items()
    ]
    return _done(store, calls)


def _each(store: Store, what: str, agents: Sequence[str], owner: str, ttl_s: float) -> list[int]:
    args: list[Value] = [what, owner, max(1, round(ttl_s * 1000))]
    return _done(store, [ScriptCall("claim", [store.keys.agent_claim(agent)], args) for agent in agents])


def _done(store: Store, calls: Sequence[ScriptCall]) -> list[int]:
    """What the claims came to; one whose key is of the wrong kind is nobody's, and keeps no other agent away."""
    return [0 if isinstance(reply, KeyDamaged) else reply for reply in careful_trip(store, calls)]


# --- the presence table ----------------------------------------------------------------------------------------------


def show(store: Store, rows: Sequence[Presence]) -> None:
    """Write presence rows, in one round trip; an agent who is OFFLINE is removed."""
    calls: list[Command | ScriptCall] = []
    for row in rows:
        if row.state is AgentState.OFFLINE:
            calls.append(("HDEL", store.keys.agents(), row.agent))
        else:
            body = _Row(row.state, row.since, row.reason, row.campaigns, row.owner)
            calls.append(("HSET", store.keys.agents(), row.agent, packed(body)))
    trip(store, calls)


def show_all(store: Store, rows: Sequence[Presence], owner: str) -> None:
    """Write all rows of one owner; others that the table has of it, as after the restore of a backup, are removed."""
    mine = {row.agent for row in rows}
    gone = [replace(row, state=AgentState.OFFLINE) for row in listing(store) if row.owner == owner]
    show(store, [*(row for row in gone if row.agent not in mine), *rows])


def listing(store: Store) -> tuple[Presence, ...]:
    """The presence table, by agent."""
    return readable(store)[0]


def readable(store: Store) -> tuple[tuple[Presence, ...], tuple[Bad, ...]]:
    """The presence table, by agent, and what of it cannot be read."""
    flat = trip(store, [("HGETALL", store.keys.agents())])[0]
    rows: list[Presence] = []
    bad: list[Bad] = []
    for name, raw in zip(flat[::2], flat[1::2], strict=True):
        try:
            rows.append(Presence(text_of(name), *read_record(_Row, raw, "a presence")))
        except Undecodable as error:
            bad.append(Bad(store.keys.agents(), name, raw, str(error)))
    return tuple(sorted(rows, key=lambda row: row.agent)), tuple(bad)
