"""The vocabulary of the compliance room: what is asked, what is answered, and the permit without which no call is made.

A lead passes two gates. The first is pure (`compliance.gate.judge`): every rule, over facts that were gathered a moment
ago. The second is atomic in the store: the attempt is reserved right before the INVITE if the facts are still what was
judged. Only both together make a `Permit`, and a call cannot be constructed without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from compliance.numbers import E164


class Rule(StrEnum):
    """The rule that refused a number."""

    HOURS = "hours"  # outside calling hours where the callee is
    UNKNOWN_ZONE = "unknown_zone"  # nobody knows where the callee is, so nobody knows the time there
    DESTINATION = "destination"  # a country or a range of numbers that the campaign does not call
    REGISTER = "register"  # on a national no-call register
    REGISTER_OUTDATED = "register_outdated"  # the register that would tell is too old to rely on
    REGISTER_UNREADABLE = "register_unreadable"  # it is not there, or damaged
    BLOCKLIST = "blocklist"
    CAP = "cap"  # called often enough
    EXPIRED = "expired"  # the lead may no longer be used
    CONSENT = "consent"  # nobody can show that the person agreed, or no longer
    CALLER_ID = "caller_id"  # no number may be shown for this call now
    CONTENDED = "contended"  # other processes kept changing what is known of the number
    LEASE_LOST = "lease_lost"  # another daemon has the lead by now


class Per(StrEnum):
    """Whom a rule is about."""

    NUMBER = "number"
    CUSTOMER = "customer"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody with a contact history: a phone number (its digits, country code first), a customer or an account."""

    kind: Per
    id: str


class Callee(NamedTuple):
    """Who is to be called, as far as rules ask. A tuple, as what follows: the gate makes tens of thousands in a second.

    `stated_zone` is the IANA zone that the CRM gave, `region` the ISO 3166-2 region of the address ("US-FL"; empty:
    not given). Times are seconds since the epoch; None: not given.
    """

    number: E164
    customer: str = ""
    account: str = ""
    stated_zone: str | None = None
    region: str = ""
    expires_at: float | None = None
    consent_at: float | None = None
    consent_until: float | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a number may not be dialled now, as data, and when it may be asked about again.

    `case` names which of the rule's reasons it is, `facts` are what it was judged by: plain values as JSON has
    them, few and short, without a clear phone number; `dialer.language.refusals` puts them into words. `until` is
    seconds since the epoch; None means never: the lead is closed for this rule.
    """

    rule: Rule
    case: str
    until: float | None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Cleared(NamedTuple):
    """A number that passed every rule at `at` (seconds since the epoch) and may be reserved until `valid_until`.

    `closes_at` is when calling hours end where the callee is; None where nobody looked.
    """

    number: E164
    at: float
    valid_until: float
    closes_at: float | None = None


class Reserved(NamedTuple):
    """The store's word that the attempt is counted against every cap: `attempt` names it, `caller_id` is the number to
    show."""

    attempt: str
    number: E164
    at: float
    caller_id: str


class PermitError(ValueError):
    """A permit was asked for that the two gates do not support."""


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to send one INVITE for one attempt to one number until `valid_until` (seconds since the epoch)."""

    cleared: Cleared
    reserved: Reserved

    def __post_init__(self) -> None:
        if self.cleared.number is not self.reserved.number and self.cleared.number != self.reserved.number:
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

    @property
    def caller_id(self) -> str:
        return self.reserved.caller_id
