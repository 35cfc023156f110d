"""Where every lead of a campaign is, and why: the counts at one instant, and the reasons in bounded pages.

The counts are one script, and exact. The reasons are read a thousand leads at a time, so that a campaign of a million
holds nobody up; leads move meanwhile, and `Reasons.leads` against the count says by how many.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from compliance.numbers import masked_text
from dialer.core.leads import lead_reasons
from dialer.core.leads.lead_counts import NOT_BEFORE, UNSAID, hours_and_days
from dialer.store.base.connection import Command, ScriptCall, Store, trip
from dialer.store.operators import status
from dialer.store.operators.status import Counts

PAGE: Final = 1000
"""Leads whose reasons are read in one step: about two milliseconds of the server's time."""

MOST_PAGES: Final = 20_000
_PAGES_PER_TRIP: Final = 2  # the server does one trip at a stretch


@lru_cache(maxsize=4096)
def _reason(why: str) -> str:
    return masked_text(lead_reasons.read(why).counted_as)


@dataclass(slots=True)
class Reason:
    """Leads of one place with one reason; the `first` of them has its time then, in seconds since the epoch: when it
    becomes due, or when it was closed."""

    leads: int = 0
    first: float = float("inf")


@dataclass(frozen=True, slots=True)
class Bar:
    """How many leads become due in [from_at, to_at), seconds since the epoch."""

    from_at: float
    to_at: float
    leads: int


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why leads of one place are there, the most frequent first."""

    by_name: dict[str, Reason] = field(default_factory=dict)

    @property
    def leads(self) -> int:
        """How many leads were read."""
        return sum(reason.leads for reason in self.by_name.values())


@dataclass(frozen=True, slots=True)
class Funnel:
    """All of it. `coming` is when the waiting leads become due: by the hour for a day, then by the day."""

    counts: Counts
    waiting: Reasons
    closed: Reasons
    coming: tuple[Bar, ...]

    @property
    def lost(self) -> int:
        """Leads that are stored and in no place (or, below 0, in a place and not stored). 0, or something is broken."""
        return self.counts.stored - self.counts.standing.accepted

    def to_wire(self) -> dict[str, Any]:
        """As plain data."""
        return {
            **self.counts.to_wire(),
            "lost": self.lost,
            "waiting_for": {
                name: {"leads": reason.leads, "first_due_at": reason.first} for name, reason in _items(self.waiting)
            },
            "closed_for": {
                name: {"leads": reason.leads, "first_closed_at": reason.first} for name, reason in _items(self.closed)
            },
            "coming": [{"from": bar.from_at, "to": bar.to_at, "leads": bar.leads} for bar in self.coming],
        }


def _items(reasons: Reasons) -> list[tuple[str, Reason]]:
    return list(reasons.by_name.items())


def read(
    store: Store,
    campaign: str,
    now: float,
    zone: tzinfo | None,
    progress: Callable[[int], None] = lambda _: None,
) -> Funnel:
    """Count a campaign's leads and read the reasons. Hours and days of `coming` are those of `zone` (None: this
    host's). `progress` hears how many leads have been read."""
    counts = status.counts(store, campaign, now)
    read_before = 0

    def read_so_far(leads: int) -> None:
        progress(read_before + leads)

    waiting = _reasons(store, campaign, store.keys.waiting(campaign), NOT_BEFORE, now, read_so_far)
    read_before = waiting.leads
    closed = _reasons(store, campaign, store.keys.closed(campaign), UNSAID, -math.inf, read_so_far)
    return Funnel(counts, waiting, closed, _coming(store, campaign, now, zone))


def _reasons(
    store: Store, campaign: str, where: str, unsaid: str, after: float, progress: Callable[[int], None]
) -> Reasons:
    """The reasons of one place's leads; those whose time is not later than `after` belong to another place."""
    reasons: dict[str, Reason] = {}
    keys, leads = [where, store.keys.why(campaign)], 0
    for first in range(0, MOST_PAGES * PAGE, PAGE * _PAGES_PER_TRIP):
        pages = [
            ScriptCall("reasons", keys, [rank, rank + PAGE - 1])
            for rank in range(first, first + PAGE * _PAGES_PER_TRIP, PAGE)
        ]
        flat = [cell for page in trip(store, pages) for cell in page]
        for at, why in zip(flat[::2], flat[1::2], strict=True):
            time = float(at)
            if time > after:
                reason = reasons.setdefault(_reason(why.decode(errors="replace")) if why else unsaid, Reason())
                reason.leads += 1
                reason.first = min(reason.first, time)
        leads += len(flat) // 2
        progress(leads)
        if len(flat) < 2 * PAGE * _PAGES_PER_TRIP:
            break
    return Reasons(dict(sorted(reasons.items(), key=lambda item: (-item[1].leads, item[0]))))


def _coming(store: Store, campaign: str, now: float, zone: tzinfo | None) -> tuple[Bar, ...]:
    """How many waiting leads become due in each hour of the next day, then in each day: one round trip."""
    edges = hours_and_days(now, zone)
    key = store.keys.waiting(campaign)
    asked: list[Command | ScriptCall] = [
        ("ZCOUNT", key, f"({low!r}" if low == now else low, f"({high!r}") for low, high in pairwise(edges)
    ]
    counts = trip(store, asked)
    return tuple(Bar(low, high, leads) for (low, high), leads in zip(pairwise(edges), counts, strict=True))
