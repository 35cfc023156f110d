"""What Redis has of recordings, which themselves are on the disks of hosts: who was erased, what left the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from compliance.numbers import E164
from dialer.store.base.connection import Store, trip
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import Digits, Time, packed, read
from dialer.store.base.streams import read_after
from dialer.store.privacy.erasures import Erasure

ERASED_KEPT: Final = 10_000
"""Persons whom a host that was away still hears of when it comes back."""

HANDED_KEPT: Final = 100_000
BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Erased:
    """A person of whom nothing that was recorded before `at` (seconds since the epoch) may stay."""

    id: str
    at: float
    numbers: tuple[E164, ...]
    customer: str


class _Kept(msgspec.Struct, frozen=True):
    at: Time
    numbers: tuple[Digits, ...]
    customer: str


def tell_hosts(store: Store, erasure: Erasure) -> None:
    """Have every host delete what it recorded of a person. Doing it twice does no harm."""
    body = {
        "at": erasure.at,
        "numbers": [number.clear for number in erasure.numbers],
        "customer": erasure.customer,
    }
    entry = ("XADD", store.keys.recordings_erased(), "MAXLEN", "~", ERASED_KEPT, "*")
    trip(store, [(*entry, "id", erasure.id, "person", packed(body))])


def erased_after(store: Store, cursor: str) -> tuple[tuple[Erased, ...], str]:
    """Persons erased after `cursor` ("0": from the oldest that is kept), and the next cursor. An entry that cannot be
    read is left out: another release wrote it."""
    entries, after = read_after(store, store.keys.recordings_erased(), cursor, BATCH, 0)
    persons = []
    for entry in entries:
        try:
            kept = read(_Kept, entry.fields.get(b"person", b""), "an erased person")
        except Undecodable:
            continue
        name = entry.fields.get(b"id", b"").decode(errors="replace")
        persons.append(Erased(name, kept.at, tuple(E164(number) for number in kept.numbers), kept.customer))
    return tuple(persons), after


def hand_over(
    store: Store, what: str, attempts: Sequence[str], *, who: str, now: float, detail: Mapping[str, Any]
) -> None:
    """Note that recordings leave the house, or are destroyed, before they do. Only the administrator may: the server
    refuses everybody else. Raises `StoreError`."""
    body = {"what": what, "attempts": list(attempts), "who": who, "user": store.user, "at": now, **detail}
    trip(store, [("XADD", store.keys.recordings_handed(), "MAXLEN", "~", HANDED_KEPT, "*", "handed", packed(body))])
