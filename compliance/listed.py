"""Is a number on a national no-call register that it must not be on? The rules; `compliance.register` has the files."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

from compliance.api import Refusal, Rule
from compliance.register import Facts

ALL_REGISTERS: Final = "all"
"""In place of the names of registers: each that is configured, for the numbers of its country."""

MAX_AGE_DAYS: Final = 31
"""Longest age of a register's data when a call is made: 16 CFR 310.4(b)(3)(iv) for the US, and Canada's DNCL alike."""

RETRY_S: Final = 600.0
"""A lead that cannot be judged, because a register cannot be relied on, comes up again after this."""

_DAY_S: Final = 86_400.0


def age_days(facts: Facts, now: float) -> int:
    """Whole days since the day of the register's data, by the date in UTC."""
    as_of = datetime(facts.as_of.year, facts.as_of.month, facts.as_of.day, tzinfo=UTC)
    return math.floor((now - as_of.timestamp()) / _DAY_S)


def outdated(facts: Facts, max_age_days: int, now: float) -> str:
    """Why a register's data may not be used at `now` (seconds since the epoch), in one clause; empty if it may."""
    age = age_days(facts, now)
    if age > max_age_days:
        return f"the register {facts.name} of {facts.as_of} is {age} days old, more than {max_age_days}"
    if age < -1:  # somewhere on earth it is tomorrow already
        return f"the register {facts.name} is of {facts.as_of}, which is still to come"
    return ""


def on_register(facts: Facts) -> Refusal:
    """The refusal of a number that is on a register: for good."""
    return Refusal(Rule.REGISTER, "on_register", None, {"register": facts.name, "as_of": facts.as_of.isoformat()})


def register_outdated(why: str, now: float) -> Refusal:
    """The refusal of a number for which a register is too old."""
    return Refusal(Rule.REGISTER_OUTDATED, "register_outdated", now + RETRY_S, {"why": why})


def register_unreadable(why: str, now: float) -> Refusal:
    """The refusal of a number for which a register is not there or damaged."""
    return Refusal(Rule.REGISTER_UNREADABLE, "register_unreadable", now + RETRY_S, {"why": why})
