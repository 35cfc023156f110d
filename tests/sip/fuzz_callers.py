"""A trunk out of its mind that calls in: what the fuzzer sends to the port for calls from outside, all from a seed."""

from __future__ import annotations

import contextlib
import random
from typing import Any, Final

import trio

from tests.sip.mutations import PLAIN_SDP, description, mutated

PAUSES_S: Final = (0.0, 0.01, 0.05, 0.2)
FLOOD: Final = 300
GARBAGE: Final = (b"", b"\r\n\r\n", b"\x00" * 1500, b"INVITE " * 8000, b"A:\r\n " * 13_000, b"SIP/2.0 200 OK\r\n\r\n")


class Callers:
    """Sends from the trunk's own socket, whose owner hands the answers to `hear`. `sent` counts datagrams."""

    def __init__(self, socket: Any, port: int, door: tuple[str, int], seed: str) -> None:
        self._socket, self._port, self._door = socket, port, door
        self._draw = random.Random(f"{seed}-callers")
        self._calls = 0
        self.sent = 0

    async def call(self) -> None:
        """One call after the other, floods and rubbish between them, until cancelled."""
        while True:
            self._calls += 1
            match self._draw.randrange(20):
                case 0:
                    for _ in range(FLOOD):
                        self._calls += 1
                        await self._send(self._request("INVITE", self._calls, 1, self._offer()), self._door, 0.0)
                case 1:
                    await self._say(self._draw.choice(GARBAGE), self._door)
                case 2:
                    await self._send(self._request("CANCEL", self._calls - 1, 1, ""), self._door, 0.2)
                case 3:
                    method = self._draw.choice(("OPTIONS", "BYE", "REGISTER", "SUBSCRIBE", "INVITE", "ACK", "X"))
                    await self._send(self._request(method, self._calls, 1, "", to_tag="x"), self._door, 0.5)
                case _:
                    for _ in range(self._draw.choice((1, 1, 2))):
                        invite = self._request("INVITE", self._calls, 1, self._offer())
                        await self._send(invite, self._door, self._draw.choice((0.0, 0.0, 0.6)))
            await trio.sleep(self._draw.choice(PAUSES_S))

    async def hear(self, headers: dict[str, str], code: int) -> None:
        """An answer: whoever is answered acknowledges it, mostly, says some things, and hangs up, mostly."""
        number = headers.get("call-id", "").removeprefix("in-")
        if not 200 <= code < 300 or not headers.get("cseq", "").endswith("INVITE") or not number.isdecimal():
            return
        host, _, port = headers.get("contact", "").rpartition("@")[2].partition(">")[0].partition(":")
        to = (host, int(port.partition(";")[0])) if port.partition(";")[0].isdecimal() else self._door
        tag = headers.get("to", "").partition(";tag=")[2]
        for method in self._draw.choices(("ACK", "ACK", "INFO", "INVITE", "UPDATE", "REFER", "NOTIFY", "CANCEL"), k=4):
            body = description(self._draw, self._port) if self._draw.random() < 0.5 else ""
            cseq = 1 if method == "ACK" else self._draw.randrange(2, 9)
            where = to if self._draw.random() < 0.8 else self._door
            await self._send(self._request(method, int(number), cseq, body, to_tag=tag), where, 0.3)
        if self._draw.random() < 0.7:
            await self._send(self._request("BYE", int(number), 99, "", to_tag=tag), to, 0.0)

    def _offer(self) -> str:
        if self._draw.random() < 0.6:
            return PLAIN_SDP.format(version=1, port=self._port, format="0 101")
        return description(self._draw, self._port)

    def _request(self, method: str, number: int, cseq: int, body: str, to_tag: str = "") -> str:
        lines = [
            f"{method} sip:+861012345678@127.0.0.1:{self._door[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self._port};branch=z9hG4bKin{number}-{cseq};rport",
            f"From: <sip:+8613800138000@127.0.0.1>;tag=in{number}",
            f"To: <sip:+861012345678@127.0.0.1>{f';tag={to_tag}' if to_tag else ''}",
            f"Call-ID: in-{number}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:peer@127.0.0.1:{self._port}>",
            "Max-Forwards: 70",
        ]
        kind = ["Content-Type: application/sdp"] if body else []
        return "\r\n".join([*lines, *kind, f"Content-Length: {len(body)}", "", body])

    async def _send(self, text: str, to: tuple[str, int], spoil: float) -> None:
        spoilt = self._draw.random() < spoil
        await self._say(mutated(self._draw, text) if spoilt else text.encode("latin-1", "replace"), to)

    async def _say(self, raw: bytes, to: tuple[str, int]) -> None:
        self.sent += 1
        with contextlib.suppress(OSError, trio.ClosedResourceError):
            await self._socket.sendto(raw[:65_000], to)
