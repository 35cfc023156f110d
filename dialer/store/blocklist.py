"""Numbers that are not to be called. A block is seen by the very next reservation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgpack

from compliance.numbers import E164
from dialer.store import control
from dialer.store.connection import Command, Store, trip
from dialer.store.errors import StoreError
from dialer.store.keys import SHARDS, digits, place

_CHUNK: Final = 1000


@dataclass(frozen=True, slots=True)
class Block:
    """Why a number is blocked. `campaign` empty: for all campaigns of the tenant. `at` is seconds since the epoch."""

    number: E164
    campaign: str
    source: str
    reason: str
    who: str
    at: float


def add(store: Store, blocks: Sequence[Block]) -> int:
    """Block numbers, a thousand in a round trip; returns how many were not blocked before in that scope."""
    chunks = (blocks[i : i + _CHUNK] for i in range(0, len(blocks), _CHUNK))
    return sum(sum(trip(store, [command(store, block) for block in chunk])) for chunk in chunks)


def command(store: Store, block: Block) -> Command:
    """The command that blocks a number; its reply is 1 where it was not blocked before."""
    body = {
        "campaign": block.campaign,
        "source": block.source,
        "reason": block.reason,
        "who": block.who,
        "at": block.at,
    }
    return ("HSET", _key(store, block.number), _field(block.number, block.campaign), bytes(msgpack.packb(body)))


def remove(store: Store, numbers: Sequence[E164], *, campaign: str = "", who: str, now: float) -> int:
    """Unblock numbers in one scope; returns how many had been blocked. Written into the audit trail, masked."""
    gone = trip(store, [removal(store, number, campaign) for number in numbers])
    trip(
        store,
        [
            control.audit_line(store, "unblock", who, now, {"number": str(number), "campaign": campaign})
            for number, was in zip(numbers, gone, strict=True)
            if was
        ],
    )
    return sum(gone)


def removal(store: Store, number: E164, campaign: str) -> Command:
    """The command that unblocks a number; its reply is 1 where it was blocked."""
    return ("HDEL", _key(store, number), _field(number, campaign))


def check(store: Store, number: E164, campaigns: Sequence[str] = ()) -> tuple[Block, ...]:
    """The blocks on a number: for all campaigns, and for each of `campaigns`."""
    fields = [_field(number, name) for name in ("", *campaigns)]
    found = trip(store, [("HMGET", _key(store, number), *fields)])[0]
    return tuple(_block(field.encode(), raw) for field, raw in zip(fields, found, strict=True) if raw is not None)


def page(store: Store, cursor: str = "", count: int = 100) -> tuple[tuple[Block, ...], str]:
    """About `count` blocks and the cursor for the next call; an empty cursor says that was all."""
    shard, _, position = (cursor or "0:0").partition(":")
    if not (shard.isdecimal() and position.isdecimal() and int(shard) < SHARDS):
        raise StoreError(f"{cursor!r} is not a cursor of the blocklist")
    at, where = int(shard), position
    blocks: list[Block] = []
    while at < SHARDS and len(blocks) < count:
        after, flat = trip(store, [("HSCAN", store.keys.blocked(at), where, "COUNT", count)])[0]
        blocks += [_block(field, raw) for field, raw in zip(flat[::2], flat[1::2], strict=True)]
        where = after.decode()
        if where == "0":
            at += 1
    return tuple(blocks), f"{at}:{where}" if at < SHARDS else ""


def _key(store: Store, number: E164) -> str:
    return store.keys.blocked(place(number).shard)


def _field(number: E164, campaign: str) -> str:
    return f"{digits(number)}@{campaign}" if campaign else digits(number)


def _block(field: bytes, raw: bytes) -> Block:
    number, _, campaign = field.decode().partition("@")
    body: dict[str, Any] = msgpack.unpackb(raw)
    return Block(E164(f"+{number}"), campaign, body["source"], body["reason"], body["who"], body["at"])
