"""Which countries and ranges of numbers a campaign may call."""

from __future__ import annotations

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from compliance.api import Rule
from compliance.destinations import ASK_AGAIN_S, Destinations, NumberType, type_of
from compliance.numbers import E164
from tests.rules import in_words

HERE = Destinations(frozenset({"US"}))


@pytest.mark.parametrize(
    ("number", "number_type"),
    [
        ("+19005551234", NumberType.PREMIUM_RATE),
        ("+449012345678", NumberType.PREMIUM_RATE),
        ("+499001234567", NumberType.PREMIUM_RATE),
        ("+979123456789", NumberType.PREMIUM_RATE),
        ("+864001234567", NumberType.SHARED_COST),
        ("+491801234567", NumberType.SHARED_COST),
        ("+80812345678", NumberType.SHARED_COST),
        ("+447012345678", NumberType.PERSONAL_NUMBER),
        ("+80012345678", NumberType.UNIVERSAL),
        ("+878101234567890", NumberType.UNIVERSAL),
        ("+870773111632", NumberType.SATELLITE),
        ("+881612345678", NumberType.SATELLITE),
        ("+882123456789", NumberType.SATELLITE),
        ("+883510012345", NumberType.SATELLITE),
        ("+8613800001234", None),
        ("+12025550123", None),
        ("+18005551234", None),
        ("+442079460000", None),
        ("+390612345678", None),
    ],
)
def test_a_special_range_is_known_and_called_only_where_it_is_named(
    number: str, number_type: NumberType | None
) -> None:
    """Premium and shared-cost numbers, satellites and the like, of countries and of none; ordinary numbers are none."""
    assert type_of(E164(number)) is number_type
    refusal = Destinations().verdict(E164(number), 0.0)
    if number_type is None:
        assert refusal is None
    else:
        words = f"a number of the type {number_type}, called only where the campaign's number_types names it"
        assert in_words(refusal) == (Rule.DESTINATION, words, None)
        assert Destinations(number_types=frozenset({number_type})).verdict(E164(number), 0.0) is None
        assert Destinations(number_types=frozenset(NumberType) - {number_type}).verdict(E164(number), 0.0) is not None


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_premium_numbers_of_every_country_are_refused(region: str) -> None:
    """The example of each numbering plan, everywhere."""
    example = phonenumbers.example_number_for_type(region, PhoneNumberType.PREMIUM_RATE)
    if example is not None:
        number = E164(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164))
        assert Destinations().verdict(number, 0.0) is not None


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_mobile_numbers_of_every_country_are_ordinary_and_of_it(region: str) -> None:
    """The example of each numbering plan passes where its country is allowed, and no other need be."""
    example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if example is not None:
        number = E164(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164))
        assert Destinations(frozenset({region})).verdict(number, 0.0) is None


@pytest.mark.parametrize(
    ("number", "country"),
    [("+18765551234", "JM"), ("+12425551234", "BS"), ("+14165551234", "CA"), ("+85291234567", "HK")],
)
def test_a_foreign_number_is_refused_and_the_words_say_what_to_set(number: str, country: str) -> None:
    """The Caribbean and Canada are not the United States; a day later it is asked about again."""
    words = f"a number of {country}, and the campaign calls US only: its setting countries may list more"
    assert in_words(HERE.verdict(E164(number), 5.0)) == (Rule.DESTINATION, words, 5.0 + ASK_AGAIN_S)
    assert Destinations(frozenset({"US", country})).verdict(E164(number), 5.0) is None


def test_a_number_of_the_country_passes() -> None:
    """So does one of a territory that is a part of it."""
    assert HERE.verdict(E164("+12025550123"), 0.0) is None
    assert HERE.verdict(E164("+17875551234"), 0.0) is None


def test_a_range_of_no_country_needs_its_type_alone() -> None:
    """A satellite is in none of the countries; a premium number abroad needs its country, too."""
    named = Destinations(frozenset({"US"}), frozenset({NumberType.SATELLITE, NumberType.PREMIUM_RATE}))
    assert named.verdict(E164("+881612345678"), 0.0) is None
    assert named.verdict(E164("+449012345678"), 0.0) is not None
