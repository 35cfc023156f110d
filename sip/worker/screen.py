"""What must not reach the SIP library as it is: requests that it mishandles, and answers whose SDP could abort it.

The screen is a second socket on the library's SIP port, on which the kernel puts these datagrams
(`socket_filter.selector`). Answers go on to the library, their headers made readable and their SDP made anew
(`sip.screening`); so do requests inside a dialog that belong to an INVITE or end a call, by way of a third socket.
Other requests are answered here, without touching a call: inside a dialog OPTIONS, NOTIFY and key presses in an INFO;
outside of one nothing but OPTIONS is accepted.
"""

from __future__ import annotations

import socket
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Set
from ipaddress import IPv4Network
from typing import Final, Protocol, TypeVar

from sip.screening import headers, passing
from sip.worker import sdp, sip_text
from sip.worker.keys import keys_of
from sip.worker.socket_filter import Sender, attach_filter, permit

TURN_LIMIT: Final = 64
"""Datagrams handled before the calls get their turn again."""

GIVEN_UP_REMEMBERED: Final = 256
"""INVITEs given up whose late answers are still hung up on."""

DIALOGS_REMEMBERED: Final = 256
"""Dialogs of which it is known which INVITE the far end sent last, and whether it has a tag."""

CSEQ_LIMIT: Final = 2**31
_REFRESH_REFUSED: Final = frozenset({"401", "407", "422"})

_ENDING: Final = frozenset({"BYE", "CANCEL"})
"""Requests of which the library also knows what to say where the call is just over."""

INFOS_REMEMBERED: Final = 256
"""Key presses whose repetition is told from another press."""

METHODS: Final = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK, INFO, NOTIFY"
_CRLF: Final = "\r\n"
_ALLOW: Final = f"Allow: {METHODS}"


Key = TypeVar("Key")
Value = TypeVar("Value")


class Leg(Protocol):
    """What the screen must know of a leg."""

    our_tag: str
    answered: bool


class Screen:
    """`leg_of` gives the leg of a Call-ID, if it has not ended; `press` takes its Call-ID and a key. `welcomes` says
    which INVITEs may open a dialog."""

    def __init__(
        self,
        host: str,
        port: int,
        leg_of: Callable[[str], Leg | None],
        press: Callable[[str, str], None],
        welcomes: Callable[[sip_text.Request], bool] = lambda _: False,
    ) -> None:
        """Bind beside the library, whose socket shares its port already. Raises `OSError`."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.socket.bind((host, port))
        self.socket.setblocking(False)
        self._library = ("127.0.0.1" if host == "0.0.0.0" else host, port)
        self.relay = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.relay.bind((self._library[0], 0))
        self.relay.setblocking(False)
        attach_filter(self.relay, permit([Sender(IPv4Network(self._library[0]), port)]))
        self._own = f"{self._library[0]}:{port}"
        self._leg_of = leg_of
        self._press = press
        self._welcomes = welcomes
        self._given_up: OrderedDict[str, str] = OrderedDict()
        self._infos: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._invites: OrderedDict[str, int] = OrderedDict()
        self._tagged: OrderedDict[str, None] = OrderedDict()

    def hang_up_later(self, call_id: str, invite: str) -> None:
        """This INVITE is over for us. A 2xx that still comes gets its ACK, and a BYE, without the library."""
        remember(self._given_up, call_id, invite, GIVEN_UP_REMEMBERED)

    def let_in(self, invite: str, door: str) -> bool:
        """Let the library have an INVITE that opens a dialog; its answer goes back to the `door`, HOST:PORT. False
        where that cannot be done."""
        request = sip_text.request(invite)
        if request is None or not 0 <= _number(request) < CSEQ_LIMIT:
            return False
        host, _, port = door.rpartition(":")
        head = passing.passed_on(request.head, request.vias[0], self.relay.getsockname(), (host, int(port)))
        remember(self._invites, request.call_id, _number(request), DIALOGS_REMEMBERED)
        return self._relay(sip_text.with_body(head, request.body))

    def refuse(self, invite: str, door: str) -> None:
        """Refuse such an INVITE instead; whoever has had an answer to it knows this one by nothing."""
        request = sip_text.request(invite)
        if request is not None:
            host, _, port = door.rpartition(":")
            self._send(sip_text.reply(request, (host, int(port)), "488 Not Acceptable Here"), (host, int(port)))

    def handle(self, ready: Set[int]) -> None:
        """Deal with what has arrived on those of its descriptors that are `ready`."""
        for data, source in _arrived(self.socket, ready):
            self._pass_or_answer(data.decode("latin-1"), source)
        for data, _ in _arrived(self.relay, ready):
            if (answer := passing.passed_back(data.decode("latin-1"))) is not None:
                self._send(answer[0].encode("latin-1"), answer[1])

    def _pass_or_answer(self, text: str, source: tuple[str, int]) -> None:
        late = self._given_up and text.startswith("SIP/2.0 2")
        if late and (invite := self._given_up.get(sip_text.call_id(text))):
            for message in sip_text.ack_and_bye(invite, text):
                self._send(message, source)
        elif text.startswith("SIP/2.0 "):
            if (answer := self._harmless(text, source)) is not None:
                self._send(answer.encode("latin-1"), self._library)
        elif (request := sip_text.request(text)) is not None:
            self._take(request, source)

    def _harmless(self, response: str, source: tuple[str, int]) -> str | None:
        """A response as the library may see it; None if it may not.

        Its SDP is made anew, or left out where nothing in it could be used, and further requests go where they can.
        What would end the process: an answer without a tag where one with a tag came before, and a refusal of a session
        refresh after our BYE, except where it says that the dialog is gone.
        """
        head, body = sip_text.split(response)
        named = sip_text.named(head)
        if named is None:
            return None
        code = head[8:11]
        if named.method == "INVITE" and code[:1] in {"1", "2"} and code != "100":
            if named.tag:
                remember(self._tagged, named.call_id, None, DIALOGS_REMEMBERED)
            elif named.call_id in self._tagged:
                return None
        is_refresh = code in _REFRESH_REFUSED and named.method in {"INVITE", "UPDATE"}
        if is_refresh and self._leg_of(named.call_id) is None:
            head = f"SIP/2.0 481 Call Does Not Exist{head[head.index(_CRLF) :]}"
        readable = headers.readable_response(passing.reachable(head, source), self._own)
        if readable is None:
            return None
        return sip_text.with_body(readable, sdp.made_anew(body) or "" if body and sip_text.carries_sdp(head) else "")

    def _take(self, request: sip_text.Request, source: tuple[str, int]) -> None:
        leg = self._leg_of(request.call_id)
        is_inside = leg is not None and sip_text.tag(request.to) == leg.our_tag != ""
        added: tuple[str, ...] = ()
        if request.method in _ENDING and request.has_to_tag:
            line = self._pass_on(request, source)
        elif leg is not None and is_inside and request.method in {"INVITE", "UPDATE", "ACK"}:
            line = self._refusal(request, leg) or self._pass_on(request, source)
        elif is_inside:
            line, added = self._inside(request)
        elif request.method == "INVITE" and not request.has_to_tag and self._welcomes(request):
            remember(self._invites, request.call_id, _number(request), DIALOGS_REMEMBERED)
            line = self._pass_on(request, source)
        else:
            line, added = _outside(request)
        if line and request.method != "ACK":
            self._send(sip_text.reply(request, source, line, added), sip_text.reply_address(request, source))

    def _refusal(self, request: sip_text.Request, leg: Leg) -> str:
        """Why the library must not have this request inside a dialog, as the line of an answer; empty if it may."""
        number = _number(request)
        if request.method == "ACK" and self._invites.get(request.call_id) != number:
            return "400 No Such INVITE"  # never sent, as it is for an ACK
        if request.method == "INVITE":
            if not leg.answered:
                return "491 Request Pending"
            remember(self._invites, request.call_id, number, DIALOGS_REMEMBERED)
        return ""

    def _pass_on(self, request: sip_text.Request, source: tuple[str, int]) -> str:
        """Let the library have a request, made readable; the line of a refusal instead where that cannot be done."""
        readable = headers.readable_request(passing.reachable(request.head, source))
        if readable is None or not 0 <= _number(request) < CSEQ_LIMIT:
            return "400 Bad Request"
        body = ""
        if request.body.strip() and request.method not in _ENDING:
            body = (sdp.made_anew(request.body, is_offer=True) if sip_text.carries_sdp(request.head) else None) or ""
            if not body and request.method != "ACK":
                return "488 Not Acceptable Here"
        to = sip_text.reply_address(request, source)
        head = passing.passed_on(readable, sip_text.seen_via(request, source), self.relay.getsockname(), to)
        self._relay(sip_text.with_body(head, body))
        return ""

    def _relay(self, message: str) -> bool:
        try:
            self.relay.sendto(message.encode("latin-1"), self._library)
        except OSError as error:
            sys.stderr.write(f"sip worker: a datagram could not be sent: {error.strerror}\n")
            return False
        return True

    def _inside(self, request: sip_text.Request) -> tuple[str, tuple[str, ...]]:
        match request.method:
            case "OPTIONS":
                return "200 OK", (_ALLOW, "Accept: application/sdp")
            case "NOTIFY":
                return "200 OK", ()
            case "INFO":
                return self._info(request)
            case "REFER":
                return "603 Decline", ()
            case "PRACK":
                return "481 Call/Transaction Does Not Exist", ()  # we have sent no provisional answer
            case _:
                return "405 Method Not Allowed", (_ALLOW,)

    def _info(self, request: sip_text.Request) -> tuple[str, tuple[str, ...]]:
        if not request.body.strip():
            return "200 OK", ()
        keys = keys_of(request.content_type, request.body)
        if keys is None:
            return "415 Unsupported Media Type", ("Accept: application/dtmf-relay, application/dtmf",)
        name = (request.call_id, request.cseq)
        if name not in self._infos:
            remember(self._infos, name, None, INFOS_REMEMBERED)
            for key in keys:
                self._press(request.call_id, key)
        return "200 OK", ()

    def _send(self, message: bytes, to: tuple[str, int]) -> None:
        try:
            self.socket.sendto(message, to)
        except OSError as error:
            sys.stderr.write(f"sip worker: a datagram could not be sent: {error.strerror}\n")


def _number(request: sip_text.Request) -> int:
    """The number in CSeq; -1 where there is none."""
    number = request.cseq.partition(" ")[0]
    return int(number) if number.isascii() and number.isdecimal() and len(number) <= 10 else -1


def _outside(request: sip_text.Request) -> tuple[str, tuple[str, ...]]:
    if request.has_to_tag:
        return "481 Call/Transaction Does Not Exist", ()
    if request.method == "OPTIONS":
        return "200 OK", (_ALLOW, "Accept: application/sdp")
    if request.method == "INVITE":
        return "480 Temporarily Unavailable", ()
    return "405 Method Not Allowed", (_ALLOW,)


def remember(memory: OrderedDict[Key, Value], key: Key, value: Value, most: int) -> None:
    """Keep something as the newest, and no more than so much."""
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > most:
        memory.popitem(last=False)


def _arrived(source: socket.socket, ready: Set[int]) -> Iterator[tuple[bytes, tuple[str, int]]]:
    if source.fileno() not in ready:
        return
    for _ in range(TURN_LIMIT):
        try:
            yield source.recvfrom(65536)
        except BlockingIOError:
            return
        except OSError:
            continue  # an ICMP error about something that was sent
