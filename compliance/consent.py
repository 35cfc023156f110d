"""Consent: whether somebody can show that the person agreed to be called, and still does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from compliance.face import Callee, Refusal, Rule
from compliance.policy import Policy

CLOCKS_DIFFER_S: Final = 300.0
"""A consent this little in the future is one of just now, by a clock that is ahead of ours."""

_DAY_S: Final = 86_400.0


def verdict(callee: Callee, policy: Policy, now: float) -> Refusal | None:
    """May `callee` be called at `now` (seconds since the epoch), as far as consent goes? None: yes.

    An end that was stated (`consent_until`) is obeyed under every policy. Where the policy requires consent it must
    have been given, not in the future, and not longer ago than `consent_max_age_s`, if that is set. Refused for good:
    a consent that is given later comes with a new lead.
    """
    if callee.consent_until is not None and now >= callee.consent_until:
        return _refused(f"the consent ended on {_date(callee.consent_until)}")
    if not policy.consent_required:
        return None
    given_at, max_age_s = callee.consent_at, policy.consent_max_age_s
    if given_at is None:
        return _refused("the campaign calls only with consent, and the lead has none")
    if given_at > now + CLOCKS_DIFFER_S:
        return _refused(f"the consent is of {_date(given_at)}, which is in the future")
    if max_age_s is not None and now >= given_at + max_age_s:
        days = max_age_s / _DAY_S
        return _refused(f"the consent is of {_date(given_at)}, more than {days:g} days ago")
    return None


def ends_at(callee: Callee, policy: Policy) -> float | None:
    """From when on `verdict` refuses because of time, in seconds since the epoch; None: never."""
    ends = [] if callee.consent_until is None else [callee.consent_until]
    if policy.consent_required and callee.consent_at is not None and policy.consent_max_age_s is not None:
        ends.append(callee.consent_at + policy.consent_max_age_s)
    return min(ends, default=None)


def _refused(detail: str) -> Refusal:
    return Refusal(Rule.CONSENT, detail, None)


def _date(at: float) -> str:
    """The day in UTC: a reason is kept and compared on many machines."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()
