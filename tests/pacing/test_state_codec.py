"""Nothing that a database says is taken on trust."""

from __future__ import annotations

import math
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pacing.api import Memory, Rule, Settings
from pacing.exposure import COMPLETE_CALLS
from pacing.learning.learn import RECALLED_MOST
from pacing.learning.state_codec import LAW, STALE_CALLS, counts_of, number_of, part_of, rows_of, with_stale_rate
from pacing.policies import make
from tests.pacing.cases import EXPERIENCED, experienced, junk, known_answers, places, replaced, snapshot

FULL = experienced(hours={"9": [100.0, 400.0]}, trunks={"north": [30.0, 100.0], "south": [1.0, 100.0]})


def goes_on(memory: Memory) -> None:
    """A pacer made from it decides and remembers like any other: finite numbers that a database can carry."""
    pacer = make(Settings(), memory)
    seen = snapshot(ringing_age_s=(3.0, 30.0), ringing_trunk=("north", ""), next_trunk="south", hour=9)
    risk = pacer.step((), seen).risk
    assert risk is None or 0.0 <= risk <= 1.0
    assert all(math.isfinite(value) for value in pacer.learnt().values())
    assert msgpack.unpackb(msgpack.packb(pacer.memory())) == pacer.memory()


@pytest.mark.parametrize(
    ("value", "kept"),
    [(0.4, 0.4), (7, 0.99), (-1, 0.01), (math.nan, 0.3), (math.inf, 0.3), (True, 0.3), ("0.4", 0.3), (None, 0.3)],
)
def test_a_number_is_kept_between_its_bounds(value: object, kept: float) -> None:
    """And replaced by the default if it is none."""
    assert number_of({"p": value}, "p", 0.01, 0.99, 0.3) == kept
    assert number_of(None, "p", 0.01, 0.99, 0.3) == 0.3


@pytest.mark.parametrize("value", [None, 3, "map", [1], (2,)])
def test_a_part_is_a_map_or_empty(value: object) -> None:
    """Whatever stands in its place."""
    assert part_of({"part": value}, "part") == part_of({}, "part") == part_of(None, "part") == {}
    assert part_of({"part": {"a": 1}}, "part") == {"a": 1}


@pytest.mark.parametrize(
    "value", [None, "12", [1], [1, 2, 3], [1, -1], [1, math.nan], [1, math.inf], [1, True], [1, "2"]]
)
def test_counts_are_as_many_as_expected_and_none_is_negative(value: object) -> None:
    """Or there are none."""
    assert counts_of({"row": value}, "row", 2) is None
    assert counts_of({"row": [1, 2.5]}, "row", 2) == pytest.approx(np.array([1.0, 2.5]))


@examples(max_examples=150)
@given(st.sampled_from(places(FULL)), junk)
def test_a_damaged_memory_does_no_harm(path: tuple[str, ...], by: object) -> None:
    """Any part of a good memory may be anything."""
    goes_on(replaced(FULL, path, by))


@given(st.dictionaries(st.sampled_from(tuple(FULL)) | st.text(max_size=5), junk, max_size=5))
def test_a_memory_of_anything_does_no_harm(memory: dict[str, object]) -> None:
    """Even if nothing in it is right."""
    goes_on(memory)


@pytest.mark.parametrize(
    "damage",
    [
        {"hours": {b"9": [1.0, 2.0]}},
        {"hours": {"9" * 5000: [1.0, 2.0]}},
        {"hours": {"9": [1e10, 5e-324]}},
        {"talk": {"ended": [1e308] * 28, "seconds": [1e308] * 28}},
        {"answers": {"person": [1e308] * 95}},
        {"answers": {"person": [1e12] * 95}},
        {"answers": {"failed": [5e-324] * 95}},
        {"answers": {"complete": -1.0, "long_run": [1e12, 5e-324], "refused": [1.0, 5e-324]}},
        {"tolerated_risk": 10**400},
    ],
    ids=[
        "key of bytes",
        "endless key",
        "next to nothing",
        "huge durations",
        "huge times",
        "many times",
        "no failures",
        "odd counts",
        "huge number",
    ],
)
def test_extremes_do_no_harm(damage: dict[str, object]) -> None:
    """Keys and numbers at the edge of what a database can hold."""
    goes_on(experienced(hours={}, trunks={}, **damage) if "hours" not in damage else {**EXPERIENCED, **damage})


def test_what_an_earlier_pacer_learnt_weighs_no_more_than_a_hundred_calls() -> None:
    """Today need not be like yesterday: a long memory is believed, and soon outweighed."""
    long = experienced(answers=known_answers(0.4, 1e6))
    for law in ("talk", "wrapup"):
        long[law] = {"ended": [1e4] * 28, "seconds": [1e5] * 28, "seen": 10**6}
    long |= {"hours": {"9": [1e6, 2e6]}, "trunks": {"north": [1e6, 2e6]}}
    memory = make(Settings(), long).memory()
    for law in ("talk", "wrapup"):
        assert sum(memory[law]["ended"]) == pytest.approx(RECALLED_MOST)  # type: ignore[index]
        assert memory[law]["seen"] <= RECALLED_MOST  # type: ignore[index]
    answers: Any = memory["answers"]
    assert sum(sum(answers[name]) for name in LAW) == pytest.approx(RECALLED_MOST, rel=0.01)
    assert sum(answers["person"]) == pytest.approx(0.4 * RECALLED_MOST, rel=0.01)
    assert answers["complete"] == RECALLED_MOST
    assert answers["long_run"] == [0.4 * RECALLED_MOST, RECALLED_MOST]
    assert all(count <= RECALLED_MOST for count in answers["seen"])
    assert memory["hours"] == {"9": [2500.0, 5000.0]}
    assert memory["trunks"] == {"north": [75.0, 150.0]}


def test_a_memory_of_another_version_is_the_prior() -> None:
    """Names that nobody knows any more are passed over."""
    assert make(Settings(), {"answer_probability": 0.9}).learnt() == make(Settings()).learnt()


def test_a_stale_answer_rate_is_doubted_and_the_rest_is_not() -> None:
    """It weighs as much as a few calls, and some are seen again first; talks and times to answer are what they were."""
    fresh, stale = make(Settings(), FULL), make(Settings(), with_stale_rate(FULL))
    fresh.step((), snapshot())
    decided = stale.step((), snapshot())
    assert decided.reason.rule is Rule.LEARNING
    assert decided.reason.figures["calls_to_go"] == COMPLETE_CALLS
    before, after = fresh.learnt(), stale.learnt()
    for name in ("answer_probability", "time_to_answer_s"):
        assert after[name] == pytest.approx(before[name], rel=0.01)
    assert after["talk_s"] == before["talk_s"]
    answers: Any = stale.memory()["answers"]
    assert sum(sum(answers[name]) for name in LAW) == pytest.approx(STALE_CALLS, rel=0.05)
    assert answers["long_run"] == [0.0, 0.0]


def test_a_young_memory_is_not_made_older() -> None:
    """A law of fewer calls than a stale one is worth stays what it is; one without a law stays as it is."""
    young = {**FULL, "answers": known_answers(0.2, 6.0)}
    doubted: Any = with_stale_rate(young)["answers"]
    assert sum(doubted["person"]) == pytest.approx(1.2)
    assert doubted["complete"] == 0.0
    for nothing in ({}, {"answers": 3}, {"answers": {"person": "x"}}, {"answers": {"person": [0.0]}}):
        assert with_stale_rate(nothing) == nothing


@pytest.mark.parametrize("row", [None, "12", {1: 2}, [1, -1], [1, math.nan], [1, True], [1, "2"]])
def test_a_row_with_anything_else_in_it_is_empty(row: object) -> None:
    """Numbers of counts only, however many."""
    assert rows_of(row) == []
    assert rows_of([1, 2.5, 0]) == [1.0, 2.5, 0.0]
    assert rows_of(()) == []


@examples(max_examples=50)
@given(st.sampled_from(places(FULL)), junk)
def test_doubting_takes_nothing_on_trust(place: tuple[str, ...], value: object) -> None:
    """Whatever stands anywhere in a memory, a pacer goes on from what is left of it."""
    goes_on(with_stale_rate(replaced(FULL, place, value)))
