"""Phones in browsers: SIP over secure WebSockets, from a real client. Their audio (ICE, DTLS) is not played here."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from dialer.demo.edge import RunningEdge
from sip.causes import Cause, Leg
from sip.edge.plan import Phones, Tls
from sip.messages import AgentEnded, Answered, Bridged, DialAgent, Ended, HangUp
from tests.conftest import need
from tests.sip.worker.conftest import DIAL

from .conftest import PUBLIC, free_port

RING = DialAgent("c1", "a1", "sip:17@phones.example", "138****5678")
BROWSER_SDP = "\r\n".join(
    (
        *("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE {mid}"),
        *("m=audio 9 UDP/TLS/RTP/SAVPF 0 101", "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0"),
        *("a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)),
        *("a=setup:active", "a=mid:{mid}", "a=sendrecv", "a=rtcp-mux", "a=rtpmap:0 PCMU/8000"),
        *("a=rtpmap:101 telephone-event/8000", "a=candidate:1 1 udp 2113937151 127.0.0.3 9100 typ host", ""),
    )
)


@pytest.fixture
def certificate(tmp_path: Path) -> Tls:
    """A certificate that nobody signed but itself."""
    key, made = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = (need("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=phones")
    subprocess.run([*command, "-keyout", str(key), "-out", str(made)], check=True, capture_output=True)
    return Tls(str(made), str(key))


@pytest.fixture
def with_browsers(edge, certificate):
    """Start an edge that browsers can come to."""
    need("kamailio")
    if not any(Path("/usr/lib").glob("*/kamailio/modules/websocket.so")):
        assert os.environ.get("CI") != "true", "kamailio-websocket-modules is not installed"
        pytest.skip("kamailio-websocket-modules is not installed")

    def start(port: int) -> RunningEdge:
        phones = Phones("phones.example", free_port(), {"17": "secret"}, websocket_port=free_port(PUBLIC))
        started: RunningEdge = edge(port, phones=phones, tls=certificate)
        return started

    return start


def opened(running: RunningEdge, protocol: str) -> connect:
    """A WebSocket over TLS to the edge, whose certificate is taken as it is."""
    assert running.edge.phones is not None
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    port = running.edge.phones.websocket_port
    own = socket.create_connection((PUBLIC, port), 10, source_address=("127.0.0.4", 0))  # not the carrier's address
    return connect(f"wss://{PUBLIC}:{port}/", sock=own, ssl=trusting, subprotocols=[Subprotocol(protocol)])


class Browser:
    """A phone in a browser, in the hands of the test."""

    def __init__(self, opened: ClientConnection) -> None:
        self.socket = opened

    def hears(self, beginning: str) -> str:
        """The next message that begins so."""
        while not (text := str(self.socket.recv(timeout=10, decode=True))).startswith(beginning):
            pass
        return text

    def says(self, first: str, *lines: str, body: str = "") -> None:
        kind = ["Content-Type: application/sdp"] if body else []
        self.socket.send("\r\n".join([first, *lines, *kind, f"Content-Length: {len(body)}", "", body]))

    def answers(self, heard: str, status: str, body: str = "") -> None:
        kept = ("via", "record-route", "from", "call-id", "cseq")
        lines = [line for line in heard.split("\r\n") if line.partition(":")[0].lower() in kept]
        to = next(line for line in heard.split("\r\n") if line.lower().startswith("to:"))
        to = to if "tag=" in to else f"{to};tag=peer"
        self.says(f"SIP/2.0 {status}", *lines, to, "Contact: <sip:17@df7jal23ls0d.invalid;transport=ws>", body=body)

    def registers(self, password: str = "secret") -> str:
        """Register, with credentials after the challenge; the last answer's first line."""
        uri, common = "sip:phones.example", ("Max-Forwards: 70", "From: <sip:17@phones.example>;tag=1")
        header = ""
        for number in (1, 2):
            self.says(
                f"REGISTER {uri} SIP/2.0",
                f"Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK{number}",
                *common,
                "To: <sip:17@phones.example>",
                "Call-ID: registration",
                f"CSeq: {number} REGISTER",
                "Contact: <sip:17@df7jal23ls0d.invalid;transport=ws>;expires=60",
                *([header] if header else []),
            )
            answer = self.hears("SIP/2.0 ")
            if number == 1:
                nonce = re.search(r'nonce="([^"]+)"', answer)
                assert nonce, answer
                first = md5("17", "phones.example", password)
                reply = md5(first, nonce[1], md5("REGISTER", uri))
                header = (
                    f'Authorization: Digest username="17", realm="phones.example", nonce="{nonce[1]}", '
                    f'uri="{uri}", response="{reply}"'
                )
        return answer.partition("\r\n")[0]


def answer_to(invite: str) -> str:
    """As a browser answers before it has found an address of its own: ICE will say."""
    mid = re.search(r"^a=mid:(\S+)", invite, re.MULTILINE)
    assert mid, invite
    return BROWSER_SDP.format(mid=mid[1])


def md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode()).hexdigest()


@pytest.fixture
def browser(with_browsers, far) -> Iterator[tuple[RunningEdge, Browser]]:
    """A browser at an edge whose carrier has a callee who answers."""
    running = with_browsers(far("answer").port)
    with opened(running, "sip") as connection:
        yield running, Browser(connection)


def test_a_browser_registers_and_is_bridged(worker, browser) -> None:
    """Its INVITE comes by the WebSocket, ICE and DTLS in the offer; its answer bridges the talk, its BYE ends it."""
    running, phone = browser
    assert phone.registers() == "SIP/2.0 200 OK"
    tested = worker(
        running.edge.carriers[0].inside_port, phones_port=running.edge.phones.inside_port, media_timeout_s=0.0
    )
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(RING)
    invite = phone.hears("INVITE ")
    offer = invite.partition("\r\n\r\n")[2]
    assert re.search(r"^m=audio \d+ UDP/TLS/RTP/SAVPF 0 8", offer, re.MULTILINE), offer
    assert "a=fingerprint:sha-256 " in offer
    assert "a=ice-ufrag:" in offer
    assert f"{PUBLIC} " in offer
    phone.answers(invite, "180 Ringing")
    phone.answers(invite, "200 OK", answer_to(invite))
    tested.until(Bridged)
    phone.hears("ACK ")
    value = dict(re.findall(r"^(From|To|Contact|Call-ID): (.*?)\r?$", invite, re.MULTILINE))
    phone.says(
        f"BYE {value['Contact'].strip('<>')} SIP/2.0",
        "Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKbye",
        "Max-Forwards: 70",
        *(f"Route: {route}" for route in re.findall(r"^Record-Route: (.*?)\r?$", invite, re.MULTILINE)),
        f"From: {value['To']};tag=peer",
        f"To: {value['From']}",
        f"Call-ID: {value['Call-ID']}",
        "CSeq: 2 BYE",
    )
    ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by) == (Cause.NORMAL, Leg.AGENT)


def test_a_talk_with_a_browser_is_hung_up_through_its_websocket(worker, browser) -> None:
    """Its Contact names a host that nobody has: BYE finds it all the same."""
    running, phone = browser
    assert phone.registers() == "SIP/2.0 200 OK"
    tested = worker(
        running.edge.carriers[0].inside_port, phones_port=running.edge.phones.inside_port, media_timeout_s=0.0
    )
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(RING)
    invite = phone.hears("INVITE ")
    phone.answers(invite, "200 OK", answer_to(invite))
    tested.until(Bridged)
    tested.send(HangUp("c1"))
    phone.answers(phone.hears("BYE "), "200 OK")
    assert tested.until(Ended).cause is Cause.NORMAL


def test_a_browser_with_a_wrong_password_is_not_called(worker, browser) -> None:
    """401 once more, and the agent's leg fails."""
    running, phone = browser
    assert phone.registers("guess").startswith("SIP/2.0 401")
    tested = worker(running.edge.carriers[0].inside_port, phones_port=running.edge.phones.inside_port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(RING)
    assert tested.until(AgentEnded).sip_code == 480


def test_other_http_is_turned_away(with_browsers) -> None:
    """A page is not there, and neither is a WebSocket for something else than SIP."""
    with pytest.raises(InvalidStatus), opened(with_browsers(9), "chat"):
        pass
