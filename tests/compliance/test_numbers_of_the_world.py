"""Masking, over the example numbers of every country and service that the numbering plans know."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from compliance.numbers import E164, MIN_HIDDEN, mask, masked_text

TYPES = (
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.VOIP,
)
GAPS = (" ", "-", ".", "/", "\u00a0", "\u202f", "\u3000", "\u2011", "–", " - ", "")
SHORTEST = 7
"""Digits of a national number that text is searched for; a shorter one is any number."""

LIKE_AN_ADDRESS = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}")


def examples() -> list[PhoneNumber]:
    """At least one number of each country, and of each service that belongs to none."""
    found = [
        phonenumbers.example_number_for_type(region, kind)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in TYPES
    ]
    found += [
        phonenumbers.example_number_for_non_geo_entity(code) for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
    ]
    return [number for number in found if number is not None]


EXAMPLES = examples()


def e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def written(number: PhoneNumber) -> set[str]:
    """The forms in which people write it: national, international, dialled from abroad, with all kinds of gaps."""
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    plain = phonenumbers.national_significant_number(number)
    forms = {e164(number), international, f"00{e164(number)[1:]}", f"00 {international[1:]}", f"tel:{e164(number)}"}
    forms |= {phonenumbers.format_out_of_country_calling_number(number, caller) for caller in ("CN", "US")}
    forms |= {re.sub(r"[ -]", gap, international) for gap in GAPS}
    if len(plain) >= SHORTEST:
        forms |= {plain, national, f"({national[:3]}) {national[3:]}"}
        forms |= {re.sub(r"[ -]", gap, national) for gap in GAPS}
    return {form for form in forms if not LIKE_AN_ADDRESS.fullmatch(form) and not re.fullmatch(r"\d\.\d+", form)}


def test_there_are_examples_of_every_country() -> None:
    """Two hundred and more regions, mobile and fixed."""
    assert len({phonenumbers.region_code_for_number(number) for number in EXAMPLES}) > 200
    assert len(EXAMPLES) > 600


def test_of_every_number_a_comparable_share_is_hidden() -> None:
    """Four digits at least and a third of the national ones at least; its country code and length stay."""
    for number in EXAMPLES:
        clear, national = e164(number), phonenumbers.national_significant_number(number)
        shown = mask(clear)
        hidden = shown.count("*")
        assert hidden >= min(MIN_HIDDEN, len(national)), shown
        assert 3 * hidden >= len(national), shown
        assert len(shown) == len(clear), shown
        assert shown.startswith(f"+{number.country_code}"), shown
        assert str(E164(clear)) == shown


def test_masking_again_changes_nothing() -> None:
    """As a number, and in text."""
    for number in EXAMPLES:
        shown = mask(e164(number))
        assert mask(shown) == masked_text(shown) == shown
        assert masked_text(f"call {shown}, please") == f"call {shown}, please"


@pytest.mark.parametrize("prefix", ["130", "138", "147", "159", "166", "171", "188", "199"])
def test_of_a_chinese_mobile_number_exactly_the_middle_four_are_hidden(prefix: str) -> None:
    """中间4位隐藏."""
    assert mask(f"+86{prefix}12345678") == f"+86{prefix}****5678"


@pytest.mark.parametrize("around", ["{}", "call {}, please", "<sip:{}@carrier>", "电话{}。", "x{}x"])
def test_every_written_form_is_found_in_text(around: str) -> None:
    """Whatever the gaps: never the national number, and never more than the mask shows."""
    for number in EXAMPLES:
        national = phonenumbers.national_significant_number(number)
        for form in written(number):
            shown = masked_text(around.format(form))
            digits = re.sub(r"\D", "", shown)
            assert national not in digits, (form, shown)
            assert shown.count("*") >= min(MIN_HIDDEN, len(national)), (form, shown)


@pytest.mark.parametrize(
    "text",
    [
        "10.20.30.40 and 192.168.100.200:5060/udp",
        "took 1.234567 s, 12345.67 s before",
        "release 2.15.1, lead 2026-17, room 123456",
        "172.16.254.1",
        "of 2026-03-01, 1999-12-31T23:59:59Z and 2026-03-01 09:30",
    ],
)
def test_addresses_dates_and_decimals_stay(text: str) -> None:
    """What an operator needs to read in a log."""
    assert masked_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("192.168.100.200 13800001234", "192.168.100.200 *******1234"),
        ("22.34.56.78", "****5678"),
        ("2026-03-01 138 0000 1234", "2026-03-01 *******1234"),
        ("2026-13-01", "****1301"),
        ("138.0000.1234", "*******1234"),
        ("138 - 0000 - 1234", "*******1234"),
        ("010.65520001", "*******0001"),
    ],
)
def test_dots_do_not_hide_a_number(text: str, shown: str) -> None:
    """Nor does an address in front of it."""
    assert masked_text(text) == shown
