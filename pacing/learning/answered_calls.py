"""The newest answered calls by id, for what is said of one later: it was abandoned, or a machine had answered.

A value: a change gives a new one and leaves the old as it was. Both share nearly all of it, so that a line costs the
same however many calls are known. Calls are in rows of small maps by the hash of their ids; a change copies one row and
one map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from pacing.api import AnswerKind

CALLS_KEPT: Final = 100_000
"""How many answered calls are known, the newest."""

_WIDTH: Final = 64
"""Rows, and maps in a row; a map then has some 25 calls."""


class AnsweredCall(NamedTuple):
    """One answer. `number` counts the answers before it; `abandoned` says how often it was said to be abandoned."""

    number: int
    at: float
    ring_s: float
    kind: AnswerKind
    trunk: str
    abandoned: int = 0


Row = tuple[Mapping[object, AnsweredCall], ...]

_EMPTY: Final[tuple[Row, ...]] = ((MappingProxyType({}),) * _WIDTH,) * _WIDTH


@dataclass(frozen=True, slots=True)
class AnsweredCalls:
    """The last `CALLS_KEPT` answers by id. `total` is how many there have been; an id that comes again is a new call.

    An older call is unknown at once, and leaves the memory when another one comes into its map.
    """

    total: int = 0
    rows: tuple[Row, ...] = _EMPTY

    def get(self, call: object) -> AnsweredCall | None:
        """The newest answer of a call; None if there is none, or it is not among the last."""
        row, place = _place(call)
        found = self.rows[row][place].get(call)
        return found if found is not None and found.number >= self.total - CALLS_KEPT else None

    def answer(self, call: object, at: float, ring_s: float, kind: AnswerKind, trunk: str) -> AnsweredCalls:
        """One more call has been answered."""
        calls = self._beside(call)
        calls.pop(call, None)  # a new call comes last
        while calls and next(iter(calls.values())).number <= self.total - CALLS_KEPT:
            del calls[next(iter(calls))]
        calls[call] = AnsweredCall(self.total, at, ring_s, kind, trunk)
        return self._with(call, calls, self.total + 1)

    def change(self, call: object, one: AnsweredCall) -> AnsweredCalls:
        """Something else is now known of a call that `get` knows."""
        calls = self._beside(call)
        calls[call] = one
        return self._with(call, calls, self.total)

    def _beside(self, call: object) -> dict[object, AnsweredCall]:
        """A copy of the map that a call belongs into, the oldest call first."""
        row, place = _place(call)
        return dict(self.rows[row][place])

    def _with(self, call: object, calls: dict[object, AnsweredCall], total: int) -> AnsweredCalls:
        row, place = _place(call)
        before = self.rows[row]
        after = (*before[:place], calls, *before[place + 1 :])
        return AnsweredCalls(total, (*self.rows[:row], after, *self.rows[row + 1 :]))


def _place(call: object) -> tuple[int, int]:
    """The row and the map of an id. A tuple's hash mixes that of what is in it: numbers hash to themselves."""
    hashed = hash((call,))
    return hashed % _WIDTH, hashed // _WIDTH % _WIDTH
