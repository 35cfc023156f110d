"""Numbers by counting are as good as drawn ones."""

from __future__ import annotations

import numpy as np

from tests.scoreboard.virtual_floor.random_source import chance


def test_a_stream_is_uniform_and_repeats() -> None:
    """Mean, spread and neighbours of many numbers; the same ordinal gives the same number."""
    keys = np.array([123, 456], np.uint64)
    drawn = np.array([chance(keys, 0, ordinal) for ordinal in range(50_000)])

    assert 0 < drawn.min() < 1e-3
    assert 1 > drawn.max() > 1 - 1e-3
    assert abs(drawn.mean() - 0.5) < 0.005
    assert abs(drawn.var() - 1 / 12) < 0.002
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.02
    assert chance(keys, 0, 7) == drawn[7]
    assert chance(keys, 1, 7) != drawn[7]
