"""When a lead is called again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.numbers import E164
from config.campaign import RetrySettings
from dialer.core.leads.retry_windows import Again, Window, again, window_of, zones_of
from dialer.core.model import Lead

SHANGHAI = ZoneInfo("Asia/Shanghai")
ZONES = [SHANGHAI, ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu"), UTC]
MINUTE = 60.0


def at(day: int, hour: int, minute: int = 0, zone: tzinfo = SHANGHAI) -> float:
    """A moment in March 2026; the 2nd is a Monday."""
    return datetime(2026, 3, day, hour, minute, tzinfo=zone).timestamp()


def row(delay_s: float = 3600.0, *, next_day: bool = False, another: bool = False) -> RetrySettings:
    return RetrySettings(
        delay_s=delay_s,
        max_attempts=3,
        not_before="next_day" if next_day else "",
        prefer="another_window" if another else "",
    )


@pytest.mark.parametrize(
    ("hour", "window"),
    [
        (0, "morning"),
        (11, "morning"),
        (12, "midday"),
        (13, "midday"),
        (14, "afternoon"),
        (17, "afternoon"),
        (18, "evening"),
    ],
)
def test_a_day_has_four_windows(hour: int, window: str) -> None:
    """By the callee's clock; the weekend is one by itself."""
    assert window_of(at(2, hour, 59), SHANGHAI) == window
    assert window_of(at(7, hour, 59), SHANGHAI) is Window.WEEKEND
    assert window_of(at(2, 1), ZoneInfo("America/New_York")) is Window.WEEKEND, "Sunday there"


@pytest.mark.parametrize(
    ("ended", "rule", "expected"),
    [
        (at(2, 10), row(), Again(at(2, 11), at(2, 11))),
        (at(2, 10), row(another=True), Again(at(2, 11), at(2, 12))),
        (at(2, 11, 30), row(another=True), Again(at(2, 12, 30), at(2, 12, 30))),
        (at(2, 19), row(another=True), Again(at(2, 20), at(3, 0))),
        (at(2, 19), row(next_day=True), Again(at(3, 0), at(3, 0))),
        (at(2, 19), row(next_day=True, another=True), Again(at(3, 0), at(3, 0))),
        (at(2, 10), row(next_day=True, another=True), Again(at(3, 0), at(3, 12))),
        (at(6, 10), row(next_day=True, another=True), Again(at(7, 0), at(7, 0))),
        (at(7, 10), row(next_day=True, another=True), Again(at(8, 0), at(9, 0))),
        (at(2, 10), row(3 * 86_400.0, next_day=True, another=True), Again(at(5, 10), at(5, 12))),
    ],
)
def test_the_next_day_and_another_window(ended: float, rule: RetrySettings, expected: Again) -> None:
    """Each alone and both together, over weekends."""
    assert again(rule, ended, [SHANGHAI]) == expected


def test_the_next_day_has_begun_wherever_the_callee_may_be() -> None:
    """The last of the zones decides; the first one has the window."""
    new_york = ZoneInfo("America/New_York")

    assert again(row(next_day=True), at(2, 22), [SHANGHAI, new_york]).earliest == at(3, 0, zone=new_york)


@given(
    st.floats(1_700_000_000, 1_900_000_000),
    st.sampled_from(ZONES),
    st.floats(0, 6 * 86_400),
    st.booleans(),
    st.booleans(),
)
def test_the_moment_is_the_first_that_a_slow_search_finds(
    ended: float, zone: tzinfo, delay_s: float, next_day: bool, another: bool
) -> None:
    """Minute by minute, also where clocks are changed."""
    rule = row(delay_s, next_day=next_day, another=another)
    tried, today = window_of(ended, zone), datetime.fromtimestamp(ended, zone).date()

    moments = again(rule, ended, [zone])

    assert ended <= moments.earliest <= moments.preferred <= moments.earliest + 3 * 86_400
    assert moments.earliest >= ended + delay_s
    if next_day:
        assert datetime.fromtimestamp(moments.earliest, zone).date() > today
    if not another:
        assert moments.preferred == moments.earliest
        return
    assert window_of(moments.preferred, zone) is not tried
    slow = moments.earliest
    while window_of(slow, zone) is tried:
        slow += 15 * MINUTE
    assert slow - 15 * MINUTE <= moments.preferred <= slow


@given(st.floats(1_700_000_000, 1_900_000_000), st.sampled_from(ZONES))
def test_the_next_day_is_not_the_one_after(ended: float, zone: tzinfo) -> None:
    """Its first moment, whatever the clocks do."""
    moments = again(row(0.0, next_day=True), ended, [zone])
    before = datetime.fromtimestamp(moments.earliest - 1, zone).date()

    assert before == datetime.fromtimestamp(ended, zone).date()
    assert datetime.fromtimestamp(moments.earliest, zone).date() == before + timedelta(1)


def test_zones_are_those_of_the_calling_hours() -> None:
    """The number's, or the one that the CRM states; where nobody knows, what is given."""
    lead = Lead("L1", "c", (E164("+8613800138001"),), timezone="Europe/Berlin")

    assert zones_of(lead, True, UTC) == (ZoneInfo("Europe/Berlin"),)
    assert set(zones_of(lead, False, UTC)) == {SHANGHAI, ZoneInfo("Europe/Berlin")}
    assert zones_of(Lead("L2", "c", (E164("+870773111632"),)), True, UTC) == (UTC,)
