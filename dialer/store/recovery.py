"""Owners, their signs of life, and what becomes of the work of the dead.

An owner is one run of one daemon. While its heartbeat key is there it lives. What a dead owner left is taken over by
whoever looks first, or by several at once: every step is a script that does nothing the second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgpack

from dialer.core.agents import AgentState
from dialer.core.model import Disposition, NextStep, Retry, Settlement
from dialer.core.retries import NOT_SENT_DELAY_S, next_step
from dialer.store import agents, campaigns
from dialer.store.campaigns import Campaign
from dialer.store.connection import ScriptCall, Store, trip
from dialer.store.dispositions import Settled
from dialer.store.errors import StoreError
from dialer.store.lead_codec import unpack
from dialer.store.settle import settle
from sip.causes import Cause, Leg

ORPHAN_AFTER_S: Final = 30.0
"""An attempt that its own daemon does not know of must be this old before it is taken for one that never left."""


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What was taken over: dead owners, their attempts settled as UNKNOWN, leads due again, agents released."""

    owners: tuple[str, ...]
    attempts: int
    leads: int
    agents: int


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """An attempt that has not ended; `reserved_at` is seconds since the epoch."""

    attempt: str
    campaign: str
    lead_id: str
    number_index: int
    owner: str
    trunk: str
    reserved_at: float


def owner_of(host: str, incarnation: str) -> str:
    """The owner's name, HOST:INCARNATION."""
    return f"{host}:{incarnation}"


def beat(store: Store, owner: str, ttl: float, now: float) -> None:
    """A sign of life, good for `ttl` seconds."""
    keys = store.keys
    trip(
        store,
        [("HSET", keys.owners(), owner, now), ("SET", keys.heartbeat(owner), now, "PX", max(1, round(ttl * 1000)))],
    )


def farewell(store: Store, owner: str) -> None:
    """An orderly end: the owner is dead at once, and what it still holds is taken over by the next `recover`."""
    trip(store, [("DEL", store.keys.heartbeat(owner))])


def dead_owners(store: Store) -> tuple[str, ...]:
    """Owners that have been heard of and are not alive, in two round trips."""
    known = sorted(name.decode() for name in trip(store, [("HKEYS", store.keys.owners())])[0])
    alive = trip(store, [("EXISTS", store.keys.heartbeat(owner)) for owner in known])
    return tuple(owner for owner, there in zip(known, alive, strict=True) if not there)


def recover(store: Store, now: float) -> RecoveryReport:
    """Take over what dead owners left. Any number of daemons may do it at once.

    An attempt of a dead owner ends as UNKNOWN: what happened on the line nobody knows, so its lead is not dialled
    again by itself, unless the campaign's retry table has a row for `unknown`.
    """
    dead = dead_owners(store)
    if not dead:
        return RecoveryReport((), 0, 0, 0)
    attempts = leads = 0
    for campaign in campaigns.listing(store):
        lost = [one for one in open_attempts(store, campaign.settings.name) if one.owner in dead]
        attempts += _settle_all(store, campaign, lost, Disposition.UNKNOWN, now)
        leads += _take_back(store, campaign.settings.name, dead, now)
    released = _release_agents(store, dead)
    trip(store, [("HDEL", store.keys.owners(), *dead)])
    return RecoveryReport(dead, attempts, leads, released)


def settle_orphans(store: Store, owner: str, known: Collection[str], now: float) -> int:
    """End the owner's own attempts that it does not know of: they were written down, but the answer was lost on its
    way, so no INVITE left. They end as NOT_SENT and are given back to the caps. `known` are the attempts in the
    daemon's hands, including those whose screening is under way. Returns how many ended."""
    ended = 0
    for campaign in campaigns.listing(store):
        orphans = [
            one
            for one in open_attempts(store, campaign.settings.name)
            if one.owner == owner and one.attempt not in known and now - one.reserved_at > ORPHAN_AFTER_S
        ]
        ended += _settle_all(store, campaign, orphans, Disposition.NOT_SENT, now)
    return ended


def open_attempts(store: Store, campaign: str) -> tuple[OpenAttempt, ...]:
    """Every attempt of a campaign that has not ended. There are never more than there are lines."""
    flat = trip(store, [("HGETALL", store.keys.attempts(campaign))])[0]
    return tuple(
        _open_attempt(campaign, name.decode(), msgpack.unpackb(raw))
        for name, raw in zip(flat[::2], flat[1::2], strict=True)
    )


def _open_attempt(campaign: str, attempt: str, raw: Mapping[str, Any]) -> OpenAttempt:
    return OpenAttempt(attempt, campaign, raw["lead"], raw["number"], raw["owner"], raw["trunk"], raw["at"])


def _settle_all(
    store: Store, campaign: Campaign, lost: Sequence[OpenAttempt], disposition: Disposition, now: float
) -> int:
    name = campaign.settings.name
    ids = [one.lead_id for one in lost]
    if not ids:
        return 0
    raws, progress = trip(store, [("HMGET", store.keys.lead(name), *ids), ("HMGET", store.keys.progress(name), *ids)])
    day = datetime.fromtimestamp(now, UTC).date().isoformat()
    by_owner: dict[str, list[Settled]] = defaultdict(list)
    for one, raw, done in zip(lost, raws, progress, strict=True):
        if raw is None:
            raise StoreError(f"attempt {one.attempt} of campaign {name} is open, but its lead {one.lead_id} is gone")
        settlement = _settlement(campaign, one, raw, done, disposition, now)
        by_owner[one.owner].append(Settled(settlement, day))
    return sum(len(settle(store, group, owner)) for owner, group in by_owner.items())


def _settlement(
    campaign: Campaign, one: OpenAttempt, raw: bytes, progress: bytes | None, disposition: Disposition, now: float
) -> Settlement:
    lead = unpack(raw, campaign=one.campaign, progress=progress)
    sent = disposition is not Disposition.NOT_SENT
    step: NextStep = (
        next_step(lead, disposition, campaign.settings.retry) if sent else Retry(NOT_SENT_DELAY_S, lead.number_index)
    )
    return Settlement(
        attempt=one.attempt,
        lead=lead,
        trunk=one.trunk,
        disposition=disposition,
        next_step=step,
        live=False,
        abandoned=False,
        charged=sent,
        cause=Cause.WORKER_LOST if sent else Cause.NOT_SENT,
        ended_by=Leg.DIALER,
        sip_code=0,
        q850=0,
        reason="the daemon that dialled it is gone" if sent else "the answer of the store was lost before the call",
        agent="",
        reserved_at=one.reserved_at,
        dialled_at=None,
        ringing_at=None,
        answered_at=None,
        agent_dialled_at=None,
        bridged_at=None,
        ended_at=max(now, one.reserved_at),
        message_played=False,
        crossed_cancel=False,
    )


def _take_back(store: Store, campaign: str, dead: Sequence[str], now: float) -> int:
    keys = store.keys
    named = (keys.lessee, keys.leased, keys.due, keys.priority, keys.open)
    return int(trip(store, [ScriptCall("take_back", [key(campaign) for key in named], [now, *dead])])[0])


def _release_agents(store: Store, dead: Sequence[str]) -> int:
    held = [row for row in agents.listing(store) if row.owner in dead and row.state is not AgentState.OFFLINE]
    for owner in dead:
        agents.release(store, [row.agent for row in held if row.owner == owner], owner)
    if held:
        trip(store, [("HDEL", store.keys.agents(), *(row.agent for row in held))])
    return len(held)
