"""Adding policies to a campaign: the stricter wins, contradictions are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.abandonment import AbandonmentSettings, Denominator, HangUps, Machines, strictest
from config.campaign import CampaignSettings
from config.policies import AppliedSettings, Catalogue, PolicySettings, applied, shipped
from config.policies.weeks import open_weeks
from config.problems import ConfigError

DATED = {"source": "for a test", "as_of": "2026"}
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
NOON = {"opens": "11:00", "closes": "13:00", "days": WEEK}


def campaign(*policies: str, **given: Any) -> CampaignSettings:
    fields = {"name": "spring", "abandon_message": "/m.wav", "policies": policies, **given}
    return CampaignSettings.model_validate(fields)


def policy(**given: Any) -> PolicySettings:
    about = {"title": "for a test", "jurisdiction": "a test", "not_legal_advice": "Not legal advice."}
    return PolicySettings.model_validate({**about, **given})


def problems(settings: CampaignSettings, catalogue: Catalogue | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        applied(settings, catalogue)
    return [str(problem) for problem in caught.value.problems]


# --- never looser than either ----------------------------------------------------------------------------------------

hours = st.builds(
    lambda opens, closes, region, holidays: {
        "days": WEEK,
        "opens": f"{opens:02}:00",
        "closes": f"{closes:02}:00",
        "region": region,
        "closed_on_holidays": holidays,
        **DATED,
    },
    st.integers(0, 11),
    st.integers(13, 23),
    st.sampled_from(["", "US", "US-FL", "FR"]),
    st.booleans(),
)
caps = st.builds(
    lambda limit, window, counts: {"limit": limit, **window, "counts": counts, **DATED},
    st.integers(1, 5),
    st.sampled_from([{"window_days": 1.0}, {"window_hours": 72.0}, {"calendar_days": 30}, {"calendar_months": 1}]),
    st.sampled_from(["attempts", "refusals"]),
)
windows = st.builds(
    lambda kind, days, rate: {"kind": kind, "days": days, "max_rate": rate, **DATED},
    st.sampled_from(["calendar_day", "calendar_month", "successive_days", "rolling_hour"]),
    st.sampled_from([7, 30]),
    st.sampled_from([0.0, 0.01, 0.03, 0.05]),
)


def some(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | value.map(lambda one: {"value": one, **DATED})


def label(row: dict[str, Any]) -> str:
    return row["kind"] + (str(row["days"]) if row["kind"] == "successive_days" else "")


policies = st.builds(
    policy,
    hours=st.lists(hours, min_size=1, max_size=4, unique_by=lambda row: row["region"]),
    caps=st.lists(caps, max_size=3, unique_by=lambda row: row["limit"]),
    abandon_windows=st.lists(windows, max_size=3, unique_by=label),
    consent_required=some(st.booleans()),
    consent_max_age_days=some(st.integers(1, 900)),
    believe_stated_zone=some(st.booleans()),
    retention_days=some(st.integers(1, 900)),
    evidence_days=some(st.integers(1, 900)),
    max_abandon_after_s=some(st.sampled_from([1.0, 2.0])),
    abandonment=st.none()
    | st.builds(
        lambda one, two, three: {"denominator": one, "hang_ups": two, "machines": three, **DATED},
        st.sampled_from(["", "live_answers", "put_through"]),
        st.sampled_from(["", "count", "leave_out"]),
        st.sampled_from(["", "keep", "estimate"]),
    ),
)
OWN = {"max_abandon_rate": 0.04, "abandon_windows": [{"kind": "calendar_day"}]}


def under(catalogue: Catalogue, *names: str) -> AppliedSettings:
    return applied(campaign(*names, **OWN), catalogue)


@settings(max_examples=60, deadline=None)
@given(policies, policies)
def test_composition_is_commutative_and_never_looser_than_either_part(one: PolicySettings, two: PolicySettings) -> None:
    """All rules of both hold; rates and ages are the least, flags the stricter."""
    catalogue = Catalogue({"one": one, "two": two})
    both, turned = under(catalogue, "one", "two"), under(catalogue, "two", "one")
    caps_of = [{row.label: row.cap(part.max_abandon_rate) for row in part.abandon_windows} for part in (both, turned)]

    assert both.policy().hours == turned.policy().hours
    assert both.policy().caps == turned.policy().caps
    assert caps_of[0] == caps_of[1]
    assert both.abandonment == turned.abandonment
    for part in (under(catalogue, "one"), under(catalogue, "two")):
        assert set(part.policy().hours) <= set(both.policy().hours)
        assert set(part.policy().caps) <= set(both.policy().caps)
        assert both.max_abandon_rate <= part.max_abandon_rate
        assert all(caps_of[0][row.label] <= row.cap(part.max_abandon_rate) for row in part.abandon_windows)
        assert both.consent_required >= part.consent_required
        assert both.believe_stated_zone <= part.believe_stated_zone
        assert (both.consent_max_age_days or 1e9) <= (part.consent_max_age_days or 1e9)
        assert (both.retention_days or 1e9) <= (part.retention_days or 1e9)
        assert both.evidence_days >= part.evidence_days
        assert both.abandon_after_s <= part.abandon_after_s


@settings(max_examples=30, deadline=None)
@given(policies)
def test_the_same_rules_twice_are_the_same_rules(one: PolicySettings) -> None:
    """Two policies that say the same hold as one does."""
    catalogue = Catalogue({"one": one, "two": one})
    once, twice = under(catalogue, "one"), under(catalogue, "one", "two")

    assert twice.policy().hours == once.policy().hours
    assert twice.policy().caps == once.policy().caps
    assert [row.cap(twice.max_abandon_rate) for row in twice.abandon_windows] == [
        row.cap(once.max_abandon_rate) for row in once.abandon_windows
    ]
    assert twice.abandonment == once.abandonment


definitions = st.builds(
    AbandonmentSettings,
    denominator=st.sampled_from(Denominator),
    hang_ups=st.sampled_from(HangUps),
    machines=st.sampled_from(Machines),
)


@given(st.lists(definitions, max_size=3), st.lists(definitions, max_size=3))
def test_the_strictest_definition_does_not_depend_on_the_order(
    some: list[AbandonmentSettings], more: list[AbandonmentSettings]
) -> None:
    """And nothing is left open in it."""
    found = strictest([*some, *more])

    assert found == strictest([*more, *some]) == strictest([found, found])
    assert all(found.model_dump().values())


# --- a campaign's own rules ------------------------------------------------------------------------------------------


def test_a_campaigns_own_rows_come_on_top() -> None:
    """Of each row one can say where it is from."""
    own = {"hours": [NOON], "caps": [{"limit": 1, "window_days": 7}], "abandon_windows": [{"kind": "calendar_month"}]}
    found = applied(campaign("fr", "us-telemarketing", max_abandon_rate=0.02, **own))

    assert [row.policy for row in found.hours][:3] == ["", "fr", "fr"]
    assert [row.policy for row in found.caps] == ["", "fr", "fr", "us-telemarketing"]
    assert found.caps[1].source.startswith("Art. D. 223-9")
    assert [(row.policy, row.label) for row in found.abandon_windows] == [
        ("", "calendar_month"),
        ("fr", "calendar_day"),
        ("us-telemarketing", "successive_30_days"),
    ]
    assert [row.cap(found.max_abandon_rate) for row in found.abandon_windows] == [0.02, 0.02, 0.02]


def test_a_looser_rate_of_the_campaign_is_not_what_holds() -> None:
    """The policy's does; a stricter one of the campaign does."""
    assert applied(campaign("us-telemarketing", max_abandon_rate=0.1)).max_abandon_rate == 0.03
    assert applied(campaign("us-telemarketing", max_abandon_rate=0.01)).pacing().max_abandon_rate == 0.01
    assert applied(campaign("ca", abandon_after_s=5)).abandon_after_s == 2.0
    assert applied(campaign("ca", abandon_after_s=1.5)).abandon_after_s == 1.5


def test_a_window_that_a_policy_has_too_is_one_window_with_the_lower_cap() -> None:
    """With the day on which the campaign says that its periods begin."""
    rows = [{"kind": "successive_days", "days": 30, "start": "2026-02-01", "max_rate": 0.2}]
    (window,) = applied(campaign("us-telemarketing", abandon_windows=rows)).abandon_windows

    assert (window.cap(1.0), window.start, window.policy) == (0.03, "2026-02-01", "us-telemarketing")


def test_settings_that_were_applied_survive_json_and_keep_their_version() -> None:
    """The evidence has them like this. What changes a rule changes the version."""
    found = applied(campaign("us-telemarketing", "ca", hours=[NOON]))
    again = AppliedSettings.model_validate_json(found.model_dump_json(), strict=True)
    other = applied(campaign("us-telemarketing", hours=[NOON]))

    assert again == found
    assert again.version == found.version == found.policy().version != other.version


def test_a_copy_with_changes_has_its_own_version_and_rules() -> None:
    """Nothing of the first is carried over; two that say the same are equal, whatever was asked of them."""
    first = applied(campaign("us-telemarketing"))
    asked = first.policy(), first.version
    other = first.model_copy(update={"believe_stated_zone": True})

    assert (other.version, other.policy().believe_stated_zone) != (asked[1], asked[0].believe_stated_zone)
    assert first == applied(campaign("us-telemarketing"))
    assert first.policy() is asked[0]


def test_what_was_applied_is_not_applied_again() -> None:
    """Its rows have their policies' names already."""
    with pytest.raises(TypeError, match="applied already"):
        applied(applied(campaign("us-telemarketing")))


def test_no_policy_is_enough_where_the_campaign_says_all_that_is_needed() -> None:
    """Hours, windows, and how many calls may be abandoned."""
    rows = [{"kind": "calendar_day", "max_rate": 0.02}]
    found = applied(campaign(hours=[NOON], abandon_windows=rows))

    assert found.policy().name == "campaign spring"
    assert found.policy().caps == ()
    assert found.max_abandon_rate == 0.02


# --- refused ---------------------------------------------------------------------------------------------------------


def test_what_nobody_says_is_refused() -> None:
    """Closed rather than guessed, with the setting that is missing."""
    assert problems(campaign()) == [
        "hours: there are none: it has no policy, and none of its own says when people may be called, so nobody may",
        "abandon_windows: there are none: it has no policy, and none of its own says over which time abandoned calls "
        "are counted",
    ]
    (hours, rate) = problems(campaign("uk"))
    assert hours.startswith("hours: there are none: of its policies (uk) none says when")
    assert rate.startswith("max_abandon_rate: is needed: of its policies (uk) none has a number")
    assert [problem.partition(":")[0] for problem in problems(campaign("in"))] == ["max_abandon_rate"]


def test_an_unknown_or_broken_policy_is_refused_with_its_place() -> None:
    """All at once."""
    said = problems(campaign("uk", "us-telemarkting", "mars"))

    assert [one.partition(":")[0] for one in said] == ["policies[1]", "policies[2]"]
    assert 'did you mean "us-telemarketing"?' in said[0]


def test_hours_with_nothing_in_common_are_refused() -> None:
    """In the region where it is so, with those who say it."""
    night = {"days": WEEK, "opens": "21:00", "closes": "24:00"}
    assert problems(campaign("cn-default", hours=[night])) == [
        "hours: nobody anywhere could ever be called: cn-default and the campaign itself have no hour in common"
    ]
    (said,) = problems(campaign("us-telemarketing", hours=[{**night, "opens": "20:00", "region": "US-OK"}]))
    assert said == (
        "hours: nobody in US-OK could ever be called: the campaign itself and us-telemarketing have no hour in common"
    )


def test_hours_of_different_countries_do_not_meet() -> None:
    """A campaign may call two countries, each by its own hours."""
    found = applied(campaign("fr", "us-telemarketing"))
    weeks = open_weeks(found.hours)

    assert set(weeks) >= {"FR", "US", "US-FL"}
    assert all(weeks.values())
    assert weeks["US-FL"].bit_count() == 7 * 12 * 60
    assert weeks["FR"].bit_count() == 5 * 9 * 60


def test_a_ring_timeout_below_a_policys_least_is_refused() -> None:
    """With the policy, its source and its date."""
    catalogue = Catalogue({"long": policy(hours=[{**NOON, **DATED}], min_ring_timeout_s={"value": 30, **DATED})})
    (said,) = problems(campaign("long", **OWN), catalogue)

    assert said == "ring_timeout_s: must be at least 30 (seconds) under policy long (for a test, 2026), got 25"
    assert applied(campaign("long", ring_timeout_s=30, **OWN), catalogue).ring_timeout_s == 30


def test_a_policy_can_ask_that_whoever_is_recorded_is_told() -> None:
    """Then a campaign that records needs an announcement; one that does not record needs none."""
    asked = {"p": policy(recording_announced={"value": True, **DATED}), "q": policy(hours=[{**NOON, **DATED}])}
    catalogue = Catalogue(asked)
    own: dict[str, Any] = {
        "abandon_windows": [{"kind": "calendar_day"}],
        "max_abandon_rate": 0.03,
        "abandonment": {"denominator": "live_answers", "hang_ups": "count", "machines": "keep"},
    }
    (problem,) = problems(campaign("p", "q", recording={"mode": "share"}, **own), catalogue)
    assert "recording.announcement" in problem
    assert "policy p (for a test, 2026)" in problem
    told = {"mode": "share", "announcement": "/told.wav"}
    assert applied(campaign("p", "q", recording=told, **own), catalogue).recording_announced
    assert applied(campaign("p", "q", **own), catalogue).recording_announced
    assert not applied(campaign("q", recording={"mode": "all"}, **own), catalogue).recording_announced


@pytest.mark.parametrize(
    ("stated", "consent"), [((), True), (("free",), False), (("free", "consent"), True), (("free", "free"), False)]
)
def test_scripts_in_place_of_agents_need_consent_unless_every_policy_says_otherwise(
    stated: tuple[str, ...], consent: bool
) -> None:
    """Where no policy says anything, only people who agreed are called so; with an agent nothing changes."""
    catalogue = Catalogue(
        {
            f"p{place}": policy(hours=[{**NOON, **DATED}], automated_calls={"value": value, **DATED})
            for place, value in enumerate(stated or ("",))
            if value
        }
        | {"silent": policy(hours=[{**NOON, **DATED}])}
    )
    names = sorted(catalogue.policies)
    script = {
        "mode": "script",
        "max_lines": 5,
        "script": {"steps": [{"name": "a", "play": "/a.wav", "next": "hang_up"}]},
    }

    assert applied(campaign(*names, **OWN, **script), catalogue).consent_required is consent
    assert not applied(campaign(*names, **OWN), catalogue).consent_required


def test_a_policy_can_forbid_scripts_in_place_of_agents() -> None:
    """With its source; campaigns with agents are not concerned."""
    forbids = {"p": policy(hours=[{**NOON, **DATED}], automated_calls={"value": "forbidden", **DATED})}
    script = {
        "mode": "script",
        "max_lines": 5,
        "script": {"steps": [{"name": "a", "play": "/a.wav", "next": "hang_up"}]},
    }
    (problem,) = problems(campaign("p", **OWN, **script), Catalogue(forbids))

    assert problem.startswith("mode: script is forbidden under policy p (for a test, 2026)")
    assert applied(campaign("p", **OWN), Catalogue(forbids)).automated_calls == "forbidden"


def test_the_shipped_policies_go_together_in_pairs() -> None:
    """No two of them contradict each other."""
    names = sorted(shipped().policies)
    for name in names:
        for two in names:
            if name < two:
                found = applied(campaign(name, two, hours=[NOON], **OWN))
                assert found.policy().hours
