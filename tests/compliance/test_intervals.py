"""Stretches of time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.calling_hours.intervals import DAY_S, Interval, intersection, merged, pieces, wall_days

intervals = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (float(min(pair)), float(max(pair))))
)


def inside(rows: tuple[Interval, ...] | list[Interval]) -> set[int]:
    return {second for start, end in rows for second in range(int(start), int(end))}


@given(intervals, intervals)
def test_merged_and_common_time(left: list[Interval], right: list[Interval]) -> None:
    """Merging keeps the time, intersecting keeps what both have; rows ascend and do not touch."""
    one, other = merged(left), merged(right)
    assert inside(one) == inside(left)
    assert all(a[1] < b[0] for a, b in pairwise(one))
    assert inside(intersection(one, other)) == inside(left) & inside(right)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Gaza"])
def test_pieces_have_the_offset_of_every_minute(zone: str) -> None:
    """A year in pieces of 16 days: they join, and each minute around a change has the offset of its piece."""
    first = (datetime(2026, 1, 1) - datetime(1970, 1, 1)).days
    for day in range(first, first + 365, 16):
        found = pieces(zone, day, 16)
        assert (found[0][0], found[-1][1]) == (day * DAY_S, (day + 16) * DAY_S)
        assert all(a[1] == b[0] and a[2] != b[2] for a, b in pairwise(found))
        for start, end, offset in found:
            for at in (start, start + 1, (start + end) // 2, end - 1):
                local = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone))
                assert local.utcoffset() == timedelta(seconds=offset)


def test_the_days_of_a_wall() -> None:
    """The end is not in it."""
    assert list(wall_days(0.0, float(DAY_S))) == [0]
    assert list(wall_days(DAY_S - 1.0, DAY_S + 1.0)) == [0, 1]
    assert list(wall_days(-1.0, 0.0)) == [-1]


def test_the_sampling_assumption_holds() -> None:
    """No zone changes its offset twice within six hours, as the search for changes assumes."""
    step = timedelta(hours=6)
    for name in ("Africa/Casablanca", "Africa/El_Aaiun", "Australia/Lord_Howe", "Antarctica/Troll", "Asia/Gaza"):
        zone = ZoneInfo(name)
        moment, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
        while moment < end:
            offsets = [(moment + step * part / 12).astimezone(zone).utcoffset() for part in range(13)]
            assert sum(a != b for a, b in pairwise(offsets)) <= 1
            moment += step
