"""The contact history and its cost."""

from __future__ import annotations

import random

from dialer.store import contacts
from dialer.store.connection import Store, trip
from dialer.store.keys import digits, place
from tests.store.conftest import NOW, number


def test_a_history_is_sorted_and_rounded_up(store: Store) -> None:
    """No cap is passed a fraction of a second early."""
    key = store.keys.history(place(number(1)))
    raw = contacts.packed(NOW + 5.2, "spring", "A2") + contacts.packed(NOW, "spring", "A1")
    trip(store, [("HSET", key, digits(number(1)), raw)])

    assert [one.at for one in contacts.history(store, number(1))] == [NOW, NOW + 6]
    assert contacts.history(store, number(2)) == ()


def test_a_number_with_four_attempts_costs_little_memory(store: Store) -> None:
    """At most 200 bytes of the server's memory, in the hashes as they are spread."""
    chance = random.Random(1)
    numbers = [number(chance.randrange(100_000_000)) for _ in range(20_000)]
    raw = contacts.packed(NOW, "spring", "A") * 4
    before = _used(store)
    trip(store, [("HSET", store.keys.history(place(one)), digits(one), raw) for one in numbers])

    assert 30 < (_used(store) - before) / len(numbers) < 200


def _used(store: Store) -> int:
    lines = trip(store, [("INFO", "memory")])[0].decode().splitlines()
    return int(next(line for line in lines if line.startswith("used_memory:")).split(":")[1])
