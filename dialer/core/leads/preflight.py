"""What a whole list comes to before it is dialled: how many leads may be called now, what refuses the others, and
from when on. Pure; `dialer.store.leads.preflight` reads the list.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Final

from compliance.api import Cleared, Refusal, Rule
from dialer.core.leads.lead_counts import clock_words
from dialer.language.phrases import N_, Phrase, listed, phrase, phrases
from dialer.language.refusals import detail
from dialer.language.terms import term

MOST_DETAILS: Final = 100
"""Different texts that are counted for one rule."""

OTHER_DETAILS: Final = phrase("others")

_WORDS: Final = {
    Rule.HOURS: N_("outside hours"),
    Rule.DESTINATION: N_("in a country or range that is not called"),
    Rule.UNKNOWN_ZONE: N_("in an unknown time zone"),
    Rule.REGISTER: N_("on a national register"),
    Rule.REGISTER_OUTDATED: N_("held up by an outdated register"),
    Rule.REGISTER_UNREADABLE: N_("held up by a register that cannot be read"),
    Rule.BLOCKLIST: N_("blocked"),
    Rule.CAP: N_("over the cap"),
    Rule.EXPIRED: N_("expired"),
    Rule.CONSENT: N_("without consent"),
    Rule.CALLER_ID: N_("without a caller id to show"),
}


@dataclass(slots=True)
class RuleCount:
    """Leads that one rule refuses: `for_good` of them for ever, the others until `earliest` to `latest` (seconds since
    the epoch). `details` counts the texts of the refusals."""

    leads: int = 0
    for_good: int = 0
    earliest: float = math.inf
    latest: float = -math.inf
    details: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Preflight:
    """The counts of the leads that have been judged at the moment `at`; each is one of `diallable`, `later` (nothing is
    against it, but it is not due before `later_from` or later) and the leads of `rules`.

    `when` has how many of the leads that may not be called now may be judged again between two of `edges`, the first
    of which is `at`. `unreadable` leads could not be read. `shared` counts the numbers that are also in other campaigns
    that run, by campaign, `shared_numbers` those that are in any.
    """

    at: float
    edges: Sequence[float]
    judged: int = 0
    diallable: int = 0
    later: int = 0
    later_from: float = math.inf
    unreadable: int = 0
    rules: dict[Rule, RuleCount] = field(default_factory=dict)
    when: Counter[int] = field(default_factory=Counter)
    shared: Counter[str] = field(default_factory=Counter)
    shared_numbers: int = 0

    def see(self, verdicts: Iterable[tuple[Cleared | Refusal, float]]) -> None:
        """Count verdicts, each with the time at which its lead is due."""
        at, when, edges = self.at, self.when, self.edges
        for verdict, due_at in verdicts:
            self.judged += 1
            if not isinstance(verdict, Refusal):
                if due_at <= at:
                    self.diallable += 1
                    continue
                self.later += 1
                self.later_from = min(self.later_from, due_at)
                again = due_at
            else:
                row = self.rules.get(verdict.rule)
                if row is None:
                    row = self.rules[verdict.rule] = RuleCount()
                row.leads += 1
                words = detail(verdict)
                row.details[words if words in row.details or len(row.details) < MOST_DETAILS else OTHER_DETAILS] += 1
                if verdict.until is None:
                    row.for_good += 1
                    continue
                again = max(verdict.until, due_at)
                row.earliest, row.latest = min(row.earliest, again), max(row.latest, again)
            when[bisect_right(edges, again)] += 1

    def add(self, other: Preflight) -> None:
        """Put the counts of another part of the list to these."""
        for name in ("judged", "diallable", "later", "unreadable", "shared_numbers"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.later_from = min(self.later_from, other.later_from)
        self.when.update(other.when)
        self.shared.update(other.shared)
        for rule, theirs in other.rules.items():
            row = self.rules.setdefault(rule, RuleCount())
            row.leads, row.for_good = row.leads + theirs.leads, row.for_good + theirs.for_good
            row.earliest, row.latest = min(row.earliest, theirs.earliest), max(row.latest, theirs.latest)
            row.details.update(theirs.details)

    @property
    def lost(self) -> int:
        """Leads that this campaign will hardly call: refused for good, or over a cap."""
        return sum(row.leads if rule is Rule.CAP else row.for_good for rule, row in self.rules.items())

    @property
    def lost_share(self) -> float:
        """The same as a share of all leads that were judged."""
        return self.lost / self.judged if self.judged else 0.0

    def by_size(self) -> list[tuple[Rule, RuleCount]]:
        """The rules that refuse something, the one that refuses most first."""
        return sorted(self.rules.items(), key=lambda item: (-item[1].leads, item[0]))

    def to_wire(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "at": self.at,
            "judged": self.judged,
            "diallable": self.diallable,
            "later": self.later,
            "later_from": _finite(self.later_from),
            "unreadable": self.unreadable,
            "lost": self.lost,
            "lost_share": round(self.lost_share, 6),
            "rules": {
                rule.value: {
                    "leads": row.leads,
                    "for_good": row.for_good,
                    "earliest": _finite(row.earliest),
                    "latest": _finite(row.latest),
                    "details": dict(row.details.most_common()),
                }
                for rule, row in self.by_size()
            },
            "when": [
                {"from": self.edges[i - 1], "to": self.edges[i] if i < len(self.edges) else None, "leads": leads}
                for i, leads in sorted(self.when.items())
            ],
            "shared_numbers": self.shared_numbers,
            "shared": dict(self.shared.most_common()),
        }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def sentence(preflight: Preflight, zone: tzinfo | None) -> str:
    """All of it in one: `1,000 leads: 850 diallable now, 100 blocked, 20 outside hours until 09:00`."""
    if not preflight.judged:
        return phrase("no lead to judge")
    parts = [phrase("{leads:,} diallable now", leads=preflight.diallable)]
    if preflight.later:
        time = clock_words(preflight.later_from, preflight.at, zone)
        parts.append(phrase("{leads:,} not due before {time}", leads=preflight.later, time=time))
    parts += [_refused(rule, row, preflight.at, zone) for rule, row in preflight.by_size()]
    return phrases("{number:,} lead: {parts}", "{number:,} leads: {parts}", preflight.judged, parts=listed(parts))


def refused_words(rule: Rule) -> Phrase:
    """What is said of leads that a rule refuses."""
    return phrase(_WORDS[rule]) if rule in _WORDS else term(rule.value)


def _refused(rule: Rule, row: RuleCount, at: float, zone: tzinfo | None) -> Phrase:
    leads = phrase("{leads:,} {refused}", leads=row.leads, refused=refused_words(rule))
    if row.for_good == row.leads:
        return leads
    time = clock_words(row.earliest, at, zone)
    if time == clock_words(row.latest, at, zone):
        until = phrase("{leads} until {time}", leads=leads, time=time)
    else:
        until = phrase("{leads} until {time} at the earliest", leads=leads, time=time)
    return phrase("{leads} ({number:,} for good)", leads=until, number=row.for_good) if row.for_good else until


def too_many_lost(preflight: Preflight, refuse_above_share: float) -> str:
    """Why a campaign should not be started: more than a share of its leads are refused for good or over a cap, by which
    rules. Empty where they are not so many."""
    if preflight.lost_share <= refuse_above_share:
        return ""
    named = [
        phrase("{leads:,} {refused}", leads=number, refused=refused_words(rule))
        for rule, row in preflight.by_size()
        if (number := row.leads if rule is Rule.CAP else row.for_good)
    ]
    return phrase(
        "{lost:.1f} % of its {judged:,} leads are refused for good or over a cap, more than {allowed:g} %: {rules}",
        lost=100 * preflight.lost_share,
        judged=preflight.judged,
        allowed=100 * refuse_above_share,
        rules=listed(named),
    )
