"""A campaign's settings, as its TOML file and as Redis keep them."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from compliance.caps import DAY_S, DEFAULT_CAPS, Cap
from compliance.hours import CallingHours, Window
from compliance.listed import ALL_REGISTERS
from compliance.policy import CN_DEFAULT, Policy
from config.abandonment import DEFAULT_WINDOWS, AbandonWindow, Zone, each_once
from config.model import Region, Section
from pacing.face import Guarantee, Mode, Settings

MIN_RING_TIMEOUT_S: Final = 15.0
"""A call must ring this long before it may be given up: 16 CFR 310.4(b)(4)(ii) and 47 CFR 64.1200(a)(6), 15 seconds or
four rings; Ofcom and the German regulator ask for the same."""


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
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""What a campaign may be called."""

Clock = Annotated[str, Field(pattern=rf"^({_CLOCK.pattern})$")]


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


class HoursSettings(Section):
    """One window of calling hours, in the callee's local time."""

    days: tuple[Day, ...] = Field(description="days of the week, of mon tue wed thu fri sat sun", min_length=1)
    opens: Clock = Field(description="first minute in which calls may start, HH:MM")
    closes: Clock = Field(description="no call starts that could still ring at this time, HH:MM up to 24:00")

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


class CapSettings(Section):
    """One frequency cap on a number, counted over all campaigns."""

    limit: int = Field(description="most attempts in the window", ge=1, le=1000)
    window_days: float = Field(description="rolling window, in days", gt=0, le=3660)
    rest_days: float = Field(
        default=0.0, description="rest after the last attempt of the window, in days", ge=0, le=3660
    )

    def cap(self) -> Cap:
        """The same as the rules understand it."""
        return Cap(self.limit, self.window_days * DAY_S, self.rest_days * DAY_S)

    @classmethod
    def of(cls, cap: Cap) -> Self:
        """A cap as settings."""
        return cls(limit=cap.limit, window_days=cap.window_s / DAY_S, rest_days=cap.rest_s / DAY_S)


class RetrySettings(Section):
    """What an attempt that ended in one way earns its lead."""

    delay_s: float = Field(description="wait before the next attempt, in seconds", ge=0, le=31_622_400)
    max_attempts: int = Field(
        description="how often this end may be followed by another attempt; 0: never", ge=0, le=99
    )


NEVER: Final = RetrySettings(delay_s=0.0, max_attempts=0)
"""The retry of every disposition that is not in the table, such as invalid, blocked and unwanted."""


def _retry(delay_s: float, max_attempts: int, description: str) -> Any:
    return Field(default=RetrySettings(delay_s=delay_s, max_attempts=max_attempts), description=description)


class RetryTable(Section):
    """Retries by disposition. A callee who hung up before an agent came goes by `abandoned`, faults of the trunk, of
    credentials and of media by `route_error`; a disposition without a row is never followed by another attempt.

    The defaults follow what carriers and dialers of long standing do: Cisco waits 60 min after no answer, Exotel 30 to
    60 min, Convoso 1 to 4 h after congestion; 72 h after an abandoned call is Ofcom's rule.
    """

    busy: RetrySettings = _retry(20 * 60.0, 3, "the line was engaged")
    no_answer: RetrySettings = _retry(60 * 60.0, 3, "it rang and nobody answered")
    unreachable: RetrySettings = _retry(3 * 3600.0, 3, "switched off, out of coverage or no reply at all")
    congestion: RetrySettings = _retry(3600.0, 3, "the network had no capacity")
    declined: RetrySettings = _retry(24 * 3600.0, 1, "the person rejected the call")
    route_error: RetrySettings = _retry(15 * 60.0, 3, "our side or the trunk could not carry the call")
    machine: RetrySettings = _retry(24 * 3600.0, 3, "an answering machine")
    abandoned: RetrySettings = _retry(
        72 * 3600.0, 1, "answered, and no agent came in time or before the callee hung up"
    )

    @model_validator(mode="before")
    @classmethod
    def _a_row_may_be_partial(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: _completed(cls, name, row) for name, row in given.items()}

    def after(self, disposition: str) -> RetrySettings:
        """The retry that a disposition earns, by its name; `NEVER` for one without a row."""
        row = getattr(self, disposition, None) if disposition in RetryTable.model_fields else None
        return row if isinstance(row, RetrySettings) else NEVER


def _completed(table: type[RetryTable], name: str, row: Any) -> Any:
    field = table.model_fields.get(name)
    if field is None or not isinstance(row, dict):
        return row
    return {**field.default.model_dump(), **row}


class CampaignSettings(Section):
    """One campaign."""

    name: str = Field(description="small letters, digits, - and _", pattern=rf"^{NAME.pattern}$")
    mode: Mode = Field(default=Mode.PREDICTIVE, description="preview, progressive, ratio or predictive")
    max_abandon_rate: float = Field(
        default=0.03, description="cap on abandoned calls among calls answered by a person, as a fraction", gt=0, le=0.2
    )
    guarantee: Guarantee = Field(
        default=Guarantee.STATISTICAL, description="statistical, or hard: never a call that could breach"
    )
    time_zone: Zone = Field(
        default="",
        description="IANA name; its midnights end the counting days of abandoned calls, shift_ends is its time; "
        "empty: the host's",
        max_length=64,
    )
    abandon_after_s: float = Field(
        default=2.0,
        description="an answered call without an agent for this long is abandoned, in seconds",
        ge=0.5,
        le=10,
    )
    ring_timeout_s: float = Field(
        default=25.0,
        description="how long a call rings before it is given up, in seconds; 15 is the legal minimum",
        ge=MIN_RING_TIMEOUT_S,
        le=120,
    )
    ratio: float = Field(default=1.5, description="calls for each ready agent, in mode ratio only", ge=1, le=10)
    max_calls_per_agent: float = Field(
        default=8.0, description="most calls in flight for each working agent", ge=1, le=50
    )
    trunk: str = Field(default="", description="name of the trunk; empty: the first one configured", max_length=40)
    registers: tuple[str, ...] = Field(
        default=(ALL_REGISTERS,),
        description="national no-call registers that numbers of their country must not be on: names of the daemon's "
        'registers, or "all"; [] for none, where the law excepts the calls',
        max_length=64,
    )
    caller_id: str = Field(
        default="", description="number shown to the callee; needed to start", pattern=r"^(\+?[0-9]{2,15})?$"
    )
    default_region: Region = Field(default="CN", description="country of numbers without a country code, ISO 3166")
    abandon_message: str = Field(
        default="",
        validate_default=True,
        max_length=4096,
        description="path of the WAV file played to an abandoned caller; needed in modes ratio and predictive",
    )
    wrapup_limit_s: float = Field(
        default=30.0, description="an agent is ready again after this long in wrap-up, in seconds", ge=0, le=3600
    )
    preview_limit_s: float = Field(
        default=120.0,
        description="mode preview: an agent decides on a lead within this, or is paused, in seconds",
        ge=5,
        le=3600,
    )
    preview_skip_s: float = Field(
        default=30 * 60.0,
        description="mode preview: a lead that an agent skipped is put off for this long, in seconds",
        ge=1,
        le=31_622_400,
    )
    max_lines: int = Field(
        default=0, description="most calls in flight of this campaign; 0: no limit of its own", ge=0, le=100_000
    )
    priority: int = Field(
        default=5, description="share of lines and agents against other campaigns; 9 goes first", ge=0, le=9
    )
    shift_ends: str = Field(
        default="",
        description="when agents go home, HH:MM, where their login does not say; no call is started for them that may "
        "be answered later; empty: nobody knows",
        pattern=rf"^({_CLOCK.pattern})?$",
    )
    hours: tuple[HoursSettings, ...] = Field(
        default=tuple(HoursSettings.of(window) for window in CN_DEFAULT.hours.windows),
        description="when people may be called, in their local time",
        min_length=1,
        max_length=50,
    )
    caps: tuple[CapSettings, ...] = Field(
        default=tuple(CapSettings.of(cap) for cap in DEFAULT_CAPS),
        description="how often one number may be called, by all campaigns together",
        max_length=10,
    )
    abandon_windows: tuple[AbandonWindow, ...] = Field(
        default=DEFAULT_WINDOWS,
        description="over which windows abandoned calls are counted and capped; all hold at once",
        min_length=1,
        max_length=6,
    )
    retry: RetryTable = Field(default=RetryTable(), description="what follows an attempt, by its disposition")

    @field_validator("abandon_windows")
    @classmethod
    def _windows_differ(cls, windows: tuple[AbandonWindow, ...]) -> tuple[AbandonWindow, ...]:
        return each_once(windows)

    @field_validator("abandon_message")
    @classmethod
    def _message_for_abandoned_callers(cls, path: str, info: ValidationInfo) -> str:
        mode = info.data.get("mode")
        if mode is not None and mode.can_abandon and not path:
            raise ValueError(
                f"is needed in mode {mode}, which can leave an answered call without an agent: "
                "the callee must then hear who called (path of a WAV file)"
            )
        return path

    def policy(self) -> Policy:
        """The compliance rules of this campaign."""
        hours = CallingHours(tuple(row.window() for row in self.hours))
        caps = tuple(row.cap() for row in self.caps)
        return Policy(f"campaign {self.name}", hours, caps, registers=self.registers)

    def pacing(self, seed: int) -> Settings:
        """What the campaign's pacer is told; `seed` makes its random draws repeatable."""
        return Settings(
            mode=self.mode,
            max_abandon_rate=self.abandon_windows[0].cap(self.max_abandon_rate),
            guarantee=self.guarantee,
            abandon_after_s=self.abandon_after_s,
            ring_timeout_s=self.ring_timeout_s,
            ratio=self.ratio,
            max_calls_per_agent=self.max_calls_per_agent,
            seed=seed,
        )

    def missing_to_start(self) -> tuple[str, ...]:
        """What keeps valid settings from being started, one sentence each: checked at start, not when they are kept."""
        missing = []
        if not self.caller_id:
            missing.append("caller_id is empty: the callee must be shown a number")
        return tuple(missing)
