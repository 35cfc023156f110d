"""What is known of leads that are to be called: gathered for a whole batch in one round trip, one script for each
contact tag.

What was read is kept beside the facts, because a reservation holds only where the store still says the same
(`contacts.reserve`). Blocked prefixes are one small table in memory; each contact tag says whether it is still good.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from compliance.api import Callee, Per, Refusal
from compliance.blocks import Block, of_number
from compliance.contacts import Contact, unpacked
from compliance.gate import Facts
from compliance.numbers import E164
from dialer.core.model import Lead
from dialer.store.base.connection import ScriptCall, Store, Value, trip
from dialer.store.base.keys import block_field, scoped
from dialer.store.base.records import whole_of
from dialer.store.gate.contacts import Spot, fields_of, spot
from dialer.store.privacy import blocklist
from dialer.store.privacy.blocklist import Prefixes

UNREADABLE_REST_S: Final = 600.0
"""A lead whose history cannot be read is put off so long."""

_PREFIXES: Final = "prefixes"
_NO_CONTACTS: Final[Mapping[Per, tuple[Contact, ...]]] = dict.fromkeys(Per, ())
_NO_BLOCKS: Final[Mapping[int, tuple[bytes, bytes]]] = {}
_PER: Final = {"c": Per.CUSTOMER, "a": Per.ACCOUNT}


class Asked(NamedTuple):
    """One lead that is asked about: who it is, and where in the store what is known of it stands, number first."""

    callee: Callee
    spots: tuple[Spot, ...]
    listed: Refusal | None = None


class Gathered(NamedTuple):
    """The facts of one lead, and what they were read from: the histories of its subjects, and the blocks on them by
    their place among the spots (of the tenant, of the campaign)."""

    facts: Facts
    histories: Sequence[bytes]
    blocks: Mapping[int, tuple[bytes, bytes]]


def callee_of(lead: Lead) -> Callee:
    """Who is to be called, as far as rules ask."""
    return Callee(
        lead.number,
        lead.customer_id,
        lead.account_id,
        lead.timezone,
        lead.region,
        lead.expires_at,
        lead.consent_at,
        lead.consent_until,
    )


def asked_of(store: Store, lead: Lead, listed: Refusal | None = None) -> Asked:
    """A lead that is to be asked about; `listed` is what the national registers say of its number."""
    return Asked(callee_of(lead), tuple([spot(store, field) for field in fields_of(lead)]), listed)


def gather(
    store: Store, campaign: str, asked: Sequence[Asked], now: float, *, agent_held: bool = False
) -> tuple[list[Gathered], Prefixes]:
    """The facts of leads of one campaign, in order, and the prefixes that they were read with.

    A history that cannot be read counts as a block that ends some time after `now`, one of those blocks as one for
    good: nobody may go on as if there were none.
    """
    by_shard: dict[int, tuple[list[tuple[int, int]], list[str], list[Value]]] = {}
    scope = scoped(store.keys, campaign)
    for i, question in enumerate(asked):
        for at, (shard, key, field) in enumerate(question.spots):
            group = by_shard.get(shard)
            if group is None:
                keys = [store.keys.blocked(shard), store.keys.prefix_generation(shard)]
                group = by_shard[shard] = ([], keys, [scope])
            group[0].append((i, at))
            group[1].append(key)
            group[2].append(field)
    replies = trip(store, [ScriptCall("facts", keys, args) for _, keys, args in by_shard.values()])
    prefixes = _prefixes(store, {shard: whole_of(reply[0], 0) for shard, reply in zip(by_shard, replies, strict=True)})
    histories: list[list[bytes]] = [[b""] * len(question.spots) for question in asked]
    blocks_at: dict[int, dict[int, tuple[bytes, bytes]]] = {}
    for (places, _, _), (_, raws, blocked) in zip(by_shard.values(), replies, strict=True):
        for (i, at), raw in zip(places, raws, strict=True):
            histories[i][at] = raw
        for which, tenant, mine in zip(blocked[::3], blocked[1::3], blocked[2::3], strict=True):
            i, at = places[which]
            blocks_at.setdefault(i, {})[at] = (tenant, mine)
    table = prefixes.table
    gathered: list[Gathered] = []
    for i, (callee, spots, listed) in enumerate(asked):
        blocks: Sequence[Block] = table.on(spots[0].field) if table else ()
        exact = blocks_at.get(i)
        if exact:
            blocks = [*blocks, *_blocks(spots, exact, campaign)]
        contacts = _contacts(spots, histories[i])
        if contacts is None:
            contacts = _NO_CONTACTS
            blocks = [*blocks, _unreadable(callee.number, now)]
        facts = Facts(callee, contacts, blocks, listed, agent_held)
        gathered.append(Gathered(facts, histories[i], exact or _NO_BLOCKS))
    return gathered, prefixes


def _contacts(spots: Sequence[Spot], raws: Sequence[bytes]) -> Mapping[Per, tuple[Contact, ...]] | None:
    """The histories by subject; None where one is damaged, which must not count as short."""
    try:
        contacts = {Per.NUMBER: unpacked(raws[0])}
        if len(raws) > 1:
            for where, raw in zip(spots[1:], raws[1:], strict=True):
                contacts[_PER[where.field[0]]] = unpacked(raw)
    except struct.error:
        return None
    return contacts


def _unreadable(number: E164, now: float) -> Block:
    reason = "its contact history cannot be read"
    return of_number(number).block(source="dialer", reason=reason, who="dialer", at=now, until=now + UNREADABLE_REST_S)


def _blocks(spots: Sequence[Spot], blocks_at: Mapping[int, tuple[bytes, bytes]], campaign: str) -> list[Block]:
    blocks = [
        blocklist.block_of(block_field(spots[at].field, name).encode(), raw)
        for at, pair in blocks_at.items()
        for name, raw in zip(("", campaign), pair, strict=True)
        if raw
    ]
    return [block for block in blocks if block is not None]


def _prefixes(store: Store, generations: dict[int, int]) -> Prefixes:
    """The blocked prefixes as they are now; read again where a tag says that they have changed."""
    held = store.kept.get(_PREFIXES)
    if isinstance(held, Prefixes) and all(held.generations[shard] == now for shard, now in generations.items()):
        return held
    fresh = blocklist.prefixes(store)
    store.kept[_PREFIXES] = fresh
    return fresh
