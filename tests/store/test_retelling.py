"""Telling a server again what it has forgotten: all of it, and no more than once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from compliance.contacts import Mark
from dialer.core.inputs import Permitted
from dialer.core.model import Disposition, Retry, Settlement
from dialer.disk.journal import Confirmed, Journal, Row, confirmation
from dialer.store.base.connection import Store, trip
from dialer.store.base.keys import digits
from dialer.store.gate import contacts
from dialer.store.leads.leads import LeadState, story
from dialer.store.operators.status import counts
from dialer.store.privacy import blocklist
from dialer.store.privacy.opt_outs import OptedOut
from dialer.store.settlement import ledger, recovery, retelling, settle
from dialer.store.settlement.outbox import CrmEvent
from dialer.store.settlement.retelling import Retold, end_row, event_row, missing, opt_out_row, permit_row, retell
from tests.crm_events import heard
from tests.store.conftest import NOW, OWNER, Floor, number
from tests.store.test_settle import events

End = Callable[..., Settlement]


def permits(floor: Floor, dialled: Sequence[Permitted], owner: str = OWNER) -> list[Row]:
    return [permit_row(one, floor.settings, "main", owner) for one in dialled]


def all_of(store: Store) -> dict[bytes, bytes]:
    """The whole server, to be put back."""
    keys = trip(store, [("KEYS", "*")])[0]
    return dict(zip(keys, trip(store, [("DUMP", key) for key in keys]), strict=True))


def put_back(store: Store, was: dict[bytes, bytes]) -> None:
    """As a restart does that has lost everything since."""
    trip(store, [("FLUSHALL",), *(("RESTORE", key, 0, raw) for key, raw in was.items())])  # type: ignore[list-item]


def test_calls_in_progress_are_open_and_counted_again(floor: Floor) -> None:
    """The server had forgotten lease, attempt and contact: nobody can dial the number a second time."""
    floor.fill(2, customer_id="C1")
    before = all_of(floor.store)
    rows = permits(floor, floor.dial(1))
    put_back(floor.store, before)

    told = retell(floor.store, rows, OWNER, NOW + 5)

    assert (told.attempts, told.contacts, told.ends) == (1, 2, 0)
    assert [lead.lead_id for lead in floor.lease(now=NOW + 6)] == ["L1"]
    assert counts(floor.store, floor.name, NOW).in_attempt == 1
    assert [len(contacts.history(floor.store, who)) for who in (digits(number(0)), "c:C1")] == [1, 1]
    assert retell(floor.store, rows, OWNER, NOW + 7).forgotten == 0
    assert len(contacts.history(floor.store, "c:C1")) == 1


def test_ends_are_counted_told_and_follow_the_retry_table_again(floor: Floor, end: End) -> None:
    """The CRM may hear of it twice; the ledger and the caps do not count it twice."""
    floor.fill(1)
    before = all_of(floor.store)
    dialled = floor.dial(1)
    ended = end(dialled[0], Disposition.ABANDONED, Retry(600.0, 0), live=True, abandoned=True)
    settle.settle(floor.store, [ended], OWNER)
    rows = [*permits(floor, dialled), end_row(ended)]
    known = retell(floor.store, rows, OWNER, NOW + 65)
    put_back(floor.store, before)

    told = retell(floor.store, rows, OWNER, NOW + 70)

    assert known == Retold(rows=2)
    assert (told.attempts, told.contacts, told.ends) == (1, 1, 1)
    assert [(name, data["disposition"]) for _, name, data in events(floor.store)] == [("A0", "abandoned")]
    assert ledger.totals(floor.store, floor.name, ["2026-03-03"])[0].abandoned == 1
    assert contacts.history(floor.store, digits(number(0)))[0].marks & Mark.ABANDONED
    assert story(floor.store, floor.name, "L0").row.state is LeadState.WAITING


def test_an_attempt_that_never_left_stays_given_back(floor: Floor, end: End) -> None:
    """Its permit counts it again, its end takes that back."""
    floor.fill(1)
    before = all_of(floor.store)
    dialled = floor.dial(1)
    ended = end(dialled[0], Disposition.NOT_SENT, Retry(60.0, 0), charged=False)
    put_back(floor.store, before)

    for _ in range(2):
        retell(floor.store, [*permits(floor, dialled), end_row(ended)], OWNER, NOW + 70)

    assert contacts.history(floor.store, digits(number(0))) == ()
    assert counts(floor.store, floor.name, NOW + 70).in_attempt == 0


def test_a_lead_that_came_in_within_what_was_forgotten_is_there_again(floor: Floor, end: End) -> None:
    """With its call; the entry that brought it, if it is there still, is a second lead of that id and refused."""
    before = all_of(floor.store)
    floor.fill(1, name="Li", priority=7)
    dialled = floor.dial(1)
    put_back(floor.store, before)

    retell(floor.store, permits(floor, dialled), OWNER, NOW + 5)
    floor.fill(1, name="Li", priority=7)
    settle.settle(floor.store, [end(dialled[0], Disposition.BUSY, Retry(60.0, 0))], OWNER)

    row = story(floor.store, floor.name, "L0").row
    assert (row.name, row.priority, row.state) == ("Li", 7, LeadState.WAITING)
    known = counts(floor.store, floor.name, NOW)
    assert (known.accepted, known.rejected) == (1, 1)


def test_who_asked_not_to_be_called_is_blocked_again(floor: Floor) -> None:
    """By key press, for all campaigns."""
    pressed = OptedOut(floor.name, "A0", number(3), "9", NOW)

    retell(floor.store, [opt_out_row(pressed)], OWNER, NOW + 5)

    blocked, _ = blocklist.page(floor.store)
    assert [(block.target.value, block.source) for block in blocked] == [(digits(number(3)), "keypress")]


def test_an_event_that_must_not_be_missed_is_told_again(floor: Floor) -> None:
    """As it was: the CRM must not miss it, and knows it by its id if it has it already."""
    event = CrmEvent("recording", "A1", "spring", NOW, {"attempt_id": "A1", "sha256": "00"})
    retell(floor.store, [event_row(event)], OWNER, NOW + 5)
    (told,) = heard(floor.store, "recording")
    assert (told.id, told.data["sha256"]) == ("A1", "00")


def test_what_a_run_left_that_the_server_forgot_as_well_is_taken_over(floor: Floor) -> None:
    """Its attempts are opened again, and it is known to be dead."""
    floor.fill(1)
    before = all_of(floor.store)
    rows = permits(floor, floor.dial(1, owner="host-a:0"), "host-a:0")
    put_back(floor.store, before)

    retell(floor.store, rows, OWNER, NOW + 5)

    assert recovery.recover(floor.store, NOW + 10).attempts == 1
    assert events(floor.store)[0][2]["disposition"] == "unknown"


def test_a_lead_that_somebody_closed_meanwhile_stays_closed(floor: Floor, end: End) -> None:
    """The attempt ends, and is told and counted; the lead is in one place."""
    floor.fill(1)
    before = all_of(floor.store)
    dialled = floor.dial(1)
    put_back(floor.store, before)
    trip(
        floor.store,
        [("ZREM", floor.store.keys.due(floor.name), "L0"), ("ZADD", floor.store.keys.closed(floor.name), NOW, "L0")],
    )

    retell(floor.store, permits(floor, dialled), OWNER, NOW + 5)
    settle.settle(floor.store, [end(dialled[0], Disposition.BUSY, Retry(60.0, 0))], OWNER)

    after = counts(floor.store, floor.name, NOW + 70)
    assert (after.closed, after.waiting, after.due, after.in_attempt) == (1, 0, 0, 0)


def test_what_cannot_be_read_is_left_out(floor: Floor, end: End) -> None:
    """A damaged row, or one of another release, keeps nothing else from being told."""
    floor.fill(1)
    rows = [Row("permit", {"attempt": 3}), Row("settled", "x"), *permits(floor, floor.dial(1)), Row("opt_out", None)]

    told = retell(floor.store, rows, OWNER, NOW)

    assert (told.rows, told.unreadable, told.contacts) == (4, 3, 0)


def test_permits_are_looked_for_shortly_and_ends_for_longer(floor: Floor, end: End, tmp_path: Path) -> None:
    """An end may have been on its way for some ticks; what the server certainly knows is not told again."""
    floor.fill(3)
    dialled = floor.dial(3)
    journal = Journal(tmp_path)
    for tick, one in enumerate(dialled, 1):
        journal.append([confirmation(Confirmed("i", 1, "s", tick, NOW)), *permits(floor, [one]), end_row(end(one))])

    rows = list(missing(journal, 4, 3))

    assert [row.kind for row in rows] == [retelling.PERMIT] * 2 + [retelling.SETTLED] * 3
    journal.close()
