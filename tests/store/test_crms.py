"""CRMs with streams of their own: each hears of its own campaigns, and is heard about them alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from compliance.blocks import BlockKind, Target, of_number
from config.campaign import CampaignSettings
from dialer.core.model import Settlement
from dialer.store.base.connection import Store, trip
from dialer.store.crm import crm_map, inbox, passing, readers
from dialer.store.crm.event_settings import EventSettings
from dialer.store.crm.fences import NUMBERS_ONLY, OWN_ONLY
from dialer.store.crm.readers import ReaderError
from dialer.store.leads import leads
from dialer.store.operators import campaigns
from dialer.store.privacy import blocklist, retention
from dialer.store.settlement.outbox import CrmEvent, from_wire, publish, to_wire
from dialer.store.settlement.settle import settle
from tests import crm_events
from tests.store.conftest import NOW, OWNER, Floor, number

CRMS = {"spring": "north", "autumn": "south", "winter": ""}


@pytest.fixture
def floors(store: Store, settings: CampaignSettings) -> dict[str, Floor]:
    """Three campaigns: two of CRMs of their own, one of the shared one; with the same leads."""
    made = {}
    for index, (name, crm) in enumerate(CRMS.items()):
        own = settings.model_copy(update={"name": name, "crm": crm})
        campaigns.create(store, own, who="test", now=NOW)
        made[name] = Floor(store, own)
        phones = (number(100 * index + i).clear for i in range(3))
        made[name].add(*({"lead_id": f"L{i}", "phone": phone} for i, phone in enumerate(phones)))
        made[name].take_in()
    return made


def heard(store: Store, crm: str) -> list[tuple[str, str, Any]]:
    """Kind, campaign and data of all events in the streams of a CRM."""
    return [(event.kind, event.data["campaign"], event.data) for event in crm_events.heard(store, crm=crm)]


def ask(store: Store, crm: str, *requests: dict[str, Any]) -> inbox.CrmReport:
    """A CRM writes into its stream, and a daemon reads it."""
    for request in requests:
        trip(store, [("XADD", store.keys.crm_in(crm), "*", "json", json.dumps(request))])
    received = inbox.read(store, OWNER, 100, 0, crm=crm)
    assert len(received) == len(requests)
    return inbox.apply(store, received, now=NOW, crm=crm)


def reasons(store: Store, crm: str) -> list[str]:
    return [reason for kind, _, data in heard(store, crm) if kind == "refused" for reason in data["reasons"]]


def test_each_crm_hears_of_its_own_campaigns(floors: dict[str, Floor], end: Callable[..., Settlement]) -> None:
    """Dispositions and events for screens, of whichever daemon; and the shared one of the rest."""
    store = floors["spring"].store
    for floor in floors.values():
        settle(store, [end(floor.dial()[0], live=True)], OWNER)
        publish(store, [CrmEvent("connected", "A0", floor.name, NOW, {"lead_id": "L0"})])

    for name, crm in CRMS.items():
        assert sorted(event[:2] for event in heard(store, crm)) == [("connected", name), ("disposition", name)]


def test_an_agent_s_event_goes_to_the_crms_of_the_agent_s_campaigns(floors: dict[str, Floor]) -> None:
    """An agent of two CRMs is each one's; one of no campaign is the shared one's."""
    store = floors["spring"].store
    publish(store, [CrmEvent("agent_state", "17@1", "", NOW, {"agent": "17"}, about=("spring", "autumn"))])
    publish(store, [CrmEvent("agent_state", "18@1", "", NOW, {"agent": "18"})])

    agents = {crm: [data["agent"] for *_, data in heard(store, crm)] for crm in CRMS.values()}
    assert agents == {"north": ["17"], "south": ["17"], "": ["18"]}


def test_an_event_keeps_its_way_on_disk() -> None:
    """Also one that waits in the spool of an outage."""
    for event in (
        CrmEvent("refused", "x", "", NOW, {}, crm="north"),
        CrmEvent("agent_state", "x", "", NOW, {}, about=("spring",)),
        CrmEvent("connected", "x", "spring", NOW, {}),
    ):
        assert from_wire(to_wire(event)) == event


ABOUT_OTHERS: list[dict[str, Any]] = [
    {"type": "cancel", "who": "x", "campaign": "autumn", "lead_id": "L1"},
    {"type": "update", "who": "x", "campaign": "autumn", "lead_id": "L1", "priority": 9},
    {"type": "query", "campaign": "autumn", "lead_id": "L1"},
    {"type": "campaign", "who": "x", "campaign": "autumn", "action": "pause"},
    {"type": "block", "who": "x", "campaign": "autumn", "number": "13800000101"},
    {"type": "unblock", "who": "x", "campaign": "autumn", "number": "13800000101"},
    {"type": "outcome", "campaign": "autumn", "attempt_id": "A0", "outcome": "sale"},
]


@pytest.mark.parametrize("crm", ["north", ""])
@pytest.mark.parametrize("request_", ABOUT_OTHERS, ids=lambda one: one["type"])
def test_nobody_asks_about_the_campaign_of_another_crm(
    floors: dict[str, Floor], end: Callable[..., Settlement], crm: str, request_: dict[str, Any]
) -> None:
    """It is refused as if there were no such campaign, told to who asked and to nobody else."""
    store = floors["autumn"].store
    settle(store, [end(floors["autumn"].dial()[0], live=True)], OWNER)
    before = len(heard(store, "south"))
    report = ask(store, crm, request_)

    assert (report.applied, report.refused) == (0, 1)
    assert reasons(store, crm) == ["campaign: this CRM has no campaign autumn"]
    assert len(heard(store, "south")) == before
    assert leads.story(store, "autumn", "L1").row.priority == 5
    assert not blocklist.check(store, of_number(number(101)), ["autumn"], now=NOW)


@pytest.mark.parametrize("request_", [request for request in ABOUT_OTHERS if request["type"] != "outcome"])
def test_a_campaign_that_cannot_be_read_is_not_everybody_s(floors: dict[str, Floor], request_: dict[str, Any]) -> None:
    """The shared CRM's campaign is not a named CRM's because its settings are damaged."""
    store = floors["winter"].store
    trip(store, [("HSET", store.keys.campaign("winter"), "settings", "x")])
    report = ask(store, "north", request_ | {"campaign": "winter"})

    assert (report.applied, report.refused) == (0, 1)
    assert reasons(store, "north") == ["campaign: this CRM has no campaign winter"]


def test_of_its_own_campaigns_a_crm_may_ask_everything(floors: dict[str, Floor]) -> None:
    """And is answered in its own stream."""
    store = floors["spring"].store
    report = ask(store, "north", {"type": "cancel", "who": "x", "campaign": "spring", "lead_id": "L1"})

    assert (report.applied, report.refused) == (1, 0)
    assert [(kind, data["state"]) for kind, _, data in heard(store, "north")] == [("lead_status", "closed")]
    assert not heard(store, "")


def test_a_crm_may_keep_a_number_from_being_called_by_all_and_no_more(floors: dict[str, Floor]) -> None:
    """Customers and accounts are other people at another CRM; what all are kept from only the administrator allows."""
    store = floors["spring"].store
    ask(store, "north", {"type": "block", "who": "x", "number": "13800000001"})
    ask(store, "north", {"type": "block", "who": "x", "customer_id": "C1", "campaign": "spring"})
    assert blocklist.check(store, of_number(number(1)), now=NOW)
    assert blocklist.check(store, Target(BlockKind.CUSTOMER, "C1"), ["spring"], now=NOW)
    assert not reasons(store, "north")

    ask(store, "north", {"type": "unblock", "who": "x", "number": "13800000001"})
    ask(store, "north", {"type": "block", "who": "x", "customer_id": "C2"})
    ask(store, "north", {"type": "block", "who": "x", "prefix": "86138"})
    assert reasons(store, "north") == [OWN_ONLY, NUMBERS_ONLY, NUMBERS_ONLY]
    assert blocklist.check(store, of_number(number(1)), now=NOW)
    assert not blocklist.check(store, Target(BlockKind.CUSTOMER, "C2"), now=NOW)

    ask(store, "north", {"type": "unblock", "who": "x", "customer_id": "C1", "campaign": "spring"})
    assert not blocklist.check(store, Target(BlockKind.CUSTOMER, "C1"), ["spring"], now=NOW)


def test_each_crm_s_readers_keep_its_own_events(floors: dict[str, Floor]) -> None:
    """A reader of the same name at two CRMs is two readers; what one has not read does not fill the other's stream."""
    store = floors["spring"].store
    small = EventSettings(kept=1_000, limit=4_000)
    for crm in ("north", "south"):
        assert readers.register(store, "billing", who="test", now=NOW, crm=crm)
    for name in ("spring", "autumn", "winter"):
        for first in range(0, 2_500, 500):
            publish(store, [CrmEvent("disposition", f"A{first + i}", name, NOW, {}) for i in range(500)])
    trip(store, [("XGROUP", "SETID", store.keys.crm_out("north"), "billing", "$")])

    for _ in range(3):
        standing = readers.look_after(store, small)
    lengths = trip(store, [("XLEN", store.keys.crm_out(crm)) for crm in ("north", "south", "")])

    assert [reader.name for reader in standing] == ["north/billing", "south/billing"]
    assert standing == readers.listing(store)
    assert lengths[1] == 2_500
    assert all(1_000 <= length < 1_200 for length in (lengths[0], lengths[2]))
    assert "--crm south" in readers.registering("south/billing")

    readers.unregister(store, "billing", "north")
    assert [reader.name for reader in readers.listing(store)] == ["south/billing"]
    with pytest.raises(ReaderError, match="south/billing"):
        readers.unregister(store, "billing", "north")


def test_a_reader_of_a_crm_that_nobody_has_is_refused(floors: dict[str, Floor]) -> None:
    """It would wait for events for ever."""
    with pytest.raises(ReaderError, match="north, south"):
        readers.register(floors["spring"].store, "billing", who="test", now=NOW, crm="nrth")


def test_what_comes_of_a_campaign_that_is_gone_goes_where_it_went(floors: dict[str, Floor]) -> None:
    """Its CRM is known after it was deleted, or when its settings cannot be read; and the streams are looked after."""
    store = floors["spring"].store
    crm_map.refresh(store)
    trip(store, [("DEL", store.keys.campaign("spring")), ("HSET", store.keys.campaign("autumn"), "settings", "x")])
    store.kept.clear()
    publish(store, [CrmEvent("disposition", "A1", name, NOW, {}) for name in ("spring", "autumn")])

    assert [event[:2] for event in heard(store, "north")] == [("disposition", "spring")]
    assert [event[:2] for event in heard(store, "south")] == [("disposition", "autumn")]
    assert not heard(store, "")
    assert crm_map.load(store).crms == ("", "north", "south")


def test_a_campaign_that_changes_hands_is_its_new_crm_s(floors: dict[str, Floor]) -> None:
    """As soon as a daemon has looked; the streams of the old one are still looked after."""
    floor = floors["spring"]
    crm_map.refresh(floor.store)
    campaigns.update(floor.store, floor.settings.model_copy(update={"crm": ""}), who="test", now=NOW)
    crm_map.refresh(floor.store)
    publish(floor.store, [CrmEvent("disposition", "A1", "spring", NOW, {})])

    assert [event[:2] for event in heard(floor.store, "")] == [("disposition", "spring")]
    assert crm_map.load(floor.store).crms == ("", "north", "south")
    assert b"spring" not in trip(floor.store, [("HKEYS", floor.store.keys.crm_campaigns())])[0]


def test_a_new_campaign_s_first_event_is_not_the_shared_one_s(floors: dict[str, Floor]) -> None:
    """A daemon that has not looked since asks."""
    floor = floors["spring"]
    crm_map.load(floor.store)
    before = floor.store.kept.copy()
    campaigns.create(
        floor.store, floor.settings.model_copy(update={"name": "summer", "crm": "north"}), who="test", now=NOW
    )
    floor.store.kept.update(before)
    publish(floor.store, [CrmEvent("disposition", "A1", "summer", NOW, {})])

    assert [event[:2] for event in heard(floor.store, "north")] == [("disposition", "summer")]


def test_events_of_every_crm_are_forgotten_in_time(floors: dict[str, Floor]) -> None:
    """The retention holds for all streams."""
    store = floors["spring"].store
    publish(store, [CrmEvent(kind, "A1", name, NOW, {}) for name in CRMS for kind in ("disposition", "connected")])
    retention.purge_events(store, 4_000_000_000.0)

    assert not any(heard(store, crm) for crm in CRMS.values())


def test_what_passes_is_seen_of_one_crm_or_of_all(floors: dict[str, Floor]) -> None:
    """As operators look at it."""
    store = floors["spring"].store
    publish(store, [CrmEvent("disposition", "A1", name, NOW, {}) for name in CRMS])
    ask(store, "north", {"type": "block", "who": "x", "number": "1"})

    def seen(crm: str | None) -> list[str]:
        rows, _ = passing.newest(store, passing.streams(store, incoming=True, crm=crm), 10)
        return [row.kind for row in rows]

    assert seen("south") == ["disposition"]
    assert sorted(seen(None)) == ["disposition"] * 3 + ["refused"]
    assert passing.streams(store, incoming=True, crm="north").keys() == {
        "crm:live:north",
        "crm:out:north",
        "crm:in:north",
        "agents:in",
    }
