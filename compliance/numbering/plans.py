"""Ordinary national numbers read without the phonenumbers package's long way, and prefixes that it does not know yet.

Most numbers of a list are mobile numbers of one country, written as nothing but digits. For these the numbering plan of
the package is asked directly, by the same patterns; whatever is not that simple goes its long way.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber

_DIGITS: Final = re.compile(r"[1-9][0-9]+")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a country says about its mobile numbers, `lengths` long; what begins like `longer` is read differently."""

    code: str
    general: re.Pattern[str]
    mobile: re.Pattern[str]
    lengths: frozenset[int]
    longer: re.Pattern[str]


def ordinary(text: str, region: str) -> str | None:
    """E.164 of a mobile number of `region` (ISO 3166) written as digits, with or without + and country code; None for
    everything else: it may be a number, too."""
    plan = _plan(region)
    if plan is None:
        return None
    national = text.removeprefix(f"+{plan.code}")
    if len(national) not in plan.lengths or not _DIGITS.fullmatch(national) or plan.longer.match(national):
        return None
    if not plan.general.fullmatch(national) or not plan.mobile.fullmatch(national):
        return None
    return f"+{plan.code}{national}"


@cache
def _plan(region: str) -> _Plan | None:
    """None where the country shares its calling code, or its mobile numbers have none of one length."""
    code = phonenumbers.country_code_for_region(region) if region in phonenumbers.SUPPORTED_REGIONS else 0
    if phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code) != (region,):
        return None
    plan = PhoneMetadata.metadata_for_region(region, None)
    if plan is None or plan.mobile is None or not plan.mobile.national_number_pattern or plan.general_desc is None:
        return None
    longer = [pattern for pattern in (plan.national_prefix_for_parsing, plan.international_prefix) if pattern]
    return _Plan(
        str(code),
        re.compile(plan.general_desc.national_number_pattern or "(?!)"),
        re.compile(plan.mobile.national_number_pattern),
        frozenset(plan.mobile.possible_length) & frozenset(plan.general_desc.possible_length),
        re.compile("|".join(f"(?:{pattern})" for pattern in longer) or "(?!)"),
    )


_added: tuple[str, ...] = ()


def also_valid(prefixes: Collection[str]) -> None:
    """Numbers of a possible length that begin with one of the prefixes (+ and digits, with the country code, "+86149")
    are valid from now on in this process, whatever the package says: regulators open ranges faster than it learns them.

    Said once, when a process has read its settings. Like the package's own tables it holds for everybody who reads a
    number: one that is taken in must be one that can be blocked and erased.
    """
    global _added
    _added = tuple(prefixes)


def added() -> tuple[str, ...]:
    """What `also_valid` was told last: for another process of the same program."""
    return _added


def is_known(number: PhoneNumber, clear: str) -> bool:
    """Whether the numbering plans have a number of a possible length; `clear` is its E.164."""
    return phonenumbers.is_valid_number(number) or is_added(clear)


def is_added(clear: str) -> bool:
    """Whether a number (E.164) begins with a prefix that the operator has allowed."""
    return clear.startswith(_added)
