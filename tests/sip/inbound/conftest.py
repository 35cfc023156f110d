"""A pool with a door, and a carrier that calls, in the hands of the test."""

from __future__ import annotations

import contextlib
import itertools
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import trio

from sip.inbound.messages import Answer, Arrived
from sip.messages import Answered
from sip.pool import Pool, PoolSettings, open_pool
from sip.settings import Trunk
from tests.conftest import rtp_ports
from tests.sip.conftest import DEADLINE_S, udp_socket

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP {kinds}\r\n"
DOORS = 40
CALLER, CALLED = "+8613800138000", "+861012345678"


def free_port() -> int:
    """A UDP port of 127.0.0.1 for a door, from a range that no other test process takes ports from."""
    first = rtp_ports(28_000, DOORS)
    for port in range(first, first + DOORS):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port for a door")


class CallingCarrier:
    """A trunk that calls us from 127.0.0.1."""

    def __init__(self, door: int) -> None:
        self.socket, self.rtp = udp_socket(), udp_socket()
        self.door = ("127.0.0.1", door)
        self.port: int = self.socket.getsockname()[1]
        self._numbers = itertools.count(1)
        self.call_id, self.tag, self.to_tag, self.contact = "", "", "", self.door

    def close(self) -> None:
        self.socket.close()
        self.rtp.close()

    def offer(self) -> str:
        """Our audio."""
        kinds = "0 101\r\na=rtpmap:101 telephone-event/8000"
        return SDP.format(port=self.rtp.getsockname()[1], kinds=kinds)

    def invites(
        self,
        *headers: str,
        caller: str = CALLER,
        called: str = CALLED,
        sdp: str | None = None,
        by: socket.socket | None = None,
    ) -> None:
        """Send a new INVITE to the door, from another socket if one is given."""
        number = next(self._numbers)
        self.call_id, self.tag, self.to_tag = f"call{number}-{self.port}", f"caller{number}", ""
        self._called, self._caller = called, caller
        body = self.offer() if sdp is None else sdp
        self._last = self._request("INVITE", self.door, 1, headers, body, by=by)

    def forgets(self) -> None:
        """Drop what has arrived."""
        self.socket.setblocking(False)
        try:
            while True:
                self.socket.recv(65536)
        except BlockingIOError:
            self.socket.settimeout(DEADLINE_S)

    def repeats(self) -> None:
        """Send the last INVITE again."""
        self.socket.sendto(self._last, self.door)

    def cancels(self) -> None:
        self._request("CANCEL", self.door, 1, (), "", branch="INVITE1")

    def acknowledges(self, body: str = "") -> None:
        self._request("ACK", self.contact, 1, (), body)

    def presses(self, key: str, cseq: int = 3) -> None:
        self._request("INFO", self.contact, cseq, ("Content-Type: application/dtmf",), key)

    def hangs_up(self, cseq: int = 9) -> None:
        self._request("BYE", self.contact, cseq, (), "")

    def answers_bye(self) -> None:
        """Wait for our BYE and answer it."""
        while True:
            text = self._receives()
            if text.startswith("BYE "):
                kept = ("via", "from", "to", "call-id", "cseq")
                lines = [line for line in text.split("\r\n") if line.partition(":")[0].lower() in kept]
                answer = "\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0", "", ""])
                self.socket.sendto(answer.encode(), self.heard_from)
                return

    def hears(self) -> int:
        """The next answer that is more than Trying; what it says of the dialog is remembered."""
        while True:
            text = self._receives()
            if text.startswith("SIP/2.0 ") and not text.startswith("SIP/2.0 100 "):
                for line in text.split("\r\n"):
                    name, _, value = line.partition(":")
                    if name.lower() == "to" and ";tag=" in value:
                        self.to_tag = value.partition(";tag=")[2]
                    if name.lower() == "contact":
                        host, _, port = value.partition("@")[2].partition(";")[0].strip(">").partition(":")
                        self.contact = (host, int(port.strip(">")))
                self.answer = text
                return int(text.split()[1])

    def _receives(self) -> str:
        data, self.heard_from = self.socket.recvfrom(65536)
        return data.decode()

    def _request(
        self,
        method: str,
        to: tuple[str, int],
        cseq: int,
        headers: tuple[str, ...],
        body: str,
        branch: str = "",
        by: Any = None,
    ) -> bytes:
        kind = ["Content-Type: application/sdp"] if body.startswith("v=0") else []
        lines = [
            f"{method} sip:{self._called}@{to[0]}:{to[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{branch or f'{method}{cseq}'}{self.tag}",
            f"From: <sip:{self._caller}@carrier.example>;tag={self.tag}",
            f"To: <sip:{self._called}@127.0.0.1>{f';tag={self.to_tag}' if self.to_tag else ''}",
            f"Call-ID: {self.tag}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:peer@127.0.0.1:{self.port}>",
            "Max-Forwards: 70",
            *headers,
            *kind,
            f"Content-Length: {len(body)}",
        ]
        data = "\r\n".join([*lines, "", body]).encode()
        (by or self.socket).sendto(data, to)
        return data


@pytest.fixture
def carrier() -> Iterator[CallingCarrier]:
    made = CallingCarrier(free_port())
    yield made
    made.close()


def settings(carrier: CallingCarrier, lines: int = 2, **more: Any) -> PoolSettings:
    trunk = Trunk("carrier", "127.0.0.1", carrier.port, **more)
    return PoolSettings(trunks=(trunk,), lines=lines, inbound_port=carrier.door[1])


def in_pool(wanted: PoolSettings, test: Callable[[Pool], Awaitable[None]]) -> None:
    """Run an async test with a pool and a deadline. What blocks in it is run in threads (`heard`)."""

    async def bounded() -> None:
        with trio.fail_after(2 * DEADLINE_S):
            async with open_pool(wanted) as pool:
                await test(pool)

    trio.run(bounded)


async def until(pool: Pool, kind: type[Any]) -> Any:
    """The next event of a kind."""
    async for event in pool.events:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"the events ended without {kind.__name__}")


async def heard(carrier: CallingCarrier) -> int:
    """The next answer's code, while the pool goes on."""
    return await trio.to_thread.run_sync(carrier.hears, abandon_on_cancel=True)


async def arrived(pool: Pool, carrier: CallingCarrier, *headers: str, **numbers: str) -> Arrived:
    """A new call, as the daemon hears of it."""
    carrier.invites(*headers, **numbers)
    came: Arrived = await until(pool, Arrived)
    return came


async def answered(pool: Pool, carrier: CallingCarrier) -> str:
    """A new call that a worker has answered; its id."""
    came = await arrived(pool, carrier)
    pool.send(Answer(came.call, came.trunk))
    assert await heard(carrier) == 200
    carrier.acknowledges()
    await until(pool, Answered)
    return came.call
