"""The policies that come with the program say what the research notes say."""

from __future__ import annotations

import tomllib

import pytest

from compliance.api import Per
from compliance.cap_windows import DAY_S, CalendarDays, Rolling
from compliance.caps import Cap, Counts
from config.campaign import CampaignSettings
from config.policies import AppliedSettings, applied, shipped
from config.policies.catalogue import SHIPPED
from config.rules import HoursSettings, a_date, rules_of

NAMES = ["au", "ca", "cn-default", "de", "fr", "in", "uk", "us-collections-regf", "us-telemarketing"]
NEEDS = {"uk": {"max_abandon_rate": 0.03, "hours": [{"days": ["mon"], "opens": "09:00", "closes": "20:00"}]}}
NEEDS |= {name: {"max_abandon_rate": 0.01} for name in ("au", "de", "fr", "in")}
NEEDS["us-collections-regf"] = {"max_abandon_rate": 0.03, "abandon_windows": [{"kind": "calendar_day"}]}


def under(*policies: str, **given: object) -> AppliedSettings:
    fields = {"name": "spring", "abandon_message": "/m.wav", "policies": policies, **given}
    return applied(CampaignSettings.model_validate(fields))


def hours_of(policy: str, region: str) -> list[tuple[str, str, str]]:
    rows = [row for row in shipped().get(policy).hours if row.region == region]
    return [(" ".join(row.days), row.opens, row.closes) for row in rows]


def test_all_nine_are_there_and_can_be_used() -> None:
    """None has a fault."""
    assert sorted(shipped().policies) == NAMES
    assert shipped().faults == {}


@pytest.mark.parametrize("name", NAMES)
def test_each_can_be_a_campaigns_only_policy(name: str) -> None:
    """Where a law is silent the campaign has to speak: hours in the UK, and how many calls may be abandoned in most."""
    settings = under(name, **NEEDS.get(name, {}))  # type: ignore[arg-type]

    assert settings.policy().name == name
    assert [version.name for version in settings.policy_versions] == [name]
    assert [version.version for version in settings.policy_versions] == [shipped().get(name).version]


@pytest.mark.parametrize("name", NAMES)
def test_each_value_has_a_source_and_a_date(name: str) -> None:
    """No number stands there without them."""
    tree = tomllib.loads((SHIPPED / f"{name}.toml").read_text(encoding="utf-8"))
    plain = {"title", "country", "jurisdiction", "not_legal_advice"}
    values = [
        row for key, item in tree.items() if key not in plain for row in (item if isinstance(item, list) else [item])
    ]

    assert values
    assert all(len(value["source"]) > 10 for value in values)
    assert all(a_date(value["as_of"]) for value in values)
    assert "Not legal advice" in tree["not_legal_advice"]


def test_what_is_not_verified_says_so() -> None:
    """In the source, so that it is read wherever the value is shown."""
    doubtful = [
        (name, row.source)
        for name in ("us-telemarketing", "ca")
        for row in shipped().get(name).hours
        if name == "ca" or row.region not in {"US", "US-FL", "US-OK", "US-MD"}
    ]
    assert all("not verified" in source for _, source in doubtful)


def test_the_default_is_the_usual_rule_of_a_chinese_desk() -> None:
    """9 to 12 and 14 to 20 on all days; twice in 30 days, then 90 days of rest; 3 % by day, by 30 days, 6 % by hour."""
    settings = under("cn-default")
    windows = [(row.label, row.cap(settings.max_abandon_rate)) for row in settings.abandon_windows]
    rows = [HoursSettings(days=row.days, opens=row.opens, closes=row.closes) for row in settings.hours]

    assert CampaignSettings(name="a", mode="progressive").policies == ("cn-default",)  # type: ignore[arg-type]
    assert settings.policy().hours == rules_of(rows)
    assert hours_of("cn-default", "") == [
        ("mon tue wed thu fri sat sun", "09:00", "12:00"),
        ("mon tue wed thu fri sat sun", "14:00", "20:00"),
    ]
    assert settings.policy().caps == (Cap(2, Rolling(30 * DAY_S), rest_s=90 * DAY_S),)
    assert windows == [("calendar_day", 0.03), ("successive_30_days", 0.03), ("rolling_hour", 0.06)]
    assert settings.pacing().max_abandon_rate == 0.03
    assert settings.policy().believe_stated_zone


def test_the_united_states() -> None:
    """Federal hours, stricter states, 3 in 24 hours, 15 s of ringing, 3 % in each successive 30 days, 5 years."""
    settings = under("us-telemarketing")
    federal, sunday = hours_of("us-telemarketing", "US"), hours_of("us-telemarketing", "US-AL")

    assert federal == [("mon tue wed thu fri sat sun", "08:00", "21:00")]
    assert [hours_of("us-telemarketing", f"US-{state}")[0][1:] for state in ("FL", "OK", "MD", "RI", "KY")] == [
        ("08:00", "20:00"),
        ("08:00", "20:00"),
        ("08:00", "20:00"),
        ("09:00", "18:00"),
        ("10:00", "21:00"),
    ]
    assert "sun" not in sunday[0][0]
    assert settings.policy().caps == (Cap(3, Rolling(DAY_S)),)
    assert [(row.label, row.max_rate) for row in settings.abandon_windows] == [("successive_30_days", 0.03)]
    assert not settings.believe_stated_zone
    assert settings.evidence_days == 1826
    assert shipped().get("us-telemarketing").min_ring_timeout_s.value == 15  # type: ignore[union-attr]


def test_regulation_f() -> None:
    """7 in 7 days and 7 days after a conversation, both per account."""
    settings = under("us-collections-regf", **NEEDS["us-collections-regf"])  # type: ignore[arg-type]

    assert set(settings.policy().caps) == {
        Cap(7, Rolling(7 * DAY_S), per=Per.ACCOUNT),
        Cap(1, Rolling(7 * DAY_S), Counts.CONVERSATIONS, per=Per.ACCOUNT),
    }
    assert hours_of("us-collections-regf", "US") == [("mon tue wed thu fri sat sun", "08:00", "21:00")]


def test_the_united_kingdom_france_and_germany() -> None:
    """72 h after an abandoned call and the day after a machine; 4 in 30 days and 60 days after a refusal; 3 a day."""
    uk, fr, de = (under(name, **NEEDS[name]) for name in ("uk", "fr", "de"))  # type: ignore[arg-type]

    assert set(uk.policy().caps) == {
        Cap(1, Rolling(72 * 3600.0), Counts.ABANDONED, unless_agent_held=True),
        Cap(1, CalendarDays(1), Counts.MACHINES, unless_agent_held=True),
    }
    assert set(fr.policy().caps) == {Cap(4, CalendarDays(30)), Cap(1, CalendarDays(61), Counts.REFUSALS)}
    assert hours_of("fr", "FR") == [
        ("mon tue wed thu fri", "10:00", "13:00"),
        ("mon tue wed thu fri", "14:00", "20:00"),
    ]
    assert all(rule.closed_on_holidays for rule in (*fr.policy().hours, *de.policy().hours))
    assert (fr.consent_required, de.consent_required, uk.consent_required) == (True, True, False)
    assert de.policy().caps == (Cap(3, CalendarDays(1)),)
    assert hours_of("de", "DE") == [("mon tue wed thu fri sat", "08:00", "20:00")]


def test_canada_australia_and_india() -> None:
    """5 % in a calendar month; weekday and weekend hours; 9 to 21."""
    assert [(row.label, row.max_rate) for row in under("ca").abandon_windows] == [("calendar_month", 0.05)]
    assert under("ca").pacing().max_abandon_rate == 0.05
    assert hours_of("ca", "CA") == [("mon tue wed thu fri", "09:00", "21:30"), ("sat sun", "10:00", "18:00")]
    assert hours_of("au", "AU") == [("mon tue wed thu fri", "09:00", "20:00"), ("sat", "09:00", "17:00")]
    assert hours_of("in", "IN") == [("mon tue wed thu fri sat sun", "09:00", "21:00")]


def test_the_three_definitions_of_an_abandoned_call_differ() -> None:
    """US and Canada count hang-ups and all live answers; Ofcom's rate has neither, and takes machines off."""
    of = {name: under(name, **NEEDS.get(name, {})).abandonment for name in ("us-telemarketing", "uk", "ca")}  # type: ignore[arg-type]
    words = {name: tuple(one.model_dump(mode="json").values()) for name, one in of.items()}

    assert words == {
        "us-telemarketing": ("live_answers", "count", "keep"),
        "uk": ("put_through", "leave_out", "estimate"),
        "ca": ("live_answers", "count", "keep"),
    }
