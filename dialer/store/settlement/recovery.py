"""Owners, their signs of life, and what becomes of the work of the dead.

An owner is one run of one daemon. While its heartbeat key is there it lives. What a dead owner left is taken over by
whoever looks first, or by several at once: every step is a script that does nothing the second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgpack

from dialer.core.abandonment.windows import counting_day, zone_of
from dialer.core.agents.agent import AgentState
from dialer.core.calls.retries import next_step
from dialer.core.model import Disposition, Settlement
from dialer.store.base.connection import ScriptCall, Store, server_time, trip
from dialer.store.base.errors import StoreError
from dialer.store.leads.lead_codec import unpack
from dialer.store.operators import agents, campaigns
from dialer.store.operators.campaigns import Campaign
from dialer.store.settlement.settle import settle
from dialer.store.settlement.settlements import Settled, counted_at
from sip.causes import Cause, Leg

FORGOTTEN_AFTER_S: Final = 60.0
"""An attempt must be this old before `settle_forgotten` ends it: a younger one may be on its way to the daemon."""

Before = Callable[[Sequence[Settled], str], object]
"""Hears of attempts that are about to be settled for an owner."""


def _nothing(_: Sequence[Settled], __: str) -> None:
    """Nobody wants to hear."""


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
    caller_id: str
    reserved_at: float


def owner_of(host: str, incarnation: str) -> str:
    """The owner's name, HOST:INCARNATION."""
    return f"{host}:{incarnation}"


def beat(store: Store, owner: str, ttl_s: float, now: float) -> float:
    """A sign of life, good for `ttl_s` seconds. Returns the server's clock, in seconds since the epoch."""
    keys = store.keys
    clock, *_ = trip(
        store,
        [
            ("TIME",),
            ("HSET", keys.owners(), owner, now),
            ("SET", keys.heartbeat(owner), now, "PX", max(1, round(ttl_s * 1000))),
        ],
    )
    return server_time(clock)


def farewell(store: Store, owner: str) -> None:
    """An orderly end: the owner is dead at once, and what it still holds is taken over by the next `recover`."""
    trip(store, [("DEL", store.keys.heartbeat(owner))])


def namesakes(store: Store, host: str) -> dict[str, float]:
    """Runs under this host's name that are not known to have ended, with the time of their last sign of life; two that
    differ between two looks are of a daemon that lives."""
    flat = trip(store, [("HGETALL", store.keys.owners())])[0]
    beats = {name.decode(): float(at) for name, at in zip(flat[::2], flat[1::2], strict=True)}
    return {owner: at for owner, at in beats.items() if owner.rpartition(":")[0] == host}


def declare_dead(store: Store, owners: Collection[str]) -> None:
    """Declare runs dead, instead of waiting for their heartbeats to end."""
    trip(store, [("DEL", store.keys.heartbeat(owner)) for owner in owners])


def dead_owners(store: Store) -> tuple[str, ...]:
    """Owners that have been heard of and are not alive, in two round trips."""
    known = sorted(name.decode() for name in trip(store, [("HKEYS", store.keys.owners())])[0])
    alive = trip(store, [("EXISTS", store.keys.heartbeat(owner)) for owner in known])
    return tuple(owner for owner, there in zip(known, alive, strict=True) if not there)


def recover(
    store: Store, now: float, *, only: Collection[str] | None = None, before: Before = _nothing
) -> RecoveryReport:
    """Take over what dead owners left, of all hosts or `only` of some. Any number of daemons may do it at once.
    `before` hears of the ends of attempts before they are written down.

    An attempt of a dead owner ends as UNKNOWN: what happened on the line nobody knows. The retry table has no row for
    that, so its lead is closed and not dialled again by itself. While a campaign cannot be read its dead are kept in
    mind: what they left in it is taken over when it can be.
    """
    dead = tuple(owner for owner in dead_owners(store) if only is None or owner in only)
    if not dead:
        return RecoveryReport((), 0, 0, 0)
    attempts = leads = 0
    found, unreadable = campaigns.readable(store)
    for campaign in found:
        lost = [one for one in open_attempts(store, campaign.settings.name) if one.owner in dead]
        attempts += _settle_all(store, campaign, lost, now, before)
        leads += _take_back(store, campaign.settings.name, dead, now)
    released = _release_agents(store, dead)
    if not unreadable:
        trip(store, [("HDEL", store.keys.owners(), *dead)])
    elif not (attempts or leads or released):
        return RecoveryReport((), 0, 0, 0)
    return RecoveryReport(dead, attempts, leads, released)


def settle_forgotten(store: Store, owner: str, known: Collection[str], now: float, before: Before = _nothing) -> int:
    """End the owner's own attempts that it does not know of (any more), as UNKNOWN. Returns how many ended.

    A server that crashed, or a replica that took over, may have forgotten the last settlements; without this their
    leads would stay in an attempt for as long as the daemon lives. `known` are all attempts in the daemon's hands,
    also those that are being screened or wait to be settled. `before` as in `recover`.
    """
    ended = 0
    for campaign in campaigns.readable(store)[0]:
        forgotten = [
            one
            for one in open_attempts(store, campaign.settings.name)
            if one.owner == owner and one.attempt not in known and now - one.reserved_at > FORGOTTEN_AFTER_S
        ]
        ended += _settle_all(store, campaign, forgotten, now, before)
    return ended


def open_attempts(store: Store, campaign: str) -> tuple[OpenAttempt, ...]:
    """Every attempt of a campaign that has not ended. There are never more than there are lines."""
    flat = trip(store, [("HGETALL", store.keys.attempts(campaign))])[0]
    return tuple(
        _open_attempt(campaign, name.decode(), msgpack.unpackb(raw))
        for name, raw in zip(flat[::2], flat[1::2], strict=True)
    )


def _open_attempt(campaign: str, attempt: str, raw: Mapping[str, Any]) -> OpenAttempt:
    return OpenAttempt(
        attempt, campaign, raw["lead"], raw["number"], raw["owner"], raw["trunk"], raw["caller_id"], raw["at"]
    )


def _settle_all(store: Store, campaign: Campaign, lost: Sequence[OpenAttempt], now: float, before: Before) -> int:
    name = campaign.settings.name
    ids = [one.lead_id for one in lost]
    if not ids:
        return 0
    raws, progress = trip(store, [("HMGET", store.keys.lead(name), *ids), ("HMGET", store.keys.progress(name), *ids)])
    zone = zone_of(campaign.settings)
    by_owner: dict[str, list[Settled]] = defaultdict(list)
    for one, raw, done in zip(lost, raws, progress, strict=True):
        if raw is None:
            raise StoreError(f"attempt {one.attempt} of campaign {name} is open, but its lead {one.lead_id} is gone")
        settlement = _unknown(campaign, one, raw, done, now)
        by_owner[one.owner].append(Settled(settlement, counting_day(counted_at(settlement), zone)))
    for owner, group in by_owner.items():
        before(group, owner)
    return sum(len(settle(store, group, owner)) for owner, group in by_owner.items())


def _unknown(campaign: Campaign, one: OpenAttempt, raw: bytes, progress: bytes | None, now: float) -> Settlement:
    lead = unpack(raw, campaign=one.campaign, progress=progress)
    return Settlement(
        attempt=one.attempt,
        lead=lead,
        trunk=one.trunk,
        disposition=Disposition.UNKNOWN,
        next_step=next_step(lead, Disposition.UNKNOWN, campaign.settings.retry),
        live=False,
        abandoned=False,
        charged=True,
        cause=Cause.WORKER_LOST,
        ended_by=Leg.DIALER,
        reason="nobody knows how it ended",
        caller_id=one.caller_id,
        reserved_at=one.reserved_at,
        ended_at=max(now, one.reserved_at),
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
