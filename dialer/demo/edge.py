"""Kamailio and rtpengine as processes of ours, with the files that `dialer edge render` writes: for the demo and tests.

Each ends with whoever started it, and all its children with it: Kamailio's main process, killed, leaves them behind.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final

from config.load import load
from dialer.demo import parts
from dialer.demo.scene import EdgePorts
from dialer.shell.edge.files import program, rendered, write
from dialer.shell.edge.plan import plan
from sip.edge.plan import INSIDE, Edge

PACKAGES: Final = "kamailio kamailio-tls-modules kamailio-extra-modules rtpengine-daemon"
PUBLIC: Final = "127.0.0.2"
"""The address of loopback on which carriers see the edge."""

LONGEST_SOCKET_FOLDER: Final = 80
"""The path of a unix socket has at most 107 bytes."""

UP_LIMIT_S: Final = 20.0
LOOK_EVERY_S: Final = 0.02
SHARED_MB: Final = 64
"""Memory of Kamailio's processes together; its own default is 64, too."""

PROCESS_MB: Final = 8


def free_port(address: str = INSIDE) -> int:
    """A port that nobody has at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def free_ports() -> EdgePorts:
    """Ports for an edge that nobody has at the moment."""
    return EdgePorts(public=free_port(PUBLIC), inside=free_port(), control=free_port())


@contextmanager
def between(settings: Path, folder: Path, most_s: float) -> Iterator[RunningEdge]:
    """The edge of a settings file, as `dialer edge render` makes it. Raises `DemoFailed`."""
    folder.mkdir()
    made = plan(load(settings, {}, {}).settings, folder)
    with ExitStack() as stack:
        sockets = str(folder)
        if len(sockets) > LONGEST_SOCKET_FOLDER:
            sockets = stack.enter_context(TemporaryDirectory(prefix="dialer-edge-", dir="/tmp"))
        yield stack.enter_context(RunningEdge(replace(made, run_folder=sockets), most_s))


def asked(question: bytes, port: int, limit_s: float = 0.1) -> bytes:
    """What a program on 127.0.0.1 answers to a datagram; empty where nothing comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(limit_s)
        try:
            client.connect((INSIDE, port))
            client.send(question)
            return client.recv(2048)
        except OSError:
            return b""


def question(method: str, to_port: int, from_port: int, *, address: str = INSIDE, own: str = INSIDE) -> bytes:
    """A SIP request outside any call."""
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


class RunningEdge:
    """Both programs, from the start of the block to its end. Raises `DemoFailed` where they do not start."""

    def __init__(self, edge: Edge, most_s: float) -> None:
        self.edge = edge
        self.log = Path(edge.folder) / "edge.log"
        self._most_s = most_s
        self._rtpengine = ExitStack()
        self._kamailio = ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> RunningEdge:
        missing = [name for name in ("kamailio", "rtpengine") if program(name) is None]
        if missing:
            raise parts.DemoFailed(
                f"not installed: {', '.join(missing)}. The edge is made of Debian packages: apt-get install {PACKAGES}"
            )
        try:
            for file in rendered(self.edge):
                write(Path(self.edge.folder), file)
            self.start_rtpengine()
            self.start_kamailio()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop_kamailio()
        self.stop_rtpengine()

    def check(self) -> None:
        """Raises `DemoFailed` if one of them has died, or ended a child that was killed."""
        for name, running in self._processes.items():
            if running.poll() is not None:
                raise parts.DemoFailed(f"{name} has ended: {parts.last_words(self.log)}")
        log = self.log.read_text(encoding="utf-8", errors="replace")
        if "child process" in log and "exited by a signal" in log:
            raise parts.DemoFailed(f"a process of Kamailio died: {self.log}")

    def start_rtpengine(self) -> None:
        """Start it, and wait until it answers."""
        options = ("--config-file", f"{self.edge.folder}/rtpengine.conf", "-f", "-E")
        self._start(self._rtpengine, "rtpengine", *options)
        self._await("rtpengine", lambda: b"pong" in asked(b"1 d7:command4:pinge", self.edge.control_port))

    def start_kamailio(self) -> None:
        """Start it, and wait until it answers the daemon's question for the first trunk."""
        folder, port = self.edge.folder, self.edge.carriers[0].inside_port
        options = ("-f", f"{folder}/kamailio.cfg", "-DD", "-E", "-w", folder, "-P", f"{folder}/kamailio.pid")
        self._start(self._kamailio, "kamailio", *options, "-m", str(SHARED_MB), "-M", str(PROCESS_MB))
        probe = question("OPTIONS", port, 9)
        self._await("kamailio", lambda: asked(probe, port).startswith((b"SIP/2.0 200", b"SIP/2.0 503")))

    def stop_kamailio(self) -> None:
        """End it, if it runs."""
        self._kamailio.close()

    def stop_rtpengine(self) -> None:
        """End it, if it runs."""
        self._rtpengine.close()

    def _start(self, stack: ExitStack, name: str, *options: str) -> None:
        watchdog = (sys.executable, "-m", "dialer.demo.watchdog", f"{self._most_s:.0f}")
        command = [*watchdog, str(program(name)), *options]
        self._processes[name] = stack.enter_context(parts.process(command, self.log))

    def _await(self, name: str, answers: Callable[[], bool]) -> None:
        until = time.monotonic() + UP_LIMIT_S
        while not answers():
            if self._processes[name].poll() is not None or time.monotonic() > until:
                raise parts.DemoFailed(f"{name} does not start: {parts.last_words(self.log)}")
            time.sleep(LOOK_EVERY_S)
