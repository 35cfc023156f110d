"""What a daemon is made of before anything runs: the store, the spool, the clocks, the counters, the engine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from config.daemon import DaemonSettings
from dialer.core.engine import Engine
from dialer.core.floor import FloorSettings, TrunkLimits
from dialer.shell.clock import Clock
from dialer.shell.exits import Exit, StartFailed
from dialer.shell.health import Health
from dialer.shell.metrics import Metrics
from dialer.shell.tally import Tally
from dialer.shell.watchdog import Notifier
from dialer.store import recovery
from dialer.store.connection import Store, open_store, persistence_warnings
from dialer.store.errors import StoreError
from dialer.store.spool import Spool
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


def pool_settings(settings: DaemonSettings) -> PoolSettings:
    """What the SIP side is asked for."""
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
