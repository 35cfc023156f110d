"""What an edge is to be: plain data, from which its configuration files are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Final

INSIDE: Final = "127.0.0.1"
"""Where the workers are, and the edge's side of them."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """One trunk as the edge sees it: workers reach it at port `inside_port` of `INSIDE`.

    `hosts` are tried in this order, each `HOST` or `HOST:PORT`; `domain` stands in request URIs. Where
    `outbound_proxy` is given, requests go there instead of to the hosts. `sources` are further addresses from which
    the carrier's own requests come. `diversion` is the number in a Diversion header; empty: none. `password` is left
    out where a carrier is printed.
    """

    name: str
    inside_port: int
    hosts: tuple[str, ...]
    domain: str
    transport: str = "udp"
    outbound_proxy: str = ""
    sources: tuple[str, ...] = ()
    from_domain: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    register: bool = False
    register_interval_s: int = 600
    asserts_identity: bool = False
    hides_caller: bool = False
    diversion: str = ""
    keep_alive: bool = True
    srtp: bool = False
    first_answer_s: float = 8.0


@dataclass(frozen=True, slots=True)
class Phones:
    """Agents' phones that register at the edge, as `sip:USER@DOMAIN`. Workers reach them at port `inside_port` of
    `INSIDE`. `passwords` are by user, and left out where this is printed. Browsers come to `websocket_port`, by secure
    WebSockets; 0: none do."""

    domain: str
    inside_port: int
    passwords: Mapping[str, str] = field(repr=False)
    expires_s: int = 300
    websocket_port: int = 0


@dataclass(frozen=True, slots=True)
class Tls:
    """Files for TLS, each an absolute path; `ca_file` empty: the carrier's certificate is not checked."""

    certificate_file: str
    key_file: str
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """The edge of one host. Times end in their unit; `nat_address` empty: `address` is the public one.

    `stranger_limit` are packets of one unknown address in 2 s before it is banned for `ban_s`; `carrier_cps` are
    requests outside a call that one carrier may send in a second. `folder` is where the files will be at run time.
    Carriers' calls go to `inbound_port` of `INSIDE`; 0: nobody takes them.
    """

    address: str
    folder: str
    carriers: tuple[Carrier, ...]
    port: int = 5060
    tls_port: int = 5061
    nat_address: str = ""
    transports: tuple[str, ...] = ("udp",)
    rtp_port_first: int = 30_000
    rtp_port_last: int = 39_999
    control_port: int = 2223
    run_folder: str = "/run/kamailio"
    processes: int = 4
    keep_alive_s: int = 20
    stranger_limit: int = 16
    ban_s: int = 300
    carrier_cps: int = 50
    inbound_port: int = 0
    tls: Tls | None = None
    phones: Phones | None = None


@dataclass(frozen=True, slots=True)
class File:
    """The text of one file; a `secret` one is for its owner and group alone."""

    name: str
    text: str = field(repr=False)
    secret: bool = False


def bracketed(address: str) -> str:
    """An IP address as it stands in a URI."""
    return f"[{address}]" if isinstance(ip_address(address), IPv6Address) else address
