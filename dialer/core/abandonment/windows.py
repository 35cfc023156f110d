"""The counting windows of the abandonment cap: which are open at a moment, and what a count in one is worth.

Calls are counted on the local day, and in the slot of five minutes, in which they were answered. A calendar window is
a set of days, a rolling one a run of slots; in this process's memory both are runs of slots, since midnights fall on
their edges in every zone of today. Pure: the moment is handed in, and so is the zone (None: this machine's own).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from config.abandonment import AbandonWindow, WindowKind
from config.campaign import CampaignSettings
from config.policies import AppliedSettings
from dialer.core.abandonment.rate import AnswerCounts, together
from dialer.language.moments import day_of_month, month
from dialer.language.phrases import phrase, phrases

SLOT_S: Final = 300
"""Length of a slot, in seconds. A rolling window begins at the edge of a slot, so it is up to one slot longer."""

FRESH_DAYS: Final = 2
"""So many days, today included, are counted in memory and read from the store; what is older is read only."""

HOUR_S: Final = 3600


@dataclass(frozen=True, slots=True)
class CountingWindow:
    """A window that is open now.

    `label` names it for programs, `name` for people (`the last hour`). A calendar window consists of its `closed` days,
    which are over and written down, and of those of its `days` (today and yesterday) on which calls may still be to be
    written down. A rolling window has neither. What a process itself counted from `since` on (seconds since the epoch,
    the edge of a slot: the beginning of the first of `days`, or of the rolling window) it need not read to know.
    """

    label: str
    name: str
    cap: float
    since: float
    closed: tuple[str, ...] = ()
    days: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """A counting window and its counts: those of `others`, who are everybody but this process since `window.since`, and
    machines of all hosts together; and this process's `own`."""

    window: CountingWindow
    others: AnswerCounts
    own: AnswerCounts = field(default_factory=AnswerCounts)

    @property
    def answers(self) -> AnswerCounts:
        """The window so far, over all hosts."""
        return together((self.own, self.others))


@dataclass(frozen=True, slots=True)
class Counting:
    """All that is being counted for a campaign at the moment `at`: its windows in the order of its settings (the first
    is the pacer's ledger), and today, which is shown whether or not it is one of them."""

    at: float
    today: CountingWindow
    windows: tuple[CountingWindow, ...]


def zone_of(settings: CampaignSettings) -> tzinfo | None:
    """The zone of a campaign's counting days; None: the host's."""
    return ZoneInfo(settings.time_zone) if settings.time_zone else None


def counting_day(at: float, zone: tzinfo | None) -> str:
    """The counting day that a moment (seconds since the epoch) belongs to, YYYY-MM-DD."""
    return _day(at, zone).isoformat()


def next_day(at: float, zone: tzinfo | None) -> float:
    """When the day after that of a moment begins; both in seconds since the epoch."""
    return _begins(_day(at, zone) + timedelta(1), zone)


def slot_of(at: float) -> int:
    """The slot that a moment (seconds since the epoch) belongs to; slots are numbered from 1970 on."""
    return math.floor(at / SLOT_S)


def counting(settings: AppliedSettings, created_at: float, at: float) -> Counting:
    """What is being counted at the moment `at`. `created_at` is when the campaign was created; periods of days count
    from the day of that moment unless the settings name another one."""
    zone = zone_of(settings)
    created, today = _day(created_at, zone), _day(at, zone)
    windows = (_open(row, row.cap(settings.max_abandon_rate), created, at, zone) for row in settings.abandon_windows)
    return Counting(
        at, _calendar("calendar_day", phrase("today"), settings.max_abandon_rate, today, today, zone), tuple(windows)
    )


def _open(row: AbandonWindow, cap: float, created: date, at: float, zone: tzinfo | None) -> CountingWindow:
    today = _day(at, zone)
    match row.kind:
        case WindowKind.CALENDAR_DAY:
            return _calendar(row.label, phrase("today"), cap, today, today, zone)
        case WindowKind.CALENDAR_MONTH:
            return _calendar(row.label, month(today), cap, today.replace(day=1), today, zone)
        case WindowKind.SUCCESSIVE_DAYS:
            start = date.fromisoformat(row.start) if row.start else created
            first = today - timedelta((today - start).days % row.days)
            last = first + timedelta(row.days - 1)
            name = phrase("{days} days to {day}", days=row.days, day=day_of_month(last))
            return _calendar(row.label, name, cap, first, today, zone)
        case WindowKind.ROLLING_HOUR:
            name = phrases("the last hour", "the last {number} hours", row.hours)
            return CountingWindow(row.label, name, cap, float(slot_of(at - row.hours * HOUR_S) * SLOT_S))


def _calendar(label: str, name: str, cap: float, first: date, today: date, zone: tzinfo | None) -> CountingWindow:
    days = [first + timedelta(n) for n in range((today - first).days + 1)]
    closed, fresh = days[:-FRESH_DAYS], days[-FRESH_DAYS:]
    since = _begins(fresh[0], zone)
    return CountingWindow(label, name, cap, since, *(tuple(map(date.isoformat, some)) for some in (closed, fresh)))


def _day(at: float, zone: tzinfo | None) -> date:
    return datetime.fromtimestamp(at, zone).date()


def _begins(day: date, zone: tzinfo | None) -> float:
    """The first moment of a day. Where the clock skips midnight, `fold` 0 gives the moment at which it does; where it
    runs through midnight twice, the first time."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


# --- what is counted -----------------------------------------------------------------------------------------------

Slots = dict[int, AnswerCounts]
"""What one process counted, by slot."""


def counted_since(slots: Mapping[int, AnswerCounts], begins: float) -> AnswerCounts:
    """Everything in the slots from the moment `begins` on."""
    return together(answers for slot, answers in slots.items() if slot * SLOT_S >= begins)


def calls_left(cap: float, answered: int, abandoned: int) -> int:
    """How many more calls could be abandoned, one after the other and nothing else being answered, within the cap:
    the greatest k with (A + k) / (n + k) <= cap."""
    if cap >= 1.0:
        raise ValueError(f"a cap must be below 1, got {cap}")
    return max(0, math.floor((cap * answered - abandoned) / (1.0 - cap) + 1e-9))
