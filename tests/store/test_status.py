"""Host status and campaign counters."""

from __future__ import annotations

import pytest

from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import StoreError
from dialer.store.operators import status
from tests.store.conftest import NOW, Floor, number


def test_a_status_is_read_until_it_lapses(store: Store) -> None:
    """By host; a silent host is forgotten."""
    status.publish(store, "b", {"calls": 3}, now=NOW, ttl=60)
    status.publish(store, "a", {"calls": 1}, now=NOW, ttl=60)
    assert [(one.host, one.at, one.snapshot) for one in status.read(store)] == [
        ("a", NOW, {"calls": 1}),
        ("b", NOW, {"calls": 3}),
    ]

    trip(store, [("DEL", store.keys.status("a"))])

    assert [one.host for one in status.read(store)] == ["b"]
    assert trip(store, [("SMEMBERS", store.keys.hosts())]) == [[b"b"]]


def test_a_status_is_plain_data(store: Store) -> None:
    """Anything else is the caller's mistake."""
    with pytest.raises(StoreError, match="msgpack cannot carry"):
        status.publish(store, "a", {"x": object()}, now=NOW, ttl=1)


def test_counters_add_up(floor: Floor) -> None:
    """Every lead is in exactly one place."""
    floor.fill(10)
    floor.add({"lead_id": "later", "phone": number(50).clear, "not_before": NOW + 60}, {"lead_id": "bad"})
    floor.take_in()
    floor.add({"lead_id": "queued", "phone": number(51).clear})
    floor.dial(2)
    floor.lease(3)

    now, then = status.counts(floor.store, floor.name, NOW), status.counts(floor.store, floor.name, NOW + 60)

    assert (now.queued, now.due, now.waiting, now.leased, now.in_attempt, now.closed) == (1, 5, 1, 3, 2, 0)
    assert (now.accepted, now.rejected) == (11, 1)
    assert (then.due, then.waiting) == (6, 0)
