"""Reliable provisional answers (RFC 3262) and session timers (RFC 4028), which carriers may demand."""

from __future__ import annotations

import pytest

from sip.causes import Cause
from sip.messages import Answered, Ended, HangUp, Progress
from tests.sip.worker.conftest import DIAL

pytestmark = pytest.mark.through_edge

SDP = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n"
ANSWER = (
    "SIP/2.0 {line}\nVia: {via}\n{routes}From: {from_}\nTo: {to};tag=peer\nCall-ID: {call_id}\nCSeq: {cseq}\n"
    "Contact: <sip:peer@{address}:{port}>\n{headers}Content-Length: {length}\n\n{body}"
)


def says(peer, request, line: str, *headers: str, body: str = "") -> None:
    """An answer with more headers than usual."""
    kinds = ["Content-Type: application/sdp"] if body else []
    peer.says(
        ANSWER,
        line=line,
        via=request["via"],
        routes=f"Record-Route: {request['record-route']}\n" if "record-route" in request else "",
        from_=request["from"],
        to=request["to"],
        call_id=request["call-id"],
        cseq=request["cseq"],
        address=peer.address,
        port=str(peer.port),
        headers="".join(f"{header}\n" for header in (*headers, *kinds)),
        length=str(len(body.replace("\n", "\r\n"))),
        body=body,
    )


def hang_up(tested, peer) -> None:
    tested.send(HangUp("c1"))
    peer.answers(peer.hears("BYE"), "200 OK")
    assert tested.until(Ended).cause is Cause.NORMAL


def test_a_provisional_answer_that_wants_to_be_acknowledged_is(worker, peer):
    """PRACK for a 183 with early media that demands it, with its numbers; the answer comes after."""
    tested = worker(peer.port)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    says(peer, invite, "183 Session Progress", "Require: 100rel", "RSeq: 4711", body=SDP)
    assert tested.until(Progress).early_media
    prack = peer.hears("PRACK")
    assert prack["rack"] == f"4711 {invite['cseq']}"
    says(peer, {**prack, "to": prack["to"].partition(";tag=")[0]}, "200 OK")
    says(peer, invite, "200 OK", body=SDP)
    tested.until(Answered)
    peer.hears("ACK")
    hang_up(tested, peer)


def test_a_session_that_the_carrier_refreshes_goes_on(worker, peer):
    """It says how long the session lasts, and that it will ask again itself; its UPDATE is answered with both."""
    tested = worker(peer.port)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    assert "timer" in invite["supported"]
    says(peer, invite, "200 OK", "Session-Expires: 90;refresher=uas", "Require: timer", body=SDP)
    tested.until(Answered)
    peer.hears("ACK")
    peer.asks("UPDATE", invite, "Session-Expires: 90;refresher=uac", "Supported: timer", "Min-SE: 90")
    while not (answer := peer.socket.recv(65536).decode()).startswith("SIP/2.0 2"):
        assert answer.startswith("SIP/2.0 1"), answer
    assert "Session-Expires: 90;refresher=uac" in answer
    hang_up(tested, peer)


def test_a_session_that_is_too_short_for_the_carrier_is_asked_for_again(worker, peer):
    """422 with Min-SE: the INVITE comes again with that much, and the call goes on."""
    tested = worker(peer.port)
    tested.send(DIAL)
    says(peer, peer.hears("INVITE"), "422 Session Interval Too Small", "Min-SE: 7200")
    peer.hears("ACK")
    again = peer.hears("INVITE")
    assert int(again["session-expires"].partition(";")[0]) >= 7200
    says(peer, again, "200 OK", "Session-Expires: 7200;refresher=uac", body=SDP)
    tested.until(Answered)
    peer.hears("ACK")
    hang_up(tested, peer)
