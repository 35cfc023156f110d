"""Hours of the day and trunks are told apart with evidence, by calls that are complete."""

from __future__ import annotations

import random

import pytest

from pacing.api import AnswerKind
from pacing.learning.answers import EVIDENCE_HOUR, EVIDENCE_TRUNK, FURTHEST_ODDS, MOST_TRUNKS, AnswerModel
from tests.pacing.cases import snapshot
from tests.pacing.stream import TIMEOUT_S, Stream, people

RIPE_S = 45
"""So long after its start a call has surely been counted as complete."""


def stream(seed: int = 1, per_s: float = 4.0) -> Stream:
    return Stream(AnswerModel(TIMEOUT_S, 0.3, 11.0, 10.0), random.Random(seed), per_s)


def learnt(calls: Stream) -> float:
    return calls.answers.last_law().probability


# --- hours -------------------------------------------------------------------------------------------------------


def day_by_hours(seconds: int, rates: tuple[float, float] = (0.3, 0.2)) -> Stream:
    """Two days: so many answer at nine, so many at ten; it is ten now."""
    known = stream()
    for hour, rate in zip((9, 10) * 2, rates * 2, strict=True):
        known.hour = hour
        known.run(people(rate), seconds)
    return known


def turned(known: Stream, hour: int) -> tuple[float, float, float, float]:
    """The rate and the weight of the calls before and after the hour has turned."""
    before = known.answers.last_law()
    ages_s = known.answers.before[1]
    known.answers.look(snapshot(now=known.now, ringing_age_s=ages_s, hour=hour))
    after = known.answers.last_law()
    return before.probability, after.probability, before.calls, after.calls


def test_the_hour_moves_the_rate_as_it_did_before() -> None:
    """With evidence of both hours, and with half the certainty; once."""
    known = day_by_hours(200)
    before, after, sure, unsure = turned(known, 9)
    assert before == pytest.approx(0.2, abs=0.05)
    assert after == pytest.approx(0.3, abs=0.06)
    assert unsure == pytest.approx(sure / 2)
    moves = known.answers.moves
    assert turned(known, 9)[:2] == pytest.approx((after, after))
    assert known.answers.moves == moves


@pytest.mark.parametrize("hour", [9, 11, -1])
def test_an_hour_without_evidence_moves_nothing(hour: int) -> None:
    """Few calls in one of the hours, an hour never seen, an hour not known."""
    known = day_by_hours(int(0.1 * EVIDENCE_HOUR) if hour == 9 else 120)
    before, after, _, _ = turned(known, hour)
    assert after == before


def test_the_turn_of_the_hour_is_no_surprise() -> None:
    """The watch begins anew: calls of the hour before say nothing against the moved rate."""
    known = day_by_hours(200, (0.3, 0.1))
    turned(known, 9)
    assert known.answers.rise.nats == known.answers.fall.nats == 0.0
    moves = known.answers.moves
    known.hour = 9
    known.run(people(0.3), 60)
    assert learnt(known) == pytest.approx(0.3, abs=0.08)
    assert known.answers.moves == moves


def test_an_hour_moves_the_rate_only_so_far() -> None:
    """However different the hours were."""
    known = day_by_hours(200, (0.02, 0.8))
    before, after, _, _ = turned(known, 9)
    assert after == pytest.approx(before / FURTHEST_ODDS, rel=0.05)


def test_hours_and_trunks_count_complete_calls_only() -> None:
    """All that began together are counted together: before their time-outs the answers say nothing."""
    known = stream(1, per_s=0.0)
    known.hour, known.trunk = 9, "north"
    for _ in range(100):
        known.call(people(0.3), 0.0)
    known.run(people(0.3), TIMEOUT_S)
    assert sum(known.answers.ringing.seen) == 100
    assert known.answers.shares() == ({}, {})
    known.run(people(0.3), RIPE_S - TIMEOUT_S)
    answered = known.answers.ringing.seen[0]
    assert known.answers.shares() == ({"9": [answered, 100.0]}, {"north": [answered, 100.0]})
    assert known.answers.complete == 100.0


# --- trunks ------------------------------------------------------------------------------------------------------


def two_trunks(north: float, south: float, seconds: int) -> Stream:
    """Two calls a second over each."""
    known = stream(3, per_s=2.0)
    for _ in range(seconds):
        for known.trunk, rate in (("north", north), ("south", south)):
            known.begin(people(rate))
        known.second()
    known.per_s = 0.0
    known.run(people(0.0), RIPE_S)
    return known


def test_trunks_differ_with_evidence() -> None:
    """One that answers far less has smaller odds, the other larger ones, both within bounds."""
    known = two_trunks(0.4, 0.1, 100)
    odds_of, rate = known.answers.odds_of, learnt(known)
    assert 1.0 / FURTHEST_ODDS <= odds_of("south", rate) < 0.7
    assert 1.3 < odds_of("north", rate) <= FURTHEST_ODDS
    assert odds_of("south", 0.9) == 1.0 / FURTHEST_ODDS
    assert (
        two_trunks(1.0, 0.1, 100).answers.odds_of("north", 0.3) == FURTHEST_ODDS
    )  # all of them, and odds all the same


def test_trunks_are_alike_without_evidence() -> None:
    """Few calls, a difference that is chance, a trunk never seen, or one trunk only."""
    few = two_trunks(0.4, 0.1, int(0.4 * EVIDENCE_TRUNK))
    alike = two_trunks(0.3, 0.3, 100)
    assert [few.answers.odds_of(trunk, learnt(few)) for trunk in ("north", "south")] == [1.0, 1.0]
    assert [alike.answers.odds_of(trunk, learnt(alike)) for trunk in ("north", "south", "west", "")] == [1.0] * 4
    alone = stream(3)
    alone.run(people(0.3), 75)
    alone.trunk = "north"
    alone.run(people(0.05), 75 + RIPE_S)
    assert set(alone.answers.trunks) == {"north"}
    assert alone.answers.odds_of("north", 0.3) == 1.0


def test_names_of_trunks_are_limited() -> None:
    """A dialer that names a trunk anew for each call does not fill the memory."""
    known = AnswerModel(TIMEOUT_S, 0.3, 11.0, 10.0)
    for i in range(2 * MOST_TRUNKS):
        known.answered(9.0, 9.0, AnswerKind.UNKNOWN, f"trunk {i}")
    known.look(snapshot(now=1000.0))
    assert len(known.trunks) == MOST_TRUNKS
