"""Where a campaign may call at all: countries, and ranges of numbers that are no person's ordinary line.

Premium and shared-cost numbers, satellites and the like are dear to call, and a list with a few of them is a known
fraud. They are refused unless the campaign names the type; ordinary numbers are refused outside its countries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

import phonenumbers

from compliance.api import Refusal, Rule
from compliance.calling_hours.places import calling_code, countries_by_digits
from compliance.numbers import E164

ASK_AGAIN_S: Final = 86_400.0
"""A number outside the campaign's countries is asked about again after this: somebody may add the country."""


class NumberType(StrEnum):
    """Ranges that are called only where the campaign says so."""

    PREMIUM_RATE = "premium_rate"  # +1 900, +44 9, +49 900, +979 (international)
    SHARED_COST = "shared_cost"  # +86 400, +49 180, +808 (international)
    PERSONAL_NUMBER = "personal_number"  # follows a person, at a price: +44 70
    PAGER = "pager"
    UNIVERSAL = "universal"  # universal access: +800, +878, +888, and the like within a country
    SATELLITE = "satellite"  # +870, +881; and international networks, +882 and +883


_BY_CODE: Final = {
    "800": NumberType.UNIVERSAL,
    "808": NumberType.SHARED_COST,
    "870": NumberType.SATELLITE,
    "878": NumberType.UNIVERSAL,
    "881": NumberType.SATELLITE,
    "882": NumberType.SATELLITE,
    "883": NumberType.SATELLITE,
    "888": NumberType.UNIVERSAL,
    "979": NumberType.PREMIUM_RATE,
}
"""Calling codes of no country (ITU-T E.164, list of assigned country codes)."""

_NAMES: Final = {
    NumberType.PREMIUM_RATE: "premium_rate",
    NumberType.SHARED_COST: "shared_cost",
    NumberType.PERSONAL_NUMBER: "personal_number",
    NumberType.PAGER: "pager",
    NumberType.UNIVERSAL: "uan",
}
"""What the numbering plans of the phonenumbers package call them."""


def type_of(number: E164) -> NumberType | None:
    """The special range that a number is in; None for an ordinary one.

    Where countries share a calling code, what is special in one of them is so in all: in doubt it is not dialled.
    """
    code = calling_code(number)
    if code in _BY_CODE:
        return _BY_CODE[code]
    ranges, types = _special_ranges(code)
    special = ranges.fullmatch(number.clear, len(code) + 1)
    return None if special is None or special.lastgroup is None else types[special.lastgroup]


@dataclass(frozen=True, slots=True)
class Destinations:
    """What a campaign may call: numbers of `countries` (ISO 3166; none: any) and the special ranges `number_types`."""

    countries: frozenset[str] = frozenset()
    number_types: frozenset[NumberType] = frozenset()

    def verdict(self, number: E164, now: float) -> Refusal | None:
        """May this number be called at `now` (seconds since the epoch), as far as its country and range go? None: yes.

        A special range must be named, and one of no country needs nothing else. A number that may be of one of the
        countries passes: some digits do not tell. Outside the countries it is asked about again a day later.
        """
        special = type_of(number)
        if special is not None and special not in self.number_types:
            return Refusal(Rule.DESTINATION, "number_type", None, {"number_type": special.value})
        if not self.countries or (special is not None and calling_code(number) in _BY_CODE):
            return None
        there = countries_by_digits(number)
        if not there.isdisjoint(self.countries):
            return None
        facts = {"countries": sorted(there)[:3], "allowed": sorted(self.countries)[:8]}
        return Refusal(Rule.DESTINATION, "country", now + ASK_AGAIN_S, facts)


ANYWHERE: Final = Destinations()
"""Ordinary numbers of every country."""


@cache
def _special_ranges(code: str) -> tuple[re.Pattern[str], dict[str, NumberType]]:
    """The special ranges of all countries that share a calling code, the main country's first, and the type of each
    group of the pattern."""
    types: dict[str, NumberType] = {}
    ranges = []
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code or 0), ()):
        plan = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
        for number_type, name in _NAMES.items():
            described = getattr(plan, name, None)
            if described is not None and described.national_number_pattern:
                group = f"{number_type}_{len(types)}"
                types[group] = number_type
                ranges.append(f"(?P<{group}>{described.national_number_pattern})")
    return re.compile("|".join(ranges) or "(?!)"), types
