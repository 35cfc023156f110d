"""Erasures that are under way: whom, how far, and what goes on record when they are done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgpack

from compliance.numbers import E164
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import StoreError


@dataclass(frozen=True, slots=True)
class Erasure:
    """One person to be erased, by the number that is `asked` for or by `customer`. `numbers` are all that are known of
    them, `leads` are (campaign, lead id) that are left to be deleted, `done` counts what was.

    `at` and `since` are seconds since the epoch; events before `since` cannot be of these leads. `complete` is false
    while whoever asked for it is still at work.
    """

    id: str
    at: float
    who: str
    reason: str
    asked: E164 | None
    customer: str = ""
    numbers: tuple[E164, ...] = ()
    also_history: bool = False
    leads: tuple[tuple[str, str], ...] = ()
    since: float = 0.0
    done: Mapping[str, int] = field(default_factory=dict)
    complete: bool = False


def save(store: Store, erasure: Erasure) -> None:
    """Write down how far an erasure is. It is there, with the numbers, until it is on record."""
    body = {
        "at": erasure.at,
        "who": erasure.who,
        "reason": erasure.reason,
        "asked": erasure.asked.clear if erasure.asked else "",
        "numbers": [number.clear for number in erasure.numbers],
        "customer": erasure.customer,
        "also_history": erasure.also_history,
        "leads": [list(lead) for lead in erasure.leads],
        "since": erasure.since,
        "done": dict(erasure.done),
        "complete": erasure.complete,
    }
    trip(store, [("HSET", store.keys.erasures(), erasure.id, bytes(msgpack.packb(body)))])


def waiting(store: Store) -> tuple[Erasure, ...]:
    """Erasures that are not on record yet and can be read, the oldest first."""
    return readable(store)[0]


def readable(store: Store) -> tuple[tuple[Erasure, ...], tuple[str, ...]]:
    """The same, and why others cannot be read: one that another release wrote must not keep the rest waiting."""
    flat = trip(store, [("HGETALL", store.keys.erasures())])[0]
    found: list[Erasure] = []
    faults: list[str] = []
    for name, raw in zip(flat[::2], flat[1::2], strict=True):
        try:
            found.append(_read_back(name.decode(), raw))
        except StoreError as error:
            faults.append(str(error))
    return tuple(sorted(found, key=lambda one: one.at)), tuple(faults)


def _read_back(name: str, raw: bytes) -> Erasure:
    try:
        body: dict[str, Any] = msgpack.unpackb(raw)
        body["asked"] = E164(body["asked"]) if body["asked"] else None
        body["numbers"] = tuple(E164(number) for number in body["numbers"])
        body["leads"] = tuple((campaign, lead_id) for campaign, lead_id in body["leads"])
        return Erasure(id=name, **body)
    except (ValueError, TypeError, KeyError, msgpack.UnpackException) as error:
        raise StoreError(f"erasure {name} cannot be read: {type(error).__name__}") from error


def forget(store: Store, erasure: Erasure) -> None:
    """It is done and on record."""
    trip(store, [("HDEL", store.keys.erasures(), erasure.id)])
