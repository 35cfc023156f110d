"""Phone numbers: read them, hold them, and never show them whole.

An `E164` prints masked, whichever way it is printed; the clear digits are one explicit attribute away and belong in
the INVITE and in the store, nowhere else. `mask` is the one masking of the product, `masked_text` the same for text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import phonenumbers
from phonenumbers import timezone
from phonenumbers.phonenumberutil import NumberParseException, ValidationResult

from compliance.numbering import plans, written

MAX_RAW_LENGTH: Final = 32
"""Longest number that `parse` reads: 15 digits with separators to spare."""

MOST_RAW_LENGTH: Final = 128
"""Longest text that `parse` looks at, with the characters that cannot be seen."""

MAX_DIGITS: Final = 15
"""Most digits of a phone number (E.164)."""

ENOUGH_DIGITS: Final = 8
"""So many digits of a number, its last ones, are enough to know it again."""

MIN_HIDDEN: Final = 4
LEAST_SUSPECT: Final = 10**10
"""A whole number among data is taken for a phone number from here on: the shortest with eleven digits."""

LEAST_TOO_LONG: Final = 10**16
"""From here on a number among data is too long for one of a phone."""

MIN_WITH_AREA: Final = 10
MAX_LEADING_SHOWN: Final = 3
MAX_LAST_SHOWN: Final = 4
MASKED_KEPT: Final = 4096
"""Numbers whose masked form is remembered: those on the line are shown twice a second."""


_E164: Final = re.compile(r"\+[1-9][0-9]{5,14}")
_WRITTEN: Final = re.compile(r"[\d+＋().\s/‐-―-]+")
_SEPARATOR: Final = rf"[ \t\u00a0\u2000-\u200a\u202f\u3000()（）.·/,，、_＿:：‐-―－{written.UNSEEN}-]"
_OTHER_DIGITS: Final = {
    **dict(zip("〇一二三四五六七八九", "0123456789", strict=True)),
    **dict(zip("零壹贰叁肆伍陆柒捌玖", "0123456789", strict=True)),
    **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)),
    **dict(zip("①②③④⑤⑥⑦⑧⑨", "123456789", strict=True)),
    "幺": "1",
}
"""Digits that `str.isdecimal` does not know."""

_DIGIT: Final = rf"[\d{''.join(_OTHER_DIGITS)}]"
# Possessive, so that a number that is masked already ("+880171****4567") is not matched up to its last shown digit.
_DIGIT_RUN: Final = re.compile(
    rf"[+＋]{_SEPARATOR}?{_DIGIT}(?:{_SEPARATOR}{{0,4}}{_DIGIT}){{5,}}+(?!\*)"
    rf"|{_DIGIT}(?:{_SEPARATOR}{{0,4}}{_DIGIT}){{6,}}+",
)
_OCTET: Final = r"(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])"
_IP_ADDRESS: Final = re.compile(
    rf"(?!(?!10)\d\d\.\d\d\.\d\d\.\d\d(?!\d))({_OCTET}(?:\.{_OCTET}){{3}})(?![\d.])(.*)", re.DOTALL | re.ASCII
)
"""An address of IP version 4, and what stands behind it. Four pairs of digits are a phone number of eight digits, as it
is written in northern Europe, unless they begin with 10."""

_DATE: Final = re.compile(r"((?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?!\d)(.*)", re.DOTALL | re.ASCII)
"""A date as ISO 8601 writes it, and what stands behind it."""

_CLOCK: Final = re.compile(r"((?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d(?:\.\d{3})?)?)(?![\d:_])(.*)", re.DOTALL | re.ASCII)
"""A time of day, and what stands behind it."""

_DECIMAL: Final = re.compile(r"((?!0\d)\d+)\.(\d+)")
_NO_DIGIT: Final = re.compile(r"[^0-9]+")
_FROM_ABROAD: Final = ("00", "011")
"""What is dialled before the country code, in most countries and in North America."""

_UNKNOWN_ZONE: Final = "Etc/Unknown"


class BadNumber(ValueError):
    """A text that is no number that can be dialled. The message says why and never repeats the text."""


@dataclass(frozen=True, slots=True, repr=False)
class E164:
    """One phone number in international form. `clear` is the whole of it, e.g. "+8613800001234"."""

    clear: str

    def __post_init__(self) -> None:
        if not _E164.fullmatch(self.clear):
            raise BadNumber("not of the form + and 6 to 15 digits")

    def is_in(self, text: str) -> bool:
        """Whether a text holds this number, however it is written: its last eight digits tell."""
        if len(text) < ENOUGH_DIGITS:
            return False
        own = self.clear[1:][-ENOUGH_DIGITS:]
        if text.isascii() and not (own[-1] in text and own[0] in text and own[3] in text):
            return False  # quicker than taking the text apart
        return own in _digits(text)

    def __str__(self) -> str:
        return mask(self.clear)

    def __repr__(self) -> str:
        return f"E164({mask(self.clear)})"

    def __format__(self, spec: str) -> str:
        return format(mask(self.clear), spec)


def parse(raw: str, default_region: str) -> E164:
    """Read a number as people write it.

    `default_region` is an ISO 3166 code ("CN") for numbers without a country code. Only numbers that the numbering
    plan of their country knows are accepted, and those that begin with a prefix that the operator has allowed
    (`plans.also_valid`). Characters that cannot be seen, and what marks a number as text, are left out; so is the `.0`
    of a spreadsheet. Where a few digits behind a dot, slash or dash may or may not belong to it, the number is refused.
    Raises `BadNumber`.
    """
    if len(raw) > MOST_RAW_LENGTH:
        raise BadNumber(f"too long: more than {MOST_RAW_LENGTH} characters")
    text = written.bare(raw)
    if len(text) > MAX_RAW_LENGTH:
        raise BadNumber(f"too long: more than {MAX_RAW_LENGTH} characters")
    if not text:
        raise BadNumber("empty")
    simple = plans.ordinary(text, default_region)
    if simple is not None:
        return E164(simple)
    text = written.whole(text)
    spoilt = written.spoilt(text)
    if spoilt is not None:
        raise BadNumber(spoilt)
    number = _parsed(text, default_region)
    if _is_doubtful(text, default_region):
        raise BadNumber(written.TACKED_ON)
    return number


def _is_doubtful(text: str, default_region: str) -> bool:
    """Whether the text is a number with and without the few digits behind its last dot, slash or dash."""
    shorter = written.without_tail(text)
    if shorter is None:
        return False
    try:
        _parsed(shorter, default_region)
    except BadNumber:
        return False
    return True


def _parsed(text: str, default_region: str) -> E164:
    if not _WRITTEN.fullmatch(text):
        raise BadNumber("not digits: only digits, spaces, dashes, dots, slashes, brackets and a leading + are allowed")
    try:
        # The library keeps the text as raw_input only if asked to; we do not ask.
        number = phonenumbers.parse(text, default_region)
    except NumberParseException as error:
        raise BadNumber(_unreadable(error, default_region)) from None
    match phonenumbers.is_possible_number_with_reason(number):
        case ValidationResult.TOO_SHORT:
            raise BadNumber("too short")
        case ValidationResult.TOO_LONG:
            raise BadNumber("too long")
        case ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            raise BadNumber("too short: the area code is missing")
    clear = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not plans.is_known(number, clear):
        region = phonenumbers.region_code_for_country_code(number.country_code or 0)
        raise BadNumber(f"not a valid number of region {region} (+{number.country_code})")
    return E164(clear)


def _unreadable(error: NumberParseException, default_region: str) -> str:
    match error.error_type:
        case NumberParseException.INVALID_COUNTRY_CODE:
            if default_region in phonenumbers.SUPPORTED_REGIONS:
                return "no such country code"
            return "no country: it has no + and country code, and no default region is known"
        case NumberParseException.TOO_SHORT_AFTER_IDD | NumberParseException.TOO_SHORT_NSN:
            return "too short"
        case NumberParseException.TOO_LONG:
            return "too long"
        case _:
            return "not digits: no phone number in it"


@lru_cache(maxsize=MASKED_KEPT)
def mask(clear: str) -> str:
    """The form of a number that people and logs may see: "+8613800001234" becomes "+86138****1234".

    The country code stays; of the national digits at most the first three and the last four stay, and at least four
    in the middle are hidden (the middle four of a Chinese mobile number). Text that is no international number
    is masked by `masked_text`. Masking twice changes nothing.
    """
    country_length = _country_code_length(clear)
    if not country_length:
        return masked_text(clear)
    head, national = clear[: country_length + 1], clear[country_length + 1 :]
    last = max(0, min(MAX_LAST_SHOWN, len(national) - MIN_HIDDEN))
    leading = max(0, min(MAX_LEADING_SHOWN, len(national) - MIN_HIDDEN - MAX_LAST_SHOWN))
    hidden = len(national) - leading - last
    return f"{head}{national[:leading]}{'*' * hidden}{national[len(national) - last :]}"


def masked_text(text: str) -> str:
    """Free text with every run of seven or more digits masked; six after a plus sign are enough.

    A run may hold up to four spaces, dashes, dots, commas, colons, slashes, brackets or characters that cannot be seen
    between digits; Chinese digits are digits. What reads as an international number is masked like one; of any other
    run at most the last four digits stay, and at least four are hidden. Amounts of seven digits are masked too: what is
    shown by mistake cannot be taken back. IP addresses, times of day and dates like 2026-03-01 stay, and decimals with
    one digit before the point or at most two behind it. A national number of less than seven digits is not known for
    one.
    """
    return _DIGIT_RUN.sub(_masked_run, text)


def masked_numbers(text: str, own: Sequence[E164]) -> str:
    """Text of somebody's CRM with the phone numbers in it masked, and nothing else: `own` ones, however they are
    written, and what their country's numbering plan, or the +, says is a number. Order numbers and amounts stay.

    Of runs of digits too long for one number those with separators in them are masked: they may be several.
    """
    region = countries(own[0])[0] if own else ""
    return _DIGIT_RUN.sub(lambda run: _masked_run(run) if _is_number(run[0], own, region) else run[0], text)


def holds_number(text: str) -> bool:
    """Whether an id reads like a phone number: ten digits in a row, however they are written, or a plus before them."""
    return any(run[0][0] in "+＋" or len(_digits(run[0])) >= MIN_WITH_AREA for run in _DIGIT_RUN.finditer(text))


def _is_number(run: str, own: Sequence[E164], region: str) -> bool:
    if any(number.is_in(run) for number in own):
        return True
    digits = _digits(run)
    if len(digits) > MAX_DIGITS:
        return not run.isdecimal()
    try:
        parse(f"+{digits}" if run[0] in "+＋" else digits, region)
    except BadNumber:
        return False
    return True


def masked_data(data: Any, masked: Callable[[str], str] = masked_text) -> Any:
    """Free-form data, as JSON has it, with every text in it masked, also the names of fields, and numbers of eleven
    digits and more before the point, where `masked` changes them: times and amounts have less."""
    match data:
        case str():
            return masked(data)
        case dict():
            return {masked(name) if isinstance(name, str) else name: masked_data(x, masked) for name, x in data.items()}
        case list() | tuple():
            return [masked_data(item, masked) for item in data]
        case int() | float() if LEAST_SUSPECT <= abs(data) < LEAST_TOO_LONG:
            whole, _, rest = str(data).partition(".")
            shown = masked(whole)
            return data if shown == whole else shown + (f".{rest}" if rest.strip("0") else "")
        case _:
            return data


def _masked_run(run: re.Match[str]) -> str:
    known = _IP_ADDRESS.fullmatch(run[0]) or _DATE.fullmatch(run[0]) or _CLOCK.fullmatch(run[0])
    if known is not None:
        return known[1] + masked_text(known[2])
    decimal = _DECIMAL.fullmatch(run[0])
    if decimal and (len(decimal[1]) < 2 or len(decimal[2]) < 3):
        return f"{masked_text(decimal[1])}.{masked_text(decimal[2])}"
    digits = _digits(run[0])
    international = run[0][0] in "+＋"
    if international and _country_code_length(f"+{digits}"):
        return mask(f"+{digits}")
    for dialled in _FROM_ABROAD:
        if not international and digits.startswith(dialled):
            number = f"+{digits.removeprefix(dialled)}"
            if _country_code_length(number) and (shown := mask(number)).count("*") >= MIN_HIDDEN:
                return f"{dialled}{shown[1:]}"
    hidden = max(MIN_HIDDEN, len(digits) - MAX_LAST_SHOWN)
    return f"{'+' if international else ''}{'*' * hidden}{digits[hidden:]}"


def _digits(text: str) -> str:
    """The digits of a text as 0 to 9, whatever stands between them."""
    if text.isascii():
        return _NO_DIGIT.sub("", text)
    return "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() else _OTHER_DIGITS[char]
        for char in text
        if char.isdecimal() or char in _OTHER_DIGITS
    )


def _country_code_length(clear: str) -> int:
    """Digits of the country code of an international number; 0 for anything else. No country code begins another."""
    if not _E164.fullmatch(clear):
        return 0
    for length in (1, 2, 3):
        if int(clear[1 : 1 + length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return length
    return 0


def may_be_of(number: E164, country: str) -> bool:
    """Whether the number may be one of `country` (ISO 3166), as far as its digits tell.

    Countries share a calling code (+1, +7, +44 ...): a number that the numbering plans give to another one of them is
    not of this one, a number that they give to none may be.
    """
    code = phonenumbers.country_code_for_region(country)
    if not number.clear.startswith(f"+{code}"):
        return False
    if phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code] == (country,):
        return True
    region = phonenumbers.region_code_for_number(phonenumbers.parse(number.clear, None))
    return region is None or region == country


def countries(number: E164) -> tuple[str, ...]:
    """Every country (ISO 3166) whose numbering plan has the number; if none has, all that share its calling code.

    The country of satellite and global numbers is "001". Raises `NumberParseException` for a calling code that is none.
    """
    parsed = phonenumbers.parse(number.clear, None)
    sharing = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[parsed.country_code or 0]
    if len(sharing) == 1:
        return sharing
    valid = tuple(country for country in sharing if phonenumbers.is_valid_number_for_region(parsed, country))
    return valid or sharing


def zones(number: E164) -> tuple[str, ...]:
    """IANA names of every time zone the number may be in, by its prefix; () where nobody knows.

    A mobile number has the zones of its whole country. All of China is Asia/Shanghai, by law.
    """
    parsed = phonenumbers.parse(number.clear, None)
    if plans.is_added(number.clear):  # the package knows nothing of the range, but the zones of its country
        zone_names = timezone.time_zones_for_geographical_number(parsed)
    else:
        zone_names = timezone.time_zones_for_number(parsed)
    return tuple(zone for zone in zone_names if zone != _UNKNOWN_ZONE)
