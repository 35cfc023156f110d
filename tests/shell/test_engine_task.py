"""The engine's own task: what it does while nothing takes its effects, and after it stood still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
import trio

from dialer.core.agents.agent import AgentEvent, AgentEventKind
from dialer.shell import engine_task, parts
from dialer.shell.clock import Clock
from dialer.shell.engine_task import drive
from dialer.shell.parts import Parts
from tests.shell.some_parts import some_parts

DEADLINE_S = 10.0


class Fed:
    """Stands in for systemd."""

    def __init__(self) -> None:
        self.times = 0

    def alive(self) -> None:
        self.times += 1


def driven(daemon: Parts, until: Callable[[], bool]) -> None:
    """Run the engine until something is so."""

    async def main() -> None:
        with trio.fail_after(DEADLINE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(drive, daemon, cast("Any", None))
                while not until():
                    await trio.sleep(0.005)
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()

    trio.run(main)


def test_the_watchdog_is_fed_while_a_queue_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither Redis nor the disk takes anything: a restart would lose what waits, and the calls in progress."""
    monkeypatch.setattr(parts, "QUEUE", 1)
    monkeypatch.setattr(engine_task, "FEED_EVERY_S", 0.01)
    fed = Fed()
    daemon = some_parts(cast("Any", None), notifier=fed)
    refused = AgentEvent(AgentEventKind.READY, "nobody")  # each makes one event for the CRM
    daemon.queues.facts.send_nowait(cast("Any", "what nobody takes"))
    daemon.queues.inbox.send_nowait(refused)

    driven(daemon, lambda: fed.times >= 5)

    assert daemon.queues.inputs.statistics().current_buffer_used == 0
    assert daemon.queues.facts_to_write.statistics().current_buffer_used == 1


def test_a_pause_of_the_process_is_told_to_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was to be woken after half a second at the latest."""
    right, ahead_s, stood_still, looks = Clock.now, [0.0], list[float](), list[int]()
    monkeypatch.setattr(Clock, "now", lambda self: right(self) + ahead_s[0])
    daemon = some_parts(cast("Any", None))
    monkeypatch.setattr(daemon.engine, "stood_still", stood_still.append)

    def paused() -> bool:
        looks.append(1)
        ahead_s[0] = 11.0 if len(looks) > 3 else 0.0  # the engine sleeps by then
        return bool(stood_still)

    driven(daemon, paused)

    assert len(stood_still) == 1
