"""The vocabulary of the compliance room: what is asked, what is answered, and the permit without which no call is made.

A lead's number passes two gates. The first is pure (`compliance.gate.clear`): calling hours and expiry. The
second is atomic in the store: blocklist and frequency caps are checked and the attempt is reserved in one step, right
before the INVITE. Only both together make a `Permit`, and a call cannot be constructed without one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from compliance.numbers import E164


class Rule(StrEnum):
    """The rule that refused a number."""

    HOURS = "hours"  # outside calling hours where the callee is
    UNKNOWN_ZONE = "unknown_zone"  # nobody knows where the callee is, so nobody knows the time there
    REGISTER = "register"  # on a national no-call register
    REGISTER_OUTDATED = "register_outdated"  # the register that would tell is too old to rely on
    REGISTER_UNREADABLE = "register_unreadable"  # it is not there, or damaged
    BLOCKLIST = "blocklist"
    CAP = "cap"  # called often enough
    EXPIRED = "expired"  # the lead may no longer be used
    LEASE_LOST = "lease_lost"  # another daemon has the lead by now


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a number may not be dialled now, and when it may be asked about again.

    `until` is seconds since the epoch; None means never: the lead is closed for this rule.
    """

    rule: Rule
    detail: str
    until: float | None


@dataclass(frozen=True, slots=True)
class Cleared:
    """A number that passed the pure rules at `at` (seconds since the epoch) and may be reserved until `valid_until`.

    `closes_at` is when calling hours end where the callee is; None where nobody looked.
    """

    number: E164
    at: float
    valid_until: float
    closes_at: float | None = None


@dataclass(frozen=True, slots=True)
class Reserved:
    """The store's word that the attempt is counted against every cap: `attempt` names it, `ordinal` is its place in
    the window (1 is the first attempt to this number)."""

    attempt: str
    number: E164
    at: float
    ordinal: int


class PermitError(ValueError):
    """A permit was asked for that the two gates do not support."""


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to send one INVITE for one attempt to one number until `valid_until` (seconds since the epoch)."""

    cleared: Cleared
    reserved: Reserved

    def __post_init__(self) -> None:
        if self.cleared.number != self.reserved.number:
            raise PermitError("the number that was cleared is not the number that was reserved")
        if self.reserved.at > self.cleared.valid_until:
            raise PermitError("the clearance had lapsed when the attempt was reserved")

    @property
    def attempt(self) -> str:
        return self.reserved.attempt

    @property
    def number(self) -> E164:
        return self.cleared.number

    @property
    def valid_until(self) -> float:
        return self.cleared.valid_until
