"""Requests inside a talk: those that mean nothing to us are answered politely, keys are heard and passed on."""

from __future__ import annotations

import struct

import pytest

from sip.causes import Cause
from sip.messages import Answered, Bridged, DialAgent, Digit, Ended, HangUp, Progress
from tests.sip.conftest import BrokenPeer, udp_socket
from tests.sip.tones import rtp
from tests.sip.worker.conftest import DIAL

pytestmark = pytest.mark.through_edge

SDP = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n"
G729 = SDP.replace("RTP/AVP 0", "RTP/AVP 18") + "a=rtpmap:18 G729/8000\n"


def answered(worker, peer, body: str = SDP):
    """A worker with one answered call, and its INVITE."""
    tested = worker(peer.port)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    peer.answers(invite, "200 OK", body)
    tested.until(Answered)
    peer.hears("ACK")
    return tested, invite


def hang_up(tested, peer) -> None:
    tested.send(HangUp("c1"))
    peer.answers(peer.hears("BYE"), "200 OK")
    assert tested.until(Ended).cause is Cause.NORMAL


@pytest.mark.parametrize(
    ("method", "code"),
    [("OPTIONS", 200), ("NOTIFY", 200), ("UPDATE", 200), ("INFO", 200), ("MESSAGE", 405), ("REFER", 603)],
)
def test_requests_in_a_talk_are_answered(worker, peer, method, code):
    """A peer that asks for something during a talk gets an answer, and the talk goes on."""
    tested, invite = answered(worker, peer)
    peer.asks(method, invite)
    assert peer.hears_code() == code
    hang_up(tested, peer)


@pytest.mark.parametrize("method", ["OPTIONS", "NOTIFY", "INFO"])
def test_requests_in_a_talk_that_is_over_are_told_so(worker, peer, method):
    """A dialog that ended, or never was, is unknown: 481."""
    tested, invite = answered(worker, peer)
    hang_up(tested, peer)
    peer.asks(method, {**invite, "call-id": "another"})
    assert peer.hears_code() == 481


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/dtmf-relay", "Signal=7\r\nDuration=160\r\n"),
        ("application/dtmf-relay", "Signal= 7\n"),
        ("application/dtmf", "7"),
        ("application/dtmf", "Signal=7\r\nDuration=160"),
        ("application/vnd.nortelnetworks.digits", "p=Digit-Collection\r\ny=Digits\r\ns=success\r\nd=7\r\n"),
    ],
)
def test_keys_in_an_info_are_heard_once(worker, peer, kind, body):
    """All three forms of key presses beside the audio count, and one that is sent again counts once."""
    tested, invite = answered(worker, peer)
    for _ in range(2):
        peer.asks("INFO", invite, f"Content-Type: {kind}", body=body)
        assert peer.hears_code() == 200
    assert tested.until(Digit).digit == "7"
    peer.asks("INFO", invite, f"Content-Type: {kind}", body=body.replace("7", "#"), cseq=2)
    assert peer.hears_code() == 200
    assert tested.until(Digit).digit == "#"
    hang_up(tested, peer)


def test_other_infos_are_refused(worker, peer):
    """A body that is not about keys is said to be unsupported."""
    tested, invite = answered(worker, peer)
    peer.asks("INFO", invite, "Content-Type: application/media_control+xml", body="<x/>")
    assert peer.hears_code() == 415
    hang_up(tested, peer)


def test_keys_of_the_agent_reach_the_callee(worker, far):
    """An agent can navigate an announcement: the key goes on to the callee's side (RFC 4733)."""
    with udp_socket() as callee_rtp, udp_socket() as agent_rtp:
        callee = far("answer", rtp_port=str(callee_rtp.getsockname()[1]))
        agent = far("answer", rtp_port=str(agent_rtp.getsockname()[1]))
        tested = worker(callee.port)
        tested.send(DIAL)
        tested.until(Answered)
        tested.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.1:{agent.port}", "138****5678"))
        tested.until(Bridged)
        agent_leg = agent_rtp.recvfrom(2048)[1]
        for number in range(6):
            event = struct.pack(">BBH", 5, (0x80 if number >= 3 else 0) | 10, 160 * (number + 1))
            agent_rtp.sendto(rtp(number, 120, event, timestamp=1000), agent_leg)
        callee_rtp.settimeout(5.0)
        while (packet := callee_rtp.recv(2048))[1] & 0x7F != 120:
            pass
        assert packet[12] == 5
        assert "Digit" not in tested.names()
        tested.send(HangUp("c1"))
        tested.until(Ended)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"),
        ("application/dtmf", "5"),
        ("application/vnd.nortelnetworks.digits", "d=5\r\n"),
    ],
)
def test_keys_of_an_agents_phone_in_an_info_reach_the_callee(worker, far, kind, body):
    """A phone that sends its keys beside the audio can navigate an announcement, too."""
    with udp_socket() as callee_rtp, BrokenPeer() as phone:
        callee = far("answer", rtp_port=str(callee_rtp.getsockname()[1]))
        tested = worker(callee.port, media_timeout_s=0.0)
        tested.send(DIAL)
        tested.until(Answered)
        tested.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.1:{phone.port}", "138****5678"))
        invite = phone.hears("INVITE")
        phone.answers(invite, "200 OK", SDP)
        tested.until(Bridged)
        phone.asks("INFO", invite, f"Content-Type: {kind}", body=body)
        assert phone.hears_code() == 200
        callee_rtp.settimeout(5.0)
        while (packet := callee_rtp.recv(2048))[1] & 0x7F != 120:
            pass
        assert packet[12] == 5
        tested.send(HangUp("c1"))
        tested.until(Ended)


@pytest.mark.parametrize("early", [100, 180, 183, 199])
@pytest.mark.parametrize("final", [SDP, G729])
def test_early_sdp_without_a_usable_codec_does_not_end_the_worker(worker, peer, early, final):
    """A 18x that offers nothing we can play is progress; what the 200 offers then decides."""
    tested = worker(peer.port)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    peer.answers(invite, f"{early} Session Progress", G729)
    if early > 100:
        assert tested.until(Progress).sip_code == early
    peer.answers(invite, "200 OK", final)
    tested.until(Answered)
    peer.hears("ACK")
    if final == SDP:
        hang_up(tested, peer)
    else:
        peer.answers(peer.hears("BYE"), "200 OK")
        assert tested.until(Ended).cause is Cause.MEDIA_ERROR


def test_an_agents_phone_with_such_early_sdp_is_bridged(worker, far):
    """The same from an agent's phone."""
    callee = far("answer")
    with BrokenPeer() as phone:
        tested = worker(callee.port)
        tested.send(DIAL)
        tested.until(Answered)
        tested.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.1:{phone.port}", "138****5678"))
        invite = phone.hears("INVITE")
        phone.answers(invite, "183 Session Progress", G729)
        phone.answers(invite, "200 OK", SDP)
        tested.until(Bridged)
        tested.send(HangUp("c1"))
        tested.until(Ended)


def test_two_codecs_in_the_answer_bring_no_second_invite(worker, peer):
    """The first codec of an answer is the one; nobody is asked again."""
    both = SDP.replace("RTP/AVP 0", "RTP/AVP 0 8 101") + "a=rtpmap:101 telephone-event/8000\n"
    tested, _ = answered(worker, peer, both)
    peer.socket.settimeout(0.7)
    with pytest.raises(TimeoutError):
        peer.hears("INVITE")
    peer.socket.settimeout(5.0)
    hang_up(tested, peer)
