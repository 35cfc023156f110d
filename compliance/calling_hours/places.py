"""Where a callee may be: time zones and regions, by the number, by the address and by what the CRM says.

What decides about a number are its first digits, so that judging a list asks the numbering plans once for thousands of
numbers. How many digits decide is in `_leading`; a test holds it to the patterns of the numbering plans.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import phonenumbers
from phonenumbers.tzdata import TIMEZONE_DATA

from compliance import numbers
from compliance.api import Callee, Refusal, Rule
from compliance.calling_hours import regions
from compliance.numbers import E164

_NORTH_AMERICA: Final = "1"
_NOT_GEOGRAPHIC: Final = "001"  # what the numbering plans call the country of satellite and global numbers

_DIGITS: Final = 5
_MORE_DIGITS: Final = 7
# Where the plans look at more than five digits of the national number: by calling code, its first two digits.
_DEEP: Final[dict[str, str]] = {
    "44": "11 12 13 14 15 16 17 18 19 30 34 37 70 76 80 84 87 90",
    "61": "25 26 72 73 85 89",
    "7": "93",
    "55": "55 67 69 81 91 92 93 94",
    "62": "00",
    "34": "96",
    "351": "60 63 65 66",
    "353": "53 88",
    "686": "30",
}

_ZONES_OF: Final = {
    "+211": "SS",
    "+212": "MA",
    "+213": "DZ",
    "+218": "LY",
    "+380": "UA",
    "+505": "NI",
    "+56": "CL",
    "+628": "ID",
    "+675": "PG",
    "+740": "RU-KGD",
    "+79": "RU",
}
"""Beginnings of numbers that have the zones of a region in the zone database, because the tables of the numbering plans
have others: that of the capital alone (mobile numbers of Indonesia, Chile), or the clock of another country (Algeria
that of Paris, which has summer time). A test compares the two for all countries."""


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where a callee may be. `places_of` gives one object for equal places, so they compare and hash by identity.

    `zones` are IANA names; the callee may be in each of them. Each of `claims` is what one source (the number, the
    address) says: the names of regions whose rules hold, and "US-*" where any part of a country is possible.
    """

    zones: tuple[str, ...]
    claims: tuple[frozenset[str], ...] = ()


def places_of(callee: Callee, believe_stated_zone: bool) -> Places | Refusal:
    """Where `callee` may be. Strict: every zone and every region that a source gives counts.

    A stated zone is one more; if it is believed, it stands in for the zones of the number, and for those of an address
    that has it among several. An address that is only the country of the number says nothing new about the zone.
    An address tells the part of a country where the number tells none; where both tell, rules of both hold.
    A stated zone or a region that does not exist is refused as `UNKNOWN_ZONE` for good. `zones` is empty where nobody
    knows: that is for the caller to refuse.
    """
    leading, length = _leading(callee.number.clear)
    return _places(leading, length, callee.region, callee.stated_zone, believe_stated_zone)


def calling_code(number: E164) -> str:
    """The calling code of a number's country or global service; empty where there is none."""
    return _calling_codes().get(number.clear[1:4], "")


def countries_by_digits(number: E164) -> frozenset[str]:
    """The countries (ISO 3166) that a number may be of, by the digits that tell; none for one of no country.

    A territory with a country code of its own that is also a part of another country is of both: "PR" and "US".
    """
    return _countries(*_leading(number.clear))


@lru_cache(maxsize=32_768)
def _countries(leading: str, length: int) -> frozenset[str]:
    _, claim = _by_number(leading, length)
    return frozenset(name for name in claim if "-" not in name)


@lru_cache(maxsize=32_768)
def _places(leading: str, length: int, address: str, stated: str | None, believed: bool) -> Places | Refusal:
    if stated is not None and not regions.is_zone(stated):
        return Refusal(Rule.UNKNOWN_ZONE, "stated_zone_not_in_database", None)
    if address and not regions.is_region(address):
        return Refusal(Rule.UNKNOWN_ZONE, "region_unknown", None, {"region": _shown(address)})
    zones, claim = _by_number(leading, length)
    of_address = regions.zones_of(address) if address not in claim or "-" in address else ()
    if stated is not None and believed:
        zones = (stated,)
        of_address = () if stated in of_address else of_address
    elif stated is not None:
        zones = (*zones, stated)
    claims = [claim, regions.names_of(address) | _any_part(address)] if address else [claim]
    vague = {f"{country}-{regions.ANY_PART}" for names in claims for country in _told(names)}
    return _interned(tuple(dict.fromkeys((*zones, *of_address))), tuple(names - vague for names in claims if names))


@lru_cache(maxsize=4096)
def _interned(zones: tuple[str, ...], claims: tuple[frozenset[str], ...]) -> Places:
    """The one object for equal places."""
    return Places(zones, claims)


def _shown(address: str) -> str:
    """A region for a message: as it came if it is short and plain."""
    return f"the region {address}" if len(address) <= 10 and address.isascii() and address.isprintable() else "a region"


def _any_part(region: str) -> frozenset[str]:
    """ "US-*" of "US", nothing of "US-FL"."""
    return frozenset() if "-" in region else frozenset((f"{region}-{regions.ANY_PART}",))


def _told(names: frozenset[str]) -> set[str]:
    """Countries of which a claim tells the part."""
    parts = {name for name in names if "-" in name and not name.endswith(regions.ANY_PART)}
    countries = {regions.country_of(part) for part in parts} & names
    return {country for country in countries if f"{country}-{regions.ANY_PART}" not in names}


def _leading(clear: str) -> tuple[str, int]:
    """The digits that decide where the number may be, and its length if that matters, else 0."""
    code = _calling_codes().get(clear[1:4])
    if code is None:
        return clear, len(clear)
    if code == _NORTH_AMERICA:
        return (clear[:8] if clear[1:5] in _deep_area_codes() else clear[:5]), 0
    if code in _of_one_place():
        return f"+{code}", 0
    end = len(code) + 1
    digits = _MORE_DIGITS if clear[end : end + 2] in _DEEP.get(code, "") else _DIGITS
    return clear[: end + digits], len(clear)


def _by_number(leading: str, length: int) -> tuple[tuple[str, ...], frozenset[str]]:
    """Zones, and the names of regions, of the numbers that begin with `leading` and have `length` characters."""
    code = _calling_codes().get(leading[1:4].ljust(3, "0"))
    if code is None:
        return (), frozenset()
    if code == _NORTH_AMERICA:
        return _north_american(leading)
    region = next((region for begins, region in _ZONES_OF.items() if leading.startswith(begins)), "")
    if code in _of_one_place():
        claim = _claim(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)])
        return regions.zones_of(region) or TIMEZONE_DATA[code], claim
    # The digits that are left out decide nothing: any will do.
    number = E164(leading.ljust(length, "0"))
    return regions.zones_of(region) or numbers.zones(number), _claim(numbers.countries(number))


def _north_american(leading: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """An area code that is not geographic, or that nobody knows, may be anywhere from Guam to Newfoundland."""
    digits = leading[1:]
    area_code = digits[1:4]
    known = next(digits[:end] for end in range(len(digits), 0, -1) if digits[:end] in TIMEZONE_DATA)
    zones = TIMEZONE_DATA[known] if known == _NORTH_AMERICA else _zones_below(known)
    if parts := regions.of_area_code(area_code):
        return zones, frozenset().union(*map(regions.names_of, parts))
    # 234-5678 is a subscriber's number that every area code of the USA and Canada can have.
    return zones, _claim(_of_own_plan(area_code) or numbers.countries(E164(f"+1{area_code}2345678")))


@lru_cache(maxsize=1024)
def _zones_below(prefix: str) -> tuple[str, ...]:
    """The zones of all exchanges that begin with `prefix`, an area code or more; of an area code also those of the one
    that it was laid over.

    The tables give an exchange that they do not know, as those of mobile numbers, the zone of most of the others.
    Chattanooga (423) would be on Central time, and called an hour too late.
    """
    areas = (prefix, *(f"{_NORTH_AMERICA}{code}" for code in regions.laid_over(prefix[1:])))
    below = (zone for known, zones in TIMEZONE_DATA.items() if known.startswith(areas) for zone in zones)
    return tuple(sorted(set(below)))


def _of_own_plan(area_code: str) -> tuple[str, ...]:
    """The countries besides the USA and Canada whose plan has the area code."""
    plans = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(_NORTH_AMERICA)]
    return tuple(country for country in plans if _begins_plan(area_code, country))


def _begins_plan(area_code: str, country: str) -> bool:
    plan = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    return plan is not None and bool(plan.leading_digits and re.match(plan.leading_digits, area_code))


def _claim(countries: tuple[str, ...]) -> frozenset[str]:
    named = [regions.names_of(country) | _any_part(country) for country in countries if country != _NOT_GEOGRAPHIC]
    return frozenset().union(*named)


@cache
def _calling_codes() -> dict[str, str]:
    """The calling code of every three digits with which an international number can begin."""
    codes = {str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE}
    starts = (f"{digits:03}" for digits in range(100, 1000))
    return {start: start[:length] for start in starts for length in (1, 2, 3) if start[:length] in codes}


@cache
def _of_one_place() -> frozenset[str]:
    """Calling codes of one country and one zone: nothing else about the number matters."""
    countries = {
        str(code): regions_of_code for code, regions_of_code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    }
    zones: dict[str, set[str]] = {}
    for prefix, names in TIMEZONE_DATA.items():
        zones.setdefault(_calling_codes().get(prefix[:3].ljust(3, "0"), prefix), set()).update(names)
    return frozenset(
        code
        for code, regions_of_code in countries.items()
        if len(regions_of_code) == 1 and len(zones.get(code, ())) == 1
    )


@cache
def _deep_area_codes() -> frozenset[str]:
    """Area codes of North America ("1270") that are in several zones, and which of them the next digits tell."""
    return frozenset(prefix[:4] for prefix in TIMEZONE_DATA if prefix.startswith(_NORTH_AMERICA) and len(prefix) > 4)
