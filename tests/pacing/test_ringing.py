"""The law of what becomes of ringing calls is right while most of them still ring."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacing.compiled import floats
from pacing.kernels import RING_BIN_S
from pacing.learning.answers import MEMORY_CALLS
from pacing.learning.ringing import CAUSES, FAILED, MACHINE, NAMES, PERSON, TRACE, Law, Ringing, bin_counts, incidence
from tests.pacing import naive
from tests.pacing.cases import junk

BINS = 6
Fate = tuple[float, int]
"""How long a call rings, and how it ends."""

ended_calls = st.lists(st.tuples(st.integers(0, CAUSES - 1), st.integers(0, BINS - 1)), max_size=25)
running_calls = st.lists(st.integers(0, BINS - 1), max_size=25)


def ringing(prior: float = 10.0) -> Ringing:
    return Ringing(25.0, 0.3, 11.0, MEMORY_CALLS, prior)


def people(rate: float) -> Callable[[random.Random], Fate]:
    """Answers after 5 to 15 s, time-outs all at once."""
    return lambda rng: (rng.uniform(5.0, 15.0), PERSON) if rng.random() < rate else (25.0, FAILED)


def humps(rng: random.Random) -> Fate:
    """People answer early, machines late."""
    drawn = rng.random()
    if drawn < 0.15:
        return rng.uniform(5.0, 12.0), PERSON
    return (rng.uniform(15.0, 24.5), MACHINE) if drawn < 0.4 else (25.0, FAILED)


def lump(law: Ringing, calls: Sequence[Fate], seconds: int) -> list[Law]:
    """All calls begin at once; the law after every second."""
    laws = []
    for second in range(1, seconds + 1):
        for ring_s, cause in sorted(calls):
            if second - 1 < ring_s <= second:
                law.observe(ring_s, ring_s, cause)
        ages_s = tuple(float(second) for ring_s, _ in calls if ring_s > second)
        law.look(float(second), len(ages_s))
        laws.append(law.law(float(second), ages_s))
    return laws


# --- the estimate ------------------------------------------------------------------------------------------------


def counted(ended: list[tuple[int, int]], running: list[int]) -> tuple[np.ndarray, np.ndarray]:
    events, within = np.zeros((CAUSES, BINS)), np.zeros(BINS)
    for cause, bin_ in ended:
        events[cause, bin_] += 1.0
    for bin_ in running:
        within[bin_] += 1.0
    return events, within


@given(ended_calls, running_calls)
def test_the_incidence_agrees_with_its_twin(ended: list[tuple[int, int]], running: list[int]) -> None:
    """Call by call, ended and running: what still rings, answers of any kind, answers of people."""
    still, answers, persons, variance = incidence(*counted(ended, running))
    expected_still, came = naive.incidence(ended, running, CAUSES, BINS)
    assert still == pytest.approx(np.array(expected_still), abs=1e-9)
    assert persons == pytest.approx(np.array(came[PERSON]), abs=1e-9)
    assert answers == pytest.approx(np.array(came[PERSON]) + np.array(came[MACHINE]), abs=1e-9)
    assert variance >= 0.0


@given(ended_calls.filter(bool))
def test_without_running_calls_it_is_a_share(ended: list[tuple[int, int]]) -> None:
    """Answered over all, and its variance p (1 - p) / n."""
    _, answers, persons, variance = incidence(*counted(ended, []))
    n, answered = len(ended), sum(1 for cause, _ in ended if cause != FAILED)
    assert answers[-1] == pytest.approx(answered / n)
    assert persons[-1] == pytest.approx(sum(1 for cause, _ in ended if cause == PERSON) / n)
    assert variance == pytest.approx(answered / n * (1.0 - answered / n) / n, abs=1e-12)


def test_who_stands_in_a_bin_counts_half_in_its_variance() -> None:
    """Ten of twenty are answered within the first bin and ten are still in it: ten of fifteen, with the variance of a
    share of fifteen."""
    events, within = counted([(PERSON, 0)] * 10, [0] * 10)
    _, answers, _, variance = incidence(events, within)
    assert answers[1] == pytest.approx(10.0 / 15.0)
    assert variance == pytest.approx(10.0 / 15.0 * 5.0 / 15.0 / 15.0)


def test_the_variance_is_that_of_many_replications() -> None:
    """Half of the calls are cut off at an age that has nothing to do with their fate."""
    found, variances = [], []
    for seed in range(800):
        rng = random.Random(seed)
        calls = [humps(rng) for _ in range(150)]
        cut_s = [rng.uniform(2.0, 45.0) for _ in calls]
        ends = [(cause, int(ring_s)) for (ring_s, cause), cut in zip(calls, cut_s, strict=True) if ring_s <= cut]
        runs = [int(cut) for (ring_s, _), cut in zip(calls, cut_s, strict=True) if ring_s > cut]
        events, within = np.zeros((CAUSES, 30)), np.zeros(30)
        np.add.at(events, tuple(np.array(ends).T), 1.0)
        np.add.at(within, np.array(runs), 1.0)
        _, answers, _, variance = incidence(events, within)
        found.append(answers[-1])
        variances.append(variance)
    assert np.mean(found) == pytest.approx(0.4, abs=0.005)
    assert np.mean(variances) == pytest.approx(np.var(found), rel=0.15)


def test_before_anything_is_seen_answers_come_as_those_of_a_plausible_campaign() -> None:
    """Eleven seconds on average, lognormal with half of that as deviation; ages far beyond the time-out are known."""
    law = ringing()
    assert law.law().quantiles_s(3) == pytest.approx(np.array([6.2, 9.8, 15.5]), abs=0.6)
    assert law.edges_s[-1] > 1.5 * 25.0 + 9.0


# --- cold starts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.4])
def test_a_lump_of_calls_is_judged_without_bias_at_every_second(rate: float) -> None:
    """A hundred calls begin at once, nothing is known before: the truth stays within two standard errors, always.

    Counted by ends it would be said that nearly all are answered, until the time-outs come.
    """
    replications = 120
    off, inside = np.zeros(30), np.zeros(30)
    for seed in range(replications):
        rng = random.Random(seed)
        calls = [people(rate)(rng) for _ in range(100)]
        for second, law in enumerate(lump(ringing(), calls, 30)):
            off[second] += (law.answers[-1] - rate) / replications
            inside[second] += (abs(law.answers[-1] - rate) <= 2.0 * law.error) / replications
    # The prior is ten calls at 0.3 and all that is known at first; then its tenth of the weight remains.
    prior = abs(0.3 - rate)
    assert np.all(np.abs(off) <= max(prior, 0.04) * 1.25)
    assert np.all(np.abs(off[25:]) <= 0.1 * prior + 0.01)
    assert inside.min() >= 0.9
    by_ends = (3.0 + 100.0 * rate) / (10.0 + 100.0 * rate)
    assert by_ends - rate > 3.0 * off[14]  # the worst moment of the other way to count


def test_ages_nobody_has_reached_are_not_sure() -> None:
    """The error is widest at first and shrinks with the ages that are known."""
    rng = random.Random(1)
    calls = [people(0.2)(rng) for _ in range(100)]
    errors = [law.error for law in lump(ringing(), calls, 30)]
    assert errors[0] > 0.1
    assert errors[0] > errors[10] > errors[20] > errors[29]
    assert errors[29] == pytest.approx(np.sqrt(0.2 * 0.8 / 110.0), rel=0.2)


def test_two_humps_are_both_learnt() -> None:
    """People and machines apart; the times to answer of a new call are those of people alone."""
    rng, off, inside = random.Random(5), np.zeros(30), np.zeros(30)
    for _ in range(60):
        laws = lump(ringing(), [humps(rng) for _ in range(100)], 30)
        off += [(one.answers[-1] - 0.4) / 60.0 for one in laws]
        inside += [(abs(one.answers[-1] - 0.4) < 2.0 * one.error) / 60.0 for one in laws]
    # The prior knows of no machines: until they come, only the count of complete calls holds a pacer back.
    assert np.all((off > -0.2) & (off < 0.02))
    assert abs(off[29]) < 0.02
    assert inside[23:].min() >= 0.85
    law, late = ringing(), []
    for _ in range(20):
        late = lump(law, [humps(rng) for _ in range(100)], 30)
    assert late[-1].person == pytest.approx(0.15, abs=0.04)
    assert late[-1].probability == pytest.approx(0.4, abs=0.05)
    times_s = late[-1].quantiles_s(8)
    assert np.all((times_s > 4.0) & (times_s < 13.5))
    assert late[-1].mean_s == pytest.approx(8.5, abs=0.6)


def flow(law: Ringing, per_s: int, seconds: int, fates: Callable[[random.Random], Fate]) -> tuple[float, ...]:
    """Calls begin every second; the ages of those that ring in the end."""
    rng, running = random.Random(2), list[tuple[float, float, int]]()
    for second in range(seconds):
        running += [(second + ring_s, float(second), cause) for ring_s, cause in (fates(rng) for _ in range(per_s))]
        running.sort()
        while running[0][0] <= second + 1.0:
            at, began_at, cause = running.pop(0)
            law.observe(at, at - began_at, cause)
        law.look(second + 1.0, len(running))
    return tuple(seconds - began_at for _, began_at, _ in running)


def test_a_large_flow_is_judged_without_bias() -> None:
    """Twenty calls a second and a memory of not much more than those that ring: the rate is the true one."""
    law = ringing()
    ages_s = flow(law, 20, 300, people(0.2))
    assert len(ages_s) > 400
    assert law.law(300.0, ages_s).probability == pytest.approx(0.2, abs=0.035)


# --- moves and corrections -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [0.5, 0.05])
def test_a_move_discounts_ended_and_ringing_calls_alike(kept: float) -> None:
    """Less sure, and else as before: were ringing calls spared, they would outweigh the answers that are known."""
    law = ringing()
    ages_s = flow(law, 20, 120, people(0.3))
    before = law.law(120.0, ages_s)
    law.move(1.0, kept)
    after = law.law(120.0, ages_s)
    assert after.answers == pytest.approx(before.answers, abs=0.01)
    assert after.still == pytest.approx(before.still, abs=0.03)
    assert after.calls == pytest.approx(kept * before.calls)
    assert after.error == pytest.approx(before.error / np.sqrt(kept), rel=0.3)
    assert law.forgetting.of_one(119.5) == pytest.approx(kept, rel=0.05)


@pytest.mark.parametrize("level", [0.25, 0.5, 2.0])
def test_a_move_changes_the_answers_by_its_level(level: float) -> None:
    """So many times as many are answered, at the same ages, and the others fail."""
    law = ringing()
    flow(law, 4, 400, people(0.2))
    before, total = law.law(), law.events.sum()
    law.move(level, 1.0)
    after = law.law()
    assert after.probability == pytest.approx(level * before.probability, rel=0.02)
    assert after.mean_s == pytest.approx(before.mean_s, rel=0.02)
    assert law.events.sum() == pytest.approx(total)
    assert np.all(law.events >= 0.0)


def test_the_more_are_answered_after_a_move_the_fewer_fail_but_some_do() -> None:
    """However far it is moved."""
    law = ringing()
    flow(law, 4, 400, people(0.4))
    law.move(8.0, 0.1)
    assert 0.8 < law.law().probability <= 0.99
    assert law.events[FAILED].sum() > 0.0


def test_a_correction_moves_one_call_with_its_weight() -> None:
    """From person to machine, in its bin, as much of it as is remembered; twice in all is no more than was there."""
    law = ringing()
    law.look(0.0, 1)
    law.observe(8.2, 8.2, PERSON)
    for i in range(300):
        law.look(10.0 + i, 1)
        law.observe(10.0 + i, 25.0, FAILED)
    remembered, total = law.events[PERSON].sum(), law.events.sum()
    assert remembered == pytest.approx(np.exp(-301 / MEMORY_CALLS), rel=0.01)
    law.correct(8.2, 8.2, PERSON, MACHINE)
    assert law.events[PERSON].sum() == pytest.approx(0.0, abs=1e-9)
    assert law.events[MACHINE, law.bin_of(8.2)] == pytest.approx(remembered)
    assert law.events.sum() == pytest.approx(total)
    assert law.seen == [0, 1, 300]
    law.correct(8.2, 8.2, PERSON, MACHINE)
    assert law.events.sum() == pytest.approx(total)
    assert law.events.min() >= 0.0


def test_forgetting_keeps_a_trace_of_the_prior() -> None:
    """After ten thousand time-outs the rate is all but nought, and ages nobody reaches still have a law."""
    law = ringing()
    for i in range(10_000):
        law.look(float(i), 1)
        law.observe(float(i), 25.0, FAILED)
    assert law.prior_weight == TRACE
    assert law.law().probability < 0.003
    assert np.all(np.diff(law.law().answers) >= 0.0)


def test_ages_beyond_the_last_bin_are_in_it() -> None:
    """A trunk that rings on past its time-out breaks nothing, nor does an age below nought."""
    law = ringing()
    law.observe(500.0, 400.0, PERSON)
    law.observe(501.0, -1.0, FAILED)
    assert law.events[PERSON, -1] > 0.0
    assert law.events[FAILED, 0] > 0.0
    assert law.bin_of(RING_BIN_S) == 1
    assert list(bin_counts(floats((1000.0, -3.0, RING_BIN_S)), 3)) == [1.0, 1.0, 1.0]
    shown = law.law(501.0, (1000.0, -3.0))
    assert shown.person > law.law().people[-2]
    assert 0.0 <= shown.answers[-1] <= 1.0
    assert np.all(np.isfinite(shown.still))


calls = st.lists(
    st.tuples(st.floats(0.0, 3.0), st.floats(0.0, 300.0), st.integers(0, CAUSES - 1)), min_size=1, max_size=40
)


@given(calls, st.lists(st.floats(0.0, 100.0), max_size=20), st.floats(0.25, 8.0), st.floats(0.01, 1.0))
def test_whatever_happens_the_law_stays_a_law(
    happened: list[tuple[float, float, int]], ages_s: list[float], level: float, kept: float
) -> None:
    """Shares in 0..1, answers rise, what rings falls, people are some of those who answer, the bound is above."""
    law, now = ringing(), 0.0
    for i, (passed_s, ring_s, cause) in enumerate(happened):
        now += passed_s
        law.observe(now, ring_s, cause)
        law.look(now, len(ages_s))
        if i == len(happened) // 2:
            law.move(level, kept)
            law.correct(now, ring_s, cause, MACHINE)
    shown = law.law(now, tuple(ages_s))
    assert np.all(np.diff(shown.answers) >= -1e-12)
    assert np.all(np.diff(shown.still) <= 1e-12)
    assert np.all((shown.still >= 0.0) & (shown.answers <= 1.0 + 1e-9))
    assert np.all(shown.people <= shown.answers + 1e-12)
    assert np.all(shown.still + shown.answers <= 1.0 + 1e-9)
    assert np.isfinite(shown.error)
    assert shown.upper(1.0) >= shown.upper(0.0) == pytest.approx(1.0)
    assert shown.probability * shown.upper(50.0) <= 1.0 + 1e-9
    assert np.all(np.diff(shown.quantiles_s(8)) >= 0.0)


# --- memory --------------------------------------------------------------------------------------------------------


def test_a_remembered_law_goes_on() -> None:
    """Through a database and back it says the same; a hundred calls of it at most, and it is soon outweighed."""
    first = ringing()
    flow(first, 4, 400, humps)
    stored = msgpack.unpackb(msgpack.packb(first.memory()))
    again = ringing()
    again.recall(stored, 100.0)
    assert again.law().answers == pytest.approx(first.law().answers, abs=0.01)
    assert again.law().people == pytest.approx(first.law().people, abs=0.01)
    assert again.law().calls == pytest.approx(100.0)
    assert again.seen == [100, 100, 100]
    assert ringing().memory()["person"] == [0.0] * ringing().edges_s.size


@pytest.mark.parametrize("seconds", [16, 300], ids=["cold", "for a while"])
def test_a_memory_amid_a_flow_is_not_of_the_first_to_end(seconds: int) -> None:
    """Whoever goes on from it knows the rate as it was known, not that of the calls that had ended: mostly answers."""
    first, again = ringing(), ringing()
    ages_s = flow(first, 20, seconds, people(0.2))
    known = first.law(float(seconds), ages_s)
    again.recall(first.memory(float(seconds), ages_s), 100.0)
    assert again.law().probability == pytest.approx(known.probability, abs=0.01)
    assert again.law().mean_s == pytest.approx(known.mean_s, abs=0.5)
    assert again.law().calls == pytest.approx(100.0, rel=0.1)


def test_another_ring_timeout_begins_anew() -> None:
    """Its ages are others."""
    first, other = ringing(), Ringing(40.0, 0.3, 11.0, MEMORY_CALLS, 10.0)
    flow(first, 4, 100, humps)
    before = other.law().answers
    other.recall(first.memory(), 100.0)
    assert other.law().answers == pytest.approx(before)


WORKED = ringing()
flow(WORKED, 2, 60, humps)


@given(st.sampled_from([*NAMES, "seen"]), junk)
def test_garbage_is_ignored(name: str, by: Any) -> None:
    """What is no list of counts changes nothing of that which it stands for."""
    again = ringing()
    before = again.law().answers
    again.recall({**WORKED.memory(), name: by}, 100.0)
    if name == "seen":
        assert all(count >= 0 for count in again.seen)
    else:
        assert again.law().answers == pytest.approx(before)
        assert again.seen == [0, 0, 0]
