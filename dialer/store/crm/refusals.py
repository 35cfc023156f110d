"""How many refusals one sender is told one by one. Pure.

Who sends bad entries in a flood would have as many answers, and those would hide everybody else's. So each sender has
an allowance that fills up again, each stream has one for all its senders, and what goes beyond is counted and told as
one sum. A sender is what an entry says of itself (`who`, `agent`, the campaign of a lead): whoever changes that name
for each entry meets the allowance of the stream.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Final

from dialer.language.phrases import phrase
from dialer.store.settlement.outbox import CrmEvent, refused

SENDER_PER_S: Final = 5.0
SENDER_AT_ONCE: Final = 100.0
STREAM_PER_S: Final = 50.0
STREAM_AT_ONCE: Final = 1000.0
SUM_EVERY_S: Final = 10.0
REMEMBERED_S: Final = 60.0
"""How long a flood is an alarm after its last entry."""

MOST_SENDERS: Final = 1000
MOST_SUMS: Final = 50
"""Beyond these a sum is told of all others of the stream together."""


@dataclass(slots=True)
class Allowance:
    """A bucket that holds `at_once` and gains `per_s`."""

    per_s: float
    at_once: float
    left: float = field(init=False)
    at: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.left = self.at_once

    def take(self, now: float, amount: float = 1.0) -> bool:
        """Use so much, if it is there. `now` in seconds of any clock that does not go back."""
        self.left = min(self.at_once, self.left + max(0.0, now - self.at) * self.per_s)
        self.at = now
        if self.left < amount:
            return False
        self.left -= amount
        return True


@dataclass(slots=True)
class _Untold:
    """Refusals of one sender in one stream that were not told: how many since when, and the reason of the last."""

    since: float
    last: float = 0.0
    count: int = 0
    reason: str = ""


@dataclass(slots=True)
class Refusals:
    """What may be told, and what was not. Safe to share between threads; times are seconds since the epoch."""

    _streams: dict[str, Allowance] = field(default_factory=dict)
    _senders: OrderedDict[tuple[str, str], Allowance] = field(default_factory=OrderedDict)
    _untold: dict[tuple[str, str], _Untold] = field(default_factory=dict)
    _floods: dict[str, _Untold] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def may_tell(self, stream: str, sender: str, reason: str, now: float) -> bool:
        """Whether a refusal may be told by itself; else it is in the next sum."""
        with self._lock:
            key = (stream, sender)
            of_sender = self._senders.setdefault(key, Allowance(SENDER_PER_S, SENDER_AT_ONCE))
            self._senders.move_to_end(key)
            while len(self._senders) > MOST_SENDERS:
                self._senders.popitem(last=False)
            of_stream = self._streams.setdefault(stream, Allowance(STREAM_PER_S, STREAM_AT_ONCE))
            if of_sender.take(now) and of_stream.take(now):
                return True
            if key not in self._untold and len(self._untold) >= MOST_SUMS:
                key = (stream, "")
            for row in (
                self._untold.setdefault(key, _Untold(now)),
                self._floods.setdefault(stream, _Untold(now)),
            ):
                row.count, row.last, row.reason = row.count + 1, now, reason
            return False

    def sums(self, now: float) -> list[CrmEvent]:
        """One `refused` event for each sender with refusals that were not told, every few seconds."""
        with self._lock:
            due = {key: row for key, row in self._untold.items() if now - row.since >= SUM_EVERY_S}
            for key in due:
                del self._untold[key]
        return [_sum(stream, sender, row, now) for (stream, sender), row in due.items()]

    def alarms(self, now: float) -> dict[str, str]:
        """By stream what to say of a flood of bad entries; empty when it is over."""
        words: dict[str, str] = {}
        with self._lock:
            for stream, row in list(self._floods.items()):
                words[stream] = phrase(
                    "{stream} is flooded with entries that are refused, {number:,} of them told only as a sum; the "
                    "last: {reason}",
                    stream=stream,
                    number=row.count,
                    reason=row.reason,
                )
                if now - row.last > REMEMBERED_S:
                    del self._floods[stream]
                    words[stream] = ""
        return words


def _sum(stream: str, sender: str, row: _Untold, now: float) -> CrmEvent:
    words = (
        f"{row.count:,} more entries were refused in {now - row.since:.0f} s and are told in this sum alone; the last:"
    )
    event = refused(stream, "", [words, row.reason], sender=sender, at=now)
    return replace(event, id=f"{stream}/{sender}@{now:.3f}")
