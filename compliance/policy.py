"""A policy: the rules of one campaign as data."""

from __future__ import annotations

from dataclasses import dataclass

from compliance.calling_hours.hours import HoursRule
from compliance.caps import Cap
from compliance.destinations import ANYWHERE, Destinations
from compliance.listed import ALL_REGISTERS


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that a campaign's calls are judged by. All rules hold at once: each one of `hours` that is about the
    callee must be open, each one of `caps` must have room.

    `version` names the rules for the record. `require_zone` False lets a number through whose time zone nobody knows,
    without looking at the hours: for rehearsals against test numbers, not for calls to people. With
    `believe_stated_zone` a zone that the CRM states takes the place of those of the number; without it all of them must
    be open. `registers` names the national no-call registers that numbers must not be on; `ALL_REGISTERS` among them
    stands for each that is configured. `consent_required` asks for a consent that is at most `consent_max_age_s` old
    (None: of any age). `retention_s` is how long leads are kept (None: the daemon's word alone).
    `destinations` are the countries and ranges of numbers that may be called.
    """

    name: str
    hours: tuple[HoursRule, ...]
    caps: tuple[Cap, ...]
    version: str = ""
    require_zone: bool = True
    believe_stated_zone: bool = True
    registers: tuple[str, ...] = (ALL_REGISTERS,)
    consent_required: bool = False
    consent_max_age_s: float | None = None
    retention_s: float | None = None
    destinations: Destinations = ANYWHERE
