"""The answer rate is learnt slowly while it is steady, at once when it jumps, and refusals are no part of it."""

from __future__ import annotations

import math
import random

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pacing.api import AnswerKind, CallAnswered, CallFailed, Observation
from pacing.compiled import floats
from pacing.learning.answers import (
    ALARM,
    CALLS_AFTER_MOVE,
    HEARD,
    MEMORY_CALLS,
    MEMORY_HOUR,
    MEMORY_TRUNK,
    MOST_REFUSED,
    AnswerModel,
    Watch,
)
from pacing.learning.ringing import FASTEST_S
from tests.pacing.cases import known_answers, observations, snapshot
from tests.pacing.stream import TIMEOUT_S, Stream, people


def answers() -> AnswerModel:
    return AnswerModel(TIMEOUT_S, 0.3, 11.0, 10.0)


def stream(seed: int = 1, per_s: float = 4.0) -> Stream:
    return Stream(answers(), random.Random(seed), per_s)


def learnt(calls: Stream) -> float:
    return calls.answers.last_law().probability


# --- refusals ----------------------------------------------------------------------------------------------------


def refuse(rng: random.Random) -> tuple[float, None]:
    """A dead trunk."""
    return rng.uniform(0.1, 0.9 * FASTEST_S), None


def test_refusals_enter_neither_the_law_nor_its_clock() -> None:
    """They never rang: what is known of calls that ring does not fade with them."""
    known = stream()
    known.run(people(0.2), 100)
    known.last()
    events, mark, before = known.answers.ringing.events.copy(), known.answers.ringing.forgetting.mark, learnt(known)
    known.run(refuse, 100)
    assert known.answers.ringing.events == pytest.approx(events)
    assert known.answers.ringing.forgetting.mark == mark
    # Those on their way now look like any others; they are few.
    assert learnt(known) == pytest.approx(before, abs=0.005)
    assert known.answers.complete == 400.0
    assert known.answers.refused_share == MOST_REFUSED


def test_a_trunk_that_comes_back_is_believed_within_some_tens_of_calls() -> None:
    """The law is as it was, no alarm was given, and what begins now is known to ring."""
    known = stream(per_s=2.0)
    known.run(people(0.3), 200)
    before = learnt(known)
    known.run(refuse, 300)
    assert known.answers.refused_share == MOST_REFUSED
    known.run(people(0.3), FASTEST_S)
    back = known.started
    while known.answers.refused_share > 0.35:
        known.run(people(0.3), 1)
    assert known.started - back <= 100
    assert learnt(known) == pytest.approx(before, abs=0.06)
    known.run(people(0.3), 100)
    assert known.answers.refused_share < 0.1
    assert known.answers.moves == 0


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_the_share_of_refusals_is_learnt(share: float) -> None:
    """Of the newest calls, those that still ring included."""
    known, seen = stream(per_s=5.0), []
    known.run(people(0.2, share), 60)
    for _ in range(60):
        known.run(people(0.2, share), 5)
        seen.append(known.answers.refused_share)
    assert np.mean(seen) == pytest.approx(share, abs=0.04)
    assert learnt(known) == pytest.approx(0.2, abs=0.06)


# --- Page's test -------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0.0, 3.0)), max_size=30), st.sampled_from((0.5, 2.0)))
def test_a_watch_is_the_largest_likelihood_of_any_beginning(seen: list[tuple[int, float]], ratio: float) -> None:
    """Page's sum is the most that any run of moments up to now says for the other rate; 0 if none says anything."""
    watch = Watch(ratio)
    for answered, expected in seen:
        watch.saw(answered, expected)
    says = [answered * math.log(ratio) - expected * (ratio - 1.0) for answered, expected in seen]
    assert watch.nats == pytest.approx(max([0.0, *(sum(says[i:]) for i in range(len(says)))]), abs=1e-9)
    assert watch.level > 0.0
    watch.clear()
    assert (watch.nats, watch.level) == (0.0, 1.0)


@pytest.mark.parametrize(("before", "after", "usual", "seldom"), [(0.1, 0.3, 140, 200), (0.3, 0.1, 170, 240)])
def test_a_jump_is_noticed(before: float, after: float, usual: int, seldom: int) -> None:
    """Threefold, or a third: within so many calls from the first of the new ones, whose answers take 5 to 15 s."""
    needed, found = [], []
    for seed in range(14):
        known = stream(seed)
        known.run(people(before), 250)
        moves, started = known.answers.moves, known.started
        while known.answers.moves == moves and known.started < started + 1000:
            known.run(people(after), 1)
        needed.append(known.started - started)
        known.run(people(after), 50)
        found.append(learnt(known))
    assert np.median(needed) <= usual
    assert np.quantile(needed, 0.9) <= seldom
    assert np.median(found) == pytest.approx(after, abs=0.06)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3, 0.6])
def test_a_steady_rate_is_not_mistaken_for_a_jump(rate: float) -> None:
    """Not more than once in ten thousand calls, in a steady flow; and what is learnt stays near the truth."""
    known = stream(4, per_s=10.0)
    known.run(people(rate), 1000)
    assert known.answers.moves <= 1
    assert learnt(known) == pytest.approx(rate, abs=0.06)


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_lumps_of_calls_never_alarm(rate: float) -> None:
    """Eighty begin at once, and their time-outs come at once; the answers are as many as expected."""
    known, worst = stream(2, per_s=0.0), 0.0
    for _ in range(40):
        for _ in range(80):
            known.call(people(rate), known.now)
        for _ in range(35):
            known.run(people(rate), 1)
            if known.started > 5 * 80:
                worst = max(worst, abs(learnt(known) - rate))
    assert known.answers.moves == 0
    assert worst < 0.1


def test_too_little_known_gives_no_alarm() -> None:
    """The first calls are no surprise, whatever the prior said."""
    known = stream(1, per_s=2.0)
    while known.answers.ringing.weight < CALLS_AFTER_MOVE - 3.0:
        known.run(people(0.9), 1)
        assert (known.answers.moves, known.answers.doubt) == (0, 1.0)


def test_doubt_rises_before_the_alarm() -> None:
    """From so much evidence on, up to the level that is seen; never below 1."""
    watched = answers()
    seen = []
    for _ in range(30):
        watched.rise.saw(1.0, 0.25)
        seen.append(watched.doubt)
        assert (watched.doubt > 1.0) == (watched.rise.nats > HEARD)
        assert watched.doubt <= watched.rise.level + 1e-9
    assert seen == sorted(seen)
    assert watched.rise.nats > ALARM
    assert watched.doubt == pytest.approx(watched.rise.level)
    watched.rise.clear()
    watched.fall.saw(0.0, 30.0)
    assert watched.doubt == 1.0


def test_a_slow_drift_is_followed() -> None:
    """After three memories at a new answer rate the old one is forgotten."""
    known = stream(1, per_s=10.0)
    for rate in (0.4, 0.3, 0.25):
        known.run(people(rate), 0.3 * MEMORY_CALLS)
        assert learnt(known) == pytest.approx(rate, abs=0.05)


def test_a_clock_that_steps_back_or_stands_is_no_surprise() -> None:
    """Answers that came meanwhile are counted with the next moment that passes."""
    known = answers()
    known.look(snapshot(now=100.0, ringing_age_s=(8.0,) * 20))
    for _ in range(3):
        known.answered(100.0, 8.0, AnswerKind.UNKNOWN)
    known.look(snapshot(now=100.0, ringing_age_s=(8.0,) * 17))
    known.look(snapshot(now=90.0, ringing_age_s=(8.0,) * 17))
    assert known.answers_since == 3
    known.look(snapshot(now=91.0, ringing_age_s=(9.0,) * 17))
    assert known.answers_since == 0
    assert known.moves == 0


@pytest.mark.parametrize("gap_s", [10.0, 600.0])
def test_looks_far_apart_are_no_surprise(gap_s: float) -> None:
    """Of calls that began and were answered between two looks nobody knows how many there were."""
    known = stream(1)
    known.run(people(0.3), 100)
    for looks in range(1, 20):
        now = known.now + gap_s * looks
        for _ in range(12):
            known.answers.answered(now - 1.0, 8.0, AnswerKind.UNKNOWN)
        for _ in range(28):
            known.answers.failed(now - 1.0, TIMEOUT_S)
        known.answers.look(snapshot(now=now, ringing_age_s=(3.0,) * 4))
    assert known.answers.moves == 0
    assert (known.answers.rise.nats, known.answers.doubt) == (0.0, 1.0)


def test_the_first_look_is_no_surprise() -> None:
    """After a restart with much known, whatever was answered before it."""
    known = answers()
    known.recall(known_answers(), {}, {}, 100.0)
    for _ in range(40):
        known.answered(100.0, 8.0, AnswerKind.UNKNOWN)
    known.look(snapshot(now=101.0))
    assert known.moves == 0


# --- kinds, memory, anything ----------------------------------------------------------------------------------------


def test_what_nobody_knows_is_a_person_until_it_is_said_otherwise() -> None:
    """A correction between the two kinds of person changes nothing; a machine is no person, and is answered all the
    same."""
    known = answers()
    for kind in AnswerKind:
        known.answered(10.0, 9.0, kind)
    assert known.ringing.seen == [2, 1, 0]
    known.corrected(10.0, 9.0, AnswerKind.UNKNOWN, AnswerKind.PERSON)
    assert known.ringing.seen == [2, 1, 0]
    before = known.last_law()
    known.corrected(10.0, 9.0, AnswerKind.PERSON, AnswerKind.MACHINE)
    assert known.ringing.seen == [1, 2, 0]
    assert known.last_law().probability == pytest.approx(before.probability)
    assert known.last_law().person < before.person


def test_times_to_answer_give_equally_likely_horizons() -> None:
    """The horizons are quantiles of the learnt time to answer."""
    known = stream(1, per_s=10.0)
    known.run(lambda rng: (rng.uniform(4.0, 14.0), AnswerKind.PERSON), 200)
    law = known.answers.last_law()
    assert law.quantiles_s(5) == pytest.approx(floats((5.0, 7.0, 9.0, 11.0, 13.0)), abs=0.6)
    assert law.mean_s == pytest.approx(9.0, abs=0.3)


def test_a_memory_goes_on() -> None:
    """Through a database: law, refusals, complete calls, hours and trunks."""
    known = stream()
    known.hour = 9
    for known.trunk in ("north", "south"):
        known.run(people(0.2, 0.1), 60)
    known.run(people(0.2, 0.5), 30)
    stored, hours, trunks = msgpack.unpackb(msgpack.packb((known.answers.memory(), *known.answers.shares())))
    again = answers()
    again.recall(stored, hours, trunks, 100.0)
    assert again.last_law().probability == pytest.approx(learnt(known), abs=0.01)
    assert again.refused_share == known.answers.refused_share
    assert (again.complete, again.hour) == (100.0, 9)
    assert again.shares() == (hours, {trunk: pytest.approx(counts) for trunk, counts in trunks.items()})
    assert again.starts.long_run.ended == pytest.approx(100.0)
    assert again.starts.rate_upper(1.64) < 0.5


def test_a_memory_of_calls_of_which_none_was_refused_goes_on() -> None:
    """It is as sure as it was."""
    again = answers()
    again.recall({**known_answers(), "refused": [0.0, 50.0]}, {}, {}, 100.0)
    assert again.memory()["refused"] == [0.0, 50.0]


def test_no_hour_and_no_trunk_weighs_more_than_its_memory() -> None:
    """And an answered count is one of the ended."""
    again = answers()
    again.recall(
        known_answers(), {"9": [1e6, 2e6], "25": [1.0, 2.0]}, {"north": [9.0, 3.0], "south": [1e6, 2e6]}, 100.0
    )
    assert again.shares() == (
        {"9": [MEMORY_HOUR / 2, MEMORY_HOUR]},
        {"north": [3.0, 3.0], "south": [MEMORY_TRUNK / 2, MEMORY_TRUNK]},
    )


@examples(max_examples=60)
@given(observations(), st.lists(st.floats(0.0, 60.0), max_size=20))
def test_whatever_happens_the_law_stays_a_law(seen: tuple[Observation, ...], ages_s: list[float]) -> None:
    """Probabilities stay inside 0..1, what is expected rises with the age, and a memory of it is the same again."""
    known = answers()
    for one in seen:
        if isinstance(one, CallAnswered):
            known.answered(one.at, one.ring_s, one.kind, one.trunk)
        elif isinstance(one, CallFailed):
            known.failed(one.at, one.ring_s, one.trunk)
        known.look(snapshot(now=one.at, ringing_age_s=tuple(ages_s)))
    now = seen[-1].at + 100.0 if seen else 100.0
    known.look(snapshot(now=now))
    law = known.law(now, floats(()))
    assert 0.0 < law.probability < 1.0
    assert 0.0 <= known.refused_share <= MOST_REFUSED
    assert known.doubt >= 1.0
    assert np.all(np.diff(known.cumulative) >= 0.0)
    again = answers()
    hours, trunks = known.shares()
    again.recall(known.memory(), hours, trunks, 100.0)
    assert again.shares() == (hours, {trunk: pytest.approx(counts) for trunk, counts in trunks.items()})
    assert 0.0 < again.last_law().probability < 1.0
