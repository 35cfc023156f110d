"""Sentences that know how they were made: English for programs, the reader's language where they are shown."""

from __future__ import annotations

import pickle

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.board import from_wire as board_from_wire
from dialer.core.board import published, with_sentences
from dialer.language.phrases import Phrase, from_wire, listed, phrase, phrases, to_wire
from dialer.language.terms import term
from dialer.language.translation import Language, _, _n, of_locale, speaking, translated, word
from dialer.store.base.records import packed
from tests.cli.conftest import board, campaign_row

HELD = phrase("{name} is held: {problem}", name="spring", problem=phrase("no lead is due"))


def test_a_phrase_is_its_english_text() -> None:
    """For logs, JSON and the CRM."""
    assert HELD == "spring is held: no lead is due"
    assert packed({"why": HELD}) == msgpack.packb({"why": str(HELD)})


def test_a_phrase_is_said_in_the_language_of_the_moment() -> None:
    """With the phrases among its facts, and only there."""
    with speaking(Language.CHINESE):
        assert translated(HELD) == "spring 受阻：没有待拨名单"
        assert translated("no phrase") == "no phrase"
    assert translated(HELD) == HELD


def test_numbers_and_lists_have_their_own_forms() -> None:
    """English knows one and many, Chinese other marks between words."""
    one, many = (phrases("{number:,} agent", "{number:,} agents", number) for number in (1, 1200))
    assert (one, many, listed([one, many])) == ("1 agent", "1,200 agents", "1 agent, 1,200 agents")
    with speaking(Language.CHINESE):
        assert translated(listed([one, many])) == "1 名座席，1,200 名座席"
        assert _n("{number:,} agent", "{number:,} agents", 3) == "3 名座席"


def test_what_is_not_known_is_said_in_english() -> None:
    """An outcome of one CRM's own, a sentence of another release."""
    with speaking(Language.CHINESE):
        assert word("wants_a_brochure") == "wants a brochure"
        assert translated(phrase("{nobody} has translated this", nobody=term("busy"))) == "busy has translated this"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, Language.ENGLISH),
        ({"LANG": "zh_CN.UTF-8"}, Language.CHINESE),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, Language.ENGLISH),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_SG"}, Language.CHINESE),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, Language.CHINESE),
    ],
)
def test_the_locale_chooses(environment: dict[str, str], language: Language) -> None:
    """As POSIX has it: LC_ALL, then LC_MESSAGES, then LANG."""
    assert of_locale(environment) is language


def test_a_phrase_goes_through_other_processes() -> None:
    """Pickled to a process of ours, as plain data to another host."""
    assert translated_in_chinese(pickle.loads(pickle.dumps(HELD))) == translated_in_chinese(HELD)
    wire = msgpack.unpackb(msgpack.packb(to_wire(listed([HELD, "x"], "; "))))
    assert translated_in_chinese(from_wire("spring is held: no lead is due; x", wire)) == "spring 受阻：没有待拨名单；x"


def translated_in_chinese(text: str) -> str:
    with speaking(Language.CHINESE):
        return translated(text)


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_nonsense_on_the_wire_leaves_the_text(wire: object) -> None:
    """It comes from Redis."""
    assert translated_in_chinese(from_wire("as it is", wire)) == "as it is"


@pytest.mark.parametrize(
    "wire",
    [
        ["{name.__class__} {name:>999999999}", "", {"name": "x"}],  # a format of somebody else's
        ["{name} is held: {problem}", "", {"name": "x"}],  # a fact is missing
        ["{milliseconds:.0f} ms", "", {"milliseconds": "many"}],
        ["{number:,} agent", "{number:,} agents", {"number": "many"}],
    ],
)
def test_formats_and_facts_from_elsewhere_do_no_harm(wire: list[object]) -> None:
    """Only sentences of ours are formatted, and facts that do not fit leave the text."""
    assert translated_in_chinese(from_wire("as it is", wire)) == "as it is"


def test_masking_reaches_the_facts() -> None:
    """A number in a reason is masked in every language."""
    masked = phrase("{why}: {reason}", why=term("refused"), reason="138").changed(
        lambda text: text.replace("138", "1*8")
    )
    assert (str(masked), translated_in_chinese(masked)) == ("refused: 1*8", "拒绝：1*8")


def test_a_board_is_read_in_the_readers_language() -> None:
    """What a daemon says in English comes to the reader as it was made; what it says itself is English."""
    sentence = phrase("{words} ({next})", words=phrase("no lead is due"), next=phrase("finished"))
    row = campaign_row(name="spring", sentence=sentence, problem=phrase("no line is free"))
    said = msgpack.unpackb(msgpack.packb(published(board(campaigns=(row,), problems=(HELD, "plain")))))
    assert said["campaigns"][0]["sentence"] == "no lead is due (finished)"
    with speaking(Language.CHINESE):
        read = with_sentences(board_from_wire(said), translated)
    assert (read.campaigns[0].sentence, read.campaigns[0].problem) == ("没有待拨名单（已完成）", "没有空闲通道")
    assert read.problems == ("spring 受阻：没有待拨名单", "plain")


def test_words_are_said_at_once() -> None:
    """At the edge."""
    with speaking(Language.CHINESE):
        assert _("daemon {host}", host="a") == "主机 a"
    assert isinstance(HELD, Phrase)
