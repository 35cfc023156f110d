"""What a daemon is made of before anything runs: the store, the disk, the clocks, the counters, the engine, queues."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

import structlog
import trio

import dialer
from compliance.numbering import plans
from config.daemon import DaemonSettings
from config.sip import TrunkSettings
from dialer.core.agents.phones import PhoneRules, TrunkPlace, hosts_of
from dialer.core.calls.trunk_load import TrunkLimits
from dialer.core.effects import (
    AgentChanged,
    FindCaller,
    Lease,
    Listened,
    OptOut,
    Postpone,
    Publish,
    Release,
    Reserve,
    Settle,
)
from dialer.core.engine import Engine
from dialer.core.engine_state import EngineSettings
from dialer.core.inputs import Input
from dialer.disk.errors import DiskError
from dialer.disk.evidence_files import KEY_BYTES
from dialer.disk.evidence_log import EvidenceLog, open_evidence
from dialer.disk.journal import Journal
from dialer.disk.registers import NationalRegisters
from dialer.disk.spool import Spool
from dialer.shell.clock import Clock
from dialer.shell.detection.ear import Ear
from dialer.shell.exits import Exit, StartFailed
from dialer.shell.health import Health
from dialer.shell.metrics import Metrics
from dialer.shell.recordings.recorded import Recorded
from dialer.shell.statistics import Statistics
from dialer.shell.tasks.evidence import Evidence
from dialer.shell.watchdog import Notifier
from dialer.store.base.connection import Store, open_store
from dialer.store.base.errors import StoreError
from dialer.store.base.server_facts import persistence_warnings
from dialer.store.crm import event_settings
from dialer.store.crm.event_settings import Format
from dialer.store.crm.refusals import Refusals
from dialer.store.settlement import recovery
from dialer.store.settlement.outbox import CrmEvent
from sip.address import SIP_PORT
from sip.edge.plan import INSIDE
from sip.pool import PoolSettings
from sip.settings import Trunk

log = structlog.get_logger()

P = ParamSpec("P")
Answer = TypeVar("Answer")

QUEUE: Final = 10_000
"""What may wait in memory. A full queue holds up whoever fills it."""

ToWrite = Settle | OptOut | Publish | AgentChanged | Listened | CrmEvent
"""What the event writer is given."""


class Queues:
    """Between the tasks: each has an end to put in and one to take out."""

    def __init__(self) -> None:
        self.inbox, self.inputs = trio.open_memory_channel[Input](QUEUE)
        self.leases, self.leases_wanted = trio.open_memory_channel[Lease | Release | Postpone](QUEUE)
        self.gates, self.gates_wanted = trio.open_memory_channel[Reserve](QUEUE)
        self.callers, self.callers_wanted = trio.open_memory_channel[FindCaller](QUEUE)
        self.facts, self.facts_to_write = trio.open_memory_channel[ToWrite](QUEUE)


@dataclass(slots=True)
class Parts:
    """The long-lived things that tasks share. `unwritten` are attempts that ended and are not in the store yet.
    `recorded` are recorded talks that are over; the `ear` listens to answered lines.
    `store_is_ours` is False while the server has no data of ours: nothing is written there before somebody has said so.
    """

    settings: DaemonSettings
    store: Store
    spool: Spool
    evidence: Evidence
    journal: Journal
    shelf: NationalRegisters
    owner: str
    clock: Clock
    health: Health
    statistics: Statistics
    metrics: Metrics
    engine: Engine
    notifier: Notifier
    queues: Queues = field(default_factory=Queues)
    unwritten: set[str] = field(default_factory=set)
    store_is_ours: bool = True
    refusals: Refusals = field(default_factory=Refusals)
    recorded: Recorded = field(default_factory=Recorded)
    ear: Ear = field(init=False)

    def __post_init__(self) -> None:
        self.ear = Ear(self.queues.inbox, self.health)

    @property
    def host(self) -> str:
        """This host's name."""
        return self.settings.host.name

    async def ask(self, question: Callable[Concatenate[Store, P], Answer], *args: P.args, **named: P.kwargs) -> Answer:
        """Something that the store must answer or do, in a thread. Raises what that raises."""
        return await trio.to_thread.run_sync(partial(question, self.store, *args, **named))


def open_parts(settings: DaemonSettings) -> Parts:
    """Open what the settings name, in this order. Raises `StartFailed`."""
    clock, health, metrics = Clock.start(), Health(), Metrics()
    plans.also_valid(settings.numbers.also_valid)
    try:
        store = open_store(settings.redis)
        for warning in persistence_warnings(store.link):
            log.warning("persistence", detail=warning)
        if settings.redis.json_events and event_settings.adopt_format(store, Format.JSON) is not Format.JSON:
            log.warning("redis.json_events is not heeded", detail="events are msgpack: dialer crm set --format json")
    except StoreError as error:
        raise StartFailed(Exit.REDIS, str(error)) from error
    try:
        spool = Spool(Path(settings.spool.dir), limit_bytes=settings.spool.max_mb * 1_000_000)
        journal = Journal(Path(settings.spool.dir) / "journal")
    except DiskError as error:
        raise StartFailed(Exit.CONFIG, f"spool.dir: {error}") from error
    for path in spool.damaged:
        log.error("the spool was damaged; what could not be read is kept", path=str(path))
    evidence = _evidence(settings)
    try:
        metrics.serve(settings.metrics)
    except OSError as error:
        raise StartFailed(Exit.CONFIG, f"metrics.port {settings.metrics.port}: {error}") from error
    return Parts(
        settings=settings,
        store=store,
        spool=spool,
        evidence=Evidence(
            evidence, clock, health, settings.evidence.keep_days, journal, registers=bool(settings.registers)
        ),
        journal=journal,
        shelf=NationalRegisters(settings.registers),
        owner=recovery.owner_of(settings.host.name, f"{time.time_ns() // 1_000_000:x}"),
        clock=clock,
        health=health,
        statistics=Statistics(clock, clock.wall()),
        metrics=metrics,
        engine=Engine(
            EngineSettings(
                trunks=tuple(limits_of(trunk) for trunk in settings.trunks),
                max_lines=settings.sip.max_lines,
                agent_heartbeat_timeout_s=settings.agents.heartbeat_timeout_s,
                handover_allowance_s=settings.pacing.handover_allowance_s,
                max_parties=settings.sip.max_parties,
                listeners_told=settings.agents.listeners_told,
                destinations=settings.agents.destinations,
                hash_key=evidence.key,
                inbound=settings.inbound,
                connection=settings.agents.connection,
                beep=settings.agents.beep,
            )
        ),
        notifier=Notifier(),
    )


def _evidence(settings: DaemonSettings) -> EvidenceLog:
    try:
        evidence = open_evidence(
            Path(settings.evidence.folder),
            Path(settings.evidence.key_file),
            host=settings.host.name,
            version=dialer.__version__,
            segment_bytes=settings.evidence.segment_mb * 1_000_000,
            new_key=secrets.token_bytes(KEY_BYTES),
        )
    except DiskError as error:
        raise StartFailed(Exit.CONFIG, f"evidence: {error}") from error
    for name in evidence.damaged:
        log.error("evidence was altered, or records are missing: dialer evidence verify", file=name)
    for torn in evidence.torn:
        log.warning("evidence ends unfinished; the next record says so", file=torn["file"], bytes=torn["bytes"])
    return evidence


def limits_of(trunk: TrunkSettings) -> TrunkLimits:
    """A trunk as the engine sees it."""
    return TrunkLimits(
        trunk.name,
        trunk.max_cps,
        trunk.max_calls,
        trunk.priority,
        trunk.weight,
        trunk.prefixes,
        trunk.caller_ids,
    )


def phone_rules(settings: DaemonSettings) -> PhoneRules:
    """Which phones agents may log in with: no host of a trunk, and no port of the edge that leads to one."""
    networks, domains = hosts_of(settings.agents.hosts)
    trunks: list[TrunkPlace] = []
    for place, trunk in enumerate(settings.trunks):
        trunks.append(
            TrunkPlace(trunk.name, trunk.host.lower(), trunk.port or SIP_PORT, tuple(map(IPv4Network, trunk.sources)))
        )
        if settings.edge.used:
            trunks.append(TrunkPlace(trunk.name, INSIDE, settings.edge.port_of(place)))
            further = (*trunk.edge.backup_hosts, *trunk.edge.sources, trunk.edge.outbound_proxy)
            trunks += [_trunk_place(trunk.name, text) for text in further if text]
    domain = settings.edge.phones_domain if settings.edge.has_phones else ""
    own = frozenset({IPv4Address(settings.sip.bind_address)})
    return PhoneRules(networks, domains, own, tuple(trunks), domain)


def _trunk_place(name: str, text: str) -> TrunkPlace:
    """HOST or HOST:PORT, as the settings of an edge have it."""
    host, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "")
    return TrunkPlace(name, host.lower(), int(port or 5060))


def pool_settings(settings: DaemonSettings) -> PoolSettings:
    """What the SIP side is asked for."""
    edge = settings.edge
    direct = [
        Trunk(
            trunk.name,
            trunk.host,
            trunk.port,
            trunk.username,
            trunk.password.get_secret_value(),
            sources=trunk.sources,
            first_answer_s=trunk.first_answer_s,
            called_rules=trunk.called_rules,
            caller_rules=trunk.caller_rules,
            arriving_rules=trunk.arriving_rules,
            codecs=tuple(codec.value for codec in trunk.codecs),
        )
        for trunk in settings.trunks
    ]
    trunks = tuple(
        replace(trunk, host=INSIDE, port=edge.port_of(place), username="", password="", sources=())
        if edge.used  # it has the credentials, and a port for each trunk
        else trunk
        for place, trunk in enumerate(direct)
    )
    return PoolSettings(
        trunks=trunks,
        lines=settings.sip.max_lines,
        parties=settings.sip.max_parties,
        bind_address=settings.sip.bind_address,
        rtp_port_first=settings.sip.rtp_port_min,
        rtp_port_last=settings.sip.rtp_port_max,
        user_agent=settings.sip.user_agent,
        media_timeout_s=settings.sip.media_timeout_s,
        session_refresh_s=settings.sip.session_refresh_s,
        talk_limit_s=settings.sip.talk_limit_s,
        phones_port=edge.phones_port if edge.has_phones else 0,
        hold_music=settings.sip.hold_music,
        recordings=settings.recordings.live,
        inbound_port=settings.inbound.port if settings.inbound.used else 0,
        phone_headers=settings.agents.invite_headers,
        standing=settings.agents.standing_most,
        standing_music=settings.agents.standing_music,
    )
