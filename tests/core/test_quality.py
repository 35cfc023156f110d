"""Samples by lot, and what marks come to."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from config.load import load_model
from config.recordings.scoring import SHIPPED, ScoredRecording, ScoringItem, ScoringSheet
from dialer.core.quality import Score, drawn, faults, newest, score, summaries

SHEET = ScoringSheet(
    name="s", items=(ScoringItem(name="a", text="one", most=10), ScoringItem(name="b", text="two", most=30))
)
LOTS = st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 10_000)), unique_by=lambda lot: lot[1], max_size=40)


@given(LOTS, st.integers(1, 6), st.randoms())
def test_a_draw_gives_each_agent_as_many_as_there_are_and_can_be_repeated(lots, per_agent, random) -> None:
    """In whatever order the recordings come; nobody gets another's."""
    rows = [(agent, f"a-{number}", (agent, number)) for agent, number in lots]
    picked = drawn(rows, per_agent, "2026-W10")
    there = Counter(agent for agent, _ in lots)
    assert {agent: len(of_agent) for agent, of_agent in picked.items()} == {
        agent: min(per_agent, count) for agent, count in there.items()
    }
    assert all(agent == row[0] for agent, of_agent in picked.items() for row in of_agent)
    random.shuffle(rows)
    assert drawn(rows, per_agent, "2026-W10") == picked


@given(LOTS, st.integers(1, 5))
def test_a_larger_draw_has_the_smaller_one_in_it(lots, per_agent) -> None:
    """So that one can go on drawing."""
    rows = [(agent, f"a-{number}", number) for agent, number in lots]
    more = drawn(rows, per_agent + 1, "w")
    assert all(more[agent][:per_agent] == few for agent, few in drawn(rows, per_agent, "w").items())


def test_another_week_draws_others() -> None:
    """The lot is of the purpose as well."""
    rows = [("x", f"a-{number}", number) for number in range(100)]
    assert drawn(rows, 10, "2026-W10") != drawn(rows, 10, "2026-W11")


def recording(**given: object) -> ScoredRecording:
    return ScoredRecording(**{"attempt": "a-1", "agent": "x", "by": "li", "marks": {"a": 5, "b": 15}, **given})


def test_faults_are_named_by_item() -> None:
    """All at once."""
    assert faults(SHEET, recording()) == []
    wrong = faults(SHEET, recording(by=" ", marks={"a": 11, "c": 1}))
    assert [fault.partition(":")[0] for fault in wrong] == ["marks.c", "marks.a", "marks.b", "by"]


def given_score(attempt: str, by: str, a: int, b: int, at: float = 1.0, agent: str = "x") -> Score:
    return score(SHEET, recording(attempt=attempt, by=by, agent=agent, marks={"a": a, "b": b}), at)


def test_a_recording_counts_once_however_many_listened() -> None:
    """By their mean; the last word of each counts."""
    scores = [
        given_score("a-1", "li", 0, 0, at=1.0),
        given_score("a-1", "li", 10, 30, at=2.0),
        given_score("a-1", "wu", 0, 0),
        given_score("a-2", "li", 10, 30),
        given_score("a-3", "li", 5, 15, agent="y"),
    ]
    assert len(newest(scores)) == 4
    first, second = summaries(scores)
    assert (first.agent, first.recordings, first.share, first.marks) == ("x", 2, 0.75, {"a": 7.5, "b": 22.5})
    assert (second.agent, second.share) == ("y", 0.5)


def test_the_shipped_sheet_comes_to_a_hundred() -> None:
    """Ten to thirty points an item."""
    assert sum(item.most for item in load_model(SHIPPED, ScoringSheet).items) == 100
