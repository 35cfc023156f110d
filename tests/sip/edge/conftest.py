"""A real edge for a test: Kamailio and rtpengine on loopback addresses, with the files that we write for them."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sip.edge import files_of
from sip.edge.plan import Carrier, Edge
from tests.conftest import need

PUBLIC = "127.0.0.2"
STARTED_WITHIN_S = 15.0


def free_port(address: str = "127.0.0.1") -> int:
    """A UDP port that nobody has at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def write(edge: Edge, folder: Path) -> None:
    """The files as they are at run time."""
    for file in files_of(edge, "a-key-for-tests"):
        path = folder / file.name
        path.parent.mkdir(exist_ok=True)
        path.write_text(file.text, encoding="utf-8")


class RunningEdge:
    """Both programs. `inside` are the ports of the trunks on 127.0.0.1, `port` is the public one of `PUBLIC`."""

    def __init__(self, edge: Edge, folder: Path) -> None:
        self.edge = edge
        self.port = edge.port
        self.inside = [carrier.inside_port for carrier in edge.carriers]
        self.log = folder / "edge.log"
        self._programs: list[subprocess.Popen[bytes]] = []
        write(edge, folder)
        self._start(folder, need("rtpengine"), "--config-file", str(folder / "rtpengine.conf"), "-f", "-E")
        self._await(self._rtpengine_answers)
        options = ("-f", str(folder / "kamailio.cfg"), "-DD", "-E", "-m", "32", "-M", "4", "-w", str(folder))
        self._start(folder, need("kamailio"), *options, "-P", str(folder / "kamailio.pid"))
        self._await(self._kamailio_answers)

    def _start(self, folder: Path, *command: str) -> None:
        with self.log.open("ab") as log:
            self._programs.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=folder))

    def _await(self, answers: Callable[[], bool]) -> None:
        deadline = time.monotonic() + STARTED_WITHIN_S
        while not answers():
            assert all(program.poll() is None for program in self._programs), self.log.read_text()
            assert time.monotonic() < deadline, f"the edge does not start: {self.log.read_text()}"

    def _rtpengine_answers(self) -> bool:
        return b"pong" in asked(b"1 d7:command4:pinge", self.edge.control_port)

    def _kamailio_answers(self) -> bool:
        port = self.inside[0]
        return asked(request("OPTIONS", port, 9), port).startswith((b"SIP/2.0 200", b"SIP/2.0 503"))

    def stop_kamailio(self) -> None:
        """Kamailio is gone."""
        self._programs[-1].terminate()
        self._programs[-1].wait(10)

    def stop_rtpengine(self) -> None:
        """rtpengine is gone."""
        self._programs[0].terminate()
        self._programs[0].wait(10)

    def close(self) -> None:
        """End what still runs."""
        for program in reversed(self._programs):
            program.terminate()
            try:
                program.wait(10)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()


def asked(question: bytes, port: int) -> bytes:
    """What a program on 127.0.0.1 answers to a datagram; empty where nothing comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.1)
        try:
            client.connect(("127.0.0.1", port))
            client.send(question)
            return client.recv(2048)
        except OSError:
            return b""


def request(method: str, to_port: int, from_port: int, *, address: str = "127.0.0.1", own: str = "127.0.0.1") -> bytes:
    """A request outside any call."""
    lines = (
        f"{method} sip:+4930555@{address}:{to_port} SIP/2.0",
        f"Via: SIP/2.0/UDP {own}:{from_port};rport;branch=z9hG4bK{method}{from_port}",
        "Max-Forwards: 70",
        f"From: <sip:somebody@{own}>;tag=1",
        f"To: <sip:+4930555@{address}>",
        f"Call-ID: {method}-{from_port}@{own}",
        f"CSeq: 1 {method}",
        f"Contact: <sip:somebody@{own}:{from_port}>",
        "Content-Length: 0",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


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
        return self.socket.recv(65536).decode()


@pytest.fixture
def carrier() -> Iterator[CarrierPeer]:
    """A carrier in the hands of the test."""
    made = CarrierPeer()
    yield made
    made.socket.close()


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Callable[..., RunningEdge]]:
    """Start an edge whose only trunk leads to these hosts (a number: a port of 127.0.0.1), in the order of failover."""
    started: list[RunningEdge] = []

    def start(*to: int | str, **wanted: Any) -> RunningEdge:
        need("rtpengine")
        need("kamailio")
        settings = {name: wanted.pop(name) for name in tuple(wanted) if name in Edge.__dataclass_fields__}
        hosts = tuple(f"127.0.0.1:{host}" if isinstance(host, int) else host for host in to)
        carrier = Carrier("carrier", free_port(), hosts, "carrier.example", keep_alive=False)
        rtp = free_port(PUBLIC) // 2 * 2
        made = Edge(
            address=PUBLIC,
            folder=str(tmp_path),
            carriers=(replace(carrier, **wanted),),
            port=free_port(PUBLIC),
            rtp_port_first=min(rtp, 60_000),
            rtp_port_last=min(rtp, 60_000) + 399,
            control_port=free_port(),
            run_folder=str(tmp_path),
            processes=2,
        )
        started.append(RunningEdge(replace(made, **settings), tmp_path))
        return started[-1]

    yield start
    for running in started:
        running.close()
