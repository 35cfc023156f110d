"""The language of whoever reads: chosen at the edge, for a command or a request, and asked for where words are shown.

`_` and `_n` say a sentence at once in the language of the moment; `translated` says one that was made elsewhere.
English needs no catalogue. The catalogues are gettext's (`locale/zh_CN/LC_MESSAGES/dialer.po`); `make language` brings
them up to date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib import resources
from typing import Final

from dialer.language.phrases import Fact, Phrase, phrase, phrases
from dialer.language.terms import term

LOCALE_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
"""The first of these that is set decides, as POSIX has it."""


class Language(StrEnum):
    """A language that the product speaks, by the name that `--lang` has for it."""

    ENGLISH = "en"
    CHINESE = "zh"


_LOCALES: Final = {Language.CHINESE: "zh_CN"}

_spoken: ContextVar[Language] = ContextVar("language", default=Language.ENGLISH)


class _Unknown(NullTranslations):
    """What a catalogue falls back on: it says that a sentence is not in it."""

    def gettext(self, message: str) -> str:
        return ""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return ""


@cache
def _catalogue(language: Language) -> GNUTranslations:
    file = resources.files("dialer.language") / "locale" / _LOCALES[language] / "LC_MESSAGES" / "dialer.mo"
    with file.open("rb") as opened:
        catalogue = GNUTranslations(opened)
    catalogue.add_fallback(_Unknown())
    return catalogue


def language() -> Language:
    """The language of the moment."""
    return _spoken.get()


def html_language() -> str:
    """The same as pages of HTML name it."""
    return "zh-CN" if _spoken.get() is Language.CHINESE else "en"


def speak(spoken: Language) -> None:
    """From here on, in this context (a thread, a task): for a command."""
    _spoken.set(spoken)


@contextmanager
def speaking(spoken: Language) -> Iterator[None]:
    """For a stretch of work: a request, or what is written for programs."""
    token = _spoken.set(spoken)
    try:
        yield
    finally:
        _spoken.reset(token)


def of_locale(environment: Mapping[str, str]) -> Language:
    """The language of a process's locale: Chinese for `zh_CN.UTF-8` and its kin, else English."""
    name = next((value for variable in LOCALE_VARIABLES if (value := environment.get(variable))), "")
    return Language.CHINESE if name.lower().startswith("zh") else Language.ENGLISH


def translated(text: str) -> str:
    """A text in the language of the moment; as it is where it is no phrase, or not in the catalogue."""
    spoken = _spoken.get()
    if spoken is Language.ENGLISH or not isinstance(text, Phrase):
        return text
    return _said(_catalogue(spoken), text)


def _said(catalogue: GNUTranslations, text: str) -> str:
    if not isinstance(text, Phrase):
        return text
    if isinstance(text.facts, tuple):
        between = catalogue.gettext(text.msgid) or text.msgid
        return between.join(_said(catalogue, part) for part in text.facts)
    number = text.facts.get("number", 0)
    if text.plural and isinstance(number, int):
        sentence = catalogue.ngettext(text.msgid, text.plural, number)
    else:
        sentence = catalogue.gettext(text.msgid) if text.msgid else ""
    facts: dict[str, Fact] = {
        name: _said(catalogue, fact) if isinstance(fact, str) else fact for name, fact in text.facts.items()
    }
    try:
        return sentence.format_map(facts) if sentence else str(text)
    except (KeyError, ValueError, IndexError, AttributeError, TypeError):  # facts of another release
        return str(text)


def either(english: str, chinese: str) -> str:
    """Which of two, for words that are data in both languages; a Chinese one that is empty is said in English."""
    return chinese if chinese and _spoken.get() is Language.CHINESE else english


def word(key: str) -> str:
    """A term by its key or its English, a table's head or a label, in the language of the moment."""
    return translated(key if isinstance(key, Phrase) else term(key))


def words_of(error: BaseException) -> str:
    """What an error says, in the language of the moment where it was raised with a phrase."""
    return translated(error.args[0]) if error.args and isinstance(error.args[0], Phrase) else str(error)


def _(msgid: str, /, **facts: Fact) -> str:
    """A sentence, said at once."""
    return translated(phrase(msgid, **facts))


def _n(singular: str, plural: str, number: int, /, **facts: Fact) -> str:
    """A sentence that depends on a number, said at once."""
    return translated(phrases(singular, plural, number, **facts))
