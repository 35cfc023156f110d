"""Rows of calling hours and caps, as people write them."""

from typing import Any

import pytest
from pydantic import ValidationError

from compliance.api import Per
from compliance.calling_hours.hours import CallingHours, HoursRule, Window
from compliance.cap_windows import DAY_S, CalendarDays, CalendarMonths, Rolling
from compliance.caps import Cap, Counts, Over
from config.campaign import CampaignSettings
from config.rules import CapSettings, Dated, HoursSettings, rules_of

WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.mark.parametrize(
    "window",
    [Window(frozenset(range(7)), 540, 720), Window(frozenset({0, 5}), 0, 1440), Window(frozenset({6}), 1439, 1440)],
)
def test_windows_as_settings_are_the_same_windows(window: Window) -> None:
    """To settings and back changes nothing."""
    assert HoursSettings.of(window).window() == window


@pytest.mark.parametrize(
    ("given", "window"),
    [
        ({"window_days": 1.5}, Rolling(1.5 * DAY_S)),
        ({"window_hours": 72}, Rolling(72 * 3600.0)),
        ({"calendar_days": 61}, CalendarDays(61)),
        ({"calendar_months": 2}, CalendarMonths(2)),
    ],
)
def test_a_cap_has_one_of_four_windows(given: dict[str, Any], window: Any) -> None:
    """Each in its own unit."""
    assert CapSettings.model_validate({"limit": 3, **given}).cap() == Cap(3, window)


def test_every_value_of_a_cap_reaches_the_rule() -> None:
    """Nothing is lost on the way."""
    given = {"counts": "conversations", "per": "account", "over": "group", "rest_days": 2, "unless_agent_held": True}
    cap = CapSettings.model_validate({"limit": 1, "window_days": 7, **given}).cap()

    assert cap == Cap(
        1, Rolling(7 * DAY_S), Counts.CONVERSATIONS, Per.ACCOUNT, Over.GROUP, rest_s=2 * DAY_S, unless_agent_held=True
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "exactly one window, of window_days, window_hours, calendar_days, calendar_months: got none"),
        ({"window_days": 1, "calendar_days": 1}, "got window_days and calendar_days"),
        ({"window_days": 1, "counts": "rings"}, "'attempts'"),
        ({"window_days": 1, "per": "household"}, "'number', 'customer' or 'account'"),
        ({"window_days": 1, "over": "world"}, "'tenant', 'group' or 'campaign'"),
        ({"calendar_days": 1.5}, "integer"),
    ],
)
def test_a_cap_that_is_none_is_refused(given: dict[str, Any], words: str) -> None:
    """With what would do."""
    with pytest.raises(ValidationError, match=words):
        CapSettings.model_validate({"limit": 3, **given})


def test_the_rows_of_a_region_are_one_rule() -> None:
    """A lunch break is two rows; another region is another rule."""
    rows = [
        {"days": WEEK, "opens": "14:00", "closes": "20:00"},
        {"days": WEEK, "opens": "09:00", "closes": "12:00"},
        {"days": ["mon"], "opens": "10:00", "closes": "18:00", "region": "US-FL", "closed_on_holidays": True},
    ]
    every = frozenset(range(7))

    assert rules_of(map(HoursSettings.model_validate, rows)) == (
        HoursRule(CallingHours((Window(every, 540, 720), Window(every, 840, 1200)))),
        HoursRule(CallingHours((Window(frozenset({0}), 600, 1080),)), "US-FL", closed_on_holidays=True),
    )


@pytest.mark.parametrize("region", ["us", "U", "XX", "US-", "US-FLOR", "US-ZZ", "US_FL", "Florida"])
def test_a_region_that_is_none_is_refused(region: str) -> None:
    """ISO 3166, or a part of one."""
    with pytest.raises(ValidationError, match="is not a region"):
        HoursSettings.model_validate({"days": ["mon"], "opens": "09:00", "closes": "20:00", "region": region})


def test_rows_that_contradict_or_repeat_each_other_are_refused() -> None:
    """Holidays are open or closed for a region as a whole; a cap is there once."""
    row = {"days": ["mon"], "opens": "09:00", "closes": "20:00", "region": "FR"}
    mixed = [row, {**row, "days": ["tue"], "closed_on_holidays": True}]
    with pytest.raises(ValidationError, match=r"same in all rows of one region \(FR\)"):
        CampaignSettings.model_validate({"name": "a", "mode": "progressive", "hours": mixed})

    caps = [{"limit": 3, "window_days": 1}, {"limit": 2, "window_days": 1}, {"limit": 3, "window_hours": 24}]
    with pytest.raises(ValidationError, match="rows 0 and 2 are the same cap"):
        CampaignSettings.model_validate({"name": "a", "mode": "progressive", "caps": caps})


@pytest.mark.parametrize("as_of", ["2024", "2024-02", "2024-02-29"])
def test_a_date_is_a_year_a_month_or_a_day(as_of: str) -> None:
    """As exact as the source."""
    assert Dated(source="a statute", as_of=as_of).as_of == as_of


@pytest.mark.parametrize("as_of", ["", "24", "2024-13", "2023-02-29", "2024-1", "2024-02-29-1", "soon", "20240229"])
def test_what_is_no_date_is_refused(as_of: str) -> None:
    """A value without a date is worth little."""
    with pytest.raises(ValidationError, match="must be a date"):
        Dated(source="a statute", as_of=as_of)


def test_holidays_that_nobody_knows_cannot_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that closes on holidays needs them: for a region of which there are none it is refused when it is read."""
    monkeypatch.setattr("config.rules.holidays_known", lambda region: region != "FR")
    row = {"days": ["mon"], "opens": "09:00", "closes": "20:00", "closed_on_holidays": True}
    for region in ("", "DE"):
        assert HoursSettings.model_validate({**row, "region": region}).closed_on_holidays
    with pytest.raises(ValidationError, match="the public holidays of FR are not known"):
        HoursSettings.model_validate({**row, "region": "FR"})
