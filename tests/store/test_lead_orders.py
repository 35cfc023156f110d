"""What the CRM asks of leads and campaigns: cancel, update, query, start and pause; and the answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from config.campaign import CampaignSettings, LeadEvents
from dialer.core.inputs import CampaignState
from dialer.core.model import Disposition, Retry, Settlement
from dialer.store.base.connection import Store, trip
from dialer.store.base.streams import entries_of
from dialer.store.crm import event_settings, inbox
from dialer.store.crm.event_settings import EventSettings
from dialer.store.leads import intake
from dialer.store.leads.leads import LeadState, story
from dialer.store.operators import campaigns, control
from dialer.store.operators.campaigns import get, set_state
from dialer.store.settlement import outbox, settle
from pacing.api import Mode
from tests.crm_events import Heard, heard
from tests.store.conftest import NOW, OWNER, Floor, number

End = Callable[..., Settlement]


def ask(store: Store, *requests: dict[str, Any], now: float = NOW + 100) -> list[Heard]:
    """What comes back, in the order of the requests."""
    known = len(heard(store))
    for request in requests:
        trip(store, [("XADD", store.keys.crm_in(), "*", "json", json.dumps(request))])
    inbox.apply(store, inbox.read(store, OWNER, 100, 0), now=now)
    return heard(store)[known:]


def of_lead(kind: str, lead_id: str = "L0", **more: Any) -> dict[str, Any]:
    who = {} if kind == "query" else {"who": "crm"}
    return {"type": kind, "campaign": "spring", "lead_id": lead_id, "ref": "order-17", **who, **more}


def test_a_lead_is_cancelled(floor: Floor) -> None:
    """It is closed, with who said so; the answer has the sender's name for the request, the trail the sender."""
    floor.fill(1)

    (answer,) = ask(floor.store, of_lead("cancel", reason="moved away"))

    assert (answer.kind, answer.data["state"], answer.data["ref"]) == ("lead_status", "closed", "order-17")
    assert "moved away" in answer.data["next_why"]
    assert story(floor.store, "spring", "L0").row.state is LeadState.CLOSED
    (line,) = control.audit_trail(floor.store, 1)
    assert (line.what, line.who, line.detail["lead_id"]) == ("lead_cancel", "crm", "L0")


def test_a_lead_in_a_call_is_cancelled_when_it_ends(floor: Floor, end: End) -> None:
    """The call goes on; it is the last one."""
    floor.fill(1)
    (dialled,) = floor.dial()

    (answer,) = ask(floor.store, of_lead("cancel"))
    settle.settle(floor.store, [end(dialled, Disposition.BUSY, Retry(60.0, 0))], OWNER)

    assert (answer.data["state"], answer.data["attempt_id"]) == ("in_attempt", "A0")
    assert story(floor.store, "spring", "L0").row.state is LeadState.CLOSED


def test_cancelling_again_changes_nothing(floor: Floor) -> None:
    """The answer is the same."""
    floor.fill(1)

    first, second = ask(floor.store, of_lead("cancel"), of_lead("cancel"))

    assert (first.data["state"], second.data["state"]) == ("closed", "closed")


def test_a_lead_is_updated(floor: Floor) -> None:
    """Priority, time, the CRM's own data and numbers; what is not named stays."""
    floor.fill(1, name="王芳", attrs={"lot": 1})

    (answer,) = ask(
        floor.store,
        of_lead("update", priority=7.0, not_before=NOW + 5000, attrs={"lot": 2}, phones=[number(8).clear]),
    )

    assert answer.kind == "lead_status"
    wanted = {"priority": 7, "state": "waiting", "state_at": NOW + 5000, "attrs": {"lot": 2}}
    assert {name: answer.data[name] for name in wanted} == wanted
    assert answer.data["phones"] == [str(number(8))]
    (lead,) = floor.lease(now=NOW + 6000)
    assert (lead.name, lead.number) == ("王芳", number(8))


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (of_lead("update"), "nothing to update: give at least one of priority, not_before, attrs, phone, phones"),
        (of_lead("update", priority=10), "priority: must be 0 to 9, got 10"),
        (of_lead("update", phone="12"), "phone: too short"),
        (of_lead("update", phone=number(1).clear), "phones: a number is in the campaign already, in lead L1"),
        (of_lead("update", phone="+1 900 555 0100"), "phone: "),
        (of_lead("update", "L9", priority=1), "lead_id: campaign spring has no such lead"),
        (of_lead("cancel", "L9"), "lead_id: campaign spring has no such lead"),
        (of_lead("query", "L9"), "lead_id: campaign spring has no such lead"),
        (of_lead("query") | {"campaign": "autumn"}, "campaign: "),
        (of_lead("cancel") | {"who": None}, "who: missing"),
        (of_lead("cancel") | {"color": "red"}, "unknown field 'color'"),
        (of_lead("query") | {"ref": "+86 138 0000 1111"}, "ref: reads like a phone number"),
    ],
)
def test_the_sender_hears_why_not(floor: Floor, request_: dict[str, Any], reason: str) -> None:
    """With the lead that it named and its own name for the request."""
    floor.fill(2)

    (answer,) = ask(floor.store, request_)

    assert answer.kind == "refused"
    assert answer.data["reasons"][0].startswith(reason)
    assert answer.data["about"] == request_["lead_id"]
    assert answer.data["ref"] in ("order-17", "")


def test_a_closed_lead_is_not_updated(floor: Floor) -> None:
    """Somebody said that it is done."""
    floor.fill(1)

    _, answer = ask(floor.store, of_lead("cancel"), of_lead("update", priority=1))

    assert answer.data["reasons"] == ["lead_id: the lead is closed; reopen it first"]


def test_a_query_tells_how_a_lead_stands(floor: Floor, end: End) -> None:
    """Its attempts with what agents said of them, its numbers masked."""
    floor.fill(1, customer_id="C-1")
    settle.settle(floor.store, [end(floor.dial()[0], Disposition.CONNECTED, Retry(3600.0, 0), live=True)], OWNER)
    word = {"type": "outcome", "campaign": "spring", "attempt_id": "A0", "outcome": "感兴趣", "agent": "17"}

    (answer,) = ask(floor.store, word, of_lead("query"))

    assert answer.data["state"] == "waiting"
    assert answer.data["customer_id"] == "C-1"
    (attempt,) = answer.data["attempts"]
    assert (attempt["attempt_id"], attempt["disposition"], attempt["outcome"]) == ("A0", "connected", "感兴趣")
    assert number(0).clear not in repr(answer)


# --- campaigns --------------------------------------------------------------------------------------------------------


def of_campaign(action: str, name: str = "spring") -> dict[str, Any]:
    return {"type": "campaign", "campaign": name, "action": action, "who": "crm", "ref": "r1"}


def test_the_crm_starts_and_pauses_no_campaign_until_an_operator_allows_it(floor: Floor) -> None:
    """The answer says who can."""
    set_state(floor.store, "spring", CampaignState.RUNNING, who="test", now=NOW)

    (answer,) = ask(floor.store, of_campaign("pause"))

    assert "dialer crm set --campaign-requests" in answer.data["reasons"][0]
    assert get(floor.store, "spring").state is CampaignState.RUNNING


def test_a_running_campaign_is_paused_and_goes_on(floor: Floor) -> None:
    """The answer has the state; daemons and the audit trail are told."""
    event_settings.save(floor.store, EventSettings(campaign_requests=True))
    set_state(floor.store, "spring", CampaignState.RUNNING, who="test", now=NOW)

    paused, again, started = ask(floor.store, of_campaign("pause"), of_campaign("pause"), of_campaign("start"))

    states = [(answer.data["before"], answer.data["state"]) for answer in (paused, again, started)]
    assert states == [("running", "paused"), ("paused", "paused"), ("paused", "running")]
    assert paused.kind == "campaign_status"
    assert [line.who for line in control.audit_trail(floor.store, 5) if line.what == "campaign_state"] == ["crm", "crm"]
    orders, _ = control.read(floor.store, "0", 10, 0)
    assert [order.command.args["after"] for order in orders] == ["paused", "running"]


def test_a_stopped_campaign_starts_when_its_list_was_looked_at(floor: Floor) -> None:
    """By somebody, in the last day, and not refused, or started by force; else the answer says what to do."""
    event_settings.save(floor.store, EventSettings(campaign_requests=True))

    def preflight(at: float, **more: Any) -> None:
        detail = {"campaign": "spring", "refused": "", **more}
        control.audit(floor.store, "campaign_preflight", who="ann", now=at, detail=detail)

    def started() -> str:
        (answer,) = ask(floor.store, of_campaign("start"), now=time.time() + 1)
        return answer.data["reasons"][0] if answer.kind == "refused" else answer.data["state"]

    assert "dialer campaign preflight spring" in started()
    preflight(time.time(), campaign="autumn")
    assert "dialer campaign preflight spring" in started()
    preflight(time.time(), refused="40 % are refused")
    assert started() == "campaign: spring is not started: 40 % are refused"
    assert get(floor.store, "spring").state is CampaignState.STOPPED

    preflight(time.time())

    assert started() == "running"
    assert get(floor.store, "spring").state is CampaignState.RUNNING
    set_state(floor.store, "spring", CampaignState.STOPPED, who="test", now=NOW)
    (answer,) = ask(floor.store, of_campaign("pause"))
    assert answer.data["reasons"] == ["campaign: spring is stopped already"]
    campaigns.archive(floor.store, "spring", who="test", now=NOW)
    assert "archived" in started()


def test_a_campaign_that_does_not_exist_is_named(floor: Floor) -> None:
    """With those that there are."""
    event_settings.save(floor.store, EventSettings(campaign_requests=True))

    (answer,) = ask(floor.store, of_campaign("pause", "autumn"))

    assert "autumn" in answer.data["reasons"][0]


def test_a_damaged_campaign_keeps_its_requests(floor: Floor) -> None:
    """They are done when it is mended; others go on."""
    floor.fill(1)
    settings = CampaignSettings(name="autumn", mode=Mode.PROGRESSIVE, caller_id="+861065550000")
    campaigns.create(floor.store, settings, who="test", now=NOW)
    trip(floor.store, [("SET", floor.store.keys.lead("autumn"), "x")])

    answers = ask(floor.store, of_lead("cancel") | {"campaign": "autumn"}, of_lead("query"))

    assert [answer.data["campaign"] for answer in answers] == ["spring"]
    assert trip(floor.store, [("XLEN", floor.store.keys.crm_in())])[0] == 1


def test_what_cannot_be_read_holds_up_nobody(floor: Floor) -> None:
    """A lead that a hand has changed, a campaign that another release wrote: the sender hears it, the rest is done."""
    floor.fill(2)
    trip(floor.store, [("HSET", floor.store.keys.lead("spring"), "L0", b"\xc1")])
    trip(
        floor.store, [("HSET", floor.store.keys.campaign("odd"), "settings", "{"), ("SADD", "dialer:campaigns", "odd")]
    )

    requests = [of_lead(kind, **more) for kind, more in (("query", {}), ("cancel", {}), ("update", {"priority": 1}))]
    answers = ask(floor.store, *requests, of_lead("query") | {"campaign": "odd"}, of_lead("query", "L1"))

    assert sorted(answer.kind for answer in answers) == ["lead_status", *["refused"] * 4]
    assert all("cannot be read" in answer.data["reasons"][0] for answer in answers if answer.kind == "refused")
    assert trip(floor.store, [("XLEN", floor.store.keys.crm_in())])[0] == 0


# --- leads that come in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "kinds"),
    [
        (LeadEvents.NONE, []),
        (LeadEvents.REJECTED, ["rejected", "rejected"]),
        (LeadEvents.ALL, ["accepted", "rejected", "rejected"]),
    ],
)
def test_a_campaign_chooses_which_leads_the_crm_is_told_of(floor: Floor, choice: LeadEvents, kinds: list[str]) -> None:
    """With the lead's id, the reasons, and the sender's name for the entry."""
    campaigns.update(floor.store, floor.settings.model_copy(update={"lead_events": choice}), who="test", now=NOW)
    phone = number(1).clear
    floor.add(
        {"lead_id": "L1", "phone": phone, "ref": "row-1"},
        {"lead_id": "L2", "phone": "12", "ref": "row-2"},
        {"lead_id": "L1", "phone": number(2).clear, "ref": "row-3"},
    )
    sent = entries_of(trip(floor.store, [("XRANGE", floor.store.keys.leads("spring"), "-", "+")])[0])

    report = floor.take_in()

    assert (report.accepted, report.rejected) == (1, 2)
    events = heard(floor.store)
    assert [event.kind for event in events] == kinds
    told = {event.data["ref"]: event.data for event in events}
    for name, entry in zip(("row-1", "row-2", "row-3"), sent, strict=True):
        if name in told:
            assert told[name]["entry"] == entry.id
    if "row-3" in told:
        assert told["row-2"]["reasons"] == ["phone: too short"]
        assert told["row-3"]["reasons"] == ["lead_id: a lead of this id is in the campaign already"]
        assert (told["row-2"]["lead_id"], told["row-3"]["lead_id"]) == ("L2", "L1")


def test_what_a_crash_kept_from_the_crm_it_is_told_later(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that dies after the leads came in, and before it says so: the next one that starts says the same."""
    campaigns.update(
        floor.store, floor.settings.model_copy(update={"lead_events": LeadEvents.ALL}), who="test", now=NOW
    )
    floor.add(
        {"lead_id": "L1", "phone": number(1).clear, "ref": "row-1"},
        {"lead_id": "L2", "phone": "12", "ref": "row-2"},
        {"lead_id": "L3", "phone": number(1).clear},
    )
    as_announced: list[outbox.CrmEvent] = []

    def die(store: Store, events: Sequence[outbox.CrmEvent]) -> None:
        as_announced.extend(events)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(intake, "announce", die)
        with pytest.raises(KeyboardInterrupt):
            floor.take_in()
    assert heard(floor.store) == []

    assert settle.reannounce(floor.store) == 3
    assert settle.reannounce(floor.store) == 0

    told = {event.id: (event.kind, event.data) for event in heard(floor.store)}
    expected = {
        event.id: (event.kind, {"campaign": "spring", "at": NOW, **outbox.shown(event.fields)})
        for event in as_announced
    }
    assert told == expected


# --- outcomes ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def talked(floor: Floor, end: End) -> Floor:
    """A floor whose lead L0 was talked to in attempt A0 and is to be called again."""
    floor.fill(1)
    settle.settle(floor.store, [end(floor.dial()[0], Disposition.CONNECTED, Retry(3600.0, 0), live=True)], OWNER)
    return floor


def word(outcome: str, **more: Any) -> dict[str, Any]:
    return {"type": "outcome", "campaign": "spring", "attempt_id": "A0", "outcome": outcome, "ref": "w1", **more}


@pytest.mark.parametrize("outcome", ["感兴趣", "überlegt_noch", "перезвонить2", "मिला_नहीं", "a" * 32, "很" * 32])
def test_an_outcome_may_be_of_any_script(talked: Floor, outcome: str) -> None:
    """In the words of the floor."""
    assert ask(talked.store, word(outcome)) == []
    assert story(talked.store, "spring", "L0").attempts[0].outcome == outcome


@pytest.mark.parametrize(
    "outcome", ["Sale", "sale!", "很" * 33, "2nd", "_x", "x y", "x\u202ey", "Ärger", "１３８１２３４５６７８"]
)
def test_what_is_no_word_is_refused(talked: Floor, outcome: str) -> None:
    """Capitals, blanks, signs that nobody sees, numbers."""
    (answer,) = ask(talked.store, word(outcome))

    assert answer.data["reasons"][0].startswith("outcome: ")
    assert answer.data["ref"] == "w1"


def test_two_ways_to_write_a_letter_are_one_outcome(talked: Floor) -> None:
    """It is counted under one name."""
    assert ask(talked.store, word("cafe\u0301")) == []
    assert story(talked.store, "spring", "L0").attempts[0].outcome == "caf\u00e9"


def test_a_callback_in_the_past_is_refused(talked: Floor) -> None:
    """Nobody can keep that promise; what waited in the stream since before then is not late."""
    at = NOW + 50
    (answer,) = ask(talked.store, word("callback", callback_at=at - 3600))
    assert answer.data["reasons"] == ["callback_at: was past already when you sent it"]

    received = inbox.parse_request("1-0", {b"json": json.dumps(word("callback", callback_at=at)).encode()}, "CN")
    sent_before = replace(received, entry_id=f"{int((NOW + 10) * 1000)}-0")
    report = inbox.apply(talked.store, [sent_before], now=NOW + 86_400)

    assert (report.applied, report.refused) == (1, 0)


def test_an_agent_who_is_a_number_is_named_in_the_answer(talked: Floor) -> None:
    """Many desktops know their agents by numbers."""
    (answer,) = ask(talked.store, word("sale", agent=17))

    assert answer.data["reasons"] == ['agent: must be text, got the whole number 17: send "17"']
    assert (answer.data["sender"], answer.data["about"]) == ("17", "A0")
