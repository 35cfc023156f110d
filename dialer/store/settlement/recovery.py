"""Owners, their signs of life, and what becomes of the work of the dead.

An owner is one run of one daemon. While its heartbeat key is there it lives. What a dead owner left is taken over by
whoever looks first, or by several at once: every step is a script that does nothing the second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from dialer.core.abandonment.windows import counting_day, zone_of
from dialer.core.agents.agent import AgentState
from dialer.core.calls.retries import next_step
from dialer.core.inbound.ending import back_to
from dialer.core.leads.retry_windows import zones_of
from dialer.core.model import NOBODY, Disposition, Lead, Settlement
from dialer.store.base import quarantine
from dialer.store.base.connection import Store, campaign_call, trip
from dialer.store.base.errors import KeyDamaged
from dialer.store.base.fields import EPOCH_MAX, Undecodable
from dialer.store.base.quarantine import Bad
from dialer.store.base.records import NO_TIME, text_of
from dialer.store.base.server_facts import server_time
from dialer.store.leads.lead_codec import unpack
from dialer.store.operators import agents, campaigns
from dialer.store.operators.campaigns import Campaign
from dialer.store.settlement.attempts import OpenAttempt
from dialer.store.settlement.settle import settle, settle_put_off, write_off
from dialer.store.settlement.settlements import counted_at
from sip.causes import Cause, Leg

FORGOTTEN_AFTER_S: Final = 60.0
"""An attempt must be this old before `settle_forgotten` ends it: a younger one may be on its way to the daemon."""

Before = Callable[[Sequence[Settlement], str], object]
"""Hears of attempts that are about to be settled for an owner."""


def _nothing(_: Sequence[Settlement], __: str) -> None:
    """What is called before settling where nobody asked to be."""


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What was taken over: dead owners, their attempts settled as UNKNOWN, leads due again, agents released."""

    owners: tuple[str, ...]
    attempts: int
    leads: int
    agents: int


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
    beats = ((name.decode(errors="replace"), at) for name, at in zip(flat[::2], flat[1::2], strict=True))
    return {owner: _moment(at) for owner, at in beats if owner.rpartition(":")[0] == host}


def _moment(raw: bytes) -> float:
    """A kept time in seconds since the epoch; 0.0 where it cannot be read, so that its owner counts as long silent."""
    try:
        at = float(raw)
    except ValueError:
        return 0.0
    return at if 0 <= at <= EPOCH_MAX else 0.0


def declare_dead(store: Store, owners: Collection[str]) -> None:
    """Declare runs dead, instead of waiting for their heartbeats to end."""
    trip(store, [("DEL", store.keys.heartbeat(owner)) for owner in owners])


def dead_owners(store: Store) -> tuple[str, ...]:
    """Owners that have been heard of and are not alive, in two round trips."""
    known = sorted(name.decode(errors="replace") for name in trip(store, [("HKEYS", store.keys.owners())])[0])
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
    settle_put_off(store)
    dead = tuple(owner for owner in dead_owners(store) if only is None or owner in only)
    if not dead:
        return RecoveryReport((), 0, 0, 0)
    attempts = leads = 0
    readable_campaigns, unreadable = campaigns.readable(store)
    left = bool(unreadable)
    for campaign in readable_campaigns:
        try:
            lost = [attempt for attempt in open_attempts(store, campaign.settings.name) if attempt.owner in ("", *dead)]
            attempts += _settle_all(store, campaign, lost, now, before)
            leads += trip(store, [campaign_call(store, "take_back", campaign.settings.name, [now, *dead])])[0]
        except KeyDamaged:
            left = True
    released = _release_agents(store, dead)
    if not left:
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
        with suppress(KeyDamaged):
            forgotten = [
                attempt
                for attempt in open_attempts(store, campaign.settings.name)
                if attempt.owner in (owner, "")
                and attempt.attempt not in known
                and now - attempt.reserved_at > FORGOTTEN_AFTER_S
            ]
            ended += _settle_all(store, campaign, forgotten, now, before)
    return ended


def open_attempts(store: Store, campaign: str) -> tuple[OpenAttempt, ...]:
    """Every attempt of a campaign that has not ended. There are never more than there are lines.

    A record that cannot be read is set aside. Of an attempt without one it is known which lead is in it, and who had
    leased that lead.
    """
    keys = store.keys
    in_attempt, flat = trip(store, [("HGETALL", keys.open(campaign)), ("HGETALL", keys.attempts(campaign))])
    attempts: dict[bytes, OpenAttempt] = {}
    bad: list[Bad] = []
    for name, raw in zip(flat[::2], flat[1::2], strict=True):
        try:
            attempts[name] = OpenAttempt.read(campaign, text_of(name), raw)
        except Undecodable as error:
            bad.append(Bad(keys.attempts(campaign), name, raw, str(error)))
    quarantine.set_aside(store, bad)
    pairs = zip(in_attempt[::2], in_attempt[1::2], strict=True)
    return (*attempts.values(), *_lost(store, campaign, [pair for pair in pairs if pair[1] not in attempts]))


def _lost(store: Store, campaign: str, pairs: Sequence[tuple[bytes, bytes]]) -> list[OpenAttempt]:
    """Those of some leads and attempts whose attempt has no record; others have ended since they were looked at."""
    keys = store.keys
    asked = [
        command
        for lead_id, name in pairs
        for command in (
            ("HEXISTS", keys.attempts(campaign), name),
            ("HEXISTS", keys.ended(campaign), name),
            ("HGET", keys.lessee(campaign), lead_id),
        )
    ]
    replies = trip(store, asked)
    return [
        OpenAttempt.lost(campaign, *(cell.decode(errors="replace") for cell in (name, lead_id, owner or b"")))
        for (lead_id, name), there, ended, owner in zip(pairs, replies[::3], replies[1::3], replies[2::3], strict=True)
        if not (there or ended)
    ]


def _settle_all(store: Store, campaign: Campaign, lost: Sequence[OpenAttempt], now: float, before: Before) -> int:
    """End attempts as UNKNOWN. Those whose lead is gone or cannot be read end as well; nobody can say whom they were
    to, and so they are on record without a number."""
    name = campaign.settings.name
    ids = [attempt.lead_id for attempt in lost]
    if not ids:
        return 0
    raws, progress = trip(store, [("HMGET", store.keys.lead(name), *ids), ("HMGET", store.keys.progress(name), *ids)])
    zone = zone_of(campaign.settings)
    by_owner: dict[str, list[Settlement]] = defaultdict(list)
    of_nobody: dict[str, list[Settlement]] = defaultdict(list)
    for attempt, raw, done in zip(lost, raws, progress, strict=True):
        try:
            lead, groups = unpack(raw or b"", campaign=name, progress=done), by_owner
        except Undecodable:
            lead, groups = Lead(attempt.lead_id, name, (NOBODY,)), of_nobody
        settlement = _unknown(campaign, attempt, lead, now)
        groups[attempt.owner].append(replace(settlement, day=counting_day(counted_at(settlement), zone)))
    for groups in (by_owner, of_nobody):
        for owner, group in groups.items():
            before(group, owner)
    ended = sum(len(settle(store, group, owner)) for owner, group in by_owner.items())
    return ended + sum(write_off(store, group, owner) for owner, group in of_nobody.items())


def _unknown(campaign: Campaign, attempt: OpenAttempt, lead: Lead, now: float) -> Settlement:
    reserved_at = now if attempt.reserved_at == NO_TIME else attempt.reserved_at
    settings = campaign.settings
    zones = partial(zones_of, believe_stated_zone=settings.believe_stated_zone, otherwise=zone_of(settings))
    after = next_step(lead, Disposition.UNKNOWN, settings.retry, now, zones)
    if attempt.inbound:
        after = back_to(attempt.due_at, lead.number_index, max(now, reserved_at))
    return Settlement(
        attempt=attempt.attempt,
        lead=lead,
        trunk=attempt.trunk,
        disposition=Disposition.UNKNOWN,
        next_step=after,
        live=False,
        abandoned=False,
        charged=not attempt.inbound,
        inbound=attempt.inbound,
        cause=Cause.WORKER_LOST,
        ended_by=Leg.DIALER,
        reason="nobody knows how it ended",
        caller_id=attempt.caller_id,
        reserved_at=reserved_at,
        ended_at=max(now, reserved_at),
    )


def _release_agents(store: Store, dead: Sequence[str]) -> int:
    rows, bad = agents.readable(store)
    quarantine.set_aside(store, bad)
    held = [row for row in rows if row.owner in dead and row.state is not AgentState.OFFLINE]
    for owner in dead:
        agents.release(store, [row.agent for row in held if row.owner == owner], owner)
    if held:
        trip(store, [("HDEL", store.keys.agents(), *(row.agent for row in held))])
    return len(held)
