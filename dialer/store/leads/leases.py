"""Leases: a lead is in one hand at a time, and comes back when that hand lets go or is gone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from dialer.core.leads import lead_reasons
from dialer.core.model import Lead
from dialer.store.base.connection import Store, Value, campaign_call, trip
from dialer.store.base.errors import KeyDamaged
from dialer.store.base.fields import Undecodable
from dialer.store.leads.lead_codec import unpack

MAX_LEASED_AT_ONCE: Final = 1000
JOIN_DUE_AT_ONCE: Final = 1000
"""Most leads whose time has come, and most whose lease has ended, that join the due with one `lease`."""

UNREADABLE_REST_S: Final = 600.0
"""A lead that this release cannot read is put off so long: another daemon, or the next release, may be able to."""


@dataclass(frozen=True, slots=True)
class Leased:
    """Leads that are the owner's now. `due` more leads are due, `waiting` are not due yet."""

    leads: tuple[Lead, ...]
    due: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Move:
    """What a leaseholder does with one lead; `what`, `a` and `b` are explained in lua/move.lua."""

    what: str
    lead_id: str
    a: Value = ""
    b: Value = ""


def lease(store: Store, campaign: str, owner: str, count: int, now: float, lease_s: float) -> Leased:
    """Take up to `count` (at most 1,000) due leads for `owner`, by priority (9 first), then by how long they have
    been due. With a count of 0 nothing is taken and only the numbers come back. A lead that cannot be read is put off
    with the reason, so that it holds up no other; of a campaign with a damaged key nothing is taken."""
    args: list[Value] = [owner, min(max(count, 0), MAX_LEASED_AT_ONCE), now, now + lease_s, JOIN_DUE_AT_ONCE]
    try:
        due, waiting, *cells = trip(store, [campaign_call(store, "lease", campaign, args)])[0]
    except KeyDamaged:
        return Leased((), 0, 0)
    leads: list[Lead] = []
    columns = (cells[column::6] for column in range(6))
    for lead_id, raw, progress, priority, promised_at, agent in zip(*columns, strict=True):
        try:
            lead = unpack(
                raw,
                campaign=campaign,
                progress=progress,
                priority=priority or None,
                promised_at=promised_at,
                wanted_agent=agent,
            )
            leads.append(lead)
        except Undecodable as error:
            rests = [lead_id.decode(errors="replace")]
            why = lead_reasons.kept(lead_reasons.text(str(error)))
            postpone(store, campaign, owner, rests, until=now + UNREADABLE_REST_S, why=why, now=now)
    return Leased(tuple(leads), due, waiting)


def renew(store: Store, campaign: str, owner: str, leads: Sequence[str], now: float, lease_s: float) -> tuple[str, ...]:
    """Prolong leases, by lead id; returns those that are no longer the owner's."""
    done = move(store, campaign, owner, [Move("renew", lead, now + lease_s) for lead in leads], now)
    return tuple(lead for lead, kept in zip(leads, done, strict=True) if not kept)


def release(store: Store, campaign: str, owner: str, leads: Sequence[str], now: float) -> int:
    """Give leads back untouched: they are due again. Returns how many were the owner's."""
    return sum(move(store, campaign, owner, [Move("due", lead, now) for lead in leads], now))


def postpone(
    store: Store, campaign: str, owner: str, leads: Sequence[str], *, until: float, why: str, now: float
) -> int:
    """Give leads back, due at `until`; `why` as `whys.kept` has it. Returns how many were the owner's."""
    return sum(move(store, campaign, owner, [Move("due", lead, until, why) for lead in leads], now))


def close(store: Store, campaign: str, owner: str, leads: Sequence[str], *, kind: str, why: str, now: float) -> int:
    """End leads for good. `kind` is counted (`closed:KIND`), `why` as `whys.kept` has it. Returns how many were the
    owner's."""
    return sum(move(store, campaign, owner, [Move("close", lead, kind, why) for lead in leads], now))


def move(store: Store, campaign: str, owner: str, moves: Sequence[Move], now: float) -> list[int]:
    """Carry moves out in one atomic step; 1 for each that was done, 0 where the lead is not the owner's to move.
    Nothing is moved in a campaign with a damaged key."""
    if not moves:
        return []
    args: list[Value] = [owner, now]
    for step in moves:
        args += [step.what, step.lead_id, step.a, step.b]
    with suppress(KeyDamaged):
        return list(trip(store, [campaign_call(store, "move", campaign, args)])[0])
    return [0] * len(moves)
