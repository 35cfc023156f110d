"""The port where trunks' calls arrive, in the pool's process.

It is the front of all workers: an INVITE waits here, with 100 Trying, until the daemon has said what becomes of it.
Only what is to be answered gets to a worker, once the pool has room for it there; the worker's answer comes back here
and leaves from the port that the caller knows. Everything later goes to the worker itself: its Contact says so; what
comes here nevertheless is passed on to it.

The kernel lets in trunks, and workers from their own ports. What is refused here costs no state but one row for each
INVITE, and there are `MOST_INVITES` of them at most.
"""

from __future__ import annotations

import secrets
import socket
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import count
from typing import Final

import trio

from sip import address
from sip.causes import Cause, Leg
from sip.inbound import invite
from sip.inbound.messages import Answer, Arrived
from sip.messages import Ended
from sip.screening import passing
from sip.settings import Trunk
from sip.worker import sip_text
from sip.worker.sip_text import Request
from sip.worker.socket_filter import Sender, attach_filter, permit

MOST_INVITES: Final = 1000
"""Rows at once; who comes beyond is told that all lines are busy, and nobody hears of it but `turned_away`."""

INVITES_A_SECOND: Final = 50
"""New calls in a second that the daemon is asked about."""

KEPT_S: Final = 40.0
"""How long an INVITE is known after its answer: as long as it may be repeated (RFC 3261, 64 T1), and some air."""

DECISION_S: Final = 8.0
"""How long the daemon may take to say what becomes of a call."""

TURN_LIMIT: Final = 64
LONGEST_MESSAGE: Final = 16_384
"""Bytes of a datagram that is looked at: twice the headers that are answered (`sip_text.HEAD_LIMIT`)."""

_ALLOW: Final = "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, NOTIFY"
_BUSY: Final = "486 Busy Here"
_LINES: Final = {404: "404 Not Found", 480: "480 Temporarily Unavailable", 486: _BUSY}


@dataclass(slots=True)
class Visitor:
    """A call at the door: `line` is what was said of it last, empty where a worker has it."""

    call: str
    request: Request
    text: str
    source: tuple[str, int]
    came_at: float
    waits: bool = True
    line: str = "100 Trying"


class Door:
    """One UDP port. `tell` is given what happens to calls that no worker has; `turned_away` counts those that the
    daemon never heard of."""

    def __init__(self, host: str, port: int, tell: Callable[[Arrived | Ended], None]) -> None:
        """Bind. Raises `OSError`."""
        self.turned_away = 0
        self._tell = tell
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, port))
        self._socket.setblocking(False)
        self._own = (host, int(self._socket.getsockname()[1]))
        self._trunks: tuple[Trunk, ...] = ()
        self._workers: frozenset[int] = frozenset()
        self._by_invite: OrderedDict[tuple[str, str], Visitor] = OrderedDict()
        self._by_call: dict[str, Visitor] = {}
        self._this_second = (0, 0)
        self._salt = f"{time.time_ns() // 1_000_000:x}-{secrets.token_hex(2)}"
        self._numbers = count(1)

    @property
    def port(self) -> int:
        """The port that it has."""
        return self._own[1]

    def hear(self, trunks: tuple[Trunk, ...], worker_ports: Iterable[int]) -> None:
        """Who may send from now on."""
        self._trunks, self._workers = trunks, frozenset(worker_ports)
        own = IPv4Network(self._own[0])
        senders = [Sender(own, port) for port in sorted(self._workers)]
        senders += [sender for trunk in trunks for sender in _senders(trunk, self._own[0])]
        attach_filter(self._socket, permit(dict.fromkeys(senders)))

    async def keep(self) -> None:
        """Hear, until cancelled."""
        while True:
            with trio.move_on_after(1.0):
                await trio.lowlevel.wait_readable(self._socket)
            for data, source in self._arrived():
                self._take(data.decode("latin-1"), source)
            self._sweep(time.monotonic())
            await trio.lowlevel.checkpoint()

    def close(self) -> None:
        """Let go of the port."""
        self._socket.close()

    # --- what the daemon says -------------------------------------------------------------------------------------

    def reject(self, call: str, sip_code: int) -> bool:
        """Refuse a call. False if it is gone."""
        visitor = self._waiting(call)
        if visitor is not None:
            self._end(visitor, _LINES.get(sip_code, _LINES[480]))
        return visitor is not None

    def hand_over(self, order: Answer) -> Answer | None:
        """The order with the INVITE, for a worker; None if the caller has given up."""
        visitor = self._waiting(order.call)
        if visitor is None:
            return None
        visitor.waits, visitor.line = False, ""
        source = f"{visitor.source[0]}:{visitor.source[1]}"
        return Answer(order.call, order.trunk, visitor.text, f"{self._own[0]}:{self._own[1]}", source)

    def _waiting(self, call: str) -> Visitor | None:
        visitor = self._by_call.get(call)
        return visitor if visitor is not None and visitor.waits else None

    # --- what arrives ---------------------------------------------------------------------------------------------

    def _arrived(self) -> Iterator[tuple[bytes, tuple[str, int]]]:
        for _ in range(TURN_LIMIT):
            try:
                data, source = self._socket.recvfrom(65536)
                if len(data) <= LONGEST_MESSAGE:
                    yield data, source
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error about something that was sent

    def _take(self, text: str, source: tuple[str, int]) -> None:
        if source[0] == self._own[0] and source[1] in self._workers:
            if (answer := passing.passed_back(text)) is not None:
                self._send(answer[0].encode("latin-1"), answer[1])
            return
        request = None if text.startswith("SIP/2.0 ") else sip_text.request(text)
        if request is None:
            return
        worker = self._worker_of(request) if request.has_to_tag else None
        match request.method:
            case _ if worker is not None:
                via, back_to = sip_text.seen_via(request, source), sip_text.reply_address(request, source)
                passed = f"{passing.passed_on(request.head, via, self._own, back_to)}\r\n\r\n{request.body}"
                self._send(passed.encode("latin-1"), worker)
            case "ACK":
                pass  # of a refusal of ours
            case "CANCEL":
                self._cancel(request, source)
            case _ if request.has_to_tag:
                self._reply(request, source, "481 Call/Transaction Does Not Exist")
            case "OPTIONS":
                self._reply(request, source, "200 OK", (_ALLOW, "Accept: application/sdp"))
            case "INVITE":
                self._invite(request, source)
            case _:
                self._reply(request, source, "405 Method Not Allowed", (_ALLOW,))

    def _worker_of(self, request: Request) -> tuple[str, int] | None:
        """The worker that a request within a call names, from a peer that sends everything here all the same."""
        uri = request.head.partition("\r\n")[0]
        port = address.port_of(uri) if str(address.host_of(uri)) == self._own[0] else 0
        return (self._own[0], port) if port in self._workers else None

    def _invite(self, request: Request, source: tuple[str, int]) -> None:
        known = self._by_invite.get(_name(request))
        if known is not None:
            if known.line:  # else its worker says again what it has said
                self._reply(request, source, known.line)
            return
        trunk = _trunk_of(self._trunks, source)
        if trunk is None:
            self._reply(request, source, _LINES[480])
            return
        now = time.monotonic()
        if len(self._by_invite) >= MOST_INVITES or not self._may_ask(now):  # before anything that takes long
            self.turned_away += 1
            self._reply(request, source, _BUSY)
            return
        try:
            text = invite.for_a_worker(request, source, self._own)
        except invite.UnreadableError as error:
            self._reply(request, source, error.line)
            return
        call = f"{self._salt}-{next(self._numbers):06d}"
        visitor = Visitor(call, request, text, source, now)
        self._by_invite[_name(request)] = self._by_call[call] = visitor
        self._reply(request, source, visitor.line)
        rules = trunk.arriving_rules
        caller, called = invite.caller_of(request, rules), invite.called_of(request, rules)
        self._tell(Arrived(call, now, trunk.name, caller, called))

    def _may_ask(self, now: float) -> bool:
        second, asked = self._this_second
        self._this_second = (second, asked + 1) if second == int(now) else (int(now), 1)
        return self._this_second[1] <= INVITES_A_SECOND

    def _cancel(self, request: Request, source: tuple[str, int]) -> None:
        visitor = self._by_invite.get(_name(request))
        if visitor is None:
            self._reply(request, source, "481 Call/Transaction Does Not Exist")
            return
        self._reply(request, source, "200 OK")
        if visitor.waits:
            self._end(visitor, "487 Request Terminated")
            at = time.monotonic()
            self._tell(Ended(visitor.call, at, Cause.CANCELLED, Leg.CALLEE, 487, 0, "the caller gave up"))

    def _sweep(self, now: float) -> None:
        """Refuse what nobody has decided on, and forget what is over."""
        for visitor in list(self._by_invite.values()):
            if visitor.waits and now - visitor.came_at > DECISION_S:
                self._end(visitor, _LINES[480])
                self._tell(Ended(visitor.call, now, Cause.NOT_SENT, Leg.DIALER, 480, 0, "nobody decided on it"))
        while self._by_invite and now - next(iter(self._by_invite.values())).came_at > KEPT_S:
            del self._by_call[self._by_invite.popitem(last=False)[1].call]

    def _end(self, visitor: Visitor, line: str) -> None:
        visitor.waits, visitor.line = False, line
        self._reply(visitor.request, visitor.source, line)

    def _reply(self, request: Request, source: tuple[str, int], line: str, added: tuple[str, ...] = ()) -> None:
        self._send(sip_text.reply(request, source, line, added), sip_text.reply_address(request, source))

    def _send(self, message: bytes, to: tuple[str, int]) -> None:
        try:
            self._socket.sendto(message, to)
        except OSError as error:
            sys.stderr.write(f"inbound calls: a datagram could not be sent: {error.strerror}\n")


def _name(request: Request) -> tuple[str, str]:
    """An INVITE, and its CANCEL, by Call-ID and the number in CSeq."""
    return request.call_id, request.cseq.partition(" ")[0]


def _senders(trunk: Trunk, own: str) -> Iterator[Sender]:
    """Whom a trunk sends from. An edge on this host has a port for each; its other processes are strangers."""
    for host, port in address.targets_of(trunk):
        yield Sender(IPv4Network(host), port if host == own else None)
    for network in trunk.sources:
        yield Sender(IPv4Network(network))


def _trunk_of(trunks: tuple[Trunk, ...], source: tuple[str, int]) -> Trunk | None:
    """The trunk that a call came from: by address and port, else by address alone."""
    by_place = {place: trunk for trunk in reversed(trunks) for place in address.targets_of(trunk)}
    by_host = {host: trunk for trunk in reversed(trunks) for host, _ in address.targets_of(trunk)}
    named = by_place.get(source) or by_host.get(source[0])
    if named is not None:
        return named
    sender = IPv4Address(source[0])
    return next((trunk for trunk in trunks for text in trunk.sources if sender in IPv4Network(text)), None)
