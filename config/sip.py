"""Settings of the SIP side of this host, and of its trunks."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from config.caller_ids import CALLER_ID_FORM, MOST_CALLER_IDS
from config.edge import TrunkEdgeSettings
from config.model import Section, WavPath, named_twice


def _sip_address(text: str) -> str:
    try:
        address = IPv4Address(text)
    except ValueError:
        raise ValueError("must be an IPv4 address of this host: SIP over IPv6 is not built in") from None
    if address.is_unspecified:
        raise ValueError("must be one address of this host: it stands in every SIP message as where to answer")
    return str(address)


SipAddress = Annotated[str, AfterValidator(_sip_address)]

PORTS_PER_LINE: Final = 8

Prefix = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,14}$")]
RewriteRule = Annotated[str, Field(pattern=r"^(\+[0-9]{0,15}|[0-9]{1,15})=[+*#0-9]{0,20}$")]
ShownNumber = Annotated[str, Field(pattern=rf"^{CALLER_ID_FORM}$")]


class Codec(StrEnum):
    """What SIP workers can send and hear."""

    PCMU = "PCMU"
    PCMA = "PCMA"


class SipSettings(Section):
    """The SIP side of this host."""

    bind_address: SipAddress = "127.0.0.1"
    """IPv4 address of this host for SIP and RTP"""
    max_lines: int = Field(default=100, ge=1, le=5000)
    """most calls in flight on this host"""
    rtp_port_min: int = Field(default=0, ge=0, le=65535)
    """lowest RTP port; 0: the system chooses"""
    rtp_port_max: int = Field(default=0, ge=0, le=65535, validate_default=True)
    """highest RTP port; 0: the system chooses"""
    user_agent: str = Field(default="predictive-dialer", pattern=r"^[ -~]{1,64}$")
    """User-Agent header"""
    media_timeout_s: float = Field(default=20.0, ge=0, le=3600)
    """an answered call not on hold ends after so many seconds without audio; 0: never"""
    session_refresh_s: float = Field(default=300.0, ge=0, le=86400)
    """seconds between questions whether a far end without a session timer is still there; 0: never"""
    talk_limit_s: float = Field(default=0.0, ge=0, le=86400)
    """longest talk in seconds; 0: as long as they like"""

    max_parties: int = Field(default=4, ge=0, le=500)
    """most third parties at once (supervisors who listen, conferences, transfers), beside the lines; 0: none"""

    hold_music: WavPath = ""
    """WAV file (16 bit mono PCM, 8 or 16 kHz) for whoever is on hold, absolute path; empty: silence"""

    @field_validator("rtp_port_max")
    @classmethod
    def _rtp_range(cls, highest: int, info: ValidationInfo) -> int:
        lowest, max_lines = info.data.get("rtp_port_min"), info.data.get("max_lines")
        if lowest is None or max_lines is None or lowest == highest == 0:
            return highest
        if lowest == 0 or highest == 0:
            raise ValueError("rtp_port_min and rtp_port_max are set together, or both are 0")
        if lowest > highest:
            raise ValueError(f"must not be below rtp_port_min ({lowest})")
        # Two legs for each call, an RTP and an RTCP port for each leg, and as many again for legs that are just ending.
        if highest - lowest + 1 < PORTS_PER_LINE * max_lines:
            raise ValueError(f"the range needs {PORTS_PER_LINE} ports for each of the {max_lines} lines of max_lines")
        return highest


class TrunkSettings(Section):
    """One carrier."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")
    """name in campaigns, logs and reports"""
    host: str = Field(pattern=r"^[A-Za-z0-9_.:\[\]-]{1,253}$")
    """host name or IP address of the carrier"""
    port: int = Field(default=0, ge=0, le=65535)
    """SIP port of the carrier (UDP); 0: what the SRV records of its name say, 5060 where it has none"""
    username: str = Field(default="", max_length=128)
    """user for digest authentication; empty: none"""
    password: SecretStr = SecretStr("")
    """password for digest authentication"""
    first_answer_s: float = Field(default=8.0, ge=1, le=32)
    """seconds after which a carrier that has not even said 100 Trying is unreachable"""
    sources: tuple[str, ...] = Field(default=(), max_length=64)
    """networks from which the carrier sends besides its host, such as 192.0.2.0/28"""
    priority: int = Field(default=5, ge=0, le=9)
    """which trunks are used first; 9 goes first"""
    weight: int = Field(default=0, ge=0, le=1000)
    """share of the calls among trunks of the same priority; 0: what the others have no room for, in the order of the
    trunks"""
    prefixes: tuple[Prefix, ...] = Field(default=(), max_length=256)
    """beginnings of the numbers that it serves, such as +86; empty: all"""
    called_rules: tuple[RewriteRule, ...] = Field(default=(), max_length=64)
    """what the carrier wants called numbers to begin with: "+86=0" makes +8610... 010..., "+=" takes the plus away; the
    longest that fits is used"""
    caller_rules: tuple[RewriteRule, ...] = Field(default=(), max_length=64)
    """the same for the number that is shown"""
    arriving_rules: tuple[RewriteRule, ...] = Field(default=(), max_length=64)
    """what makes international numbers of those in calls that the carrier sends us: "0=+86" makes 010... +8610...;
    without one that fits they are taken for international, with + or 00 or without"""
    caller_ids: tuple[ShownNumber, ...] = Field(default=(), max_length=MOST_CALLER_IDS)
    """numbers that the carrier lets us show, as campaigns write them; empty: any"""
    codecs: tuple[Codec, ...] = Field(default=(Codec.PCMU, Codec.PCMA), min_length=1)
    """what is offered, best first: PCMU, PCMA"""
    options_s: float = Field(default=30.0, ge=0, le=3600)
    """time between two OPTIONS by which the trunk's health is seen, in seconds; 0: none. One that has never answered is
    not judged by it"""
    max_cps: float = Field(default=10.0, gt=0, le=1000)
    """most new calls per second"""
    max_calls: int = Field(default=100, ge=1, le=100_000)
    """most calls in flight on this trunk"""

    @field_validator("host")
    @classmethod
    def _ipv4_or_name(cls, host: str) -> str:
        if ":" in host or host.startswith("["):
            raise ValueError("must be a name or an IPv4 address; a carrier with IPv6 is reached through a proxy")
        return host

    @field_validator("called_rules", "caller_rules", "arriving_rules")
    @classmethod
    def _one_rule_for_each_beginning(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        if twice := named_twice(rule.partition("=")[0] for rule in rules):
            raise ValueError(f"numbers beginning with {twice} are rewritten in more than one way")
        return rules

    @field_validator("codecs")
    @classmethod
    def _each_codec_once(cls, codecs: tuple[Codec, ...]) -> tuple[Codec, ...]:
        if len(set(codecs)) < len(codecs):
            raise ValueError("a codec is there twice")
        return codecs

    @property
    def where(self) -> str:
        """Host and port, as far as a port is set."""
        return f"{self.host}:{self.port}" if self.port else self.host

    @field_validator("sources")
    @classmethod
    def _networks(cls, sources: tuple[str, ...]) -> tuple[str, ...]:
        for text in sources:
            try:
                IPv4Network(text)
            except ValueError as error:
                raise ValueError(f"{text[:40]!r} is no network of IPv4") from error
        return sources

    @field_validator("password")
    @classmethod
    def _user_for_the_password(cls, password: SecretStr, info: ValidationInfo) -> SecretStr:
        if password.get_secret_value() and info.data.get("username") == "":
            raise ValueError("is given but username is not")
        return password

    edge: TrunkEdgeSettings = TrunkEdgeSettings()
    """what the edge does for this trunk, where [edge] is used"""

    @field_validator("edge")
    @classmethod
    def _user_for_the_registration(cls, edge: TrunkEdgeSettings, info: ValidationInfo) -> TrunkEdgeSettings:
        if edge.registration and info.data.get("username") == "":
            raise ValueError("registration needs a username")
        return edge
