"""Intake: from the campaign's stream to due leads or the rejected."""

from __future__ import annotations

import json
import threading
from typing import Any

import msgpack
import pytest

from compliance.api import Per
from compliance.numbering import plans
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import StreamFull, UnknownCampaign
from dialer.store.base.streams import GROUP, IDLE_MS, entries_of
from dialer.store.crm.requests import BlockRequest, parse_request
from dialer.store.gate.gate import Permitted
from dialer.store.leads import intake
from dialer.store.operators.status import counts
from tests.store.conftest import NOW, OWNER, Floor, number


def rejected(floor: Floor) -> list[dict[str, Any]]:
    entries = entries_of(trip(floor.store, [("XRANGE", floor.store.keys.rejected(floor.name), "-", "+")])[0])
    return [{name.decode(): value for name, value in entry.fields.items()} for entry in entries]


def test_good_leads_become_due(floor: Floor) -> None:
    """A lead without fault is due at once and gone from the stream."""
    floor.add({"lead_id": "L1", "phone": "138 0000 1234", "name": "王芳", "attrs": {"vip": True}})

    report = floor.take_in()

    assert (report.read, report.accepted, report.rejected) == (1, 1, 0)
    lead = floor.lease()[0]
    assert (lead.lead_id, lead.number.clear, lead.name, lead.attrs) == ("L1", "+8613800001234", "王芳", {"vip": True})
    assert trip(floor.store, [("XLEN", floor.store.keys.leads(floor.name))]) == [0]
    assert trip(floor.store, [("XPENDING", floor.store.keys.leads(floor.name), GROUP)])[0][0] == 0


def test_a_bad_lead_is_kept_as_it_came_with_every_reason(floor: Floor) -> None:
    """The rejected stream has the payload, byte for byte, and all faults at once."""
    raw = msgpack.packb({"lead_id": 7, "phone": "123", "colour": "red"})
    trip(floor.store, [("XADD", floor.store.keys.leads(floor.name), "*", "lead", raw)])

    report = floor.take_in()

    assert (report.accepted, report.rejected) == (0, 1)
    entry = rejected(floor)[0]
    assert entry["lead"] == raw
    reasons = json.loads(entry["reasons"])
    assert [reason.split(":")[0] for reason in reasons] == ["lead_id", "phone", "unknown field 'colour'"]


def test_a_lead_without_the_id_that_a_cap_counts_per_is_rejected_at_once(floor: Floor) -> None:
    """Not only at the gate, where the CRM would hear of it when the lead is closed."""
    floor.add({"lead_id": "L1", "phone": "13800001234"}, {"lead_id": "L2", "phone": "13800001235", "account_id": "A-1"})

    report = intake.take_in(floor.store, floor.name, OWNER, NOW, 10, ids_needed={Per.ACCOUNT})

    assert (report.accepted, report.rejected) == (1, 1)
    assert json.loads(rejected(floor)[0]["reasons"]) == [
        "account_id: missing, and a cap of the campaign counts per account"
    ]


def test_an_entry_of_unknown_fields_is_kept_too(floor: Floor) -> None:
    """What has neither `lead` nor `json` is rejected under other names."""
    trip(floor.store, [("XADD", floor.store.keys.leads(floor.name), "*", "phone", "13800001234")])

    floor.take_in()

    assert rejected(floor)[0]["other:phone"] == b"13800001234"


def test_duplicates_are_rejected_with_both_reasons(floor: Floor) -> None:
    """A lead id and a number are taken once in a campaign, in one batch and across batches."""
    one = {"lead_id": "L1", "phone": number(1).clear}
    floor.add(one, one, {"lead_id": "L2", "phones": [number(2).clear, number(1).clear]})

    report = floor.take_in()

    assert (report.accepted, report.rejected) == (1, 2)
    assert [len(json.loads(entry["reasons"])) for entry in rejected(floor)] == [2, 1]
    assert "phones[1]: is in the campaign already, in lead L1" in rejected(floor)[1]["reasons"].decode()


def test_what_a_dead_consumer_read_is_taken_over_once(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries read and not handled come back, and are accepted once."""
    floor.add(*({"lead_id": f"L{i}", "phone": number(i).clear} for i in range(3)))
    stream = floor.store.keys.leads(floor.name)
    trip(floor.store, [("XGROUP", "CREATE", stream, GROUP, "0")])
    trip(floor.store, [("XREADGROUP", "GROUP", GROUP, "dead:1", "COUNT", 2, "STREAMS", stream, ">")])
    assert floor.take_in().accepted == 1, "the dead one's entries are not idle for long enough yet"
    monkeypatch.setattr("dialer.store.base.streams.IDLE_MS", 0)

    assert floor.take_in().accepted == 2
    assert floor.take_in().read == 0
    assert IDLE_MS > 0


def test_the_same_entry_seen_twice_is_no_duplicate(floor: Floor) -> None:
    """A crash between accepting and acknowledging leaves neither a duplicate nor a rejected lead."""
    stream = floor.store.keys.leads(floor.name)
    payload = msgpack.packb({"lead_id": "L1", "phone": number(1).clear})
    for _ in range(2):  # the second time as if the first acknowledgement had never been kept
        trip(floor.store, [("DEL", stream), ("XADD", stream, "5-1", "lead", payload)])
        report = floor.take_in()

    assert (report.read, report.accepted, report.rejected) == (1, 0, 0)
    assert trip(floor.store, [("XLEN", stream)]) == [0]
    assert counts(floor.store, floor.name, NOW).accepted == 1


def test_many_consumers_accept_each_lead_once(floor: Floor) -> None:
    """Daemons that take in at the same time share the stream without loss or repetition."""
    floor.add(*({"lead_id": f"L{i}", "phone": number(i).clear} for i in range(400)))
    reports: list[intake.IntakeReport] = []

    def work(consumer: str) -> None:
        for _ in range(20):
            reports.append(intake.take_in(floor.store, floor.name, consumer, NOW, 25))

    threads = [threading.Thread(target=work, args=(f"host:{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(report.accepted for report in reports) == 400
    assert counts(floor.store, floor.name, NOW).due == 400


def test_a_lead_for_later_waits(floor: Floor) -> None:
    """`not_before` is respected to the second."""
    floor.add({"lead_id": "L1", "phone": number(1).clear, "not_before": NOW + 100})
    floor.take_in()

    assert floor.lease(now=NOW + 99.9) == ()
    assert [lead.lead_id for lead in floor.lease(now=NOW + 100)] == ["L1"]


def test_adding_stops_at_the_limit(floor: Floor) -> None:
    """Above the stream's limit the importer is told how far it came."""
    entries = [{"lead_id": f"L{i}", "phone": number(i).clear} for i in range(20)]

    with pytest.raises(StreamFull) as caught:
        intake.enqueue(floor.store, floor.name, entries, limit=12)

    assert caught.value.added == 12
    floor.take_in()
    assert intake.enqueue(floor.store, floor.name, entries[12:], limit=12) == 8


def test_intake_needs_a_campaign(store: Store) -> None:
    """The error names the campaigns that exist."""
    with pytest.raises(UnknownCampaign, match="none yet"):
        intake.take_in(store, "nothing", OWNER, NOW, 10)


def lists(floor: Floor) -> dict[bytes, bytes]:
    flat = trip(floor.store, [("HGETALL", floor.store.keys.lists(floor.name))])[0]
    return dict(zip(flat[::2], flat[1::2], strict=True))


def test_leads_are_counted_by_the_list_that_they_came_with(floor: Floor) -> None:
    """Also the rejected ones, whose copies name it; leads without a list came from the stream."""
    floor.add(
        {"lead_id": "L1", "phone": number(1).clear, "list": "三月客户"},
        {"lead_id": "L2", "phone": "123", "list": "三月客户"},
        {"lead_id": "L3", "phone": number(1).clear, "list": "三月客户"},
        {"lead_id": "L4", "phone": number(4).clear},
        {"lead_id": "L5", "phone": number(5).clear, "list": "stream"},
    )

    floor.take_in()

    assert lists(floor) == {
        "accepted:三月客户".encode(): b"1",
        "rejected:三月客户".encode(): b"2",
        b"accepted:stream": b"2",
    }
    assert {entry["list"].decode() for entry in rejected(floor)} == {"三月客户"}
    assert {lead.lead_id: lead.list_name for lead in floor.lease(10)} == {"L1": "三月客户", "L4": "", "L5": ""}


def test_nothing_comes_into_a_list_that_was_taken_back(floor: Floor) -> None:
    """What still waited in the stream is rejected with the reason."""
    trip(floor.store, [("HSET", floor.store.keys.lists(floor.name), "taken_back_at:old", NOW)])
    floor.add({"lead_id": "L1", "phone": number(1).clear, "list": "old"})

    assert floor.take_in().rejected == 1
    assert "list: it was taken back" in rejected(floor)[0]["reasons"].decode()


def test_a_campaign_has_only_so_many_lists(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that makes up a list for each lead is stopped, and the lists that are there go on."""
    monkeypatch.setattr(intake, "MAX_LISTS", 1)
    floor.add(*({"lead_id": f"L{i}", "phone": number(i).clear, "list": f"list {i}"} for i in range(5)))
    floor.add({"lead_id": "more", "phone": number(9).clear, "list": "list 0"})

    report = floor.take_in()

    assert (report.accepted, report.rejected) == (4, 2)
    assert len(lists(floor)) <= 4
    assert "too many lists" in rejected(floor)[0]["reasons"].decode()


def test_a_range_that_the_operator_allows_is_taken_in_and_dialled(floor: Floor) -> None:
    """Intake, the gates and the no-call list read the same numbers."""
    lead = {"lead_id": "L1", "phone": "14912345678"}
    floor.add(lead)
    assert floor.take_in().rejected == 1

    plans.also_valid(["+86149"])
    try:
        floor.add(lead)
        assert floor.take_in().accepted == 1
        assert [type(screened) for screened in floor.screen(floor.lease())] == [Permitted]
        block = b'{"type":"block","number":"149 1234 5678","who":"x"}'
        assert isinstance(parse_request("1-0", {b"json": block}, "CN").request, BlockRequest)
    finally:
        plans.also_valid(())
