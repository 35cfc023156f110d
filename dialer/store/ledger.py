"""The abandonment ledger: live answers and abandoned calls by counting day and owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dialer.core.inputs import LedgerOfOthers
from dialer.store.connection import Command, ScriptCall, Store, trip


@dataclass(frozen=True, slots=True)
class DayTotal:
    """All owners together."""

    day: str
    answered: int
    abandoned: int


def others(store: Store, campaign: str, day: str, owner: str) -> LedgerOfOthers:
    """What everybody but `owner` counted on that day, less the answers that turned out to be machines."""
    answered, abandoned = _sums(trip(store, [("HGETALL", store.keys.ledger(campaign, day))])[0], without=owner)
    return LedgerOfOthers(campaign, day, answered, abandoned)


def totals(store: Store, campaign: str, days: Sequence[str]) -> tuple[DayTotal, ...]:
    """One total for each of `days`, in order, in one round trip."""
    calls: list[Command | ScriptCall] = [("HGETALL", store.keys.ledger(campaign, day)) for day in days]
    return tuple(DayTotal(day, *_sums(flat)) for day, flat in zip(days, trip(store, calls), strict=True))


def _sums(flat: Sequence[bytes], without: str = "") -> tuple[int, int]:
    sums = {b"answered": 0, b"abandoned": 0}
    for field, count in zip(flat[::2], flat[1::2], strict=True):
        owner, _, what = field.rpartition(b"|")
        if owner != without.encode():
            sums[what] += int(count)
    return sums[b"answered"], sums[b"abandoned"]
