"""Who answered, as lines say it: at once, or later as a correction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacing.api import AnswerCorrected, AnswerKind, CallAbandoned, CallAnswered, Ledger, Observation, Snapshot
from pacing.learning import answered_calls
from pacing.learning.answered_calls import AnsweredCall, AnsweredCalls
from pacing.replay import BadLine, Past, read

PERSON, MACHINE, UNKNOWN = AnswerKind.PERSON, AnswerKind.MACHINE, AnswerKind.UNKNOWN


def answered(call: object, t: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"type": "answered", "t": t, "call": call, "ring_s": 8.0, **more}


def abandoned(call: object, t: float = 2.0) -> dict[str, Any]:
    return {"type": "abandoned", "t": t, "call": call, "wait_s": 2.0}


def kind_of(call: object, kind: str, t: float = 3.0) -> dict[str, Any]:
    return {"type": "answer_kind", "t": t, "call": call, "kind": kind}


def replayed(*lines: dict[str, Any]) -> tuple[Ledger, list[Observation]]:
    past, told = Past(10), []
    for line in lines:
        past, one = read(line, past)
        assert not isinstance(one, Snapshot)
        told += [] if one is None else [one]
    return past.ledger, told


@pytest.mark.parametrize(("kind", "live"), [("person", 1), ("unknown", 1), ("machine", 0)])
def test_the_ledger_counts_people(kind: str, live: int) -> None:
    """Who is not known counts as a person; the pacer hears of all of them."""
    ledger, told = replayed(answered(1, kind=kind))

    assert ledger == Ledger(live, 0)
    assert told == [CallAnswered(1.0, 8.0, "", AnswerKind(kind))]


def test_nobody_is_abandoned_where_a_machine_answered() -> None:
    """The line is taken, and changes nothing."""
    assert replayed(answered(1, kind="machine"), abandoned(1)) == (
        Ledger(),
        [CallAnswered(1.0, 8.0, "", MACHINE)],
    )


def test_a_correction_takes_the_answer_and_its_abandonment_away() -> None:
    """The pacer is told which answer it was."""
    ledger, told = replayed(answered(1, trunk="north"), answered(2), abandoned(1), kind_of(1, "machine"))

    assert ledger == Ledger(1, 0)
    assert told[2:] == [CallAbandoned(2.0), AnswerCorrected(3.0, 1.0, 8.0, UNKNOWN, MACHINE, "north")]


def test_a_correction_brings_them_back() -> None:
    """A machine that turns out to be a person was abandoned after all."""
    ledger, told = replayed(answered(1, kind="machine"), abandoned(1), kind_of(1, "person"))

    assert ledger == Ledger(1, 1)
    assert told[1:] == [AnswerCorrected(3.0, 1.0, 8.0, MACHINE, PERSON)]


def test_what_was_known_is_no_correction() -> None:
    """It changes nothing and the pacer is not told."""
    assert replayed(answered(1, kind="machine"), kind_of(1, "machine"))[1] == [CallAnswered(1.0, 8.0, "", MACHINE)]


def test_an_abandoned_call_that_nobody_knows_counts() -> None:
    """As it did before anybody could say who answered."""
    assert replayed(abandoned("before")) == (Ledger(0, 1), [CallAbandoned(2.0)])


def test_only_the_newest_answers_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A correction of an older one is refused; an abandoned call counts as a person's."""
    monkeypatch.setattr(answered_calls, "CALLS_KEPT", 2)
    past = Past(10)
    for line in (answered("old", kind="machine"), answered(1), answered(2)):
        past, _ = read(line, past)

    with pytest.raises(BadLine, match='call "old" is not among the 100,000 calls that were answered last'):
        read(kind_of("old", "person"), past)
    assert read(abandoned("old"), past)[0].ledger == Ledger(2, 1)
    assert read(kind_of(1, "machine"), past)[0].ledger == Ledger(1, 0)


def test_a_line_leaves_the_past_before_it_alone() -> None:
    """Two courses of things may begin at one past."""
    past, _ = read(answered(1), Past(10))
    one, _ = read(kind_of(1, "machine"), past)
    other, _ = read(abandoned(1), past)

    assert (past.ledger, one.ledger, other.ledger) == (Ledger(1, 0), Ledger(0, 0), Ledger(1, 1))
    assert read(kind_of(1, "machine"), past)[0] == one


@dataclass
class Recount:
    """The ledger from all lines so far, counted anew: slow, and with nothing to forget."""

    lines: list[dict[str, Any]] = field(default_factory=list)

    def ledger(self) -> Ledger:
        calls: list[dict[str, Any]] = []
        newest: dict[object, dict[str, Any]] = {}
        strangers = 0
        for line in self.lines:
            call = line["call"]
            if line["type"] == "answered":
                newest[call] = {"kind": line.get("kind", "unknown"), "abandoned": 0}
                calls.append(newest[call])
            elif line["type"] == "answer_kind":
                newest[call]["kind"] = line["kind"]
            elif call in newest:
                newest[call]["abandoned"] += 1
            else:
                strangers += 1
        people = [one for one in calls if one["kind"] != "machine"]
        return Ledger(len(people), strangers + sum(one["abandoned"] for one in people))


ids = st.integers(0, 4) | st.sampled_from(["a", "b"])
kinds = st.sampled_from([kind.value for kind in AnswerKind])
lines = st.lists(
    st.builds(answered, ids)
    | st.builds(lambda call, kind: answered(call, kind=kind), ids, kinds)
    | st.builds(abandoned, ids)
    | st.builds(kind_of, ids, kinds),
    max_size=40,
)


@given(lines)
def test_the_ledger_is_what_a_recount_of_all_lines_gives(course: list[dict[str, Any]]) -> None:
    """Whatever was said in whatever order; corrections of calls without an answer are refused."""
    past, recount, seen = Past(10), Recount(), set()
    for line in course:
        line = {**line, "t": 5.0}
        if line["type"] == "answer_kind" and line["call"] not in seen:
            with pytest.raises(BadLine, match="not among"):
                read(line, past)
            continue
        if line["type"] == "answered":
            seen.add(line["call"])
        past, _ = read(line, past)
        recount.lines.append(line)
        assert past.ledger == recount.ledger()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=120), st.integers(1, 12))
def test_the_newest_calls_are_those_of_a_list(course: list[tuple[bool, int]], kept: int) -> None:
    """A dictionary of the last answers is the twin; nothing older is ever found."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answered_calls, "CALLS_KEPT", kept)
        calls, newest, order = AnsweredCalls(), {}, []
        for is_answer, call in course:
            if is_answer:
                calls = calls.answer(call, float(len(order)), 1.0, UNKNOWN, "")
                newest[call] = AnsweredCall(len(order), float(len(order)), 1.0, UNKNOWN, "")
                order.append(call)
            elif (known := calls.get(call)) is not None:
                newest[call] = AnsweredCall(known.number, known.at, 1.0, MACHINE, "", known.abandoned + 1)
                calls = calls.change(call, newest[call])
            for one in range(31):
                expected = newest.get(one)
                recent = expected is not None and expected.number >= len(order) - kept
                assert calls.get(one) == (expected if recent else None)


def test_what_is_too_old_leaves_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many more answers than are kept, the last few of each map are still held."""
    monkeypatch.setattr(answered_calls, "CALLS_KEPT", 100)
    calls = AnsweredCalls()
    for call in range(20_000):
        calls = calls.answer(call, 0.0, 1.0, UNKNOWN, "")

    assert sum(len(one) for row in calls.rows for one in row) < 5_000
