"""Percentiles of the newest samples, against sorting them each time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialer.core.board import Delay
from dialer.shell.statistics import Delays


@given(st.lists(st.floats(0.0, 10.0) | st.sampled_from([0.0, 0.001, 0.002]), max_size=60), st.integers(1, 20))
def test_percentiles_are_of_the_newest_samples(samples: list[float], most: int) -> None:
    """After each sample: how many, the median, the 99th percentile and the largest, in milliseconds."""
    delays = Delays(most)
    assert delays.delay() == Delay()
    for number, sample in enumerate(samples, 1):
        delays.add(sample)
        newest = sorted(samples[:number][-most:])
        last = len(newest) - 1
        p50, p99, largest = (round(newest[at] * 1000, 2) for at in (round(last * 0.5), round(last * 0.99), last))
        assert delays.delay() == Delay(len(newest), p50, p99, largest)
