"""A permitted peer out of its mind: whatever it says, no worker dies, and every call that is dialled ends once.

    make fuzz-sip                       # an hour
    make fuzz-sip FUZZ="--seconds 60 --seed 7"
    make fuzz-sip FUZZ="--edge"         # with Kamailio and rtpengine before the carrier; they must live, too

A pool of real workers dials a carrier that answers with SIP and SDP out of `mutations`, before and after the answer;
agents' phones do the same, and the carrier calls in (`fuzz_callers`). What is sent follows from the seed, its order in
time does not quite.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import trio

from dialer.core.calls.call import CallState
from dialer.core.calls.dispositions import disposition_of
from dialer.demo.edge import PUBLIC, RunningEdge, free_port
from sip.edge.plan import Carrier, Edge
from sip.inbound.messages import Answer, Arrived, Reject
from sip.messages import (
    AgentEnded,
    Answered,
    Bridged,
    CancelAgent,
    Dial,
    DialAgent,
    Digit,
    Ended,
    HangUp,
    PeerRests,
    PoolEvent,
)
from sip.pool import Pool, PoolSettings, open_pool
from sip.settings import Trunk
from tests.sip.fuzz_callers import Callers
from tests.sip.mutations import PLAIN_SDP, description, mutated

LINES: Final = 8
ARRIVED: Final = re.compile(r"[0-9a-f]+-[0-9a-f]+-[0-9]+")
"""The ids of calls from outside, which the pool gives."""

_SEVERAL: Final = ("via", "record-route")
END_LIMIT_S: Final = 90.0
DIAL_EVERY_S: Final = 0.02
LONGEST_TALK_S: Final = 8.0
STATES: Final = {0: CallState.DIALLING, 1: CallState.WAITING, 2: CallState.TALKING}


@dataclass
class Found:
    """What came of it. `deaths` are workers that died, with the last reason."""

    dialled: int = 0
    sent: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    dispositions: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    bridged: int = 0
    keys: int = 0
    deaths: int = 0
    reason: str = ""
    rests: list[str] = field(default_factory=list)
    unended: list[str] = field(default_factory=list)
    arrived: int = 0

    @property
    def twice(self) -> list[str]:
        return [call for call, ends in self.ends.items() if ends > 1]

    def __str__(self) -> str:
        worst = ", ".join(f"{name} {number}" for name, number in self.dispositions.most_common(8))
        return (
            f"{self.dialled} calls, {self.arrived} from outside, {self.answered} answered, {self.bridged} bridged, "
            f"{self.sent} messages; "
            f"{self.deaths} workers died {self.reason}; without an end {len(self.unended)}, ended twice "
            f"{len(self.twice)}; {worst}"
        )


class Peer:
    """A carrier, or a telephone, that answers each INVITE with a play of its own."""

    def __init__(self, found: Found, seed: str, nursery: trio.Nursery) -> None:
        self._found, self._seed, self._nursery = found, seed, nursery
        self.socket = trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM)
        self._calls: set[str] = set()
        self._played = 0
        self.port = 0
        self.callers: Callers | None = None

    async def serve(self) -> None:
        while True:
            try:
                data, source = await self.socket.recvfrom(65536)
            except trio.ClosedResourceError:
                return
            except OSError:
                continue  # what was sent last found a closed port
            text = data.decode("latin-1")
            headers = _headers(text)
            call = headers.get("call-id", "")
            if text.startswith("INVITE ") and call not in self._calls:
                self._calls.add(call)
                self._played += 1
                draw = random.Random(f"{self._seed}-{self._played}")
                self._nursery.start_soon(self._play, draw, headers, source)
            elif text.startswith("SIP/2.0 ") and self.callers is not None and text[8:11].isdecimal():
                await self.callers.hear(headers, int(text[8:11]))
            elif not text.startswith(("SIP/2.0", "ACK ", "INVITE ")):
                draw = random.Random(f"{self._seed}-{self._played}-{len(text)}")
                answer = self._response(headers, "200 OK", "", draw)
                await self._send(draw, answer, source, 0.1)

    async def _play(self, draw: random.Random, invite: dict[str, str], to: Any) -> None:
        spoil = draw.choice((0.0, 0.2, 0.6))
        for _ in range(draw.randrange(4)):
            line = draw.choice(("100 Trying", "180 Ringing", "183 Progress", "199 Early", "181 x"))
            body = description(draw, self.port) if draw.random() < 0.5 else ""
            await self._send(draw, self._response(invite, line, body, draw), to, spoil)
            await trio.sleep(draw.choice((0.0, 0.01, 0.05)))
        if draw.random() < 0.3:
            line = draw.choice(
                ("486 Busy", "404 x", "407 x", "401 x", "422 x", "302 x", "503 x", "603 x", "999 x", "700 x")
            )
            await self._send(draw, self._response(invite, line, "", draw), to, spoil)
            await trio.sleep(0.02)
        body = (
            PLAIN_SDP.format(version=1, port=self.port, format="0 101") if draw.random() < 0.6 else description(draw, 9)
        )
        for _ in range(draw.choice((1, 1, 2))):
            await self._send(
                draw, self._response(invite, "200 OK", body, draw), to, spoil if draw.random() < 0.3 else 0.0
            )
        for number in range(draw.randrange(12)):
            await trio.sleep(draw.choice((0.0, 0.005, 0.05)))
            await self._ask(draw, invite, number + 2, to, spoil)
        if draw.random() < 0.7:
            await self._send(draw, self._request(draw, "BYE", invite, 90, ""), to, 0.0)

    async def _ask(self, draw: random.Random, invite: dict[str, str], cseq: int, to: Any, spoil: float) -> None:
        method = draw.choice(
            (
                "INVITE",
                "INVITE",
                "UPDATE",
                "ACK",
                "INFO",
                "OPTIONS",
                "NOTIFY",
                "PRACK",
                "REFER",
                "CANCEL",
                "MESSAGE",
                "X",
            )
        )
        body = description(draw, self.port) if draw.random() < 0.7 else ""
        await self._send(draw, self._request(draw, method, invite, cseq, body), to, spoil)
        if method == "INVITE" and draw.random() < 0.8:
            body = description(draw, self.port) if draw.random() < 0.3 else ""
            await self._send(draw, self._request(draw, "ACK", invite, cseq, body), to, spoil)

    def _response(self, asked: dict[str, str], line: str, body: str, draw: random.Random) -> str:
        to = asked.get("to", "")
        lines = [f"SIP/2.0 {line}", *(f"Via: {via}" for via in asked.get("via", "").split("\n"))]
        lines += [f"From: {asked.get('from', '')}", to if ";tag=" in to else f"To: {to};tag={draw.choice('ppppq')}"]
        lines[-1] = lines[-1] if lines[-1].startswith("To:") else f"To: {lines[-1]}"
        lines += [f"Call-ID: {asked.get('call-id', '')}", f"CSeq: {asked.get('cseq', '')}"]
        lines += [f"Record-Route: {route}" for route in _routes(asked)]
        return self._finished([*lines, f"Contact: <sip:peer@127.0.0.1:{self.port}>"], body)

    def _request(self, draw: random.Random, method: str, invite: dict[str, str], cseq: int, body: str) -> str:
        routes = _routes(invite)
        uri = invite.get("contact", "").strip("<>")
        uri = uri if routes else uri.partition(";")[0]
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};rport;branch=z9hG4bK{method}{cseq}",
        ]
        lines += [f"From: {invite.get('to', '')};tag={draw.choice('ppppq')}", f"To: {invite.get('from', '')}"]
        lines += [f"Call-ID: {invite.get('call-id', '')}", f"CSeq: {cseq} {method}", "Max-Forwards: 70"]
        lines += [f"Route: {route}" for route in routes]
        return self._finished([*lines, f"Contact: <sip:peer@127.0.0.1:{self.port}>"], body)

    def _finished(self, lines: list[str], body: str) -> str:
        kind = ["Content-Type: " + ("multipart/mixed;boundary=b" if body.startswith("--") else "application/sdp")]
        return "\r\n".join([*lines, *(kind if body else []), f"Content-Length: {len(body)}", "", body])

    async def _send(self, draw: random.Random, text: str, to: Any, spoil: float) -> None:
        data = mutated(draw, text) if draw.random() < spoil else text.encode("latin-1", "replace")
        self._found.sent += 1
        with contextlib.suppress(OSError, trio.ClosedResourceError):
            await self.socket.sendto(data, to)


def _routes(invite: dict[str, str]) -> list[str]:
    return [route for route in invite.get("record-route", "").split("\n") if route]


def _headers(text: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in text.partition("\r\n\r\n")[0].split("\r\n")[1:]:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        headers[name] = f"{headers[name]}\n{value.strip()}" if name in _SEVERAL and name in headers else value.strip()
    return headers


@contextlib.contextmanager
def between(folder: str, carrier_port: int, seconds: float) -> Iterator[int]:
    """An edge before the carrier; the port at which workers find it. Raises `DemoFailed` if a part of it has died."""
    rtp = free_port(PUBLIC) // 2 * 2
    edge = Edge(
        address=PUBLIC,
        folder=folder,
        carriers=(Carrier("carrier", free_port(), (f"127.0.0.1:{carrier_port}",), "127.0.0.1", keep_alive=False),),
        port=free_port(PUBLIC),
        rtp_port_first=min(rtp, 60_000),
        rtp_port_last=min(rtp, 60_000) + 999,
        control_port=free_port(),
        run_folder=folder,
        processes=2,
        carrier_cps=10_000,
    )
    with RunningEdge(edge, seconds + 2 * END_LIMIT_S) as running:
        yield edge.carriers[0].inside_port
        running.check()


async def fuzz(seed: int, seconds: float, *, say: bool = False, edge: bool = False) -> Found:
    """Dial for so many seconds; then wait until everything has ended."""
    found = Found()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dialer-fuzz-"))
        await _fuzz(
            found,
            seed,
            seconds,
            say,
            lambda port: stack.enter_context(between(folder, port, seconds)) if edge else port,
        )
    return found


async def _fuzz(found: Found, seed: int, seconds: float, say: bool, way: Callable[[int], int]) -> None:
    async with trio.open_nursery() as nursery:
        carrier, phone = (Peer(found, f"{seed}-{name}", nursery) for name in ("carrier", "phone"))
        for peer in (carrier, phone):
            await peer.socket.bind(("127.0.0.1", 0))
            peer.port = peer.socket.getsockname()[1]
            nursery.start_soon(peer.serve)
        trunk = Trunk("carrier", "127.0.0.1", way(carrier.port), "user", "secret", first_answer_s=2.0)
        calls_in = trunk.port == carrier.port  # an edge does not pass such calls on here
        door = free_port() if calls_in else 0
        settings = PoolSettings(
            trunks=(trunk,), lines=2 * LINES, media_timeout_s=2.0, session_refresh_s=1.0, inbound_port=door
        )
        if calls_in:
            carrier.callers = Callers(carrier.socket, carrier.port, ("127.0.0.1", door), str(seed))
        async with open_pool(settings) as pool:
            await _calls(pool, found, random.Random(seed), phone.port, seconds, say, carrier.callers)
            statistics = pool.statistics()
            found.deaths, found.reason = statistics.restarts, statistics.last_failure
        carrier.socket.close()
        phone.socket.close()
        nursery.cancel_scope.cancel()


async def _calls(
    pool: Pool, found: Found, draw: random.Random, phone: int, seconds: float, say: bool, callers: Callers | None
) -> None:
    far_as: dict[str, int] = {}
    until = time.monotonic() + seconds

    async def hear() -> None:
        async for event in pool.events:
            _heard(event, pool, found, far_as, draw, phone)

    async def hang_up_later(call: str, after_s: float) -> None:
        for wait_s in (after_s, LONGEST_TALK_S):  # it may have been answered across the first
            await trio.sleep(wait_s)
            pool.send(HangUp(call))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hear)
        from_outside = trio.CancelScope()

        async def call_in(callers: Callers) -> None:
            with from_outside:
                await callers.call()

        if callers is not None:
            nursery.start_soon(call_in, callers)
        said_at = time.monotonic()
        while time.monotonic() < until:
            if sum(not ARRIVED.match(call) for call in far_as) < LINES:
                found.dialled += 1
                call = f"c{found.dialled}"
                far_as[call] = 0
                pool.send(Dial(call, "carrier", "+4930123456", "+4930999", 5.0))
                nursery.start_soon(hang_up_later, call, draw.choice((0.0, 0.05, 0.3, 1.0, 3.0)))
            await trio.sleep(DIAL_EVERY_S)
            if say and time.monotonic() - said_at > 15:
                said_at, found.deaths = time.monotonic(), pool.statistics().restarts
                print(f"{until - said_at:5.0f} s left: {found}", flush=True)  # noqa: T201
        from_outside.cancel()
        with trio.move_on_after(END_LIMIT_S):
            while far_as:
                await trio.sleep(0.05)
                await trio.lowlevel.checkpoint()
        found.unended = sorted(far_as)
        nursery.cancel_scope.cancel()


def _heard(event: PoolEvent, pool: Pool, found: Found, far_as: dict[str, int], draw: random.Random, phone: int) -> None:
    match event:
        case Arrived(call):
            found.arrived += 1
            if draw.random() < 0.3 or len(far_as) >= 2 * LINES:
                pool.send(Reject(call, draw.choice((404, 480, 486, 999))))
            else:
                far_as[call] = 1
                if draw.random() < 0.9:  # else nobody decides, and the pool refuses it
                    pool.send(Answer(call, event.trunk))
        case Answered(call) if ARRIVED.match(call) and draw.random() < 0.5:
            far_as[call] = 2
            pool.send(HangUp(call))
        case Answered(call):
            found.answered += 1
            far_as[call] = 1
            pool.send(DialAgent(call, f"{call}.1", f"sip:17@127.0.0.1:{phone}", "138****5678"))
            if draw.random() < 0.1:
                pool.send(CancelAgent(call, f"{call}.1"))
        case Bridged(call):
            found.bridged += 1
            far_as[call] = 2
        case AgentEnded(call):
            pool.send(HangUp(call))
        case Digit():
            found.keys += 1
        case Ended(call, _, cause, ended_by):
            found.ends[call] += 1
            state = STATES[far_as.pop(call, 0)]
            if not ARRIVED.match(call):
                found.dispositions[disposition_of(state, cause, ended_by)] += 1
        case PeerRests(name):
            found.rests.append(name)


def main() -> int:
    """Run from the command line; 1 if something was found."""
    parser = argparse.ArgumentParser(description="A permitted SIP peer out of its mind.")
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--edge", action="store_true", help="through Kamailio and rtpengine")
    given = parser.parse_args()
    found = trio.run(lambda: fuzz(given.seed, given.seconds, say=True, edge=given.edge))
    print(found)  # noqa: T201
    return 1 if found.deaths or found.unended or found.twice else 0


if __name__ == "__main__":
    sys.exit(main())
