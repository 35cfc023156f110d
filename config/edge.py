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

    used: bool = False
    """calls go through the edge; false: workers speak to carriers"""
    address: OwnAddress = Field(default="", validate_default=True)
    """IP address of this host on the carriers' side"""
    nat_address: OwnAddress = ""
    """public IP address where a NAT stands before this host; empty: none does"""
    transports: tuple[Transport, ...] = (Transport.UDP,)
    """what it listens to: udp, tcp, tls"""
    port: Port = 5060
    """SIP port on the carriers' side, UDP and TCP"""
    tls_port: Port = 5061
    """SIP port on the carriers' side, TLS"""
    inside_port: int = Field(default=5080, ge=1024, le=65_000)
    """first SIP port on 127.0.0.1: each trunk has one, counted up in the order of the trunks"""
    phones_domain: Domain = ""
    """agents' phones register here as USER@DOMAIN and are called through the edge; empty: directly"""
    phones_file: File = Field(default="", validate_default=True)
    """a USER and a PASSWORD for each phone, a line each, absolute path"""
    phones_port: Port = 5079
    """SIP port on 127.0.0.1 through which phones are called"""
    websocket_port: int = Field(default=0, ge=0, le=65_535)
    """port for phones in browsers (WebRTC, secure WebSockets) on the carriers' side; 0: none"""
    rtp_port_min: int = Field(default=30_000, ge=1024, le=65_535)
    """lowest RTP port"""
    rtp_port_max: int = Field(default=39_999, ge=1024, le=65_535, validate_default=True)
    """highest RTP port"""
    control_port: Port = 2223
    """UDP port of 127.0.0.1 at which rtpengine takes orders"""
    certificate_file: File = ""
    """our certificate for TLS, PEM, absolute path"""
    key_file: File = Field(default="", validate_default=True)
    """its private key, PEM, absolute path"""
    ca_file: File = ""
    """authorities that carriers' certificates are checked against, PEM; empty: no check"""
    keep_alive_s: int = Field(default=20, ge=1, le=3600)
    """time between two OPTIONS to each carrier, in seconds"""
    stranger_limit: int = Field(default=16, ge=1, le=10_000)
    """packets in 2 s after which an unknown address is banned"""
    ban_s: int = Field(default=300, ge=1, le=86_400)
    """how long it is banned, in seconds"""
    carrier_cps: int = Field(default=50, ge=1, le=10_000)
    """most requests outside a call that one carrier may send"""
    processes: int = Field(default=4, ge=1, le=64)
    """processes of Kamailio for each port"""

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

    transport: Transport = Transport.UDP
    """how SIP travels to it: udp, tcp or tls"""
    backup_hosts: tuple[Host, ...] = ()
    """further hosts, HOST or HOST:PORT, tried in this order if the first fails"""
    sources: tuple[Host, ...] = ()
    """further addresses that the carrier's requests come from"""
    outbound_proxy: str = Field(
        default="", pattern=r"^(([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?)?$"
    )
    """HOST or HOST:PORT that requests go to instead; empty: the trunk's own"""
    from_domain: Domain = ""
    """domain in From; empty: the trunk's host"""
    registration: bool = False
    """register with username and password"""
    registration_interval_s: int = Field(default=600, ge=60, le=86_400)
    """how long a registration is to last, in seconds"""
    assert_identity: bool = False
    """say the caller id in P-Asserted-Identity, too"""
    privacy: bool = False
    """hide the caller id from the callee: anonymous From, Privacy: id"""
    diversion: str = Field(default="", pattern=r"^(\+?[0-9]{1,20})?$")
    """number for a Diversion header; empty: none"""
    keep_alive: bool = True
    """ask by OPTIONS whether it is there; a dead one is not called"""
    srtp: bool = False
    """encrypted audio, keys by SDES"""
    first_answer_s: float = Field(default=8.0, ge=1, le=32)
    """a host that says nothing at all for this long is left, in seconds"""
