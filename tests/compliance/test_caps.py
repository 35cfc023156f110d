"""Frequency caps against their plain-language definition."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.caps import DAY_S, DEFAULT_CAPS, Cap, verdict
from compliance.face import Rule

caps_lists = st.lists(
    st.builds(Cap, st.integers(1, 4), st.integers(1, 20).map(float), st.integers(0, 30).map(float)), max_size=3
)
times = st.lists(st.integers(0, 60).map(float), max_size=12)


def allowed(attempts: list[float], caps: list[Cap], now: float) -> bool:
    """The definition read aloud, attempt by attempt."""
    for cap in caps:
        if sum(1 for t in attempts if now - t < cap.window_s) >= cap.limit:
            return False
        for spent in attempts:
            in_its_window = sum(1 for t in attempts if t <= spent and spent - t < cap.window_s)
            if in_its_window >= cap.limit and now < spent + cap.rest_s:
                return False
    return True


@given(times, caps_lists, st.integers(0, 120).map(float))
def test_verdict_is_the_definition(attempts: list[float], caps: list[Cap], now: float) -> None:
    """A number is refused exactly when counting says so, and in whatever order the attempts come."""
    refusal = verdict(attempts, caps, now)
    assert (refusal is None) == allowed(attempts, caps, now)
    assert verdict(sorted(attempts, reverse=True), caps, now) == refusal


@given(times, caps_lists, st.integers(0, 120).map(float))
def test_until_is_the_first_moment_allowed(attempts: list[float], caps: list[Cap], now: float) -> None:
    """Nothing between now and `until` is allowed, and `until` is."""
    refusal = verdict(attempts, caps, now)
    if refusal is None:
        return
    assert refusal.rule is Rule.CAP
    assert refusal.until is not None
    assert refusal.until > now
    assert verdict(attempts, caps, refusal.until) is None
    for second in range(int(now), int(refusal.until)):
        assert not allowed(attempts, caps, max(now, float(second)))


@given(times, caps_lists, st.integers(0, 120).map(float))
def test_older_history_does_not_matter(attempts: list[float], caps: list[Cap], now: float) -> None:
    """What is older than the longest window and its rest together changes no verdict."""
    longest_s = max((cap.window_s + cap.rest_s for cap in caps), default=0.0)
    kept = [t for t in attempts if t > now - longest_s]
    assert verdict(kept, caps, now) == verdict(attempts, caps, now)


def test_the_default_is_twice_a_month_then_three_months_of_rest() -> None:
    """The second attempt within 30 days starts 90 days of rest; to the second."""
    first, second = 0.0, 10 * DAY_S
    assert verdict([], DEFAULT_CAPS, first) is None
    assert verdict([first], DEFAULT_CAPS, second) is None
    refusal = verdict([first, second], DEFAULT_CAPS, second + 1)
    assert refusal is not None
    assert refusal.until == 100 * DAY_S
    assert refusal.detail == "called often enough: 2 attempts in 30 days, then 90 days of rest"
    assert verdict([first, second], DEFAULT_CAPS, 100 * DAY_S - 1) is not None
    assert verdict([first, second], DEFAULT_CAPS, 100 * DAY_S) is None


def test_an_attempt_exactly_one_window_old_no_longer_counts() -> None:
    """The window is open at its old end, for counting now and for what was spent then."""
    cap = Cap(2, 10.0, 50.0)
    assert verdict([0.0, 10.0], [cap], 10.0) is None
    assert verdict([0.0, 9.0], [cap], 9.0) is not None


def test_a_rest_shorter_than_the_window_does_not_free_it() -> None:
    """The later of rest and window decides."""
    refusal = verdict([0.0, 1.0], [Cap(2, 100.0, 5.0)], 20.0)
    assert refusal is not None
    assert refusal.until == 100.0


def test_several_attempts_at_one_instant_all_count() -> None:
    """Equal times are several attempts."""
    assert verdict([5.0, 5.0], [Cap(2, 10.0)], 6.0) is not None


def test_an_attempt_in_the_future_counts() -> None:
    """A clock that was set back does not free a number."""
    assert verdict([1000.0], [Cap(1, 10.0)], 5.0) is not None


@pytest.mark.parametrize(
    ("limit", "window_s", "rest_s"),
    [(0, 1.0, 0.0), (1, 0.0, 0.0), (1, math.inf, 0.0), (1, math.nan, 0.0), (1, 1.0, -1.0), (1, 1.0, math.inf)],
)
def test_a_cap_that_means_nothing_does_not_construct(limit: int, window_s: float, rest_s: float) -> None:
    """Limits, windows and rests are checked where they are made."""
    with pytest.raises(ValueError, match="cap"):
        Cap(limit, window_s, rest_s)


def test_times_must_be_finite() -> None:
    """A time that is no number is an error, not a permission."""
    with pytest.raises(ValueError, match="finite"):
        verdict([math.nan], DEFAULT_CAPS, 0.0)
    with pytest.raises(ValueError, match="finite"):
        verdict([], DEFAULT_CAPS, math.nan)
