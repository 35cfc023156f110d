"""Erasing one person: what goes, what stays, and that nobody calls them in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from compliance.api import Refusal, Rule
from compliance.blocks import BlockKind, Target
from compliance.numbers import E164
from dialer.core.inputs import Permitted, Refused
from dialer.core.model import Settlement
from dialer.store.base.connection import Store, trip
from dialer.store.base.keys import digits
from dialer.store.crm import inbox
from dialer.store.gate import contacts
from dialer.store.leads import intake, leads
from dialer.store.leads.leads import LeadState
from dialer.store.operators import campaigns
from dialer.store.privacy import blocklist, erase, erasures
from dialer.store.privacy.erasures import Erasure
from dialer.store.settlement.outbox import CrmEvent, publish
from dialer.store.settlement.settle import settle, settle_put_off
from tests.crm_events import heard
from tests.store.conftest import NOW, OWNER, Floor, number

HER = number(1)


def request(**changes: Any) -> Erasure:
    return Erasure(**({"id": "E1", "at": NOW + 60, "who": "ann", "reason": "art. 47", "asked": HER} | changes))


def everything(store: Store) -> bytes:
    """All keys and values of the server, but for the no-call list, the histories, what waits to go on record, and by
    which number hosts delete recordings."""
    found: list[bytes] = []
    commands = {b"hash": "HGETALL", b"stream": "XRANGE", b"zset": "ZRANGE", b"set": "SMEMBERS", b"string": "GET"}
    for key in trip(store, [("KEYS", "*")])[0]:
        if b":blocked" in key or b":h:" in key or b"erasures" in key or key.endswith(b"recordings:erased"):
            continue
        command = commands[trip(store, [("TYPE", key)])[0]]
        bounds = {"XRANGE": ("-", "+"), "ZRANGE": (0, -1)}.get(command, ())
        found.append(repr(trip(store, [(command, key, *bounds)])[0]).encode())
    return b"\n".join(found)


@pytest.fixture
def autumn(floor: Floor) -> Floor:
    """Another campaign in the same store."""
    settings = floor.settings.model_copy(update={"name": "autumn"})
    campaigns.create(floor.store, settings, who="test", now=NOW)
    return replace(floor, settings=settings)


def her(lead_id: str, **more: Any) -> dict[str, Any]:
    return {"lead_id": lead_id, "phone": HER.clear, "name": "Wang Fang", "attrs": {"address": "Long Lane 3"}, **more}


NAMES = ("spring", "autumn")


def test_everything_of_a_person_goes_from_all_campaigns(
    floor: Floor, autumn: Floor, end: Callable[..., Settlement]
) -> None:
    """Leads, attempts, notes, events, rejected copies, and what was not taken in yet; others keep theirs."""
    store = floor.store
    floor.add(her("S1", customer_id="C1"), {"lead_id": "S2", "phone": number(2).clear, "name": "Other"})
    floor.add(her("S3"))  # a duplicate, so it is rejected
    autumn.add(her("A1"))
    floor.take_in()
    autumn.take_in()
    (dialled, other) = sorted(floor.dial(2), key=lambda one: one.lead.lead_id)
    settle(store, [end(dialled), end(other)], OWNER)
    note = inbox.Outcome("spring", dialled.permit.attempt, "refused", note="Wang Fang is angry")
    inbox.apply(store, [inbox.Received("1-0", note)], now=NOW)
    publish(store, [CrmEvent("connected", "X", "spring", NOW, {"lead_id": "S1", "name": "Wang Fang"})])
    floor.add(her("S4", phone="138-0000 0001"))

    after = erase.erase(store, request(), NAMES)

    assert dict(after.done) == {"queued": 1, "rejected": 1, "leads": 2, "events": 2}
    assert after.leads == ()
    left = everything(store)
    assert not any(word in left for word in (b"Wang Fang", b"Long Lane", digits(HER).encode(), b"138-0000", b"angry"))
    assert b"Other" in left
    (kept,) = trip(store, [("XRANGE", store.keys.recordings_erased(), "-", "+")])[0]
    assert not any(word in repr(kept).encode() for word in (b"Wang Fang", b"Long Lane", b"S1", b"angry"))
    assert [row.lead_id for row in leads.page(store, "spring")[0]] == ["S2"]
    assert floor.take_in().read == 0


def test_what_is_kept_is_a_bare_block_and_the_history(floor: Floor) -> None:
    """The reason of an earlier block, and blocks of single campaigns, go; attempts are still counted."""
    store, target = floor.store, Target(BlockKind.NUMBER, digits(HER))
    floor.add(her("S1"))
    floor.take_in()
    floor.dial(1)
    for one in (target, replace(target, campaign="spring")):
        blocklist.add(store, [one.block(source="complaint", reason="Wang Fang shouted", who="17", at=NOW)])

    erase.erase(store, request(), NAMES)

    (block,) = blocklist.check(store, target, NAMES, now=NOW + 61)
    assert (block.source, block.reason, block.who, block.until) == ("erased", "", "ann", None)
    assert len(contacts.history(store, digits(HER))) == 1


def test_the_history_goes_too_if_wanted(floor: Floor, end: Callable[..., Settlement]) -> None:
    """Of the number, once no attempt to it is open."""
    store = floor.store
    floor.add(her("S1"))
    floor.take_in()
    settle(store, [end(one) for one in floor.dial(1)], OWNER)

    after = erase.erase(store, request(also_history=True), NAMES)

    assert after.done["histories"] == 1
    assert contacts.history(store, digits(HER)) == ()


def test_a_leased_lead_is_not_dialled(floor: Floor) -> None:
    """Whoever holds it gets no permit: the number is blocked, the lease is gone."""
    floor.add(her("S1"))
    floor.take_in()
    held = floor.lease(1)

    erase.erase(floor.store, request(), NAMES)

    (answer,) = floor.screen(held, now=NOW + 61)
    assert isinstance(answer, Refused)
    assert answer.refusal.rule in (Rule.BLOCKLIST, Rule.LEASE_LOST)


def test_a_call_in_progress_ends_and_then_the_lead_goes(floor: Floor, end: Callable[..., Settlement]) -> None:
    """It is closed by its end, whatever the retry table says, and deleted by `finish`, with the events of the call."""
    store = floor.store
    floor.add(her("S1"))
    floor.take_in()
    (dialled,) = floor.dial(1)

    first = erase.erase(store, request(), NAMES)
    assert first.leads == (("spring", "S1"),)
    assert leads.story(store, "spring", "S1").row.state is LeadState.IN_ATTEMPT
    settle(store, [end(dialled)], OWNER)
    assert leads.story(store, "spring", "S1").row.state is LeadState.CLOSED
    last = erase.finish(store, first)

    assert (last.leads, last.done["leads"]) == ((), 1)
    assert b"Wang Fang" not in everything(store)
    assert not [entry for entry in _events(store) if entry.get("lead_id") == "S1"]


def test_an_end_that_waits_for_a_damaged_key_keeps_the_bare_number(
    floor: Floor, end: Callable[..., Settlement]
) -> None:
    """It is written when the key is mended, and tells nothing more of the person."""
    store, key = floor.store, floor.store.keys.due(floor.name)
    floor.add(her("L0"))
    floor.take_in()
    dialled = floor.dial()[0]
    trip(store, [("SET", key, "x")])
    settle(store, [end(dialled, live=True)], OWNER)
    trip(store, [("HSET", store.keys.unwritten(), "junk", f"xx {HER.clear}"), ("DEL", key)])

    done = erase.erase(store, request(), (floor.name,))

    waiting = trip(store, [("HGETALL", store.keys.unwritten())])[0]
    assert (done.done["unwritten"], waiting[0]) == (2, b"A0")
    assert b"Wang" not in waiting[1]
    assert settle_put_off(store) == 1
    assert [event["disposition"] for event in _events(store)] == ["connected"]


def _events(store: Store) -> list[dict[str, Any]]:
    return [event.data for event in heard(store)]


def test_a_customer_is_erased_with_all_numbers(floor: Floor, autumn: Floor) -> None:
    """By the CRM's id: every lead of theirs, every number of those blocked, and the id itself."""
    store = floor.store
    floor.add({"lead_id": "S1", "phones": [number(1).clear, number(2).clear], "customer_id": "C1"})
    floor.add({"lead_id": "S2", "phone": number(3).clear, "customer_id": "C11", "attrs": {"friend": "C1"}})
    autumn.add({"lead_id": "A1", "phone": number(4).clear, "customer_id": "C1"})
    floor.take_in()
    autumn.take_in()

    after = erase.erase(store, request(asked=None, customer="C1"), NAMES)

    assert after.done["leads"] == 2
    assert [row.lead_id for row in leads.page(store, "spring")[0]] == ["S2"]
    for one in (1, 2, 4):
        assert blocklist.check(store, Target(BlockKind.NUMBER, digits(number(one))), now=NOW + 61)
    assert blocklist.check(store, Target(BlockKind.CUSTOMER, "C1"), now=NOW + 61)
    assert not blocklist.check(store, Target(BlockKind.NUMBER, digits(number(3))), now=NOW + 61)


def test_an_entry_that_a_daemon_has_read_is_not_taken_in(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon had it in hand when the person was erased."""
    store = floor.store
    floor.add(her("S1"))
    real = intake.trip

    def erased_meanwhile(store: Store, calls: Any) -> list[Any]:
        if getattr(calls[0], "name", "") == "accept":
            monkeypatch.setattr(intake, "trip", real)
            erase.erase(store, request(), NAMES)
        return real(store, calls)

    monkeypatch.setattr(intake, "trip", erased_meanwhile)

    assert floor.take_in().accepted == 0
    assert leads.page(store, "spring")[0] == ()


def test_what_is_found_is_told_before(floor: Floor) -> None:
    """Leads, numbers, customers and attempts, masked."""
    floor.add(her("S1", customer_id="C1"))
    floor.take_in()
    floor.dial(1)

    found = erase.find(floor.store, NAMES, number=HER)

    (lead,) = found.leads
    assert (lead.campaign, lead.lead_id, lead.in_attempt, lead.came_in_at) == ("spring", "S1", True, NOW)
    assert (found.numbers, found.customers) == ((HER,), ("C1",))
    assert dict(found.contacts) == {"+86138****0001": 1}
    assert erase.find(floor.store, NAMES, number=E164("+8613911112222")).leads == ()


def test_an_erasure_waits_until_it_is_on_record(store: Store) -> None:
    """It comes back as it was saved, and is forgotten by itself only then."""
    one = request(numbers=(HER,), leads=(("spring", "S1"),), done={"leads": 2}, since=NOW, complete=True)
    erasures.save(store, one)
    erasures.save(store, request(id="E2", at=NOW, asked=None, customer="C1"))

    assert erasures.waiting(store) == (request(id="E2", at=NOW, asked=None, customer="C1"), one)
    erasures.forget(store, one)
    assert [each.id for each in erasures.waiting(store)] == ["E2"]


def test_a_refusal_is_for_good(floor: Floor) -> None:
    """The person may be loaded again by the next list, and is not called."""
    erase.erase(floor.store, request(), NAMES)
    floor.add(her("S9"))
    floor.take_in(NOW + 90)

    (answer,) = floor.screen(floor.lease(1, NOW + 90), now=NOW + 90)

    assert not isinstance(answer, Permitted)
    assert isinstance(answer.refusal, Refusal)
    assert (answer.refusal.rule, answer.refusal.until) == (Rule.BLOCKLIST, None)
