"""Sentences that know how they were made, so that they can be said in another language where they are shown.

A `Phrase` is its English text, for logs, JSON, the CRM and every program; with it travel the sentence with its places
(`{host} rests`) and the facts that go into them. `dialer.language.translation` says it in the reader's language. Rooms
below the command line make phrases and never ask in which language somebody reads.

A sentence is marked whole, with its full wording, as a literal: `make language` finds it by the name of the function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

Fact = object
"""A text, a number, or what is shown as its text."""

Facts = Mapping[str, Fact] | tuple[str, ...]

CONTEXT_ENDS: Final = "\x04"
"""Between a context and a msgid, as gettext has them in its catalogues."""

MOST_DEEP: Final = 8
"""Phrases within phrases that are read from elsewhere."""


class Phrase(str):
    """English text. `msgid` is the sentence with its places, `plural` the same of other numbers than 1 ("": it has
    none) by the fact `number`. Of a list the facts are its parts, and the msgid is what stands between them."""

    __slots__ = ("facts", "msgid", "plural")

    msgid: str
    plural: str
    facts: Facts

    def __new__(cls, text: str, msgid: str, plural: str, facts: Facts) -> Phrase:
        made = super().__new__(cls, text)
        made.msgid, made.plural, made.facts = msgid, plural, facts
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Phrase, (str(self), self.msgid, self.plural, self.facts)

    def changed(self, change: Callable[[str], str]) -> Phrase:
        """The same with each fact that is a text changed, such as masked; the English text is changed as a whole."""
        facts: Facts
        if isinstance(self.facts, tuple):
            facts = tuple(changed(part, change) for part in self.facts)
        else:
            facts = {
                name: changed(fact, change) if isinstance(fact, str) else fact for name, fact in self.facts.items()
            }
        return Phrase(change(str(self)), self.msgid, self.plural, facts)


def changed(text: str, change: Callable[[str], str]) -> str:
    """A text with `change` made to it; of a phrase to its facts, too, so that it holds in every language."""
    return text.changed(change) if isinstance(text, Phrase) else change(text)


def phrase(msgid: str, /, **facts: Fact) -> Phrase:
    """One sentence. Its places are those of `str.format`: `phrase("{name} rests for {rest_s:.0f} s", ...)`."""
    return Phrase(msgid.format_map(facts), msgid, "", facts)


def phrases(singular: str, plural: str, number: int, /, **facts: Fact) -> Phrase:
    """A sentence that depends on a number, its fact `number`: `phrases("{number:,} lead", "{number:,} leads", 3)`."""
    facts["number"] = number
    return Phrase((singular if number == 1 else plural).format_map(facts), singular, plural, facts)


def listed(parts: Iterable[str], between: str = ", ") -> Phrase:
    """Parts, one after the other. `between` is one of `BETWEEN`: other languages have marks of their own for each."""
    kept = tuple(parts)
    return Phrase(between.join(kept), between, "", kept)


def N_(msgid: str) -> str:
    """Marks a word in a table, which whoever shows it translates."""
    return msgid


def C_(context: str, msgid: str) -> Phrase:
    """A word that means something of its own in a context, such as `paused` of an agent."""
    return Phrase(msgid, f"{context}{CONTEXT_ENDS}{msgid}", "", {})


BETWEEN: Final = (N_(", "), N_("; "), N_(" and "), N_(" or "))


# --- to other processes -----------------------------------------------------------------------------------------------


def to_wire(text: Phrase) -> list[Any]:
    """As plain data, without the English text: `[msgid, plural, facts]`, phrases among the facts alike."""
    if isinstance(text.facts, tuple):
        return [text.msgid, text.plural, [_fact_to_wire(part) for part in text.facts]]
    return [text.msgid, text.plural, {name: _fact_to_wire(fact) for name, fact in text.facts.items()}]


def made_of(texts: Iterable[str]) -> dict[str, Any]:
    """How those of the texts that are phrases were made, by their English, for the way back with `from_wire`."""
    return {str(text): to_wire(text) for text in texts if isinstance(text, Phrase)}


def _fact_to_wire(fact: Fact) -> Any:
    if isinstance(fact, Phrase):
        return [str(fact), *to_wire(fact)]
    return fact if isinstance(fact, str | int | float) else str(fact)


def from_wire(text: str, wire: Any) -> str:
    """The way back; `text` as it is where the rest is of another form. Nothing of it is formatted before its msgid is
    found among our own: it comes from elsewhere."""
    try:
        return _phrase_from_wire(text, wire, MOST_DEEP)
    except (TypeError, ValueError):
        return text


def _phrase_from_wire(text: str, wire: Any, deep: int) -> Phrase:
    msgid, plural, facts = wire
    if not (isinstance(text, str) and isinstance(msgid, str) and isinstance(plural, str) and deep):
        raise ValueError("no phrase")
    if isinstance(facts, list | tuple):
        return Phrase(text, msgid, plural, tuple(str_of(_fact_from_wire(part, deep)) for part in facts))
    if not isinstance(facts, dict):
        raise ValueError("no facts")
    return Phrase(text, msgid, plural, {str_of(name): _fact_from_wire(fact, deep) for name, fact in facts.items()})


def _fact_from_wire(fact: Any, deep: int) -> Fact:
    if isinstance(fact, list | tuple):
        text, *rest = fact
        return _phrase_from_wire(text, rest, deep - 1)
    if isinstance(fact, str | int | float):
        return fact
    raise ValueError("no fact")


def str_of(value: Any) -> str:
    """A text. Raises `ValueError` for anything else."""
    if not isinstance(value, str):
        raise ValueError("no text")
    return value
