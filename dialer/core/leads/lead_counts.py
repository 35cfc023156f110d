"""Where a campaign's leads are, and what follows: is it finished, can something be dialled, and if not, from when on?

One definition, for the board, the funnel and every command. A campaign is finished exactly when there is no time at
which something can happen to one of its leads; so it never hangs with work left, and never ends with work undone.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from dialer.language.moments import at_weekday
from dialer.language.phrases import listed, phrase

NOT_BEFORE: Final = "not before a time of the CRM's"
UNSAID: Final = "no reason kept"
NO_LEAD: Final = phrase("no lead is due")
"""What the pacers and the previews say where they have nobody to call; the standing says until when."""

HOURS_AHEAD: Final = 24
DAYS_AHEAD: Final = 30

_WEEK_S: Final = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class LeadCounts:
    """How many of a campaign's leads are where, at one instant `at`. Each lead is in one place. Times are seconds since
    the epoch.

    `queued` are entries of the CRM's stream, `due` leads that a daemon may lease now (also those whose time has come
    or whose lease has ended, wherever the store keeps them), `waiting` leads for later, the first of them from
    `next_due_at` on, `leased` leads in a daemon's hands, the first until `lease_ends_at`, `in_attempt` leads with an
    attempt that has not ended. `overdue` are promised callbacks whose time has passed and whom nobody is calling,
    wherever their leads are. Raises ValueError for what cannot be.
    """

    at: float = 0.0
    queued: int = 0
    due: int = 0
    waiting: int = 0
    leased: int = 0
    in_attempt: int = 0
    closed: int = 0
    next_due_at: float | None = None
    lease_ends_at: float | None = None
    overdue: int = 0

    def __post_init__(self) -> None:
        if min(self.queued, self.due, self.waiting, self.leased, self.in_attempt, self.closed) < 0:
            raise ValueError(f"a count of leads is below 0: {self}")
        for number, first in ((self.waiting, self.next_due_at), (self.leased, self.lease_ends_at)):
            if (number > 0) != (first is not None) or (first is not None and first <= self.at):
                raise ValueError(
                    f"leads wait or are leased exactly where it is known until when, which is to come: {self}"
                )

    @property
    def accepted(self) -> int:
        """All leads that intake took and that are still there."""
        return self.due + self.waiting + self.leased + self.in_attempt + self.closed

    @property
    def diallable(self) -> int:
        """Leads that a daemon may take up at this instant. The compliance gates judge each of them at its call."""
        return self.due

    @property
    def wakes_at(self) -> float | None:
        """When something can happen to a lead next, if nobody adds any: `at` where one can be taken in, taken up or is
        in a call. None: never, there is nothing left to do."""
        if self.queued or self.due or self.in_attempt:
            return self.at
        return min((at for at in (self.next_due_at, self.lease_ends_at) if at is not None), default=None)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.wakes_at is None

    def to_wire(self) -> dict[str, Any]:
        """As plain data, with what follows from it."""
        return {
            **asdict(self),
            "diallable": self.diallable,
            "wakes_at": self.wakes_at,
            "finished": self.finished,
        }


def last_word(standing: LeadCounts, zone: tzinfo | None, *, held: bool = False) -> str:
    """The one thing to know: `finished`, `due now: 850`, or `nothing due until 09:00`, with what is under way. Of
    a campaign that is held nothing is taken up. Clock times are those of `zone`, None for this host's."""
    if standing.finished:
        return phrase("finished") if standing.closed else phrase("no leads")
    if standing.diallable and held:
        return phrase("held with {leads:,} due", leads=standing.diallable)
    if standing.diallable:
        return phrase("due now: {leads:,}", leads=standing.diallable)
    parts = [phrase("nothing due")]
    if standing.next_due_at is not None:
        parts = [phrase("nothing due until {time}", time=clock_words(standing.next_due_at, standing.at, zone))]
    if standing.in_attempt:
        parts.append(phrase("{leads:,} in a call", leads=standing.in_attempt))
    if standing.leased:
        parts.append(phrase("{leads:,} with a daemon", leads=standing.leased))
    if standing.queued:
        parts.append(phrase("{leads:,} to be taken in", leads=standing.queued))
    return listed(parts)


def clock_words(at: float, now: float, zone: tzinfo | None) -> str:
    """A moment as people near it say it: `09:00` today, `Mon 09:00` within a week, `2026-03-09 09:00` else."""
    there, here = local_time(at, zone), local_time(now, zone)
    if there.date() == here.date():
        return f"{there:%H:%M}"
    return at_weekday(there) if abs(at - now) < _WEEK_S else f"{there:%Y-%m-%d %H:%M}"


def local_time(at: float, zone: tzinfo | None) -> datetime:
    """A moment on the clock of `zone`; None: this host's, without a zone of its own, as `datetime` wants it."""
    if zone is not None:
        return datetime.fromtimestamp(at, zone)
    return datetime(*time.localtime(at)[:6])


def hours_and_days(now: float, zone: tzinfo | None) -> list[float]:
    """The edges of the hours of the next day and then of the days of a month, by the clock of `zone`, from `now` on;
    the last one is far away. Seconds since the epoch, ascending."""
    start = local_time(now, zone)
    hour = start.replace(minute=0, second=0, microsecond=0)
    edges = [(hour + timedelta(hours=n)).timestamp() for n in range(1, HOURS_AHEAD + 1)]
    midnight = (start + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    edges += [(midnight + timedelta(days=n)).timestamp() for n in range(DAYS_AHEAD)]
    return [now, *sorted({edge for edge in edges if edge > now}), now + 100 * 366 * 86_400.0]
