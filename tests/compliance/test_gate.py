"""The first gate."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from compliance.face import Cleared, Permit, PermitError, Refusal, Reserved, Rule
from compliance.gate import CLEARANCE_S, clear
from compliance.numbers import E164
from compliance.policy import CN_DEFAULT, Policy

CHINESE = E164("+8613800001234")
RUSSIAN_MOBILE = E164("+79161234567")
NOWHERE = E164("+882123456789")


def shanghai(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()


NOON = shanghai("2026-03-02 12:30")
MORNING = shanghai("2026-03-02 10:00")


def ask(
    number: E164 = CHINESE,
    *,
    policy: Policy = CN_DEFAULT,
    stated_zone: str | None = None,
    expires_at: float | None = None,
    now: float = MORNING,
) -> Cleared | Refusal:
    return clear(number, policy=policy, stated_zone=stated_zone, expires_at=expires_at, now=now, ring_timeout_s=25.0)


def test_a_number_in_calling_hours_is_cleared_for_half_a_minute() -> None:
    """Ten in the morning in China is fine."""
    assert ask() == Cleared(CHINESE, MORNING, MORNING + CLEARANCE_S, closes_at=shanghai("2026-03-02 12:00"))


def test_a_clearance_ends_so_that_no_call_rings_past_closing() -> None:
    """Forty seconds before noon, a call of 25 s may start in the next 15 s."""
    now = shanghai("2026-03-02 11:59:20")
    assert ask(now=now) == Cleared(CHINESE, now, now + 15.0, closes_at=now + 40.0)


def test_the_lunch_break_is_refused_until_it_is_over() -> None:
    """Half past twelve waits for two."""
    assert ask(now=NOON) == Refusal(
        Rule.HOURS, "outside calling hours: Mon 12:30 in Asia/Shanghai", shanghai("2026-03-02 14:00")
    )


def test_an_expired_lead_is_refused_for_good() -> None:
    """From its expiry on, to the second, and before anything else is looked at."""
    refusal = ask(expires_at=MORNING)
    assert isinstance(refusal, Refusal)
    assert (refusal.rule, refusal.until) == (Rule.EXPIRED, None)


def test_a_clearance_does_not_outlive_the_lead() -> None:
    """A lead that expires in 10 s is cleared for 10 s."""
    assert ask(expires_at=MORNING + 10) == Cleared(CHINESE, MORNING, MORNING + 10, shanghai("2026-03-02 12:00"))


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
    assert refusal == Refusal(Rule.UNKNOWN_ZONE, "the stated time zone is not in the zone database", None)


def test_a_number_without_a_place_is_refused() -> None:
    """Nobody knows the time there; a rehearsal may say that it does not matter."""
    refusal = ask(NOWHERE)
    assert isinstance(refusal, Refusal)
    assert refusal.rule is Rule.UNKNOWN_ZONE
    rehearsal = Policy("rehearsal", CN_DEFAULT.hours, CN_DEFAULT.caps, require_zone=False)
    assert isinstance(ask(NOWHERE, policy=rehearsal, now=NOON), Cleared)
    assert isinstance(ask(CHINESE, policy=rehearsal, now=NOON), Refusal)


def test_both_gates_make_a_permit_and_one_does_not() -> None:
    """A reservation for another number, or after the clearance lapsed, makes none."""
    cleared = ask()
    assert isinstance(cleared, Cleared)
    permit = Permit(cleared, Reserved("a-1", CHINESE, MORNING + 30, 1))
    assert (permit.attempt, permit.number, permit.valid_until) == ("a-1", CHINESE, MORNING + 30)
    with pytest.raises(PermitError, match="not the number"):
        Permit(cleared, Reserved("a-1", RUSSIAN_MOBILE, MORNING, 1))
    with pytest.raises(PermitError, match="lapsed"):
        Permit(cleared, Reserved("a-1", CHINESE, MORNING + 31, 1))
