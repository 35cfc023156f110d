"""What happened to a lead, line by line: its attempts, what was said of them, what was ordered of the lead itself.

A story is one msgpack map after the other; scripts append to it, up to `STORY_BYTES`. Pure.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgpack
import msgspec

from dialer.core.leads import lead_reasons
from dialer.core.leads.lead_reasons import Why
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import NO_TIME, Time, packed, read, shaped
from dialer.store.settlement import attempts

STORY_BYTES: Final = 16_384
"""Longest story of one lead; what comes after it is counted but not kept in detail."""


INBOUND: Final = "inbound_"
"""What the word for the end of a call begins with that came from outside."""


class Said(msgspec.Struct, frozen=True):
    """An agent's or the CRM's word on an attempt. `said_at` is seconds since the epoch; `NO_TIME` where an older
    release kept the word without it."""

    outcome: str
    attempt: str = ""
    agent: str = ""
    note: str = ""
    callback_at: Time | None = None
    said_at: float = NO_TIME


class Ordered(msgspec.Struct, frozen=True):
    """What somebody ordered of the lead itself, in words, at a time in seconds since the epoch."""

    ordered: str
    ordered_at: Time


Line = attempts.PastAttempt | Said | Ordered


@dataclass(frozen=True, slots=True)
class History:
    """The lines of a story by kind, each in the order in which they were written."""

    attempts: tuple[attempts.PastAttempt, ...] = ()
    words: tuple[Said, ...] = ()
    orders: tuple[Ordered, ...] = ()


def read_history(raw: bytes | None) -> History:
    """The lines of a story, up to the first that cannot be read; of an attempt whose end was corrected the last."""
    unpacker = msgpack.Unpacker(strict_map_key=True)
    unpacker.feed(raw or b"")
    lines: list[Line] = []
    with suppress(Undecodable, ValueError, msgpack.UnpackException):
        lines.extend(_line(line) for line in unpacker)
    return History(
        tuple({line.attempt: line for line in lines if isinstance(line, attempts.PastAttempt)}.values()),
        tuple(line for line in lines if isinstance(line, Said)),
        tuple(line for line in lines if isinstance(line, Ordered)),
    )


def _line(line: Any) -> Line:
    kind: type[Line] = attempts.PastAttempt
    if isinstance(line, dict):
        kind = Said if "said_at" in line else Ordered if "ordered_at" in line else attempts.PastAttempt
    return shaped(kind, line, "a line of the story")


def ordered_line(why: Why, at: float) -> bytes:
    """A line about an order."""
    return packed(Ordered(lead_reasons.sentence(why), at))


def said_of(raw: bytes | None) -> Said | None:
    """The newest word on an attempt as it is kept under the attempt; None where nobody said, or it cannot be read."""
    if raw is not None:
        with suppress(Undecodable):
            return read(Said, raw, "an outcome")
    return None
