"""The hours of the policies that come with the program, asked about people."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from compliance.api import Callee, Refusal, Rule
from compliance.calling_hours.hours import Open, check
from compliance.calling_hours.places import Places, places_of
from compliance.numbers import E164
from config.campaign import CampaignSettings
from config.policies import applied
from tests.rules import in_words

OWN: dict[str, Any] = {"name": "spring", "abandon_message": "/m.wav", "max_abandon_rate": 0.03}

CHINESE = "+8613800001234"
PARISIAN = "+33123456789"
BERLINER = "+49301234567"
AUSTRALIAN = "+61298765432"
NEW_YORKER = "+12125551234"
PHILADELPHIAN = "+12155551234"
TALLAHASSEAN = "+18505551234"
TORONTONIAN = "+14165551234"


def ask(
    policy: str, clear: str, clock: str, zone: str, *, region: str = "", stated: str | None = None
) -> Open | Refusal:
    rules = applied(CampaignSettings.model_validate({**OWN, "policies": (policy,)})).policy()
    places = places_of(Callee(E164(clear), region=region, stated_zone=stated), rules.believe_stated_zone)
    assert isinstance(places, Places)
    return check(rules.hours, places, datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo(zone)).timestamp(), 25.0)


@pytest.mark.parametrize(
    ("policy", "clear", "zone", "clock", "opens"),
    [
        ("cn-default", CHINESE, "Asia/Shanghai", "2026-06-01 12:30", "2026-06-01 14:00"),
        ("fr", PARISIAN, "Europe/Paris", "2026-06-05 19:59:30", ""),
        ("fr", PARISIAN, "Europe/Paris", "2026-06-05 19:59:36", "2026-06-08 10:00"),
        ("fr", PARISIAN, "Europe/Paris", "2026-07-14 15:00", "2026-07-15 10:00"),
        ("de", BERLINER, "Europe/Berlin", "2026-10-03 12:00", "2026-10-05 08:00"),
        ("au", AUSTRALIAN, "Australia/Sydney", "2026-06-06 17:00", "2026-06-08 09:00"),
        ("ca", TORONTONIAN, "America/Toronto", "2026-06-07 18:00", "2026-06-08 09:00"),
        ("us-telemarketing", NEW_YORKER, "America/New_York", "2026-06-01 20:30", ""),
        ("us-telemarketing", PHILADELPHIAN, "America/New_York", "2026-06-06 12:30", "2026-06-07 08:00"),
    ],
)
def test_people_by_their_numbers(policy: str, clear: str, zone: str, clock: str, opens: str) -> None:
    """Open, or closed until when, as the law of the place says."""
    answer = ask(policy, clear, clock, zone)
    if opens:
        assert isinstance(answer, Refusal)
        assert answer.until == datetime.fromisoformat(opens).replace(tzinfo=ZoneInfo(zone)).timestamp()
    else:
        assert isinstance(answer, Open)


def test_a_number_of_one_state_and_an_address_in_another() -> None:
    """At 20:30 New York may be called, but not somebody there whose home is in Florida."""
    assert isinstance(ask("us-telemarketing", NEW_YORKER, "2026-06-01 20:30", "America/New_York"), Open)
    answer = ask("us-telemarketing", NEW_YORKER, "2026-06-01 20:30", "America/New_York", region="US-FL")
    assert isinstance(answer, Refusal)


def test_a_split_state_opens_with_its_later_zone() -> None:
    """A number of the Florida panhandle with no more than the state for an address."""
    early = ask("us-telemarketing", TALLAHASSEAN, "2026-06-01 08:30", "America/New_York", region="US-FL")
    assert isinstance(early, Refusal)
    assert early.until == datetime(2026, 6, 1, 8, tzinfo=ZoneInfo("America/Chicago")).timestamp()


def test_a_callee_of_another_country_is_refused_for_good() -> None:
    """The hours of France say nothing about Germany."""
    answer = ask("fr", BERLINER, "2026-06-01 11:00", "Europe/Berlin")
    assert in_words(answer) == (Rule.HOURS, "no calling hours are known for DE", None)
