"""The contact history: when a number, a customer or an account was attempted, over all campaigns, and what came of it.

What a contact has is `compliance.contacts`. The histories live in many small hashes (see `keys.BUCKETS`), which the
server packs densely. They are written in three ways: an attempt is reserved, right before its INVITE, if nothing has
changed since its facts were judged; it is given back where no INVITE left; else it is marked when it ends, and when
somebody says what came of it. A call from outside is marked when it comes, too, which puts it there.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import msgpack

from compliance.api import Per, Subject
from compliance.contacts import CONTACT_BYTES, IN_DOUBT, Contact, Mark, crc16, group_of, packed, unpacked
from dialer.core.calls.dispositions import SCRIPTED
from dialer.core.model import Disposition, Lead, Settlement
from dialer.store.base.connection import ScriptCall, Store, Value, trip
from dialer.store.base.errors import StoreError, StoreUnavailable
from dialer.store.base.keys import BUCKETS, SHARDS, digits, history_key, scoped, subject_field
from dialer.store.operators import campaigns

ATTEMPTS_KEPT: Final = 2500
"""Attempts kept of one subject, the newest: more than twice the largest limit that a cap can have (1,000)."""

_NOTHING: Final = Mark(0)
_NOT_SAID: Final = Mark.MACHINE | Mark.REFUSED
"""What an outcome that says something else takes back: the last word counts."""

_REFUSED: Final = frozenset({"refused", "complaint"})
_LOST: Final = frozenset({Disposition.UNKNOWN, Disposition.WORKER_LOST})


class Spot(NamedTuple):
    """Where a subject's history and blocks are: its contact tag, the key of the history, the field."""

    shard: int
    key: str
    field: str


class Claim(NamedTuple):
    """One attempt to be reserved for one lead: where, number first, what the history of each was when it was judged,
    and the attempt's bytes. `blocks` are those that were judged, by place among the spots: of the tenant, of the
    campaign."""

    spots: Sequence[Spot]
    histories: Sequence[bytes]
    attempt: bytes
    blocks: Mapping[int, tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Reservation:
    """An attempt that was counted against the caps, with the fields of all whom it was counted for."""

    fields: tuple[str, ...]
    campaign: str
    attempt: str


@dataclass(frozen=True, slots=True)
class Marking:
    """What came of an attempt. `ended_at` is seconds since the epoch; None leaves the end as it is. `contact` are the
    bytes of a call from outside, which no reservation has put there."""

    fields: tuple[str, ...]
    campaign: str
    attempt: str
    add: Mark
    remove: Mark = _NOTHING
    ended_at: float | None = None
    contact: bytes = b""


def fields_of(lead: Lead) -> tuple[str, ...]:
    """Whom an attempt to a lead counts for: the number that is to be dialled, the customer, the account."""
    fields = [digits(lead.number)]
    if not (lead.customer_id or lead.account_id):
        return (fields[0],)
    if lead.customer_id:
        fields.append(subject_field(Subject(Per.CUSTOMER, lead.customer_id)))
    if lead.account_id:
        fields.append(subject_field(Subject(Per.ACCOUNT, lead.account_id)))
    return tuple(fields)


def spot(store: Store, field: str) -> Spot:
    """Where the history of a subject's field is."""
    crc = zlib.crc32(field.encode())
    shard = crc % SHARDS
    return Spot(shard, history_key(store.keys.common, shard, crc // SHARDS % BUCKETS), field)


def history(store: Store, field: str) -> tuple[Contact, ...]:
    """All attempts to a subject, by its field (`keys.digits`, `keys.subject_field`), oldest first."""
    return unpacked(trip(store, [("HGET", spot(store, field).key, field)])[0])


def reserve(store: Store, campaign: str, claims: Sequence[Claim], generations: Sequence[int]) -> list[bool]:
    """Count attempts for all their subjects, those for whom nothing has changed since they were judged; False for each
    other, for whom nothing is counted.

    `generations` are those of the blocked prefixes that were judged by, one for each contact tag. Numbers are counted
    first, then customers, then accounts, each in one round trip; where a later one has changed the earlier ones are
    given back.
    """
    counted = [0] * len(claims)
    alive = list(range(len(claims)))
    for stage in range(max((len(claim.spots) for claim in claims), default=0)):
        asked = [i for i in alive if len(claims[i].spots) > stage]
        changed = _reserved(store, campaign, claims, asked, stage, generations)
        for i in asked:
            counted[i] = stage + 1
        for i in changed:
            counted[i] = stage
        alive = [i for i in alive if i not in changed]
    half = [i for i, done in enumerate(counted) if 0 < done < len(claims[i].spots)]
    if half:
        marks = [(place, claims[i].attempt) for i in half for place in claims[i].spots[: counted[i]]]
        _give_back(store, [(place, raw[4:6], raw[8:10]) for place, raw in marks])
    return [done == len(claim.spots) for done, claim in zip(counted, claims, strict=True)]


def give_back(store: Store, reservations: Iterable[Reservation]) -> int:
    """Uncount attempts that never reached anybody, in one round trip; returns how many contacts were counted."""
    return _give_back(
        store,
        [
            (spot(store, field), _crc(reservation.campaign), _crc(reservation.attempt))
            for reservation in reservations
            for field in reservation.fields
        ],
    )


def mark(store: Store, markings: Iterable[Marking]) -> int:
    """Write down what came of attempts, in one round trip; returns how many contacts changed. Doing it twice changes
    nothing. A contact that was said to be a machine is no connect and no conversation, whatever is marked when; taking
    that back makes it both again."""
    by_shard: dict[int, tuple[list[str], list[Value]]] = defaultdict(lambda: ([], []))
    for marking in markings:
        about = (_crc(marking.campaign), _crc(marking.attempt), int(marking.add), int(marking.remove))
        ended: Value = "" if marking.ended_at is None else marking.ended_at
        for field in marking.fields:
            shard, key, _ = spot(store, field)
            keys, args = by_shard[shard]
            keys.append(key)
            args += (field, *about, ended, marking.contact)
    keep = ATTEMPTS_KEPT * CONTACT_BYTES
    return sum(trip(store, [ScriptCall("mark", keys, [keep, *args]) for keys, args in by_shard.values()]))


def came(store: Store, lead: Lead, attempt: str, at: float) -> Marking:
    """Somebody calls us. While nobody knows how it goes, it is a conversation. The history of a campaign that cannot be
    read is that of one without a group. Raises `StoreUnavailable`."""
    try:
        group = campaigns.get(store, lead.campaign).settings.group
    except StoreUnavailable:
        raise
    except StoreError:
        group = ""
    contact = packed(at, lead.campaign, group_of(lead.campaign, group), attempt, "")
    return Marking(fields_of(lead), lead.campaign, attempt, Mark.INBOUND, contact=contact)


def end_of_inbound(store: Store, settlement: Settlement) -> Marking:
    """What the end of a call from outside says of it, also to a server that has forgotten that it came."""
    end = end_of(settlement)
    contact = came(store, settlement.lead, settlement.attempt, settlement.reserved_at).contact
    return replace(end, add=(end.add | Mark.INBOUND) & ~Mark.CONNECTED, contact=contact)


def end_of(settlement: Settlement) -> Marking:
    """What a charged attempt's end says of it. Where nobody saw the end it counts as a conversation, until somebody
    says what it was. So does a talk with what was taken for a machine, until the agent says that it was one."""
    marks = Mark.ENDED
    if settlement.disposition is Disposition.MACHINE:
        marks |= Mark.MACHINE
    if settlement.live or settlement.bridged_at is not None or settlement.disposition in SCRIPTED:
        marks |= Mark.CONNECTED
    if settlement.bridged_at is not None or settlement.disposition is Disposition.SCRIPT_DONE:
        marks |= Mark.CONVERSATION
    if settlement.abandoned:
        marks |= Mark.ABANDONED
    if settlement.disposition in _LOST:
        marks |= IN_DOUBT
    if settlement.disposition is Disposition.UNWANTED or settlement.opted_out:
        marks |= Mark.REFUSED
    if settlement.disposition is Disposition.BLOCKED:
        marks |= Mark.NETWORK_BLOCKED
    return Marking(
        fields_of(settlement.lead),
        settlement.campaign,
        settlement.attempt,
        marks,
        IN_DOUBT & ~marks,
        ended_at=settlement.ended_at,
    )


def said_of(lead: Lead, attempt: str, outcome: str, *, opt_out: bool) -> Marking:
    """What an agent's or the CRM's word says of an attempt; `lead.number` is the one that was dialled."""
    add = Mark(0)
    if outcome == "machine":
        add |= Mark.MACHINE
    if outcome in _REFUSED or opt_out:
        add |= Mark.REFUSED
    return Marking(fields_of(lead), lead.campaign, attempt, add, _NOT_SAID & ~add)


def _reserved(
    store: Store, campaign: str, claims: Sequence[Claim], asked: Sequence[int], stage: int, generations: Sequence[int]
) -> set[int]:
    """Reserve the subjects of one stage; the places of the claims that have changed."""
    scope = scoped(store.keys, campaign)
    by_shard: dict[int, tuple[list[int], list[str], list[Value], dict[int, tuple[bytes, bytes]]]] = {}
    for i in asked:
        spots, histories, attempt, blocks = claims[i]
        shard, key, field = spots[stage]
        group = by_shard.get(shard)
        if group is None:
            keys = [store.keys.blocked(shard), store.keys.prefix_generation(shard)]
            group = by_shard[shard] = ([], keys, [], {})
        places, keys, args, seen = group
        places.append(i)
        keys.append(key)
        args += (field, histories[stage], attempt)
        if stage in blocks:
            seen[len(places)] = blocks[stage]
    keep = ATTEMPTS_KEPT * CONTACT_BYTES
    calls = [
        ScriptCall(
            "reserve",
            keys,
            [scope, keep, generations[shard], bytes(msgpack.packb(seen, use_bin_type=False)) if seen else "", *args],
        )
        for shard, (_, keys, args, seen) in by_shard.items()
    ]
    return {
        places[at - 1]
        for (places, *_), reply in zip(by_shard.values(), trip(store, calls), strict=True)
        for at in reply
    }


def _give_back(store: Store, given: Sequence[tuple[Spot, bytes, bytes]]) -> int:
    by_shard: dict[int, tuple[list[str], list[Value]]] = defaultdict(lambda: ([], []))
    for (shard, key, field), campaign, attempt in given:
        keys, args = by_shard[shard]
        keys.append(key)
        args += (field, campaign, attempt)
    return sum(trip(store, [ScriptCall("give_back", keys, args) for keys, args in by_shard.values()]))


def _crc(text: str) -> bytes:
    return crc16(text).to_bytes(2, "big")
