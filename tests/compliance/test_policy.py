"""A policy as the rules see it."""

from dataclasses import FrozenInstanceError

import pytest

from compliance.listed import ALL_REGISTERS
from compliance.policy import Policy
from dialer.language.caps import cap_words
from tests.rules import CN_DEFAULT, EVERY_DAY


def test_the_default_policy_is_nine_to_twelve_and_two_to_eight_twice_a_month() -> None:
    """Hours and caps are the common Chinese ones, every day of the week."""
    assert CN_DEFAULT.name == "cn-default"
    (rule,) = CN_DEFAULT.hours
    assert [(w.days, w.opens / 60, w.closes / 60) for w in rule.hours.windows] == [
        (EVERY_DAY, 9, 12),
        (EVERY_DAY, 14, 20),
    ]
    assert [cap_words(cap) for cap in CN_DEFAULT.caps] == ["2 attempts in 30 days, then 90 days of rest"]
    assert CN_DEFAULT.require_zone
    assert CN_DEFAULT.believe_stated_zone


def test_a_policy_asks_for_zones_and_registers_unless_it_says_otherwise() -> None:
    """And cannot be changed once it is made."""
    policy = Policy("bare", (), ())

    assert policy.require_zone
    assert policy.registers == (ALL_REGISTERS,)
    with pytest.raises(FrozenInstanceError):
        policy.require_zone = False  # type: ignore[misc]
