"""Far ends that are absent, deaf or insane: no call may be lost, hang or take the worker with it."""

from __future__ import annotations

import pytest

from sip.causes import Cause, Leg
from sip.messages import (
    AgentEnded,
    Answered,
    CancelAgent,
    Dial,
    DialAgent,
    Dialled,
    Ended,
    HangUp,
    Ping,
    Pong,
    Progress,
)
from tests.sip.worker.conftest import DIAL

pytestmark = pytest.mark.through_edge

SDP = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n"


def holds_all_its_slots(tested):
    """The worker still takes as many calls as it has slots."""
    for number in range(tested.ready.slots):
        tested.send(Dial(f"after{number}", "carrier", "+4930123456", "+4930999", 60.0))
        tested.until(Dialled)


@pytest.mark.direct_only  # the edge gives up a silent carrier itself
def test_silent_and_deaf_far_ends_are_given_up(worker, peer):
    """Nothing said in time: unreachable, with a CANCEL in case it heard us. A CANCEL ignored for 5 s: ended anyway."""
    tested = worker(peer.port, first_answer_s=1.0)
    tested.send(Dial("deaf", "carrier", "+4930123456", "+4930999", 60.0))
    peer.answers(peer.hears("INVITE"), "180 Ringing")
    tested.until(Progress)
    tested.send(HangUp("deaf"))
    peer.hears("CANCEL")
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    ended = {event.call: event for event in (tested.until(Ended), tested.until(Ended))}
    assert (ended["deaf"].cause, ended["deaf"].sip_code) == (Cause.CANCELLED, 487)
    assert (ended["c1"].cause, ended["c1"].ended_by) == (Cause.TRUNK_UNREACHABLE, Leg.NETWORK)
    cancel = peer.hears("CANCEL")
    while cancel["call-id"] != invite["call-id"]:
        cancel = peer.hears("CANCEL")
    assert cancel["via"] == invite["via"]
    assert cancel["cseq"] == invite["cseq"].replace("INVITE", "CANCEL")
    holds_all_its_slots(tested)


def test_cancel_waits_for_a_provisional_response(worker, peer):
    """Before the far end has said anything no CANCEL leaves; then it does at once."""
    tested = worker(peer.port)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    tested.send(HangUp("c1"))
    tested.send(Ping(1))
    tested.until(Pong)
    peer.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        peer.hears("CANCEL")
    peer.socket.settimeout(5.0)
    peer.answers(invite, "180 Ringing")
    peer.answers(peer.hears("CANCEL"), "200 OK")
    peer.answers(invite, "487 Request Terminated")
    assert tested.until(Ended).cause is Cause.CANCELLED


def test_an_answer_long_after_the_cancel_is_hung_up_on(worker, peer):
    """A 200 that comes when the call has been given up gets an ACK and a BYE: nobody is left with a dead line."""
    tested = worker(peer.port, first_answer_s=1.0)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    assert tested.until(Ended).cause is Cause.TRUNK_UNREACHABLE
    holds_all_its_slots(tested)
    for _ in range(2):  # our ACK may be lost, and its 200 come again
        peer.answers(invite, "200 OK", SDP)
        while not (ack := peer.hears("ACK"))["to"].endswith("tag=peer"):
            pass  # the library's, for the answer that we gave in the far end's place
        assert (ack["call-id"], ack["cseq"]) == (invite["call-id"], invite["cseq"].replace("INVITE", "ACK"))
        bye = peer.hears("BYE")
        assert bye[""] == f"BYE sip:peer@127.0.0.1:{peer.port} SIP/2.0"
        assert int(bye["cseq"].split()[0]) == int(ack["cseq"].split()[0]) + 1
        peer.answers(bye, "200 OK")


def hung_up_on(far_end, invite, tag):
    """An answer that comes too late: the far end hears our ACK, which counts, and our BYE."""
    far_end.answers(invite, "200 OK", SDP, tag=tag)
    while not (ack := far_end.hears("ACK"))["to"].endswith(f"tag={tag}"):
        pass  # the library's, for the answer that we gave in the far end's place
    assert (ack["call-id"], ack["cseq"]) == (invite["call-id"], invite["cseq"].replace("INVITE", "ACK"))
    bye = far_end.hears("BYE")
    assert bye["to"] == ack["to"]
    far_end.answers(bye, "200 OK", tag=tag)


def test_an_answer_after_a_cancel_that_was_ignored_is_hung_up_on(worker, peer):
    """The callee rang, heard the CANCEL, and answers when we have given up: once, again, and from another branch. The
    books keep saying that nobody answered."""
    tested = worker(peer.port)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    peer.answers(invite, "180 Ringing")
    tested.until(Progress)
    tested.send(HangUp("c1"))
    peer.answers(peer.hears("CANCEL"), "200 OK")
    ended = tested.until(Ended)
    assert (ended.cause, ended.sip_code) == (Cause.CANCELLED, 487)
    for tag in ("peer", "peer", "fork"):
        hung_up_on(peer, invite, tag)
    tested.send(Ping(1))
    tested.until(Pong)
    assert tested.names() == ["Dialled", "Progress", "Ended", "Pong"]


def test_an_agents_phone_that_answers_after_its_cancel_is_hung_up_on(worker, far, peer):
    """The same for the agent's leg; the callee is still there."""
    callee = far("answer")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.1:{peer.port}", "138****5678"))
    invite = peer.hears("INVITE")
    peer.answers(invite, "180 Ringing")
    tested.send(CancelAgent("c1", "a1"))
    peer.answers(peer.hears("CANCEL"), "200 OK")
    assert tested.until(AgentEnded).cause is Cause.CANCELLED
    for tag in ("peer", "peer", "fork"):
        hung_up_on(peer, invite, tag)
    tested.send(HangUp("c1"))
    assert tested.until(Ended).cause is Cause.NORMAL
    callee.succeeds()


def test_lost_cancel_is_repeated(worker, peer):
    """A CANCEL that nobody answers is sent again; a 487 after the second one ends the call."""
    tested = worker(peer.port)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    peer.answers(invite, "180 Ringing")
    tested.until(Progress)
    tested.send(HangUp("c1"))
    peer.hears("CANCEL")
    peer.hears("CANCEL")
    peer.answers(invite, "487 Request Terminated")
    assert tested.until(Ended).cause is Cause.CANCELLED


GARBAGE = [
    "",
    "\x00\x01\x02\xff",
    "SIP/2.0\n\n",
    "SIP/2.0 abc Nonsense\nVia: {via}\n\n",
    "SIP/2.0 799 Beyond\nVia: {via}\nFrom: {from}\nTo: {to};tag=x\nCall-ID: {call-id}\nCSeq: {cseq}\n\n",
    "SIP/2.0 99999 Huge\nVia: {via}\nFrom: {from}\nTo: {to}\nCall-ID: {call-id}\nCSeq: {cseq}\n\n",
    "SIP/2.0 486 Busy\nVia: {via}\n\n",  # no From, To, Call-ID, CSeq
    "SIP/2.0 486 Busy\nFrom: {from}\nTo: {to}\nCall-ID: {call-id}\nCSeq: {cseq}\n\n",  # no Via
    "SIP/2.0 486 Busy\nVia: {via}\nFrom: {from}\nTo: {to}\nCall-ID: {call-id}\nCSeq: x y z\n\n",
    "SIP/2.0 200 OK\nVia: {via}\nFrom: <<<>>>\nTo: ;;;\nCall-ID: {call-id}\nCSeq: {cseq}\nContact: <sip:@@@>\n\n",
    "INVITE sip:dialer@127.0.0.1 SIP/2.0\nVia: {via}\n\n",
    "BYE sip:x SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK\nFrom: {from}\nTo: {to}\nCall-ID: x\nCSeq: 1 BYE\n\n",
    "A" * 6000,
]


def test_garbage_is_survived(worker, peer):
    """Malformed datagrams neither end the worker nor the call that they arrive at."""
    tested = worker(peer.port)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    for text in GARBAGE:
        peer.says(text, **invite)
        tested.send(Ping(1))
        tested.until(Pong)
    peer.answers(invite, "486 Busy Here")
    assert tested.until(Ended).cause is Cause.BUSY
    holds_all_its_slots(tested)


@pytest.mark.direct_only  # Kamailio takes a line without a phrase for no answer
@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("699 Beyond", Cause.UNREACHABLE),
        ("499 Unheard Of", Cause.UNREACHABLE),
        ("599", Cause.CONGESTION),
        ("399 Elsewhere", Cause.REDIRECTED),
        ("486 " + "x" * 2000, Cause.BUSY),
    ],
)
def test_unknown_codes_end_the_call(worker, peer, line, cause):
    """A final code that no table knows falls back on its class."""
    tested = worker(peer.port)
    tested.send(DIAL)
    peer.answers(peer.hears("INVITE"), line)
    ended = tested.until(Ended)
    assert ended.cause is cause
    assert ended.sip_code == int(line[:3])
    assert len(ended.reason) <= 256


@pytest.mark.parametrize(
    ("line", "body"),
    [("200 OK", ""), ("299 Odd", ""), ("200 OK", "nonsense\n"), ("200 OK", SDP.replace("RTP/AVP 0", "RTP/AVP 34"))],
)
def test_answer_without_usable_media_is_an_answer_that_failed(worker, peer, line, body):
    """The callee did pick up: it is counted as answered, and the call ends."""
    tested = worker(peer.port)
    tested.send(DIAL)
    peer.answers(peer.hears("INVITE"), line, body)
    tested.until(Answered)
    peer.answers(peer.hears("BYE"), "200 OK")
    assert tested.until(Ended).cause is Cause.MEDIA_ERROR


def test_trunk_that_refuses_everything_at_once_does_not_wear_out_the_worker(worker, far):
    """Calls that fail within a millisecond are spread out, because closed sockets stay in the library for a while."""
    refusing = far("reject", calls=60, status="503 Service Unavailable", extra="X-Nothing: 1")
    tested = worker(refusing.port)
    for number in range(60):
        tested.send(Dial(f"c{number}", "carrier", "+4930123456", "+4930999", 60.0))
        if number >= tested.ready.slots - 1:
            assert tested.until(Ended).cause is Cause.CONGESTION
    refusing.succeeds()


def test_absent_phone_is_reported_soon(worker, far, peer):
    """An agent's phone that says nothing is given up after 2 s, and the callee is still there."""
    callee = far("answer")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.1:{peer.port}", "138****5678"))
    ended = tested.until(AgentEnded, within_s=3.0)
    assert (ended.leg, ended.cause) == ("a1", Cause.UNREACHABLE)
    tested.send(HangUp("c1"))
    assert tested.until(Ended).cause is Cause.NORMAL
    callee.succeeds()


def test_many_busy_agents_in_a_row_do_not_wear_out_the_worker(worker, far):
    """Trying one busy agent after the other is limited by the same sockets."""
    callee, busy = far("answer"), far("reject", calls=40, status="486 Busy Here", extra="X-Nothing: 1")
    tested = worker(callee.port)
    tested.send(DIAL)
    tested.until(Answered)
    for number in range(40):
        tested.send(DialAgent("c1", f"a{number}", f"sip:agent@127.0.0.1:{busy.port}", "138****5678"))
        assert tested.until(AgentEnded).cause is Cause.BUSY
    tested.send(HangUp("c1"))
    assert tested.until(Ended).cause is Cause.NORMAL


def test_forked_answer_is_one_answer(worker, peer):
    """Two 180s and a 200 from different branches of a forking proxy are still one call."""
    tested = worker(peer.port)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    peer.answers(invite, "180 Ringing", tag="one")
    peer.answers(invite, "180 Ringing", tag="two")
    peer.answers(invite, "200 OK", SDP, tag="two")
    tested.until(Answered)
    tested.send(HangUp("c1"))
    peer.answers(peer.hears("BYE"), "200 OK", tag="two")
    assert tested.until(Ended).cause is Cause.NORMAL
    assert tested.names() == ["Dialled", "Progress", "Answered", "Ended"]
