"""Attempts as a campaign keeps them: those that are open, and what is left of those that have ended. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from dialer.store.base.records import NO_TIME, Count, Time, packed, read


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """An attempt that has not ended; `reserved_at` is seconds since the epoch, `NO_TIME` where nobody knows. Of a call
    from outside (`inbound`), `due_at` is when its lead was due; None: it was closed, or in another call."""

    attempt: str
    campaign: str
    lead_id: str
    number_index: int
    owner: str
    trunk: str
    caller_id: str
    reserved_at: float
    inbound: bool = False
    due_at: float | None = None

    def pack(self) -> bytes:
        """As it is kept under its id."""
        record = _Open(self.lead_id, self.number_index, self.owner, self.reserved_at, self.trunk, self.caller_id)
        return packed(msgspec.structs.replace(record, inbound=self.inbound, due_at=self.due_at))

    @classmethod
    def read(cls, campaign: str, attempt: str, raw: bytes) -> OpenAttempt:
        """The way back. Raises `Undecodable`."""
        kept = read(_Open, raw, f"the open attempt {attempt} of campaign {campaign}")
        known = (kept.lead, kept.number, kept.owner, kept.trunk, kept.caller_id, kept.at, kept.inbound, kept.due_at)
        return cls(attempt, campaign, *known)

    @classmethod
    def lost(cls, campaign: str, attempt: str, lead_id: str, owner: str) -> OpenAttempt:
        """One whose record is gone: all that is known is that its lead is in it, and who had leased that."""
        return cls(attempt, campaign, lead_id, 0, owner, "", "", NO_TIME)


class _Open(msgspec.Struct, frozen=True):
    lead: str
    number: Count
    owner: str
    at: Time
    trunk: str
    caller_id: str
    inbound: bool = False  # older ones have none
    due_at: Time | None = None


class EndedAttempt(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of an ended attempt, for outcomes that come later. `day` and `slot` are those of the ledger; of an
    `unknown` end nobody knew more, and who does may still say so (lua/settle.lua). `stands_for` is `Settlement`'s."""

    lead_id: str
    number_index: Count
    day: str
    live: bool
    abandoned: bool
    slot: int = 0  # older ones have none
    agent: str = ""  # older ones have none
    unknown: bool = False
    stands_for: Count = 0  # older ones have none

    @classmethod
    def read(cls, attempt: str, raw: bytes) -> EndedAttempt:
        """As it is kept under its id. Raises `Undecodable`."""
        return read(cls, raw, f"the ended attempt {attempt}")


class PastAttempt(msgspec.Struct, frozen=True):
    """One line of a lead's story. Times are seconds since the epoch; `number` is the place of the number."""

    attempt: str
    number: Count
    disposition: str
    at: Time
    ended_at: Time
    agent: str
    sip_code: int
