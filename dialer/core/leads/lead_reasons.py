"""Why a lead was last put off or closed, as data: kept with the lead, counted by its name, put into words at the edge.

In the store it is a short JSON list, `[kind, name, case, facts]`, without what is empty at its end. What older releases
kept is a text; it is shown as it is, and counted by its beginning as they did.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from compliance.api import Refusal, Rule
from dialer.language.phrases import Phrase, from_wire, phrase, to_wire
from dialer.language.refusals import detail
from dialer.language.terms import term

MOST_BYTES: Final = 1_024
"""A longer one is kept without its facts."""

LONGEST_NAME: Final = 60
"""A text that says why is counted by so much of it."""

CRM: Final = phrase("the CRM")
AGAIN: Final = "again"
"""The case of an end or a word after which the lead is called again."""

SKIPPED: Final = "skipped by an agent"
NO_TRUNK: Final = {
    "not_served": "no trunk serves the number",
    "rests": "the trunks for the number rest",
    "full": "the trunks for the number are full",
}


class Kind(StrEnum):
    """Whose doing it was."""

    REFUSED = "refused"  # a gate's: `name` is the rule, `case` and `facts` are the refusal's
    ENDED = "ended"  # an attempt's end: `name` is the disposition
    SAID = "said"  # an agent's or the CRM's word: `name` is the outcome
    ORDERED = "ordered"  # an operator's or the CRM's, of the lead itself: `name` is what, such as "cancelled"
    SKIPPED = "skipped"  # an agent's, who looked at the lead and did not want to call
    NO_TRUNK = "no_trunk"  # the trunks': `case` is not_served, rests or full
    TEXT = "text"  # anything else, in words


@dataclass(frozen=True, slots=True)
class Why:
    """One reason. `facts` are plain values as JSON has them."""

    kind: Kind
    name: str = ""
    case: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def counted_as(self) -> str:
        """What leads with such a reason are counted under: without what differs by lead."""
        if self.kind is Kind.NO_TRUNK:
            return NO_TRUNK.get(self.case, self.case[:LONGEST_NAME])
        return SKIPPED if self.kind is Kind.SKIPPED else self.name[:LONGEST_NAME].replace("_", " ")


def refused(refusal: Refusal) -> Why:
    """A gate said no."""
    return Why(Kind.REFUSED, refusal.rule.value, refusal.case, refusal.facts)


def ordered(what: str, who: str, reason: str = "", to: str = "") -> Why:
    """Somebody ordered it, of the lead itself: `what` is such as "cancelled"; `to` is the campaign it went to."""
    facts = {"who": who, "reason": reason, "to": to}
    return Why(Kind.ORDERED, what, facts={name: value for name, value in facts.items() if value})


def text(words: str) -> Why:
    """Something that is said once and in words only."""
    return Why(Kind.TEXT, words)


def sentence(why: Why) -> str:
    """For people."""
    facts = why.facts
    match why.kind:
        case Kind.REFUSED:
            try:
                words = detail(Refusal(Rule(why.name), why.case, None, facts))
            except ValueError:  # another release's rule
                words = why.case.replace("_", " ")
            return phrase("{rule}: {words}", rule=term(why.name), words=words)
        case Kind.ENDED if why.case == AGAIN:
            return phrase("{end}: called again", end=term(why.name))
        case Kind.SAID if why.case == AGAIN:
            return _again(why.name)
        case Kind.SAID:
            return phrase("{outcome}, says {who}", outcome=term(why.name), who=facts.get("who", CRM))
        case Kind.NO_TRUNK:
            return term(NO_TRUNK.get(why.case, why.case))
        case Kind.ORDERED:
            return _ordered(why)
        case Kind.SKIPPED:
            return phrase(
                "skipped by agent {agent}: {reason}", agent=facts.get("agent", ""), reason=facts.get("reason", "")
            )
    return from_wire(str(facts.get("words", why.name)), facts.get("phrase"))


def _again(name: str) -> Phrase:
    match name:
        case "callback":
            return term(name)
        case "machine":
            return phrase("an answering machine: called again")
    return phrase("{end}: called again", end=term(name))


def _ordered(why: Why) -> Phrase:
    facts, what, who = why.facts, term(why.name), why.facts.get("who", CRM)
    if facts.get("to"):
        text = phrase("{what} to {campaign} by {who}", what=what, campaign=facts["to"], who=who)
    else:
        text = phrase("{what} by {who}", what=what, who=who)
    return phrase("{why}: {reason}", why=text, reason=facts["reason"]) if facts.get("reason") else text


def in_words(name: str, words: str) -> Why:
    """An attempt's end that closed the lead, with the words for it."""
    made = {"phrase": to_wire(words)} if isinstance(words, Phrase) else {}
    return Why(Kind.ENDED, name, facts={"words": str(words), **made})


def kept(why: Why) -> str:
    """As it is kept with a lead."""
    parts: list[Any] = [why.kind.value, why.name, why.case, dict(why.facts)]
    while not parts[-1]:
        parts.pop()
    written = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    if len(written.encode()) <= MOST_BYTES:
        return written
    return json.dumps([why.kind.value, why.name[:LONGEST_NAME], why.case[:LONGEST_NAME]], ensure_ascii=False)


@lru_cache(maxsize=4096)
def read(written: str) -> Why:
    """The way back; any text, for older releases kept those."""
    if written.startswith('["'):
        try:
            parts: list[Any] = json.loads(written)
            kind, name, case, facts = parts + ["", "", "", {}][len(parts) :]
            if isinstance(name, str) and isinstance(case, str) and isinstance(facts, dict):
                return Why(Kind(kind), name, case, facts)
        except (ValueError, TypeError, RecursionError):
            pass
    return Why(Kind.TEXT, _old_name(written), "", {"words": written})


def _old_name(written: str) -> str:
    """The kind of a text that an older release kept: `hours: outside ...` -> `hours`; `sale, says 17` -> `sale`."""
    head = written.partition(": ")[0].partition(", says ")[0]
    return SKIPPED if head.startswith("skipped by agent ") else head
