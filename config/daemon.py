"""The daemon's settings: one frozen model per section of `dialer.toml`."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from compliance.listed import ALL_REGISTERS, MAX_AGE_DAYS
from compliance.register import MAX_NAME
from config.agents.settings import AgentSettings
from config.archive import ArchiveSettings, MailSettings
from config.edge import EdgeSettings, Transport
from config.inbound.settings import InboundSettings
from config.model import AbsolutePath, Region, Section, named_twice
from config.recordings.settings import RecordingsSettings
from config.redis import RedisSettings
from config.sip import PORTS_PER_LINE, SipSettings, TrunkSettings
from config.web.settings import WebSettings


def _ip_address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError("must be an IP address such as 127.0.0.1 or ::1") from None


LOOPBACK: Final = "127.0.0.1"
MOST_SOURCES: Final = 256
"""Networks of all trunks together: the kernel's filter on a worker's port takes no more with room for the rest."""

Address = Annotated[str, AfterValidator(_ip_address)]


class LogLevel(StrEnum):
    """The least severe message that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a message is written."""

    AUTO = "auto"  # console on a terminal, json elsewhere
    JSON = "json"
    CONSOLE = "console"


class HostSettings(Section):
    """This daemon among the daemons that share one Redis."""

    name: str = Field(default="", pattern=r"^[A-Za-z0-9_.-]{0,64}$")
    """unique name of this daemon; empty: the machine's host name"""
    lease_s: float = Field(default=120.0, ge=10)
    """how long a leased lead is held without renewal, in seconds"""
    heartbeat_s: float = Field(default=3.0, gt=0, le=60)
    """time between two signs of life to Redis, in seconds"""

    @field_validator("heartbeat_s")
    @classmethod
    def _lease_outlives_heartbeats(cls, heartbeat_s: float, info: ValidationInfo) -> float:
        lease_s = info.data.get("lease_s")
        if lease_s is not None and lease_s < 3 * heartbeat_s:
            raise ValueError(f"must be at most a third of lease_s ({lease_s:g}), or leases end between two renewals")
        return heartbeat_s


class RegisterSettings(Section):
    """One national no-call register."""

    name: str = Field(pattern=rf"^[A-Za-z0-9_.-]{{1,{MAX_NAME}}}$", examples=["us-dnc"])
    """name in campaigns, refusals and commands"""
    path: AbsolutePath = Field(examples=["/var/lib/dialer/registers/us-dnc.reg"])
    """its compiled file, absolute path; made by: dialer register import"""
    country: Region = Field(examples=["US"])
    """country whose numbers it concerns, ISO 3166"""
    max_age_days: int = Field(default=MAX_AGE_DAYS, ge=1, le=366)
    """with older data no number of the country is dialled, in days; 31 is the law in the US and Canada"""

    @field_validator("name")
    @classmethod
    def _no_reserved_name(cls, name: str) -> str:
        if name == ALL_REGISTERS:
            raise ValueError(f'must not be "{ALL_REGISTERS}": campaigns mean every register by it')
        return name


SHORTEST_PREFIX: Final = 5
"""A prefix with fewer digits is a country or a good part of one."""


class IntakeSettings(Section):
    """Taking leads in."""

    batch: int = Field(default=200, ge=1, le=5000)
    """most leads read at once"""
    default_region: Region = "CN"
    """country of numbers without a country code in block requests, ISO 3166"""
    shortest_prefix: int = Field(default=SHORTEST_PREFIX, ge=1, le=14)
    """the CRM may block or unblock prefixes with so many digits; shorter ones are the administrator's"""
    max_lead_bytes: int = Field(default=8192, ge=256, le=1_048_576)
    """longest lead that is read, in bytes"""


class NumberSettings(Section):
    """Phone numbers."""

    also_valid: tuple[Annotated[str, Field(pattern=r"^\+[1-9][0-9]{2,9}$")], ...] = Field(default=(), max_length=100)
    """numbers that begin so, such as "+86149", are valid though the numbering plans of this release do not know them
    yet: + and digits with the country code"""


class SpoolSettings(Section):
    """Where events wait on local disk while Redis is away."""

    dir: AbsolutePath = "/var/lib/dialer/spool"
    """directory, absolute path"""
    max_mb: int = Field(default=256, ge=1)
    """most disk space for waiting events, in MB; no new calls beyond"""


class EvidenceSettings(Section):
    """The record of every compliance decision and of every attempt's end."""

    folder: AbsolutePath = "/var/lib/dialer/evidence"
    """directory, absolute path"""
    key_file: AbsolutePath = "/var/lib/dialer/evidence.key"
    """key of the numbers' hashes, 64 hexadecimal digits, absolute path; made where it is not there"""
    keep_days: int = Field(default=1826, ge=1, le=36_525)
    """closed files older than this are deleted, in days; 1826 are the five years of 16 CFR 310.5"""
    segment_mb: int = Field(default=64, ge=1, le=1024)
    """size at which another file begins, in MB; one begins every day"""


class PoliciesSettings(Section):
    """The operator's own policies, besides those that are shipped."""

    folder: AbsolutePath = "/etc/dialer/policies"
    """directory of NAME.toml files, absolute path; it need not be there"""


class MetricsSettings(Section):
    """The Prometheus endpoint."""

    address: Address = "127.0.0.1"
    """IP address to listen on"""
    port: int = Field(default=9464, ge=0, le=65535)
    """TCP port; 0: no endpoint"""


class LogSettings(Section):
    """What the daemon writes to standard error."""

    level: LogLevel = LogLevel.INFO
    """least severe message written"""
    format: LogFormat = LogFormat.AUTO
    """auto is console on a terminal, json elsewhere"""


class DrainSettings(Section):
    """An orderly stop."""

    talk_limit_s: float = Field(default=300.0, ge=0, le=86_400)
    """longest wait for talks to end before they are hung up, in seconds"""


class PacingSettings(Section):
    """How often the pacers decide."""

    interval_s: float = Field(default=0.1, ge=0.02, le=5)
    """shortest time between two decisions of a campaign, in seconds"""
    budget_s: float = Field(default=0.02, gt=0, le=1)
    """longest time for one decision before it falls back to progressive, in seconds"""

    @field_validator("budget_s")
    @classmethod
    def _budget_fits(cls, budget_s: float, info: ValidationInfo) -> float:
        interval_s = info.data.get("interval_s")
        if interval_s is not None and budget_s >= interval_s:
            raise ValueError(f"must be less than interval_s ({interval_s:g})")
        return budget_s

    handover_allowance_s: float = Field(default=0.3, ge=0, le=2)
    """time for an agent's phone to be rung and bridged: for the forecast an agent who is free by abandon_after_s less
    this is in time, in seconds"""


class RetentionSettings(Section):
    """How long is kept what is known of people."""

    leads_days: int = Field(default=304, ge=1, le=3660)
    """leads, with all that is known of them, and events are deleted this long after they came, in days; 304 is ten
    months; a campaign may say less"""
    contacts_days: int = Field(default=400, ge=1, le=3660)
    """a contact history is deleted this long after the last attempt, in days; never as long as a frequency cap of any
    campaign looks back"""


class DaemonSettings(Section):
    """Everything that one daemon is told before it starts."""

    redis: RedisSettings = RedisSettings()
    """where leads, agents and contact history live"""
    host: HostSettings = HostSettings()
    """this daemon among those that share one Redis"""
    sip: SipSettings = SipSettings()
    """the SIP side of this host"""
    trunks: tuple[TrunkSettings, ...] = Field(default=(), max_length=64)
    """the carriers; campaigns use all of them, or those that they name"""
    edge: EdgeSettings = EdgeSettings()
    """Kamailio and rtpengine between the workers and the carriers"""
    inbound: InboundSettings = InboundSettings()
    """calls from outside"""
    registers: tuple[RegisterSettings, ...] = Field(default=(), max_length=64)
    """national no-call registers that this host has"""
    agents: AgentSettings = AgentSettings()
    """where agents' phones may be, and when an agent counts as there"""
    intake: IntakeSettings = IntakeSettings()
    """taking leads in"""
    numbers: NumberSettings = NumberSettings()
    """phone numbers"""
    spool: SpoolSettings = SpoolSettings()
    """where events wait while Redis is away"""
    evidence: EvidenceSettings = EvidenceSettings()
    """the record of decisions and of attempts' ends"""
    recordings: RecordingsSettings = RecordingsSettings()
    """where this host keeps what it records of talks"""
    policies: PoliciesSettings = PoliciesSettings()
    """policies of your own"""
    retention: RetentionSettings = RetentionSettings()
    """how long is kept what is known of people"""
    archive: ArchiveSettings = ArchiveSettings()
    """the archive of calls, for reports"""
    mail: MailSettings = MailSettings()
    """the server that takes reports by mail"""
    web: WebSettings = WebSettings()
    """the console in the browser"""
    metrics: MetricsSettings = MetricsSettings()
    """the Prometheus endpoint"""
    log: LogSettings = LogSettings()
    """what is written to standard error"""
    drain: DrainSettings = DrainSettings()
    """an orderly stop"""
    pacing: PacingSettings = PacingSettings()
    """how often the pacers decide"""

    @property
    def music(self) -> tuple[tuple[str, str], ...]:
        """WAV files that this host plays: the setting that names each, and its path."""
        named = [("sip.hold_music", self.sip.hold_music), ("agents.standing_music", self.agents.standing_music)]
        if self.inbound.used:
            named += [("inbound.wait_music", self.inbound.wait_music), ("inbound.message", self.inbound.message)]
        return tuple((setting, path) for setting, path in named if path)

    @field_validator("trunks")
    @classmethod
    def _trunk_names_differ(cls, trunks: tuple[TrunkSettings, ...]) -> tuple[TrunkSettings, ...]:
        _each_once("the names of trunks must differ", [trunk.name for trunk in trunks])
        sources = {source for trunk in trunks for source in trunk.sources}
        if len(sources) > MOST_SOURCES:
            raise ValueError(f"sources: {len(sources)} networks in all, and workers can tell {MOST_SOURCES} apart")
        return trunks

    @field_validator("edge")
    @classmethod
    def _workers_are_behind_it(cls, edge: EdgeSettings, info: ValidationInfo) -> EdgeSettings:
        sip, trunks = info.data.get("sip"), info.data.get("trunks", ())
        if edge.used and sip is not None and sip.bind_address != LOOPBACK:
            raise ValueError(f"is used, so sip.bind_address must be {LOOPBACK}: nobody else speaks to the workers")
        for trunk in trunks if edge.used else ():
            if trunk.edge.transport not in edge.transports:
                raise ValueError(f"transports has no {trunk.edge.transport}, which trunk {trunk.name} wants")
        if edge.has_phones and edge.phones_port in range(edge.inside_port, edge.inside_port + len(trunks)):
            raise ValueError(f"phones_port {edge.phones_port} is a trunk's: they are counted up from inside_port")
        if edge.used and Transport.TLS in edge.transports and not edge.certificate_file:
            raise ValueError("transports has tls, so certificate_file and key_file must be given")
        return edge

    @field_validator("inbound")
    @classmethod
    def _a_port_of_its_own(cls, inbound: InboundSettings, info: ValidationInfo) -> InboundSettings:
        edge, trunks = info.data.get("edge"), info.data.get("trunks", ())
        if inbound.used and edge is not None and edge.used:
            inside = {edge.phones_port, *(edge.port_of(place) for place in range(len(trunks)))}
            if inbound.port in inside:
                raise ValueError(f"port {inbound.port} is one of the edge's: see edge.inside_port and edge.phones_port")
        return inbound

    @field_validator("agents")
    @classmethod
    def _ports_for_phones_on_the_line(cls, agents: AgentSettings, info: ValidationInfo) -> AgentSettings:
        sip = info.data.get("sip")
        needed = (
            0 if sip is None or not agents.standing_most else PORTS_PER_LINE * (sip.max_lines + agents.standing_most)
        )
        if sip is not None and sip.rtp_port_max and sip.rtp_port_max - sip.rtp_port_min + 1 < needed:
            raise ValueError(f"standing_most {agents.standing_most} needs {needed} RTP ports (sip.rtp_port_max) in all")
        return agents

    @field_validator("registers")
    @classmethod
    def _registers_differ(cls, registers: tuple[RegisterSettings, ...]) -> tuple[RegisterSettings, ...]:
        _each_once("the names of registers must differ", [register.name for register in registers])
        _each_once("each register needs a file of its own", [register.path for register in registers])
        return registers


def _each_once(rule: str, names: list[str]) -> None:
    if twice := named_twice(names):
        raise ValueError(f"{rule}, but more than one is called {twice}")
