"""Outcomes, blocks and unblocks from the CRM and the desktops."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgpack
import pytest

from dialer.core.inputs import Permitted
from dialer.core.model import Close, Disposition, Lead, Retry
from dialer.store import blocklist, crm_in, ledger, settle
from dialer.store.connection import Store, trip
from dialer.store.leads import LeadState, story
from dialer.store.settlements import Settled
from dialer.store.status import counts
from tests.store.conftest import NOW, OWNER, Floor, number
from tests.store.test_settle import events

End = Callable[..., Settled]


def say(store: Store, *requests: Any, now: float = NOW + 100) -> crm_in.CrmReport:
    for request in requests:
        trip(store, [("XADD", store.keys.crm_in(), "*", "json", json.dumps(request))])
    return crm_in.apply(store, crm_in.read(store, OWNER, 100, 0), now=now)


def outcome(name: str, attempt: str = "A0", **more: Any) -> dict[str, Any]:
    return {"type": "outcome", "campaign": "spring", "attempt_id": attempt, "outcome": name, "agent": "17", **more}


@pytest.fixture
def talked(floor: Floor, end: End) -> Floor:
    """A floor whose lead L0 was talked to in attempt A0 and is to be called again in an hour."""
    floor.fill(1)
    item = end(floor.dial()[0], Disposition.CONNECTED, Retry(3600.0, 0), live=True)
    settle.settle(floor.store, [item], OWNER)
    return floor


@pytest.mark.parametrize("name", ["sale", "refused", "complaint", "wrong_number"])
def test_a_final_outcome_closes_the_lead(talked: Floor, name: str) -> None:
    """Whoever bought, refused, complained or is somebody else is not called again."""
    report = say(talked.store, outcome(name))

    assert (report.applied, report.refused) == (1, 0)
    seen = story(talked.store, talked.name, "L0")
    assert (seen.row.state, seen.attempts[0].outcome) == (LeadState.CLOSED, name)
    assert counts(talked.store, talked.name, NOW).outcomes == {name: 1}


def test_a_complaint_blocks_the_number(talked: Floor) -> None:
    """For all campaigns, with its source and who took it; a refusal alone does not."""
    say(talked.store, outcome("refused"))
    assert blocklist.check(talked.store, number(0)) == ()

    report = say(talked.store, outcome("complaint", note="态度"))

    assert report.blocked == (number(0),)
    block = blocklist.check(talked.store, number(0))[0]
    assert (block.source, block.reason, block.who, block.campaign) == ("complaint", "态度", "17", "")


def test_opting_out_blocks_with_any_outcome(talked: Floor) -> None:
    """The flag is what counts."""
    say(talked.store, outcome("refused", opt_out=True))

    assert len(blocklist.check(talked.store, number(0))) == 1


def test_a_callback_is_due_at_its_time_and_goes_first(talked: Floor) -> None:
    """Also for a lead that was closed; and the engine sees priority 9."""
    talked.add({"lead_id": "L1", "phone": number(1).clear})
    talked.take_in(NOW + 100)
    say(talked.store, outcome("sale"))

    say(talked.store, outcome("callback", callback_at=NOW + 500))

    assert [lead.lead_id for lead in talked.lease(1, now=NOW + 500)] == ["L0"]
    assert story(talked.store, talked.name, "L0").row.priority == 9


def test_an_outcome_during_the_call_waits_for_its_end(floor: Floor, end: End) -> None:
    """The wish overrides what the retry table would have done."""
    floor.fill(1)
    dialled = floor.dial()[0]

    say(floor.store, outcome("callback", callback_at=NOW + 900), now=NOW + 30)
    assert story(floor.store, floor.name, "L0").row.state is LeadState.IN_ATTEMPT
    settle.settle(floor.store, [end(dialled, step=Close("done"), live=True)], OWNER)

    row = story(floor.store, floor.name, "L0").row
    assert (row.state, row.at, row.priority) == (LeadState.WAITING, NOW + 900, 9)


def test_an_outcome_that_is_corrected_during_the_call_wants_nothing_any_more(floor: Floor, end: End) -> None:
    """The later word replaces the earlier one, also where it wants nothing of the lead: the retry table decides."""
    floor.fill(1)
    dialled = floor.dial()[0]

    say(floor.store, outcome("callback", callback_at=NOW + 900), outcome("interested"), now=NOW + 30)
    settle.settle(floor.store, [end(dialled, step=Close("done"), live=True)], OWNER)

    assert story(floor.store, floor.name, "L0").row.state is LeadState.CLOSED


def test_a_machine_is_no_live_answer_and_is_called_again(talked: Floor) -> None:
    """The ledger takes the answer back, once, also where the outcome is corrected."""
    day = ["2026-03-03"]

    say(talked.store, outcome("machine"), outcome("machine"))
    assert ledger.totals(talked.store, talked.name, day)[0].answered == 0
    assert ledger.totals(talked.store, talked.name, day)[0].machines == 1
    assert story(talked.store, talked.name, "L0").row.at == NOW + 100 + 24 * 3600

    say(talked.store, outcome("sale"))
    assert ledger.totals(talked.store, talked.name, day)[0].answered == 1
    assert counts(talked.store, talked.name, NOW).outcomes == {"machine": 0, "sale": 1}


def test_a_machine_heard_during_the_call_is_taken_back_at_its_end(floor: Floor, end: End) -> None:
    """Whichever comes first, the ledger is the same."""
    floor.fill(1)
    dialled = floor.dial()[0]
    say(floor.store, outcome("machine"))

    settle.settle(floor.store, [end(dialled, live=True)], OWNER)

    assert ledger.totals(floor.store, floor.name, ["2026-03-03"])[0].answered == 0


def test_calls_that_nobody_answered_use_up_no_retry_of_a_machine(floor: Floor, end: End) -> None:
    """The retry table's row for machines counts answered calls: a line that was busy says nothing about machines."""
    floor.fill(1)
    for attempt in range(3):
        at = NOW + attempt * 60
        (lead,) = floor.lease(now=at)
        dialled = permit_without_caps(floor, lead, at)
        settle.settle(floor.store, [end(dialled, Disposition.BUSY, Retry(0.0, 0), ended_at=at + 30)], OWNER)
    (lead,) = floor.lease(now=NOW + 300)
    dialled = permit_without_caps(floor, lead, NOW + 300)
    settle.settle(floor.store, [end(dialled, ended_at=NOW + 360, live=True)], OWNER)

    say(floor.store, outcome("machine", attempt=dialled.permit.attempt), now=NOW + 400)

    row = story(floor.store, floor.name, "L0").row
    assert (row.tries, row.state, row.at) == (4, LeadState.WAITING, NOW + 400 + 24 * 3600)


def test_machines_are_called_again_as_often_as_the_table_says(floor: Floor, end: End) -> None:
    """Three retries by default: the fourth machine leaves the lead closed."""
    floor.fill(1)
    at, states = NOW, []
    for _ in range(4):
        (lead,) = floor.lease(now=at)
        dialled = permit_without_caps(floor, lead, at)
        settle.settle(floor.store, [end(dialled, ended_at=at + 60, live=True)], OWNER)
        say(floor.store, outcome("machine", attempt=dialled.permit.attempt), now=at + 100)
        states.append(story(floor.store, floor.name, "L0").row.state)
        at += 100 + 24 * 3600

    assert states == [LeadState.WAITING] * 3 + [LeadState.CLOSED]


def permit_without_caps(floor: Floor, lead: Lead, now: float) -> Permitted:
    """Permit a lead however often it was called."""
    uncapped = replace(floor, policy=replace(floor.policy, caps=()))
    (answer,) = uncapped.screen((lead,), now)
    floor.attempts = uncapped.attempts
    assert isinstance(answer, Permitted)
    return answer


def test_an_outcome_that_comes_while_the_attempt_ends_counts(
    floor: Floor, end: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt that is settled between the look at it and the outcome is looked at again: the machine is no live
    answer then, either."""
    floor.fill(1)
    (dialled,) = floor.dial()
    look_up = crm_in._look_up

    def look_up_and_settle(store: Store, outcomes: Any) -> Any:
        known = look_up(store, outcomes)
        settle.settle(store, [end(dialled, live=True)], OWNER)
        return known

    monkeypatch.setattr(crm_in, "_look_up", look_up_and_settle)
    say(floor.store, outcome("machine"))

    assert ledger.totals(floor.store, floor.name, ["2026-03-03"])[0].answered == 0
    assert story(floor.store, floor.name, "L0").row.state is LeadState.WAITING


def test_an_outcome_takes_a_lease_away(talked: Floor) -> None:
    """A lead that somebody is about to dial is not dialled after it was refused."""
    leads = talked.lease(now=NOW + 4000)
    say(talked.store, outcome("refused"), now=NOW + 4001)

    answer = talked.screen(leads, now=NOW + 4002)[0]

    assert type(answer).__name__ == "Refused"


def test_blocks_and_unblocks(floor: Floor) -> None:
    """By number, with who and why."""
    block = {"type": "block", "number": "138 0000 0001", "reason": "asked", "who": "crm"}

    report = say(floor.store, block)
    assert report.blocked == (number(1),)
    assert blocklist.check(floor.store, number(1))[0].source == "crm"

    say(floor.store, {"type": "unblock", "number": "+8613800000001", "who": "crm"})
    assert blocklist.check(floor.store, number(1)) == ()


def test_blocks_and_unblocks_keep_their_order(floor: Floor) -> None:
    """Also when they arrive together."""
    block = {"type": "block", "number": "13800000001", "reason": "a slip", "who": "crm"}
    unblock = {"type": "unblock", "number": "13800000001", "who": "crm"}

    say(floor.store, block, unblock)
    assert blocklist.check(floor.store, number(1)) == ()
    say(floor.store, unblock, block)
    assert len(blocklist.check(floor.store, number(1))) == 1


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (outcome("sale", attempt="nobody"), "attempt_id: campaign spring has no such attempt"),
        (outcome("Sale!"), "outcome: must be small letters"),
        (outcome("callback"), "callback_at: a callback needs it"),
        (outcome("sale", callback_at=NOW), "callback_at: only for the outcome callback"),
        (outcome("sale", opt_out="yes"), "opt_out: must be true or false, got text"),
        ({"type": "outcome"}, "campaign: missing"),
        ({"type": "dance"}, "type: must be one of outcome, block, unblock"),
        ({"type": "block", "number": "12", "who": "crm"}, "number: "),
        ({"type": "block", "number": "13800000001"}, "who: missing"),
        ([], "must be a map of fields, got a list"),
    ],
)
def test_the_sender_hears_why(talked: Floor, request_: Any, reason: str) -> None:
    """What cannot be carried out is answered by a `refused` event and does not come again."""
    report = say(talked.store, request_)

    assert (report.applied, report.refused) == (0, 1)
    kind, _, data = events(talked.store)[-1]
    assert kind == "refused"
    assert any(text.startswith(reason) for text in data["reasons"])
    assert crm_in.read(talked.store, OWNER, 10, 0) == ()
    assert trip(talked.store, [("XLEN", talked.store.keys.crm_in())]) == [0]


def test_a_callback_after_the_leads_end_is_refused(floor: Floor) -> None:
    """Nobody promises a call that the lead's own date forbids."""
    floor.fill(1, expires_at=NOW + 1000)
    floor.dial()

    report = say(floor.store, outcome("callback", callback_at=NOW + 1000))

    assert report.refused == 1


def test_a_crash_before_the_acknowledgement_repeats_nothing(talked: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are carried out again after a crash, with the same result."""
    trip(talked.store, [("XADD", talked.store.keys.crm_in(), "*", "request", msgpack.packb(outcome("machine")))])
    received = crm_in.read(talked.store, "dead:1", 10, 0)
    with monkeypatch.context() as patch:
        patch.setattr(crm_in, "_answer", lambda *args: None)
        crm_in.apply(talked.store, received, now=NOW + 100)
    monkeypatch.setattr("dialer.store.streams.IDLE_MS", 0)

    again = crm_in.read(talked.store, OWNER, 10, 0)
    crm_in.apply(talked.store, again, now=NOW + 100)

    assert len(again) == 1
    assert ledger.totals(talked.store, talked.name, ["2026-03-03"])[0].answered == 0
    assert counts(talked.store, talked.name, NOW).outcomes == {"machine": 1}
