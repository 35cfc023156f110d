"""The windows over which abandoned calls are counted and capped, as data.

Laws count differently: by calendar day, by calendar month, by successive periods from the campaign's start, and among
different calls. What each of them asks for is in the policies; none of it is code.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, Field, field_validator

from compliance.calling_hours.regions import is_zone
from config.model import Section, named_twice

HOUR_FACTOR: Final = 2.0
"""Cap of a rolling window that names none, as a multiple of the campaign's. It bounds a bad hour; no law asks for it.
"""


class WindowKind(StrEnum):
    """How a counting window runs."""

    CALENDAR_DAY = "calendar_day"
    CALENDAR_MONTH = "calendar_month"
    SUCCESSIVE_DAYS = "successive_days"  # one period after the other, from a start date; not rolling
    ROLLING_HOUR = "rolling_hour"


def _known_zone(zone: str) -> str:
    if zone and not is_zone(zone):
        raise ValueError("is not a known time zone: an IANA name such as Asia/Shanghai, or empty for the host's")
    return zone


Zone = Annotated[str, AfterValidator(_known_zone)]
"""A time zone by its IANA name; empty: the host's."""


class AbandonWindow(Section):
    """One counting window. Keys that are of another kind of window are ignored."""

    kind: WindowKind = Field(examples=["calendar_day"])
    """calendar_day, calendar_month, successive_days or rolling_hour"""
    days: int = Field(default=30, ge=1, le=366)
    """length of successive_days, in days"""
    start: str = ""
    """first day of successive_days, YYYY-MM-DD; empty: the day the campaign was created"""
    hours: int = Field(default=1, ge=1, le=24)
    """length of rolling_hour, in hours"""
    max_rate: float = Field(default=0.0, ge=0, le=0.5)
    """cap of this window, as a fraction; 0: max_abandon_rate, for rolling_hour twice that"""

    @field_validator("start")
    @classmethod
    def _a_day(cls, start: str) -> str:
        try:
            if start and (date.fromisoformat(start).isoformat() != start or not "2000" <= start[:4] < "2200"):
                raise ValueError
        except ValueError:
            raise ValueError(f"must be a day, YYYY-MM-DD, of 2000 to 2199, got {start!r}") from None
        return start

    @property
    def label(self) -> str:
        """The window's name for programs, the same all its life: `calendar_day`, `successive_30_days`,
        `rolling_hour`."""
        match self.kind:
            case WindowKind.SUCCESSIVE_DAYS:
                return f"successive_{self.days}_days"
            case WindowKind.ROLLING_HOUR:
                return "rolling_hour" if self.hours == 1 else f"rolling_{self.hours}_hours"
            case _:
                return self.kind.value

    def cap(self, max_abandon_rate: float) -> float:
        """The cap that holds in this window, as a fraction, in a campaign with that `max_abandon_rate`."""
        if self.max_rate:
            return self.max_rate
        return max_abandon_rate * (HOUR_FACTOR if self.kind is WindowKind.ROLLING_HOUR else 1.0)


class Denominator(StrEnum):
    """Among which calls the abandoned ones are counted."""

    BY_POLICY = ""  # as the policies say
    LIVE_ANSWERS = "live_answers"  # all that a person answered
    PUT_THROUGH = "put_through"  # those put through to an agent, and the abandoned ones


class HangUps(StrEnum):
    """Whether a callee who hung up within the limit, with no agent yet, was abandoned."""

    BY_POLICY = ""
    COUNT = "count"
    LEAVE_OUT = "leave_out"


class Machines(StrEnum):
    """What of abandoned calls that a machine may have answered."""

    BY_POLICY = ""
    KEEP = "keep"  # they stay among the abandoned ones
    ESTIMATE = "estimate"  # their number is estimated and taken off


class AbandonmentSettings(Section):
    """Which calls the abandon rate counts. What is left empty is as the policies say, the strictest of them; where none
    says, it is the first word that is named here."""

    denominator: Denominator = Denominator.BY_POLICY
    """among which calls: live_answers, or put_through (to an agent, and the abandoned ones)"""
    hang_ups: HangUps = HangUps.BY_POLICY
    """callees who hang up within the limit with no agent yet: count as abandoned, or leave_out"""
    machines: Machines = Machines.BY_POLICY
    """abandoned calls that a machine may have answered: keep, or take off an estimate of them"""


STRICTEST_FIRST: Final = {
    "denominator": (Denominator.PUT_THROUGH, Denominator.LIVE_ANSWERS),
    "hang_ups": (HangUps.COUNT, HangUps.LEAVE_OUT),
    "machines": (Machines.KEEP, Machines.ESTIMATE),
}
USUAL: Final = AbandonmentSettings(denominator=Denominator.LIVE_ANSWERS, hang_ups=HangUps.COUNT, machines=Machines.KEEP)
"""What holds where nobody says: the careful reading of 16 CFR 310.4(b)(4), which does not say either."""


def strictest(definitions: Iterable[AbandonmentSettings]) -> AbandonmentSettings:
    """The definition that is at least as strict as each of `definitions`, with nothing left empty: of every choice
    the one that gives the higher rate."""
    given = tuple(definitions)
    fields = {}
    for name, order in STRICTEST_FIRST.items():
        words = {getattr(definition, name) for definition in given}
        fields[name] = next((word for word in order if word in words), getattr(USUAL, name))
    return AbandonmentSettings.model_validate(fields)


W = TypeVar("W", bound=AbandonWindow)


def each_once(windows: tuple[W, ...]) -> tuple[W, ...]:
    """The windows, if no two are alike. Raises ValueError."""
    if twice := named_twice(window.label for window in windows):
        raise ValueError(f"must differ in kind or length, but there are two of {twice}")
    return windows
