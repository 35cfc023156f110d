"""Deleting what has been kept long enough, in small slices that hold nobody up.

A lead is kept for so many days from when it came in, whatever became of it; then everything goes that its campaign
knows of it. A contact history is kept for as long as a rule may look back. Each function here does one slice and says
where the next one begins; doing one twice does no harm.
"""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from functools import wraps
from math import isfinite
from typing import Annotated, Final, ParamSpec

from msgspec import Meta

from compliance.contacts import unpacked
from dialer.store.base.connection import Command, ScriptCall, Store, Value, campaign_call, trip
from dialer.store.base.errors import KeyDamaged
from dialer.store.base.fields import Undecodable
from dialer.store.base.keys import BUCKETS, SHARDS, Place
from dialer.store.base.records import Count, Time, shaped
from dialer.store.base.server_facts import server_time
from dialer.store.crm import crm_map
from dialer.store.leads.lead_codec import taken_in_at_of
from dialer.store.settlement.attempts import EndedAttempt

P = ParamSpec("P")

LEADS_AT_ONCE: Final = 100
PURGED_AT_ONCE: Final = 20
"""Leads that one script deletes: with four attempts each, some 2 ms of the server's time."""

ENTRIES_AT_ONCE: Final = 1000
BUCKETS_AT_ONCE: Final = 64
FORGOTTEN_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Slice:
    """What one slice did: `gone` were deleted, and the next one begins at `cursor`; empty: that was the last."""

    gone: int
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """One round over everything: when it began (seconds since the epoch), what is being looked at and from where on,
    and how many were deleted there so far. `what` is empty when the round has ended."""

    began_at: Time
    what: str = ""
    campaign: str = ""
    cursor: Annotated[str, Meta(pattern=r"^([0-9]{1,20}|more)?\Z")] = ""
    gone: Annotated[Count, Meta(le=2**53)] = 0


class Purged(IntEnum):
    """What lua/purge.lua says of a lead."""

    ABSENT = 0  # or too young
    GONE = 1
    HELD = 2  # in an attempt, or the CRM has yet to be told of one


def purge(
    store: Store,
    campaign: str,
    lead_ids: Sequence[str],
    *,
    counter: str,
    came_in_before: float | None = None,
    close_why: str = "",
) -> tuple[Purged, ...]:
    """Delete leads (at most a few hundred at once) with everything the campaign knows of them; one answer for each.

    `came_in_before` (seconds since the epoch) spares younger ones. With `close_why` a lead that is held is closed when
    its attempt ends. `counter` is counted up in the campaign. What is counted stays: the counters, the ledger and the
    contact history of the numbers.
    """
    if not lead_ids:
        return ()
    args: list[Value] = ["" if came_in_before is None else came_in_before, counter, close_why, *lead_ids]
    return tuple(map(Purged, trip(store, [campaign_call(store, "purge", campaign, args)])[0]))


def _passing_over(purge_slice: Callable[P, Slice]) -> Callable[P, Slice]:
    """A campaign with a damaged key is passed over: its turn comes again in the next round."""

    @wraps(purge_slice)
    def done(*args: P.args, **kwargs: P.kwargs) -> Slice:
        try:
            return purge_slice(*args, **kwargs)
        except KeyDamaged:
            return Slice(0)

    return done


@_passing_over
def purge_leads(store: Store, campaign: str, before: float, cursor: str = "") -> Slice:
    """Delete leads that came in before an instant (seconds since the epoch), whatever their state."""
    after, flat = trip(store, [("HSCAN", store.keys.lead(campaign), cursor or "0", "COUNT", LEADS_AT_ONCE)])[0]
    rows = zip(flat[::2], flat[1::2], strict=True)
    old = [name.decode(errors="replace") for name, raw in rows if _came_in(raw) < before]
    gone = 0
    for i in range(0, len(old), PURGED_AT_ONCE):
        group = old[i : i + PURGED_AT_ONCE]
        answers = purge(store, campaign, group, counter="purged", came_in_before=before)
        gone += answers.count(Purged.GONE)
    return Slice(gone, _next(after))


def _came_in(raw: bytes) -> float:
    """A lead that another release wrote differently is left to that release."""
    try:
        return taken_in_at_of(raw)
    except Undecodable:
        return float("inf")


@_passing_over
def purge_attempts(store: Store, campaign: str, cursor: str = "") -> Slice:
    """Delete ended attempts and their outcomes whose lead is gone: those for which its story had no room."""
    keys = store.keys
    after, flat = trip(store, [("HSCAN", keys.ended(campaign), cursor or "0", "COUNT", ENTRIES_AT_ONCE)])[0]
    names = flat[::2]
    leads = [_lead_of(raw) for raw in flat[1::2]]
    there = trip(store, [("HEXISTS", keys.lead(campaign), lead_id) for lead_id in leads])
    orphans = [name for name, lead, known in zip(names, leads, there, strict=True) if lead and not known]
    if orphans:
        trip(store, [("HDEL", keys.ended(campaign), *orphans), ("HDEL", keys.outcomes(campaign), *orphans)])
    return Slice(len(orphans), _next(after))


def _lead_of(raw: bytes) -> str:
    """The lead of an ended attempt; empty where another release wrote it: it is left to that release."""
    try:
        return EndedAttempt.read("", raw).lead_id
    except Undecodable:
        return ""


@_passing_over
def purge_rejected(store: Store, campaign: str, before: float, cursor: str = "") -> Slice:
    """Delete copies of leads that were rejected before an instant."""
    return _trim(store, store.keys.rejected(campaign), before)


def purge_events(store: Store, before: float, cursor: str = "") -> Slice:
    """Delete events for the CRM from before an instant, names and attrs of leads are in them, and what was set aside
    before it."""
    _trim(store, store.keys.quarantine(), before)
    _trim(store, store.keys.floor(), before)
    gone = Slice(0)
    for crm in crm_map.load(store).crms:
        _trim(store, store.keys.crm_live(crm), before)
        trimmed = _trim(store, store.keys.crm_out(crm), before)
        gone = Slice(gone.gone + trimmed.gone, gone.cursor or trimmed.cursor)
    return gone


def _trim(store: Store, stream: str, before: float) -> Slice:
    """Whole nodes of the stream, so many at once, then the rest of the last one, which is short."""
    oldest = f"{max(0, int(before * 1000))}-0"
    gone = trip(store, [("XTRIM", stream, "MINID", "~", oldest, "LIMIT", ENTRIES_AT_ONCE)])[0]
    if gone:
        return Slice(gone, "more")
    return Slice(trip(store, [("XTRIM", stream, "MINID", "=", oldest)])[0])


def purge_contacts(store: Store, before: float, cursor: str = "") -> Slice:
    """Delete contact histories, of numbers, customers and accounts, whose newest contact is from before an instant.

    One that gets a new contact between reading and deleting stays. The cursor is the number of the next history hash.
    """
    first = int(cursor) if cursor.isdecimal() else 0
    places = [_place(index) for index in range(first, min(first + BUCKETS_AT_ONCE, SHARDS * BUCKETS))]
    histories = trip(store, [("HGETALL", store.keys.history(place)) for place in places])
    old: dict[int, list[tuple[str, bytes, bytes]]] = defaultdict(list)
    for place, flat in zip(places, histories, strict=True):
        for subject, raw in zip(flat[::2], flat[1::2], strict=True):
            if _newest(raw) < before:
                old[place.shard].append((store.keys.history(place), subject, raw))
    calls: list[Command | ScriptCall] = []
    for group in old.values():
        for i in range(0, len(group), FORGOTTEN_AT_ONCE):
            part = group[i : i + FORGOTTEN_AT_ONCE]
            pairs = [value for _, subject, raw in part for value in (subject, raw)]
            calls.append(ScriptCall("forget", [key for key, _, _ in part], pairs))
    last = first + len(places)
    return Slice(sum(trip(store, calls)), str(last) if last < SHARDS * BUCKETS else "")


def keep_contacts(store: Store, span_s: float | None) -> float | None:
    """Say for how long this installation wants contact histories kept (None: nobody can say); returns for how long all
    do that share them, None where that cannot be said."""
    key, name = store.keys.contacts_kept(), store.keys.prefix
    raws = trip(store, [("HSET", key, name, "" if span_s is None else span_s), ("HVALS", key)])[1]
    try:
        spans_s = [float(raw) for raw in raws]
    except ValueError:
        return None
    return max(spans_s) if all(map(isfinite, spans_s)) else None


def _place(index: int) -> Place:
    return Place(index // BUCKETS, index % BUCKETS)


def _newest(raw: bytes) -> float:
    """A history that this release cannot read stays."""
    try:
        contacts = unpacked(raw)
    except struct.error:
        return float("inf")
    return contacts[-1].at if contacts else 0.0


def _next(cursor: bytes) -> str:
    return "" if cursor == b"0" else cursor.decode()


# --- whose turn it is, and how far it has come ------------------------------------------------------------------------


def claim(store: Store, owner: str, ttl_s: float) -> bool:
    """Whether this daemon is the one that deletes, for the next `ttl_s` seconds. Two at once would do no harm."""
    key, ttl_ms = store.keys.housekeeper(), max(1, round(ttl_s * 1000))
    _, holder = trip(store, [("SET", key, owner, "NX", "PX", ttl_ms), ("GET", key)])
    mine = bool(holder == owner.encode())
    if mine:
        trip(store, [("PEXPIRE", key, ttl_ms)])
    return mine


def clock(store: Store) -> float:
    """The server's clock, in seconds since the epoch."""
    return server_time(trip(store, [("TIME",)])[0])


def load(store: Store) -> Round | None:
    """The round that is under way or ended last; None: there has been none, or another release wrote it."""
    raw = trip(store, [("GET", store.keys.retention())])[0]
    return None if raw is None else read_round(raw)


def read_round(raw: bytes) -> Round | None:
    """A round as it is kept; None: another release wrote it, or a hand."""
    try:
        return shaped(Round, json.loads(raw), "a round")
    except (ValueError, RecursionError):
        return None


def save(store: Store, round_: Round) -> None:
    """Write down how far a round has come."""
    trip(store, [("SET", store.keys.retention(), json.dumps(asdict(round_)))])
