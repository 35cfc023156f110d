"""Erasures that are under way: whom, how far, and what goes on record when they are done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from msgspec import Meta

from compliance.numbers import E164
from dialer.store.base.connection import Store, trip
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import Digits, Time, packed, read, text_of


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


class _Kept(msgspec.Struct, frozen=True):
    """An erasure as it is kept under its id; `asked` is empty where it was not asked for by number."""

    at: Time
    who: str
    reason: str
    asked: Annotated[str, Meta(pattern=r"^(\+[1-9][0-9]{5,14})?\Z")]
    numbers: tuple[Digits, ...]
    customer: str
    also_history: bool
    leads: tuple[tuple[str, str], ...]
    since: Time
    done: dict[str, int]
    complete: bool


def save(store: Store, erasure: Erasure) -> None:
    """Write down how far an erasure is. It is there, with the numbers, until it is on record."""
    body = {
        **{name: getattr(erasure, name) for name in _Kept.__struct_fields__},
        "asked": erasure.asked.clear if erasure.asked else "",
        "numbers": [number.clear for number in erasure.numbers],
        "done": dict(erasure.done),
    }
    trip(store, [("HSET", store.keys.erasures(), erasure.id, packed(body))])


def waiting(store: Store) -> tuple[Erasure, ...]:
    """Erasures that are not on record yet and can be read, the oldest first."""
    return readable(store)[0]


def readable(store: Store) -> tuple[tuple[Erasure, ...], tuple[str, ...]]:
    """The same, and why others cannot be read: one that another release wrote must not keep the rest waiting."""
    flat = trip(store, [("HGETALL", store.keys.erasures())])[0]
    erasures: list[Erasure] = []
    faults: list[str] = []
    for name, raw in zip(flat[::2], flat[1::2], strict=True):
        try:
            erasures.append(_erasure(text_of(name), raw))
        except Undecodable as error:
            faults.append(str(error))
    return tuple(sorted(erasures, key=lambda erasure: erasure.at)), tuple(faults)


def _erasure(name: str, raw: bytes) -> Erasure:
    kept = read(_Kept, raw, f"erasure {name}")
    return Erasure(
        **{field: getattr(kept, field) for field in kept.__struct_fields__ if field not in ("asked", "numbers")},
        id=name,
        asked=E164(kept.asked) if kept.asked else None,
        numbers=tuple(E164(number) for number in kept.numbers),
    )


def forget(store: Store, erasure: Erasure) -> None:
    """It is done and on record."""
    trip(store, [("HDEL", store.keys.erasures(), erasure.id)])
