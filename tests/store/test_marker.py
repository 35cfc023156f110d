"""The marker: every host notices a server that has forgotten something, and nobody goes on before it is mended."""

from __future__ import annotations

import pytest

from dialer.disk.journal import Confirmed
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import StoreError
from dialer.store.operators import control
from dialer.store.settlement import acceptance, marker
from dialer.store.settlement.acceptance import Wait
from dialer.store.settlement.marker import Marker, StoreForgot, Verdict
from tests.store.conftest import NOW

ALIVE_S = 15.0


def remembered(found: Marker) -> Confirmed:
    assert found.verdict is Verdict.WHOLE
    return Confirmed(found.identity, found.generation, found.server, found.tick, NOW)


def ticked(store: Store, host: str, known: Confirmed | None = None) -> Confirmed:
    return remembered(marker.tick(store, host, known, ALIVE_S))


def looked(store: Store, host: str, known: Confirmed) -> Marker:
    return marker.tick(store, host, known, ALIVE_S)


def restart(store: Store) -> None:
    """As far as the marker sees: the server that it was told for is not the one that runs."""
    trip(store, [("HSET", store.keys.marker(), "server", "an-earlier-run")])


def go_back(store: Store, host: str, tick: int) -> None:
    """The server knows of an earlier tick only."""
    trip(store, [("HSET", store.keys.marker(), f"tick:{host}", tick)])


def test_each_tick_is_confirmed_and_the_data_stand(store: Store) -> None:
    """Two hosts have one identity and a tick each."""
    a = ticked(store, "a")
    b = ticked(store, "b")
    again = ticked(store, "a", a)

    assert (a.tick, b.tick, again.tick) == (1, 1, 2)
    assert (a.identity, a.generation) == (b.identity, b.generation)
    marker.stands(store, again)


def test_an_answer_that_was_lost_is_no_loss(store: Store) -> None:
    """The server is one tick ahead of what the host knows."""
    known = ticked(store, "a")
    ticked(store, "a", known)

    assert ticked(store, "a", known).tick == 2


def test_a_restart_is_noticed_once_and_everybody_tells_what_it_did(store: Store) -> None:
    """Nobody goes on before every host has; who comes later than the first sees the new generation."""
    a, b = ticked(store, "a"), ticked(store, "b")
    restart(store)

    with pytest.raises(StoreForgot):
        marker.stands(store, a)
    first, second = looked(store, "a", a), looked(store, "b", b)

    assert (first.verdict, second.verdict) == (Verdict.FORGOT, Verdict.FORGOT)
    assert first.generation == second.generation == a.generation + 1
    assert second.owing == {"a", "b"}
    told = marker.told(store, "a", a, first, ALIVE_S)
    assert (told.verdict, told.owing) == (Verdict.WHOLE, {"b"})
    assert marker.told(store, "b", b, second, ALIVE_S).owing == frozenset()
    marker.stands(store, remembered(told))


def test_a_server_that_knows_an_earlier_tick_only_has_forgotten(store: Store) -> None:
    """Also where nothing else gives it away."""
    known = ticked(store, "a", ticked(store, "a"))
    go_back(store, "a", 1)

    found = looked(store, "a", known)

    assert (found.verdict, found.tick, found.owing) == (Verdict.FORGOT, 1, {"a"})
    told = remembered(marker.told(store, "a", known, found, ALIVE_S))
    assert told.tick == 3
    assert ticked(store, "a", told).tick == 4


def test_what_was_forgotten_while_it_was_told_again_is_told_again(store: Store) -> None:
    """A second crash in the middle: the first telling does not count."""
    known = ticked(store, "a")
    restart(store)
    first = looked(store, "a", known)
    restart(store)

    assert marker.told(store, "a", known, first, ALIVE_S).verdict is Verdict.FORGOT


def test_a_host_that_was_off_tells_what_it_did_when_it_comes_back(store: Store) -> None:
    """Nobody waits for one that left in good order or was not heard for long; it still sees that it was missed."""
    a, b = ticked(store, "a"), ticked(store, "b")
    marker.leave(store, "b")
    restart(store)

    told = looked(store, "a", a)

    assert told.owing == {"a"}
    assert looked(store, "b", b).verdict is Verdict.FORGOT


def test_a_host_that_does_not_come_is_given_up_on_and_named(store: Store) -> None:
    """It is missed until it has told what it did."""
    a, b = ticked(store, "a"), ticked(store, "b")
    restart(store)
    marker.told(store, "a", a, looked(store, "a", a), ALIVE_S)

    marker.give_up_on(store, frozenset({"b"}))

    found = looked(store, "b", b)
    assert (found.owing, found.missed) == (frozenset(), {"b"})
    assert marker.told(store, "b", b, found, ALIVE_S).missed == frozenset()


def test_an_emptied_server_is_noticed_and_begun_by_nobody(store: Store) -> None:
    """Neither by a host that knew it nor by a new one while that waits; a person accepts it, on record."""
    known = ticked(store, "a", ticked(store, "a"))
    trip(store, [("FLUSHALL",)])

    assert looked(store, "a", known).verdict is Verdict.EMPTIED
    with pytest.raises(StoreForgot):
        marker.stands(store, known)
    acceptance.wait(store, "a", Wait("w1", Verdict.EMPTIED, "Redis is empty", NOW, 3, 2, NOW - 60))
    assert marker.tick(store, "new", None, ALIVE_S).verdict is Verdict.EMPTIED
    assert acceptance.accept(store, who="chief", reason="moved", now=NOW)["a"].words == "Redis is empty"

    assert looked(store, "a", known).accepted == "w1"
    assert remembered(marker.adopt(store, "a", "w1", ALIVE_S)).identity != known.identity
    assert acceptance.standing(store).waiting == {}
    assert [line.what for line in control.audit_trail(store, 5)] == ["store_accepted"]


def test_a_server_that_is_emptied_once_more_while_it_is_told_waits_again(store: Store) -> None:
    """What a person accepted was another one."""
    known = ticked(store, "a")
    trip(store, [("FLUSHALL",)])
    acceptance.wait(store, "a", Wait("w1", Verdict.EMPTIED, "Redis is empty", NOW, 3, 2, NOW - 60))
    acceptance.accept(store, who="chief", reason="moved", now=NOW)
    trip(store, [("FLUSHALL",)])

    assert marker.adopt(store, "a", "w1", ALIVE_S).verdict is Verdict.EMPTIED
    assert looked(store, "a", known).verdict is Verdict.EMPTIED


def test_another_server_is_noticed(store: Store) -> None:
    """The data have another identity."""
    known = ticked(store, "a")
    trip(store, [("HSET", store.keys.marker(), "identity", "another")])

    assert looked(store, "a", known).verdict is Verdict.REPLACED


def test_there_is_nothing_to_accept_where_nobody_waits(store: Store) -> None:
    """It is said."""
    ticked(store, "a")
    with pytest.raises(StoreError, match="no host waits"):
        acceptance.accept(store, who="chief", reason="", now=NOW)
