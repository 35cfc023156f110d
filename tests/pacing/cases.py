"""Snapshots, memories and what happened, for the tests."""

from __future__ import annotations

import math
import random
from typing import Any

from hypothesis import strategies as st

from pacing.api import CallAnswered, CallFailed, Ledger, Observation, Snapshot, TalkEnded, Window, WrapupEnded
from pacing.learning.answers import MEMORY_CALLS
from pacing.learning.learn import Model
from pacing.learning.ringing import FAILED, MACHINE, PERSON, TRACE, Ringing

TRUNKS = ("", "north", "south")


def known_answers(rate: float = 0.3, calls: float = 100.0) -> dict[str, Any]:
    """The answers' part of a memory: so many calls, all complete, answered at this rate by people after 11 s."""
    prior = Ringing(25.0, rate, 11.0, MEMORY_CALLS, calls).prior
    return {
        "person": prior[PERSON].tolist(),
        "machine": prior[MACHINE].tolist(),
        "failed": prior[FAILED].tolist(),
        "seen": [round(rate * calls), 0, round((1.0 - rate) * calls)],
        "prior": TRACE,
        "refused": [0.0, 10.0],
        "complete": calls,
        "long_run": [rate * calls, calls],
        "hour": -1,
    }


def experienced(**changes: Any) -> dict[str, Any]:
    """The memory of a pacer that has worked for a while: a hundred calls and forty talks as the priors have them.

    A change of a map changes in the map what it names.
    """
    known = Model(25.0)
    for law in (known.talk, known.wrapup):
        law.seconds *= 40.0 / law.ended.sum()
        law.ended *= 40.0 / law.ended.sum()
    memory: dict[str, Any] = {**known.memory()}
    seen: dict[str, Any] = {
        "answers": known_answers(),
        "talk": {"seen": 30},
        "wrapup": {"seen": 30},
        "tolerated_risk": 0.03,
        "calibration": 2.0,
    }
    for more in (seen, changes):
        for name, value in more.items():
            memory[name] = {**memory[name], **value} if isinstance(value, dict) else value
    return memory


EXPERIENCED = experienced()


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


def lognormal(rng: random.Random, mean: float, variation: float) -> float:
    sigma2 = math.log1p(variation * variation)
    return rng.lognormvariate(math.log(mean) - sigma2 / 2, math.sqrt(sigma2))


def ages(most: int, oldest_s: float) -> st.SearchStrategy[tuple[float, ...]]:
    return st.lists(st.floats(0.0, oldest_s), max_size=most).map(tuple)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    """Any ledger, overdrawn ones included."""
    answered = draw(st.integers(0, 2000))
    return Ledger(answered, draw(st.integers(0, min(answered, 60))))


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Any plausible snapshot, the odd ones included."""
    ringing_age_s = draw(ages(40, 60.0))
    told_apart = draw(st.booleans())
    windows = st.builds(Window, st.just("the last hour"), st.sampled_from((0.01, 0.06)), ledgers())
    return Snapshot(
        now=draw(st.floats(0.0, 1e6)),
        ready=draw(st.integers(0, 30)),
        talking_age_s=draw(ages(20, 4000.0)),
        wrapup_age_s=draw(ages(10, 600.0)),
        paused=draw(st.integers(0, 5)),
        ringing_age_s=ringing_age_s,
        waiting_age_s=draw(ages(5, 10.0)),
        lines_free=draw(st.integers(0, 200)),
        leads_available=draw(st.integers(0, 200)),
        ledger=draw(ledgers()),
        windows=draw(st.lists(windows, max_size=2).map(tuple)),
        ringing_trunk=tuple(draw(st.sampled_from(TRUNKS)) for _ in ringing_age_s) if told_apart else (),
        next_trunk=draw(st.sampled_from(TRUNKS)) if told_apart else "",
        hour=draw(st.integers(-1, 23)),
        staffed_s=draw(st.just(math.inf) | st.floats(0.0, 60.0)),
    )


@st.composite
def observations(draw: st.DrawFn) -> tuple[Observation, ...]:
    """Things that may have happened, in order of time."""
    kinds = st.sampled_from((CallAnswered, CallFailed, TalkEnded, WrapupEnded))
    drawn = draw(st.lists(st.tuples(kinds, st.floats(0.0, 300.0), st.sampled_from(TRUNKS)), max_size=20))
    return tuple(
        kind(float(i), lasted_s, trunk) if kind in {CallAnswered, CallFailed} else kind(float(i), lasted_s)
        for i, (kind, lasted_s, trunk) in enumerate(drawn)
    )


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
"""What a database may hold where something else was written."""


def places(value: object, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path to everything in a memory."""
    inner = (
        [path for key, part in value.items() for path in places(part, (*at, key))] if isinstance(value, dict) else []
    )
    return [at, *inner] if at else inner


def replaced(value: Any, path: tuple[str, ...], by: object) -> dict[str, Any]:
    """A memory with one part of it exchanged."""
    head, *rest = path
    return {**value, head: replaced(value[head], tuple(rest), by) if rest else by}
