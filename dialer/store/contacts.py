"""The contact history: when a number was attempted, over all campaigns.

Of an attempt eight bytes are kept: its time and two check sums that find it again when it is given back. They live
in many small hashes (see `keys.BUCKETS`), which the server packs densely.
"""

from __future__ import annotations

import math
import struct
from binascii import crc_hqx
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from compliance.numbers import E164
from dialer.store.connection import ScriptCall, Store, Value, trip
from dialer.store.keys import digits, place

ATTEMPTS_KEPT: Final = 2500
"""Attempts kept of one number, the newest: more than twice the largest limit that a cap can have (1,000)."""

_ATTEMPT: Final = struct.Struct(">IHH")


@dataclass(frozen=True, slots=True)
class Contact:
    """One attempt as the history keeps it: seconds since the epoch, rounded up so that no cap is passed early, and
    the CRC-16 of the campaign's name and of the attempt id."""

    at: int
    campaign_crc: int
    attempt_crc: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """An attempt that was counted against the caps."""

    number: E164
    campaign: str
    attempt: str


def crc16(text: str) -> int:
    """CRC-16/CCITT, the check sum in the history."""
    return crc_hqx(text.encode(), 0)


def packed(at: float, campaign: str, attempt: str) -> bytes:
    """An attempt's eight bytes."""
    return _ATTEMPT.pack(math.ceil(at), crc16(campaign), crc16(attempt))


def history(store: Store, number: E164) -> tuple[Contact, ...]:
    """All attempts to a number, oldest first."""
    raw = trip(store, [("HGET", store.keys.history(place(number)), digits(number))])[0]
    return unpacked(raw)


def unpacked(raw: bytes | None) -> tuple[Contact, ...]:
    """The attempts of a number as the history keeps them, oldest first."""
    return tuple(sorted((Contact(*fields) for fields in _ATTEMPT.iter_unpack(raw or b"")), key=lambda one: one.at))


def give_back(store: Store, reservations: Sequence[Reservation]) -> int:
    """Uncount attempts that never reached anybody, in one round trip; returns how many were counted until now."""
    by_shard: dict[int, list[Reservation]] = defaultdict(list)
    for one in reservations:
        by_shard[place(one.number).shard].append(one)
    return sum(trip(store, [_give_back_call(store, group) for group in by_shard.values()]))


def _give_back_call(store: Store, group: Sequence[Reservation]) -> ScriptCall:
    keys = [store.keys.history(place(one.number)) for one in group]
    args: list[Value] = []
    for one in group:
        args += [digits(one.number), packed(0, one.campaign, one.attempt)[4:]]
    return ScriptCall("give_back", keys, args)
