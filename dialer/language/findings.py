"""What every rule of the gate says of a callee, in words for people, also of those that have nothing against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from compliance import blocks
from compliance.api import Per, Refusal, Rule
from compliance.calling_hours.places import countries_by_digits
from compliance.contacts import Contact, Mark
from compliance.destinations import type_of
from compliance.gate import RULES, Facts, Question, opening_for, where_is
from dialer.language.caps import cap_words
from dialer.language.hours import clauses as hours_said
from dialer.language.phrases import N_, Phrase, listed, phrase
from dialer.language.refusals import countries_words, detail

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
        return listed(self.clauses, "; ")

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
    if expires_at is None:
        return (phrase("does not expire"),)
    return (phrase("expires on {time}", time=_clock(expires_at, asked)),)


def _consent_said(facts: Facts, asked: Question) -> Clauses:
    given, until = facts.callee.consent_at, facts.callee.consent_until
    needed = phrase("consent is needed") if asked.policy.consent_required else phrase("consent is not needed")
    none = phrase("none was stated")
    consent = [none if given is None else phrase("given on {time}", time=_clock(given, asked))]
    if until is not None:
        consent.append(phrase("ends on {time}", time=_clock(until, asked)))
    return needed, listed(consent)


def _destination_said(facts: Facts, asked: Question) -> Clauses:
    number = facts.callee.number
    refusal = asked.policy.destinations.verdict(number, asked.now)
    if refusal is not None:
        return (detail(refusal),)
    special = type_of(number)
    if special is not None:
        return (phrase("a {type} number, which the campaign allows", type=f"{special}"),)
    country = countries_words(sorted(countries_by_digits(number))[:3])
    return (phrase("an ordinary number of {country}, which the campaign calls", country=country),)


def _place_said(facts: Facts, asked: Question) -> Clauses:
    where = where_is(facts.callee, asked)
    if isinstance(where, Refusal):
        return (detail(where),)
    if not where.zones:
        return (phrase("nobody knows in which time zone"),)
    told_by = {
        phrase("the number"): facts.callee.stated_zone is None or not asked.policy.believe_stated_zone,
        phrase("the CRM"): facts.callee.stated_zone is not None,
        phrase("the address"): bool(facts.callee.region),
    }
    by, zones = listed([name for name, tells in told_by.items() if tells], " and "), listed(where.zones[:3])
    more = len(where.zones) - 3
    if more > 0:
        return (phrase("in {zones} and {more} zones more, by {by}", zones=zones, more=more, by=by),)
    return (phrase("in {zones}, by {by}", zones=zones, by=by),)


def _hours_said(facts: Facts, asked: Question) -> Clauses:
    where = where_is(facts.callee, asked)
    if isinstance(where, Refusal):
        return (phrase("nobody can tell: see the time zone"),)
    if opening_for(facts.callee, asked) is None:
        return (phrase("nobody looked: the time zone is not known, and the policy does not ask for it"),)
    return hours_said(asked.policy.hours, where, asked.now, asked.ring_timeout_s)


def _listed_said(facts: Facts, asked: Question) -> Clauses:
    if facts.listed is None:
        return (phrase("on no register that the campaign asks"),)
    return (detail(facts.listed),)


def _blocked_said(facts: Facts, asked: Question) -> Clauses:
    refusal = blocks.verdict(facts.blocks, asked.campaign, asked.now)
    return (phrase("no block") if refusal is None else detail(refusal),)


def _capped_said(facts: Facts, asked: Question) -> Clauses:
    histories = [
        _attempted(history, asked)
        if per is Per.NUMBER
        else phrase("{subject} {attempted}", subject=phrase(_SUBJECTS[per]), attempted=_attempted(history, asked))
        for per, history in facts.contacts.items()
    ]
    allowed = listed(map(cap_words, asked.policy.caps), "; ")
    return listed(histories), phrase("at most: {caps}", caps=allowed) if allowed else phrase("no cap")


_SUBJECTS: Final = {Per.CUSTOMER: N_("the customer"), Per.ACCOUNT: N_("the account")}


def _attempted(history: Sequence[Contact], asked: Question) -> Phrase:
    attempts = [contact.at for contact in history if not contact.marks & Mark.INBOUND]
    if not attempts:
        return phrase("never attempted")
    last = _clock(attempts[-1], asked)
    match len(attempts):
        case 1:
            return phrase("attempted once, last on {time}", time=last)
        case 2:
            return phrase("attempted twice, last on {time}", time=last)
        case number:
            return phrase("attempted {number} times, last on {time}", number=number, time=last)


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
