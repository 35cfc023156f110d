"""Settings of the edge: Kamailio and rtpengine between this host's SIP workers and the carriers."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from config.model import Section


def _own_address(text: str) -> str:
    try:
        address = ip_address(text) if text else None
    except ValueError:
        raise ValueError("must be an IP address such as 192.0.2.10 or 2001:db8::10") from None
    if address is not None and address.is_unspecified:
        raise ValueError("must be one address: it stands in every SIP message as where to answer")
    return text if address is None else str(address)


OwnAddress = Annotated[str, AfterValidator(_own_address)]
Port = Annotated[int, Field(ge=1, le=65535)]
File = Annotated[str, Field(pattern=r'^(/[^\x00-\x20"$;\\]*)?$')]
Host = Annotated[str, Field(pattern=r"^([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?$")]
Domain = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{0,253}$")]


class Transport(StrEnum):
    """How SIP travels to a carrier."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class EdgeSettings(Section):
    """The edge of this host. `dialer edge render` writes the files of Kamailio and rtpengine from it."""

    used: bool = Field(default=False, description="calls go through the edge; false: workers speak to carriers")
    address: OwnAddress = Field(
        default="", description="IP address of this host on the carriers' side", validate_default=True
    )
    nat_address: OwnAddress = Field(
        default="", description="public IP address where a NAT stands before this host; empty: none does"
    )
    transports: tuple[Transport, ...] = Field(default=(Transport.UDP,), description="what it listens to: udp, tcp, tls")
    port: Port = Field(default=5060, description="SIP port on the carriers' side, UDP and TCP")
    tls_port: Port = Field(default=5061, description="SIP port on the carriers' side, TLS")
    inside_port: int = Field(
        default=5080,
        description="first SIP port on 127.0.0.1: each trunk has one, counted up in the order of the trunks",
        ge=1024,
        le=65_000,
    )
    phones_domain: Domain = Field(
        default="",
        description="agents' phones register here as USER@DOMAIN and are called through the edge; empty: directly",
    )
    phones_file: File = Field(
        default="",
        description="a USER and a PASSWORD for each phone, a line each, absolute path",
        validate_default=True,
    )
    phones_port: Port = Field(default=5079, description="SIP port on 127.0.0.1 through which phones are called")
    websocket_port: int = Field(
        default=0,
        description="port for phones in browsers (WebRTC, secure WebSockets) on the carriers' side; 0: none",
        ge=0,
        le=65_535,
    )
    rtp_port_min: int = Field(default=30_000, description="lowest RTP port", ge=1024, le=65_535)
    rtp_port_max: int = Field(default=39_999, description="highest RTP port", ge=1024, le=65_535, validate_default=True)
    control_port: Port = Field(default=2223, description="UDP port of 127.0.0.1 at which rtpengine takes orders")
    certificate_file: File = Field(default="", description="our certificate for TLS, PEM, absolute path")
    key_file: File = Field(default="", description="its private key, PEM, absolute path", validate_default=True)
    ca_file: File = Field(
        default="", description="authorities that carriers' certificates are checked against, PEM; empty: no check"
    )
    keep_alive_s: int = Field(
        default=20, description="time between two OPTIONS to each carrier, in seconds", ge=1, le=3600
    )
    stranger_limit: int = Field(
        default=16, description="packets in 2 s after which an unknown address is banned", ge=1, le=10_000
    )
    ban_s: int = Field(default=300, description="how long it is banned, in seconds", ge=1, le=86_400)
    carrier_cps: int = Field(
        default=50, description="most requests outside a call that one carrier may send", ge=1, le=10_000
    )
    processes: int = Field(default=4, description="processes of Kamailio for each port", ge=1, le=64)

    def port_of(self, place: int) -> int:
        """The port of 127.0.0.1 for the trunk at this place of the list of trunks (0 is the first)."""
        return self.inside_port + place

    @field_validator("address")
    @classmethod
    def _given_where_used(cls, address: str, info: ValidationInfo) -> str:
        if info.data.get("used") and not address:
            raise ValueError("must be given where edge.used is true")
        return address

    @property
    def has_phones(self) -> bool:
        """Whether agents' phones are reached through the edge."""
        return self.used and bool(self.phones_domain)

    @field_validator("phones_domain")
    @classmethod
    def _small(cls, domain: str) -> str:
        return domain.lower()

    @field_validator("phones_file")
    @classmethod
    def _phones_file_and_domain(cls, path: str, info: ValidationInfo) -> str:
        if bool(path) != bool(info.data.get("phones_domain")):
            raise ValueError("phones_domain and phones_file are set together, or both are empty")
        return path

    @field_validator("rtp_port_max")
    @classmethod
    def _range(cls, highest: int, info: ValidationInfo) -> int:
        lowest = info.data.get("rtp_port_min")
        if lowest is not None and highest < lowest:
            raise ValueError(f"must not be below rtp_port_min ({lowest})")
        return highest

    @field_validator("key_file")
    @classmethod
    def _both_files(cls, key_file: str, info: ValidationInfo) -> str:
        if bool(key_file) != bool(info.data.get("certificate_file")):
            raise ValueError("certificate_file and key_file are set together, or both are empty")
        if info.data.get("websocket_port") and not (key_file and info.data.get("phones_domain")):
            raise ValueError("websocket_port needs phones_domain, certificate_file and key_file")
        return key_file


class TrunkEdgeSettings(Section):
    """What the edge does for one trunk; without an edge it means nothing."""

    transport: Transport = Field(default=Transport.UDP, description="how SIP travels to it: udp, tcp or tls")
    backup_hosts: tuple[Host, ...] = Field(
        default=(), description="further hosts, HOST or HOST:PORT, tried in this order if the first fails"
    )
    sources: tuple[Host, ...] = Field(default=(), description="further addresses that the carrier's requests come from")
    outbound_proxy: str = Field(
        default="",
        description="HOST or HOST:PORT that requests go to instead; empty: the trunk's own",
        pattern=r"^(([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?)?$",
    )
    from_domain: Domain = Field(default="", description="domain in From; empty: the trunk's host")
    registration: bool = Field(default=False, description="register with username and password")
    registration_interval_s: int = Field(
        default=600, description="how long a registration is to last, in seconds", ge=60, le=86_400
    )
    assert_identity: bool = Field(default=False, description="say the caller id in P-Asserted-Identity, too")
    privacy: bool = Field(default=False, description="hide the caller id from the callee: anonymous From, Privacy: id")
    diversion: str = Field(
        default="", description="number for a Diversion header; empty: none", pattern=r"^(\+?[0-9]{1,20})?$"
    )
    keep_alive: bool = Field(default=True, description="ask by OPTIONS whether it is there; a dead one is not called")
    srtp: bool = Field(default=False, description="encrypted audio, keys by SDES")
    first_answer_s: float = Field(
        default=8.0, description="a host that says nothing at all for this long is left, in seconds", ge=1, le=32
    )
