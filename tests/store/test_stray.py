"""Leads that nobody takes in are found."""

from __future__ import annotations

import pytest

from dialer.store.base.connection import trip
from dialer.store.base.errors import UnknownCampaign
from dialer.store.leads import stray
from dialer.store.leads.stray import Stray
from tests.store.conftest import NOW, Floor, number


def put(floor: Floor, key: str, count: int = 1) -> None:
    """Leads as a CRM adds them, under some key."""
    for i in range(count):
        body = f'{{"lead_id": "S{i}", "phone": "{number(i).clear}"}}'
        trip(floor.store, [("XADD", key, f"{int(NOW * 1000)}-{i}", "json", body)])


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("dialer:spring:leads", Stray("dialer:spring:leads", "spring", "spring", 2, NOW)),
        ("dialer:{sprng}:leads", Stray("dialer:{sprng}:leads", "sprng", "spring", 2, NOW)),
        ("dialer:{other}:leads", Stray("dialer:{other}:leads", "other", "", 2, NOW)),
        ("dialer:{spring:leads", Stray("dialer:{spring:leads", "spring", "spring", 2, NOW)),
    ],
)
def test_leads_that_nobody_reads_are_found(floor: Floor, key: str, found: Stray) -> None:
    """With what the key should have been; those of a campaign are not among them."""
    floor.fill(1)
    floor.add({"lead_id": "L9", "phone": number(9).clear})
    put(floor, key, 2)

    assert list(stray.all_of(floor.store)) == [found]


def test_an_emptied_stream_is_none(floor: Floor) -> None:
    """Nothing waits there."""
    put(floor, "dialer:{other}:leads")
    trip(floor.store, [("XTRIM", "dialer:{other}:leads", "MAXLEN", 0)])

    assert list(stray.all_of(floor.store)) == []


def test_they_are_found_among_many_keys(floor: Floor) -> None:
    """A few names at a time."""
    trip(floor.store, [("SET", f"dialer:x:{i}", "1") for i in range(3 * stray.KEYS_AT_ONCE)])
    put(floor, "dialer:spring:leads")
    _, cursors = stray.scan(floor.store)

    assert cursors
    assert [row.key for row in stray.all_of(floor.store)] == ["dialer:spring:leads"]


def test_they_are_moved_to_a_campaign(floor: Floor) -> None:
    """Which takes them in."""
    put(floor, "dialer:spring:leads", 3)

    assert stray.move(floor.store, "dialer:spring:leads", "spring") == 3
    assert floor.take_in().accepted == 3
    assert list(stray.all_of(floor.store)) == []
    with pytest.raises(UnknownCampaign):
        stray.move(floor.store, "dialer:spring:leads", "nowhere")


def test_the_event_names_the_same_leads_once(floor: Floor) -> None:
    """Every daemon finds them; for the CRM it is one event. A number in a key is masked."""
    put(floor, "dialer:{13812345678}:leads")
    (row,) = stray.all_of(floor.store)

    assert row.event(NOW).id == row.event(NOW + 60).id
    assert "12345678" not in repr(row.event(NOW))
