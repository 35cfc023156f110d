"""Consent: whether somebody can show that the person agreed to be called, and still does."""

from __future__ import annotations

from typing import Final

from compliance.api import Callee, Refusal, Rule
from compliance.policy import Policy

CLOCKS_DIFFER_S: Final = 300.0
"""A consent this little in the future is one of just now, by a clock that is ahead of ours."""


def verdict(callee: Callee, policy: Policy, now: float) -> Refusal | None:
    """May `callee` be called at `now` (seconds since the epoch), as far as consent goes? None: yes.

    An end that was stated (`consent_until`) is obeyed under every policy. Where the policy requires consent it must
    have been given, not in the future, and not longer ago than `consent_max_age_s`, if that is set. Refused for good:
    a consent that is given later comes with a new lead.
    """
    if callee.consent_until is not None and now >= callee.consent_until:
        return _refused("consent_ended", ended_at=callee.consent_until)
    if not policy.consent_required:
        return None
    given_at, max_age_s = callee.consent_at, policy.consent_max_age_s
    if given_at is None:
        return _refused("consent_missing")
    if given_at > now + CLOCKS_DIFFER_S:
        return _refused("consent_future", given_at=given_at)
    if max_age_s is not None and now >= given_at + max_age_s:
        return _refused("consent_old", given_at=given_at, max_age_s=max_age_s)
    return None


def ends_at(callee: Callee, policy: Policy) -> float | None:
    """From when on `verdict` refuses because of time, in seconds since the epoch; None: never."""
    ends = [] if callee.consent_until is None else [callee.consent_until]
    if policy.consent_required and callee.consent_at is not None and policy.consent_max_age_s is not None:
        ends.append(callee.consent_at + policy.consent_max_age_s)
    return min(ends, default=None)


def _refused(case: str, **facts: float) -> Refusal:
    return Refusal(Rule.CONSENT, case, None, facts)
