"""Where a callee may be."""

import random
from datetime import UTC, datetime, timedelta
from functools import cache
from re import _constants, _parser  # the patterns of the numbering plans are read, not matched
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberType
from phonenumbers.tzdata import TIMEZONE_DATA

from compliance import numbers
from compliance.api import Callee, Rule
from compliance.calling_hours import places, regions
from compliance.calling_hours.places import Places, places_of
from compliance.numbers import E164
from tests.rules import in_words

CHINESE = "+8613800001234"
NEW_YORK = "+12125551234"
FLORIDA = "+18505551234"
NOWHERE = "+882123456789"


def where(clear: str, region: str = "", stated: str | None = None, *, believed: bool = True) -> Places:
    found = places_of(Callee(E164(clear), region=region, stated_zone=stated), believed)
    assert isinstance(found, Places)
    return found


def claims(found: Places) -> list[set[str]]:
    return [set(claim) for claim in found.claims]


@pytest.mark.parametrize(
    ("clear", "zones", "claim"),
    [
        (CHINESE, ("Asia/Shanghai",), {"CN", "CN-*"}),
        ("+33123456789", ("Europe/Paris",), {"FR", "FR-*"}),
        (NEW_YORK, ("America/New_York",), {"US", "US-NY"}),
        ("+14165551234", ("America/Toronto",), {"CA", "CA-ON"}),
        ("+19025551234", ("America/Halifax",), {"CA", "CA-NS", "CA-PE"}),
        ("+17872345678", ("America/Puerto_Rico",), {"PR", "PR-*", "US", "US-PR"}),
        ("+12425551234", ("America/Nassau",), {"BS", "BS-*"}),
        ("+85221234567", ("Asia/Hong_Kong",), {"HK", "HK-*", "CN-HK"}),
        ("+262262123456", ("Indian/Reunion",), {"RE", "RE-*", "FR", "FR-974", "FR-RE"}),
        ("+390669812345", ("Europe/Vatican",), {"VA", "VA-*"}),
        ("+77012345678", None, {"KZ", "KZ-*"}),
        ("+61412345678", None, {"AU", "AU-*", "CC", "CC-*", "CX", "CX-*"}),  # Australian mobile numbers are used there
    ],
)
def test_what_a_number_says(clear: str, zones: tuple[str, ...] | None, claim: set[str]) -> None:
    """Its country, or all that it may be; its state by the area code; any part where it does not tell."""
    found = where(clear)
    assert claims(found) == [claim]
    assert zones is None or found.zones == zones


@pytest.mark.parametrize(
    ("area_code", "zones"),
    [
        (
            "423",
            {"America/New_York", "America/Chicago"},
        ),  # Chattanooga is on Eastern time, the hills west of it are not
        ("850", {"America/New_York", "America/Chicago"}),
        ("448", {"America/New_York", "America/Chicago"}),  # laid over 850
        ("364", {"America/New_York", "America/Chicago"}),  # laid over 270
        ("219", {"America/New_York", "America/Chicago"}),
        ("474", {"America/Regina", "America/Winnipeg"}),  # laid over 306; Saskatchewan keeps no daylight saving time
        ("236", {"America/Vancouver", "America/Edmonton"}),
        ("867", {"America/Vancouver", "America/Toronto", "America/Edmonton"}),  # a quarter of the way round the pole
        ("305", {"America/New_York"}),
    ],
)
def test_an_area_code_in_several_zones_may_be_in_each(area_code: str, zones: set[str]) -> None:
    """The tables know zones by exchange, and give the rest of an area code to one of them: mobile and new exchanges are
    nowhere in them."""
    assert zones <= set(where(f"+1{area_code}5551234").zones)
    assert len(zones) > 1 or zones == set(where(f"+1{area_code}5551234").zones)


def test_an_exchange_that_is_known_is_where_it_is() -> None:
    """Pensacola is on Central time."""
    assert where("+18504321234").zones == ("America/Chicago",)


def test_a_mobile_number_may_be_in_all_of_its_country() -> None:
    """From Kaliningrad to Kamchatka; also where the tables put all of them into the capital's zone."""
    assert {"Europe/Moscow", "Asia/Kamchatka"} <= set(where("+79161234567").zones)
    assert "Europe/Kaliningrad" in where("+79161234567").zones
    assert {"Asia/Jakarta", "Asia/Jayapura"} <= set(where("+6281234567890").zones)
    assert {"America/Santiago", "America/Punta_Arenas"} <= set(where("+56912345678").zones)


@pytest.mark.parametrize("clear", ["+18005551234", "+15005551234"])
def test_an_area_code_that_is_nowhere_may_be_anywhere(clear: str) -> None:
    """Rules of every state hold, in every zone from Guam to Newfoundland."""
    found = where(clear)
    assert {"Pacific/Guam", "America/St_Johns"} <= set(found.zones)
    assert "US-*" in found.claims[0]


@cache
def offsets(zone: str) -> tuple[timedelta | None, ...]:
    """The zone's offsets from UTC through a year."""
    return tuple(datetime(2026, month, 15, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset() for month in range(1, 13))


def test_no_country_goes_by_the_clock_of_another() -> None:
    """The tables of the numbering plans have Algeria on Paris time. Exempt are a Mexican border town, Abkhazia and the
    row of all of Russia."""
    wrong: dict[str, set[str]] = {}
    for prefix, zones in TIMEZONE_DATA.items():
        code = next(prefix[:length] for length in (1, 2, 3) if int(prefix[:length]) in COUNTRY_CODE_TO_REGION_CODE)
        if any(f"+{prefix}".startswith(begins) for begins in places._ZONES_OF):
            continue
        countries = COUNTRY_CODE_TO_REGION_CODE[int(code)]
        known = {offsets(zone) for country in countries for zone in regions.zones_of(country)}
        strangers = {zone for zone in zones if known and offsets(zone) not in known}
        if strangers:
            wrong[prefix] = strangers

    assert wrong.keys() <= {"52", "52201", "7", "7840"}, wrong


def test_a_number_has_the_zones_of_its_country_where_the_tables_know_only_one() -> None:
    """Where a calling code is one country and one zone, the zone database has no more for it."""
    for code in places._of_one_place():
        (country,) = COUNTRY_CODE_TO_REGION_CODE[int(code)]
        if country != "001":
            found = where(f"+{code}2345678").zones
            assert {offsets(zone) for zone in regions.zones_of(country)} <= {offsets(zone) for zone in found}, code


def test_a_number_without_a_place() -> None:
    """Nothing is claimed and no zone is known; a calling code that is none is no place, either."""
    for clear in (NOWHERE, "+999123456"):
        found = where(clear)
        assert (found.zones, found.claims) == ((), ())


def test_an_address_adds_its_rules_and_its_zones() -> None:
    """Somebody in Florida with a number of New York: rules of both states, and both zones of Florida."""
    found = where(NEW_YORK, "US-FL")
    assert claims(found) == [{"US", "US-NY"}, {"US", "US-FL"}]
    assert set(found.zones) == {"America/New_York", "America/Chicago"}


def test_an_address_tells_the_part_where_the_number_does_not() -> None:
    """A number of France with an address in Alsace is not in every department; one of New York stays there, too."""
    assert claims(where("+33612345678", "FR-67")) == [{"FR"}, {"FR", "FR-67"}]
    assert claims(where(NEW_YORK, "US")) == [{"US", "US-NY"}, {"US"}]


def test_an_address_that_is_only_the_country_says_nothing_about_the_zone() -> None:
    """A number of New York in the USA is in New York; a number of China in the USA may be anywhere there."""
    assert where(NEW_YORK, "US").zones == ("America/New_York",)
    assert {"Asia/Shanghai", "Pacific/Honolulu", "America/New_York"} <= set(where(CHINESE, "US").zones)


def test_a_stated_zone_that_is_believed_takes_the_place_of_the_numbers() -> None:
    """And settles in which zone of the state the address is; a zone that the state does not have is one more."""
    assert where(CHINESE, stated="Europe/London").zones == ("Europe/London",)
    assert where(NEW_YORK, "US-FL", "America/Chicago").zones == ("America/Chicago",)
    assert set(where(NEW_YORK, "US-FL", "America/Denver").zones) == {
        "America/Denver",
        "America/New_York",
        "America/Chicago",
    }


def test_a_stated_zone_that_is_not_believed_is_one_more() -> None:
    """Both must be open."""
    assert where(CHINESE, stated="Europe/London", believed=False).zones == ("Asia/Shanghai", "Europe/London")


def test_a_number_without_a_place_is_where_others_say() -> None:
    """A satellite telephone with an address in France is there."""
    found = where(NOWHERE, "FR-75")
    assert found.zones == ("Europe/Paris",)
    assert claims(found) == [{"FR", "FR-75"}]
    assert where(NOWHERE, stated="Asia/Tokyo", believed=False).zones == ("Asia/Tokyo",)


@pytest.mark.parametrize(
    ("region", "detail"),
    [
        ("US-ZZ", "the region US-ZZ is not in ISO 3166-1 or 3166-2"),
        ("Florida", "the region Florida is not in ISO 3166-1 or 3166-2"),
        ("x" * 60, "a region is not in ISO 3166-1 or 3166-2"),
        ("\x1b[2J", "a region is not in ISO 3166-1 or 3166-2"),
    ],
)
def test_a_region_that_is_none_is_refused_for_good(region: str, detail: str) -> None:
    """A misspelt address is not replaced by a guess, whatever the number says."""
    found = places_of(Callee(E164(CHINESE), region=region), True)
    assert in_words(found) == (Rule.UNKNOWN_ZONE, detail, None)


@pytest.mark.parametrize("stated", ["", "Shanghai", "UTC+8", "../localtime", "Etc/Unknown"])
def test_a_stated_zone_that_is_none_is_refused_for_good(stated: str) -> None:
    """It is not repeated in the message."""
    found = places_of(Callee(E164(CHINESE), stated_zone=stated), False)
    assert in_words(found) == (Rule.UNKNOWN_ZONE, "the stated time zone is not in the zone database", None)


def test_equal_places_are_one_object() -> None:
    """Numbers of one place share it, so that what is remembered of a place serves them all."""
    assert where(CHINESE) is where("+8615912345678")
    assert where(NEW_YORK) is where("+13322345678")
    assert where(NEW_YORK) is not where(FLORIDA)


# --- how many digits decide -------------------------------------------------------------------------------------------

_KINDS = "general_desc fixed_line mobile toll_free premium_rate shared_cost personal_number voip pager uan voicemail"
ALL_DIGITS = frozenset(range(10))


def digits_of(operation: Any, argument: Any) -> frozenset[int]:
    if operation is _constants.LITERAL:
        return frozenset((int(chr(argument)),))
    found: set[int] = set()
    for kind, value in argument:
        if kind is _constants.CATEGORY:
            return ALL_DIGITS
        low, high = value if kind is _constants.RANGE else (value, value)
        found.update(int(chr(code)) for code in range(low, high + 1))
    return frozenset(found)


Path = tuple[tuple[frozenset[int], ...], int, int]  # the first two digits, how many digits, the last that decides


def walk(pattern: Any, paths: set[Path]) -> set[Path]:
    """All ways through a pattern: what digits it looks at, and how far."""
    for operation, argument in pattern:
        if operation in (_constants.LITERAL, _constants.IN):
            allowed = digits_of(operation, argument)
            paths = {
                ((*first, allowed)[:2], length + 1, last if allowed == ALL_DIGITS else length + 1)
                for first, length, last in paths
            }
        elif operation is _constants.MAX_REPEAT:
            least, most, repeated = argument
            found = set(paths) if least == 0 else set()
            for count in range(1, most + 1):
                paths = walk(repeated, paths)
                found |= paths if count >= least else set()
            paths = found
        elif operation is _constants.SUBPATTERN:
            paths = walk(argument[-1], paths)
        else:
            assert operation is _constants.BRANCH
            paths = set().union(*(walk(branch, paths) for branch in argument[1]))
    return paths


def deciding_digits(code: int) -> dict[str, int]:
    """How many digits of a national number decide about its kind, country and zones: by its first two digits."""
    deepest: dict[str, int] = {}
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
        plan = PhoneMetadata.metadata_for_region(region, None)
        kinds = [getattr(plan, kind) for kind in _KINDS.split()]
        patterns = [kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern]
        for pattern in [*patterns, *filter(None, [plan.leading_digits])]:
            for first, _, last in walk(_parser.parse(pattern), {((), 0, 0)}):
                one, two = (*first, ALL_DIGITS, ALL_DIGITS)[:2]
                for start in (f"{a}{b}" for a in one for b in two):
                    deepest[start] = max(deepest.get(start, 0), last)
    for prefix in TIMEZONE_DATA:
        if prefix.startswith(str(code)) and (national := prefix[len(str(code)) :]):
            for digit in range(10):
                start = f"{national}{digit}"[:2]
                deepest[start] = max(deepest.get(start, 0), len(national))
    return deepest


SEVERAL = sorted(
    code
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    if any(prefix.startswith(str(code)) for prefix in TIMEZONE_DATA)
    and str(code) not in places._of_one_place()
    and code != 1
)


@pytest.mark.parametrize("code", SEVERAL)
def test_no_plan_looks_at_more_digits_than_we_do(code: int) -> None:
    """The digits left out of what is remembered decide nothing, in any pattern of the country's numbering plan."""
    for start, deepest in deciding_digits(code).items():
        leading, _ = places._leading(f"+{code}{start}".ljust(16, "0"))
        assert len(leading) - 1 - len(str(code)) >= deepest, f"+{code} {start}: {deepest} digits decide"


def valid_numbers(code: int, count: int) -> list[str]:
    draw = random.Random(code)
    found: list[str] = []
    for _ in range(count):
        national = "".join(draw.choices("0123456789", k=draw.choice((7, 8, 9, 9, 10, 10, 11))))
        number = phonenumbers.PhoneNumber(country_code=code, national_number=int(national))
        if phonenumbers.is_valid_number(number):
            found.append(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return found


@pytest.mark.parametrize("code", [7, 34, 39, 44, 49, 52, 55, 61, 62, 64, 86, 351, 593, 976])
def test_what_is_remembered_is_what_the_plan_says(code: int) -> None:
    """For random numbers the zones and countries by the leading digits are those by all of them."""
    for clear in valid_numbers(code, 300):
        found = where(clear)
        assert set(found.zones) == set(numbers.zones(E164(clear))) or clear.startswith(tuple(places._ZONES_OF)), clear
        named = {name for name in found.claims[0] if "-" not in name}
        assert set(numbers.countries(E164(clear))) <= named, clear


def test_what_is_remembered_of_north_america_is_what_the_plan_says() -> None:
    """The same for numbers whose area code is a place; of one in several zones perhaps more."""
    for clear in valid_numbers(1, 6000):
        if not regions.of_area_code(clear[2:5]):
            continue
        parsed = phonenumbers.parse(clear, None)
        if phonenumbers.number_type(parsed) is PhoneNumberType.FIXED_LINE_OR_MOBILE:
            found = where(clear)
            assert set(found.zones) >= set(numbers.zones(E164(clear))), clear
            assert phonenumbers.region_code_for_number(parsed) in found.claims[0], clear
