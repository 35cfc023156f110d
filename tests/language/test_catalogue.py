"""Whatever is marked in the code is translated, whole, and what the product reads is current."""

from __future__ import annotations

import string
import symtable
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

import pytest

from compliance.api import Rule
from dialer.core.agents.agent import AgentState
from dialer.core.calls.call import CallState
from dialer.core.inputs import CampaignState
from dialer.core.leads.retry_windows import Window
from dialer.core.model import Disposition
from dialer.language.terms import agent_state
from pacing.api import Mode
from tests.language import catalogue
from tests.language.catalogue import LANGUAGES, ROOMS, ROOT, file_of, forms, untranslated, words, written


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def known(language: str) -> Any:
    return catalogue.catalogue(language)


def test_every_sentence_is_translated(known: Any) -> None:
    """Run `make language`, and translate what it names."""
    assert untranslated(known) == []
    assert [message.id for message in known if message.id and message.fuzzy] == []


def test_the_files_are_current(known: Any, language: str) -> None:
    """Run `make language` after a change of a sentence or of a translation."""
    for ending, content in written(known).items():
        assert file_of(language, ending).read_bytes() == content


def places(texts: Iterable[str]) -> set[str]:
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_translations_have_the_places_of_their_sentences(known: Any) -> None:
    """Nothing is lost and nothing is asked for that is not there."""
    different = [
        (message.id, message.string)
        for message in known
        if message.id and places(forms(message.id)) != places(forms(message.string))
    ]

    assert different == []


@pytest.mark.parametrize("kind", [Disposition, CallState, CampaignState, Mode, Rule, Window])
def test_states_and_ends_have_terms(kind: type[StrEnum]) -> None:
    """Words that come from data."""
    assert {member.value.replace("_", " ") for member in kind} - {"waiting"} <= set(words())


def test_agents_states_have_terms() -> None:
    """Some of them mean another thing elsewhere."""
    assert all("\x04" in agent_state(state.value).msgid for state in AgentState)


def hidden_in(scope: symtable.SymbolTable) -> Iterator[str]:
    """Functions in which `_` is a value of their own, and is asked for all the same."""
    inner = scope.get_children()
    if scope.get_type() == "function" and "_" in scope.get_identifiers():
        name = scope.lookup("_")
        is_free_inside = any("_" in each.get_identifiers() and each.lookup("_").is_free() for each in inner)
        if name.is_local() and (name.is_referenced() or is_free_inside):
            yield f"{scope.get_name()}, line {scope.get_lineno()}"
    for each in inner:
        yield from hidden_in(each)


def test_nobody_throws_away_what_says_sentences() -> None:
    """`_` is no name for a value that nobody wants where it is also called: the call would fail."""
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    tables = {path: symtable.symtable(path.read_text(), str(path), "exec") for path in paths}

    assert [(path.name, where) for path, table in tables.items() for where in hidden_in(table)] == []
