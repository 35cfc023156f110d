"""What a daemon is made of before anything runs: the store, the spool, the clocks, the counters, the engine."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

import dialer
from config.daemon import DaemonSettings
from dialer.core.engine import Engine
from dialer.core.engine_state import FloorSettings, TrunkLimits
from dialer.disk.errors import DiskError
from dialer.disk.evidence_files import KEY_BYTES
from dialer.disk.evidence_log import EvidenceLog, open_evidence
from dialer.disk.registers import Shelf
from dialer.disk.spool import Spool
from dialer.shell.clock import Clock
from dialer.shell.exits import Exit, StartFailed
from dialer.shell.health import Health
from dialer.shell.metrics import Metrics
from dialer.shell.statistics import Tally
from dialer.shell.tasks.evidence import Evidence
from dialer.shell.tasks.pacer_memory import Notebook
from dialer.shell.tasks.pacers import Pacers
from dialer.shell.watchdog import Notifier
from dialer.store.base.connection import Store, open_store, persistence_warnings
from dialer.store.base.errors import StoreError
from dialer.store.settlement import recovery
from sip.messages import Trunk
from sip.pool import PoolSettings

log = structlog.get_logger()


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
    notebook: Notebook
    shelf: Shelf
    evidence: Evidence


def open_parts(settings: DaemonSettings) -> Parts:
    """Open what the settings name, in this order. Raises `StartFailed`."""
    clock = Clock.start()
    try:
        store = open_store(settings.redis)
        for warning in persistence_warnings(store):
            log.warning("persistence", detail=warning)
    except StoreError as error:
        raise StartFailed(Exit.REDIS, str(error)) from error
    try:
        spool = Spool(Path(settings.spool.dir), limit_bytes=settings.spool.max_mb * 1_000_000)
    except DiskError as error:
        raise StartFailed(Exit.CONFIG, f"spool.dir: {error}") from error
    for path in spool.damaged:
        log.error("the spool was damaged; what could not be read is kept", path=str(path))
    evidence = _evidence(settings)
    limits = tuple(TrunkLimits(trunk.name, trunk.max_cps, trunk.max_calls) for trunk in settings.trunks)
    metrics = Metrics()
    try:
        metrics.serve(settings.metrics)
    except OSError as error:
        raise StartFailed(Exit.CONFIG, f"metrics.port {settings.metrics.port}: {error}") from error
    incarnation = f"{time.time_ns() // 1_000_000:x}"
    owner = recovery.owner_of(settings.host.name, incarnation)
    health, tally = Health(), Tally(settings.host.name, clock, clock.wall())
    return Parts(
        settings=settings,
        store=store,
        spool=spool,
        host=settings.host.name,
        owner=owner,
        clock=clock,
        health=health,
        tally=tally,
        metrics=metrics,
        engine=Engine(
            FloorSettings(
                trunks=limits,
                max_lines=settings.sip.max_lines,
                agent_heartbeat_timeout_s=settings.agents.heartbeat_timeout_s,
                handover_allowance_s=settings.pacing.handover_allowance_s,
            )
        ),
        notifier=Notifier(),
        notebook=Notebook(store, settings.host.name, owner, clock, health, tally, Pacers()),
        shelf=Shelf(settings.registers),
        evidence=Evidence(evidence, clock, health, settings.evidence.keep_days, registers=bool(settings.registers)),
    )


def _evidence(settings: DaemonSettings) -> EvidenceLog:
    wanted = settings.evidence
    try:
        found = open_evidence(
            Path(wanted.folder),
            Path(wanted.key_file),
            host=settings.host.name,
            version=dialer.__version__,
            segment_bytes=wanted.segment_mb * 1_000_000,
            new_key=secrets.token_bytes(KEY_BYTES),
        )
    except DiskError as error:
        raise StartFailed(Exit.CONFIG, f"evidence: {error}") from error
    for name in found.damaged:
        log.error("evidence was altered, or records are missing: dialer evidence verify", file=name)
    for torn in found.torn:
        log.warning("evidence ends unfinished; the next record says so", file=torn["file"], bytes=torn["bytes"])
    return found


def pool_settings(settings: DaemonSettings) -> PoolSettings:
    """What the SIP side is asked for."""
    trunks = tuple(
        Trunk(
            trunk.name,
            trunk.host,
            trunk.port,
            trunk.username,
            trunk.password.get_secret_value(),
            sources=trunk.sources,
            first_answer_s=trunk.first_answer_s,
        )
        for trunk in settings.trunks
    )
    return PoolSettings(
        trunks=trunks,
        lines=settings.sip.max_lines,
        bind_address=settings.sip.bind_address,
        rtp_port_first=settings.sip.rtp_port_min,
        rtp_port_last=settings.sip.rtp_port_max,
        user_agent=settings.sip.user_agent,
        media_timeout_s=settings.sip.media_timeout_s,
        session_refresh_s=settings.sip.session_refresh_s,
        talk_limit_s=settings.sip.talk_limit_s,
    )
