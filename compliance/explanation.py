"""What every rule of the gate says of a callee, in words for people, also of those that have nothing against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from compliance import blocks
from compliance.api import Per, Refusal, Rule
from compliance.calling_hours.hours_words import clauses as hours_said
from compliance.calling_hours.places import countries_by_digits
from compliance.contacts import Contact
from compliance.destinations import type_of
from compliance.gate import RULES, Facts, Question, opening_for, where_is
from compliance.words import detail

Clauses = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of a callee: the facts in clauses, and the refusal if there is one."""

    rule: Rule
    clauses: tuple[str, ...]
    refusal: Refusal | None

    @property
    def said(self) -> str:
        """The facts in one."""
        return "; ".join(self.clauses)

    @property
    def more(self) -> tuple[str, ...]:
        """The clauses that the words of the refusal do not have."""
        if self.refusal is None or self.clauses == (detail(self.refusal),):
            return ()
        return self.clauses[1:] if self.refusal.case == "outside_hours" else self.clauses


def explain(facts: Facts, asked: Question) -> tuple[Finding, ...]:
    """What each rule says, in the order in which they are asked."""
    opening = opening_for(facts.callee, asked)
    return tuple(Finding(rule, _SAID[rule](facts, asked), check(facts, asked, opening)) for rule, check in RULES)


def _expired_said(facts: Facts, asked: Question) -> Clauses:
    expires_at = facts.callee.expires_at
    return ("does not expire" if expires_at is None else f"expires on {_clock(expires_at, asked)}",)


def _consent_said(facts: Facts, asked: Question) -> Clauses:
    given, until = facts.callee.consent_at, facts.callee.consent_until
    needed = "consent is needed" if asked.policy.consent_required else "consent is not needed"
    consent = "none was stated" if given is None else f"given on {_clock(given, asked)}"
    return needed, consent + ("" if until is None else f", ends on {_clock(until, asked)}")


def _destination_said(facts: Facts, asked: Question) -> Clauses:
    number = facts.callee.number
    refusal = asked.policy.destinations.verdict(number, asked.now)
    if refusal is not None:
        return (detail(refusal),)
    special = type_of(number)
    if special is not None:
        return (f"a {special} number, which the campaign allows",)
    country = " or ".join(sorted(countries_by_digits(number))[:3]) or "no country"
    return (f"an ordinary number of {country}, which the campaign calls",)


def _place_said(facts: Facts, asked: Question) -> Clauses:
    where = where_is(facts.callee, asked)
    if isinstance(where, Refusal):
        return (detail(where),)
    if not where.zones:
        return ("nobody knows in which time zone",)
    more = f" and {len(where.zones) - 3} zones more" if len(where.zones) > 3 else ""
    told_by = {
        "the number": facts.callee.stated_zone is None or not asked.policy.believe_stated_zone,
        "the CRM": facts.callee.stated_zone is not None,
        "the address": bool(facts.callee.region),
    }
    by = " and ".join(name for name, tells in told_by.items() if tells)
    return (f"in {', '.join(where.zones[:3])}{more}, by {by}",)


def _hours_said(facts: Facts, asked: Question) -> Clauses:
    where = where_is(facts.callee, asked)
    if isinstance(where, Refusal):
        return ("nobody can tell: see the time zone",)
    if opening_for(facts.callee, asked) is None:
        return ("nobody looked: the time zone is not known, and the policy does not ask for it",)
    return hours_said(asked.policy.hours, where, asked.now, asked.ring_timeout_s)


def _listed_said(facts: Facts, asked: Question) -> Clauses:
    return ("on no register that the campaign asks" if facts.listed is None else detail(facts.listed),)


def _blocked_said(facts: Facts, asked: Question) -> Clauses:
    refusal = blocks.verdict(facts.blocks, asked.campaign, asked.now)
    return ("no block" if refusal is None else detail(refusal),)


def _capped_said(facts: Facts, asked: Question) -> Clauses:
    histories = [
        ("" if per is Per.NUMBER else f"the {per} ") + _attempted(history, asked)
        for per, history in facts.contacts.items()
    ]
    allowed = "; ".join(map(str, asked.policy.caps))
    return ", ".join(histories), f"at most: {allowed}" if allowed else "no cap"


def _attempted(history: Sequence[Contact], asked: Question) -> str:
    if not history:
        return "never attempted"
    return f"attempted {_times(len(history))}, last on {_clock(history[-1].at, asked)}"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _clock(at: float, asked: Question) -> str:
    return f"{datetime.fromtimestamp(at, asked.zone):%Y-%m-%d %H:%M}"


_SAID: Final[Mapping[Rule, Callable[[Facts, Question], Clauses]]] = {
    Rule.EXPIRED: _expired_said,
    Rule.CONSENT: _consent_said,
    Rule.DESTINATION: _destination_said,
    Rule.UNKNOWN_ZONE: _place_said,
    Rule.HOURS: _hours_said,
    Rule.REGISTER: _listed_said,
    Rule.BLOCKLIST: _blocked_said,
    Rule.CAP: _capped_said,
}
