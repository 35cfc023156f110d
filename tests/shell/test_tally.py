"""What a daemon counts, and the board and the metrics made of it."""

from __future__ import annotations

import pytest
from prometheus_client import generate_latest

from dialer.core.agents import AgentState
from dialer.core.board import from_wire
from dialer.core.effects import AgentChanged
from dialer.core.floor import FloorSettings, TrunkLimits, open_floor
from dialer.shell.clock import Clock
from dialer.shell.metrics import Metrics
from dialer.shell.tally import Tally
from pacing.face import Decision


@pytest.fixture
def tally() -> Tally:
    """A tally at monotonic time 0 or so."""
    return Tally("host", Clock.start(), started_at=0.0)


def test_agents_time_is_booked_to_the_state_it_was_spent_in(tally: Tally) -> None:
    """Ready for 5 s, talking for 20 s: that is what the utilisation is made of."""
    for state, at in [(AgentState.READY, 100.0), (AgentState.TALKING, 105.0), (AgentState.OFFLINE, 125.0)]:
        tally.agent_changed(AgentChanged("ann", state, at, "", ("spring",)))

    assert dict(tally.agent_s) == {"ready": 5.0, "talking": 20.0}


def test_the_board_survives_the_wire(tally: Tally) -> None:
    """What a daemon publishes is what a screen reads."""
    floor = open_floor(FloorSettings((TrunkLimits("carrier", 10.0, 100),), max_lines=10))
    tally.decided("spring", Decision(3, "dial 3: because"))

    board = tally.board(floor, workers=5, restarts=0, redis_healthy=True)

    assert from_wire(board.to_wire()) == board
    assert board.trunks[0].name == "carrier"


def test_the_metrics_show_the_newest_board(tally: Tally) -> None:
    """Every scrape reads the board of the second."""
    metrics = Metrics()
    floor = open_floor(FloorSettings((TrunkLimits("carrier", 10.0, 100),), max_lines=10))

    metrics.show(tally.board(floor, workers=5, restarts=2, redis_healthy=False))

    text = generate_latest(metrics.registry).decode()
    assert "dialer_sip_workers 5.0" in text
    assert "dialer_worker_restarts_total 2.0" in text
    assert "dialer_redis_up 0.0" in text
    assert 'dialer_trunk_calls{trunk="carrier"} 0.0' in text
