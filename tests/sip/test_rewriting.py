"""Numbers as carriers want them."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import rewriting
from sip.rewriting import rewritten

BEGINS = st.sampled_from(["+", "+8", "+86", "+8610", "+852", "0"])
RULES = st.lists(st.tuples(BEGINS, st.sampled_from(["", "0", "00", "9*"])), unique_by=lambda rule: rule[0])


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ((), "+861012345678"),
        (("+=",), "861012345678"),
        (("+=00",), "00861012345678"),
        (("+86=0", "+=00"), "01012345678"),
        (("+8610=", "+86=0"), "12345678"),
        (("+852=",), "+861012345678"),
        (("+=86#", "0=+"), "86#861012345678"),
    ],
)
def test_the_longest_rule_that_fits_is_used_once(rules, expected):
    """Prefixes are replaced, added or taken away; what no rule is about stays."""
    assert rewritten("+861012345678", rules) == expected


@given(st.sampled_from(["+861012345678", "+85221234567", "01234"]), RULES)
def test_the_rest_of_a_number_is_never_touched(number, rules):
    """Whatever the rules, the result is a replacement and what stood behind the beginning."""
    found = rewritten(number, [f"{begins}={replacement}" for begins, replacement in rules])
    fitting = [rule for rule in rules if number.startswith(rule[0])]
    assert (
        (found == number) if not fitting else any(found == with_ + number[len(begins) :] for begins, with_ in fitting)
    )


def test_the_example_is_true():
    """What the docstring shows."""
    assert doctest.testmod(rewriting).failed == 0
