"""Public holidays by region."""

from datetime import UTC, date, datetime, timedelta

import pytest

from compliance.calling_hours.days_off import EPOCH, days_off, holidays_known, known_until, running_out
from compliance.calling_hours.regions import _country_zones


def off(region: str, year: int) -> set[date]:
    found = days_off(region, year)
    assert found is not None
    return {EPOCH + timedelta(day) for day in found}


def span(first: str, last: str) -> set[date]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return {start + timedelta(day) for day in range((end - start).days + 1)}


def test_france() -> None:
    """The eleven holidays of article L3133-1 of the labour code, with their names."""
    assert off("FR", 2026) == {
        date(2026, 1, 1), date(2026, 4, 6), date(2026, 5, 1), date(2026, 5, 8), date(2026, 5, 14), date(2026, 5, 25),
        date(2026, 7, 14), date(2026, 8, 15), date(2026, 11, 1), date(2026, 11, 11), date(2026, 12, 25),
    }  # fmt: skip
    found = days_off("FR", 2026)
    assert found is not None
    assert found[(date(2026, 7, 14) - EPOCH).days] == "National Day"


def test_a_part_has_its_own() -> None:
    """Epiphany is kept in Bavaria and not in Germany, Columbus Day in the USA and not in Florida."""
    assert date(2026, 1, 6) in off("DE-BY", 2026)
    assert date(2026, 1, 6) not in off("DE", 2026)
    assert date(2026, 10, 12) in off("US", 2026)
    assert date(2026, 10, 12) not in off("US-FL", 2026)


def test_a_part_that_has_none_of_its_own_has_the_countrys() -> None:
    """Guangdong has China's days off, Hong Kong has its own under either name."""
    assert off("CN-GD", 2026) == off("CN", 2026)
    assert off("CN-HK", 2026) == off("HK", 2026) != off("CN", 2026)


def test_china_as_the_state_council_announced_2026() -> None:
    """The notice of November 2025: weekends inside and at the ends are off, those worked are not."""
    assert off("CN", 2026) == (
        span("2026-01-01", "2026-01-03")
        | span("2026-02-15", "2026-02-23")
        | span("2026-04-04", "2026-04-06")
        | span("2026-05-01", "2026-05-05")
        | span("2026-06-19", "2026-06-21")
        | span("2026-09-25", "2026-09-27")
        | span("2026-10-01", "2026-10-07")
    )


def test_china_as_the_state_council_announced_2025() -> None:
    """The notice of November 2024: Spring Festival eight days from 28 January, work on the 26th and on 8 February."""
    assert off("CN", 2025) == (
        {date(2025, 1, 1)}
        | span("2025-01-28", "2025-02-04")
        | span("2025-04-04", "2025-04-06")
        | span("2025-05-01", "2025-05-05")
        | span("2025-05-31", "2025-06-02")
        | span("2025-10-01", "2025-10-08")
    )


def test_a_holiday_that_is_moved_over_new_year_is_in_the_year_of_its_day() -> None:
    """1 January 2028 is a Saturday: the USA keeps Friday, 31 December 2027."""
    assert date(2027, 12, 31) in off("US", 2027)
    assert date(2027, 12, 31) not in off("US", 2028)


def test_estimated_days_have_a_day_around_them() -> None:
    """Nobody knows yet when the moon of Eid al-Fitr 2030 will be seen in the Emirates."""
    estimated = [day for day, name in (days_off("AE", 2030) or {}).items() if name == "Eid al-Fitr (estimated)"]
    assert len(estimated) >= 2
    assert {min(estimated), min(estimated) + 1, min(estimated) + 2} <= set(days_off("AE", 2030) or {})


@pytest.mark.parametrize("region", ["FR", "US-FL", "FR-974", "CN-HK", "GB-SCT", "CA-QC", "TH"])
def test_regions_with_known_holidays(region: str) -> None:
    """A rule may close on them."""
    assert holidays_known(region)
    assert days_off(region, 2026)


@pytest.mark.parametrize("region", ["", "XX", "US-ZZ", "france"])
def test_what_is_no_region_has_no_known_holidays(region: str) -> None:
    """A rule may not close on them."""
    assert not holidays_known(region)
    assert days_off(region, 2026) is None


def test_holidays_are_known_for_every_country() -> None:
    """Whatever is a region is known to the package: every country of ISO 3166-1 with a zone."""
    assert [country for country in _country_zones() if days_off(country, 2026) is None] == []
    assert {country for country in _country_zones() if not days_off(country, 2026)} <= {
        "UA",
        "IO",
    }  # martial law, nobody


def test_how_far_holidays_are_known() -> None:
    """Beyond it nobody knows, and a rule that closes on them is closed; China has at least its last notice."""
    assert known_until("LK") < 2100
    assert days_off("LK", known_until("LK") + 1) is None
    assert known_until("FR") >= 2099
    assert known_until("CN") >= 2026
    assert date(2090, 10, 1) in off("CN", 2090)


def test_holidays_that_run_out_are_told_of_thirty_days_before() -> None:
    """In time for an update, and for as long as there was none."""
    year = known_until("CN")

    def said(month: int, day: int, later_years: int = 0) -> str:
        return running_out("CN", datetime(year + later_years, month, day, 12, tzinfo=UTC).timestamp())

    assert said(12, 1) == ""
    assert said(12, 2).startswith(f"the public holidays of CN are known until the end of {year} only")
    assert said(6, 1, later_years=1) == said(12, 2)
    assert running_out("FR", datetime(year, 12, 31, tzinfo=UTC).timestamp()) == ""
