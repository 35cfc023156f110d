"""Reading streams: by cursor, where every host reads everything, and by consumer group, where one host does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dialer.store.base.connection import Store, block_limit_ms, trip
from dialer.store.base.errors import StoreError

GROUP: Final = "dialer"
"""The consumer group in which the daemons of one installation share streams."""

IDLE_MS: Final = 60_000
"""An entry that a consumer has held this long without an answer is taken over: its consumer is dead or stuck."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One stream entry."""

    id: str
    fields: dict[bytes, bytes]


def entries_of(reply: Sequence[Any] | None) -> tuple[Entry, ...]:
    """Entries of an XRANGE-like reply; those deleted meanwhile are left out."""
    return tuple(
        Entry(entry[0].decode(), dict(zip(entry[1][::2], entry[1][1::2], strict=True)))
        for entry in reply or ()
        if entry is not None and entry[1] is not None
    )


def read_after(store: Store, stream: str, cursor: str, count: int, block_ms: int) -> tuple[tuple[Entry, ...], str]:
    """Entries after `cursor` and the next cursor. "$" begins with what comes from now on, "0" with the oldest.

    The cursor that comes back is always an entry's id, so nothing falls between two calls.
    """
    if cursor == "$":
        newest = trip(store, [("XREVRANGE", stream, "+", "-", "COUNT", 1)])[0]
        cursor = newest[0][0].decode() if newest else "0-0"
    block = ("BLOCK", block_limit_ms(store, block_ms)) if block_ms > 0 else ()
    reply = trip(store, [("XREAD", "COUNT", count, *block, "STREAMS", stream, cursor)])[0]
    entries = entries_of(reply[0][1]) if reply else ()
    return entries, entries[-1].id if entries else cursor


def read_group(store: Store, stream: str, consumer: str, count: int, block_ms: int = 0) -> tuple[Entry, ...]:
    """New entries for this consumer, preceded by those that a dead consumer left. At most `count` of each."""
    try:
        return _read_group(store, stream, consumer, count, block_ms)
    except StoreError as error:
        if "NOGROUP" not in str(error):
            raise
    try:
        trip(store, [("XGROUP", "CREATE", stream, GROUP, "0", "MKSTREAM")])
    except StoreError as error:
        if "BUSYGROUP" not in str(error):
            raise
    return _read_group(store, stream, consumer, count, block_ms)


def _read_group(store: Store, stream: str, consumer: str, count: int, block_ms: int) -> tuple[Entry, ...]:
    block = ("BLOCK", block_limit_ms(store, block_ms)) if block_ms > 0 else ()
    claimed, new = trip(
        store,
        [
            ("XAUTOCLAIM", stream, GROUP, consumer, IDLE_MS, "0-0", "COUNT", count),
            ("XREADGROUP", "GROUP", GROUP, consumer, "COUNT", count, *block, "STREAMS", stream, ">"),
        ],
    )
    return entries_of(claimed[1]) + (entries_of(new[0][1]) if new else ())
