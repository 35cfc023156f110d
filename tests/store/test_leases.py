"""Leases: a lead is in one hand at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgpack

from dialer.core.inputs import Permitted
from dialer.core.leads import lead_reasons
from dialer.core.model import Disposition, Retry, Settlement
from dialer.store.base.connection import trip
from dialer.store.leads import leads, leases
from dialer.store.operators.status import counts
from dialer.store.settlement import settle
from tests.store.conftest import NOW, OWNER, Floor, number


def test_priority_goes_first_then_age(floor: Floor) -> None:
    """9 before 5 before 0; among equals whoever has been due longest."""
    floor.add({"lead_id": "old", "phone": number(1).clear})
    floor.take_in(NOW)
    floor.add(
        {"lead_id": "young", "phone": number(2).clear},
        {"lead_id": "vip", "phone": number(3).clear, "priority": 9},
        {"lead_id": "last", "phone": number(4).clear, "priority": 0},
    )
    floor.take_in(NOW + 5)

    assert [lead.lead_id for lead in floor.lease(now=NOW + 6)] == ["vip", "old", "young", "last"]


def test_the_answer_says_how_many_are_left(floor: Floor) -> None:
    """Due and waiting leads are counted with every lease, also one of nothing."""
    floor.fill(5)
    floor.add({"lead_id": "later", "phone": number(9).clear, "not_before": NOW + 50})
    floor.take_in()

    answer = leases.lease(floor.store, floor.name, OWNER, 2, NOW, 120)

    assert (len(answer.leads), answer.due, answer.waiting) == (2, 3, 1)
    nothing = leases.lease(floor.store, floor.name, OWNER, 0, NOW + 50, 120)
    assert (nothing.leads, nothing.due, nothing.waiting) == ((), 4, 0)


def test_no_lead_is_leased_twice(floor: Floor) -> None:
    """Owners that lease at the same time get different leads, and together all of them."""
    floor.fill(600)
    got: list[str] = []

    def work(owner: str) -> None:
        while leads := floor.lease(7, owner=owner):
            got.extend(lead.lead_id for lead in leads)

    threads = [threading.Thread(target=work, args=(f"host:{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(got) == 600
    assert len(set(got)) == 600


def test_a_lead_that_cannot_be_read_holds_up_no_other(floor: Floor) -> None:
    """What another release, or a hand, wrote in a way that this one cannot read is put off with the reason."""
    floor.fill(3)
    trip(floor.store, [("HSET", floor.store.keys.progress(floor.name), "L1", msgpack.packb([0, {"sung_to": 1}]))])

    assert [lead.lead_id for lead in floor.lease()] == ["L0", "L2"]

    why = trip(floor.store, [("HGET", floor.store.keys.why(floor.name), "L1")])[0]
    assert "the progress of a lead cannot be read: Invalid enum value" in lead_reasons.read(why.decode()).name
    seen = counts(floor.store, floor.name, NOW)
    assert (seen.leased, seen.waiting) == (2, 1)
    trip(floor.store, [("HDEL", floor.store.keys.progress(floor.name), "L1")])
    assert "L1" not in {lead.lead_id for lead in floor.lease(now=NOW + leases.UNREADABLE_REST_S - 1)}
    assert "L1" in {lead.lead_id for lead in floor.lease(now=NOW + leases.UNREADABLE_REST_S)}


def test_a_lease_ends_by_itself(floor: Floor) -> None:
    """A lead whose lease has ended is due again, for anybody."""
    floor.fill(1)
    floor.lease()

    assert floor.lease(now=NOW + 119, owner="other:1") == ()
    assert len(floor.lease(now=NOW + 121, owner="other:1")) == 1


def test_an_open_attempt_outlives_its_lease(floor: Floor) -> None:
    """While an attempt is open its lead is never leased again, however late."""
    floor.fill(1)
    floor.dial()

    for hours in range(1, 5):
        assert floor.lease(now=NOW + hours * 3600, owner="other:1") == ()


def test_renewal_keeps_a_lease_and_names_the_lost(floor: Floor) -> None:
    """Renewed leads stay; those of somebody else are named."""
    floor.fill(2)
    floor.lease(1)
    floor.lease(1, owner="other:1")

    assert leases.renew(floor.store, floor.name, OWNER, ["L0", "L1"], NOW + 100, 120) == ("L1",)
    assert floor.lease(now=NOW + 200, owner="third:1")[0].lead_id == "L1"


def test_released_leads_are_due_and_postponed_ones_wait(floor: Floor) -> None:
    """Both only where the lease is the owner's."""
    floor.fill(3)
    floor.lease(3)
    store = floor.store

    assert leases.release(store, floor.name, "other:1", ["L0"], NOW) == 0
    assert leases.release(store, floor.name, OWNER, ["L0"], NOW) == 1
    assert leases.postpone(store, floor.name, OWNER, ["L1"], until=NOW + 60, why="hours", now=NOW) == 1
    assert leases.close(store, floor.name, OWNER, ["L2"], kind="expired", why="too old", now=NOW) == 1

    assert [lead.lead_id for lead in floor.lease(now=NOW + 1)] == ["L0"]
    assert [lead.lead_id for lead in floor.lease(now=NOW + 60)] == ["L1"]
    assert counts(store, floor.name, NOW).closed_by == {"expired": 1}


def test_a_lead_in_an_attempt_cannot_be_released(floor: Floor) -> None:
    """Only its settlement frees it."""
    floor.fill(1)
    dialled = floor.dial()

    assert isinstance(dialled[0], Permitted)
    assert leases.release(floor.store, floor.name, OWNER, ["L0"], NOW) == 0
    assert counts(floor.store, floor.name, NOW).in_attempt == 1


def yielding(floor: Floor, end: Callable[..., Settlement], *, early_s: float, due_s: float) -> None:
    """A lead L0 whose attempt ended now: it is due in `due_s` seconds, and yields from `early_s` on."""
    floor.fill(1)
    (dialled,) = floor.dial(1)
    step = Retry(due_s, 0, early_s)
    settle.settle(floor.store, [end(dialled, Disposition.NO_ANSWER, step=step, ended_at=NOW)], OWNER)


def test_a_lead_that_waits_for_another_time_yields_where_nothing_else_is_due(
    floor: Floor, end: Callable[..., Settlement]
) -> None:
    """No agent idles while somebody may be called; but not before its earliest time."""
    yielding(floor, end, early_s=100.0, due_s=500.0)

    assert floor.lease(now=NOW + 99) == ()
    assert [lead.lead_id for lead in floor.lease(now=NOW + 100)] == ["L0"]
    assert counts(floor.store, floor.name, NOW + 100).leased == 1
    assert trip(floor.store, [("ZCARD", floor.store.keys.early(floor.name))]) == [0]


def test_it_waits_while_something_else_is_due(floor: Floor, end: Callable[..., Settlement]) -> None:
    """Also if that is less than what is asked for."""
    yielding(floor, end, early_s=100.0, due_s=500.0)
    floor.add({"lead_id": "new", "phone": number(99).clear})
    floor.take_in(NOW + 200)

    assert [lead.lead_id for lead in floor.lease(10, now=NOW + 200)] == ["new"]
    assert [lead.lead_id for lead in floor.lease(10, now=NOW + 201)] == ["L0"]


def test_when_its_time_has_come_it_is_behind_new_leads(floor: Floor, end: Callable[..., Settlement]) -> None:
    """However long they have been there; it is before those of a lower priority."""
    yielding(floor, end, early_s=100.0, due_s=500.0)
    floor.add(
        {"lead_id": "new", "phone": number(99).clear}, {"lead_id": "low", "phone": number(98).clear, "priority": 1}
    )
    floor.take_in(NOW + 900)

    assert [lead.lead_id for lead in floor.lease(10, now=NOW + 1000)] == ["new", "L0", "low"]


def test_its_place_among_the_due_is_told(floor: Floor, end: Callable[..., Settlement]) -> None:
    """With the time since when it is due, as of any other lead."""
    yielding(floor, end, early_s=100.0, due_s=500.0)
    floor.lease(0, now=NOW + 600)

    (row,) = leads.page(floor.store, floor.name, state=leads.LeadState.DUE)[0]

    assert (row.lead_id, row.at) == ("L0", NOW + 500)


def test_a_lead_that_was_given_another_time_since_is_not_called_early(
    floor: Floor, end: Callable[..., Settlement]
) -> None:
    """A callback is kept, whatever was planned before."""
    yielding(floor, end, early_s=100.0, due_s=500.0)
    keys = floor.store.keys
    trip(floor.store, [("ZADD", keys.waiting(floor.name), NOW + 9000, "L0")])

    assert floor.lease(now=NOW + 600) == ()
    assert floor.lease(now=NOW + 8999) == ()
    assert [lead.lead_id for lead in floor.lease(now=NOW + 9000)] == ["L0"]
    assert trip(floor.store, [("ZCARD", keys.early(floor.name))]) == [0]
