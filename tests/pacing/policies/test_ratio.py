"""A fixed number of lines for each ready agent."""

from __future__ import annotations

import pytest

from pacing.api import Ledger, Mode, Settings
from pacing.policies import make
from tests.pacing.cases import snapshot


@pytest.mark.parametrize(
    ("ratio", "ringing", "dial"), [(1.5, 0, 4), (1.5, 3, 1), (3.0, 0, 9), (0.5, 0, 3), (2.0, 9, 0)]
)
def test_ratio_fills_up_to_lines_per_ready_agent(ratio: float, ringing: int, dial: int) -> None:
    """floor(ratio x ready) less what is in flight, and never less than progressive."""
    pacer = make(Settings(mode=Mode.RATIO, ratio=ratio))
    assert pacer.step((), snapshot(ringing_age_s=(1.0,) * ringing)).dial == dial


def test_ratio_is_held_by_the_budget() -> None:
    """With the budget spent a ratio campaign is progressive."""
    assert make(Settings(mode=Mode.RATIO, ratio=3.0)).step((), snapshot(ledger=Ledger(95, 3))).dial == 3
