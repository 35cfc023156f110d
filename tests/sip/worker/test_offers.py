"""Offers inside a talk, and what an ACK carries: they are made anew before the library sees them, or refused."""

from __future__ import annotations

import pytest

from sip.causes import Cause
from sip.messages import Answered, DialAgent, Ended, HangUp, Ping, Pong
from tests.sip.conftest import BrokenPeer
from tests.sip.worker.conftest import DIAL

pytestmark = pytest.mark.through_edge

HEAD = "v=0\r\no=- 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
PLAIN = HEAD + "m=audio 9 RTP/AVP 0\r\n"
IS_SDP = "Content-Type: application/sdp"


def talk(worker, peer):
    """A worker with one answered call, and its INVITE."""
    tested = worker(peer.port, media_timeout_s=0.0)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    peer.answers(invite, "200 OK", PLAIN.format(version=1).replace("\r\n", "\n"))
    tested.until(Answered)
    peer.hears("ACK")
    return tested, invite


def goes_on(tested, peer) -> None:
    """The worker lives, and the call is still ours to end."""
    tested.send(Ping(1))
    tested.until(Pong)
    assert "Ended" not in tested.names()
    tested.send(HangUp("c1"))
    peer.answers(peer.hears("BYE"), "200 OK")
    assert tested.until(Ended).cause is Cause.NORMAL


def answer_of(peer) -> str:
    """The next response, whole."""
    while True:
        text = peer.socket.recv(65536).decode("latin-1")
        if text.startswith("SIP/2.0 ") and not text.startswith("SIP/2.0 100"):
            return text


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize(
    ("way", "ours"), [("sendonly", "recvonly"), ("inactive", "inactive"), ("sendrecv", "sendrecv")]
)
def test_hold_and_its_end_are_answered(worker, peer, method, way, ours):
    """The direction of an offer comes through, and its answer goes back to whoever asked, by the Via that was sent."""
    tested, invite = talk(worker, peer)
    peer.asks(method, invite, IS_SDP, body=PLAIN.format(version=2) + f"a={way}\r\n", cseq=7)
    answer = answer_of(peer)
    assert answer.startswith("SIP/2.0 200")
    assert answer.count("\r\nVia:") == 1
    assert f"Via: SIP/2.0/UDP 127.0.0.1:{peer.port};branch=z9hG4bK{method}7" in answer
    assert ("a=" + ours) in answer
    if method == "INVITE":
        peer.asks("ACK", invite, cseq=7)
    goes_on(tested, peer)


def test_an_offer_of_ours_in_the_200_takes_its_answer_from_the_ack(worker, peer):
    """A re-INVITE without SDP (delayed offer): the 200 has our offer, the ACK the answer."""
    tested, invite = talk(worker, peer)
    peer.asks("INVITE", invite, cseq=7)
    assert "m=audio" in answer_of(peer)
    peer.asks("ACK", invite, IS_SDP, body=PLAIN.format(version=2), cseq=7)
    goes_on(tested, peer)


def test_an_invite_that_is_sent_again_is_one_invite(worker, peer):
    """The repetition takes the same way, and the library answers it as before."""
    tested, invite = talk(worker, peer)
    for _ in range(3):
        peer.asks("INVITE", invite, IS_SDP, body=PLAIN.format(version=2), cseq=7)
        assert answer_of(peer).startswith("SIP/2.0 200")
    peer.asks("ACK", invite, cseq=7)
    goes_on(tested, peer)


ODD = {
    "no codec of ours": HEAD + "m=audio 9 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n",
    "a rate of zero": HEAD + "m=audio 9 RTP/AVP 96\r\na=rtpmap:96 PCMU/0\r\n",
    "no stream": HEAD,
    "a fax": HEAD + "m=image 9 udptl t38\r\n",
    "a fax beside it": PLAIN + "m=image 9 udptl t38\r\n",
    "a stream given up": HEAD + "m=audio 0 RTP/AVP 0\r\n",
    "many streams": HEAD + "m=audio 9 RTP/AVP 0\r\n" * 40,
    "video beside it": PLAIN + "m=video 9 RTP/AVP 31\r\n",
    "encryption": HEAD + "m=audio 9 RTP/SAVP 0\r\n",
    "an impossible port": HEAD + "m=audio 65536 RTP/AVP 0\r\n",
    "no formats": HEAD + "m=audio 9 RTP/AVP\r\n",
    "IPv6": PLAIN.replace("IP4", "IP6").replace("127.0.0.1", "::1"),
    "no address": PLAIN.replace("c=IN IP4 127.0.0.1\r\n", ""),
    "nonsense": "\x00\xff=\r\nm=\r\n",
    "a long line": HEAD + "a=" + "x" * 20_000 + "\r\nm=audio 9 RTP/AVP 0\r\n",
}


@pytest.mark.direct_only  # the edge can do more, such as IPv6
@pytest.mark.parametrize("body", ODD.values(), ids=list(ODD))
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_an_offer_that_cannot_be_used_is_refused(worker, peer, method, body):
    """488, and the talk goes on as it was."""
    tested, invite = talk(worker, peer)
    peer.asks(method, invite, IS_SDP, body=body.format(version=2), cseq=7)
    assert answer_of(peer).startswith("SIP/2.0 488")
    if method == "INVITE":
        peer.asks("ACK", invite, cseq=7)
    peer.asks("INVITE", invite, IS_SDP, body=PLAIN.format(version=3), cseq=8)
    assert answer_of(peer).startswith("SIP/2.0 200")
    peer.asks("ACK", invite, cseq=8)
    goes_on(tested, peer)


@pytest.mark.parametrize("kind", ["text/plain", "application/isup", "application/sdp\r\nContent-Type: text/plain"])
def test_another_body_is_refused(worker, peer, kind):
    """Only a session description means something in an offer."""
    tested, invite = talk(worker, peer)
    peer.asks("INVITE", invite, f"Content-Type: {kind}", body=PLAIN.format(version=2), cseq=7)
    assert answer_of(peer).startswith("SIP/2.0 488")
    peer.asks("ACK", invite, cseq=7)
    goes_on(tested, peer)


def test_a_description_among_other_parts_is_found(worker, peer):
    """multipart/mixed, as carriers send with ISUP, in the answer and in an offer."""
    isup = "--b\r\nContent-Type: application/isup\r\n\r\n\x01\x02\r\n"
    parts = isup + "--b\r\nContent-Type: application/sdp\r\n\r\n{}--b--\r\n"
    tested = worker(peer.port, media_timeout_s=0.0)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    body = parts.format(PLAIN.format(version=1)).replace("\r\n", "\n")
    routes = f"Record-Route: {invite['record-route']}\n" if "record-route" in invite else ""
    peer.says(
        "SIP/2.0 200 OK\nVia: {via}\nFrom: {from}\nTo: {to};tag=peer\nCall-ID: {call-id}\nCSeq: {cseq}\n"
        f"{routes}"
        "Contact: <sip:peer@127.0.0.1:{port}>\nContent-Type: multipart/mixed;boundary=b\n\n{body}",
        **{**invite, "port": str(peer.port), "body": body},
    )
    tested.until(Answered)
    peer.hears("ACK")
    peer.asks("INVITE", invite, "Content-Type: multipart/mixed;boundary=b", body=parts.format(PLAIN.format(version=2)))
    assert answer_of(peer).startswith("SIP/2.0 200")
    peer.asks("ACK", invite)
    goes_on(tested, peer)


ACKS = {
    "no INVITE": ((), 3),
    "an earlier one": ((7,), 3),
    "a later one": ((7,), 9),
    "a huge number": ((7,), 4_294_967_295),
}


@pytest.mark.parametrize(("invites", "number"), ACKS.values(), ids=list(ACKS))
@pytest.mark.parametrize("body", ["", PLAIN, ODD["no codec of ours"], ODD["nonsense"]])
def test_an_ack_that_fits_no_invite_is_dropped(worker, peer, invites, number, body):
    """It is for nothing that was asked, and the library takes it amiss."""
    tested, invite = talk(worker, peer)
    for cseq in invites:
        peer.asks("INVITE", invite, cseq=cseq)
        answer_of(peer)
    peer.asks("ACK", invite, *([IS_SDP] if body else []), body=body.format(version=2), cseq=number)
    for cseq in invites:
        peer.asks("ACK", invite, IS_SDP, body=PLAIN.format(version=2), cseq=cseq)
    goes_on(tested, peer)


@pytest.mark.parametrize("body", ["", *ODD.values()], ids=["none", *ODD])
def test_an_answer_in_the_ack_that_cannot_be_used_is_left_out(worker, peer, body):
    """After a delayed offer: the worker lives, whatever becomes of this call."""
    tested, invite = talk(worker, peer)
    peer.asks("INVITE", invite, cseq=7)
    answer_of(peer)
    peer.asks("ACK", invite, IS_SDP, body=body.format(version=2), cseq=7)
    tested.send(Ping(1))
    tested.until(Pong)
    tested.send(HangUp("c1"))
    peer.answers(peer.hears("BYE"), "200 OK")
    tested.until(Ended)


@pytest.mark.direct_only  # the edge limits them itself
@pytest.mark.parametrize(
    "to", ["<sip:a;tag={tag}@127.0.0.1>", '"x;tag={tag}" <sip:a@127.0.0.1>', "<sip:a@b>;tag=other"]
)
def test_many_invites_that_only_seem_to_be_inside_a_talk_harm_nobody(worker, peer, to):
    """A tag where none counts makes an INVITE of its own, and thirty of those with SDP would end the worker."""
    tested, invite = talk(worker, peer)
    tag = invite["from"].rpartition("tag=")[2]
    for number in range(200):
        peer.asks(
            "INVITE", {**invite, "from": to.format(tag=tag)}, IS_SDP, body=PLAIN.format(version=2), cseq=number + 2
        )
        assert answer_of(peer).startswith("SIP/2.0 48")
    goes_on(tested, peer)


def test_prack_is_refused(worker, peer):
    """We send no provisional answers that could be acknowledged."""
    tested, invite = talk(worker, peer)
    peer.asks("PRACK", invite, IS_SDP, body=PLAIN.format(version=2), cseq=7)
    assert answer_of(peer).startswith("SIP/2.0 481")
    goes_on(tested, peer)


def test_an_invite_before_the_answer_has_to_wait(worker, peer):
    """A call that still rings cannot be changed: 491."""
    tested = worker(peer.port)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    peer.answers(invite, "180 Ringing")
    peer.asks("INVITE", invite, IS_SDP, body=PLAIN.format(version=2), cseq=7)
    assert answer_of(peer).startswith("SIP/2.0 491")
    peer.answers(invite, "200 OK", PLAIN.format(version=1).replace("\r\n", "\n"))
    tested.until(Answered)
    peer.hears("ACK")
    goes_on(tested, peer)


def test_offers_of_an_agents_phone_are_screened_alike(worker, far):
    """Hold from the phone is answered, what cannot be used is refused, and the callee stays."""
    callee = far("answer")
    with BrokenPeer() as phone:
        tested = worker(callee.port, media_timeout_s=0.0)
        tested.send(DIAL)
        tested.until(Answered)
        tested.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.1:{phone.port}", "138****5678"))
        invite = phone.hears("INVITE")
        phone.answers(invite, "200 OK", PLAIN.format(version=1).replace("\r\n", "\n"))
        phone.hears("ACK")
        for cseq, (body, code) in enumerate([(ODD["no codec of ours"], 488), (PLAIN + "a=sendonly\r\n", 200)], 7):
            phone.asks("INVITE", invite, IS_SDP, body=body.format(version=cseq), cseq=cseq)
            assert answer_of(phone).startswith(f"SIP/2.0 {code}")
            phone.asks("ACK", invite, cseq=cseq)
        goes_on(tested, phone)
