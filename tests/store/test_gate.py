"""The second gate: blocklist, caps, and the attempt written down."""

from __future__ import annotations

import itertools
import math
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compliance.api import Per, Refusal, Rule
from compliance.blocks import of_number
from compliance.calling_hours.hours import CallingHours, HoursRule, Window
from compliance.cap_windows import Rolling
from compliance.caps import Cap, Counts
from compliance.contacts import Contact, Mark, packed, repacked
from compliance.policy import Policy
from config.campaign import CampaignSettings
from dialer.core.calls.settling import unsent
from dialer.core.inputs import Permitted, Refused
from dialer.core.model import Lead
from dialer.disk.registers import NationalRegisters
from dialer.language.refusals import detail
from dialer.store.base import connection
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import StoreUnavailable
from dialer.store.base.keys import digits
from dialer.store.gate import caller_ids, contacts, gate
from dialer.store.gate.evaluation import Screening
from dialer.store.gate.gate import LEASE_LOST, screen
from dialer.store.leads import leases
from dialer.store.leads.leads import LeadState, story
from dialer.store.operators import campaigns
from dialer.store.operators.status import counts
from dialer.store.privacy import blocklist
from dialer.store.settlement.settle import settle
from tests.disk.made_registers import listed, made
from tests.rules import in_words
from tests.store.conftest import ALWAYS, NOW, OWNER, POLICY, Floor, number
from tests.store.under_fire import exceeded, hammer

DAY = 86_400.0
MORNING_MINUTE = (HoursRule(CallingHours((Window(frozenset(range(7)), 60, 61),))),)


def block(floor: Floor, index: int, campaign: str = "") -> None:
    who = of_number(number(index), campaign)
    blocklist.add(floor.store, [who.block(source="complaint", reason="rude", who="qa", at=NOW)])


def test_a_permit_is_reserved_and_written_down(floor: Floor) -> None:
    """The attempt is in the history and among the open ones before anything is dialled."""
    floor.fill(1)

    answer = floor.dial()[0]

    assert (answer.permit.attempt, answer.permit.caller_id) == ("A0", "+861065550000")
    assert [one.at for one in contacts.history(floor.store, digits(number(0)))] == [NOW]
    assert story(floor.store, floor.name, "L0").row.state is LeadState.IN_ATTEMPT


def test_a_block_is_seen_by_the_next_reservation(floor: Floor) -> None:
    """A leased lead whose number was blocked a moment ago is refused and closed."""
    floor.fill(2)
    leads = floor.lease(2)
    block(floor, 0)
    block(floor, 1, "another")

    first, second = floor.screen(leads)

    assert isinstance(first, Refused)
    assert (first.refusal.rule, first.refusal.until) == (Rule.BLOCKLIST, None)
    assert "complaint" in detail(first.refusal)
    assert isinstance(second, Permitted), "a block of another campaign does not count here"
    assert story(floor.store, floor.name, "L0").row.state is LeadState.CLOSED
    assert contacts.history(floor.store, digits(number(0))) == ()


def test_a_cap_postpones_the_lead_until_it_frees(floor: Floor) -> None:
    """The refusal is the definition's own, and the lead is due again when the cap frees."""
    floor.policy = Policy("tight", ALWAYS, (Cap(1, Rolling(2 * DAY)),))
    floor.fill(1)
    trip(floor.store, [_seed(floor.store, 0, [NOW - DAY])])

    answer = floor.screen(floor.lease())[0]

    assert isinstance(answer, Refused)
    assert in_words(answer.refusal) == (Rule.CAP, "called often enough: 1 attempt in 2 days", NOW + DAY)
    assert story(floor.store, floor.name, "L0").row.at == NOW + DAY
    assert counts(floor.store, floor.name, NOW).refused_by == {"cap": 1}


def test_the_first_gate_refuses_without_touching_the_history(floor: Floor) -> None:
    """Outside calling hours nothing is reserved."""
    floor.policy = Policy("morning", MORNING_MINUTE, POLICY.caps)
    floor.fill(1)

    answer = floor.screen(floor.lease())[0]

    assert isinstance(answer, Refused)
    assert answer.refusal.rule is Rule.HOURS
    assert answer.refusal.until is not None
    assert story(floor.store, floor.name, "L0").row.at == pytest.approx(answer.refusal.until)
    assert contacts.history(floor.store, digits(number(0))) == ()


def test_a_number_on_a_national_register_is_never_reserved(floor: Floor, tmp_path: Path) -> None:
    """Its lead is closed with the register's name and day, as one on the blocklist is, and nothing is counted."""
    made(tmp_path / "cn.reg", [number(0)])
    floor.registers = NationalRegisters((listed(tmp_path / "cn.reg"),))
    floor.fill(2)

    on, off = floor.screen(floor.lease(2))

    assert isinstance(on, Refused)
    assert (on.refusal.rule, on.refusal.until) == (Rule.REGISTER, None)
    assert detail(on.refusal) == "on the national register cn-list of 2026-03-01"
    row = story(floor.store, floor.name, "L0").row
    assert (row.state, row.why) == (LeadState.CLOSED, "register: on the national register cn-list of 2026-03-01")
    assert contacts.history(floor.store, digits(number(0))) == ()
    assert isinstance(off, Permitted)
    assert counts(floor.store, floor.name, NOW).refused_by == {"register": 1}
    floor.registers.close()


@pytest.mark.parametrize(
    ("as_of", "rule"), [("2026-01-01", Rule.REGISTER_OUTDATED), ("", Rule.REGISTER_UNREADABLE)], ids=["old", "missing"]
)
def test_without_a_register_to_rely_on_nothing_is_dialled(floor: Floor, tmp_path: Path, as_of: str, rule: Rule) -> None:
    """The lead is put off and comes up again; mode preview does not show it to an agent either."""
    if as_of:
        made(tmp_path / "cn.reg", [number(5)], as_of=as_of)
    floor.registers = NationalRegisters((listed(tmp_path / "cn.reg"),))
    floor.fill(2)
    first, second = floor.lease(2)

    (answer,) = floor.screen((first,))
    passed, refused = floor.sift((second,))

    assert isinstance(answer, Refused)
    assert (answer.refusal.rule, answer.refusal.until) == (rule, NOW + 600.0)
    assert (passed, [one.refusal for one in refused]) == ((), [answer.refusal])
    assert story(floor.store, floor.name, "L0").row.state is LeadState.WAITING
    assert contacts.history(floor.store, digits(number(0))) == ()
    floor.registers.close()


def test_a_register_does_not_hold_up_what_hours_forbid(floor: Floor, tmp_path: Path) -> None:
    """Out of hours a lead waits for the hours, not for the register; one on the register is closed at once."""
    made(tmp_path / "cn.reg", [number(0)], as_of="2026-01-01")
    floor.registers = NationalRegisters((listed(tmp_path / "cn.reg"),))
    floor.policy = Policy("morning", MORNING_MINUTE, POLICY.caps)
    floor.fill(2)

    answers = floor.screen(floor.lease(2))

    assert [answer.refusal.rule for answer in answers if isinstance(answer, Refused)] == [Rule.REGISTER, Rule.HOURS]
    floor.registers.close()


def test_leads_are_sifted_as_the_gates_would_judge_them(floor: Floor) -> None:
    """Blocked, capped, expired: each ends as at the gates, and nothing is reserved for the one that passes."""
    floor.policy = Policy("tight", ALWAYS, (Cap(1, Rolling(2 * DAY)),))
    floor.fill(3)
    floor.add({"lead_id": "L3", "phone": number(3).clear, "expires_at": NOW + 5})
    floor.take_in()
    block(floor, 0, "spring")
    trip(floor.store, [_seed(floor.store, 1, [NOW - DAY])])
    leads = floor.lease()

    passed, refused = floor.sift(leads, NOW + 10)

    assert [lead.lead_id for lead in passed] == ["L2"]
    judged = {one.lead.lead_id: one.refusal for one in refused}
    assert {name: one.rule for name, one in judged.items()} == {
        "L0": Rule.BLOCKLIST,
        "L1": Rule.CAP,
        "L3": Rule.EXPIRED,
    }
    assert in_words(judged["L1"]) == (Rule.CAP, "called often enough: 1 attempt in 2 days", NOW + DAY)
    states = {name: story(floor.store, floor.name, name).row.state for name in ("L0", "L1", "L2", "L3")}
    assert states == {
        "L0": LeadState.CLOSED,
        "L1": LeadState.WAITING,
        "L2": LeadState.LEASED,
        "L3": LeadState.CLOSED,
    }
    assert contacts.history(floor.store, digits(number(2))) == ()
    assert counts(floor.store, floor.name, NOW).refused_by == {"blocklist": 1, "cap": 1, "expired": 1}
    assert isinstance(floor.screen(passed, now=NOW + 10)[0], Permitted)


def test_a_lost_lease_gives_the_reservation_back(floor: Floor) -> None:
    """A lead that another daemon has by now is not dialled and its number not charged."""
    floor.fill(1)
    leads = floor.lease()
    floor.lease(now=NOW + 130, owner="other:1")

    answer = floor.screen(leads, now=NOW + 131)[0]

    assert isinstance(answer, Refused)
    assert answer.refusal is LEASE_LOST
    assert contacts.history(floor.store, digits(number(0))) == ()
    assert story(floor.store, floor.name, "L0").owner == "other:1"


def test_a_failed_second_step_gives_the_reservations_back(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the attempt cannot be written down, nothing is charged and the caller hears why."""
    floor.fill(1)
    leads = floor.lease()

    def broken(*args: object, **kwargs: object) -> list[int]:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(gate, "move", broken)
    with pytest.raises(StoreUnavailable):
        floor.screen(leads)

    assert contacts.history(floor.store, digits(number(0))) == ()


def test_a_crash_between_the_steps_errs_on_the_callees_side(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies after the reservation leaves the number charged and the lead not dialled, due later."""
    floor.fill(1)
    leads = floor.lease()

    class Died(BaseException):
        """The process is gone."""

    def die(*args: object, **kwargs: object) -> list[int]:
        raise Died

    monkeypatch.setattr(gate, "move", die)
    with pytest.raises(Died):
        floor.screen(leads)

    assert len(contacts.history(floor.store, digits(number(0)))) == 1
    assert counts(floor.store, floor.name, NOW).in_attempt == 0
    assert len(floor.lease(now=NOW + 121, owner="other:1")) == 1


def test_giving_back_twice_uncounts_once(floor: Floor) -> None:
    """Other attempts to the same number stay counted."""
    floor.policy = Policy("wide", ALWAYS, (Cap(5, Rolling(DAY)),))
    trip(floor.store, [_seed(floor.store, 0, [NOW - 50])])
    floor.fill(1)
    floor.dial()
    mine = contacts.Reservation((digits(number(0)),), floor.name, "A0")

    assert contacts.give_back(floor.store, [mine]) == 1
    assert contacts.give_back(floor.store, [mine]) == 0
    assert [one.at for one in contacts.history(floor.store, digits(number(0)))] == [NOW - 50]


def test_daemons_and_campaigns_together_never_pass_a_cap(store: Store) -> None:
    """Threads of several owners and campaigns that screen the same numbers at once get exactly the cap's worth."""
    policy, numbers, lanes = Policy("two", ALWAYS, (Cap(2, Rolling(30 * DAY)),)), 20, 6
    won: list[str] = []
    floors = []
    for lane in range(lanes):
        settings = CampaignSettings(name=f"lane{lane}", mode="progressive", caller_id="+861065550000")
        campaigns.create(store, settings, who="test", now=NOW)
        floors.append(Floor(store, settings, policy))
        floors[-1].fill(numbers)
    start = threading.Barrier(lanes)

    def work(lane: int) -> None:
        floor, owner = floors[lane], f"host:{lane}"
        leads = floor.lease(numbers, owner=owner)
        start.wait(10)
        for i, lead in enumerate(leads):
            ids = [f"{lane}-{i}"]
            screening = Screening(store, floor.settings, policy, NOW)
            answer = screen(screening, [lead], trunk="t", owner=owner, attempt_ids=ids)[0]
            if isinstance(answer, Permitted):
                won.append(lead.number.clear)

    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won) == sorted([number(i).clear for i in range(numbers)] * 2)


def test_caps_hold_under_fire(store: Store) -> None:
    """Two threads over three campaigns, with attempts that end, are given back, or are never heard of again."""
    clock, lanes, numbers = itertools.count(), 2, 30
    counts: list[Counter[str]] = []

    def work(seed: int) -> None:
        counts.append(hammer(store, seed, numbers, lambda: NOW + next(clock) // 4, lambda judged: judged < 800))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    broken, attempts = exceeded(store, numbers)
    assert len(counts) == lanes
    assert (broken, attempts) == (0, sum(count["reserved"] - count["given back"] for count in counts))
    assert sum(count["refused by cap"] for count in counts) > attempts > 100


def test_the_same_number_twice_in_one_batch_is_counted_twice(store: Store, floor: Floor) -> None:
    """A batch is judged lead by lead."""
    floor.policy = Policy("one", ALWAYS, (Cap(1, Rolling(DAY)),))
    floor.fill(1)
    lead = floor.lease()[0]

    twice = [lead, Lead("ghost", floor.name, lead.numbers)]
    answers = screen(floor.screening(), twice, trunk="t", owner=OWNER, attempt_ids=["A", "B"])

    assert [type(answer) for answer in answers] == [Permitted, Refused]


def between(monkeypatch: pytest.MonkeyPatch, happens: Callable[[int], object]) -> None:
    """Let something happen each time between the judgement and the reservation."""
    rounds, reserve = itertools.count(), gate.reserve

    def later(*args: Any, **kwargs: Any) -> list[bool]:
        happens(next(rounds))
        return reserve(*args, **kwargs)

    monkeypatch.setattr(gate, "reserve", later)


def test_a_block_that_comes_after_the_judgement_is_seen(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lead is judged again, and refused."""
    floor.fill(1)
    between(monkeypatch, lambda i: block(floor, 0) if i == 0 else None)

    answer = floor.screen(floor.lease())[0]

    assert isinstance(answer, Refused)
    assert answer.refusal.rule is Rule.BLOCKLIST
    assert contacts.history(floor.store, digits(number(0))) == ()


def test_a_prefix_that_is_blocked_after_the_judgement_is_seen(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The generation of the prefixes has changed, so the table in memory is read again."""
    floor.fill(1)
    floor.add({"lead_id": "elsewhere", "phone": "+8613999999999"})
    floor.take_in()
    prefix = blocklist.Target(blocklist.BlockKind.PREFIX, "86138").block(source="crm", reason="", who="qa", at=NOW)
    between(monkeypatch, lambda i: blocklist.add(floor.store, [prefix]) if i == 0 else None)

    answers = floor.screen(floor.lease())

    assert [type(answer) for answer in answers] == [Refused, Permitted]
    assert contacts.history(floor.store, digits(number(0))) == ()


def test_an_attempt_that_comes_after_the_judgement_is_seen(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another daemon took the last place under the cap."""
    floor.policy = Policy("one", ALWAYS, (Cap(1, Rolling(DAY)),))
    floor.fill(1)
    between(monkeypatch, lambda i: trip(floor.store, [_seed(floor.store, 0, [NOW - 1])]) if i == 0 else None)

    answer = floor.screen(floor.lease())[0]

    assert isinstance(answer, Refused)
    assert (answer.refusal.rule, answer.refusal.until) == (Rule.CAP, NOW - 1 + DAY)
    assert len(contacts.history(floor.store, digits(number(0)))) == 1


def test_facts_that_never_keep_still_put_the_lead_off(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """After three rounds it rests for five seconds, nothing is counted for it, and its caller id is given back."""
    floor.policy = Policy("none", ALWAYS, ())
    floor.fill(1)
    between(monkeypatch, lambda i: trip(floor.store, [_seed(floor.store, 0, [NOW - 99 + i])]))

    answer = floor.screen(floor.lease())[0]

    assert isinstance(answer, Refused)
    assert (answer.refusal.rule, answer.refusal.until) == (Rule.CONTENDED, NOW + 5)
    assert [one.at for one in contacts.history(floor.store, digits(number(0)))] == [NOW - 97]
    assert story(floor.store, floor.name, "L0").row.state is LeadState.WAITING
    held = caller_ids.held(floor.store, floor.settings, NOW)
    assert dict(held.uses).get("+861065550000", 0) == 0


def test_an_attempt_counts_for_the_customer_and_the_account_too(floor: Floor) -> None:
    """Whatever the policy: another campaign may have a cap on them."""
    floor.fill(1, customer_id="C-1", account_id="A-1")
    floor.dial()

    for field in (digits(number(0)), "c:C-1", "a:A-1"):
        (one,) = contacts.history(floor.store, field)
        assert (one.at, one.marks) == (NOW, 0)


def test_a_cap_per_account_binds_other_numbers_of_it(floor: Floor) -> None:
    """Two leads of one account in a batch: the second waits, also a lead without an account."""
    floor.policy = Policy("account", ALWAYS, (Cap(1, Rolling(7 * DAY), per=Per.ACCOUNT),))
    floor.fill(2, account_id="A-1")
    floor.add({"lead_id": "none", "phone": "+8613999999999"})
    floor.take_in()

    first, second, third = floor.screen(floor.lease())

    assert isinstance(first, Permitted)
    assert isinstance(second, Refused)
    assert second.refusal.rule is Rule.CAP
    assert contacts.history(floor.store, digits(number(1))) == ()
    assert isinstance(third, Refused)
    assert third.refusal.until is None
    assert "account_id" in detail(third.refusal)


def test_where_a_later_subject_has_changed_the_earlier_ones_are_given_back(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number was counted already when the account turned out to have changed."""
    floor.policy = Policy("account", ALWAYS, (Cap(1, Rolling(7 * DAY), per=Per.ACCOUNT),))
    floor.fill(1, customer_id="C-1", account_id="A-1")
    attempt = packed(NOW - 5, "seed", "@seed", "S", "")
    key = store_key(floor.store, "a:A-1")
    between(monkeypatch, lambda i: trip(floor.store, [("HSET", key, "a:A-1", attempt)]) if i == 0 else None)

    answer = floor.screen(floor.lease())[0]

    assert isinstance(answer, Refused)
    assert answer.refusal.rule is Rule.CAP
    assert [len(contacts.history(floor.store, name)) for name in (digits(number(0)), "c:C-1", "a:A-1")] == [0, 0, 1]


@pytest.mark.parametrize("done", [True, False], ids=["answer lost", "never sent"])
def test_wherever_the_server_goes_away_every_attempt_is_given_back(
    store: Store, settings: CampaignSettings, monkeypatch: pytest.MonkeyPatch, *, done: bool
) -> None:
    """Between any two steps, with or without the step's work done: once the attempts are settled as never sent nobody
    has one on the account, number, customer or account, and the leads come up again."""
    send, failures = connection._send, 0
    for failing in range(12):
        name = f"spring-{failing}"
        floor = Floor(store, settings.model_copy(update={"name": name}))
        campaigns.create(store, floor.settings, who="test", now=NOW)
        floor.add(
            *(
                {"lead_id": f"L{i}", "phone": number(i).clear, "customer_id": f"C{i // 2}", "account_id": f"A{i}"}
                for i in range(4)
            )
        )
        floor.take_in()
        leads, trips = floor.lease(), itertools.count()

        def flaky(store: Store, commands: Any, failing: int = failing, trips: Any = trips) -> Any:
            at = next(trips)
            if at == failing and not done:
                raise StoreUnavailable("gone")
            replies = send(store, commands)
            if at == failing:
                raise StoreUnavailable("gone")
            return replies

        monkeypatch.setattr(connection, "_send", flaky)
        try:
            floor.screen(leads)
        except StoreUnavailable:
            failures += 1
        monkeypatch.setattr(connection, "_send", send)
        ends = [unsent(lead, f"A{i}", "main", "no answer", NOW + 30) for i, lead in enumerate(leads)]
        settle(store, [replace(end, day="2026-03-03") for end in ends], OWNER)

        fields = {field for lead in leads for field in contacts.fields_of(lead)}
        assert [one for field in fields for one in contacts.history(store, field)] == [], failing
        assert counts(store, name, NOW + 30).standing.in_attempt == 0
    assert failures > 6


def test_agents_who_asked_for_the_call_are_told_to_the_caps(floor: Floor) -> None:
    """72 hours after an abandoned call only with an agent held; mode preview sifts as if there was one."""
    cap = Cap(1, Rolling(3 * DAY), Counts.ABANDONED, unless_agent_held=True)
    floor.policy = Policy("ofcom", ALWAYS, (cap,))
    floor.fill(2)
    raw = repacked([Contact(int(NOW - DAY), marks=Mark.ENDED | Mark.ABANDONED, minutes=1)])
    for i in range(2):
        name = digits(number(i))
        trip(floor.store, [("HSET", store_key(floor.store, name), name, raw)])
    first, second = floor.lease(2)

    passed, _ = floor.sift((first,), NOW)

    assert passed == (first,)
    assert isinstance(floor.screen((first,), agent_held=True)[0], Permitted)
    assert isinstance(floor.screen((second,))[0], Refused)


def test_a_refused_lead_does_not_come_up_again_at_once(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the rules say until when: a lead that went round and round would keep the store busy."""
    floor.fill(2)
    first, second = floor.lease(2)
    refusal = Refusal(Rule.HOURS, "over already", NOW - 5)
    for where in ("gate.gate", "gate.evaluation"):
        monkeypatch.setattr(f"dialer.store.{where}.judge", lambda *_: refusal)

    floor.screen((first,))
    floor.sift((second,), NOW)

    assert [story(floor.store, floor.name, name).row.at for name in ("L0", "L1")] == [NOW + 1, NOW + 1]


def test_a_lead_that_expires_before_its_cap_frees_comes_up_to_be_closed(floor: Floor) -> None:
    """A campaign is not held open for months by leads that may not be called any more."""
    floor.policy = Policy("tight", ALWAYS, (Cap(1, Rolling(90 * DAY)),))
    floor.fill(1, expires_at=NOW + 2 * DAY)
    trip(floor.store, [_seed(floor.store, 0, [NOW - DAY])])

    floor.screen(floor.lease())
    assert story(floor.store, floor.name, "L0").row.at == NOW + 2 * DAY

    floor.screen(floor.lease(now=NOW + 2 * DAY), now=NOW + 2 * DAY)
    row = story(floor.store, floor.name, "L0").row
    assert (row.state, row.why) == (LeadState.CLOSED, "expired: the lead may no longer be used")


@pytest.mark.parametrize("damage", ["record", "key"])
def test_a_damaged_history_is_no_empty_one(floor: Floor, damage: str) -> None:
    """Nobody knows how often such a number was called, so it is put off; and the others are called."""
    floor.fill(2)
    name = digits(number(0))
    key = store_key(floor.store, name)
    trip(floor.store, [("HSET", key, name, b"x" * 15) if damage == "record" else ("SET", key, "x")])

    refused, permitted = floor.screen(floor.lease())

    assert isinstance(refused, Refused)
    assert isinstance(permitted, Permitted)
    assert refused.refusal.until == NOW + 600
    assert "history cannot be read" in story(floor.store, floor.name, "L0").row.why


def test_only_the_newest_attempts_are_kept(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number's history has a limit."""
    monkeypatch.setattr(contacts, "ATTEMPTS_KEPT", 3)
    floor.policy = Policy("none", ALWAYS, ())
    floor.fill(1)
    trip(floor.store, [_seed(floor.store, 0, [NOW - 9, NOW - 8, NOW - 7])])

    floor.dial()

    assert [one.at for one in contacts.history(floor.store, digits(number(0)))] == [NOW - 8, NOW - 7, NOW]


def test_every_lead_needs_an_attempt_id(floor: Floor) -> None:
    """A caller's mistake is said at once."""
    with pytest.raises(ValueError, match="0 leads and 1 attempt ids"):
        screen(floor.screening(), [], trunk="t", owner=OWNER, attempt_ids=["A"])


def test_leases_are_unharmed_by_an_empty_screen(floor: Floor) -> None:
    """No leads, no round trip, no answer."""
    assert screen(floor.screening(), [], trunk="t", owner=OWNER, attempt_ids=[]) == ()
    assert leases.release(floor.store, floor.name, OWNER, [], NOW) == 0


def store_key(store: Store, field: str) -> str:
    return contacts.spot(store, field).key


def _seed(store: Store, index: int, times: list[float]) -> tuple[str | bytes, ...]:
    """The command that writes a history of attempts that have ended."""
    name = digits(number(index))
    return ("HSET", store_key(store, name), name, repacked(Contact(math.ceil(at), marks=Mark.ENDED) for at in times))
