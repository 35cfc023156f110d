"""The composition root: what a running daemon is made of, and the order in which it lives and dies.

    archive             evidence; ends last, when every record is on disk
      event writer      ends when everything is in Redis or on disk; the last recordings are finished before
        SIP worker pool ends when no call is left
          floor         engine, pacers, store tasks, heartbeat, board
            feeds       leads, agents, CRM, operators; end first

Start: settings -> Redis (exit 3) -> what dead daemons left -> SIP workers (exit 4) -> pacers compiled -> READY.
Stop, on SIGTERM: no leases, no new calls; ringing calls ring for their legal minimum and are served; talks go on for
`drain.talk_limit_s`; a second SIGTERM hangs up. Then settle, release, exit 0, or 5 if facts are left on disk. Every
wait has a limit; what neither Redis nor a disk has taken by then is lost, and the exit code is 12.
"""

from __future__ import annotations

import gc
import signal
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog
import trio

from config.daemon import DaemonSettings
from config.scripts.wav import unplayable
from dialer.shell.detection.ear import listening_folder
from dialer.shell.drain import dismiss, until_drained
from dialer.shell.engine_task import drive, hear_pool
from dialer.shell.exits import Exit, StartFailed
from dialer.shell.figures.pacing_minutes import PacingMinutes
from dialer.shell.inbound.callers import CallerTask
from dialer.shell.parts import Parts, open_parts, pool_settings
from dialer.shell.recordings.disk_watch import DiskWatch
from dialer.shell.recordings.expiry import Expiry
from dialer.shell.recordings.finishing import Finishing
from dialer.shell.tasks.board import BoardTask
from dialer.shell.tasks.campaign_watch import CampaignWatch
from dialer.shell.tasks.claims import Claims
from dialer.shell.tasks.crm_streams import CrmStreams
from dialer.shell.tasks.event_writer import EventWriter
from dialer.shell.tasks.feeds import Feeds
from dialer.shell.tasks.heartbeat import Heartbeat, log_recovered
from dialer.shell.tasks.housekeeping import Housekeeping
from dialer.shell.tasks.logins import Logins
from dialer.shell.tasks.marker_watch import MarkerWatch
from dialer.shell.tasks.pacer_memory import PacerMemory
from dialer.shell.tasks.pacers import pace
from dialer.shell.tasks.store_tasks import StoreTasks, attempt_ids
from dialer.shell.tasks.stray_leads import StrayLeads
from dialer.shell.tasks.trunk_watch import TrunkWatch
from dialer.store.base.connection import close_store
from dialer.store.base.errors import StoreError
from dialer.store.settlement import recovery, settle
from pacing.warmup import warm_up
from sip.pool import Pool, PoolFailed, PoolStartError, open_pool

log = structlog.get_logger()

NAMESAKE_BEATS: Final = 2
"""A run under our name that gave no sign of life for so many beats is over."""

LAST_FACTS_S: Final = 20.0
"""Longest wait, at the end, for Redis or the disk to take the last facts."""


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
    for setting, path in settings.music:
        for reason in await trio.to_thread.run_sync(unplayable, Path(path), setting):
            raise StartFailed(Exit.CONFIG, reason)
    parts = await trio.to_thread.run_sync(open_parts, settings)
    log.info("starting", host=parts.host, owner=parts.owner, lines=settings.sip.max_lines)
    lost = True  # a disk that hangs is left alone in the end
    try:
        async with trio.open_nursery() as archive:
            archive.start_soon(parts.evidence.write)
            await parts.evidence.started(parts.owner)
            ended, lost = await _serve(parts)
            await parts.evidence.stopped(parts.owner)
            parts.evidence.end()
        lost = lost or parts.evidence.lost > 0
        log.info("stopped", spooled=len(parts.spool))
        if lost and ended is Exit.OK:
            return Exit.LOST
        return Exit.SPOOLED if ended is Exit.OK and len(parts.spool) else ended
    finally:
        if not lost:
            parts.evidence.disk.close()
            parts.spool.close()
            parts.journal.close()
        parts.shelf.close()
        close_store(parts.store)


async def _serve(parts: Parts) -> tuple[Exit, bool]:
    """Serve until stopped. Gives the exit code, and whether facts were lost."""
    writer, marker = EventWriter(parts), MarkerWatch(parts)
    await _take_over(parts, writer, marker)
    async with trio.open_nursery() as writing:
        writing.start_soon(writer.write)
        async with parts.queues.facts:
            ended = await _with_pool(parts, writer, marker)
        writing.cancel_scope.deadline = trio.current_time() + LAST_FACTS_S
    lost = writing.cancel_scope.cancelled_caught
    if lost:
        log.error("facts lost", attempts=sorted(parts.unwritten))
    elif len(parts.spool):
        await writer.replay()  # Redis may have come back after the last beat
    try:
        await marker.leave()
        await parts.ask(recovery.farewell, parts.owner)
    except StoreError as error:
        log.warning("farewell not heard", detail=str(error))
    return ended, lost


async def _take_over(parts: Parts, writer: EventWriter, marker: MarkerWatch) -> None:
    """Finish what earlier runs left: first what they knew (the journal and the spool), then what they could not say any
    more. A server that has no data of ours is left alone until somebody says so."""
    try:
        await marker.look()
    except StoreError as error:
        raise StartFailed(Exit.REDIS, str(error)) from error
    if not parts.store_is_ours:
        return
    if not await writer.replay():
        raise StartFailed(Exit.REDIS, "facts of an earlier run wait on disk, and Redis does not take them")
    try:
        earlier = await _earlier_runs(parts)
        await parts.ask(recovery.declare_dead, earlier)
        keep = parts.evidence.keep_ends
        report = await parts.ask(recovery.recover, parts.clock.wall(), only=earlier, before=keep)
        log_recovered(report, announced=await parts.ask(settle.reannounce))
    except StoreError as error:
        raise StartFailed(Exit.REDIS, str(error)) from error


async def _earlier_runs(parts: Parts) -> tuple[str, ...]:
    """Earlier runs under this host's name. Refuses to start beside one that still gives signs of life: it would lose
    its calls to us."""
    before = await parts.ask(recovery.namesakes, parts.host)
    beats_s = NAMESAKE_BEATS * parts.settings.host.heartbeat_s
    youngest = max(before.values(), default=0.0)
    if before and parts.clock.wall() - youngest < beats_s:
        await trio.sleep(beats_s)
        if await parts.ask(recovery.namesakes, parts.host) != before:
            raise StartFailed(Exit.CONFIG, f"host.name: another daemon named {parts.host!r} is alive")
    return tuple(before)


async def _with_pool(parts: Parts, writer: EventWriter, marker: MarkerWatch) -> Exit:
    settings = pool_settings(parts.settings)
    try:
        with listening_folder(parts.host) as folder:
            async with open_pool(replace(settings, listening=folder)) as pool:
                await trio.to_thread.run_sync(warm_up)
                # What is in memory now stays for good. Without this a full garbage collection looks at all of it, for a
                # tenth of a second in which nobody who answers is handed over.
                gc.collect()
                gc.freeze()
                await _run_tasks(parts, writer, marker, pool)
                return Exit.SIP if pool.spent.is_set() else Exit.OK
    except* PoolStartError as group:
        raise StartFailed(Exit.SIP, f"no SIP worker started: {group.exceptions[0]}") from None
    except* PoolFailed as group:
        raise StartFailed(Exit.SIP, f"the SIP side gave up: {group.exceptions[0]}") from None


async def _run_tasks(parts: Parts, writer: EventWriter, marker: MarkerWatch, pool: Pool) -> None:
    claims, watch, board, memory = Claims(parts), CampaignWatch(parts), BoardTask(parts, pool), PacerMemory(parts)
    store_tasks = StoreTasks(parts, attempt_ids(parts.owner.rpartition(":")[2]), marker)
    watch.created_at = parts.evidence.created_at
    feeds = Feeds(parts, Logins(parts, claims), watch)
    heartbeat = Heartbeat(parts, claims, store_tasks, watch, writer, marker)
    expiry = Expiry(parts)
    finishing = Finishing(parts, writer, expiry)
    callers = CallerTask(parts, pool)
    try:
        await feeds.begin()
    except StoreError as error:
        raise StartFailed(Exit.REDIS, str(error)) from error
    async with trio.open_nursery() as floor:
        floor.start_soon(drive, parts, pool)
        floor.start_soon(hear_pool, parts.health, pool.events, parts.queues.inbox)
        floor.start_soon(pace, parts, memory.pacers, memory.recall)
        floor.start_soon(marker.keep, writer.replay)
        for task in (
            store_tasks.lease_leads,
            store_tasks.pass_gates,
            TrunkWatch(parts, pool_settings(parts.settings).trunks).watch,
            heartbeat.beat,
            heartbeat.watch_health,
            heartbeat.bring_store_back,
            board.show,
            memory.keep,
            parts.evidence.tidy,
            Housekeeping(parts, lambda: watch.catalogue).keep,
            CrmStreams(parts).keep,
            StrayLeads(parts).keep,
            DiskWatch(parts).watch,
            expiry.keep,
            finishing.keep,
            PacingMinutes(parts).keep,
            parts.ear.keep,
            callers.find,
            callers.tell,
        ):
            floor.start_soon(task)
        async with trio.open_nursery() as feeding:
            feeding.start_soon(feeds.logins.run)
            for feed in (feeds.leads, feeds.agents, feeds.crm, feeds.operators, feeds.audit_trail):
                feeding.start_soon(feeds.keep, feed)
            with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                parts.notifier.ready(f"{pool.statistics().workers} SIP workers")
                log.info("ready", workers=pool.statistics().workers)
                await until_drained(parts, claims, signals, pool)
            feeding.cancel_scope.cancel()
        await memory.save()
        with trio.move_on_after(LAST_FACTS_S):  # the queue to the writer may be full
            await store_tasks.settle_doubtful(after_s=0.0)
            await dismiss(parts, claims)
        await board.publish()
        floor.cancel_scope.cancel()
    await finishing.last()
