"""A policy: the rules of one campaign as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from compliance.caps import DEFAULT_CAPS, Cap
from compliance.hours import CallingHours, Window
from compliance.listed import ALL_REGISTERS

EVERY_DAY: Final = frozenset(range(7))

# A common value of carrier contracts and provincial rules in China, not a law: there are none nation-wide. The source
# is one project's example of 09-12 and 14-20 (section B.6 of the research notes on pacing and regulation).
CN_HOURS: Final = CallingHours((Window(EVERY_DAY, 9 * 60, 12 * 60), Window(EVERY_DAY, 14 * 60, 20 * 60)))


@dataclass(frozen=True, slots=True)
class Policy:
    """When and how often numbers may be called.

    `require_zone` False lets a number through whose time zone nobody knows, without looking at the hours: for
    rehearsals against test numbers, not for calls to people. `registers` names the national no-call registers that
    numbers must not be on; `ALL_REGISTERS` among them stands for each that is configured.
    """

    name: str
    hours: CallingHours
    caps: tuple[Cap, ...]
    require_zone: bool = True
    registers: tuple[str, ...] = (ALL_REGISTERS,)


CN_DEFAULT: Final = Policy("cn-default", CN_HOURS, DEFAULT_CAPS)
