"""Real peers for the loopback carrier: SIPp, and a bare UDP socket where SIPp will not do what is needed."""

from __future__ import annotations

import csv
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

SCENARIOS = Path(__file__).parent / "scenarios"
SIPP_LIMIT_S = 15

RunSipp = Callable[..., Counter[str]]
WriteProfile = Callable[[str], Path]


@pytest.fixture
def run_sipp(sipp: str, tmp_path: Path) -> RunSipp:
    """Run a scenario, one call for each number, and count what SIPp sent and received, such as `200_Recv`."""

    def run(
        scenario: str,
        port: int,
        numbers: Sequence[str],
        *options: str,
        rate: int = 50,
        failures: bool = False,
        host: str = "127.0.0.1",
    ) -> Counter[str]:
        folder = tmp_path / f"{scenario}-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        (folder / "numbers.csv").write_text("\n".join(["SEQUENTIAL", *numbers]) + "\n")
        shutil.copy(SCENARIOS / f"{scenario}.xml", folder)
        ran = subprocess.run(
            [
                *(sipp, f"{host}:{port}", "-i", host, "-sf", f"{scenario}.xml", "-inf", "numbers.csv"),
                *("-m", str(len(numbers)), "-r", str(rate), "-nostdin", "-trace_counts", "-fd", "1"),
                *("-timeout", str(SIPP_LIMIT_S), "-timeout_error"),
                *options,
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SIPP_LIMIT_S + 5,
        )
        assert failures or ran.returncode == 0, ran.stdout.decode()[-4000:] + ran.stderr.decode()[-1000:]
        (counts_path,) = folder.glob("*_counts.csv")
        with counts_path.open() as lines:
            *_, last = csv.DictReader(lines, delimiter=";")
        counts: Counter[str] = Counter()
        for name, value in last.items():
            if name and name[0].isdigit() and value:
                counts[name.split("_", 1)[1]] += int(value)
        return counts

    return run


@pytest.fixture
def write_profile(tmp_path: Path) -> WriteProfile:
    """Write a profile to a file."""

    def write(text: str) -> Path:
        path = tmp_path / "profile.toml"
        path.write_text(text)
        return path

    return write


class BarePeer:
    """A UDP socket that says exactly what it is told to."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(5)
        self.port: int = self._socket.getsockname()[1]

    def invite(self, number: str, *, call_id: str = "one", extra: Sequence[str] = (), to_tag: str = "") -> str:
        """An INVITE without SDP; with `to_tag`, its ACK."""
        method = "ACK" if to_tag else "INVITE"
        return "\r\n".join(
            [
                f"{method} sip:{number}@127.0.0.1 SIP/2.0",
                f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK-{call_id}-{method}",
                f"From: <sip:bare@127.0.0.1:{self.port}>;tag={call_id}",
                f"To: <sip:{number}@127.0.0.1>{to_tag and f';tag={to_tag}'}",
                f"Call-ID: {call_id}",
                f"CSeq: 1 {method}",
                f"Contact: <sip:bare@127.0.0.1:{self.port}>",
                "Max-Forwards: 70",
                *extra,
                "Content-Length: 0",
                "",
                "",
            ]
        )

    def send(self, text: str, port: int) -> None:
        """Send one datagram."""
        self._socket.sendto(text.encode(), ("127.0.0.1", port))

    def receive(self, beginning: str) -> str:
        """The next datagram that begins so; others are passed over. Raises TimeoutError after 5 s of silence."""
        while not (text := self._socket.recv(8192).decode()).startswith(beginning):
            pass
        return text

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


@pytest.fixture
def bare_peer() -> Iterator[BarePeer]:
    """A peer that speaks no SIP by itself."""
    peer = BarePeer()
    yield peer
    peer.close()
