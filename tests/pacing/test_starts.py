"""Calls count by when they began, and only once all that began with them have had their time."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacing.learning.starts import (
    BLOCK_S,
    PATIENCE_S,
    PEAK_S,
    RECENT_CALLS,
    RECENT_S,
    SLOT_S,
    Count,
    Slot,
    Starts,
    wilson,
)

TIMEOUT_S = 25.0
ONE = 1.64
some_calls = st.lists(
    st.tuples(st.floats(0.0, 200.0), st.floats(0.0, TIMEOUT_S + PATIENCE_S), st.booleans(), st.sampled_from("ns")),
    max_size=60,
)


def starts() -> Starts:
    return Starts(TIMEOUT_S)


def slots(known: Starts, rates: list[float], per_slot: int = 10, begun_s: float = 0.0) -> float:
    """Slots with such answer rates, one after another, all ripe in the end; and what time it is then."""
    for number, rate in enumerate(rates):
        for i in range(per_slot):
            known.ended(begun_s + SLOT_S * number, i < round(rate * per_slot), "")
        known.ripen(begun_s + SLOT_S * (number + 1) + TIMEOUT_S + PATIENCE_S)
    return begun_s + SLOT_S * len(rates)


@given(some_calls)
def test_a_slot_counts_when_every_call_in_it_can_have_ended(calls: list[tuple[float, float, bool, str]]) -> None:
    """Each slot once, with all of its calls, by trunk, and no sooner than a ring time after its end."""
    known, ripe = starts(), list[Slot]()
    ends = sorted((began_at + ring_s, began_at, answered, trunk) for began_at, ring_s, answered, trunk in calls)
    for second in range(260):
        while ends and ends[0][0] <= second:
            _, began_at, answered, trunk = ends.pop(0)
            known.ended(began_at, answered, trunk)
        found = known.ripen(float(second))
        assert all(slot.began_at + SLOT_S + TIMEOUT_S + PATIENCE_S <= second for slot in found)
        ripe += found
    assert [slot.began_at for slot in ripe] == sorted({SLOT_S * math.floor(call[0] / SLOT_S) for call in calls})
    for slot in ripe:
        within = [call for call in calls if slot.began_at == SLOT_S * math.floor(call[0] / SLOT_S)]
        assert slot.all == Count(sum(call[2] for call in within), len(within))
        for trunk, count in slot.trunks.items():
            assert count == Count(sum(c[2] for c in within if c[3] == trunk), sum(c[3] == trunk for c in within))
    assert known.complete == len(calls)
    assert not known.open


def test_answers_that_come_first_do_not_count_first() -> None:
    """Of a hundred calls that begin at once, thirty are answered: until the others had their time nothing is said."""
    known = starts()
    for _ in range(30):
        known.ended(0.0, True, "")
    assert known.ripen(TIMEOUT_S) == []
    assert (known.complete, known.rate_upper(ONE)) == (0.0, 1.0)
    for _ in range(70):
        known.ended(0.0, False, "")
    assert known.ripen(SLOT_S + TIMEOUT_S + PATIENCE_S - 0.1) == []
    assert [slot.all for slot in known.ripen(SLOT_S + TIMEOUT_S + PATIENCE_S + 1.0)] == [Count(30.0, 100.0)]
    assert known.rate_upper(0.0001) == pytest.approx(0.3, abs=0.001)


def test_a_call_that_ends_far_too_late_counts_by_itself() -> None:
    """Its slot has been counted; nothing is lost and nothing counted twice."""
    known = starts()
    known.ended(0.0, False, "")
    known.ripen(100.0)
    known.ended(0.0, True, "")
    assert [slot.all for slot in known.ripen(200.0)] == [Count(1.0, 1.0)]
    assert known.complete == 2.0


# --- bounds ------------------------------------------------------------------------------------------------------


@given(st.integers(1, 5000), st.floats(0.0, 1.0), st.floats(0.05, 4.0))
def test_wilson_is_where_the_observed_share_is_so_many_errors_away(ended: int, share: float, errors: float) -> None:
    """The ends of the interval solve |share - p| = errors * sqrt(p (1 - p) / n), and hold the share between them."""
    answered = round(share * ended)
    observed = answered / ended
    for sign in (1.0, -1.0):
        p = wilson(answered, ended, sign * errors)
        assert 0.0 <= p <= 1.0
        assert sign * (p - observed) >= -1e-9
        assert abs(p - observed) == pytest.approx(errors * math.sqrt(p * (1.0 - p) / ended), abs=1e-6)


@given(st.integers(1, 1000), st.integers(0, 1000), st.floats(0.1, 3.0))
def test_wilson_rises_with_the_answers_and_narrows_with_the_calls(ended: int, answered: int, errors: float) -> None:
    """And widens with the errors."""
    answered = min(answered, ended)
    for sign in (1.0, -1.0):
        assert wilson(answered, ended, sign * errors) <= wilson(answered + 1, ended + 1, sign * errors) + 1e-12
    upper, lower = wilson(answered, ended, errors), wilson(answered, ended, -errors)
    assert wilson(4 * answered, 4 * ended, errors) - wilson(4 * answered, 4 * ended, -errors) < upper - lower + 1e-12
    assert lower >= wilson(answered, ended, -2.0 * errors) - 1e-12
    assert upper <= wilson(answered, ended, 2.0 * errors) + 1e-12


def test_wilson_knows_nothing_without_calls() -> None:
    """Everything is possible."""
    assert (wilson(0.0, 0.0, 1.0), wilson(0.0, 0.0, -1.0)) == (1.0, 0.0)


def test_wilson_holds_the_truth_as_often_as_it_says() -> None:
    """One sided, at 1.64 errors: about nineteen times in twenty, at small rates too."""
    rng = random.Random(1)
    for rate in (0.03, 0.2, 0.5):
        above = sum(wilson(sum(rng.random() < rate for _ in range(100)), 100.0, ONE) >= rate for _ in range(1500))
        assert 0.92 <= above / 1500 <= 0.99


def test_the_upper_bound_is_of_the_newest_calls() -> None:
    """Two hundred of them, and a minute at least; older ones are dropped, but no newer."""
    known = starts()
    now = slots(known, [0.5] * 40, per_slot=20)
    assert known.rate_upper(ONE) == pytest.approx(wilson(known.pool.answered, known.pool.ended, ONE))
    slots(known, [0.3] * 40, per_slot=20, begun_s=now)
    assert known.pool.answered == pytest.approx(0.3 * known.pool.ended)
    assert RECENT_CALLS <= known.pool.ended <= 20 * (RECENT_S + TIMEOUT_S + PATIENCE_S) / SLOT_S
    assert known.rate_upper(ONE) == pytest.approx(wilson(0.3 * known.pool.ended, known.pool.ended, ONE))


def test_of_slow_calls_two_hundred_are_kept() -> None:
    """One slot may go when as many are left without it."""
    known = starts()
    slots(known, [0.4] * 80, per_slot=5)
    assert RECENT_CALLS <= known.pool.ended < RECENT_CALLS + 5


def test_few_calls_are_kept_until_there_are_enough() -> None:
    """However old, and the bound is the wider."""
    known = starts()
    slots(known, [0.5] * 10, per_slot=10)
    known.ripen(1e6)
    assert known.pool == Count(50.0, 100.0)
    assert known.rate_upper(ONE) > 0.55


def test_the_upper_bound_is_never_below_half_of_the_long_run() -> None:
    """A trunk that answers nothing for five minutes may answer again with the next call."""
    known = starts()
    now = slots(known, [0.4] * 200, per_slot=20)
    slots(known, [0.0] * 60, per_slot=20, begun_s=now)
    assert known.pool.answered == 0.0
    assert 0.12 < known.rate_upper(ONE) <= 0.2
    assert known.rate_upper(ONE) == 0.5 * known.long_run.answered / known.long_run.ended


def bounds(known: Starts) -> tuple[float, ...]:
    return known.rate_upper(ONE), known.rate_upper(0.5), known.rate_peak(), known.rate_peak(ONE, 60.0)


@given(some_calls, st.integers(0, 259))
def test_a_bound_follows_what_has_become_complete(calls: list[tuple[float, float, bool, str]], assumed: int) -> None:
    """Whoever asks at every moment is told what one is told who asks for the first time."""
    asked, fresh = starts(), starts()
    ends = sorted((began_at + ring_s, began_at, answered, trunk) for began_at, ring_s, answered, trunk in calls)
    for second in range(260):
        while ends and ends[0][0] <= second:
            _, began_at, answered, trunk = ends.pop(0)
            for known in (asked, fresh) * 10:  # enough of them for the oldest to be dropped
                known.ended(began_at, answered, trunk)
        for known in (asked, fresh):
            known.ripen(float(second))
            if second == assumed:
                known.assume(Count(40.0, 300.0))
        assert bounds(asked) == bounds(replace(fresh, _bounds={}))


def test_what_an_earlier_run_knew_is_taken_for_the_newest() -> None:
    """Until two hundred calls of this run are complete."""
    known = starts()
    known.long_run = Count(30.0, 100.0)
    known.assume(known.long_run)
    assert known.rate_upper(ONE) == pytest.approx(wilson(30.0, 100.0, ONE))
    slots(known, [0.1] * 30, per_slot=20)
    assert known.pool.answered == pytest.approx(0.1 * known.pool.ended)


def test_the_peak_is_the_highest_half_minute_as_far_as_it_is_no_chance() -> None:
    """One busy half minute stands out for a quarter of an hour; a single answer of one call does not."""
    known = starts()
    assert known.rate_peak() == 0.0
    now = slots(known, [0.1] * 24)
    calm = known.rate_peak()
    assert calm == pytest.approx(wilson(0.1 * 60.0, 60.0, -1.0))
    now = slots(known, [0.6] * int(BLOCK_S / SLOT_S), begun_s=now)
    assert known.rate_peak() == pytest.approx(wilson(36.0, 60.0, -1.0))
    now = slots(known, [0.1] * int(0.9 * PEAK_S / SLOT_S), begun_s=now)
    assert known.rate_peak() == pytest.approx(wilson(36.0, 60.0, -1.0))
    slots(known, [0.1] * int(0.2 * PEAK_S / SLOT_S), begun_s=now)
    assert known.rate_peak() == pytest.approx(calm)
    alone = starts()
    slots(alone, [1.0], per_slot=1)
    assert alone.rate_peak() <= 0.5


def test_a_peak_may_be_asked_for_of_late_only_and_with_less_trust() -> None:
    """An older half minute does not count then, and more errors down is lower."""
    known = starts()
    now = slots(known, [0.6] * int(BLOCK_S / SLOT_S))
    slots(known, [0.1] * int(0.5 * PEAK_S / SLOT_S), begun_s=now)
    assert known.rate_peak(1.0, 0.4 * PEAK_S) < 0.2
    assert known.rate_peak(2.0) == pytest.approx(wilson(36.0, 60.0, -2.0))
    assert known.rate_peak(2.0) < known.rate_peak(1.0)
