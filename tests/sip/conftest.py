"""A worker process under test, without the pool, and SIPp as its far ends."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from string import Template
from typing import IO, Any, TypeVar

import pytest

from sip import wire
from sip.messages import Command, Ended, Ready
from sip.settings import Trunk, WorkerSettings
from sip.zygote import RECORD, Record
from tests.sip.through_edge import KINDS, SharedEdge, pytest_generate_tests, shared_edge, trunk_path

__all__ = ["pytest_generate_tests", "shared_edge", "trunk_path"]

SCENARIOS = Path(__file__).parent / "scenarios"
ROOT = Path(__file__).parents[2]
DEADLINE_S = 10.0

EventT = TypeVar("EventT")


def udp_socket(address: str = "127.0.0.1") -> socket.socket:
    """A bound UDP socket on a free port."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, 0))
    made.settimeout(DEADLINE_S)
    return made


class Far:
    """A SIPp process that plays one scenario."""

    def __init__(
        self, program: str, scenario: str, folder: Path, keys: dict[str, str], calls: int, towards: Sequence[str] = ()
    ) -> None:
        self._towards = towards
        # Between our look at a port and SIPp's, another socket may have got it.
        while not self._starts(program, scenario, folder, keys, calls):
            assert "Unable to bind" in self._said(), f"SIPp does not start: {self._said()}"

    def _starts(self, program: str, scenario: str, folder: Path, keys: dict[str, str], calls: int) -> bool:
        """Start SIPp on a port that is free just now; False if it ends instead of opening it."""
        with udp_socket() as probe:
            self.port = probe.getsockname()[1]
        # SIPp's own -key cannot stand for a status code, so the scenario is filled in here.
        filled = folder / f"{scenario}-{self.port}.xml"
        filled.write_text(
            Template((SCENARIOS / f"{scenario}.xml").read_text()).safe_substitute({"rtp_port": "9", **keys})
        )
        self._errors = folder / f"{scenario}-{self.port}.txt"
        self.process = subprocess.Popen(
            [
                *(program, "-sf", str(filled), "-i", "127.0.0.1", "-p", str(self.port), "-m", str(calls)),
                *("-nostdin", "-timeout", "15s", "-trace_err", "-error_file", str(self._errors), *self._towards),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        deadline = time.monotonic() + DEADLINE_S
        while not self._has_port():
            if self.process.poll() is not None:
                return False
            assert time.monotonic() < deadline, "SIPp does not open its port"
            time.sleep(0.005)
        return True

    def _has_port(self) -> bool:
        """Whether a socket of SIPp, and not of somebody else, has the port."""
        rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
        sockets = {f"socket:[{row[9]}]" for row in rows if row[1] == f"0100007F:{self.port:04X}"}
        with contextlib.suppress(FileNotFoundError):  # it has just ended, or closed one of them
            return any(str(each.readlink()) in sockets for each in Path(f"/proc/{self.process.pid}/fd").iterdir())
        return False

    def _said(self) -> str:
        return self._errors.read_text() if self._errors.exists() else ""

    def succeeds(self) -> None:
        """Wait until the scenario was played to its end."""
        status = self.process.wait(DEADLINE_S)
        assert status == 0, f"SIPp ended with {status}: {self._said()}"

    def stop(self) -> None:
        """End it, however far it got."""
        self.process.kill()
        self.process.wait()


@pytest.fixture
def far(sipp: str, tmp_path: Path) -> Iterator[Callable[..., Far]]:
    """Start SIPp with a scenario and values for its ${names}; stopped after the test. `towards` are further arguments
    of one that calls."""
    started: list[Far] = []

    def start(scenario: str, calls: int = 1, towards: Sequence[str] = (), **keys: str) -> Far:
        started.append(Far(sipp, scenario, tmp_path, keys, calls, towards))
        return started[-1]

    yield start
    for process in started:
        process.stop()


class ZygoteUnderTest:
    """A zygote and the plain socket that commands it. What it says goes to `output`, or to the test's stderr."""

    def __init__(self, output: IO[bytes] | None = None) -> None:
        self.control, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "sip.zygote", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdout=output or subprocess.DEVNULL,
                stderr=output,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        self.control.settimeout(DEADLINE_S)
        self._numbers = itertools.count(1)
        kind, self.slots, _ = self.record()
        assert kind == Record.READY

    def record(self) -> tuple[int, int, int]:
        """The next record from the zygote."""
        data = self.control.recv(RECORD.size, socket.MSG_WAITALL)
        return RECORD.unpack(data)  # type: ignore[return-value]

    def fork(self) -> tuple[int, socket.socket]:
        """A new worker: its pid and our end of its stream."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self.control, [RECORD.pack(Record.FORK, next(self._numbers), 0)], [theirs.fileno()])
        while True:
            kind, _, pid = self.record()
            if kind == Record.FORKED:
                ours.settimeout(DEADLINE_S)
                return pid, ours

    def close(self) -> int:
        """End the stream; the zygote's exit status."""
        self.control.close()
        return self.process.wait(DEADLINE_S)


@pytest.fixture(scope="session")
def zygote() -> Iterator[ZygoteUnderTest]:
    """One zygote for the session."""
    running = ZygoteUnderTest()
    yield running
    assert running.close() == 0


class BrokenPeer:
    """A far end that says whatever the test wants it to."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.address = address
        self.socket = udp_socket(address)
        self.port: int = self.socket.getsockname()[1]
        self._from = ("", 0)
        self.offered: list[int] = []  # static payload types of the last request with SDP
        self.audio_port = 0  # where that request wants audio

    def __enter__(self) -> BrokenPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def hears(self, method: str) -> dict[str, str]:
        """Wait for a request; its headers by lower-case name, and the request line as `""`."""
        while True:
            data, self._from = self.socket.recvfrom(65536)
            if data.startswith(method.encode() + b" "):
                audio = re.search(rb"^m=audio ([0-9]+) RTP/AVP ([0-9 ]+)", data, re.MULTILINE)
                self.offered = [int(kind) for kind in audio[2].split() if int(kind) < 96] if audio else []
                self.audio_port = int(audio[1]) if audio else self.audio_port
                lines = data.decode().partition("\r\n\r\n")[0].split("\r\n")
                heard = {"": lines[0]}
                for name, _, value in (line.partition(":") for line in lines[1:]):
                    before = heard.get(name.lower())
                    heard[name.lower()] = f"{before}, {value.strip()}" if before else value.strip()
                return heard

    def says(self, text: str, **values: str) -> None:
        """Send a text to where the last request came from; `{names}` are filled in, line ends become CRLF."""
        self.socket.sendto(text.format_map(values).replace("\n", "\r\n").encode("latin-1"), self._from)

    def asks(self, method: str, invite: dict[str, str], *headers: str, body: str = "", cseq: int = 1) -> None:
        """Send a request inside the dialog that `invite` opened."""
        uri, routes = invite["contact"].strip("<>"), invite.get("record-route", "")
        if not routes:
            uri = uri.partition(";")[0].strip(">")
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address}:{self.port};branch=z9hG4bK{method}{cseq}",
            f"From: {invite['to'].partition(';tag=')[0]};tag=peer",
            f"To: {invite['from']}",
            f"Call-ID: {invite['call-id']}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:peer@{self.address}:{self.port}>",
            "Max-Forwards: 70",
            *([f"Route: {routes}"] if routes else []),
            *headers,
            f"Content-Length: {len(body)}",
        ]
        host, _, port = (routes.partition("sip:")[2].partition(";")[0] if routes else uri.partition("@")[2]).partition(
            ":"
        )
        self.socket.sendto("\r\n".join([*lines, "", body]).encode("latin-1"), (host, int(port)))

    def hears_code(self) -> int:
        """Wait for a response that is more than a proxy's "Trying"; its code."""
        while True:
            data, self._from = self.socket.recvfrom(65536)
            if data.startswith(b"SIP/2.0 ") and not data.startswith(b"SIP/2.0 100 "):
                return int(data.split()[1])

    def answers(self, request: dict[str, str], line: str, body: str = "", tag: str = "peer") -> None:
        """Send a well-formed response."""
        sdp = "Content-Type: application/sdp\n" if body else ""
        if routes := request.get("record-route"):
            sdp += f"Record-Route: {routes}\n"
        self.says(
            "SIP/2.0 {line}\nVia: {via}\nFrom: {from_}\nTo: {to};tag={tag}\nCall-ID: {call_id}\nCSeq: {cseq}\n"
            "Contact: <sip:peer@{address}:{port}>\n{sdp}Content-Length: {length}\n\n{body}",
            line=line,
            via=request["via"],
            from_=request["from"],
            to=request["to"].partition(";tag=")[0],
            tag=tag,
            call_id=request["call-id"],
            cseq=request["cseq"],
            address=self.address,
            port=str(self.port),
            sdp=sdp,
            body=body,
            length=str(len(body.replace("\n", "\r\n"))),
        )


@pytest.fixture
def peer() -> Iterator[BrokenPeer]:
    """A far end in the hands of the test."""
    with BrokenPeer() as made:
        yield made


class WorkerUnderTest:
    """One worker process: commands in, events out."""

    def __init__(self, zygote: ZygoteUnderTest, settings: WorkerSettings) -> None:
        self.events: list[Any] = []
        self.pid, self.stream = zygote.fork()
        self._decoder = wire.Decoder()
        self._unread: list[Any] = []
        self.stream.sendall(wire.encode(settings))
        self.ready = self.until(Ready)

    def send(self, command: Command) -> None:
        """Give a command."""
        self.stream.sendall(wire.encode(command))

    def until(self, kind: type[EventT], within_s: float = DEADLINE_S) -> EventT:
        """The next event of this kind; all events up to it are in `events`."""
        deadline = time.monotonic() + within_s
        while True:
            while self._unread:
                event = self._unread.pop(0)
                self.events.append(event)
                if isinstance(event, kind):
                    return event
            self.stream.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                data = self.stream.recv(65536)
            except TimeoutError:
                raise AssertionError(f"no {kind.__name__} within {within_s} s, but {self.events}") from None
            assert data, f"the worker exited; before it said {self.events}"
            self._unread += self._decoder.feed(data)

    def names(self) -> list[str]:
        """The kinds of all events so far, in order, without `Ready`."""
        return [type(event).__name__ for event in self.events if not isinstance(event, Ready)]

    def rest(self) -> list[Any]:
        """Everything that is still to come until the worker exits."""
        self.stream.settimeout(DEADLINE_S)
        while data := self.stream.recv(65536):
            self._unread += self._decoder.feed(data)
        rest, self._unread = self._unread, []
        self.events += rest
        return rest

    def close(self) -> None:
        """End the stream: the worker hangs up and exits."""
        if self.stream.fileno() != -1:
            self.stream.close()

    def kill(self) -> None:
        """SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)


@pytest.fixture
def worker(zygote: ZygoteUnderTest, trunk_path: SharedEdge | None) -> Iterator[Callable[..., WorkerUnderTest]]:
    """Start a worker whose trunk "carrier" is on a port of 127.0.0.1, or leads there. No call may end twice."""
    started: list[WorkerUnderTest] = []

    def start(port: int, **settings: Any) -> WorkerUnderTest:
        own = ("username", "password", "called_rules", "caller_rules", "codecs")
        credentials = {name: settings.pop(name) for name in own if name in settings}
        credentials["first_answer_s"] = settings.pop("first_answer_s", 8.0)
        if trunk_path is not None:
            own_part = {name: credentials.pop(name, "") for name in ("username", "password")}
            port = trunk_path.leads_to(
                port, (own_part["username"], own_part["password"], credentials["first_answer_s"])
            )
            credentials["first_answer_s"] = KINDS[0][2]
        trunk = Trunk("carrier", settings.pop("host", "127.0.0.1"), port, **credentials)
        started.append(WorkerUnderTest(zygote, WorkerSettings(trunks=(trunk,), **settings)))
        return started[-1]

    yield start
    for process in started:
        process.close()
        calls = [event.call for event in process.events if isinstance(event, Ended)]
        assert len(calls) == len(set(calls)), "a call ended twice"
