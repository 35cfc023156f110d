"""The contact history: what is kept of an attempt, what comes of it, and its cost."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from compliance.contacts import IN_DOUBT, Contact, Mark, packed, repacked
from dialer.core.model import Close, Disposition, Lead, Settlement
from dialer.store.base.connection import Store, trip
from dialer.store.base.keys import digits
from dialer.store.crm import inbox
from dialer.store.gate import contacts
from dialer.store.gate.contacts import Marking, Reservation, fields_of
from dialer.store.settlement import settle
from pacing.api import AnswerKind
from tests.store.conftest import NOW, OWNER, Floor, number

WHO = (digits(number(1)),)
E = Mark.ENDED


def seed(store: Store, field: str, *attempts: bytes) -> None:
    trip(store, [("HSET", contacts.spot(store, field).key, field, b"".join(attempts))])


def only(store: Store, field: str = WHO[0]) -> Contact:
    (one,) = contacts.history(store, field)
    return one


def test_a_history_is_sorted_and_rounded_up(store: Store) -> None:
    """No cap is passed a fraction of a second early."""
    seed(store, WHO[0], packed(NOW + 5.2, "spring", "", "A2", ""), packed(NOW, "spring", "", "A1", ""))

    assert [one.at for one in contacts.history(store, WHO[0])] == [NOW, NOW + 6]
    assert contacts.history(store, digits(number(2))) == ()


def test_giving_back_finds_the_attempt_of_each_subject_once(store: Store) -> None:
    """Others stay, and doing it twice changes nothing."""
    fields = (*WHO, "c:C-1")
    for field in fields:
        seed(store, field, *(packed(NOW + i, "spring", "", f"A{i}", "") for i in range(3)))
    mine = Reservation(fields, "spring", "A1")

    assert contacts.give_back(store, [mine]) == 2
    assert contacts.give_back(store, [mine]) == 0
    assert contacts.give_back(store, [Reservation(fields, "autumn", "A2")]) == 0
    for field in fields:
        assert [one.at for one in contacts.history(store, field)] == [NOW, NOW + 2]


def test_an_attempt_is_marked_with_its_end(store: Store) -> None:
    """Minutes are rounded up and end at 255; marking again changes nothing."""
    seed(store, WHO[0], packed(NOW, "spring", "", "A1", ""))
    marking = Marking(WHO, "spring", "A1", E | Mark.CONNECTED, ended_at=NOW + 61)

    assert contacts.mark(store, [marking]) == 1
    assert contacts.mark(store, [marking]) == 0
    assert (only(store).marks, only(store).minutes) == (3, 2)
    contacts.mark(store, [Marking(WHO, "spring", "A1", E, ended_at=NOW + 999_999)])
    assert only(store).minutes == 255
    assert contacts.mark(store, [Marking(WHO, "spring", "A9", E), Marking(("c:x",), "spring", "A1", E)]) == 0


@pytest.mark.parametrize("first", ["end", "word"])
def test_a_machine_is_no_conversation_whichever_is_said_first(store: Store, first: str) -> None:
    """The agent says it during the call or after it; taking it back makes it a conversation again."""
    seed(store, WHO[0], packed(NOW, "spring", "", "A1", ""))
    end = Marking(WHO, "spring", "A1", E | IN_DOUBT, ended_at=NOW + 30)
    word = Marking(WHO, "spring", "A1", Mark.MACHINE, Mark.REFUSED)

    for one in (end, word) if first == "end" else (word, end):
        contacts.mark(store, [one])

    assert only(store).marks == E | Mark.MACHINE
    contacts.mark(store, [Marking(WHO, "spring", "A1", Mark.REFUSED, Mark.MACHINE)])
    assert only(store).marks == E | IN_DOUBT | Mark.REFUSED


@pytest.mark.parametrize(
    ("disposition", "live", "abandoned", "marks"),
    [
        (Disposition.CONNECTED, True, False, E | Mark.CONNECTED | Mark.CONVERSATION),
        (Disposition.ABANDONED, True, True, E | Mark.CONNECTED | Mark.ABANDONED),
        (Disposition.NO_ANSWER, False, False, E),
        (Disposition.UNWANTED, False, False, E | Mark.REFUSED),
        (Disposition.BLOCKED, False, False, E | Mark.NETWORK_BLOCKED),
        (Disposition.UNKNOWN, False, False, E | IN_DOUBT),
        (Disposition.WORKER_LOST, False, False, E | IN_DOUBT),
    ],
)
def test_a_settled_attempt_is_marked_for_everybody_it_counts_for(
    floor: Floor, end: Callable[..., Settlement], disposition: Disposition, live: bool, abandoned: bool, marks: Mark
) -> None:
    """Number, customer and account; an end that nobody saw counts as a conversation."""
    floor.fill(1, customer_id="C-1", account_id="A-1")
    (dialled,) = floor.dial()

    settle.settle(floor.store, [end(dialled, disposition, Close("done"), live=live, abandoned=abandoned)], OWNER)

    for field in fields_of(dialled.lead):
        assert (only(floor.store, field).marks, only(floor.store, field).minutes) == (marks, 1)


@pytest.mark.parametrize(
    ("disposition", "marks"),
    [(Disposition.MACHINE, E | Mark.MACHINE), (Disposition.CONNECTED, E | IN_DOUBT)],
)
def test_a_known_machine_that_nobody_took_is_marked(
    floor: Floor, end: Callable[..., Settlement], disposition: Disposition, marks: Mark
) -> None:
    """Where an agent talked, the detector may have been wrong: a conversation, until the agent says otherwise."""
    floor.fill(1)
    (dialled,) = floor.dial()
    ended = end(dialled, disposition, kind=AnswerKind.MACHINE)
    bridged_at = ended.bridged_at if disposition is Disposition.CONNECTED else None

    settle.settle(floor.store, [replace(ended, bridged_at=bridged_at)], OWNER)

    assert only(floor.store, fields_of(dialled.lead)[0]).marks == marks


def test_who_pressed_the_opt_out_key_refused(floor: Floor, end: Callable[..., Settlement]) -> None:
    """The number is blocked; the customer's other numbers have a refusal on the account."""
    floor.fill(1, customer_id="C-1")
    (dialled,) = floor.dial()
    ended = end(dialled, Disposition.ABANDONED, Close("done"), live=True, abandoned=True)

    settle.settle(floor.store, [replace(ended, opted_out=True)], OWNER)

    assert only(floor.store, "c:C-1").marks == E | Mark.CONNECTED | Mark.ABANDONED | Mark.REFUSED


def test_an_uncharged_attempt_is_given_back_for_everybody(floor: Floor, end: Callable[..., Settlement]) -> None:
    """No INVITE left: nobody was called."""
    floor.fill(1, customer_id="C-1", account_id="A-1")
    (dialled,) = floor.dial()

    settle.settle(floor.store, [end(dialled, Disposition.NOT_SENT, charged=False)], OWNER)

    assert [contacts.history(floor.store, field) for field in fields_of(dialled.lead)] == [(), (), ()]


@pytest.mark.parametrize(
    ("said", "marks"),
    [
        ({"outcome": "machine"}, E | Mark.MACHINE),
        ({"outcome": "refused"}, E | IN_DOUBT | Mark.REFUSED),
        ({"outcome": "complaint"}, E | IN_DOUBT | Mark.REFUSED),
        ({"outcome": "sale", "opt_out": True}, E | IN_DOUBT | Mark.REFUSED),
        ({"outcome": "sale"}, E | IN_DOUBT),
    ],
)
def test_an_outcome_is_marked(
    floor: Floor, end: Callable[..., Settlement], said: dict[str, object], marks: Mark
) -> None:
    """What the agent or the CRM says later counts in the caps."""
    floor.fill(1, customer_id="C-1")
    (dialled,) = floor.dial()
    settle.settle(floor.store, [end(dialled, live=True)], OWNER)

    attempt = dialled.permit.attempt
    outcome = inbox.Outcome(floor.name, attempt, **said)  # type: ignore[arg-type]
    inbox.apply(floor.store, [inbox.Received("1-0", outcome)], now=NOW + 90)

    assert [only(floor.store, field).marks for field in fields_of(dialled.lead)] == [marks, marks]


def test_a_lead_counts_for_its_number_customer_and_account() -> None:
    """In this order, which is the order of reserving."""
    lead = Lead("L", "spring", (number(0), number(1)), number_index=1, customer_id="C", account_id="A")
    assert fields_of(lead) == (digits(number(1)), "c:C", "a:A")
    assert fields_of(Lead("L", "spring", (number(0),))) == (digits(number(0)),)


def test_a_number_with_four_attempts_costs_little_memory(store: Store) -> None:
    """At most 200 bytes of the server's memory, in the hashes as they are spread."""
    chance = random.Random(1)
    fields = [digits(number(chance.randrange(100_000_000))) for _ in range(20_000)]
    raw = repacked([Contact(int(NOW), marks=Mark.ENDED)] * 4)
    before = _used(store)
    trip(store, [("HSET", contacts.spot(store, field).key, field, raw) for field in fields])

    assert 30 < (_used(store) - before) / len(fields) < 200


def _used(store: Store) -> int:
    lines = trip(store, [("INFO", "memory")])[0].decode().splitlines()
    return int(next(line for line in lines if line.startswith("used_memory:")).split(":")[1])
