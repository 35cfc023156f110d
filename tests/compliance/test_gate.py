"""The first gate: what it decides, and that its explanation is the same decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.api import Callee, Cleared, Per, Permit, PermitError, Refusal, Reserved, Rule
from compliance.blocks import Block, BlockKind
from compliance.calling_hours.hours import CallingHours, HoursRule, Window
from compliance.cap_windows import DAY_S, Rolling
from compliance.caps import Cap, Counts
from compliance.contacts import Contact, Mark
from compliance.destinations import Destinations
from compliance.gate import CLEARANCE_S, Facts, judge, question
from compliance.numbers import E164
from compliance.policy import Policy
from dialer.language.findings import Finding, explain
from dialer.language.refusals import detail
from tests.rules import CN_DEFAULT, EVERY_DAY

CHINESE = E164("+8613800001234")
RUSSIAN_MOBILE = E164("+79161234567")
NOWHERE = E164("+882123456789")
ALWAYS = (HoursRule(CallingHours((Window(EVERY_DAY, 0, 1440),))),)


def shanghai(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()


NOON = shanghai("2026-03-02 12:30")
MORNING = shanghai("2026-03-02 10:00")


def terms(now: float) -> dict[str, Any]:
    return {
        "campaign": "spring",
        "group": "@spring",
        "zone": ZoneInfo("Asia/Shanghai"),
        "now": now,
        "ring_timeout_s": 25.0,
    }


def ask(
    number: E164 = CHINESE,
    *,
    policy: Policy = CN_DEFAULT,
    now: float = MORNING,
    history: tuple[Contact, ...] = (),
    blocks: tuple[Block, ...] = (),
    listed: Refusal | None = None,
    agent_held: bool = False,
    **callee: Any,
) -> Cleared | Refusal:
    facts = Facts(Callee(number, **callee), {Per.NUMBER: history}, blocks, listed, agent_held)
    return judge(facts, question(policy, **terms(now)))


def test_a_number_in_calling_hours_is_cleared_for_half_a_minute() -> None:
    """Ten in the morning in China is fine."""
    assert ask() == Cleared(CHINESE, MORNING, MORNING + CLEARANCE_S, closes_at=shanghai("2026-03-02 12:00"))


def test_a_clearance_ends_so_that_no_call_rings_past_closing() -> None:
    """Forty seconds before noon, a call of 25 s may start in the next 15 s."""
    now = shanghai("2026-03-02 11:59:20")
    assert ask(now=now) == Cleared(CHINESE, now, now + 15.0, closes_at=now + 40.0)


def test_the_lunch_break_is_refused_until_it_is_over() -> None:
    """Half past twelve waits for two."""
    refusal = ask(now=NOON)
    assert isinstance(refusal, Refusal)
    assert (refusal.rule, refusal.until) == (Rule.HOURS, shanghai("2026-03-02 14:00"))


def test_an_expired_lead_is_refused_for_good() -> None:
    """From its expiry on, to the second."""
    refusal = ask(expires_at=MORNING)
    assert isinstance(refusal, Refusal)
    assert (refusal.rule, refusal.until) == (Rule.EXPIRED, None)


def test_a_clearance_does_not_outlive_the_lead_or_its_consent() -> None:
    """A lead that expires in 10 s is cleared for 10 s, one whose consent ends in 5 s for 5."""
    closes = shanghai("2026-03-02 12:00")
    assert ask(expires_at=MORNING + 10) == Cleared(CHINESE, MORNING, MORNING + 10, closes)
    assert ask(expires_at=MORNING + 10, consent_until=MORNING + 5) == Cleared(CHINESE, MORNING, MORNING + 5, closes)


def test_consent_is_asked_for_where_the_policy_asks() -> None:
    """Without it the lead is closed."""
    policy = replace(CN_DEFAULT, consent_required=True)
    refusal = ask(policy=policy)
    assert isinstance(refusal, Refusal)
    assert (refusal.rule, refusal.until) == (Rule.CONSENT, None)
    assert isinstance(ask(policy=policy, consent_at=MORNING - DAY_S), Cleared)


def test_a_stated_zone_is_believed() -> None:
    """A Chinese number whose owner is in London is called by London's clock."""
    refusal = ask(stated_zone="Europe/London")
    assert isinstance(refusal, Refusal)
    assert refusal.rule is Rule.HOURS
    assert isinstance(ask(RUSSIAN_MOBILE, stated_zone="Asia/Shanghai"), Cleared)


@pytest.mark.parametrize("stated", ["", "Shanghai", "UTC+8", "../localtime", "Etc/Unknown"])
def test_a_stated_zone_that_is_none_is_refused(stated: str) -> None:
    """A wrong zone is not replaced by a guess, and not repeated in the message."""
    refusal = ask(stated_zone=stated)
    assert isinstance(refusal, Refusal)
    assert (refusal.rule, refusal.until) == (Rule.UNKNOWN_ZONE, None)
    assert not stated or stated not in detail(refusal)


def test_a_number_outside_the_destinations_is_refused() -> None:
    """Another country for a day, a premium number for good."""
    policy = replace(CN_DEFAULT, destinations=Destinations(frozenset({"CN"})))
    abroad, premium = ask(E164("+819012345678"), policy=policy), ask(E164("+19005551234"), policy=policy)
    assert isinstance(ask(policy=policy), Cleared)
    assert isinstance(abroad, Refusal)
    assert (abroad.rule, abroad.until) == (Rule.DESTINATION, MORNING + DAY_S)
    assert isinstance(premium, Refusal)
    assert (premium.rule, premium.until) == (Rule.DESTINATION, None)
    told = explain(Facts(Callee(E164("+19005551234")), {}), question(policy, **terms(MORNING)))
    assert [finding.refusal for finding in told if finding.rule is Rule.DESTINATION] == [premium]


def test_a_number_without_a_place_is_refused() -> None:
    """Nobody knows the time there; a rehearsal may say that it does not matter."""
    refusal = ask(NOWHERE)
    assert isinstance(refusal, Refusal)
    assert refusal.rule is Rule.UNKNOWN_ZONE
    rehearsal = replace(CN_DEFAULT, require_zone=False)
    assert isinstance(ask(NOWHERE, policy=rehearsal, now=NOON), Cleared)
    assert isinstance(ask(CHINESE, policy=rehearsal, now=NOON), Refusal)


def test_caps_blocks_and_registers_refuse() -> None:
    """Each with its own rule and end."""
    twice = tuple(Contact(int(MORNING - days * DAY_S), marks=Mark.ENDED) for days in (9, 3))
    block = Block(BlockKind.NUMBER, CHINESE.clear[1:], "", "crm", "", "qa", MORNING - 5, MORNING + 7 * DAY_S)
    listed = Refusal(Rule.REGISTER, "on a register", None)
    found = [ask(history=twice), ask(blocks=(block,)), ask(listed=listed)]
    assert [(one.rule, one.until) for one in found if isinstance(one, Refusal)] == [
        (Rule.CAP, MORNING + 87 * DAY_S),
        (Rule.BLOCKLIST, MORNING + 7 * DAY_S),
        (Rule.REGISTER, None),
    ]
    assert isinstance(ask(blocks=(replace(block, campaign="another"),)), Cleared)


def test_of_several_refusals_the_one_that_lasts_longest_is_given() -> None:
    """For good before anything else; else the latest end, so that a lead does not come up in vain."""
    block = Block(BlockKind.NUMBER, CHINESE.clear[1:], "", "crm", "", "qa", MORNING - 5, NOON + 7 * DAY_S)
    refusal = ask(now=NOON, blocks=(block,))
    assert isinstance(refusal, Refusal)
    assert refusal.rule is Rule.BLOCKLIST
    refusal = ask(now=NOON, blocks=(block,), listed=Refusal(Rule.REGISTER, "on a register", None))
    assert isinstance(refusal, Refusal)
    assert refusal.rule is Rule.REGISTER


def test_an_agent_who_asked_for_the_call_is_told_to_the_caps() -> None:
    """The cap on abandoned calls leaves it alone."""
    cap = Cap(1, Rolling(3 * DAY_S), Counts.ABANDONED, unless_agent_held=True)
    policy = replace(CN_DEFAULT, hours=ALWAYS, caps=(cap,))
    left = (Contact(int(MORNING) - 60, marks=Mark.ENDED | Mark.ABANDONED, minutes=1),)
    assert isinstance(ask(policy=policy, history=left), Refusal)
    assert isinstance(ask(policy=policy, history=left, agent_held=True), Cleared)


def test_a_cap_per_account_refuses_a_lead_without_one_even_if_it_was_never_called() -> None:
    """No history is no excuse for not knowing whose it would be."""
    policy = replace(CN_DEFAULT, caps=(Cap(7, Rolling(7 * DAY_S), per=Per.ACCOUNT),))
    refusal = ask(policy=policy)
    assert isinstance(refusal, Refusal)
    assert (refusal.rule, refusal.until) == (Rule.CAP, None)


def test_every_rule_says_what_it_found() -> None:
    """In order, with its facts, whether or not it refuses."""
    history = (Contact(int(shanghai("2026-03-01 09:30")), marks=Mark.ENDED),)
    told = explain(Facts(Callee(CHINESE), {Per.NUMBER: history}), question(CN_DEFAULT, **terms(MORNING)))
    assert [(one.rule, one.said) for one in told] == [
        (Rule.EXPIRED, "does not expire"),
        (Rule.CONSENT, "consent is not needed; none was stated"),
        (Rule.DESTINATION, "an ordinary number of CN, which the campaign calls"),
        (Rule.UNKNOWN_ZONE, "in Asia/Shanghai, by the number"),
        (Rule.HOURS, "Mon 10:00 in Asia/Shanghai; open until Mon 12:00"),
        (Rule.REGISTER, "on no register that the campaign asks"),
        (Rule.BLOCKLIST, "no block"),
        (Rule.CAP, "attempted once, last on 2026-03-01 09:30; at most: 2 attempts in 30 days, then 90 days of rest"),
    ]
    assert all(one.refusal is None for one in told)


@settings(max_examples=200, deadline=None)
@given(
    hour=st.integers(0, 23),
    ages=st.lists(st.integers(0, 130), max_size=4),
    number=st.sampled_from([CHINESE, RUSSIAN_MOBILE, NOWHERE]),
    blocked_for=st.sampled_from([None, 3600.0, 40 * DAY_S]),
    expires_in=st.sampled_from([None, -1.0, 10.0]),
    listed=st.booleans(),
    consent_required=st.booleans(),
)
def test_the_decision_is_one_of_the_findings(  # type: ignore[no-untyped-def]
    hour, ages, number, blocked_for, expires_in, listed, consent_required
) -> None:
    """`judge` clears where no finding refuses; else its refusal is a finding's, and none lasts longer."""
    now = MORNING + hour * 3600
    block = (
        ()
        if blocked_for is None
        else (Block(BlockKind.NUMBER, number.clear[1:], "", "crm", "", "qa", now - 5, now + blocked_for),)
    )
    history = tuple(sorted(Contact(int(now - age * DAY_S), marks=Mark.ENDED) for age in ages))
    callee = Callee(number, expires_at=None if expires_in is None else now + expires_in)
    on = Refusal(Rule.REGISTER, "on a register", None) if listed else None
    facts = Facts(callee, {Per.NUMBER: history}, block, on)
    policy = replace(CN_DEFAULT, consent_required=consent_required)

    told: tuple[Finding, ...] = explain(facts, question(policy, **terms(now)))
    answer = judge(facts, question(policy, **terms(now)))

    against = [one.refusal for one in told if one.refusal is not None]
    assert isinstance(answer, Cleared) == (not against)
    if isinstance(answer, Refusal):
        assert answer in against
        ends = [float("inf") if one.until is None else one.until for one in against]
        assert max(ends) == (float("inf") if answer.until is None else answer.until)


def test_both_gates_make_a_permit_and_one_does_not() -> None:
    """A reservation for another number, or after the clearance lapsed, makes none."""
    cleared = ask()
    assert isinstance(cleared, Cleared)
    permit = Permit(cleared, Reserved("a-1", CHINESE, MORNING + 30, "+861065550000"))
    assert (permit.attempt, permit.number, permit.valid_until) == ("a-1", CHINESE, MORNING + 30)
    assert permit.caller_id == "+861065550000"
    with pytest.raises(PermitError, match="not the number"):
        Permit(cleared, Reserved("a-1", RUSSIAN_MOBILE, MORNING, ""))
    with pytest.raises(PermitError, match="lapsed"):
        Permit(cleared, Reserved("a-1", CHINESE, MORNING + 31, ""))
