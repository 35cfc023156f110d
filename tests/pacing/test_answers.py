"""The answer rate is learnt slowly while it is steady, at once when it jumps, and by hour and trunk with evidence."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given

from pacing.answers import EVIDENCE_HOUR, EVIDENCE_TRUNK, FURTHEST_ODDS, MEMORY_CALLS, MOST_TRUNKS, Answers, Tally
from pacing.compiled import floats
from pacing.face import CallAnswered, CallFailed, Observation
from tests.pacing.cases import observations


def answers() -> Answers:
    return Answers(25.0, 0.3, 11.0, 10.0)


def call(learnt: Answers, rng: random.Random, rate: float, count: int, trunk: str = "") -> None:
    """So many calls at an answer rate."""
    for _ in range(count):
        answered = rng.random() < rate
        learnt.observe(answered, 9.0 if answered else 25.0, trunk)


def test_a_tally_is_the_share_of_the_newest() -> None:
    """Old trials fade, and nothing is ever certain."""
    tally = Tally(100.0)
    assert tally.probability == 0.3
    for i in range(2000):
        tally.observe(i < 1000)
    assert tally.finished == pytest.approx(100.0, rel=0.01)
    assert tally.probability == 0.002
    assert tally.odds == pytest.approx(0.002 / 0.998)


@pytest.mark.parametrize(("before", "after", "usual", "seldom"), [(0.1, 0.3, 60, 100), (0.3, 0.1, 100, 160)])
def test_a_rate_that_jumps_is_noticed_within_a_hundred_calls(
    before: float, after: float, usual: int, seldom: int
) -> None:
    """Most of the way from a tenth to three tenths is gone after a minute's calls; a fall shows a little later."""
    needed = []
    for seed in range(30):
        learnt, rng = answers(), random.Random(seed)
        call(learnt, rng, before, 1500)
        count = 0
        while abs(learnt.probability - after) > 0.08 and count < 1000:
            call(learnt, rng, after, 1)
            count += 1
        needed.append(count)
    assert np.median(needed) <= usual
    assert np.quantile(needed, 0.9) <= seldom


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3, 0.6])
def test_a_steady_rate_is_not_mistaken_for_a_jump(rate: float) -> None:
    """Not more than once in 20,000 calls; and what is learnt stays near the truth."""
    learnt, rng, mistaken = answers(), random.Random(4), 0
    call(learnt, rng, rate, 200)
    for _ in range(20_000):
        weight = learnt.finished
        call(learnt, rng, rate, 1)
        mistaken += learnt.finished < weight - 5.0
    assert mistaken <= 1
    assert learnt.probability == pytest.approx(rate, abs=0.05)


def test_a_slow_drift_is_followed() -> None:
    """After three memories at a new answer rate the old one is forgotten."""
    learnt, rng = answers(), random.Random(1)
    for rate in (0.4, 0.3, 0.25):
        call(learnt, rng, rate, int(3 * MEMORY_CALLS))
        assert learnt.probability == pytest.approx(rate, abs=0.04)


def day_by_hours(*, calls: int) -> Answers:
    """Two days: three in ten answer at nine, one in five at ten; it is ten now."""
    learnt, rng = answers(), random.Random(1)
    for hour, rate in ((9, 0.3), (10, 0.2)) * 2:
        learnt.turn_to(hour)
        call(learnt, rng, rate, calls)
    return learnt


def test_the_hour_moves_the_rate_as_it_did_before() -> None:
    """With evidence of both hours it is as if the new hour's calls had been seen, with half the certainty."""
    learnt = day_by_hours(calls=600)
    before = learnt.probability
    assert before == pytest.approx(0.2, abs=0.05)
    sure = learnt.finished
    learnt.turn_to(9)
    assert learnt.probability == pytest.approx(0.3, abs=0.06)
    assert learnt.finished == pytest.approx(sure / 2)
    moved = learnt.probability
    learnt.turn_to(9)
    assert learnt.probability == moved


@pytest.mark.parametrize("hour", [9, 11, -1])
def test_an_hour_without_evidence_moves_nothing(hour: int) -> None:
    """Few calls in one of the hours, an hour never seen, an hour not known."""
    learnt = day_by_hours(calls=int(0.4 * EVIDENCE_HOUR) if hour == 9 else 600)
    before = learnt.probability
    learnt.turn_to(hour)
    assert learnt.probability == before


def test_the_turn_of_the_hour_is_no_surprise() -> None:
    """Calls of the hour before say nothing against what is known of this one: the moved rate stays."""
    learnt, rng = answers(), random.Random(1)
    for hour, rate in ((9, 0.3), (10, 0.1)) * 2:
        learnt.turn_to(hour)
        call(learnt, rng, rate, 400)
    learnt.turn_to(9)
    assert learnt.probability == pytest.approx(0.3, abs=0.06)
    call(learnt, rng, 0.3, 5)
    assert learnt.probability == pytest.approx(0.3, abs=0.08)


def test_an_hour_moves_the_odds_only_so_far() -> None:
    """However different the hours were."""
    learnt, rng = answers(), random.Random(1)
    for hour, rate in ((9, 0.02), (10, 0.8)) * 2:
        learnt.turn_to(hour)
        call(learnt, rng, rate, 600)
    odds = learnt.calls.odds
    learnt.turn_to(9)
    assert learnt.calls.odds == pytest.approx(odds / FURTHEST_ODDS)


def two_trunks(north: float, south: float, calls: int = 200) -> Answers:
    learnt, rng = answers(), random.Random(3)
    for _ in range(calls):
        call(learnt, rng, north, 1, "north")
        call(learnt, rng, south, 1, "south")
    return learnt


def test_trunks_differ_with_evidence() -> None:
    """One that answers far less has smaller odds, the other larger ones, both within bounds."""
    learnt = two_trunks(0.4, 0.1)
    assert 1.0 / FURTHEST_ODDS <= learnt.odds_of("south") < 0.7
    assert 1.3 < learnt.odds_of("north") <= FURTHEST_ODDS


def test_trunks_are_alike_without_evidence() -> None:
    """Few calls, a difference that is chance, a trunk never seen, or one trunk only."""
    few = two_trunks(0.4, 0.1, int(0.8 * EVIDENCE_TRUNK))
    alike = two_trunks(0.3, 0.3)
    alone, rng = answers(), random.Random(3)
    call(alone, rng, 0.3, 300)
    call(alone, rng, 0.05, 300, "north")
    assert [few.odds_of("north"), few.odds_of("south")] == [1.0, 1.0]
    assert [alike.odds_of("north"), alike.odds_of("south"), alike.odds_of("west"), alike.odds_of("")] == [1.0] * 4
    assert alone.odds_of("north") == 1.0


def test_names_of_trunks_are_limited() -> None:
    """A dialer that names a trunk anew for each call does not fill the memory."""
    learnt = answers()
    for i in range(2 * MOST_TRUNKS):
        learnt.observe(True, 9.0, f"trunk {i}")
    assert len(learnt.trunks) == MOST_TRUNKS


def test_times_to_answer_give_equally_likely_horizons() -> None:
    """The horizons are quantiles of the learnt time to answer."""
    learnt = answers()
    for i in range(3000):
        learnt.observe(True, 4.0 + (i % 10))
    assert learnt.quantiles_s(5) == pytest.approx(floats((5.0, 7.0, 9.0, 11.0, 13.0)), abs=0.6)
    assert learnt.mean_s == pytest.approx(8.75, abs=0.2)


@given(observations())
def test_whatever_happens_the_curves_stay_curves(seen: tuple[Observation, ...]) -> None:
    """Probabilities stay inside 0..1, cumulative curves rise to 1, answered calls are finished calls."""
    learnt = answers()
    for one in seen:
        if isinstance(one, CallAnswered | CallFailed):
            learnt.observe(isinstance(one, CallAnswered), one.ring_s, one.trunk)
    assert 0.0 < learnt.probability < 1.0
    for cdf in (learnt.answer_cdf(), learnt.failure_cdf()):
        assert np.all(np.diff(cdf) >= 0.0)
        assert cdf[-1] == pytest.approx(1.0)
    hours, trunks = learnt.shares()
    again = answers()
    again.recall(learnt.memory(), hours, trunks, 100.0)
    assert again.probability == pytest.approx(learnt.probability)
    assert again.shares()[1] == {trunk: pytest.approx(counts) for trunk, counts in trunks.items()}
