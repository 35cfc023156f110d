"""The abandonment ledger: live answers and abandoned calls by owner, of counting days and of slots of five minutes.

Days are kept for `DAY_KEPT_S` after the last count, hours of slots for `HOUR_KEPT_S`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dialer.core.abandonment.rate import AnswerCounts, together
from dialer.core.abandonment.windows import HOUR_S, Counting, CountingWindow, WindowCounts, slot_of
from dialer.core.inputs import LedgerOfOthers
from dialer.store.base.connection import Command, ScriptCall, Store, careful_trip, trip
from dialer.store.base.errors import KeyDamaged
from dialer.store.base.records import whole_of

DAY_KEPT_S: Final = 400 * 86_400
HOUR_KEPT_S: Final = 2 * 86_400

UNREADABLE: Final = -(2**70)
MOST_LOST: Final = 1_000_000
LAST_SLOT: Final = 2**40
_COUNTED: Final = ("answered", "abandoned", "hung_up")

MACHINE: Final = "machine"
ESTIMATE: Final = "estimate"
"""Who stands in the place of an owner for answers that are taken back, and for people who were hung up on as machines,
as far as the sample says how many there are (docs/machines.md)."""


@dataclass(frozen=True, slots=True)
class DayTotal:
    """All owners together, without the estimate. `answered` is without the `machines`, answers that agents said
    machines gave; `hung_up` of the `abandoned` were gone before the limit."""

    day: str
    answered: int
    abandoned: int
    machines: int = 0
    hung_up: int = 0


@dataclass(frozen=True, slots=True)
class _Count:
    """One field of a ledger. `owner` is who dialled, or `MACHINE` or `ESTIMATE`."""

    slot: int
    owner: str
    what: str
    number: int


def hour_of(at: float) -> int:
    """The hour that a moment (seconds since the epoch) belongs to, since 1970."""
    return math.floor(at / HOUR_S)


def others(store: Store, campaign: str, counting: Counting, owner: str) -> LedgerOfOthers:
    """Live answers and abandoned calls that other owners counted, and on closed days all owners, `owner` included.

    One round trip: some 30 small hashes for a window of 30 days. With an owner that does not exist, everybody's.
    """
    names = sorted({day for window in (counting.today, *counting.windows) for day in (*window.closed, *window.days)})
    begins = [window.since for window in counting.windows if not window.days]
    hours = range(hour_of(min(begins)), hour_of(counting.at) + 1) if begins else range(0)
    keys = store.keys
    calls: list[Command | ScriptCall] = [("HGETALL", keys.ledger(campaign, day)) for day in names]
    calls += [("HGETALL", keys.ledger_hour(campaign, hour)) for hour in hours]
    replies = careful_trip(store, calls)
    days = {day: _read(flat, doubt=True) for day, flat in zip(names, replies, strict=False)}
    slots = [count for flat in replies[len(names) :] for count in _read(flat, slots=True, doubt=True)]
    today = _window(counting.today, days, slots, owner)
    windows = tuple(WindowCounts(window, _window(window, days, slots, owner)) for window in counting.windows)
    return LedgerOfOthers(campaign, counting.today.days[-1], today, counting.today.since, windows)


def totals(store: Store, campaign: str, days: Sequence[str]) -> tuple[DayTotal, ...]:
    """One total for each of `days`, in order, in one round trip."""
    calls: list[Command | ScriptCall] = [("HGETALL", store.keys.ledger(campaign, day)) for day in days]
    replies = zip(days, trip(store, calls), strict=True)
    sums = [(day, _sums(count for count in _read(flat) if count.owner != ESTIMATE)) for day, flat in replies]
    return tuple(
        DayTotal(day, counts.answered, counts.abandoned, counts.machines, counts.hung_up) for day, counts in sums
    )


def _window(
    window: CountingWindow, days: Mapping[str, Sequence[_Count]], slots: Sequence[_Count], owner: str
) -> AnswerCounts:
    if not window.days:
        first = slot_of(window.since)
        return _sums(count for count in slots if count.slot >= first and count.owner != owner)
    counts = [count for day in window.closed for count in days[day]]
    counts += [count for day in window.days for count in days[day] if count.owner != owner]
    return _sums(counts)


def _sums(counts: Iterable[_Count]) -> AnswerCounts:
    answered = abandoned = hung_up = machines = 0
    for count in counts:
        if count.what == "abandoned":
            abandoned += count.number
        elif count.what == "hung_up":
            hung_up += count.number
        else:
            answered += count.number
            machines -= count.number if count.owner == MACHINE else 0
    return AnswerCounts(answered, abandoned, hung_up, machines)


def _read(flat: Sequence[bytes] | KeyDamaged, *, slots: bool = False, doubt: bool = False) -> list[_Count]:
    """A ledger's fields, OWNER|WHAT with the slot in front where there is one. What cannot be read counts nothing, or
    with `doubt`, where calls depend on it, for so much that none may be lost."""
    if isinstance(flat, KeyDamaged):
        return _in_doubt(LAST_SLOT) if doubt else []
    read_counts = []
    for field, number in zip(flat[::2], flat[1::2], strict=True):
        name = field.decode(errors="replace")
        slot, _, rest = name.partition("|") if slots else ("0", "", name)
        owner, _, what = rest.rpartition("|")
        counted = whole_of(number, UNREADABLE)
        if not slot.isdecimal() or what not in _COUNTED or counted == UNREADABLE:
            read_counts += _in_doubt(LAST_SLOT) if doubt else []
        else:
            read_counts.append(_Count(int(slot), owner, what, counted))
    return read_counts


def _in_doubt(slot: int) -> list[_Count]:
    return [_Count(slot, "", what, MOST_LOST) for what in ("answered", "abandoned")]


def by_host(store: Store, campaign: str, days: Sequence[str]) -> dict[str, dict[str, AnswerCounts]]:
    """For each of `days` what the runs of each host counted, in one round trip. Live answers are with those that
    machines gave: who dialled them is not who says so."""
    calls: list[Command | ScriptCall] = [("HGETALL", store.keys.ledger(campaign, day)) for day in days]
    by_day: dict[str, dict[str, AnswerCounts]] = {}
    for day, flat in zip(days, trip(store, calls), strict=True):
        hosts: dict[str, AnswerCounts] = {}
        for count in _read(flat):
            if count.owner not in {MACHINE, ESTIMATE}:
                host = count.owner.rpartition(":")[0]
                hosts[host] = together((hosts.get(host, AnswerCounts()), _sums([count])))
        by_day[day] = hosts
    return by_day
