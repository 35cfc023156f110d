"""Rows of rules as people write them: calling hours, frequency caps and retries, in campaigns and in policies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from compliance.api import Per
from compliance.calling_hours.days_off import holidays_known
from compliance.calling_hours.hours import CallingHours, HoursRule, Window
from compliance.calling_hours.regions import is_region
from compliance.cap_windows import DAY_S, CalendarDays, CalendarMonths, Rolling
from compliance.caps import Cap, Counts, Over
from config.model import Section
from dialer.language.caps import cap_words

HOUR_S: Final = 3600.0


class Day(StrEnum):
    """Days of the week, in order."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


_DAYS: Final = tuple(Day)
CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")

Clock = Annotated[str, Field(pattern=rf"^({CLOCK.pattern})$")]


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _known_region(region: str) -> str:
    if region and not is_region(region):
        raise ValueError(f"is not a region: a country such as US, or a part of one such as US-FL, got {region!r}")
    return region


RuleRegion = Annotated[str, AfterValidator(_known_region)]
"""Where a rule holds: empty everywhere, "US" a country (ISO 3166), "US-FL" a part of one (ISO 3166-2)."""


def a_date(text: str) -> str:
    """`text` if it is a year, a month or a day. Raises ValueError."""
    try:
        parts = text.split("-")
        date.fromisoformat("-".join([*parts, "01", "01"][:3]))
        if not 1 <= len(parts) <= 3 or not "1900" <= text[:4] < "2200":
            raise ValueError
    except ValueError:
        raise ValueError(f"must be a date, YYYY, YYYY-MM or YYYY-MM-DD, got {text!r}") from None
    return text


AsOf = Annotated[str, AfterValidator(a_date)]
"""A year, a month or a day."""


class Dated(Section):
    """What stands in a policy says where it comes from."""

    source: str = Field(min_length=3)
    """where the number is from: statute, regulator, contract"""
    as_of: AsOf
    """since when it holds, or when it was read there: YYYY, YYYY-MM or YYYY-MM-DD"""


class Origin(Section):
    """Where a rule that applies to a campaign comes from: a policy and its source; all empty: the campaign itself."""

    policy: str = ""
    """name of the policy; empty: the campaign's own"""
    source: str = ""
    """where the number is from"""
    as_of: str = ""
    """since when"""


class HoursSettings(Section):
    """One window of calling hours, in the callee's local time."""

    days: tuple[Day, ...] = Field(default=tuple(Day), min_length=1)
    """days of the week, of mon tue wed thu fri sat sun"""
    opens: Clock = Field(examples=["09:00"])
    """first minute in which calls may start, HH:MM"""
    closes: Clock = Field(examples=["20:00"])
    """no call starts that could still ring at this time, HH:MM up to 24:00"""
    region: RuleRegion = ""
    """where the callees are: US, or US-FL for a part of a country; empty: everywhere"""
    closed_on_holidays: bool = False
    """no calls on public holidays where the callee is"""

    @field_validator("closed_on_holidays")
    @classmethod
    def _holidays_are_known(cls, closed: bool, info: ValidationInfo) -> bool:
        region = info.data.get("region")
        if closed and region and not holidays_known(region):
            raise ValueError(f"cannot hold: the public holidays of {region} are not known")
        return closed

    @field_validator("closes")
    @classmethod
    def _opens_before_it_closes(cls, closes: str, info: ValidationInfo) -> str:
        opens = info.data.get("opens")
        if opens is not None and _minutes(opens) >= _minutes(closes):
            raise ValueError(f"must be later than opens ({opens}), got {closes}; hours over midnight are two rows")
        return closes

    def window(self) -> Window:
        """The same as the rules understand it."""
        return Window(frozenset(_DAYS.index(day) for day in self.days), _minutes(self.opens), _minutes(self.closes))

    @classmethod
    def of(cls, window: Window) -> Self:
        """A window as settings."""
        days = tuple(_DAYS[day] for day in sorted(window.days))
        return cls(days=days, opens=_clock(window.opens), closes=_clock(window.closes))


H = TypeVar("H", bound=HoursSettings)


def rules_of(rows: Iterable[HoursSettings]) -> tuple[HoursRule, ...]:
    """Rows of one policy, or of one campaign, as rules: the rows of a region are the windows of one rule."""
    by_region: dict[str, list[HoursSettings]] = {}
    for row in rows:
        by_region.setdefault(row.region, []).append(row)
    return tuple(
        HoursRule(
            CallingHours(tuple(sorted({row.window() for row in of_region}, key=_week_order))),
            region,
            any(row.closed_on_holidays for row in of_region),
        )
        for region, of_region in sorted(by_region.items())
    )


def _week_order(window: Window) -> tuple[list[int], int, int]:
    return sorted(window.days), window.opens, window.closes


def of_one_mind(rows: tuple[H, ...]) -> tuple[H, ...]:
    """The rows. Raises ValueError where those of a region disagree about holidays."""
    for rule in rules_of(rows):
        if len({row.closed_on_holidays for row in rows if row.region == rule.region}) > 1:
            where = rule.region or "everywhere"
            raise ValueError(f"closed_on_holidays must be the same in all rows of one region ({where})")
    return rows


_WINDOWS: Final = ("window_days", "window_hours", "calendar_days", "calendar_months")


class CapSettings(Section):
    """One frequency cap. Exactly one of the four windows is given."""

    limit: int = Field(ge=1, le=1000, examples=[2])
    """most of them in the window"""
    counts: Counts = Counts.ATTEMPTS
    """attempts, connects (a person answered), conversations (an agent talked to them), refusals, abandoned or
    machines"""
    per: Per = Per.NUMBER
    """number, customer or account; leads without that id are refused"""
    over: Over = Over.TENANT
    """counted over: tenant (all campaigns), group (of campaigns) or campaign"""
    window_days: float = Field(default=0.0, ge=0, le=3660, examples=[30.0])
    """rolling window, in days of 24 hours; 0: another one"""
    window_hours: float = Field(default=0.0, ge=0, le=8784)
    """rolling window, in hours; 0: another one"""
    calendar_days: int = Field(default=0, ge=0, le=3660)
    """so many days by the calendar, today included: 1 is today, 31 today and the 30 days before; 0: another one"""
    calendar_months: int = Field(default=0, ge=0, le=120)
    """so many months by the calendar, this one included; 0: another one"""
    rest_days: float = Field(default=0.0, ge=0, le=3660, examples=[90.0])
    """rest after the last one of the window, in days"""
    unless_agent_held: bool = False
    """not for calls that an agent was set aside for beforehand"""

    @model_validator(mode="after")
    def _one_window(self) -> Self:
        given = [name for name in _WINDOWS if getattr(self, name)]
        if len(given) != 1:
            got = f"got {' and '.join(given)}" if given else "got none"
            raise ValueError(f"needs exactly one window, of {', '.join(_WINDOWS)}: {got}")
        return self

    @property
    def window(self) -> Rolling | CalendarDays | CalendarMonths:
        """Over which time it counts."""
        if self.calendar_days:
            return CalendarDays(self.calendar_days)
        if self.calendar_months:
            return CalendarMonths(self.calendar_months)
        return Rolling(self.window_days * DAY_S if self.window_days else self.window_hours * HOUR_S)

    def cap(self) -> Cap:
        """The same as the rules understand it."""
        return Cap(
            limit=self.limit,
            window=self.window,
            counts=self.counts,
            per=self.per,
            over=self.over,
            rest_s=self.rest_days * DAY_S,
            unless_agent_held=self.unless_agent_held,
        )


C = TypeVar("C", bound=CapSettings)


def each_cap_once(rows: tuple[C, ...]) -> tuple[C, ...]:
    """The rows. Raises ValueError where two are the same cap."""
    seen: dict[Cap, int] = {}
    for index, row in enumerate(rows):
        cap = row.cap()
        if cap in seen:
            raise ValueError(f"rows {seen[cap]} and {index} are the same cap ({cap_words(cap)}): keep one")
        seen[cap] = index
    return rows


class RetrySettings(Section):
    """What an attempt that ended in one way earns its lead."""

    delay_s: float = Field(ge=0, le=31_622_400)
    """wait before the next attempt, in seconds"""
    max_attempts: int = Field(ge=0, le=99)
    """how often this end may be followed by another attempt; 0: never"""
    not_before: Literal["", "next_day"] = ""
    """next_day: not on the same day of the callee; empty: delay_s alone decides"""
    prefer: Literal["", "another_window"] = ""
    """another_window: at another time of the callee's day (until 12:00, to 14:00, to 18:00, evening, weekend), behind
    leads that were never called; sooner only where nothing else is due; empty: no matter when"""


NEXT_DAY: Final = "next_day"

NEVER: Final = RetrySettings(delay_s=0.0, max_attempts=0)
"""The retry of every disposition that is not in the table, such as invalid, blocked and unwanted."""


class RetryTable(Section):
    """Retries by disposition. A callee who hung up before an agent came goes by `abandoned`, faults of the trunk, of
    credentials and of media by `route_error`; a disposition without a row is never followed by another attempt.

    The defaults follow what carriers and dialers of long standing do: Cisco waits 60 min after no answer, Exotel 30 to
    60 min, Convoso 1 to 4 h after congestion; 72 h after an abandoned call is Ofcom's rule.
    """

    busy: RetrySettings = RetrySettings(delay_s=20 * 60.0, max_attempts=3)
    """the line was engaged"""
    no_answer: RetrySettings = RetrySettings(delay_s=60 * 60.0, max_attempts=3)
    """it rang and nobody answered"""
    unreachable: RetrySettings = RetrySettings(delay_s=3 * 3600.0, max_attempts=3)
    """switched off, out of coverage or no reply at all"""
    congestion: RetrySettings = RetrySettings(delay_s=3600.0, max_attempts=3)
    """the network had no capacity"""
    declined: RetrySettings = RetrySettings(delay_s=24 * 3600.0, max_attempts=1)
    """the person rejected the call"""
    route_error: RetrySettings = RetrySettings(delay_s=15 * 60.0, max_attempts=3)
    """our side or the trunk could not carry the call"""
    machine: RetrySettings = RetrySettings(delay_s=24 * 3600.0, max_attempts=3)
    """an answering machine"""
    abandoned: RetrySettings = RetrySettings(delay_s=72 * 3600.0, max_attempts=1)
    """answered, and no agent came in time or before the callee hung up"""

    @model_validator(mode="before")
    @classmethod
    def _a_row_may_be_partial(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: _completed(cls, name, row) for name, row in given.items()}

    def after(self, disposition: str) -> RetrySettings:
        """The retry that a disposition earns, by its name; `NEVER` for one without a row."""
        row = self.__dict__.get(disposition)
        return row if isinstance(row, RetrySettings) else NEVER


def _completed(table: type[RetryTable], name: str, row: Any) -> Any:
    field = table.model_fields.get(name)
    if field is None or not isinstance(row, dict):
        return row
    return {**field.default.model_dump(), **row}
