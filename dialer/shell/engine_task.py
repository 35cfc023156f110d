"""The one task that owns the engine: inputs in, effects out.

It never waits for Redis, a thread or a worker. Commands to the SIP workers leave in the same step as the decision, so
that the hand-over delay is the engine's own time and nothing else; everything slower goes through bounded queues.
"""

from __future__ import annotations

from typing import Final, TypeVar

import structlog
import trio

from dialer.core.effects import (
    AgentChanged,
    Anomaly,
    Effect,
    FindCaller,
    Lease,
    Listen,
    Listened,
    OptOut,
    Postpone,
    Publish,
    Recorded,
    Release,
    Reserve,
    Send,
    Settle,
    VerdictChecked,
)
from dialer.core.inputs import Input, Refused, TrunkSaid
from dialer.language.phrases import phrase
from dialer.shell.health import Health
from dialer.shell.parts import Parts
from dialer.shell.recordings.recorded import recorder_failed
from sip.inbound.messages import Reject
from sip.messages import PeerRests, PoolEvent, RecordingChanged, TrunkName
from sip.pool import Pool

log = structlog.get_logger()

MOST_INPUTS_AT_ONCE: Final = 256
"""Inputs that are taken before the queues get a turn."""

LONGEST_SLEEP_S: Final = 0.5
FEED_EVERY_S: Final = 1.0
"""How often the watchdog is fed while a queue is full."""

NAME: Final = "name"
CRASHES: Final = "crashes"
"""Who says that a trunk may not be used (`TrunkSaid.source`)."""

T = TypeVar("T")


async def drive(parts: Parts, pool: Pool) -> None:
    """Run the engine until cancelled."""
    engine, clock = parts.engine, parts.clock
    while True:
        inputs = await _next_inputs(parts)
        for event in inputs:
            if isinstance(event, Refused):
                parts.statistics.refused(event)
            await carry_out(engine.receive(event, clock.now(), clock.wall()), parts, pool)
        await carry_out(engine.advance(clock.now()), parts, pool)
        await carry_out(engine.lease_more(clock.now()), parts, pool)
        parts.notifier.alive()


async def _next_inputs(parts: Parts) -> list[Input]:
    """What has come in, at once if there is something; nothing, when the engine wants to be woken."""
    engine, clock, waiting = parts.engine, parts.clock, parts.queues.inputs
    inputs: list[Input] = []
    now = clock.now()
    sleep_s = max(0.0, min(LONGEST_SLEEP_S, engine.next_wake() - now))
    with trio.move_on_after(sleep_s):
        inputs.append(await waiting.receive())
    if stood_still_s := clock.stood_still_s(now + sleep_s):
        log.warning("the process stood still", for_s=round(stood_still_s, 1))
        engine.stood_still(clock.now())
    while len(inputs) < MOST_INPUTS_AT_ONCE:
        try:
            inputs.append(waiting.receive_nowait())
        except trio.WouldBlock:
            break
    return inputs


async def put(channel: trio.MemorySendChannel[T], item: T) -> None:
    """Send without giving the turn away, unless the queue is full: every turn given away is added to somebody's
    hand-over delay."""
    try:
        channel.send_nowait(item)
    except trio.WouldBlock:
        await channel.send(item)


async def _put(parts: Parts, name: str, channel: trio.MemorySendChannel[T], item: T) -> None:
    """The same for the engine's own task. A queue is full where neither Redis nor the disk takes anything; a restart
    would lose what waits in it, and the calls in progress, so the watchdog is fed meanwhile."""
    try:
        channel.send_nowait(item)
        return
    except trio.WouldBlock:
        log.error("the engine waits: a queue is full", queue=name)
    while True:
        with trio.move_on_after(FEED_EVERY_S):
            await channel.send(item)
            return
        parts.notifier.alive()


async def carry_out(effects: list[Effect], parts: Parts, pool: Pool) -> None:
    """Start what the engine wants done. Commands to workers first: somebody may be on the line."""
    queues, statistics = parts.queues, parts.statistics
    for effect in effects:
        if isinstance(effect, Send):
            pool.send(effect.command)
            if isinstance(effect.command, Reject):
                statistics.refused_callers[str(effect.command.sip_code)] += 1
    for effect in effects:
        match effect:
            case Settle() | AgentChanged() | Publish() | OptOut() | Listened():
                if isinstance(effect, Settle):
                    parts.unwritten.add(effect.settlement.attempt)
                    statistics.settled(effect.settlement)
                elif isinstance(effect, AgentChanged):
                    statistics.agent_changed(effect)
                await _put(parts, "facts", queues.facts, effect)
            case Recorded():
                parts.recorded.note(effect)
            case Listen():
                parts.ear.order(effect)
            case VerdictChecked():
                statistics.verdict_checked(effect)
            case Reserve():
                await _put(parts, "gates", queues.gates, effect)
            case FindCaller():
                await _put(parts, "callers", queues.callers, effect)
            case Lease() | Release() | Postpone():
                await _put(parts, "leases", queues.leases, effect)
            case Anomaly(where, detail):
                statistics.anomalies += 1
                log.warning("anomaly", where=where, detail=detail)
            case Send():
                pass  # sent above


async def hear_pool(
    health: Health, events: trio.MemoryReceiveChannel[PoolEvent], inbox: trio.MemorySendChannel[Input]
) -> None:
    """Hand on what the pool says. That a peer rests is for people, too: an alarm for as long as it does."""
    async with trio.open_nursery() as rests:
        async for event in events:
            match event:
                case PeerRests(is_trunk=True):
                    rests.start_soon(_keep_calls_off, inbox, event)
                case PeerRests():
                    rests.start_soon(_alarm_while_it_rests, health, event)
                case RecordingChanged(problem=problem) if problem:
                    recorder_failed(health, problem)
                    await put(inbox, event)
                case TrunkName(trunk, problem):
                    await put(inbox, TrunkSaid(trunk, NAME, problem))
                case _:
                    await put(inbox, event)


async def _keep_calls_off(inbox: trio.MemorySendChannel[Input], rest: PeerRests) -> None:
    """Tell the engine, so that calls go elsewhere and none is spent on a trunk that gets nothing."""
    log.error("a trunk rests", trunk=rest.name, for_s=rest.for_s)
    await put(
        inbox,
        TrunkSaid(
            rest.name, CRASHES, phrase("for {for_s:.0f} s: SIP workers kept crashing in its calls", for_s=rest.for_s)
        ),
    )
    await trio.sleep(rest.for_s)
    await put(inbox, TrunkSaid(rest.name, CRASHES, ""))


async def _alarm_while_it_rests(health: Health, rest: PeerRests) -> None:
    about = f"the phone {rest.name}"
    words = phrase(
        "the phone {name} rests for {for_s:.0f} s: SIP workers kept crashing in calls with it",
        name=rest.name,
        for_s=rest.for_s,
    )
    log.error("a phone rests", phone=rest.name, for_s=rest.for_s)
    health.alarm(about, words)
    await trio.sleep(rest.for_s)
    health.alarm(about, "")
