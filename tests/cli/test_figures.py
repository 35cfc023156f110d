"""Drawings out of characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from dialer.cli.base.figures import agent_strip, bar, flowed, stacked
from dialer.operating.figures import duration, milliseconds, percent


@pytest.mark.parametrize(("share", "filled"), [(0.0, 0), (0.001, 1), (0.5, 5), (1.0, 10), (7.0, 10), (-1.0, 0)])
def test_bar_shows_the_share(share: float, filled: int) -> None:
    """The bar has its width whatever the share, and anything above 0 shows."""
    text = bar(share, 10, "green").plain

    assert (text.count("━"), len(text)) == (filled, 10)


@given(st.lists(st.integers(0, 10**9), max_size=30), st.integers(1, 120))
def test_stacked_bar_has_its_width(counts: list[int], width: int) -> None:
    """However the counts are spread, the bar is as wide as it was asked to be."""
    assert stacked([(count, "green") for count in counts], width).cell_len == width


def test_stacked_bar_shows_the_smallest_part() -> None:
    """One abandoned call among a million is seen."""
    text = stacked([(1_000_000, "green"), (1, "red")], 20)

    assert [span.style for span in text.spans] == ["green", "red"]


def test_stacked_bar_tells_parts_apart_without_colour() -> None:
    """Each part ends in a seam."""
    assert stacked([(3, "green"), (1, "red")], 8).plain == "━━━━━╸━╸"


def test_agent_strip_has_a_glyph_for_each_agent() -> None:
    """In the order talking, ringing, ready, wrap-up, paused."""
    strip = agent_strip({"paused": 1, "ready": 2, "talking": 3, "wrapup": 1}, 40)

    assert strip.plain == "●●●○○◐‖"


@given(st.dictionaries(st.sampled_from(["talking", "ready", "paused"]), st.integers(0, 20_000)), st.integers(10, 100))
def test_agent_strip_fits(agents: dict[str, int], width: int) -> None:
    """A floor of any size fits into the width, and says its scale if it has one."""
    glyphs, _, scale = agent_strip(agents, width).plain.partition(" ")

    assert len(glyphs) <= width
    assert bool(scale) == (sum(agents.values()) > len(glyphs))


def test_flowed_breaks_between_parts() -> None:
    """A part that does not fit goes to the next line as a whole."""
    assert flowed([Text("aaaa"), Text("bbbb"), Text("cc")], 11).plain == "aaaa   bbbb\ncc"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (400, "6 min 40 s"),
        (14_432, "4 h"),
        (7500, "2 h 5 min"),
        (190_000, "2 d 4 h"),
    ],
)
def test_duration_has_two_units(seconds: float, text: str) -> None:
    """The two largest, without one that is 0."""
    assert duration(seconds) == text


def test_small_figures() -> None:
    """Percentages and milliseconds as people write them."""
    assert (percent(0.0124, 2), milliseconds(412.4), milliseconds(1310)) == ("1.24 %", "412 ms", "1.3 s")
