"""Ordinary numbers the short way, and prefixes that the package does not know yet."""

from __future__ import annotations

from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.calling_hours.places import countries_by_digits
from compliance.destinations import Destinations
from compliance.numbering import plans
from compliance.numbers import BadNumber, parse, zones

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
EXAMPLES = {
    region: example.national_number
    for region in REGIONS
    if (example := phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)) is not None
}


def the_long_way(text: str, region: str) -> str | None:
    """E.164 as the package reads it; None where it does not."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@settings(max_examples=600)
@given(st.data())
def test_the_short_way_says_what_the_long_way_says(data: st.DataObject) -> None:
    """In every country, of digits around real mobile numbers: a short answer is the package's."""
    region = data.draw(st.sampled_from(REGIONS))
    example = str(EXAMPLES.get(region, 138_0000_0000))
    kept = data.draw(st.integers(0, len(example)))
    rest = data.draw(st.text("0123456789", min_size=0, max_size=12))
    code = phonenumbers.country_code_for_region(region)
    text = data.draw(st.sampled_from(["", f"+{code}", f"{code}", "0", "00"])) + example[:kept] + rest

    short = plans.ordinary(text, region)

    assert short is None or short == the_long_way(text, region)


@pytest.mark.parametrize(("text", "region"), [("13800138001", "CN"), ("+8619912345678", "CN"), ("9012345678", "JP")])
def test_mobile_numbers_go_the_short_way(text: str, region: str) -> None:
    """Where one country has the calling code."""
    assert plans.ordinary(text, region) == the_long_way(text, region) is not None


@pytest.fixture
def new_range() -> Iterator[None]:
    plans.also_valid(["+86149"])
    yield
    plans.also_valid(())


def test_a_new_range_is_unknown() -> None:
    """Until somebody allows it. When the package learns it, this test needs another prefix."""
    with pytest.raises(BadNumber, match="not a valid number"):
        parse("14912345678", "CN")


@pytest.mark.usefixtures("new_range")
def test_the_operator_allows_a_new_range() -> None:
    """It is read, it is a number of its country, and its time zone is known; the length must be right all the same."""
    number = parse("149 1234 5678", "CN")

    assert number.clear == "+8614912345678"
    assert Destinations(frozenset({"CN"})).verdict(number, 0.0) is None
    assert countries_by_digits(number) == {"CN"}
    assert zones(number) == ("Asia/Shanghai",)
    for text in ("1491234567890", "149123"):
        with pytest.raises(BadNumber):
            parse(text, "CN")
    with pytest.raises(BadNumber, match="not a valid number"):
        parse("14612345678", "CN")
