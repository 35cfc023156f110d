"""Changing leads that are in a campaign already, beside daemons that have them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dialer.core.inputs import Permitted, Refused
from dialer.core.leads import lead_reasons
from dialer.core.model import Close, Disposition, Retry, Settlement
from dialer.store.base.connection import trip
from dialer.store.base.errors import UnknownLead
from dialer.store.crm import inbox
from dialer.store.leads import leads, leases
from dialer.store.leads.bulk import changes
from dialer.store.leads.bulk.changes import ANYWHERE, Changed, Done
from dialer.store.leads.bulk.rewrite import CannotRewrite, Rewrite, rewrite
from dialer.store.leads.leads import LeadState
from dialer.store.operators import control, status
from dialer.store.settlement.settle import settle
from tests.store.conftest import NOW, OWNER, Floor, number

DONE, ABSENT, ELSEWHERE, AT_END = Done.CHANGED, Done.ABSENT, Done.ELSEWHERE, Done.AT_END


def change(floor: Floor, wanted: changes.Change, *lead_ids: str, now: float = NOW) -> Changed:
    return changes.change(floor.store, floor.name, lead_ids, wanted, who="ann@desk", now=now)


def where(floor: Floor, lead_id: str) -> tuple[LeadState, float, str]:
    row = leads.story(floor.store, floor.name, lead_id).row
    return row.state, row.at, row.why


def dropped(floor: Floor) -> list[str]:
    """The leads that daemons were told to drop."""
    orders = control.read(floor.store, "0-0", 100, 0)[0]
    return [
        lead for order in orders if order.command.name == changes.LEADS_TAKEN for lead in order.command.args["leads"]
    ]


def test_a_lead_is_cancelled_wherever_it_is(floor: Floor, end: Callable[..., Settlement]) -> None:
    """Due, waiting and on lease at once, and its daemon is told; in a call when that ends; closed ones stay as they
    are."""
    floor.fill(6)
    (dialled,) = floor.dial()
    floor.lease(2)
    leases.postpone(floor.store, floor.name, OWNER, ["L1"], until=NOW + 60, why="", now=NOW)
    (closed,) = floor.lease(1)
    leases.close(floor.store, floor.name, OWNER, [closed.lead_id], kind="expired", why="too old", now=NOW)

    told = change(floor, changes.cancelled("ann@desk", "bought it"), "L0", "L1", "L2", "L3", "L4", "no such")

    assert told.answers == (AT_END, DONE, DONE, ELSEWHERE, DONE, ABSENT)
    assert sorted(told.held) == sorted(dropped(floor)) == ["L0", "L2"]
    for lead_id in ("L1", "L2", "L4"):
        assert where(floor, lead_id) == (LeadState.CLOSED, NOW, "cancelled by ann@desk: bought it")
    assert where(floor, "L3")[2] == "too old"
    assert status.counts(floor.store, floor.name, NOW).standing.due == 1

    settle(floor.store, [end(dialled, Disposition.NO_ANSWER, Retry(60.0, 0))], OWNER)

    assert where(floor, "L0")[0] is LeadState.CLOSED
    assert status.counts(floor.store, floor.name, NOW).closed_by["cancelled"] == 4


def test_a_lead_that_was_cancelled_on_its_way_to_the_gates_is_not_dialled(floor: Floor) -> None:
    """Its daemon's lease is gone, so there is no permit, and the attempt is given back."""
    floor.fill(1)
    leased = floor.lease()
    change(floor, changes.cancelled("ann@desk"), "L0")

    (answer,) = floor.screen(leased)

    assert isinstance(answer, Refused)
    assert answer.refusal.rule == "lease_lost"
    assert where(floor, "L0")[0] is LeadState.CLOSED
    change(floor, changes.due_again(ANYWHERE, NOW), "L0")
    assert isinstance(floor.screen(floor.lease())[0], Permitted)


def test_no_word_on_the_call_undoes_a_cancel(floor: Floor, end: Callable[..., Settlement]) -> None:
    """An agent's callback, or an outcome that does nothing, said of the call that went on."""
    floor.fill(2)
    dialled = floor.dial(2)
    change(floor, changes.cancelled("ann@desk"), "L0", "L1")
    said = [
        inbox.Outcome(floor.name, dialled[0].permit.attempt, "callback", callback_at=NOW + 3600),
        inbox.Outcome(floor.name, dialled[1].permit.attempt, "interested"),
    ]
    inbox.apply(floor.store, [inbox.Received(f"1-{i}", outcome) for i, outcome in enumerate(said)], now=NOW)

    settle(floor.store, [end(one, step=Retry(60.0, 0)) for one in dialled], OWNER)

    assert [where(floor, lead_id)[0] for lead_id in ("L0", "L1")] == [LeadState.CLOSED] * 2


def test_closed_leads_are_open_again(floor: Floor, end: Callable[..., Settlement]) -> None:
    """Due at once or at a time, with their tries, and counted."""
    floor.fill(2)
    settle(floor.store, [end(one, Disposition.NO_ANSWER, Close("enough")) for one in floor.dial(2)], OWNER)
    why = lead_reasons.ordered("reopened", "ann@desk")

    change(floor, changes.due_again({LeadState.CLOSED}, NOW, why), "L0")
    change(floor, changes.due_again({LeadState.CLOSED}, NOW + 600, why, priority=9), "L1")

    assert where(floor, "L0") == (LeadState.DUE, NOW, "reopened by ann@desk")
    assert where(floor, "L1") == (LeadState.WAITING, NOW + 600, "reopened by ann@desk")
    assert leads.story(floor.store, floor.name, "L1").row.priority == 9
    assert floor.lease()[0].tries == {Disposition.NO_ANSWER: 1}
    assert trip(floor.store, [("HGET", floor.store.keys.counts(floor.name), "reopened")]) == [b"2"]


def test_what_is_released_from_a_lease_is_not_leased_before_its_daemon_knows(floor: Floor) -> None:
    """Or the daemon would have the lead twice, and drop the new one with the old one."""
    floor.fill(1)
    floor.lease()

    change(floor, changes.due_again({LeadState.LEASED}, NOW), "L0")

    assert floor.lease() == ()
    assert [lead.lead_id for lead in floor.lease(now=NOW + changes.HAND_BACK_S)] == ["L0"]


def test_a_priority_counts_from_the_next_lease_on(floor: Floor) -> None:
    """Among the due the order changes at once; 5 is a priority like any other."""
    floor.add({"lead_id": "vip", "phone": number(90).clear, "priority": 9})
    floor.fill(3)

    change(floor, changes.prioritised(8), "L2")
    change(floor, changes.prioritised(5), "vip")

    assert [(lead.lead_id, lead.priority) for lead in floor.lease()] == [("L2", 8), ("L0", 5), ("L1", 5), ("vip", 5)]


def test_a_lead_on_lease_gets_its_priority_and_stays_with_its_daemon(floor: Floor) -> None:
    """No daemon is told to drop it, and it may be dialled."""
    floor.fill(1)
    leased = floor.lease()

    told = change(floor, changes.prioritised(8), "L0")

    assert (told.answers, told.held, dropped(floor)) == ((DONE,), (), [])
    assert isinstance(floor.screen(leased)[0], Permitted)


def test_a_lead_is_rewritten(floor: Floor) -> None:
    """Priority, time, data and numbers; the numbers that it had are free for another lead."""
    floor.fill(1, attrs={"stage": "a"})
    wanted = Rewrite(priority=8, not_before=NOW + 60, attrs={"stage": "b"}, numbers=(number(5), number(6)))

    for _ in range(2):
        rewrite(floor.store, floor.name, "L0", wanted, who="crm", now=NOW)

    assert floor.lease() == ()
    (lead,) = floor.lease(now=NOW + 60)
    assert (lead.priority, lead.attrs, lead.numbers) == (8, {"stage": "b"}, (number(5), number(6)))
    floor.add({"lead_id": "M", "phone": number(0).clear}, {"lead_id": "N", "phone": number(6).clear})
    assert floor.take_in() == (type(floor.take_in())(2, 1, 1))


def test_a_rewritten_lead_stays_where_it_was(floor: Floor) -> None:
    """Without a time: its turn among the due, or when it waits until, is as before; a lease is taken away."""
    floor.fill(3)
    floor.lease(1)
    trip(floor.store, [("ZREM", floor.store.keys.due(floor.name), "L1")])
    trip(floor.store, [("ZADD", floor.store.keys.waiting(floor.name), NOW + 60, "L1")])

    for lead_id in ("L0", "L1", "L2"):
        rewrite(floor.store, floor.name, lead_id, Rewrite(attrs={"a": 1}), who="crm", now=NOW + 9)

    assert where(floor, "L0")[:2] == (LeadState.WAITING, NOW + 9 + changes.HAND_BACK_S)
    assert where(floor, "L1")[:2] == (LeadState.WAITING, NOW + 60)
    assert where(floor, "L2")[:2] == (LeadState.DUE, NOW)
    assert dropped(floor) == ["L0"]


def test_what_cannot_be_rewritten_is_said(floor: Floor) -> None:
    """And nothing is changed."""
    floor.add({"lead_id": "L9", "phone": number(9).clear, "priority": 9, "expires_at": NOW + 600})
    floor.fill(2)
    floor.dial(1)

    def fault(lead_id: str, wanted: Rewrite) -> str:
        with pytest.raises(CannotRewrite) as raised:
            rewrite(floor.store, floor.name, lead_id, wanted, who="crm", now=NOW)
        return str(raised.value)

    assert fault("L0", Rewrite(numbers=(number(1),))) == "phones: a number is in the campaign already, in lead L1"
    assert "in a call" in fault("L9", Rewrite(numbers=(number(77),)))
    assert fault("L9", Rewrite(not_before=NOW + 600)) == "not_before: is not before expires_at"
    change(floor, changes.cancelled("ann"), "L1")
    assert "is closed" in fault("L1", Rewrite(priority=1))
    with pytest.raises(UnknownLead):
        rewrite(floor.store, floor.name, "no such", Rewrite(priority=1), who="crm", now=NOW)


def test_a_lead_in_a_call_is_rewritten_for_what_follows(floor: Floor, end: Callable[..., Settlement]) -> None:
    """Its data at once, its time when the call has ended."""
    floor.fill(1)
    (dialled,) = floor.dial()
    rewrite(floor.store, floor.name, "L0", Rewrite(not_before=NOW + 900, attrs={"a": 2}), who="crm", now=NOW)

    settle(floor.store, [end(dialled, Disposition.BUSY, Retry(60.0, 0))], OWNER)

    assert where(floor, "L0")[:2] == (LeadState.WAITING, NOW + 900)
    assert leads.story(floor.store, floor.name, "L0").attrs == {"a": 2}


def test_a_lead_that_is_named_twice_is_changed_once(floor: Floor) -> None:
    """The second time it is somewhere else; it is counted once."""
    floor.fill(2)

    answers = change(floor, changes.cancelled("ann@desk"), "L0", "L0", "L1").answers

    assert answers == (DONE, ELSEWHERE, DONE)
    assert status.counts(floor.store, floor.name, NOW).closed_by == {"cancelled": 2}
