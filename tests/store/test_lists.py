"""Lists: what came together, where it is now, and taking it back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dialer.core.model import Disposition, Retry, Settlement
from dialer.store.base.connection import trip
from dialer.store.leads import lists
from dialer.store.leads.bulk.selection import Filter, chosen
from dialer.store.leads.lists import Import, Intake, TakenBack, Tally
from dialer.store.leads.rejections import rejections
from dialer.store.operators.status import counts
from dialer.store.settlement import settle
from tests.crm_events import heard
from tests.store.conftest import NOW, OWNER, Floor, number


def fill(floor: Floor, list_name: str, first: int, how_many: int) -> None:
    ids = range(first, first + how_many)
    floor.add(*({"lead_id": f"L{i}", "phone": number(i).clear, "list": list_name} for i in ids))
    floor.take_in()


def tallies(floor: Floor) -> dict[str, Tally]:
    total: dict[str, Tally] = {}
    for part in lists.tallies(floor.store, floor.name):
        lists.add(total, part)
    return total


def take_back(floor: Floor, name: str) -> TakenBack:
    *_, done = lists.take_back(floor.store, floor.name, name, NOW, who="ann")
    return done


def test_leads_are_counted_by_list_and_place(floor: Floor, end: Callable[..., Settlement]) -> None:
    """In every place where a lead can be, and whether it was called and an agent talked to it."""
    fill(floor, "march", 0, 300)
    fill(floor, "", 1000, 5)
    dialled = floor.dial(4)
    settle.settle(
        floor.store,
        [
            end(dialled[0], Disposition.CONNECTED, live=True),
            end(dialled[1], Disposition.BUSY, step=Retry(900.0, 0)),
        ],
        OWNER,
    )

    known = tallies(floor)

    assert known["stream"] == Tally(leads=5, due=5)
    march = known["march"]
    assert (march.leads, march.closed, march.waiting, march.in_attempt) == (300, 1, 1, 2)
    assert march.due + march.waiting + march.leased + march.in_attempt + march.closed == 300
    assert (march.tried, march.connected) == (2, 1)
    assert march.penetration == pytest.approx(2 / 300)


def test_what_came_in_is_known_by_list(floor: Floor) -> None:
    """By the counters of intake, whatever became of the leads."""
    fill(floor, "march", 0, 3)
    fill(floor, "march", 2, 2)

    assert lists.intakes(floor.store, floor.name) == {"march": Intake(accepted=4, rejected=1)}


def test_imports_are_kept_once_for_each_file_and_list(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same file again takes the place of the first time; there is a limit; what cannot be read is left out."""
    first = Import("march", "march.csv", "UTF-8, commas", "wang", "li@desk", NOW, rows=3, reasons={"phone: empty": 2})
    monkeypatch.setattr(lists, "MAX_LISTS", 2)
    lists.record(floor.store, floor.name, "aa", Import("april", "april.csv", "", "wang", "li@desk", NOW + 1))
    lists.record(floor.store, floor.name, "bb", Import("march", "march.csv", "", "wang", "li@desk", NOW - 9))
    lists.record(floor.store, floor.name, "bb", first)
    lists.record(floor.store, floor.name, "cc", Import("one too many", "x", "", "wang", "li@desk", NOW))

    assert next(iter(lists.imports(floor.store, floor.name).items())) == ("bb@march", first)
    assert [each.list_name for each in lists.imports(floor.store, floor.name).values()] == ["march", "april"]
    trip(floor.store, [("HSET", floor.store.keys.imports(floor.name), "dd@x", b"\xc1")])
    assert len(lists.imports(floor.store, floor.name)) == 2


def test_why_leads_of_a_list_were_rejected(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that the CRM sent; counted without what differs by lead, over as many pages as there are."""
    monkeypatch.setattr("dialer.store.leads.rejections.PAGE", 2)
    floor.add(*({"lead_id": f"B{i}", "phone": "123", "list": "march"} for i in range(5)))
    floor.add({"lead_id": "other", "phone": "123"})
    fill(floor, "march", 0, 1)
    floor.add({"lead_id": "twin", "phone": number(0).clear, "list": "march"})
    floor.take_in()

    reasons, examples = rejections(floor.store, floor.name, "march")

    assert reasons == {"phone: too short": 5, "phone: is in the campaign already": 1}
    assert examples["phone: too short"] == ["B0", "B1", "B2"]
    assert rejections(floor.store, floor.name, "stream")[0] == {"phone: too short": 1}


def test_a_list_is_taken_back(floor: Floor, end: Callable[..., Settlement]) -> None:
    """All its leads but those in a call, which are closed then and deleted the next time; no other list's. Nothing
    comes into it any more, and the books still add up."""
    fill(floor, "march", 0, 50)
    fill(floor, "april", 100, 20)
    dialled = floor.dial(1)[0]

    done = take_back(floor, "march")

    assert (done.deleted, done.held) == (49, 1)
    (event,) = [event for event in heard(floor.store) if event.kind == "leads_deleted"]
    assert (len(event.data["lead_ids"]), event.data["list"], event.data["who"]) == (49, "march", "ann")
    assert {name: tally.leads for name, tally in tallies(floor).items()} == {"march": 1, "april": 20}
    fill(floor, "march", 200, 3)
    assert lists.intakes(floor.store, floor.name)["march"] == Intake(50, 3, taken_back_at=NOW)

    settle.settle(floor.store, [end(dialled, Disposition.BUSY, step=Retry(900.0, 0))], OWNER)
    assert tallies(floor)["march"].closed == 1
    assert take_back(floor, "march") == TakenBack(deleted=1, held=0)
    standing = counts(floor.store, floor.name, NOW)
    assert (standing.stored, standing.accepted - standing.deleted) == (20, 20)


def test_what_is_there_already_is_known_before_an_import(floor: Floor) -> None:
    """Which ids, and who has which number."""
    fill(floor, "march", 0, 2)

    known, holders = lists.taken(floor.store, floor.name, ["L0", "L9"], [number(1).clear[1:], number(9).clear[1:]])

    assert (known, holders) == ([True, False], ["L1", ""])
    assert lists.taken(floor.store, floor.name, [], []) == ([], [])


def test_leads_are_chosen_by_their_list(floor: Floor) -> None:
    """For every command that changes or exports leads."""
    fill(floor, "march", 0, 3)
    fill(floor, "", 10, 2)

    def ids(name: str) -> set[str]:
        return {seen.lead_id for seen in chosen(floor.store, floor.name, Filter(list_name=name))}

    assert ids("march") == {"L0", "L1", "L2"}
    assert ids("stream") == {"L10", "L11"}
    assert len(ids("")) == 5
