"""Registered readers of the CRM's events: what they have not read stays."""

from __future__ import annotations

from typing import Any

import pytest

from compliance.numbers import masked_text
from dialer.store.base.connection import Store, trip
from dialer.store.base.streams import entries_of
from dialer.store.crm import readers
from dialer.store.crm.event_settings import EventSettings
from dialer.store.crm.readers import Reader, ReaderError
from dialer.store.settlement.outbox import CrmEvent, publish
from tests.store.conftest import NOW

SMALL = EventSettings(kept=1_000, limit=4_000)


def announce(store: Store, count: int, first: int = 0) -> None:
    """So many dispositions."""
    for i in range(first, first + count, 500):
        publish(store, [CrmEvent("disposition", f"A{k}", "spring", NOW, {}) for k in range(i, i + 500)])


def length(store: Store) -> int:
    return int(trip(store, [("XLEN", store.keys.crm_out())])[0])


def take(store: Store, reader: str, count: int, *, acknowledge: bool = True) -> list[str]:
    """Read as a CRM does; the ids of the attempts."""
    stream = store.keys.crm_out()
    reply = trip(store, [("XREADGROUP", "GROUP", reader, "me", "COUNT", count, "STREAMS", stream, ">")])[0]
    entries = entries_of(reply[0][1]) if reply else ()
    if entries and acknowledge:
        trip(store, [("XACK", stream, reader, *(entry.id for entry in entries))])
    return [entry.fields[b"id"].decode() for entry in entries]


def look(store: Store, settings: EventSettings = SMALL, rounds: int = 3) -> tuple[Reader, ...]:
    standing: tuple[Reader, ...] = ()
    for _ in range(rounds):
        standing = readers.look_after(store, settings)
    return standing


def test_what_a_reader_has_not_read_stays(store: Store) -> None:
    """However much came after it; read events go, down to the newest ones."""
    readers.register(store, "billing", who="test", now=NOW)
    announce(store, 3_000)

    look(store)
    assert length(store) == 3_000
    assert len(take(store, "billing", 2_500)) == 2_500
    (reader,) = look(store)

    assert reader.unread == 500
    assert 1_000 <= length(store) < 1_200
    assert take(store, "billing", 1)[0] == "A2500"


def test_what_was_read_and_not_acknowledged_stays(store: Store) -> None:
    """A reader that crashes with events in its hands finds them again."""
    readers.register(store, "billing", who="test", now=NOW)
    announce(store, 3_000)
    take(store, "billing", 100, acknowledge=False)
    take(store, "billing", 2_900)

    (reader,) = look(store)

    assert (reader.unread, length(store)) == (100, 3_000)


def test_the_slowest_reader_decides(store: Store) -> None:
    """One of two that has read everything lets nothing go that the other has to read yet."""
    for name in ("fast", "slow"):
        readers.register(store, name, who="test", now=NOW)
    announce(store, 3_000)
    take(store, "fast", 3_000)

    assert [reader.unread for reader in look(store)] == [0, 3_000]
    assert length(store) == 3_000


def test_a_reader_that_stays_away_is_an_alarm_long_before_it_loses_anything(store: Store) -> None:
    """At a tenth of the limit; at the limit the oldest events go, and how many is said."""
    readers.register(store, "billing", who="test", now=NOW)
    announce(store, 500)
    (reader,) = look(store)
    now = reader.oldest_at or 0.0
    early = reader.trouble(SMALL, now)
    announce(store, 9_500, first=500)
    (lost,) = look(store)

    assert "500 events unread" in early
    assert 4_000 <= length(store) < 4_200
    assert lost.lost == 10_000 - length(store)
    assert f"{lost.lost:,} events went before it read them" in lost.trouble(SMALL, now)


def test_a_reader_that_is_late_is_an_alarm(store: Store) -> None:
    """Also with little to read: somebody waits for it."""
    readers.register(store, "billing", who="test", now=NOW)
    announce(store, 500)
    (reader,) = look(store, EventSettings())
    at = reader.oldest_at or 0.0

    assert reader.trouble(EventSettings(), at + readers.BEHIND_S - 1) == ""
    late = reader.trouble(EventSettings(), at + readers.BEHIND_S)
    assert "500 events unread, the oldest for 15 min;" in late
    assert masked_text(late) == late  # the log shows what the board shows


def test_without_readers_the_newest_stay(store: Store) -> None:
    """As ever."""
    announce(store, 3_000)

    assert look(store) == ()
    assert 1_000 <= length(store) < 1_200


def test_a_group_that_is_there_keeps_its_place(store: Store) -> None:
    """Whoever has read for years registers without hearing everything again."""
    announce(store, 500)
    trip(store, [("XGROUP", "CREATE", store.keys.crm_out(), "crm", "0")])
    take(store, "crm", 300)

    assert readers.register(store, "crm", who="test", now=NOW) is False
    assert readers.listing(store)[0].unread == 200


@pytest.mark.parametrize(("oldest", "unread"), [(False, 0), (True, 500)])
def test_a_new_reader_begins_where_it_is_told(store: Store, oldest: bool, unread: int) -> None:
    """With what comes, or with the oldest event."""
    announce(store, 500)

    assert readers.register(store, "billing", who="test", now=NOW, oldest=oldest) is True
    assert readers.listing(store)[0].unread == unread


def test_a_group_that_somebody_deleted_is_an_alarm(store: Store) -> None:
    """Nobody knows any more what the reader has read: everything stays."""
    readers.register(store, "billing", who="test", now=NOW)
    announce(store, 3_000)
    trip(store, [("XGROUP", "DESTROY", store.keys.crm_out(), "billing")])

    (reader,) = look(store)

    assert (reader.group_gone, length(store)) == (True, 3_000)
    assert "dialer crm register billing" in reader.trouble(SMALL, NOW)


def test_a_reader_is_registered_before_anything_happened(store: Store) -> None:
    """There is no stream yet; nothing is unread, and nothing is missed."""
    readers.register(store, "billing", who="test", now=NOW)

    assert look(store)[0].unread == 0
    announce(store, 500)
    assert take(store, "billing", 1) == ["A0"]


def test_a_reader_that_left_holds_nothing_back(store: Store) -> None:
    """Nor is it one any more; another unregistering is refused."""
    readers.register(store, "billing", who="test", now=NOW)
    announce(store, 3_000)
    readers.unregister(store, "billing")

    assert look(store) == ()
    assert length(store) < 1_200
    with pytest.raises(ReaderError, match="there is no reader 'billing'; registered: none"):
        readers.unregister(store, "billing")


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "名"])
def test_a_bad_name_is_refused(store: Store, name: str) -> None:
    """A reader's name goes onto boards and into metrics."""
    with pytest.raises(ReaderError, match="is no reader's name"):
        readers.register(store, name, who="test", now=NOW)


def test_there_is_a_most_of_readers(store: Store) -> None:
    """Each of them may hold a whole stream back."""
    for i in range(readers.MOST_READERS):
        readers.register(store, f"r{i}", who="test", now=NOW)

    readers.register(store, "r0", who="test", now=NOW)
    with pytest.raises(ReaderError, match="there are 32 readers already"):
        readers.register(store, "one-more", who="test", now=NOW)


@pytest.mark.parametrize("row", [b"", b"\xc1", b"\x93\x01\x02\x03"])
def test_a_row_that_cannot_be_read_is_a_reader_all_the_same(store: Store, row: bytes) -> None:
    """What it has to read stays."""
    readers.register(store, "billing", who="test", now=NOW)
    trip(store, [("HSET", store.keys.crm_readers(), "billing", row)])
    announce(store, 3_000)

    assert [reader.name for reader in look(store)] == ["billing"]
    assert length(store) == 3_000


def test_deleting_in_the_middle_does_not_hide_what_is_unread(store: Store) -> None:
    """After an erasure the server cannot count exactly any more; it is not taken for nothing."""
    readers.register(store, "billing", who="test", now=NOW)
    announce(store, 1_000)
    take(store, "billing", 100)
    entries: Any = entries_of(trip(store, [("XRANGE", store.keys.crm_out(), "-", "+")])[0])
    trip(store, [("XDEL", store.keys.crm_out(), entries[500].id)])

    (reader,) = look(store)

    assert reader.unread >= 899
    assert not reader.lost
