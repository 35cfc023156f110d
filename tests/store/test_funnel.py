"""Where every lead is, through whole lives on a real server: the sums always fit."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC

from dialer.core.inputs import Permitted
from dialer.core.leads.lead_counts import NOT_BEFORE
from dialer.core.leads.retry_windows import Window
from dialer.core.model import Close, Disposition, Retry, Settlement
from dialer.store.base.connection import trip
from dialer.store.leads import funnel, leases
from dialer.store.leads.funnel import Funnel
from dialer.store.privacy import retention
from dialer.store.settlement.settle import settle
from tests.store.conftest import NOW, OWNER, Floor, number

End = Callable[..., Settlement]


def look(floor: Floor, now: float = NOW) -> Funnel:
    """The funnel; its sums fit or the test ends here."""
    found = funnel.read(floor.store, floor.name, now, UTC)
    standing = found.counts.standing
    assert found.lost == 0
    assert found.counts.stored == standing.accepted == found.counts.accepted - found.counts.deleted
    assert (found.waiting.leads, found.closed.leads) == (standing.waiting, standing.closed)
    assert sum(bar.leads for bar in found.coming) == standing.waiting
    return found


def test_a_lead_is_in_one_place_at_every_step_of_its_life(floor: Floor, end: End) -> None:
    """Queued, due, leased, in a call, waiting, closed, purged: one place at a time, and why."""
    floor.add({"lead_id": "L0", "phone": number(0).clear})
    places = [look(floor).counts.standing.to_wire()]
    floor.take_in()
    places.append(look(floor).counts.standing.to_wire())
    floor.lease(1)
    places.append(look(floor).counts.standing.to_wire())
    leases.release(floor.store, floor.name, OWNER, ["L0"], NOW)
    dialled = floor.dial()[0]
    places.append(look(floor).counts.standing.to_wire())
    settle(floor.store, [end(dialled, Disposition.BUSY, Retry(1200.0, 0))], OWNER)
    waiting = look(floor)
    places.append(waiting.counts.standing.to_wire())
    dialled = floor.dial(now=NOW + 2000)[0]
    settle(
        floor.store, [end(dialled, Disposition.BUSY, Close("busy: all 1 retries are used"), ended_at=NOW + 3000)], OWNER
    )
    closed = look(floor, NOW + 4000)
    places.append(closed.counts.standing.to_wire())

    where = ["queued", "due", "leased", "in_attempt", "waiting", "closed"]
    for step, expected in zip(places, where, strict=True):
        assert {name: step[name] for name in where} == {name: int(name == expected) for name in where}
    assert [step["finished"] for step in places] == [False] * 5 + [True]
    assert {name: (one.leads, one.first) for name, one in waiting.waiting.by_name.items()} == {
        "busy": (1, NOW + 60 + 1200)
    }
    assert list(closed.closed.by_name) == ["busy"]
    retention.purge_leads(floor.store, floor.name, before=NOW + 1)
    assert look(floor, NOW + 9000).counts.deleted == 1


def test_a_time_that_the_crm_gave_is_a_reason(floor: Floor) -> None:
    """A lead that was never tried waits for nothing else."""
    floor.add({"lead_id": "later", "phone": number(0).clear, "not_before": NOW + 7200})
    floor.take_in()

    found = look(floor)

    assert list(found.waiting.by_name) == [NOT_BEFORE]
    assert [bar.leads for bar in found.coming if bar.leads] == [1]
    assert found.counts.standing.wakes_at == NOW + 7200


def test_what_a_lease_would_take_is_due(floor: Floor) -> None:
    """Wherever it lies: with a time that has come, or a lease that has ended. An attempt that is open is not."""
    floor.fill(2)
    floor.add({"lead_id": "later", "phone": number(7).clear, "not_before": NOW + 60})
    floor.take_in()
    floor.dial(1)
    floor.lease(1)
    before, after = look(floor), look(floor, NOW + 121)

    assert (before.counts.due, before.counts.leased, before.counts.waiting) == (0, 1, 1)
    assert before.counts.standing.lease_ends_at == NOW + 120
    assert (after.counts.due, after.counts.leased, after.counts.in_attempt) == (2, 0, 1)
    for now, seen in ((NOW, before), (NOW + 121, after)):
        engine = leases.lease(floor.store, floor.name, OWNER, 0, now, 120.0)  # what the engine goes by
        assert (engine.due, engine.waiting) == (seen.counts.due, seen.counts.waiting)
    assert len(floor.lease(10, NOW + 121)) == after.counts.standing.diallable


def test_a_lead_that_is_nowhere_is_said(floor: Floor) -> None:
    """Something broke the store: the funnel does not hide it."""
    floor.fill(3)
    trip(floor.store, [("ZREM", floor.store.keys.due(floor.name), "L1")])

    assert funnel.read(floor.store, floor.name, NOW, UTC).lost == 1


def test_more_leads_than_a_page(floor: Floor) -> None:
    """Pages are put together, and progress is told."""
    floor.add(*({"lead_id": f"L{i}", "phone": number(i).clear, "not_before": NOW + 60 + i} for i in range(2500)))
    floor.take_in(batch=2500)
    told: list[int] = []

    found = funnel.read(floor.store, floor.name, NOW, UTC, told.append)

    assert found.waiting.by_name[NOT_BEFORE].leads == 2500 == found.counts.waiting
    assert max(told) == 2500


def test_a_list_of_any_mix_ends_and_only_then_is_finished(floor: Floor, end: End) -> None:
    """Who wakes when the standing says that something can happen finds something to do each time, until all leads are
    closed: no campaign hangs with work left, and none ends with work undone."""
    chance, now = random.Random(7), NOW
    calls: list[Permitted] = []
    for i in range(60):
        more = {"not_before": NOW + chance.randrange(20_000)} if i % 3 else {}
        floor.add({"lead_id": f"L{i}", "phone": number(i).clear, **more})
    floor.policy = replace(floor.policy, caps=())
    for _ in range(2000):
        found = look(floor, now)
        standing = found.counts.standing
        if standing.wakes_at is None:
            break
        now = max(now, standing.wakes_at)
        done = floor.take_in(now, batch=10).read
        calls += floor.dial(chance.randrange(1, 5), now)
        done += len(calls)
        while calls and chance.random() < 0.7:
            again = chance.random() < 0.4
            step = Retry(chance.randrange(5000), 0) if again else Close("busy: not called again")
            settle(floor.store, [end(calls.pop(), Disposition.BUSY, step, ended_at=now)], OWNER)
        assert done, "something can happen, says the standing"

    assert look(floor, now).counts.standing.finished
    assert look(floor, now).counts.closed == 60


def test_answers_are_counted_by_the_time_of_day_and_the_attempt(floor: Floor, end: End) -> None:
    """By the callee's clock; what was not charged is no attempt."""
    floor.fill(3)
    first = floor.dial(3)
    again = Retry(0.0, 0)
    ends = [
        end(first[0], Disposition.NO_ANSWER, step=again),
        end(first[1], Disposition.CONNECTED, live=True),
        end(first[2], Disposition.NOT_SENT, step=again, charged=False),
    ]
    settle(floor.store, ends, OWNER)
    (second,) = floor.dial(1, now=NOW + 61)[:1]
    settle(floor.store, [end(second, Disposition.CONNECTED, live=True)], OWNER)

    windows = look(floor, NOW + 120).counts.windows

    (window,) = {name.split(":")[0] for name in windows}
    assert window in {each.value for each in Window}
    assert windows == {
        f"{window}:1:attempts": 2,
        f"{window}:1:live": 1,
        f"{window}:2:attempts": 1,
        f"{window}:2:live": 1,
    }
