"""What every baseline obeys."""

from __future__ import annotations

import pytest

from dialer.sim.baselines.limits import Beat, Recent, placeable, unserved
from tests.pacing.cases import snapshot


def test_no_more_than_lines_or_leads() -> None:
    """Lines and leads bound a wish; a negative wish is none."""
    assert placeable(9, snapshot(lines_free=4)) == 4
    assert placeable(9, snapshot(leads_available=2)) == 2
    assert placeable(-3, snapshot()) == 0


def test_nothing_without_an_agent() -> None:
    """Paused agents are no reason to call."""
    assert placeable(9, snapshot(ready=0, talking_age_s=(), wrapup_age_s=(), paused=5)) == 0


def test_unserved_calls() -> None:
    """Calls that ring and calls that wait have no agent."""
    assert unserved(snapshot(ringing_age_s=(1.0, 2.0), waiting_age_s=(0.5,))) == 3


def test_a_beat_sleeps_between_its_turns() -> None:
    """Asked every tenth of a second, a loop of one second turns at every tenth question."""
    beat = Beat(1.0)
    turns = [tick for tick in range(31) if beat.due(tick * 0.1)]
    assert turns == [0, 10, 20, 30]
    assert beat.wait_s(3.4) == pytest.approx(0.6)


def test_a_beat_does_not_make_up_for_missed_turns() -> None:
    """After a long silence there is one turn, then the sleep."""
    beat = Beat(1.0)
    assert beat.due(0.0)
    assert beat.due(50.0)
    assert not beat.due(50.5)


def test_recent_outcomes_are_forgotten() -> None:
    """What is as old as the window no longer counts."""
    recent = Recent(60.0)
    for at, success in ((0.0, True), (30.0, False), (59.0, True)):
        recent.add(at, success)
    assert (recent.count(59.0), recent.successes) == (3, 2)
    assert (recent.count(60.0), recent.successes) == (2, 1)
    assert (recent.count(500.0), recent.successes) == (0, 0)
