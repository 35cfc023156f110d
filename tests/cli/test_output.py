"""Printing, and what may not reach a terminal."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

from dialer.cli.base.output import fitted, show, show_json, table
from dialer.cli.base.text import say
from dialer.operating.text import clean, counted

STEERING = ["\x1b[2J", "\x9b31m", "\u202e", "\u2066", "\u2028", "\x7f", "\r", "\u200f", "\ud800"]


@pytest.mark.parametrize("text", STEERING)
def test_no_text_steers_the_terminal(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters, marks of direction and line separators are replaced, in lines and in what is drawn."""
    say(f"a{text}b")
    show(table(("name",), [(f"a{text}b",), (Text(f"a{text}b"),)]))
    printed = capsys.readouterr().out

    assert not set(text[:1]) & set(printed)
    assert printed.startswith("a\N{REPLACEMENT CHARACTER}")


def test_usual_text_stays() -> None:
    """Any script, emoji, tabs and newlines."""
    text = "王先生 señor עברית\t\n👩‍💻"

    assert clean(text) == text


def test_json_keeps_its_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    """Such characters are escaped, other scripts are not."""
    show_json({"name": "王\x9b\u202e\u2028"})
    printed = capsys.readouterr().out

    assert json.loads(printed) == {"name": "王\x9b\u202e\u2028"}
    assert "王\\u009b\\u202e\\u2028" in printed


@pytest.mark.parametrize(("number", "words"), [(0, "0 entries"), (1, "1 entry"), (1200, "1,200 entries")])
def test_numbers_have_their_nouns(number: int, words: str) -> None:
    """One of a thing is one thing."""
    assert counted(number, "entry", "entries") == words


def test_columns_that_have_no_room_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least needed go first, no figure is broken, and a wide terminal shows them all."""
    row = ("spring", "12,345", "2026-03-02 10:00:00", "somebody@somewhere")
    for width, words in ((80, "somebody@somewhere"), (45, "no room for: by"), (25, "no room for: by, changed")):
        screen = Console(width=width, file=StringIO())
        monkeypatch.setattr("dialer.cli.base.output.console", lambda screen=screen: screen)
        with screen.capture() as captured:
            screen.print(
                fitted(("campaign", "due", "changed", "by"), [row], right=("due",), optional=("by", "changed"))
            )
        assert words in captured.get()
        assert "12,345" in captured.get()


def test_only_sentences_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a column of sentences no other is: ids and numbers stay in one piece, the least needed columns go."""
    row = ("9b8e6116-2", "+86138****8003", "赵小明", "it is outside the calling hours of the callee")
    screen = Console(width=44, file=StringIO())
    monkeypatch.setattr("dialer.cli.base.output.console", lambda: screen)
    with screen.capture() as captured:
        screen.print(fitted(("lead", "number", "name", "why"), [row], optional=("name",), folding=("why",)))

    assert "9b8e6116-2  +86138****8003" in captured.get()
    assert "no room for: name" in captured.get()
