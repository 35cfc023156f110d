"""What must not reach the SIP library as it is: requests that it mishandles, and answers whose SDP could abort it.

The screen is a second socket on the library's SIP port, on which the kernel puts these datagrams
(`socket_filter.selector`). Answers go on to the library, their SDP made anew. Requests are answered here, without
touching a call: inside a dialog OPTIONS, NOTIFY and key presses in an INFO; outside of one nothing but OPTIONS is
accepted.
"""

from __future__ import annotations

import socket
import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from sip.worker import sdp, sip_text
from sip.worker.keys import keys_of

TURN_LIMIT: Final = 64
"""Datagrams handled before the calls get their turn again."""

GIVEN_UP_REMEMBERED: Final = 256
"""INVITEs given up whose late answers are still hung up on."""

INFOS_REMEMBERED: Final = 256
"""Key presses whose repetition is told from another press."""

METHODS: Final = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK, INFO, NOTIFY"
_ALLOW: Final = f"Allow: {METHODS}"


class Screen:
    """`knows` tells whether a Call-ID is that of a leg, `press` takes its Call-ID and a key."""

    def __init__(self, host: str, port: int, knows: Callable[[str], bool], press: Callable[[str, str], None]) -> None:
        """Bind beside the library, whose socket shares its port already. Raises `OSError`."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.socket.bind((host, port))
        self.socket.setblocking(False)
        self._library = ("127.0.0.1" if host == "0.0.0.0" else host, port)
        self._knows = knows
        self._press = press
        self._given_up: OrderedDict[str, str] = OrderedDict()
        self._infos: OrderedDict[tuple[str, str], None] = OrderedDict()

    def hang_up_later(self, call_id: str, invite: str) -> None:
        """This INVITE is over for us. A 2xx that still comes gets its ACK, and a BYE, without the library."""
        self._given_up[call_id] = invite
        if len(self._given_up) > GIVEN_UP_REMEMBERED:
            self._given_up.popitem(last=False)

    def handle(self) -> None:
        """Deal with what has arrived."""
        for _ in range(TURN_LIMIT):
            try:
                data, source = self.socket.recvfrom(65536)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error about something that was sent
            self._pass_or_answer(data.decode("latin-1"), source)

    def _pass_or_answer(self, text: str, source: tuple[str, int]) -> None:
        late = self._given_up and text.startswith("SIP/2.0 2")
        if late and (invite := self._given_up.get(sip_text.call_id(text))):
            for message in sip_text.ack_and_bye(invite, text):
                self._send(message, source)
        elif text.startswith("SIP/2.0 "):
            self._send(_harmless(text).encode("latin-1"), self._library)
        elif (request := sip_text.request(text)) is not None:
            self._send(self._answer(request, source), sip_text.reply_address(request, source))

    def _answer(self, request: sip_text.Request, source: tuple[str, int]) -> bytes:
        in_dialog = request.has_to_tag and self._knows(request.call_id)
        line, headers = self._inside(request) if in_dialog else _outside(request)
        return sip_text.reply(request, source, line, headers)

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
            case "INVITE":
                return "481 Call/Transaction Does Not Exist", ()  # it does not name our contact
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
            self._infos[name] = None
            if len(self._infos) > INFOS_REMEMBERED:
                self._infos.popitem(last=False)
            for key in keys:
                self._press(request.call_id, key)
        return "200 OK", ()

    def _send(self, message: bytes, to: tuple[str, int]) -> None:
        try:
            self.socket.sendto(message, to)
        except OSError as error:
            sys.stderr.write(f"sip worker: a datagram could not be sent: {error.strerror}\n")


def _outside(request: sip_text.Request) -> tuple[str, tuple[str, ...]]:
    if request.has_to_tag:
        return "481 Call/Transaction Does Not Exist", ()
    if request.method == "OPTIONS":
        return "200 OK", (_ALLOW, "Accept: application/sdp")
    if request.method == "INVITE":
        return "480 Temporarily Unavailable", ()
    return "405 Method Not Allowed", (_ALLOW,)


def _harmless(response: str) -> str:
    """A response with its SDP made anew, or left out where nothing in it could be used."""
    head, separator, body = response.partition("\r\n\r\n")
    if not body or not sip_text.is_sdp(head):
        return response
    return sip_text.with_body(head, sdp.made_anew(body) or "") if separator else response
