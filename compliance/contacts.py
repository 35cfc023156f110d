"""A contact: one attempt, or a call that somebody made to us, as the contact history keeps it, and what came of it."""

from __future__ import annotations

import math
import struct
from binascii import crc_hqx
from collections.abc import Iterable
from enum import IntFlag
from functools import lru_cache, partial
from typing import Final, NamedTuple

_CONTACT: Final = struct.Struct(">IHHHHBB")
CONTACT_BYTES: Final = _CONTACT.size
LONGEST_MINUTES: Final = 255
LONGEST_S: Final = 60 * LONGEST_MINUTES


class Mark(IntFlag):
    """What came of an attempt, as far as rules ask. Without `ENDED` nobody knows yet."""

    ENDED = 1
    CONNECTED = 2  # a person answered
    CONVERSATION = 4  # an agent talked to them
    REFUSED = 8  # they said that they do not want this
    ABANDONED = 16  # answered, no agent in time
    MACHINE = 32  # an answering machine
    NETWORK_BLOCKED = 64  # the network refused the caller (603 with a reason, 608)
    INBOUND = 128  # they called us: no attempt of ours


IN_DOUBT: Final = Mark.CONNECTED | Mark.CONVERSATION
"""What an attempt counts as whose end nobody saw."""

_ENDED: Final = int(Mark.ENDED)


class Contact(NamedTuple):
    """One attempt. `at` is seconds since the epoch, rounded up so that no cap is passed early; `minutes` from then to
    its end, rounded up. Campaign, group, attempt id and the number shown stand as CRC-16. `marks` are of `Mark`.

    A tuple, because the gate makes hundreds of thousands of them in a second.
    """

    at: int
    campaign_crc: int = 0
    group_crc: int = 0
    attempt_crc: int = 0
    caller_crc: int = 0
    marks: int = 0
    minutes: int = 0

    @property
    def ended_at(self) -> int:
        """When it ended; while nobody knows, the latest moment that can be told. Seconds since the epoch."""
        return self.at + (60 * self.minutes if self.marks & _ENDED else LONGEST_S)


_contact: Final = partial(tuple.__new__, Contact)  # as Contact._make, at a third of its price


def crc16(text: str) -> int:
    """CRC-16/CCITT, the check sum in contacts."""
    return crc_hqx(text.encode(), 0)


_known_crc16 = lru_cache(maxsize=4096)(crc16)  # of names that come again and again


def group_of(campaign: str, group: str) -> str:
    """The group that a campaign's attempts are counted in; one without a group is a group of its own."""
    return group or f"@{campaign}"


_HEAD: Final = struct.Struct(">IHH")
_TAIL: Final = struct.Struct(">HHBB")


def head(at: float, campaign: str, group: str) -> bytes:
    """The first bytes of an attempt that begins at `at`; those of a batch have them in common."""
    return _HEAD.pack(math.ceil(at), crc16(campaign), crc16(group))


def completed(head: bytes, attempt: str, caller_id: str) -> bytes:
    """The bytes of an attempt that begins with `head`."""
    return head + _TAIL.pack(crc_hqx(attempt.encode(), 0), _known_crc16(caller_id), 0, 0)


def packed(at: float, campaign: str, group: str, attempt: str, caller_id: str) -> bytes:
    """The bytes of an attempt that begins at `at`."""
    return completed(head(at, campaign, group), attempt, caller_id)


def unpacked(raw: bytes | None) -> tuple[Contact, ...]:
    """The contacts of a history, oldest first."""
    if not raw:
        return ()
    return tuple(sorted(map(_contact, _CONTACT.iter_unpack(raw))))


def repacked(contacts: Iterable[Contact]) -> bytes:
    """The bytes of contacts, in their order."""
    return b"".join(_CONTACT.pack(*contact) for contact in contacts)
