"""A real edge for a test: Kamailio and rtpengine on loopback addresses, with the files that we write for them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dialer.demo.edge import PUBLIC, RunningEdge, asked, free_port, question
from sip.edge.plan import Carrier, Edge
from tests.conftest import need, rtp_ports

MOST_S = 300.0
__all__ = ["PUBLIC", "CarrierPeer", "asked", "free_port", "request"]

request = question


class CarrierPeer:
    """A carrier in the hands of the test, at an address that neither the workers nor the edge have."""

    address = "127.0.0.3"

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.address, 0))
        self.socket.settimeout(10.0)
        self.port: int = self.socket.getsockname()[1]
        self.host = f"{self.address}:{self.port}"
        self._from = ("", 0)

    def hears(self, method: str) -> str:
        """Wait for a request; its whole text."""
        while True:
            data, self._from = self.socket.recvfrom(65536)
            if data.startswith(method.encode() + b" "):
                return data.decode()

    def answers(self, heard: str, status: str, body: str = "", headers: str = "") -> None:
        """Send a well-formed response to a request, with its Via and Record-Route as they came."""
        kept = ("via", "record-route", "from", "call-id", "cseq")
        lines = [line for line in heard.split("\r\n") if line.partition(":")[0].lower() in kept]
        to = next(line for line in heard.split("\r\n") if line.lower().startswith("to:"))
        lines = [f"SIP/2.0 {status}", *lines, to if "tag=" in to else f"{to};tag=peer"]
        lines += [f"Contact: <sip:peer@{self.host}>", *headers.splitlines()]
        if body:
            body = body.replace("\n", "\r\n")
            lines.append("Content-Type: application/sdp")
        text = "\r\n".join((*lines, f"Content-Length: {len(body)}", "", body))
        self.socket.sendto(text.encode(), self._from)

    def sends(self, text: str) -> None:
        """Send a request to where the last one came from."""
        self.socket.sendto(text.encode(), self._from)

    def receives(self) -> str:
        """The next message, whatever it is."""
        data, self._from = self.socket.recvfrom(65536)
        return data.decode()


@pytest.fixture
def carrier() -> Iterator[CarrierPeer]:
    """A carrier in the hands of the test."""
    made = CarrierPeer()
    yield made
    made.socket.close()


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Callable[..., RunningEdge]]:
    """Start an edge whose only trunk leads to these hosts (a number: a port of 127.0.0.1), in the order of failover."""

    def start(*to: int | str, **wanted: Any) -> RunningEdge:
        need("rtpengine")
        need("kamailio")
        settings = {name: wanted.pop(name) for name in tuple(wanted) if name in Edge.__dataclass_fields__}
        hosts = tuple(f"127.0.0.1:{host}" if isinstance(host, int) else host for host in to)
        carrier = Carrier("carrier", free_port(), hosts, "carrier.example", keep_alive=False)
        rtp = rtp_ports(17_000, 400)
        made = Edge(
            address=PUBLIC,
            folder=str(tmp_path),
            carriers=(replace(carrier, **wanted),),
            port=free_port(PUBLIC),
            rtp_port_first=rtp,
            rtp_port_last=rtp + 399,
            control_port=free_port(),
            run_folder=str(tmp_path),
            processes=2,
        )
        return stack.enter_context(RunningEdge(replace(made, **settings), MOST_S))

    with ExitStack() as stack:
        yield start
