"""What CRMs asked for in a time that the server forgot is carried out again, once, and nobody is answered twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from compliance.blocks import of_number
from dialer.core.model import Settlement
from dialer.disk.journal import Row
from dialer.store.base.connection import Store, trip
from dialer.store.crm import inbox, told_again
from dialer.store.crm.told_again import ASKED, Heard, Recorder
from dialer.store.leads.history import read_history
from dialer.store.leads.leads import LeadState, story
from dialer.store.operators import status
from dialer.store.privacy import blocklist
from dialer.store.settlement.retelling import retell
from dialer.store.settlement.settle import settle
from tests.crm_events import heard
from tests.store.conftest import NOW, OWNER, Floor, number
from tests.store.test_retelling import all_of, permits, put_back

End = Callable[..., Settlement]


def ask(store: Store, *requests: dict[str, Any], ms: int = 1_772_500_100_000) -> list[Row]:
    """The CRM asks from a moment on (milliseconds), a daemon carries it out; the rows of its journal."""
    for index, request in enumerate(requests):
        trip(store, [("XADD", store.keys.crm_in(), f"{ms + index}-0", "json", json.dumps(request))])
    received = inbox.read(store, OWNER, 100, 0)
    rows = Recorder().rows(received, "", 0.0)
    inbox.apply(store, received, now=(ms + len(requests)) / 1000)
    return rows


def tell(store: Store, rows: Sequence[Row], *, last: bool = False) -> Heard:
    return told_again.tell(store, rows, now=NOW + 200, shortest_prefix=5, default_region="CN", last=last)


def word(outcome: str, **more: Any) -> dict[str, Any]:
    return {"type": "outcome", "campaign": "spring", "attempt_id": "A0", "outcome": outcome, **more}


def block(verb: str, index: int) -> dict[str, Any]:
    return {"type": verb, "number": number(index).clear, "who": "crm"}


def talked(floor: Floor, end: End) -> list[Row]:
    """A lead that was talked to: A0. Its permit, as the journal has it."""
    floor.fill(3)
    dialled = floor.dial(1)
    settle(floor.store, [end(dialled[0], live=True)], OWNER)
    return permits(floor, dialled)


def outcomes(store: Store) -> dict[str, int]:
    """The counters, and how often it stands in the lead's story."""
    counted = status.counts(store, "spring", NOW).outcomes
    return {name: count for name, count in counted.items() if count}


def test_what_was_said_and_asked_is_there_again(floor: Floor, end: End) -> None:
    """Outcomes with their opt-outs, blocks, cancelled leads; the answers are not repeated."""
    talked(floor, end)
    was = all_of(floor.store)
    rows = ask(
        floor.store,
        word("complaint", agent="17"),
        block("block", 50),
        {"type": "cancel", "campaign": "spring", "lead_id": "L2", "who": "crm"},
        {"type": "query", "campaign": "spring", "lead_id": "L2"},
    )
    assert len(rows) == 3
    assert len(heard(floor.store, "lead_status")) == 2
    put_back(floor.store, was)

    told = tell(floor.store, rows)

    assert (told.done, told.there, told.early) == (3, 0, [])
    assert outcomes(floor.store) == {"complaint": 1}
    assert blocklist.check(floor.store, of_number(number(0)), now=NOW)
    assert blocklist.check(floor.store, of_number(number(50)), now=NOW)
    assert story(floor.store, "spring", "L2").row.state is LeadState.CLOSED
    assert not heard(floor.store, "lead_status", "refused")


def test_what_is_known_is_not_done_twice(floor: Floor, end: End) -> None:
    """Nor does an older word take the place of a newer one, whichever host it was told by."""
    talked(floor, end)
    first = ask(floor.store, word("machine"))
    second = ask(floor.store, word("sale"), ms=1_772_500_110_000)
    before = trip(floor.store, [("HGET", floor.store.keys.story("spring"), "L0")])[0]

    told = tell(floor.store, second)
    late = tell(floor.store, first)

    assert (told.done, told.there, late.done, late.there) == (0, 1, 0, 1)
    assert outcomes(floor.store) == {"sale": 1}
    assert trip(floor.store, [("HGET", floor.store.keys.story("spring"), "L0")])[0] == before
    assert len(read_history(before).words) == 2


def test_a_correction_that_was_forgotten_takes_the_place_of_what_was_not(floor: Floor, end: End) -> None:
    """The server has the first word only."""
    talked(floor, end)
    first = ask(floor.store, word("machine"))
    was = all_of(floor.store)
    second = ask(floor.store, word("sale"), ms=1_772_500_110_000)
    put_back(floor.store, was)

    assert tell(floor.store, [*first, *second]).done == 1
    assert outcomes(floor.store) == {"sale": 1}


def test_a_word_on_an_attempt_of_another_host_waits_for_it(floor: Floor, end: End) -> None:
    """Until that host has told of the attempt; where it does not come the word comes to nothing."""
    floor.fill(3)
    was = all_of(floor.store)
    dialled = floor.dial(1)
    permit = permits(floor, dialled)
    settle(floor.store, [end(dialled[0], live=True)], OWNER)
    rows = ask(floor.store, word("sale"))
    put_back(floor.store, was)

    told = tell(floor.store, rows)
    assert (told.done, told.early) == (0, rows)
    assert tell(floor.store, rows, last=True).done == 0
    retell(floor.store, permit, OWNER, NOW)
    settle(floor.store, [end(dialled[0], live=True)], OWNER)

    assert tell(floor.store, told.early, last=True).done == 1
    assert outcomes(floor.store) == {"sale": 1}


def test_blocks_and_unblocks_end_as_they_ended(floor: Floor) -> None:
    """By the time at which they were asked for; a block that came after it stays."""
    was = all_of(floor.store)
    rows = ask(floor.store, block("block", 1), block("unblock", 1), block("block", 2))
    put_back(floor.store, was)
    newer = of_number(number(1)).block(source="operator", reason="", who="x", at=1_772_500_105.0)
    blocklist.add(floor.store, [newer])

    tell(floor.store, rows)

    assert [one.source for one in blocklist.check(floor.store, of_number(number(1)), now=NOW)] == ["operator"]
    assert blocklist.check(floor.store, of_number(number(2)), now=NOW)


def test_what_cannot_be_read_is_left_out(floor: Floor) -> None:
    """Rows of another release, or of a hand."""
    for data in (None, 5, {"crm": "", "entry": "x", "fields": []}, {"crm": "", "entry": "1-0", "fields": [[1, 2]]}):
        assert tell(floor.store, [Row(ASKED, data)]).unreadable == 1
    assert tell(floor.store, [Row(ASKED, {"crm": "", "entry": "1-0", "fields": []})]).done == 0


def test_a_flood_of_requests_leaves_the_journal_to_calls() -> None:
    """So many bytes a second, and no more."""
    recorder = Recorder()
    request = inbox.BlockRequest(of_number(number(1)), True, "crm", "", "x")
    entry = inbox.Received("1-0", request, fields={b"json": b"x" * 8_000})

    rows = recorder.rows([entry] * 1_000, "", 0.0)
    assert len(rows) == 249
    assert recorder.left_out == 751
    assert len(recorder.rows([entry] * 1_000, "", 1.0)) == 13
