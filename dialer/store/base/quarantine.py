"""What stands in our keys and cannot be read: set aside with its reason, so that everything else goes on.

A copy goes into one bounded stream before the field is deleted, and only if it still is what was read. Who mends it
can put it back. Copies may hold clear numbers, as the keys do that they come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dialer.store.base.connection import Command, ScriptCall, Store, trip
from dialer.store.base.streams import entries_of

KEPT: Final = 1_000
COPY_BYTES: Final = 8_192


@dataclass(frozen=True, slots=True)
class Bad:
    """One field of a hash that cannot be read."""

    key: str
    field: bytes
    raw: bytes
    reason: str


def set_aside(store: Store, bad: Sequence[Bad]) -> int:
    """Take fields out of their hashes; returns how many were still there as they were read."""
    if not bad:
        return 0
    copies: list[Command | ScriptCall] = [
        (
            *("XADD", store.keys.quarantine(), "MAXLEN", "~", KEPT, "*"),
            *("key", row.key, "field", row.field, "reason", row.reason, "value", row.raw[:COPY_BYTES]),
        )
        for row in bad
    ]
    trip(store, copies)
    return sum(trip(store, [ScriptCall("forget", [row.key], [row.field, row.raw]) for row in bad]))


def count(store: Store) -> int:
    """How many were ever set aside."""
    if not trip(store, [("EXISTS", store.keys.quarantine())])[0]:
        return 0
    flat = trip(store, [("XINFO", "STREAM", store.keys.quarantine())])[0]
    return int(dict(zip(flat[::2], flat[1::2], strict=True))[b"entries-added"])


def waiting(store: Store) -> int:
    """How many are kept there now."""
    return int(trip(store, [("XLEN", store.keys.quarantine())])[0])


def newest(store: Store, most: int = 100) -> tuple[Bad, ...]:
    """What was set aside last, the newest first."""
    entries = entries_of(trip(store, [("XREVRANGE", store.keys.quarantine(), "+", "-", "COUNT", most)])[0])
    return tuple(
        Bad(
            entry.fields.get(b"key", b"").decode(errors="replace"),
            entry.fields.get(b"field", b""),
            entry.fields.get(b"value", b""),
            entry.fields.get(b"reason", b"").decode(errors="replace"),
        )
        for entry in entries
    )
