"""Whoever is no peer of the settings is not heard; what a peer may not ask for is refused without touching a call."""

from __future__ import annotations

import socket
import time

import pytest

from sip.causes import Cause, Leg
from sip.messages import Answered, Bridged, Dial, DialAgent, Dialled, Ended, HangUp, Ping, Pong
from sip.settings import Trunk, WorkerSettings
from tests.sip.conftest import BrokenPeer, WorkerUnderTest, udp_socket
from tests.sip.tones import LOUD, is_loud, rtp
from tests.sip.worker.conftest import DIAL

SDP = "v=0\no=- 1 1 IN IP4 {host}\ns=-\nc=IN IP4 {host}\nt=0 0\nm=audio {port} RTP/AVP 0\n"


def unsolicited(method: str, tested, number: int, body: str = "") -> bytes:
    """A request outside of any dialog, to a worker's SIP port."""
    lines = [
        f"{method} sip:dialer@127.0.0.1:{tested.ready.sip_port} SIP/2.0",
        f"Via: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK{method}{number}",
        f"From: <sip:stranger@127.0.0.1>;tag={number}",
        "To: <sip:dialer@127.0.0.1>",
        f"Call-ID: {method}{number}",
        f"CSeq: 1 {method}",
        "Contact: <sip:stranger@127.0.0.1:9>",
        "Max-Forwards: 70",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", body]).encode()


def offer(host: str = "127.0.0.1") -> str:
    return SDP.format(host=host, port=9).replace("\n", "\r\n")


def sends(sender: socket.socket, tested, data: bytes) -> None:
    sender.sendto(data, ("127.0.0.1", tested.ready.sip_port))


def still_turns(tested) -> None:
    tested.send(Ping(1))
    tested.until(Pong)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
def test_a_burst_of_unsolicited_invites_harms_nobody(worker, peer, address):
    """Hundreds of INVITEs with SDP, from a peer's host or a stranger's: the worker lives and has all its slots."""
    tested = worker(peer.port)
    with udp_socket(address) as sender:
        for number in range(300):
            sends(sender, tested, unsolicited("INVITE", tested, number, offer()))
    still_turns(tested)
    for number in range(tested.ready.slots):
        tested.send(Dial(f"c{number}", "carrier", "+4930123456", "+4930999", 60.0))
        tested.until(Dialled)


@pytest.mark.parametrize(
    ("method", "code"),
    [("INVITE", 480), ("MESSAGE", 405), ("SUBSCRIBE", 405), ("NOTIFY", 405), ("REFER", 405), ("INFO", 405),
     ("REGISTER", 405), ("PUBLISH", 405), ("OPTIONS", 200)],
)  # fmt: skip
def test_requests_outside_a_dialog_are_refused(worker, peer, method, code):
    """A peer gets an answer: no call, no message, no subscription; OPTIONS tells that we are there."""
    tested = worker(peer.port)
    sends(peer.socket, tested, unsolicited(method, tested, 1, offer() if method == "INVITE" else ""))
    assert peer.hears_code() == code
    still_turns(tested)


def test_a_stranger_gets_no_answer(worker, peer):
    """What comes from elsewhere is dropped by the kernel, whatever it is."""
    tested = worker(peer.port, host="127.0.0.3")
    with udp_socket("127.0.0.2") as stranger:
        for method in ("OPTIONS", "INVITE", "MESSAGE", "BYE"):
            sends(stranger, tested, unsolicited(method, tested, 1))
        still_turns(tested)
        stranger.settimeout(0.3)
        with pytest.raises(TimeoutError):
            stranger.recv(100)


def test_another_process_of_this_host_is_a_stranger(worker):
    """Where no peer lives on this host, its own address is heard from our own port only."""
    with BrokenPeer("127.0.0.3") as carrier, udp_socket() as neighbour:
        tested = worker(carrier.port, host="127.0.0.3")
        sends(neighbour, tested, unsolicited("OPTIONS", tested, 1))
        still_turns(tested)
        neighbour.settimeout(0.3)
        with pytest.raises(TimeoutError):
            neighbour.recv(100)


def test_a_bye_from_elsewhere_does_not_end_a_call(worker):
    """Somebody who knows the dialog, but not the peer's address, cannot hang up; the peer can."""
    with BrokenPeer("127.0.0.3") as carrier, BrokenPeer("127.0.0.2") as stranger:
        tested = worker(carrier.port, host="127.0.0.3")
        tested.send(DIAL)
        invite = carrier.hears("INVITE")
        carrier.answers(invite, "200 OK", SDP.format(host="127.0.0.3", port=9))
        tested.until(Answered)
        carrier.hears("ACK")
        stranger.asks("BYE", invite)
        still_turns(tested)
        assert "Ended" not in tested.names()
        carrier.asks("BYE", invite)
        ended = tested.until(Ended)
        assert (ended.cause, ended.ended_by) == (Cause.NORMAL, Leg.CALLEE)
        assert carrier.hears_code() == 200


def test_a_phone_is_heard_once_it_is_dialled(worker, far):
    """An agent's host is in no setting: the worker hears it because it rings there."""
    callee = far("answer")
    with BrokenPeer("127.0.0.4") as phone:
        tested = worker(callee.port)
        tested.send(DIAL)
        tested.until(Answered)
        tested.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.4:{phone.port}", "138****5678"))
        invite = phone.hears("INVITE")
        phone.answers(invite, "200 OK", SDP.format(host="127.0.0.4", port=9))
        tested.until(Bridged)
        phone.asks("BYE", invite)
        assert tested.until(Ended).ended_by is Leg.AGENT


def test_answers_come_from_the_contact_too(worker):
    """A carrier that answers with another host's contact is heard from there."""
    with BrokenPeer("127.0.0.3") as carrier, BrokenPeer("127.0.0.5") as gateway:
        tested = worker(carrier.port, host="127.0.0.3")
        tested.send(DIAL)
        invite = carrier.hears("INVITE")
        body = SDP.format(host="127.0.0.5", port=9)
        carrier.says(
            "SIP/2.0 200 OK\nVia: {via}\nFrom: {from}\nTo: {to};tag=peer\nCall-ID: {call-id}\nCSeq: {cseq}\n"
            "Contact: <sip:gateway@127.0.0.5:{port}>\nContent-Type: application/sdp\n\n{body}",
            **{**invite, "port": str(gateway.port), "body": body},
        )
        tested.until(Answered)
        gateway.hears("ACK")
        tested.send(HangUp("c1"))
        gateway.answers(gateway.hears("BYE"), "200 OK")
        tested.until(Ended)
        assert "SlotsHeld" not in tested.names()


def test_sources_of_a_trunk_are_heard(zygote):
    """A trunk may send from networks besides its host, as its settings say."""
    trunk = Trunk("carrier", "127.0.0.3", 5060, sources=("127.0.9.0/24",))
    tested = WorkerUnderTest(zygote, WorkerSettings(trunks=(trunk,)))
    with BrokenPeer("127.0.9.7") as member, BrokenPeer("127.0.8.7") as stranger:
        sends(stranger.socket, tested, unsolicited("OPTIONS", tested, 1))
        sends(member.socket, tested, unsolicited("OPTIONS", tested, 2))
        assert member.hears_code() == 200
        stranger.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            stranger.hears_code()
    tested.close()


def talk(tested, callee, agent) -> None:
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.1:{agent.port}", "138****5678"))
    tested.until(Bridged)


def test_a_burst_of_rtp_from_elsewhere_changes_nothing(worker, far):
    """Audio goes to the address that was signalled, and only what comes from there is heard."""
    with udp_socket() as callee_rtp, udp_socket() as agent_rtp, udp_socket() as local, udp_socket("127.0.0.2") as other:
        callee = far("answer", rtp_port=str(callee_rtp.getsockname()[1]))
        agent = far("answer", rtp_port=str(agent_rtp.getsockname()[1]))
        tested = worker(callee.port)
        talk(tested, callee, agent)
        callee_leg = callee_rtp.recvfrom(2048)[1]
        started = time.monotonic()
        number = 0
        agent_rtp.settimeout(0.005)
        while time.monotonic() - started < 1.5:
            for stranger in (local, other):
                for _ in range(5):
                    stranger.sendto(rtp(number, 0, LOUD), callee_leg)
                    number += 1
            try:
                assert not is_loud(agent_rtp.recv(2048)), "a stranger was heard"
            except TimeoutError:
                continue
        for stranger in (local, other):
            stranger.setblocking(False)
            with pytest.raises(BlockingIOError):
                stranger.recv(2048)
        callee_rtp.settimeout(1.0)
        callee_rtp.recv(2048)
        tested.send(HangUp("c1"))
        tested.until(Ended)
