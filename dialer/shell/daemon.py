"""The composition root: what a running daemon is made of, and the order in which it lives and dies.

    services            the scribe; ends last, when everything is in Redis or on disk
      SIP worker pool   ends when no call is left
        floor           engine, pacers, store tasks, beats
          feeds         leads, agents, CRM, operators; end first

Start: settings -> Redis (exit 3) -> what dead daemons left -> SIP workers (exit 4) -> pacers compiled -> READY.
Stop, on SIGTERM: no leases, no new calls; ringing calls ring for their legal minimum and are served; talks go on for
`drain.talk_limit_s`; a second SIGTERM hangs up. Then settle, release, exit 0, or 5 if facts are left on disk.
"""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import trio

from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from dialer.core.agents import AgentState
from dialer.core.effects import AgentChanged, Lease, Release, Reserve
from dialer.core.engine import Engine
from dialer.core.floor import FloorSettings, TrunkLimits
from dialer.core.inputs import Drain, HangUpAll, Input
from dialer.shell.beats import Beats
from dialer.shell.campaign_watch import CampaignWatch
from dialer.shell.claims import Claims
from dialer.shell.clock import Clock
from dialer.shell.engine_task import ForScribe, Outlets, drive
from dialer.shell.exits import Exit, StartFailed
from dialer.shell.feeds import Feeds
from dialer.shell.health import Health
from dialer.shell.metrics import Metrics
from dialer.shell.pacers import pace
from dialer.shell.scribe import MOST_IN_MEMORY, Scribe
from dialer.shell.store_tasks import StoreDesk, attempt_ids, lease_leads, pass_gates, settle_doubtful
from dialer.shell.tally import Tally
from dialer.shell.watchdog import Notifier
from dialer.store import recovery, settle
from dialer.store.connection import Store, close_store, open_store, persistence_warnings
from dialer.store.errors import StoreError
from dialer.store.spool import Spool
from pacing.warmup import warm_up
from sip.messages import Event, Trunk
from sip.pool import Pool, PoolFailed, PoolSettings, PoolStartError, open_pool

log = structlog.get_logger()

QUEUE = 10_000
"""Inputs and effects that may wait in memory. A full queue holds up whoever fills it."""

HANG_UP_LIMIT_S = 75.0
"""After everything was hung up, so long for the last ends to come in."""

CLAIM_BEATS = 5


def run(settings: DaemonSettings) -> int:
    """Run the daemon until it is told to stop. Returns its exit code."""
    code = Exit.CRASH
    try:
        code = trio.run(_run, settings)
    except* StartFailed as failures:
        for failure in _leaves(failures):
            log.error("cannot start", reason=str(failure))
            code = failure.exit_code
    return int(code)


def _leaves(group: BaseExceptionGroup[StartFailed]) -> list[StartFailed]:
    leaves: list[StartFailed] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves


@dataclass(slots=True)
class Parts:
    """The long-lived things, made once and in this order."""

    settings: DaemonSettings
    store: Store
    spool: Spool
    host: str
    owner: str
    clock: Clock
    health: Health
    tally: Tally
    metrics: Metrics
    engine: Engine
    notifier: Notifier


def _open_parts(settings: DaemonSettings) -> Parts:
    clock = Clock.start()
    try:
        store = open_store(settings.redis)
        for warning in persistence_warnings(store):
            log.warning("persistence", detail=warning)
    except StoreError as error:
        raise StartFailed(Exit.REDIS, str(error)) from error
    try:
        spool = Spool(Path(settings.spool.dir), limit_bytes=settings.spool.max_mb * 1_000_000)
    except StoreError as error:
        raise StartFailed(Exit.CONFIG, f"spool.dir: {error}") from error
    for path in spool.damaged:
        log.error("the spool was damaged; what could not be read is kept", path=str(path))
    limits = tuple(TrunkLimits(trunk.name, trunk.max_cps, trunk.max_calls) for trunk in settings.trunks)
    metrics = Metrics()
    try:
        metrics.serve(settings.metrics)
    except OSError as error:
        raise StartFailed(Exit.CONFIG, f"metrics.port {settings.metrics.port}: {error}") from error
    incarnation = f"{time.time_ns() // 1_000_000:x}"
    return Parts(
        settings=settings,
        store=store,
        spool=spool,
        host=settings.host.name,
        owner=recovery.owner_of(settings.host.name, incarnation),
        clock=clock,
        health=Health(),
        tally=Tally(settings.host.name, clock, clock.wall()),
        metrics=metrics,
        engine=Engine(
            FloorSettings(
                trunks=limits,
                max_lines=settings.sip.max_lines,
                agent_heartbeat_timeout_s=settings.agents.heartbeat_timeout_s,
            )
        ),
        notifier=Notifier(),
    )


def _pool_settings(settings: DaemonSettings) -> PoolSettings:
    trunks = tuple(
        Trunk(trunk.name, trunk.host, trunk.port, trunk.username, trunk.password.get_secret_value())
        for trunk in settings.trunks
    )
    return PoolSettings(
        trunks=trunks,
        lines=settings.sip.max_lines,
        bind_address=settings.sip.bind_address,
        rtp_port_first=settings.sip.rtp_port_min,
        rtp_port_last=settings.sip.rtp_port_max,
        user_agent=settings.sip.user_agent,
    )


async def _run(settings: DaemonSettings) -> Exit:
    parts = await trio.to_thread.run_sync(_open_parts, settings)
    log.info("starting", host=parts.host, owner=parts.owner, lines=settings.sip.max_lines)
    scribe = Scribe(
        store=parts.store,
        spool=parts.spool,
        owner=parts.owner,
        clock=parts.clock,
        health=parts.health,
        tally=parts.tally,
        metrics=parts.metrics,
    )
    to_scribe, for_scribe = trio.open_memory_channel[ForScribe](MOST_IN_MEMORY)
    try:
        await _take_over(parts, scribe)
        async with trio.open_nursery() as services:
            services.start_soon(scribe.write, for_scribe)
            async with to_scribe:
                await _with_pool(parts, scribe, to_scribe)
        if len(parts.spool):
            await scribe.replay()  # Redis may have come back after the last beat
        await _farewell(parts)
        return Exit.SPOOLED if len(parts.spool) else Exit.OK
    finally:
        parts.spool.close()
        close_store(parts.store)


async def _take_over(parts: Parts, scribe: Scribe) -> None:
    """Finish what earlier runs left: first what they knew (the spool), then what they could not say any more."""
    if not await scribe.replay():
        raise StartFailed(Exit.REDIS, "facts of an earlier run wait on disk, and Redis does not take them")
    try:
        await trio.to_thread.run_sync(recovery.succeed, parts.store, parts.host)
        report = await trio.to_thread.run_sync(recovery.recover, parts.store, parts.clock.wall())
        announced = await trio.to_thread.run_sync(settle.reannounce, parts.store)
    except StoreError as error:
        raise StartFailed(Exit.REDIS, str(error)) from error
    if report.owners or announced:
        log.warning(
            "took over from earlier runs",
            owners=report.owners,
            attempts=report.attempts,
            leads=report.leads,
            events=announced,
        )


async def _with_pool(parts: Parts, scribe: Scribe, to_scribe: trio.MemorySendChannel[ForScribe]) -> None:
    try:
        async with open_pool(_pool_settings(parts.settings)) as pool:
            await trio.to_thread.run_sync(warm_up)
            await _floor(parts, scribe, to_scribe, pool)
    except* PoolStartError as group:
        raise StartFailed(Exit.SIP, f"no SIP worker started: {group.exceptions[0]}") from None
    except* PoolFailed as group:
        raise StartFailed(Exit.SIP, f"the SIP workers keep dying: {group.exceptions[0]}") from None


async def _floor(parts: Parts, scribe: Scribe, to_scribe: trio.MemorySendChannel[ForScribe], pool: Pool) -> None:
    settings, engine, clock = parts.settings, parts.engine, parts.clock
    inbox, inputs = trio.open_memory_channel[Input](QUEUE)
    leases_in, leases_out = trio.open_memory_channel[Lease | Release](QUEUE)
    gates_in, gates_out = trio.open_memory_channel[Reserve](QUEUE)
    outlets = Outlets(pool, leases_in, gates_in, to_scribe, parts.tally)
    desk = StoreDesk(parts.store, parts.owner, settings.host.lease_s, clock, parts.health, inbox)
    ids = attempt_ids(parts.owner.rpartition(":")[2])
    watch = CampaignWatch(parts.store, parts.owner, clock, settings, inbox, parts.tally)
    claims = Claims(parts.store, parts.owner, settings.host.heartbeat_s * CLAIM_BEATS, engine.floor.roster)
    feeds = Feeds(
        store=parts.store,
        settings=settings,
        owner=parts.owner,
        host=parts.host,
        claims=claims,
        clock=clock,
        health=parts.health,
        inbox=inbox,
        scribe=to_scribe,
        watch=watch,
    )
    beats = Beats(
        store=parts.store,
        settings=settings,
        owner=parts.owner,
        host=parts.host,
        clock=clock,
        health=parts.health,
        engine=engine,
        inbox=inbox,
        scribe=scribe,
        to_scribe=to_scribe,
        desk=desk,
        claims=claims,
        watch=watch,
        pool=pool,
        tally=parts.tally,
        metrics=parts.metrics,
        notifier=parts.notifier,
    )

    try:
        await feeds.begin()
    except StoreError as error:
        raise StartFailed(Exit.REDIS, str(error)) from error

    def settings_of(campaign: str) -> CampaignSettings:
        return engine.floor.campaigns[campaign].settings

    async with trio.open_nursery() as floor:
        floor.start_soon(drive, engine, inputs, outlets, clock, parts.notifier)
        floor.start_soon(_forward, pool.events, inbox)
        floor.start_soon(lease_leads, desk, leases_out)
        floor.start_soon(pass_gates, desk, gates_out, settings_of, ids)
        floor.start_soon(beats.beat)
        floor.start_soon(beats.watch_health)
        floor.start_soon(beats.show_board)
        floor.start_soon(pace, engine, inbox, settings.pacing, clock, parts.tally)
        async with trio.open_nursery() as feeding:
            for feed in (feeds.leads, feeds.agents, feeds.crm, feeds.operators):
                feeding.start_soon(feeds.keep, feed)
            with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                parts.notifier.ready(f"{pool.statistics().workers} SIP workers")
                log.info("ready", workers=pool.statistics().workers)
                await _until_drained(parts, inbox, signals, pool)
            feeding.cancel_scope.cancel()
        await settle_doubtful(desk, to_scribe, after_s=0.0)
        await _dismiss(parts, claims, to_scribe)
        await beats.publish_board()
        floor.cancel_scope.cancel()


async def _forward(events: trio.MemoryReceiveChannel[Any], inbox: trio.MemorySendChannel[Input]) -> None:
    event: Event
    async for event in events:
        await inbox.send(event)


async def _until_drained(parts: Parts, inbox: trio.MemorySendChannel[Input], signals: Any, pool: Pool) -> None:
    """Wait for the first signal, or for workers that keep dying; then for the floor to become empty. The next signal or
    the limit hangs up."""
    async with trio.open_nursery() as waiting:
        waiting.start_soon(_cancel_when_spent, pool, waiting.cancel_scope)
        await anext(signals)
        waiting.cancel_scope.cancel()
    limit_s = parts.settings.drain.talk_limit_s
    parts.notifier.stopping("draining")
    log.info("draining", calls=len(parts.engine.floor.calls), talk_limit_s=limit_s)
    await inbox.send(Drain())
    with trio.move_on_after(limit_s):
        async with trio.open_nursery() as waiting:
            waiting.start_soon(_cancel_when_idle, parts.engine, waiting.cancel_scope)
            await anext(signals)
            waiting.cancel_scope.cancel()
    if parts.engine.is_idle():
        return
    log.warning("hanging up", calls=len(parts.engine.floor.calls))
    await inbox.send(HangUpAll())
    with trio.move_on_after(HANG_UP_LIMIT_S):
        async with trio.open_nursery() as waiting:
            waiting.start_soon(_cancel_when_idle, parts.engine, waiting.cancel_scope)
    if not parts.engine.is_idle():
        log.error("calls without an end", calls=len(parts.engine.floor.calls))


async def _cancel_when_spent(pool: Pool, scope: trio.CancelScope) -> None:
    await pool.spent.wait()
    log.error("SIP workers keep dying: draining", detail=pool.statistics().last_failure)
    scope.cancel()


async def _cancel_when_idle(engine: Engine, scope: trio.CancelScope) -> None:
    # The Drain may still be in the queue, and a permit on its way; so "empty" has to hold for a moment.
    quiet = 0
    while quiet < 3:
        await trio.sleep(0.05)
        quiet = quiet + 1 if engine.floor.draining and engine.is_idle() else 0
    scope.cancel()


async def _dismiss(parts: Parts, claims: Claims, to_scribe: trio.MemorySendChannel[ForScribe]) -> None:
    """Tell everybody that the agents are not served any more, and let other daemons have them."""
    now = parts.clock.now()
    for agent in parts.engine.floor.roster.agents.values():
        gone = AgentChanged(agent.agent, AgentState.OFFLINE, now, "the dialer has stopped", agent.campaigns)
        await to_scribe.send(gone)
    try:
        await claims.give_up()
    except StoreError as error:
        log.warning("claims not given back", detail=str(error))


async def _farewell(parts: Parts) -> None:
    try:
        await trio.to_thread.run_sync(recovery.farewell, parts.store, parts.owner)
    except StoreError as error:
        log.warning("farewell not heard", detail=str(error))
    log.info("stopped", spooled=len(parts.spool))
