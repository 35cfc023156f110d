"""Agents' phones that register at the edge and are called through it."""

from __future__ import annotations

import hashlib
import re
import socket

import pytest

from sip.causes import Cause, Leg
from sip.edge.plan import Phones
from sip.messages import AgentEnded, Answered, Bridged, DialAgent, Ended, HangUp
from sip.options import NoReply, ask
from tests.sip.tones import LOUD, rtp
from tests.sip.worker.conftest import DIAL

from .conftest import PUBLIC, CarrierPeer, free_port, request

RING = DialAgent("c1", "a1", "sip:17@phones.example", "138****5678")
SDP = (
    "v=0\no=p 1 1 IN IP4 127.0.0.3\ns=-\nc=IN IP4 127.0.0.3\nt=0 0\n"
    "m=audio 9100 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n"
)


@pytest.fixture
def with_phones(edge):
    """Start an edge with two phones."""

    def start(port: int):
        phones = Phones("phones.example", free_port(), {"17": 'p"$s', "18": "other"})
        return edge(port, phones=phones)

    return start


def register(
    running,
    phone: CarrierPeer,
    user: str = "17",
    password: str = 'p"$s',
    to: str = "17",
    expires: int = 60,
    thinks: str = "",
) -> str:
    """Register as a phone does, with credentials after the challenge; the last answer's first line. `thinks` is the
    address that it takes for its own."""
    uri = "sip:phones.example"
    own = thinks or phone.address
    text = request("REGISTER", running.edge.port, phone.port, address=PUBLIC, own=own).decode()
    text = re.sub(r"^REGISTER \S+", f"REGISTER {uri}", text)
    text = re.sub(r"\nTo: .*", f"\nTo: <sip:{to}@phones.example>\r", text)
    text = re.sub(r"\nContact: .*", f"\nContact: <sip:{to}@{own}:{phone.port}>;expires={expires}\r", text)
    phone.socket.sendto(text.encode(), (PUBLIC, running.edge.port))
    challenge = phone.receives()
    assert challenge.startswith("SIP/2.0 401")
    nonce = re.search(r'nonce="([^"]+)"', challenge)[1]

    def digest(*parts: str) -> str:
        return hashlib.md5(":".join(parts).encode()).hexdigest()

    answer = digest(digest(user, "phones.example", password), nonce, digest("REGISTER", uri))
    header = f'Digest username="{user}", realm="phones.example", nonce="{nonce}", uri="{uri}", response="{answer}"'
    text = text.replace("CSeq: 1 ", "CSeq: 2 ").replace("branch=z9hG4bK", "branch=z9hG4bK2")
    text = text.replace("\r\nContent-Length", f"\r\nAuthorization: {header}\r\nContent-Length")
    phone.socket.sendto(text.encode(), (PUBLIC, running.edge.port))
    return phone.receives().partition("\r\n")[0]


def test_a_registered_phone_is_bridged_through_the_edge(worker, far, with_phones, carrier):
    """The phone sees the edge alone, its SDP is made anew, and it may hang up."""
    callee = far("answer")
    running = with_phones(callee.port)
    assert register(running, carrier) == "SIP/2.0 200 OK"
    tested = worker(
        running.edge.carriers[0].inside_port, phones_port=running.edge.phones.inside_port, media_timeout_s=0.0
    )
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(RING)
    invite = carrier.hears("INVITE")
    assert invite.startswith(f"INVITE sip:17@{carrier.host} SIP/2.0")
    assert '"138****5678"' in invite
    assert f"c=IN IP4 {PUBLIC}" in invite
    carrier.answers(invite, "180 Ringing")
    carrier.answers(invite, "200 OK", SDP)
    tested.until(Bridged)
    ack = carrier.hears("ACK")
    assert ack.partition("\r\n")[0].endswith("SIP/2.0")
    caller, callee_of = re.search(r"\nFrom: (.*)\r", invite)[1], re.search(r"\nTo: (.*)\r", invite)[1]
    contact = re.search(r"\nContact: <(.*)>", invite)[1]
    call_id = re.search(r"\nCall-ID: (.*)\r", invite)[1]
    routes = re.findall(r"\nRecord-Route: (.*)\r", invite)
    bye = (
        f"BYE {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {carrier.host};branch=z9hG4bKbye;rport\r\nMax-Forwards: 70\r\n"
        + "".join(f"Route: {route}\r\n" for route in routes)
        + f"From: {callee_of};tag=peer\r\nTo: {caller}\r\nCall-ID: {call_id}\r\n"
        "CSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n"
    )
    carrier.sends(bye)
    ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by) == (Cause.NORMAL, Leg.AGENT)


@pytest.mark.parametrize(
    ("user", "password", "to", "line"),
    [("17", "wrong", "17", "401"), ("19", "x", "19", "401"), ("18", "other", "17", "403")],
)
def test_a_phone_registers_with_its_own_password_only(with_phones, carrier, user, password, to, line):
    """Wrong passwords, unknown users, and another's name are refused."""
    running = with_phones(9)
    assert register(running, carrier, user, password, to).startswith(f"SIP/2.0 {line}")


def test_a_phone_that_has_not_registered_is_not_there(worker, far, with_phones, carrier):
    """Its agent's leg fails at once, and the question at login says so; once registered it is asked itself."""
    callee = far("answer")
    running = with_phones(callee.port)
    port = running.edge.phones.inside_port
    asked = {"bind_address": "127.0.0.1", "user_agent": "test", "uri": RING.uri}
    assert ask("127.0.0.1", port, **asked).status == 480
    tested = worker(running.edge.carriers[0].inside_port, phones_port=port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(RING)
    assert tested.until(AgentEnded).sip_code == 480
    tested.send(HangUp("c1"))
    tested.until(Ended)
    assert register(running, carrier) == "SIP/2.0 200 OK"
    with pytest.raises(NoReply):
        ask("127.0.0.1", port, **asked, limit_s=0.6)
    assert carrier.hears("OPTIONS").startswith(f"OPTIONS sip:17@{carrier.host}")


def test_a_phone_calls_nobody(with_phones, carrier):
    """An INVITE of a registered phone goes nowhere, and one of a stranger is not even answered."""
    running = with_phones(9)
    assert register(running, carrier) == "SIP/2.0 200 OK"
    carrier.socket.settimeout(0.5)
    invite = request("INVITE", running.edge.port, carrier.port, address=PUBLIC, own=carrier.address)
    carrier.socket.sendto(invite, (PUBLIC, running.edge.port))
    with pytest.raises(TimeoutError):
        carrier.receives()


def test_a_phone_behind_a_nat_is_reached_and_heard_where_it_really_is(worker, far, with_phones, carrier):
    """It knows its private address alone, in Via, Contact and SDP. Requests within the call find it all the same, and
    audio goes to where its own came from."""
    private = "10.99.99.99"
    running = with_phones(far("answer").port)
    assert register(running, carrier, thinks=private) == "SIP/2.0 200 OK"
    port = running.edge.carriers[0].inside_port
    tested = worker(port, phones_port=running.edge.phones.inside_port, media_timeout_s=0.0)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(RING)
    invite = carrier.hears("INVITE")
    carrier.host = f"{private}:{carrier.port}"  # in its Contact
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as audio:
        audio.bind((carrier.address, 0))
        audio.settimeout(5)
        body = SDP.replace("127.0.0.3", private).replace("9100", str(audio.getsockname()[1]))
        carrier.answers(invite, "200 OK", body)
        tested.until(Bridged)
        assert f"{private}:{carrier.port}" in carrier.hears("ACK").partition("\r\n")[0]
        edge_rtp = int(re.search(r"\nm=audio (\d+) ", invite)[1])
        for number in range(20):
            audio.sendto(rtp(number, 0, LOUD), (PUBLIC, edge_rtp))
        assert len(audio.recv(2048)) > 12
    tested.send(HangUp("c1"))
    carrier.answers(carrier.hears("BYE"), "200 OK")
    assert tested.until(Ended).cause is Cause.NORMAL
