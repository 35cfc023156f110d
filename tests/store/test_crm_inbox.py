"""Outcomes, blocks and unblocks from the CRM and the desktops."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgpack
import pytest

from compliance.blocks import Block, BlockKind, Target, of_number
from compliance.numbers import E164
from dialer.core.abandonment.windows import Counting, CountingWindow
from dialer.core.inputs import Permitted
from dialer.core.model import Close, Disposition, Lead, Retry, Settlement
from dialer.store.base.connection import Store, trip
from dialer.store.crm import inbox
from dialer.store.leads import leases
from dialer.store.leads.leads import LeadState, story
from dialer.store.operators import campaigns, control
from dialer.store.operators.status import counts
from dialer.store.privacy import blocklist, opt_outs
from dialer.store.privacy.opt_outs import OptedOut
from dialer.store.settlement import ledger, settle
from pacing.api import AnswerKind
from tests.store.conftest import NOW, OWNER, Floor, number
from tests.store.test_settle import events

End = Callable[..., Settlement]


def say(store: Store, *requests: Any, now: float = NOW + 100) -> inbox.CrmReport:
    for request in requests:
        trip(store, [("XADD", store.keys.crm_in(), "*", "json", json.dumps(request))])
    return inbox.apply(store, inbox.read(store, OWNER, 100, 0), now=now)


def outcome(name: str, attempt: str = "A0", **more: Any) -> dict[str, Any]:
    return {"type": "outcome", "campaign": "spring", "attempt_id": attempt, "outcome": name, "agent": "17", **more}


def blocks_on(store: Store, who: Target, now: float = NOW + 100) -> tuple[Block, ...]:
    return blocklist.check(store, who, now=now)


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
    assert blocks_on(talked.store, of_number(number(0))) == ()

    report = say(talked.store, outcome("complaint", note="态度"))

    assert report.blocked == (of_number(number(0)),)
    (block,) = blocks_on(talked.store, of_number(number(0)))
    assert (block.source, block.reason, block.who, block.campaign) == ("complaint", "态度", "17", "")


def test_what_cannot_be_read_keeps_no_opt_out_waiting(talked: Floor) -> None:
    """A campaign that another release wrote, or a damaged lead: what can be done is done, and the rest is told."""
    store = talked.store
    trip(store, [("HSET", store.keys.campaign(talked.name), "settings", "{}")])
    assert say(store, outcome("complaint")).blocked == (of_number(number(0)),)

    trip(store, [("HSET", store.keys.lead(talked.name), "L0", b"x")])
    report = say(store, outcome("complaint", note="again"), {"type": "block", "number": number(7).clear, "who": "crm"})
    assert (report.applied, report.refused, report.blocked) == (1, 1, (of_number(number(7)),))
    assert events(store)[-1][2]["reasons"] == ["attempt_id: its lead cannot be read, so its number is not known"]


def test_opting_out_blocks_with_any_outcome(talked: Floor) -> None:
    """The flag is what counts."""
    say(talked.store, outcome("refused", opt_out=True))

    assert len(blocks_on(talked.store, of_number(number(0)))) == 1


@pytest.mark.parametrize("said", [{"name": "complaint"}, {"name": "refused", "opt_out": True}])
def test_the_scope_of_an_opt_out_may_be_the_customer(floor: Floor, end: End, said: dict[str, Any]) -> None:
    """Then all numbers of the lead, and whatever number the customer has next, are blocked, too; without that scope the
    number that was called is."""
    floor.add(
        {"lead_id": "L0", "phone": number(0).clear, "customer_id": "C-17"},
        {"lead_id": "L1", "phones": [number(1).clear, number(11).clear], "customer_id": "C-18"},
        {"lead_id": "L2", "phones": [number(2).clear, number(12).clear]},
    )
    floor.take_in()
    settle.settle(floor.store, [end(one, live=True) for one in floor.dial(3)], OWNER)
    lead_of = {f"A{i}": lead for i, lead in enumerate(("L0", "L1", "L2"))}

    report = say(
        floor.store,
        *(outcome(attempt=attempt, **said, opt_out_scope=scope) for attempt, scope in _scopes(lead_of)),
    )

    assert report.refused == 0
    assert len(blocks_on(floor.store, Target(BlockKind.CUSTOMER, "C-17"))) == 1
    assert blocks_on(floor.store, Target(BlockKind.CUSTOMER, "C-18")) == ()
    assert all(len(blocks_on(floor.store, of_number(number(i)))) == 1 for i in (0, 1, 2, 12))
    assert blocks_on(floor.store, of_number(number(11))) == ()


def _scopes(lead_of: dict[str, str]) -> list[tuple[str, str]]:
    return [(attempt, "number" if lead == "L1" else "customer") for attempt, lead in lead_of.items()]


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


@pytest.mark.parametrize("words", [("machine",), ("sale",), ("machine", "sale"), ("sale", "machine")])
def test_a_known_machine_is_in_the_ledger_whatever_is_said_as_it_was(
    floor: Floor, end: End, words: tuple[str, ...]
) -> None:
    """Not at all: what was never counted is not taken back, and no later word makes it count."""
    floor.fill(1)
    settle.settle(floor.store, [end(floor.dial()[0], kind=AnswerKind.MACHINE)], OWNER)

    for word in words:
        say(floor.store, outcome(word))

    (day,) = ledger.totals(floor.store, floor.name, ["2026-03-03"])
    assert (day.answered, day.abandoned, day.machines) == (0, 0, 0)


@pytest.mark.parametrize("settled_first", [True, False])
@pytest.mark.parametrize(
    ("words", "people"), [(("sale",), 9), (("machine",), 0), (("sale", "refused"), 9), (("sale", "machine"), 0)]
)
def test_a_person_taken_for_a_machine_stands_for_those_who_were_hung_up_on(
    floor: Floor, end: End, words: tuple[str, ...], people: int, settled_first: bool
) -> None:
    """Each is a live answer and abandoned in what the dialler goes by; what a word takes back goes. Who compares the
    ledger with single calls sees none of them."""
    floor.fill(1)
    item = replace(end(floor.dial()[0], live=True), stands_for=9)
    if settled_first:
        settle.settle(floor.store, [item], OWNER)
    for word in words:
        say(floor.store, outcome(word))
    settle.settle(floor.store, [item], OWNER)

    window = CountingWindow("calendar_day", "today", 0.03, NOW, days=("2026-03-03",))
    counted = ledger.others(floor.store, floor.name, Counting(NOW, window, ()), "nobody").counts
    answered = 0 if words[-1] == "machine" else 1
    assert (counted.answered, counted.abandoned) == (answered + people, people)
    (day,) = ledger.totals(floor.store, floor.name, ["2026-03-03"])
    assert (day.answered, day.abandoned) == (answered, 0)
    assert ledger.by_host(floor.store, floor.name, ["2026-03-03"])["2026-03-03"].keys() == {OWNER.rpartition(":")[0]}


def test_the_report_has_the_outcomes_that_were_kept(talked: Floor) -> None:
    """In order, without those that were refused."""
    report = say(talked.store, outcome("machine"), outcome("sale", attempt="A9"), outcome("sale"))

    assert [(one.attempt, one.outcome) for one in report.outcomes] == [("A0", "machine"), ("A0", "sale")]


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
    look_up = inbox.look_up

    def look_up_and_settle(store: Store, outcomes: Any) -> Any:
        known = look_up(store, outcomes)
        settle.settle(store, [end(dialled, live=True)], OWNER)
        return known

    monkeypatch.setattr(inbox, "look_up", look_up_and_settle)
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
    who = of_number(number(1))

    report = say(floor.store, block)
    assert report.blocked == (who,)
    assert blocks_on(floor.store, who)[0].source == "crm"

    say(floor.store, {"type": "unblock", "number": "+8613800000001", "who": "crm"})
    assert blocks_on(floor.store, who) == ()


@pytest.mark.parametrize(
    ("named", "who"),
    [
        ({"prefix": "+86138"}, Target(BlockKind.PREFIX, "86138")),
        ({"customer_id": "C-17", "campaign": "spring"}, Target(BlockKind.CUSTOMER, "C-17", "spring")),
        ({"account_id": "ann@example.com"}, Target(BlockKind.ACCOUNT, "ann@example.com")),
        ({"number": "13800000001", "campaign": "spring"}, of_number(number(1), "spring")),
    ],
)
def test_every_kind_is_blocked_until_its_end(floor: Floor, named: dict[str, str], who: Target) -> None:
    """With source, reason, who and end; and unblocked again."""
    more = {"until": NOW + 500, "source": "web form", "reason": "asked", "who": "crm"}

    say(floor.store, {"type": "block", **named, **more})

    wanted = who.block(source="web form", reason="asked", who="crm", at=NOW + 100, until=NOW + 500)
    assert blocklist.check(floor.store, who, ["spring"], now=NOW + 499) == (wanted,)
    assert blocklist.check(floor.store, who, ["spring"], now=NOW + 500) == ()
    say(floor.store, {"type": "unblock", **named, "who": "crm"})
    assert blocklist.check(floor.store, who, ["spring"], now=NOW + 499) == ()
    trail = [(line.what, dict(line.detail)) for line in control.audit_trail(floor.store, 2)]
    assert [what for what, _ in trail] == ["unblock", "block"]
    assert number(1).clear[1:] not in str(trail)


def test_a_number_without_a_country_code_is_one_of_the_campaigns_country(floor: Floor) -> None:
    """As it is in a lead of that campaign; for all campaigns it is one of the daemon's."""
    campaigns.update(floor.store, floor.settings.model_copy(update={"default_region": "US"}), who="test", now=NOW)
    block = {"type": "block", "number": "212 555 0100", "who": "crm"}

    report = say(floor.store, {**block, "campaign": "spring"}, block)

    assert report.blocked == (of_number(E164("+12125550100"), "spring"), of_number(E164("+862125550100")))


def test_blocks_and_unblocks_keep_their_order(floor: Floor) -> None:
    """Also when they arrive together."""
    block = {"type": "block", "number": "13800000001", "reason": "a slip", "who": "crm"}
    unblock = {"type": "unblock", "number": "13800000001", "who": "crm"}

    say(floor.store, block, unblock)
    assert blocks_on(floor.store, of_number(number(1))) == ()
    say(floor.store, unblock, block)
    assert len(blocks_on(floor.store, of_number(number(1)))) == 1


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
        ({"type": "block", "who": "crm"}, "exactly one of number, prefix, customer_id, account_id is needed, got none"),
        ({"type": "block", "number": "1", "prefix": "86", "who": "crm"}, "exactly one of number, prefix, customer_id"),
        ({"type": "block", "prefix": "0138", "who": "crm"}, "prefix: must be 1 to 14 digits"),
        ({"type": "block", "customer_id": "", "who": "crm"}, "customer_id: empty"),
        ({"type": "block", "customer_id": "C-17 ", "who": "crm"}, "customer: must be 1 to 64 visible characters"),
        (
            {"type": "block", "prefix": "86", "campaign": "sprnig", "who": "crm"},
            "campaign: there is no campaign sprnig",
        ),
        ({"type": "block", "prefix": "86", "until": NOW + 100, "who": "crm"}, "until: must be in the future"),
        ({"type": "unblock", "prefix": "86", "until": NOW + 500, "who": "crm"}, "until: only to block"),
        (outcome("refused", opt_out_scope="customer"), "opt_out_scope: only with opt_out or the outcome complaint"),
        (outcome("complaint", opt_out_scope="all"), "opt_out_scope: must be one of number, customer"),
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
    assert inbox.read(talked.store, OWNER, 10, 0) == ()
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
    received = inbox.read(talked.store, "dead:1", 10, 0)
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "_answer", lambda *args: None)
        inbox.apply(talked.store, received, now=NOW + 100)
    monkeypatch.setattr("dialer.store.base.streams.IDLE_MS", 0)

    again = inbox.read(talked.store, OWNER, 10, 0)
    inbox.apply(talked.store, again, now=NOW + 100)

    assert len(again) == 1
    assert ledger.totals(talked.store, talked.name, ["2026-03-03"])[0].answered == 0
    assert counts(talked.store, talked.name, NOW).outcomes == {"machine": 1}


@pytest.mark.parametrize("asked", ["key", "607", "complaint", "opt_out", "erased"])
def test_the_crm_does_not_unblock_what_the_callee_asked_for(talked: Floor, asked: str) -> None:
    """It is told who does, also where it has blocked the number itself in between; the administrator's way is open."""
    store, who = talked.store, of_number(number(0))
    if asked in ("key", "607"):
        opt_outs.block(store, [OptedOut("spring", "A0", number(0), "9" if asked == "key" else "", NOW)])
    elif asked == "erased":
        blocklist.add(store, [who.block(source="erased", reason="", who="admin", at=NOW)])
    else:
        said = {"outcome": "complaint"} if asked == "complaint" else {"outcome": "busy_now", "opt_out": True}
        say(store, {"type": "outcome", "campaign": "spring", "attempt_id": "A0", **said})
    before = blocks_on(store, who)
    say(store, {"type": "block", "number": f"+{who.value}", "who": "crm"})

    report = say(store, {"type": "unblock", "number": f"+{who.value}", "who": "crm"})

    assert report.refused == 1
    assert "only the administrator" in events(store)[-1][2]["reasons"][0]
    assert blocks_on(store, who) == before != ()
    assert blocklist.remove(store, [who], who="admin", now=NOW) == 1


@pytest.mark.parametrize("kind", ["block", "unblock"])
def test_short_prefixes_are_the_administrator_s(floor: Floor, kind: str) -> None:
    """The CRM can block a range of numbers and not half the world; the length is a setting."""
    short = {"type": kind, "prefix": "8613", "who": "crm"}

    report = say(floor.store, short, {"type": "block", "prefix": "86138", "who": "crm"})

    assert (report.applied, report.refused) == (1, 1)
    assert "fewer than 5 digits" in events(floor.store)[-1][2]["reasons"][0]
    assert [one.target.value for one in blocklist.prefixes(floor.store).table.on("8613812345678")] == ["86138"]


@pytest.mark.parametrize("later", ["key", "crm"])
def test_an_unblock_that_comes_again_takes_no_newer_block_away(
    talked: Floor, monkeypatch: pytest.MonkeyPatch, later: str
) -> None:
    """A daemon dies between an unblock and its acknowledgement; who opted out since then stays blocked."""
    store, who = talked.store, of_number(number(0))
    say(store, {"type": "block", "number": f"+{who.value}", "reason": "a slip", "who": "crm"}, now=time.time())
    unblock = {"type": "unblock", "number": f"+{who.value}", "who": "crm"}
    trip(store, [("XADD", store.keys.crm_in(), "*", "json", json.dumps(unblock))])
    received = inbox.read(store, "dead:1", 10, 0)
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "_answer", lambda *args: None)
        inbox.apply(store, received, now=time.time())
    assert blocks_on(store, who) == ()
    time.sleep(0.002)  # stream ids are milliseconds
    if later == "key":
        pressed = OptedOut("spring", "A9", number(0), "9", time.time())
        opt_outs.block(store, [pressed])
    else:
        say(store, {"type": "block", "number": f"+{who.value}", "who": "crm"}, now=time.time())
    monkeypatch.setattr("dialer.store.base.streams.IDLE_MS", 0)

    again = inbox.read(store, OWNER, 10, 0)
    inbox.apply(store, again, now=time.time())

    assert len(again) == 1
    assert len(blocks_on(store, who)) == 1


def test_an_outcome_is_no_phone_number(talked: Floor) -> None:
    """It would be shown and counted by its name."""
    report = say(talked.store, outcome("sale13800001234"))

    assert (report.applied, report.refused) == (0, 1)
    refusal = next(data for kind, _, data in events(talked.store) if kind == "refused")
    assert "outcome: reads like a phone number" in refusal["reasons"][0]


def test_an_outcome_that_is_said_again_undoes_nothing(floor: Floor, end: End) -> None:
    """A repeated entry is not a new word: what somebody did with the lead in between stays."""
    floor.fill(1)
    settle.settle(floor.store, [end(floor.dial()[0], live=True)], OWNER)
    again = [inbox.Received("1-1", inbox.Outcome(floor.name, "A0", "callback", callback_at=NOW + 500))]
    inbox.apply(floor.store, again, now=NOW + 100)
    leases.lease(floor.store, floor.name, OWNER, 1, NOW + 500, 60.0)
    leases.close(floor.store, floor.name, OWNER, ["L0"], kind="test", why="x", now=NOW + 501)

    inbox.apply(floor.store, again, now=NOW + 502)

    assert story(floor.store, floor.name, "L0").row.state is LeadState.CLOSED
    assert counts(floor.store, floor.name, NOW).outcomes == {"callback": 1}
