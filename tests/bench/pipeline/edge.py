"""Kamailio and rtpengine between the workers and the callees, with the files that `dialer edge render` writes."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.bench.pipeline.far_end import ended_after
from tests.bench.pipeline.processes import children

PUBLIC: Final = "127.0.0.2"
PUBLIC_PORT, INSIDE_PORT, CONTROL_PORT = 25100, 25110, 25120
RTP_PORTS: Final = (40_000, 47_999)
START_LIMIT_S: Final = 15.0
ANSWER_LIMIT_S: Final = 0.2


def settings() -> str:
    """What dialer.toml says of it."""
    return f"""\
[edge]
used = true
address = "{PUBLIC}"
port = {PUBLIC_PORT}
inside_port = {INSIDE_PORT}
control_port = {CONTROL_PORT}
rtp_port_min = {RTP_PORTS[0]}
rtp_port_max = {RTP_PORTS[1]}
processes = 2
"""


@contextmanager
def running(dialer_toml: Path, folder: Path) -> Iterator[tuple[int, ...]]:
    """Both programs, answering; their processes."""
    into = folder / "edge"
    dialer = [sys.executable, "-c", "from dialer.cli import main; main()", "--config", str(dialer_toml)]
    subprocess.run([*dialer, "edge", "render", "--into", str(into)], check=True, stdout=subprocess.DEVNULL)
    log = folder / "edge.log"
    relay = [_program("rtpengine"), "--config-file", str(into / "rtpengine.conf"), "-f", "-E"]
    proxy = [_program("kamailio"), "-f", str(into / "kamailio.cfg"), "-DD", "-E", "-m", "64", "-M", "8"]
    with ExitStack() as stack:
        relaying = stack.enter_context(_started(relay, log, folder, lambda: b"pong" in _said(_PING, CONTROL_PORT)))
        proxying = stack.enter_context(
            _started(
                [*proxy, "-w", str(folder), "-P", str(folder / "kamailio.pid")],
                log,
                folder,
                lambda: _said(_OPTIONS, INSIDE_PORT).startswith(b"SIP/2.0 "),
            )
        )
        yield (relaying, proxying, *children(proxying))


_PING: Final = b"1 d7:command4:pinge"
_OPTIONS: Final = "\r\n".join(
    (
        f"OPTIONS sip:bench@127.0.0.1:{INSIDE_PORT} SIP/2.0",
        "Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKbench",
        "Max-Forwards: 70",
        "From: <sip:bench@127.0.0.1>;tag=1",
        "To: <sip:bench@127.0.0.1>",
        "Call-ID: bench@127.0.0.1",
        "CSeq: 1 OPTIONS",
        "Content-Length: 0",
        "",
        "",
    )
).encode()


@contextmanager
def _started(command: list[str], log: Path, folder: Path, answers: Callable[[], bool]) -> Iterator[int]:
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)
    with ended_after(process):
        until = time.monotonic() + START_LIMIT_S
        while not answers():
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{command[0]} did not start: {log.read_text(errors='replace')[-2000:]}")
        yield process.pid


def _said(question: bytes, port: int) -> bytes:
    """What a program on 127.0.0.1 answers; empty where nothing comes in time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(ANSWER_LIMIT_S)
        try:
            client.connect(("127.0.0.1", port))
            client.send(question)
            return client.recv(2048)
        except TimeoutError:
            return b""
        except OSError:
            time.sleep(ANSWER_LIMIT_S)
            return b""


def _program(name: str) -> str:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if path is None:
        raise SystemExit(f"{name} is not installed: apt-get install kamailio kamailio-extra-modules rtpengine-daemon")
    return path
