"""A trunk's limits and its breaker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.calls.trunk_load import (
    FAULTS_OF_SHARE,
    FAULTS_TO_OPEN,
    FIRST_REST_S,
    LONGEST_REST_S,
    LONGEST_RETRY_AFTER_S,
    MUTE_ANSWERS_TO_OPEN,
    SHARE_WITHIN_S,
    RestCause,
    TrunkLimits,
    TrunkLoad,
)


@given(
    st.sampled_from([1.0, 2.0, 2.5, 7.0]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 5), st.booleans()), max_size=60),
)
def test_no_window_of_one_second_holds_more_starts_than_the_limit(max_cps, steps):
    """Whatever the rhythm of asking, every second holds at most max_cps starts, and channels are never exceeded."""
    trunk = TrunkLoad(TrunkLimits("north", max_cps, max_calls=10))
    now, starts = 0.0, []
    for pause_ms, wanted, ends in steps:
        now += pause_ms / 1000
        if ends and trunk.calls:
            trunk.end()
        for _ in range(min(wanted, trunk.room(now))):
            trunk.start(now)
            starts.append(now)
        assert trunk.calls <= 10
    for first in starts:
        assert sum(first <= at < first + 0.999999 for at in starts) <= max_cps


def test_a_limit_below_one_call_a_second_spaces_calls_out():
    """0.5 calls a second is one call every two seconds."""
    trunk = TrunkLoad(TrunkLimits("slow", 0.5, max_calls=10))
    trunk.start(10.0)
    assert [trunk.room(at) for at in (10.0, 11.9, 12.0)] == [0, 0, 1]


def test_channels_come_back_and_places_in_the_second_do_not():
    """A call that ends at once frees its channel and keeps its place in the window."""
    trunk = TrunkLoad(TrunkLimits("north", 2.0, max_calls=1))
    trunk.start(10.0)
    assert trunk.room(10.0) == 0
    trunk.end()
    assert trunk.room(10.0) == 1
    trunk.start(10.1)
    trunk.end()
    assert trunk.room(10.9) == 0


@pytest.fixture
def broken():
    """A trunk whose breaker opened at 100."""
    trunk = TrunkLoad(TrunkLimits("north", 10.0, max_calls=10))
    for _ in range(FAULTS_TO_OPEN):
        trunk.failed(100.0, 90.0)
    return trunk


def test_faults_in_a_row_open_the_breaker():
    """One fault fewer does not, and a sign of life between them starts the count anew."""
    trunk = TrunkLoad(TrunkLimits("north", 10.0, max_calls=10))
    for _ in range(FAULTS_TO_OPEN - 1):
        trunk.failed(100.0, 90.0)
    assert trunk.room(100.0) == 10
    trunk.worked(100.0, 90.0)
    for _ in range(FAULTS_TO_OPEN - 1):
        trunk.failed(100.0, 90.0)
    assert trunk.room(100.0) == 10
    trunk.failed(100.0, 90.0)
    assert trunk.room(100.0) == 0


def test_after_the_rest_one_call_probes(broken):
    """One call at a time is let through, whatever other calls still talk on the trunk."""
    broken.calls = 3
    assert broken.room(100.0 + FIRST_REST_S - 0.1) == 0
    assert broken.room(100.0 + FIRST_REST_S) == 1
    broken.start(100.0 + FIRST_REST_S)
    assert broken.room(100.0 + FIRST_REST_S + 0.1) == 0


def test_a_failed_probe_doubles_the_rest_up_to_a_limit(broken):
    """10 s, 20 s, 40 s ... 300 s."""
    rests, now = [], broken.rests_until
    for _ in range(8):
        broken.start(now)
        broken.failed(now, now)
        rests.append(broken.rests_until - now)
        now = broken.rests_until
        broken.end()
    assert rests[:4] == [20.0, 40.0, 80.0, 160.0]
    assert rests[-1] == LONGEST_REST_S


def test_faults_of_calls_from_before_do_not_lengthen_the_rest(broken):
    """Fifty calls that were under way when the trunk died are one fact, not fifty probes."""
    for _ in range(50):
        broken.failed(101.0, 95.0)
    assert broken.rests_until == 100.0 + FIRST_REST_S


def test_only_a_probe_closes_the_breaker(broken):
    """The end of a talk from before the outage says nothing about the trunk; an answer to a probe does."""
    broken.worked(101.0, 50.0)
    assert broken.room(105.0) == 0
    broken.start(110.0)
    broken.worked(110.1, 110.0)
    assert broken.room(110.2) == 9


def test_a_trunk_that_refuses_every_call_rests_too():
    """Twenty refusals in a row open the breaker, nineteen do not."""
    trunk = TrunkLoad(TrunkLimits("north", 10.0, max_calls=10))
    for _ in range(FAULTS_OF_SHARE - 1):
        trunk.refused(100.0, 99.9)
    assert trunk.room(100.0) == 10
    trunk.refused(100.0, 99.9)
    assert (trunk.room(100.0), trunk.cause) == (0, RestCause.SHARE)


def test_half_of_the_newest_calls_open_the_breaker_and_a_third_does_not():
    """Refusals between calls that get through never come in a row; it is their share that counts."""
    half, third = (
        TrunkLoad(TrunkLimits("half", 10.0, max_calls=10)),
        TrunkLoad(TrunkLimits("third", 10.0, max_calls=10)),
    )
    for place in range(120):
        for trunk, every in ((half, 2), (third, 3)):
            if place % every == 0:
                trunk.refused(100.0, 99.0)
            elif not trunk.is_open:
                trunk.worked(100.0, 99.0)
    assert (half.room(100.0), third.room(100.0)) == (0, 10)


def test_refusals_of_long_ago_are_no_share():
    """Nineteen of ten minutes ago and nineteen of now are nineteen."""
    trunk = TrunkLoad(TrunkLimits("north", 10.0, max_calls=10))
    for now in (100.0, 100.0 + SHARE_WITHIN_S):
        for _ in range(FAULTS_OF_SHARE - 1):
            trunk.refused(now, now - 1.0)
    assert not trunk.is_open


def test_a_trunk_that_works_again_begins_with_a_clean_sheet():
    """One refusal after a good probe does not open the breaker on the share of before."""
    trunk = TrunkLoad(TrunkLimits("north", 10.0, max_calls=10))
    for _ in range(FAULTS_OF_SHARE):
        trunk.refused(100.0, 99.9)
    trunk.worked(111.0, 110.0)
    trunk.refused(112.0, 111.0)
    assert trunk.room(112.0) == 10


def test_answers_without_media_open_the_breaker_after_a_few():
    """Three in a row; a busy line between them changes nothing, an answer with media does."""
    trunk = TrunkLoad(TrunkLimits("north", 10.0, max_calls=10))
    for _ in range(MUTE_ANSWERS_TO_OPEN - 1):
        trunk.answered_mute(100.0, 99.0)
    trunk.heard()
    for _ in range(MUTE_ANSWERS_TO_OPEN - 1):
        trunk.answered_mute(100.0, 99.0)
        trunk.worked(100.0, 99.0)
    assert trunk.room(100.0) == 10
    trunk.answered_mute(100.0, 99.0)
    assert (trunk.room(100.0), trunk.cause) == (0, RestCause.NO_MEDIA)


def test_only_an_answer_with_media_ends_a_rest_for_want_of_media():
    """A probe that finds the line busy leaves the trunk on probes; one that is heard ends the rest."""
    trunk = TrunkLoad(TrunkLimits("north", 10.0, max_calls=10))
    for _ in range(MUTE_ANSWERS_TO_OPEN):
        trunk.answered_mute(100.0, 99.0)
    trunk.start(110.0)
    trunk.worked(111.0, 110.0)
    assert trunk.is_open
    trunk.heard()
    trunk.worked(112.0, 110.0)
    assert not trunk.is_open


def test_a_trunk_that_asks_for_a_pause_gets_it_within_a_limit():
    """Retry-After: 20 rests it for 20 s, whatever else works meanwhile; a day counts as the limit."""
    trunk = TrunkLoad(TrunkLimits("north", 10.0, max_calls=10))
    trunk.leave_alone(100.0, 20.0)
    trunk.worked(101.0, 100.0)
    assert [trunk.room(at) for at in (100.0, 119.9, 120.0)] == [0, 0, 10]
    trunk.leave_alone(200.0, 86_400.0)
    assert trunk.asked_until == 200.0 + LONGEST_RETRY_AFTER_S


def test_an_obstacle_keeps_every_call_away_until_its_source_takes_it_back():
    """Two sources may each have one; none of them is the breaker's."""
    trunk = TrunkLoad(TrunkLimits("north", 10.0, max_calls=10))
    trunk.obstacles.update({"name": "unknown", "operator": "drained"})
    assert trunk.room(100.0) == 0
    del trunk.obstacles["name"]
    assert trunk.room(100.0) == 0
    del trunk.obstacles["operator"]
    assert trunk.room(100.0) == 10


def test_a_refused_probe_has_failed(broken):
    """One refusal is enough while the breaker is open."""
    broken.start(110.0)
    broken.refused(110.1, 110.0)
    assert broken.rests_until == 110.1 + 2 * FIRST_REST_S


@pytest.mark.parametrize(("max_cps", "expected"), [(10.0, [3, 2, 0]), (0.25, [3, 2, 0])])
def test_starts_of_the_last_second(max_cps, expected):
    """Only those of the last second, also where the limit looks back further; a trunk that rests shows them, too."""
    trunk = TrunkLoad(TrunkLimits("north", max_cps, 10), rests_until=1e9)
    for at in (10.0, 10.5, 10.5):
        trunk.start(at)
    assert [trunk.started_lately(at) for at in (10.9, 11.0, 11.5)] == expected
