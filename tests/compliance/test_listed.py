"""The rules of national registers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from compliance.api import Rule
from compliance.listed import RETRY_S, age_days, on_register, outdated, register_outdated
from compliance.numbers import E164, may_be_of
from tests.disk.made_registers import facts
from tests.rules import in_words

OF_MARCH = facts("fr-bloctel", "2026-03-01")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("moment", "age"), [("2026-03-01 00:00", 0), ("2026-03-01 23:59", 0), ("2026-04-01 23:59", 31), ("2026-02-28", -1)]
)
def test_the_age_is_counted_in_days(moment: str, age: int) -> None:
    """By the date in UTC."""
    assert age_days(OF_MARCH, at(moment)) == age


def test_data_may_be_31_days_old_and_no_older() -> None:
    """The last second of the 31st day, and the first of the 32nd, which is said with the age."""
    assert outdated(OF_MARCH, 31, at("2026-04-01 23:59:59")) == ""
    why = outdated(OF_MARCH, 31, at("2026-04-02"))
    assert why == "the register fr-bloctel of 2026-03-01 is 32 days old, more than 31"
    assert in_words(register_outdated(why, 100.0)) == (Rule.REGISTER_OUTDATED, why, 100.0 + RETRY_S)


def test_data_of_tomorrow_are_not_believed() -> None:
    """A clock or a date is wrong; a day's difference may be the time zone."""
    assert outdated(OF_MARCH, 31, at("2026-02-28 00:00")) == ""
    assert "still to come" in outdated(OF_MARCH, 31, at("2026-02-27 23:59"))


def test_a_number_that_is_on_a_register_is_refused_for_good() -> None:
    """With the register and its day."""
    assert in_words(on_register(OF_MARCH)) == (Rule.REGISTER, "on the national register fr-bloctel of 2026-03-01", None)


@pytest.mark.parametrize(
    ("number", "country", "may"),
    [
        ("+33612345678", "FR", True),
        ("+33612345678", "CN", False),
        ("+12025550123", "US", True),
        ("+12025550123", "CA", False),
        ("+14165550123", "CA", True),
        ("+14165550123", "US", False),
        ("+19995550123", "US", True),
        ("+19995550123", "CA", True),
    ],
)
def test_a_register_concerns_the_numbers_of_its_country(number: str, country: str, may: bool) -> None:
    """Countries share a calling code; a number that is of none of them may be of each."""
    assert may_be_of(E164(number), country) is may
