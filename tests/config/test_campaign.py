"""A campaign's settings."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from compliance.destinations import Destinations, NumberType
from config.campaign import MIN_RING_TIMEOUT_S, NEVER, CampaignSettings, RetrySettings, RetryTable
from config.policies import applied
from pacing.api import Mode


def campaign(**given: Any) -> CampaignSettings:
    return CampaignSettings.model_validate({"name": "survey", "abandon_message": "/m.wav", **given})


@given(
    st.sampled_from(list(Mode)),
    st.floats(0.001, 0.2),
    st.lists(
        st.tuples(st.integers(1, 9), st.floats(0.01, 3660), st.floats(0, 3660)),
        max_size=3,
        unique_by=lambda row: row[0],
    ),
    st.dictionaries(st.sampled_from(list(RetryTable.model_fields)), st.integers(0, 9)),
)
def test_settings_survive_json(
    mode: Mode, rate: float, caps: list[tuple[int, float, float]], retries: dict[str, int]
) -> None:
    """Settings that went through JSON are the same settings, and hashable."""
    step = {"name": "ask", "play": "/ask.wav", "keys": {"1": "transfer", "2": "again"}, "next": "hang_up"}
    settings = campaign(
        mode=mode,
        max_lines=10,
        script={"steps": [step]},
        max_abandon_rate=rate,
        caps=[{"limit": limit, "window_days": window, "rest_days": rest} for limit, window, rest in caps],
        retry={name: {"max_attempts": count} for name, count in retries.items()},
    )
    kept = json.loads(json.dumps(settings.model_dump(mode="json")))
    assert CampaignSettings.model_validate(kept) == settings
    assert CampaignSettings.model_validate_json(json.dumps(kept), strict=True) == settings
    assert hash(CampaignSettings.model_validate(kept)) == hash(settings)


def test_retries_by_disposition() -> None:
    """A partial row keeps the rest of its defaults; a disposition without a row is never tried again."""
    table = campaign(retry={"busy": {"delay_s": 60}}).retry
    assert table.busy == RetrySettings(delay_s=60, max_attempts=3)
    assert table.after("no_answer") == RetrySettings(delay_s=3600, max_attempts=3)
    assert table.after("declined").max_attempts == 1
    assert table.after("abandoned").delay_s == 72 * 3600
    for never in ("invalid", "blocked", "unwanted", "unknown", "model_fields", "after", ""):
        assert table.after(never) is NEVER


@pytest.mark.parametrize(
    ("given", "where", "message"),
    [
        ({"name": "Survey"}, "name", "pattern"),
        ({"name": "a" * 41}, "name", "pattern"),
        ({"mode": "agressive"}, "mode", "predictive"),
        ({"ring_timeout_s": MIN_RING_TIMEOUT_S - 0.1}, "ring_timeout_s", "greater than or equal to 15"),
        ({"max_abandon_rate": 3}, "max_abandon_rate", "less than or equal to 0.2"),
        ({"abandon_after_s": 11}, "abandon_after_s", "less than or equal to 10"),
        ({"abandon_message": ""}, "abandon_message", "is needed in mode predictive"),
        ({"abandon_message": "", "mode": "ratio"}, "abandon_message", "is needed in mode ratio"),
        ({"caller_id": "me"}, "caller_id", "pattern"),
        ({"default_region": "China"}, "default_region", "not a known country"),
        ({"policies": ["uk", "fr", "uk"]}, "policies", "uk is there more than once"),
        ({"group": "A group"}, "group", "pattern"),
        ({"consent_max_age_days": -1}, "consent_max_age_days", "greater than or equal to 0"),
        ({"refuse_above_share": 1.5}, "refuse_above_share", "less than or equal to 1"),
        ({"abandonment": {"hang_ups": "perhaps"}}, "abandonment.hang_ups", "'count' or 'leave_out'"),
        ({"hours": [{"days": [], "opens": "09:00", "closes": "10:00"}]}, "hours.0.days", "at least 1"),
        ({"hours": [{"days": ["mon"], "opens": "9", "closes": "10:00"}]}, "hours.0.opens", "pattern"),
        ({"hours": [{"days": ["mon"], "opens": "09:00", "closes": "24:01"}]}, "hours.0.closes", "pattern"),
        ({"hours": [{"days": ["mon"], "opens": "10:00", "closes": "10:00"}]}, "hours.0.closes", "later than opens"),
        ({"caps": [{"limit": 0, "window_days": 1}]}, "caps.0.limit", "greater than or equal to 1"),
        ({"caps": [{"limit": 1, "window_days": 0}]}, "caps.0", "exactly one window.*got none"),
        ({"retry": {"unwanted": {"delay_s": 1, "max_attempts": 1}}}, "retry.unwanted", "not permitted"),
        ({"retry": {"busy": {"max_attempts": -1}}}, "retry.busy.max_attempts", "greater than or equal to 0"),
    ],
)
def test_what_no_campaign_may_say(given: dict[str, Any], where: str, message: str) -> None:
    """Each rule is enforced at its own setting."""
    with pytest.raises(ValidationError, match=message) as caught:
        campaign(**given)
    assert where in [".".join(map(str, error["loc"])) for error in caught.value.errors()]


@pytest.mark.parametrize("mode", ["preview", "progressive"])
def test_a_mode_that_cannot_abandon_needs_no_message(mode: str) -> None:
    """With one call for each agent nobody is left waiting."""
    assert campaign(mode=mode, abandon_message="").abandon_message == ""


def test_what_is_missing_to_start() -> None:
    """A campaign may be kept without a caller id, but not started."""
    assert campaign().missing_to_start() == (
        "caller_id is empty and there are no caller_ids: the callee must be shown a number",
    )
    assert campaign(caller_id="+861000000000").missing_to_start() == ()
    assert campaign(mode="preview", caller_id="+861000000000").missing_to_start() == ()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"abandon_windows": [{"kind": "calendar_day"}, {"kind": "calendar_day", "max_rate": 0.01}]}, "two of"),
        ({"abandon_windows": [{"kind": "weekly"}]}, "calendar_month"),
        ({"abandon_windows": [{"kind": "successive_days", "days": 400}]}, "366"),
        ({"abandon_windows": [{"kind": "successive_days", "start": "2026-02-30"}]}, "YYYY-MM-DD"),
        ({"abandon_windows": [{"kind": "successive_days", "start": "20260201"}]}, "YYYY-MM-DD"),
        ({"abandon_windows": [{"kind": "successive_days", "start": "1999-12-31"}]}, "2000 to 2199"),
        ({"time_zone": "Moon/Base"}, "IANA name"),
    ],
)
def test_windows_that_cannot_be_counted_are_refused(given: dict[str, Any], words: str) -> None:
    """With a sentence that says what would do."""
    with pytest.raises(ValidationError, match=words):
        campaign(**given)


@pytest.mark.parametrize("start", ["", "2026-02-28"])
def test_a_period_starts_on_a_day_or_with_the_campaign(start: str) -> None:
    """The days of two periods of different length may both be counted."""
    rows = [{"kind": "successive_days", "days": days, "start": start} for days in (7, 30)]
    assert [row.start for row in campaign(abandon_windows=rows, time_zone="UTC").abandon_windows] == [start, start]


@pytest.mark.parametrize("key", ["99", "a", "A", " ", "+"])
def test_the_key_of_an_opt_out_is_one_of_a_phone(key: str) -> None:
    """Or none, which turns it off."""
    with pytest.raises(ValidationError, match="opt_out_key"):
        CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, opt_out_key=key)
    assert [
        CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, opt_out_key=good).opt_out_key for good in ("", "0", "#")
    ] == ["", "0", "#"]


def test_a_campaign_calls_ordinary_numbers_of_its_own_country_unless_it_lists_more() -> None:
    """`countries` takes the place of `default_region`; special ranges have to be named."""
    assert campaign(default_region="DE").destinations() == Destinations(frozenset({"DE"}))
    listed = campaign(default_region="DE", countries=["DE", "AT"], number_types=["satellite"]).destinations()
    assert listed == Destinations(frozenset({"DE", "AT"}), frozenset({NumberType.SATELLITE}))
    assert applied(campaign(default_region="DE")).policy().destinations == Destinations(frozenset({"DE"}))
    for wrong in ({"countries": ["Germany"]}, {"number_types": ["premium"]}):
        with pytest.raises(ValidationError):
            campaign(**wrong)


def test_a_campaign_names_one_trunk_or_several() -> None:
    """`trunk` for one, as ever, or `trunks`; none means all of the host's."""
    assert campaign(trunk="north").trunks_named == ("north",)
    assert campaign(trunks=["north", "south"]).trunks_named == ("north", "south")
    assert campaign().trunks_named == ()
    with pytest.raises(ValidationError, match="give only one of the two"):
        campaign(trunk="north", trunks=["south"])
    with pytest.raises(ValidationError, match="north is there more than once"):
        campaign(trunks=["north", "north"])


def test_mode_script_needs_a_script_lines_and_a_message_for_those_who_ask_in_vain() -> None:
    """Nothing else bounds its calls, and whoever asks for an agent may find none."""
    steps = {"steps": [{"name": "ask", "play": "/ask.wav", "keys": {"1": "transfer"}, "next": "hang_up"}]}
    for more, told in (
        ({"script": steps}, "max_lines"),
        ({"max_lines": 5}, "script.file names its TOML file"),
        ({"max_lines": 5, "script": steps, "abandon_message": ""}, "abandon_message is needed"),
    ):
        with pytest.raises(ValidationError, match=told):
            campaign(mode="script", **more)
    assert campaign(mode="script", max_lines=5, script=steps).script.transfers
