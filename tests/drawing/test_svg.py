"""Charts as SVG."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest

from dialer.drawing.svg import Axis, Chart, middles, style_of


def test_an_axis_has_about_five_round_ticks() -> None:
    """From the first within it to the last, unless they are given."""
    assert list(Axis(0.0, 8.0).ticks()) == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert list(Axis(67.5, 100.0).ticks()) == [70.0, 80.0, 90.0, 100.0]
    assert list(Axis(0.0, 8.0, marks=(3.0,)).ticks()) == [3.0]


def test_what_is_beyond_an_axis_is_at_its_edge() -> None:
    """A bent scale bends the place, not the edges."""
    assert [Axis(0.0, 4.0).at(value) for value in (-1.0, 1.0, 9.0)] == [0.0, 0.25, 1.0]
    assert Axis(0.0, 4.0, shape=math.sqrt).at(1.0) == pytest.approx(0.5)


def test_a_line_breaks_where_there_is_no_value() -> None:
    """Two lines and no stroke across the gap."""
    chart = Chart(Axis(0.0, 4.0, title="hours"), Axis(0.0, 10.0, title="lines"))
    chart.line("ours & theirs", middles(chart.x, [1.0, 2.0, None, 3.0]), style_of(9))
    root = ElementTree.fromstring(chart.svg())

    assert [len(line.attrib["points"].split()) for line in root.iter("polyline")] == [2, 1]
    assert {line.attrib["class"] for line in root.iter("polyline")} == {"line c1 d1"}
    assert root.attrib["aria-label"] == "lines over hours"


def test_names_of_dots_make_way_for_each_other() -> None:
    """Two dots at one place have their names below each other."""
    chart = Chart(Axis(0.0, 4.0), Axis(0.0, 10.0))
    chart.labelled_dots([("a", (1.0, 5.0), "c0"), ("b", (1.0, 5.0), "c1")])
    heights = [float(text.attrib["y"]) for text in ElementTree.fromstring(chart.svg()).iter("text")]

    assert heights[1] - heights[0] == 12.0
