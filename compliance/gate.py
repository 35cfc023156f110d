"""The first gate: the rules that need no memory. The second, caps and blocklist, is atomic in the store."""

from __future__ import annotations

from typing import Final

from compliance.face import Cleared, Refusal, Rule
from compliance.hours import Open, check
from compliance.numbers import E164, zones
from compliance.policy import Policy

CLEARANCE_S: Final = 30.0
"""Longest life of a clearance: what was looked at (hours, expiry) is looked at again after that."""


def clear(
    number: E164,
    *,
    policy: Policy,
    stated_zone: str | None,
    expires_at: float | None,
    now: float,
    ring_timeout_s: float,
) -> Cleared | Refusal:
    """May `number` be dialled at `now`, seconds since the epoch, as far as hours and expiry go?

    `stated_zone` is where the CRM says the callee is; a real IANA zone is believed, anything else is refused as
    `UNKNOWN_ZONE`. None (not stated) means every zone the number may be in, and all must be open. From `expires_at`
    (seconds since the epoch) on the lead is refused for good. The clearance ends after 30 s, at `expires_at`, or when
    a call that starts under it could ring past closing, whichever comes first.
    """
    if expires_at is not None and now >= expires_at:
        return Refusal(Rule.EXPIRED, "the lead may no longer be used", None)
    lapses = now + CLEARANCE_S if expires_at is None else min(now + CLEARANCE_S, expires_at)
    candidates = (stated_zone,) if stated_zone is not None else zones(number)
    if not candidates and not policy.require_zone:
        return Cleared(number, now, lapses)
    match check(policy.hours, candidates, now, ring_timeout_s):
        case Open(closes_at):
            return Cleared(number, now, min(lapses, closes_at - ring_timeout_s), closes_at)
        case refusal if stated_zone is not None and refusal.rule is Rule.UNKNOWN_ZONE:
            return Refusal(Rule.UNKNOWN_ZONE, "the stated time zone is not in the zone database", None)
        case refusal:
            return refusal
