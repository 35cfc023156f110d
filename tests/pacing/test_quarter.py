"""The newest quarter of an hour, rolling."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacing.api import (
    AnswerCorrected,
    AnswerKind,
    CallAbandoned,
    CallAnswered,
    CallFailed,
    Ledger,
    Observation,
    TalkEnded,
    WrapupEnded,
)
from pacing.quarter import CAPS, ENOUGH, MOST, QUARTER_S, Quarter

CAP = 0.03
PERSON, MACHINE, UNKNOWN = AnswerKind.PERSON, AnswerKind.MACHINE, AnswerKind.UNKNOWN


def answers(quarter: Quarter, count: int, at: float = 0.0, kind: AnswerKind = UNKNOWN) -> None:
    for _ in range(count):
        quarter.observe(CallAnswered(at, 8.0, kind=kind))


def corrected(at: float, was: AnswerKind, kind: AnswerKind) -> AnswerCorrected:
    return AnswerCorrected(at, at - 1.0, 8.0, was, kind)


def test_there_is_no_window_below_enough_answers() -> None:
    """A rate of a handful of answers means nothing."""
    quarter = Quarter()
    answers(quarter, ENOUGH - 1)
    assert quarter.window(CAP, 1.0) == ()
    answers(quarter, 1)
    assert quarter.window(CAP, 1.0) == ((pytest.approx(CAPS * CAP), Ledger(ENOUGH, 0)),)


def test_machines_are_not_counted() -> None:
    """They are no live answers; what nobody knows is counted as a person."""
    quarter = Quarter()
    answers(quarter, 500, kind=MACHINE)
    assert quarter.window(CAP, 1.0) == ()
    answers(quarter, ENOUGH, kind=PERSON)
    answers(quarter, 10, kind=UNKNOWN)
    assert quarter.window(CAP, 1.0)[0][1].answered == ENOUGH + 10


@pytest.mark.parametrize(
    ("was", "kind", "counted"),
    [
        (UNKNOWN, MACHINE, ENOUGH + 4),
        (PERSON, MACHINE, ENOUGH + 4),
        (UNKNOWN, PERSON, ENOUGH + 5),
        (MACHINE, MACHINE, ENOUGH + 5),
        (MACHINE, PERSON, ENOUGH + 6),
        (MACHINE, UNKNOWN, ENOUGH + 6),
    ],
)
def test_a_correction_counts_as_the_ledger_counts(was: AnswerKind, kind: AnswerKind, counted: int) -> None:
    """A machine is taken out if it had been counted, a person comes in who had not been."""
    quarter = Quarter()
    answers(quarter, ENOUGH + 5)
    quarter.observe(corrected(2.0, was, kind))
    assert quarter.window(CAP, 3.0)[0][1].answered == counted


def test_what_is_older_than_a_quarter_is_gone() -> None:
    """Answers and abandoned calls, each when its time has come."""
    quarter = Quarter()
    answers(quarter, 100, at=0.0)
    quarter.observe(CallAbandoned(10.0))
    answers(quarter, 200, at=20.0)
    quarter.observe(CallAbandoned(30.0))
    assert quarter.window(CAP, QUARTER_S - 0.1)[0][1] == Ledger(300, 2)
    assert quarter.window(CAP, QUARTER_S)[0][1] == Ledger(200, 2)
    assert quarter.window(CAP, QUARTER_S + 10.0)[0][1] == Ledger(200, 1)
    assert quarter.window(CAP, QUARTER_S + 20.0) == ()
    assert (quarter.answered, quarter.abandoned) == (0, 1)


def test_it_is_of_limited_size() -> None:
    """A flood of answers pushes the oldest out, and the counts are those of what is still there."""
    quarter = Quarter()
    answers(quarter, MOST + 50)
    quarter.observe(CallAbandoned(1.0))
    assert len(quarter.seen) == MOST
    assert (quarter.answered, quarter.abandoned) == (MOST - 1, 1)


happened: st.SearchStrategy[list[tuple[float, Callable[[float], Observation]]]] = st.lists(
    st.tuples(
        st.floats(0.0, 60.0),
        st.sampled_from(
            (
                lambda at: CallAnswered(at, 8.0, kind=UNKNOWN),
                lambda at: CallAnswered(at, 8.0, kind=MACHINE),
                lambda at: corrected(at, UNKNOWN, MACHINE),
                lambda at: corrected(at, MACHINE, PERSON),
                CallAbandoned,
                lambda at: CallFailed(at, 25.0),
                lambda at: TalkEnded(at, 60.0),
                lambda at: WrapupEnded(at, 20.0),
            )
        ),
    ),
    max_size=60,
)


@given(happened)
def test_the_counts_are_those_of_a_plain_list(steps: list[tuple[float, Callable[[float], Observation]]]) -> None:
    """At every moment: all that was counted in the last quarter of an hour, added up."""
    quarter, seen, now = Quarter(), list[Observation](), 0.0
    for passed_s, what in steps:
        now += passed_s
        one = what(now)
        seen.append(one)
        quarter.observe(one)
        quarter.window(CAP, now)
        newest = [one for one in seen if one.at > now - QUARTER_S]
        live = sum(isinstance(one, CallAnswered) and one.kind is not MACHINE for one in newest)
        live -= sum(isinstance(one, AnswerCorrected) and one.was is UNKNOWN for one in newest)
        live += sum(isinstance(one, AnswerCorrected) and one.was is MACHINE for one in newest)
        assert (quarter.answered, quarter.abandoned) == (live, sum(isinstance(one, CallAbandoned) for one in newest))
