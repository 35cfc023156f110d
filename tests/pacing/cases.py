"""Snapshots and pacers for the tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pacing.face import CallAnswered, CallFailed, Ledger, Observation, Snapshot, TalkEnded, WrapupEnded

EXPERIENCED = {
    "answer_probability": 0.3,
    "time_to_answer_s": 11.0,
    "talk_s": 120.0,
    "wrapup_s": 30.0,
    "calls_seen": 100.0,
    "answers_seen": 30.0,
    "talks_seen": 30.0,
    "tolerated_risk": 0.03,
    "calibration": 2.0,
}
"""What a pacer that has worked for a while has learnt; the cold start is over."""


def snapshot(**changes: Any) -> Snapshot:
    """Three ready agents, two busy ones, a healthy ledger, nothing in flight; with changes."""
    values: dict[str, Any] = {
        "now": 1000.0,
        "ready": 3,
        "talking_age_s": (20.0,),
        "wrapup_age_s": (5.0,),
        "paused": 0,
        "ringing_age_s": (),
        "waiting_age_s": (),
        "lines_free": 100,
        "leads_available": 1000,
        "ledger": Ledger(1000, 10),
    }
    return Snapshot(**(values | changes))


def ages(most: int, oldest_s: float) -> st.SearchStrategy[tuple[float, ...]]:
    return st.lists(st.floats(0.0, oldest_s), max_size=most).map(tuple)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Any plausible snapshot, the odd ones included."""
    answered = draw(st.integers(0, 2000))
    return Snapshot(
        now=draw(st.floats(0.0, 1e6)),
        ready=draw(st.integers(0, 30)),
        talking_age_s=draw(ages(20, 4000.0)),
        wrapup_age_s=draw(ages(10, 600.0)),
        paused=draw(st.integers(0, 5)),
        ringing_age_s=draw(ages(40, 60.0)),
        waiting_age_s=draw(ages(5, 10.0)),
        lines_free=draw(st.integers(0, 200)),
        leads_available=draw(st.integers(0, 200)),
        ledger=Ledger(answered, draw(st.integers(0, min(answered, 60)))),
    )


@st.composite
def observations(draw: st.DrawFn) -> tuple[Observation, ...]:
    """Things that may have happened, in order of time."""
    kinds = st.sampled_from((CallAnswered, CallFailed, TalkEnded, WrapupEnded))
    drawn = draw(st.lists(st.tuples(kinds, st.floats(0.0, 300.0)), max_size=20))
    return tuple(kind(float(i), length_s) for i, (kind, length_s) in enumerate(drawn))
