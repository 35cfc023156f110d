"""The no-call list: numbers, prefixes, customers and accounts that are not to be called, for all campaigns or for one.

Exact blocks are spread over the contact tags, next to the histories of whom they are about; prefixes are one small hash
that every daemon keeps in memory. A change is seen by the very next reservation: lua/reserve.lua compares the blocks,
and the generation of the prefixes, with what a lead was judged by.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import msgspec

from compliance.blocks import CALLEE_SOURCES, BadBlock, Block, BlockKind, PrefixTable, Target
from compliance.numbers import masked_text
from dialer.store.base.connection import Command, ScriptCall, Store, Value, trip
from dialer.store.base.errors import StoreError
from dialer.store.base.fields import Undecodable
from dialer.store.base.keys import SHARDS, block_field, named_here, scoped, shard_of, subject_field
from dialer.store.base.records import Time, packed, read, whole_of
from dialer.store.operators import control

__all__ = [
    "Block",
    "BlockKind",
    "Change",
    "Prefixes",
    "Target",
    "Unblock",
    "add",
    "block_of",
    "change",
    "check",
    "expire",
    "page",
]

_CALLEES: Final = packed(sorted(CALLEE_SOURCES))

UNREADABLE: Final = "unreadable"
"""The source of a block of which no more is known than whom it is on."""

_CHUNK: Final = 1000
_EXPIRED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The blocked prefixes, and their generation in each contact tag, read before they were: while a tag still has that
    generation, the table is as good as new for the numbers there."""

    table: PrefixTable
    generations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unblock:
    """Somebody may be called again. A block that is newer than `asked_at` (seconds since the epoch) stays: an old wish
    must not undo an opt-out that came after it. None: whatever its age. What the callee asked for stays, too, unless
    the administrator wants it (`by_administrator`)."""

    target: Target
    asked_at: float | None = None
    by_administrator: bool = False


class Change(IntEnum):
    """What one change came to, as lua/block.lua and lua/unblock.lua say it."""

    NOTHING = 0  # had been blocked; or was not
    DONE = 1
    NEWER = 2  # an unblock that came too late
    CALLEES = 3  # an unblock of what the callee asked for, which only the administrator may take away


def add(store: Store, blocks: Sequence[Block]) -> int:
    """Block, a thousand in a round trip; returns how many were not blocked before in that scope.

    A block that is there and holds longer stays as it is: a block is never shortened but by removing it first.
    """
    chunks = (blocks[i : i + _CHUNK] for i in range(0, len(blocks), _CHUNK))
    return sum(change(store, chunk, now=chunk[0].at).count(Change.DONE) for chunk in chunks)


def remove(store: Store, targets: Sequence[Target], *, who: str, now: float) -> int:
    """Unblock as the administrator, each in its scope; returns how many had been blocked. Written into the audit trail,
    masked."""
    answers = change(store, [Unblock(target, by_administrator=True) for target in targets], now=now)
    gone = [target for target, answer in zip(targets, answers, strict=True) if answer is Change.DONE]
    lines: list[Command | ScriptCall] = [
        control.audit_line(store, "unblock", who, now, audited(target)) for target in gone
    ]
    trip(store, lines)
    return len(gone)


def change(store: Store, changes: Sequence[Block | Unblock], *, now: float) -> list[Change]:
    """Carry out changes in order and in one round trip, two where a prefix is among them. `now` is for the unblocking:
    one that has ended had not been blocked."""
    done = [Change(reply) for reply in trip(store, [_change_call(store, requested, now) for requested in changes])]
    if any(requested.target.kind is BlockKind.PREFIX for requested in changes):
        # After the change: whoever has read the generation before it has read old prefixes, and will see that.
        trip(store, [("INCR", store.keys.prefix_generation(shard)) for shard in range(SHARDS)])
    return done


def audited(target: Target) -> dict[str, str]:
    """A target for the audit trail, masked."""
    return {target.kind.value: target.shown, "campaign": target.campaign}


def check(store: Store, target: Target, campaigns: Sequence[str] = (), *, now: float) -> tuple[Block, ...]:
    """The blocks on somebody that hold at `now`: for all campaigns, and for each of `campaigns`. Of a number or a
    prefix also those on the prefixes that it begins with."""
    blocks: list[Block] = []
    if target.subject is not None:
        field = subject_field(target.subject)
        fields = [block_field(field, scoped(store.keys, name)) for name in ("", *campaigns)]
        raws = trip(store, [("HMGET", store.keys.blocked(shard_of(field)), *fields)])[0]
        blocks += _blocks(store, zip((name.encode() for name in fields), raws, strict=True))
    if target.kind in (BlockKind.NUMBER, BlockKind.PREFIX):
        blocks += [block for block in prefixes(store).table.on(target.value) if block.campaign in ("", *campaigns)]
    return tuple(block for block in blocks if block.holds(now))


def prefixes(store: Store) -> Prefixes:
    """The blocked prefixes, in two round trips. Keep them until a tag has another generation."""
    generations = trip(store, [("GET", store.keys.prefix_generation(shard)) for shard in range(SHARDS)])
    flat = trip(store, [("HGETALL", store.keys.prefixes())])[0]  # after them: never older than they are
    blocks = _blocks(store, zip(flat[::2], flat[1::2], strict=True), prefix=True)
    return Prefixes(PrefixTable(blocks), tuple(whole_of(raw, 0) for raw in generations))


def page(store: Store, cursor: str = "", count: int = 100) -> tuple[tuple[Block, ...], str]:
    """About `count` blocks, also those that have ended and were not forgotten yet, and the cursor for the next call; an
    empty cursor says that was all. The prefixes come last."""
    shard, _, position = (cursor or "0:0").partition(":")
    if not (shard.isdecimal() and position.isdecimal() and int(shard) <= SHARDS):
        raise StoreError(f"{cursor!r} is not a cursor of the blocklist")
    at, where = int(shard), position
    blocks: list[Block] = []
    while at <= SHARDS and len(blocks) < count:
        key = store.keys.blocked(at) if at < SHARDS else store.keys.prefixes()
        after, flat = trip(store, [("HSCAN", key, where, "COUNT", count)])[0]
        rows = zip(flat[::2], flat[1::2], strict=True)
        blocks += _blocks(store, rows, prefix=at == SHARDS)
        where = after.decode()
        if where == "0":
            at += 1
    return tuple(blocks), f"{at}:{where}" if at <= SHARDS else ""


def expire(store: Store, *, who: str, now: float) -> int:
    """Forget blocks that have ended, at most 500 of each contact tag and of the prefixes; how many went into the audit
    trail. That they are still there does no harm, so nothing need be done in time."""
    keys = store.keys
    groups = [[keys.blocked(shard), keys.block_ends(shard)] for shard in range(SHARDS)] + [[keys.prefixes()]]
    gone: int = sum(trip(store, [ScriptCall("expire_blocks", group, [now, _EXPIRED_AT_ONCE]) for group in groups]))
    if gone:
        control.audit(store, "blocks_expired", who=who, now=now, detail={"blocks": gone})
    return gone


def _blocks(store: Store, rows: Iterable[tuple[bytes, bytes | None]], *, prefix: bool = False) -> list[Block]:
    blocks = (block_of(field, raw, prefix=prefix) for field, raw in rows if raw is not None)
    return [
        replace(block, campaign=named_here(store.keys, block.campaign)) if block.campaign else block
        for block in blocks
        if block is not None
    ]


def block_of(field: bytes, raw: bytes, *, prefix: bool = False) -> Block | None:
    """A block as it stands in its hash. One that cannot be read is taken for one for good: somebody is meant not to be
    called. None where the field names nobody, and so can keep nobody from being called."""
    try:
        kind, value, campaign = _read_field(field.decode(), prefix)
        target = Target(kind, value, campaign)
    except (BadBlock, KeyError, UnicodeDecodeError):
        return None
    try:
        body = read(_Body, raw, "a block")
        return target.block(source=body.source, reason=body.reason, who=body.who, at=body.at, until=body.until)
    except (BadBlock, Undecodable):
        return target.block(source=UNREADABLE, reason="this entry cannot be read", who=UNREADABLE, at=0.0)


class _Body(msgspec.Struct, frozen=True):
    source: str
    reason: str
    who: str
    at: Time
    until: Time | None = None


def _read_field(field: str, prefix: bool) -> tuple[BlockKind, str, str]:
    """Kind, value and campaign; the opposite of `block_field` and `subject_field`."""
    head, at, rest = field.partition("@")
    campaign, field = (head, rest) if at and ":" not in head else ("", field)
    if prefix:
        return BlockKind.PREFIX, field, campaign
    letter, colon, name = field.partition(":")
    if not colon:
        return BlockKind.NUMBER, field, campaign
    return {"c": BlockKind.CUSTOMER, "a": BlockKind.ACCOUNT}[letter], name, campaign


def _change_call(store: Store, requested: Block | Unblock, now: float) -> ScriptCall:
    target = requested.target
    subject, keys = target.subject, store.keys
    if subject is None:
        named, field = [keys.prefixes()], target.value
    else:
        field = subject_field(subject)
        named = [keys.blocked(shard_of(field)), keys.block_ends(shard_of(field))]
    field = block_field(field, scoped(keys, target.campaign))
    if isinstance(requested, Unblock):
        asked_at: Value = "" if requested.asked_at is None else requested.asked_at
        return ScriptCall("unblock", named, [now, field, asked_at, "" if requested.by_administrator else _CALLEES])
    body = _Body(
        masked_text(requested.source), requested.reason, masked_text(requested.who), requested.at, requested.until
    )
    until: Value = "" if requested.until is None else requested.until
    yields_to = "" if requested.asked_by_callee else _CALLEES
    return ScriptCall("block", named, [requested.at, field, packed(body), until, yields_to])
