"""The one task that owns the engine: inputs in, effects out.

It never waits for Redis, a thread or a worker. Commands to the SIP workers leave in the same step as the decision, so
that the hand-over delay is the engine's own time and nothing else; everything slower goes through bounded queues.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import structlog
import trio

from dialer.core.effects import (
    AgentChanged,
    Anomaly,
    Effect,
    Lease,
    OptOut,
    Postpone,
    Publish,
    Release,
    Reserve,
    Send,
    Settle,
)
from dialer.core.engine import Engine
from dialer.core.inputs import Input, Paced, Refused
from dialer.shell.clock import Clock
from dialer.shell.statistics import Tally
from dialer.shell.watchdog import Notifier
from dialer.store.settlement.outbox import CrmEvent
from sip.pool import Pool

log = structlog.get_logger()

MOST_INPUTS_AT_ONCE = 256
"""Inputs that are taken before the queues get a turn."""

LONGEST_SLEEP_S = 0.5

T = TypeVar("T")

ForScribe = Settle | OptOut | Publish | AgentChanged | CrmEvent


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where effects go."""

    pool: Pool
    leases: trio.MemorySendChannel[Lease | Release | Postpone]
    gates: trio.MemorySendChannel[Reserve]
    scribe: trio.MemorySendChannel[ForScribe]
    tally: Tally


async def drive(
    engine: Engine, inbox: trio.MemoryReceiveChannel[Input], outlets: Outlets, clock: Clock, notifier: Notifier
) -> None:
    """Run the engine until cancelled."""
    while True:
        inputs: list[Input] = []
        with trio.move_on_after(max(0.0, min(LONGEST_SLEEP_S, engine.next_wake() - clock.now()))):
            inputs.append(await inbox.receive())
        while len(inputs) < MOST_INPUTS_AT_ONCE:
            try:
                inputs.append(inbox.receive_nowait())
            except trio.WouldBlock:
                break
        for told in inputs:
            if isinstance(told, Refused):
                outlets.tally.refused(told)
            elif isinstance(told, Paced):
                outlets.tally.decisions_taken += 1
            await carry_out(engine.receive(told, clock.now(), clock.wall()), outlets)
        await carry_out(engine.advance(clock.now()), outlets)
        await carry_out(engine.lease_more(clock.now()), outlets)
        notifier.alive()


async def put(channel: trio.MemorySendChannel[T], item: T) -> None:
    """Send without giving the turn away, unless the queue is full: every turn given away is added to somebody's
    hand-over delay."""
    try:
        channel.send_nowait(item)
    except trio.WouldBlock:
        await channel.send(item)


async def carry_out(effects: list[Effect], outlets: Outlets) -> None:
    """Start what the engine wants done. Commands to workers first: somebody may be on the line."""
    for effect in effects:
        if isinstance(effect, Send):
            outlets.pool.send(effect.command)
    for effect in effects:
        match effect:
            case Settle(settlement):
                outlets.tally.settled(settlement)
                await put(outlets.scribe, effect)
            case AgentChanged():
                outlets.tally.agent_changed(effect)
                await put(outlets.scribe, effect)
            case Publish() | OptOut():
                await put(outlets.scribe, effect)
            case Reserve():
                await put(outlets.gates, effect)
            case Lease() | Release() | Postpone():
                await put(outlets.leases, effect)
            case Anomaly(where, detail):
                outlets.tally.anomalies += 1
                log.warning("anomaly", where=where, detail=detail)
            case Send():
                pass  # sent above
