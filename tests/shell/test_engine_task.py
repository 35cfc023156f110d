"""The engine's own task: what it does while nothing takes its effects, and after it stood still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from dialer.core.agents.agent import AgentEvent, AgentEventKind
from dialer.core.inputs import Input, TrunkSaid
from dialer.shell import engine_task, parts
from dialer.shell.clock import Clock
from dialer.shell.engine_task import drive, hear_pool
from dialer.shell.health import Health
from dialer.shell.parts import Parts
from sip.messages import Capacity, PeerRests, PoolEvent, TrunkName
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


def test_what_the_pool_says_of_peers_reaches_people_and_the_engine() -> None:
    """A phone that rests is an alarm while it does; a trunk gets no calls for as long; names go to the engine, too."""
    health, seen, told = Health(), [], []

    async def main() -> None:
        say, events = trio.open_memory_channel[PoolEvent](4)
        inbox, inputs = trio.open_memory_channel[Input](4)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hear_pool, health, events, inbox)
            for event in (
                PeerRests("sip:ann@phones", is_trunk=False, for_s=300.0),
                PeerRests("north", is_trunk=True, for_s=300.0),
                TrunkName("south", "no such name"),
                Capacity(8, workers=2),
            ):
                await say.send(event)
            await wait_all_tasks_blocked()
            told.extend([inputs.receive_nowait() for _ in range(3)])
            seen.append(dict(health.problems))
            await trio.sleep(301.0)
            seen.append(dict(health.problems))
            told.append(inputs.receive_nowait())
            say.close()

    trio.run(main, clock=MockClock(autojump_threshold=0))

    assert list(seen[0]) == ["the phone sip:ann@phones"]
    assert "rests for 300 s" in seen[0]["the phone sip:ann@phones"]
    assert seen[1] == {}
    assert {TrunkSaid("south", "name", "no such name"), Capacity(8, workers=2)} < set(told[:3])
    assert [(one.trunk, bool(one.obstacle)) for one in told if getattr(one, "source", "") == "crashes"] == [
        ("north", True),
        ("north", False),
    ]
