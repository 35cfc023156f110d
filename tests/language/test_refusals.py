"""What refusals say: made of their facts, for every case there is."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import compliance
import dialer
from compliance.api import Per, Refusal, Rule
from compliance.cap_windows import CalendarDays, CalendarMonths, Rolling
from compliance.caps import Cap, Counts, Over, cap_of, facts_of
from dialer.language.caps import cap_words
from dialer.language.refusals import _WORDS, detail

REFUSED = {"Refusal": 1, "_refused": 0}
"""Who makes refusals, and which argument is the case."""


def cases() -> set[str]:
    """Every case that the code refuses with."""
    found = set()
    for package in (compliance, dialer):
        for path in Path(package.__file__).parent.rglob("*.py"):
            if "sim" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSED:
                    place = REFUSED[node.func.id]
                    case = node.args[place] if len(node.args) > place else None
                    if isinstance(case, ast.Constant) and isinstance(case.value, str):
                        found.add(case.value)
    return found


def test_every_case_has_words_and_no_words_are_without_a_case() -> None:
    """Evasion is named by a constant."""
    assert cases() | {"evasion"} == set(_WORDS)


@pytest.mark.parametrize("case", sorted(_WORDS))
def test_facts_that_are_not_as_they_should_be_break_nothing(case: str) -> None:
    """A record of another release says its case at least."""
    for facts in ({}, {"zones": 3, "at_s": "x", "zones_more": None}, {"window": ["weeks", 2], "per": "number"}):
        words = detail(Refusal(Rule.CAP, case, None, facts))
        assert words
        assert "{" not in words


def test_a_case_that_is_not_known_is_said_as_it_is() -> None:
    """Also a text that somebody's own rule has in its place."""
    assert detail(Refusal(Rule.CAP, "the moon is full", None)) == "the moon is full"


@pytest.mark.parametrize(
    "cap",
    [
        Cap(3, Rolling(86_400.0)),
        Cap(1, CalendarDays(61), Counts.REFUSALS, Per.CUSTOMER, Over.GROUP),
        Cap(2, CalendarMonths(1), rest_s=7200.0, unless_agent_held=True),
    ],
)
def test_a_cap_comes_back_from_its_facts(cap: Cap) -> None:
    """Through JSON, as a stored refusal has it, with the same words."""
    kept = json.loads(json.dumps(facts_of(cap)))

    assert cap_of(kept) == cap
    assert detail(Refusal(Rule.CAP, "cap_reached", 1.0, kept)) == f"called often enough: {cap_words(cap)}"
