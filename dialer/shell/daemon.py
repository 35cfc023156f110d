"""The composition root: what a running daemon is made of, and the order in which it lives and dies.

    archive             evidence; ends last, when every record is on disk
      services          the scribe; ends when everything is in Redis or on disk
        SIP worker pool ends when no call is left
          floor         engine, pacers, store tasks, beats
            feeds       leads, agents, CRM, operators; end first

Start: settings -> Redis (exit 3) -> what dead daemons left -> SIP workers (exit 4) -> pacers compiled -> READY.
Stop, on SIGTERM: no leases, no new calls; ringing calls ring for their legal minimum and are served; talks go on for
`drain.talk_limit_s`; a second SIGTERM hangs up. Then settle, release, exit 0, or 5 if facts are left on disk.
"""

from __future__ import annotations

import gc
import signal
from functools import partial
from typing import Any

import structlog
import trio

from config.daemon import DaemonSettings
from config.policies import AppliedSettings
from dialer.core.effects import Lease, Postpone, Release, Reserve
from dialer.core.inputs import Input
from dialer.shell.drain import dismiss, until_drained
from dialer.shell.engine_task import ForScribe, Outlets, drive, put
from dialer.shell.exits import Exit, StartFailed
from dialer.shell.parts import Parts, open_parts, pool_settings
from dialer.shell.tasks.campaign_watch import CampaignWatch
from dialer.shell.tasks.claims import Claims
from dialer.shell.tasks.event_writer import MOST_IN_MEMORY, Scribe
from dialer.shell.tasks.feeds import Feeds
from dialer.shell.tasks.heartbeat import Beats
from dialer.shell.tasks.housekeeping import Housekeeping
from dialer.shell.tasks.pacers import pace
from dialer.shell.tasks.store_tasks import StoreDesk, attempt_ids, lease_leads, pass_gates, settle_doubtful
from dialer.store.base.connection import close_store
from dialer.store.base.errors import StoreError
from dialer.store.settlement import recovery, settle
from pacing.warmup import warm_up
from sip.messages import Event, PeerRests
from sip.pool import Pool, PoolFailed, PoolStartError, open_pool

log = structlog.get_logger()

QUEUE = 10_000
"""Inputs and effects that may wait in memory. A full queue holds up whoever fills it."""

CLAIM_BEATS = 5
NAMESAKE_BEATS = 2
"""A run under our name that gave no sign of life for so many beats is over."""


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


async def _run(settings: DaemonSettings) -> Exit:
    parts = await trio.to_thread.run_sync(open_parts, settings)
    log.info("starting", host=parts.host, owner=parts.owner, lines=settings.sip.max_lines)
    scribe = Scribe(
        store=parts.store,
        spool=parts.spool,
        owner=parts.owner,
        clock=parts.clock,
        health=parts.health,
        tally=parts.tally,
        metrics=parts.metrics,
        evidence=parts.evidence,
    )
    try:
        async with trio.open_nursery() as archive:
            archive.start_soon(parts.evidence.write)
            await parts.evidence.started(parts.owner)
            ended = await _serve(parts, scribe)
            await parts.evidence.stopped(parts.owner)
            parts.evidence.end()
        log.info("stopped", spooled=len(parts.spool))
        return Exit.SPOOLED if ended is Exit.OK and len(parts.spool) else ended
    finally:
        parts.evidence.disk.close()
        parts.spool.close()
        parts.shelf.close()
        close_store(parts.store)


async def _serve(parts: Parts, scribe: Scribe) -> Exit:
    to_scribe, for_scribe = trio.open_memory_channel[ForScribe](MOST_IN_MEMORY)
    await _take_over(parts, scribe)
    async with trio.open_nursery() as services:
        services.start_soon(scribe.write, for_scribe)
        async with to_scribe:
            ended = await _with_pool(parts, scribe, to_scribe)
    if len(parts.spool):
        await scribe.replay()  # Redis may have come back after the last beat
    await _farewell(parts)
    return ended


async def _take_over(parts: Parts, scribe: Scribe) -> None:
    """Finish what earlier runs left: first what they knew (the spool), then what they could not say any more."""
    try:
        replayed = await scribe.replay()
    except ValueError as error:
        raise StartFailed(Exit.CONFIG, f"spool.dir holds facts that this release cannot read: {error}") from error
    if not replayed:
        raise StartFailed(Exit.REDIS, "facts of an earlier run wait on disk, and Redis does not take them")
    try:
        earlier = await _earlier_runs(parts)
        await trio.to_thread.run_sync(recovery.succeed, parts.store, earlier)
        recover = partial(
            recovery.recover, parts.store, parts.clock.wall(), only=earlier, before=parts.evidence.keep_ends
        )
        report = await trio.to_thread.run_sync(recover)
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


async def _earlier_runs(parts: Parts) -> tuple[str, ...]:
    """Earlier runs under this host's name. Refuses to start beside one that still gives signs of life: it would lose
    its calls to us."""
    before = await trio.to_thread.run_sync(recovery.namesakes, parts.store, parts.host)
    beats_s = NAMESAKE_BEATS * parts.settings.host.heartbeat_s
    youngest = max(before.values(), default=0.0)
    if before and parts.clock.wall() - youngest < beats_s:
        await trio.sleep(beats_s)
        if await trio.to_thread.run_sync(recovery.namesakes, parts.store, parts.host) != before:
            raise StartFailed(Exit.CONFIG, f"host.name: another daemon named {parts.host!r} is alive")
    return tuple(before)


async def _with_pool(parts: Parts, scribe: Scribe, to_scribe: trio.MemorySendChannel[ForScribe]) -> Exit:
    try:
        async with open_pool(pool_settings(parts.settings)) as pool:
            await trio.to_thread.run_sync(warm_up)
            # What is in memory now stays for good. Without this a full garbage collection looks at all of it, for a
            # tenth of a second in which nobody who answers is handed over.
            gc.collect()
            gc.freeze()
            await _floor(parts, scribe, to_scribe, pool)
            return Exit.SIP if pool.spent.is_set() else Exit.OK
    except* PoolStartError as group:
        raise StartFailed(Exit.SIP, f"no SIP worker started: {group.exceptions[0]}") from None
    except* PoolFailed as group:
        raise StartFailed(Exit.SIP, f"the SIP side gave up: {group.exceptions[0]}") from None


async def _floor(parts: Parts, scribe: Scribe, to_scribe: trio.MemorySendChannel[ForScribe], pool: Pool) -> None:
    settings, engine, clock, notebook = parts.settings, parts.engine, parts.clock, parts.notebook
    inbox, inputs = trio.open_memory_channel[Input](QUEUE)
    leases_in, leases_out = trio.open_memory_channel[Lease | Release | Postpone](QUEUE)
    gates_in, gates_out = trio.open_memory_channel[Reserve](QUEUE)
    outlets = Outlets(pool, leases_in, gates_in, to_scribe, parts.tally)
    desk = StoreDesk(
        parts.store, parts.owner, settings.host.lease_s, clock, parts.health, inbox, parts.evidence, parts.shelf
    )
    ids = attempt_ids(parts.owner.rpartition(":")[2])
    watch = CampaignWatch(parts.store, parts.owner, clock, settings, inbox, parts.tally, parts.shelf)
    watch.created_at = parts.evidence.created_at
    claims = Claims(parts.store, parts.owner, settings.host.heartbeat_s * CLAIM_BEATS, engine.floor.roster)
    feeds = _feeds(parts, claims, inbox, to_scribe, watch)
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

    def settings_of(campaign: str) -> AppliedSettings:
        return engine.floor.campaigns[campaign].settings

    async with trio.open_nursery() as floor:
        floor.start_soon(drive, engine, inputs, outlets, clock, parts.notifier)
        floor.start_soon(_forward, pool.events, inbox)
        floor.start_soon(lease_leads, desk, leases_out, settings_of)
        floor.start_soon(pass_gates, desk, gates_out, settings_of, ids)
        for beating in (beats.beat, beats.watch_health, beats.show_board, notebook.keep, parts.evidence.tidy):
            floor.start_soon(beating)
        floor.start_soon(_housekeeping(parts, watch).keep)
        floor.start_soon(pace, engine, inbox, settings.pacing, clock, parts.tally, notebook.pacers, notebook.recall)
        async with trio.open_nursery() as feeding:
            for feed in (feeds.leads, feeds.agents, feeds.crm, feeds.operators):
                feeding.start_soon(feeds.keep, feed)
            with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                parts.notifier.ready(f"{pool.statistics().workers} SIP workers")
                log.info("ready", workers=pool.statistics().workers)
                await until_drained(parts, claims, inbox, signals, pool)
            feeding.cancel_scope.cancel()
        await notebook.save()
        await settle_doubtful(desk, to_scribe, after_s=0.0)
        await dismiss(parts, claims, to_scribe)
        await beats.publish_board()
        floor.cancel_scope.cancel()


def _housekeeping(parts: Parts, watch: CampaignWatch) -> Housekeeping:
    return Housekeeping(
        store=parts.store,
        owner=parts.owner,
        clock=parts.clock,
        health=parts.health,
        evidence=parts.evidence,
        settings=parts.settings.retention,
        catalogue=lambda: watch.catalogue,
    )


def _feeds(
    parts: Parts,
    claims: Claims,
    inbox: trio.MemorySendChannel[Input],
    to_scribe: trio.MemorySendChannel[ForScribe],
    watch: CampaignWatch,
) -> Feeds:
    return Feeds(
        store=parts.store,
        settings=parts.settings,
        owner=parts.owner,
        host=parts.host,
        claims=claims,
        clock=parts.clock,
        health=parts.health,
        inbox=inbox,
        scribe=to_scribe,
        watch=watch,
        evidence=parts.evidence,
    )


async def _forward(events: trio.MemoryReceiveChannel[Any], inbox: trio.MemorySendChannel[Input]) -> None:
    event: Event | PeerRests
    async for event in events:
        if isinstance(event, PeerRests):
            what = "a trunk" if event.is_trunk else "an agent's phone"
            log.error(f"SIP workers kept dying in calls with {what}; it rests", name=event.name, for_s=event.for_s)
        else:
            await put(inbox, event)


async def _farewell(parts: Parts) -> None:
    try:
        await trio.to_thread.run_sync(recovery.farewell, parts.store, parts.owner)
    except StoreError as error:
        log.warning("farewell not heard", detail=str(error))
