"""Calls of a real worker through a real edge to far ends that play the carrier."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import replace

import pytest

from sip.causes import Cause, Leg
from sip.messages import Answered, Bridged, Cancel, Dial, DialAgent, Ended, HangUp, Progress
from tests.sip.worker.conftest import DIAL

from .conftest import PUBLIC, asked, free_port, request

AUDIO = """\
v=0
o=peer 7 8 IN IP4 127.0.0.3
s=-
c=IN IP4 127.0.0.3
t=0 0
m=audio 9000 RTP/AVP 8 0 101
a=rtpmap:101 telephone-event/8000
a={way}
"""

NO_USABLE_CODEC = AUDIO.format(way="sendrecv").replace("8 0 101", "18")


def test_a_call_is_answered_bridged_and_hung_up_after_a_challenge(worker, far, edge):
    """The carrier demands digest; the edge answers, and the worker sees an ordinary call."""
    callee, agent = far("auth"), far("answer")
    running = edge(callee.port, username="dialer", password="secret")
    tested = worker(running.edge.carriers[0].inside_port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(DialAgent(call="c1", leg="a1", uri=f"sip:agent@127.0.0.1:{agent.port}", about="138****5678"))
    tested.until(Bridged)
    tested.send(HangUp("c1"))
    ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by, ended.sip_code) == (Cause.NORMAL, Leg.DIALER, 200)
    callee.succeeds()
    agent.succeeds()


def test_wrong_credentials_are_an_error_of_the_trunk(worker, far, edge):
    """They are given once; the carrier's second challenge ends the call."""
    running = edge(far("auth").port, username="dialer", password="wrong")
    tested = worker(running.edge.carriers[0].inside_port)
    tested.send(DIAL)
    assert tested.until(Ended).cause == Cause.AUTH_ERROR


def test_the_carrier_sees_the_edge_and_nothing_behind_it(worker, carrier, edge):
    """No address, port or program of a worker is in any request; numbers and domains are as the trunk wants them."""
    running = edge(
        carrier.host,
        username="dialer",
        password='p"a\\s$s:;#!',
        from_domain="from.example",
        asserts_identity=True,
        diversion="+49301",
    )
    tested = worker(running.edge.carriers[0].inside_port)
    tested.send(DIAL)
    first = carrier.hears("INVITE")
    carrier.answers(
        first, "407 Proxy Authentication Required", headers='Proxy-Authenticate: Digest realm="r", nonce="n"'
    )
    carrier.hears("ACK")
    invite = carrier.hears("INVITE")
    carrier.answers(invite, "200 OK", AUDIO.format(way="sendrecv"))
    ack = carrier.hears("ACK")
    tested.until(Answered)
    tested.send(HangUp("c1"))
    bye = carrier.hears("BYE")
    carrier.answers(bye, "200 OK")

    for text in (first, invite, ack, bye):
        assert "127.0.0.1" not in text
        assert "predictive" not in text
        assert "P-K" not in text
    assert invite.startswith("INVITE sip:+4930123456@carrier.example SIP/2.0\r\n")
    assert 'From: "+4930999" <sip:+4930999@from.example>' in invite
    assert "P-Asserted-Identity: <sip:+4930999@from.example>\r\n" in invite
    assert "Diversion: <sip:+49301@from.example>;reason=unconditional\r\n" in invite
    assert f"c=IN IP4 {PUBLIC}\r\n" in invite
    assert 'Proxy-Authorization: Digest username="dialer", realm="r"' in invite
    assert cseq(first) < cseq(invite) < cseq(bye)


def cseq(text: str) -> int:
    found = re.search(r"^CSeq: (\d+) ", text, re.MULTILINE)
    assert found
    return int(found[1])


def test_a_caller_can_be_hidden(worker, carrier, edge):
    """With privacy the From is anonymous, and the carrier alone is told who calls."""
    running = edge(carrier.host, hides_caller=True, asserts_identity=True)
    worker(running.edge.carriers[0].inside_port).send(DIAL)
    invite = carrier.hears("INVITE")
    carrier.answers(invite, "486 Busy Here")
    assert 'From: "Anonymous" <sip:anonymous@anonymous.invalid>' in invite
    assert "Privacy: id\r\n" in invite
    assert "P-Asserted-Identity: <sip:+4930999@carrier.example>\r\n" in invite


def test_a_silent_carrier_is_the_trunks_fault(worker, carrier, edge):
    """Nothing came back at all within the trunk's limit."""
    running = edge(carrier.host, first_answer_s=1.0)
    tested = worker(running.edge.carriers[0].inside_port)
    tested.send(DIAL)
    ended = tested.until(Ended)
    assert (ended.cause, ended.sip_code) == (Cause.TRUNK_UNREACHABLE, 503)
    assert ended.reason.startswith("Trunk Unreachable")


def test_a_refusal_of_the_callee_passes_as_it_is(worker, carrier, edge):
    """Code and Q.850 cause are the carrier's; a 408 that it says is the callee's."""
    running = edge(carrier.host)
    tested = worker(running.edge.carriers[0].inside_port)
    tested.send(DIAL)
    carrier.answers(carrier.hears("INVITE"), "486 Busy Here", headers="Reason: Q.850;cause=17")
    ended = tested.until(Ended)
    assert (ended.cause, ended.sip_code, ended.q850, ended.ended_by) == (Cause.BUSY, 486, 17, Leg.CALLEE)
    tested.send(Dial("c2", "carrier", "+4930123456", "+4930999", 60.0))
    carrier.answers(carrier.hears("INVITE"), "408 Request Timeout")
    assert tested.until(Ended).cause == Cause.UNREACHABLE


def test_a_dead_edge_is_not_a_callee(worker, carrier, edge):
    """Without Kamailio nothing answers the worker, and it says so itself."""
    running = edge(carrier.host)
    tested = worker(running.edge.carriers[0].inside_port)
    running.stop_kamailio()
    tested.send(DIAL)
    ended = tested.until(Ended)
    assert ended.cause == Cause.TRUNK_UNREACHABLE
    assert "Trunk Unreachable" not in ended.reason


def test_a_talk_outlives_a_restart_of_kamailio(worker, carrier, edge):
    """As `dialer edge apply --restart` says: who hangs up afterwards is heard by the other side."""
    running = edge(carrier.host)
    tested = worker(running.edge.carriers[0].inside_port)
    talks = {}
    for call in ("c1", "c2"):
        tested.send(replace(DIAL, call=call))
        talks[call] = carrier.hears("INVITE")
        carrier.answers(talks[call], "200 OK", AUDIO.format(way="sendrecv"))
        tested.until(Answered)
        ack = carrier.hears("ACK")
    running.stop_kamailio()
    running.start_kamailio()
    tested.send(HangUp("c1"))
    carrier.answers(carrier.hears("BYE"), "200 OK")
    assert tested.until(Ended).call == "c1"
    bye = again(carrier, talks["c2"], ack, "").replace("INVITE", "BYE").replace("Content-Type: application/sdp\r\n", "")
    carrier.sends(bye)
    ended = tested.until(Ended)
    assert (ended.call, ended.ended_by) == ("c2", Leg.CALLEE)


def test_without_the_relay_no_call_leaves(worker, carrier, edge):
    """Without rtpengine the trunk counts as unreachable, with the reason."""
    running = edge(carrier.host)
    tested = worker(running.edge.carriers[0].inside_port)
    running.stop_rtpengine()
    tested.send(DIAL)
    ended = tested.until(Ended)
    assert (ended.cause, ended.reason) == (Cause.TRUNK_UNREACHABLE, "Trunk Unreachable: no media relay")


def test_the_next_host_of_a_trunk_takes_over(worker, far, edge):
    """A host that says 503 is left for the next one, and the worker hears nothing of it."""
    full, callee = far("reject", status="503 Service Unavailable", extra="X-Nothing: 1"), far("answer")
    running = edge(full.port, callee.port)
    tested = worker(running.edge.carriers[0].inside_port)
    tested.send(DIAL)
    tested.until(Answered)
    tested.send(HangUp("c1"))
    assert tested.until(Ended).sip_code == 200
    full.succeeds()
    callee.succeeds()


def test_a_ringing_call_is_cancelled(worker, carrier, edge):
    """CANCEL passes, and the far end's 487 ends the call at once."""
    tested = worker(edge(carrier.host).edge.carriers[0].inside_port)
    tested.send(DIAL)
    invite = carrier.hears("INVITE")
    carrier.answers(invite, "180 Ringing")
    tested.until(Progress)
    tested.send(Cancel("c1"))
    carrier.answers(carrier.hears("CANCEL"), "200 OK")
    carrier.answers(invite, "487 Request Terminated")
    assert tested.until(Ended, within_s=3.0).cause == Cause.CANCELLED
    assert carrier.hears("ACK")


def test_early_media_without_a_usable_codec_loses_neither_call_nor_worker(worker, carrier, edge):
    """The SDP of a 183 that nobody can use is dropped on the way; the 200 after it is an ordinary answer."""
    tested = worker(edge(carrier.host).edge.carriers[0].inside_port)
    tested.send(DIAL)
    invite = carrier.hears("INVITE")
    carrier.answers(invite, "183 Session Progress", NO_USABLE_CODEC)
    assert not tested.until(Progress).early_media
    carrier.answers(invite, "200 OK", AUDIO.format(way="sendrecv"))
    carrier.hears("ACK")
    tested.until(Answered)
    tested.send(HangUp("c1"))
    carrier.answers(carrier.hears("BYE"), "200 OK")
    assert tested.until(Ended).cause == Cause.NORMAL


def test_the_carrier_can_hold_the_call(worker, carrier, edge):
    """A re-INVITE with sendonly reaches the worker with an SDP of the edge, and is answered with recvonly."""
    tested = worker(edge(carrier.host).edge.carriers[0].inside_port)
    tested.send(DIAL)
    invite = carrier.hears("INVITE")
    carrier.answers(invite, "200 OK", AUDIO.format(way="sendrecv"))
    ack = carrier.hears("ACK")
    tested.until(Answered)
    carrier.sends(again(carrier, invite, ack, AUDIO.format(way="sendonly").replace("peer 7 8", "peer 7 9")))
    while not (answer := carrier.receives()).startswith("SIP/2.0 2"):
        assert answer.startswith("SIP/2.0 1"), answer
    assert "a=recvonly" in answer
    assert f"c=IN IP4 {PUBLIC}" in answer
    assert "127.0.0.1" not in answer


def again(carrier, invite: str, ack: str, body: str) -> str:
    """A re-INVITE of the carrier within the call that it has answered."""
    said = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in invite.split("\r\n")}
    to = next(line.partition(":")[2].strip() for line in ack.split("\r\n") if line.lower().startswith("to:"))
    routes = [line.partition(":")[2] for line in invite.split("\r\n") if line.lower().startswith("record-route:")]
    body = body.replace("\n", "\r\n")
    lines = (
        f"INVITE {re.findall('<(.*)>', said['contact'])[0]} SIP/2.0",
        f"Via: SIP/2.0/UDP {carrier.host};branch=z9hG4bKagain",
        *(f"Route:{route}" for route in routes),
        "Max-Forwards: 70",
        f"From: {to}",
        f"To: {said['from']}",
        f"Call-ID: {said['call-id']}",
        "CSeq: 77 INVITE",
        f"Contact: <sip:peer@{carrier.host}>",
        "Content-Type: application/sdp",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", body))


def test_an_inbound_call_is_answered_480(carrier, edge):
    """From a carrier; nobody takes calls yet."""
    running = edge(carrier.host)
    invite = request("INVITE", running.edge.port, carrier.port, address=PUBLIC, own=carrier.address)
    carrier.socket.sendto(invite, (PUBLIC, running.edge.port))
    while not (answer := carrier.receives()).startswith("SIP/2.0 4"):
        assert answer.startswith("SIP/2.0 100"), answer
    assert answer.startswith("SIP/2.0 480 ")


@pytest.mark.parametrize("method", ["BYE", "MESSAGE", "SUBSCRIBE", "REGISTER"])
def test_other_requests_outside_a_call_are_refused(carrier, edge, method):
    """Even from the carrier."""
    running = edge(carrier.host)
    outside = request(method, running.edge.port, carrier.port, address=PUBLIC, own=carrier.address)
    carrier.socket.sendto(outside, (PUBLIC, running.edge.port))
    assert carrier.receives().startswith("SIP/2.0 405 ")


def test_a_flood_of_a_stranger_is_not_answered_and_hurts_no_call(worker, carrier, edge):
    """Two thousand INVITEs from an address that is no carrier get no answer. What is lost beside them is sent again,
    and the call goes on."""
    running = edge(carrier.host)
    tested = worker(running.edge.carriers[0].inside_port)
    tested.send(DIAL)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.9", 0))
        own_port = stranger.getsockname()[1]
        invite = request("INVITE", running.edge.port, own_port, address=PUBLIC, own="127.0.0.9")
        to = (PUBLIC, running.edge.port)
        for number in range(2000):
            stranger.sendto(invite.replace(b"branch=z9hG4bK", b"branch=z9hG4bK%d" % number), to)
        while (heard := carrier.receives()).startswith("INVITE "):
            carrier.answers(heard, "200 OK", AUDIO.format(way="sendrecv"))
        assert heard.startswith("ACK ")
        tested.until(Answered)
        tested.send(HangUp("c1"))
        carrier.answers(carrier.hears("BYE"), "200 OK")
        tested.until(Ended)
        stranger.setblocking(False)
        with pytest.raises(BlockingIOError):
            stranger.recv(2048)
    assert "edge: banned 127.0.0.9" in running.log.read_text()


def test_a_registration_is_kept_with_the_carrier(carrier, edge):
    """REGISTER goes to the carrier with the trunk's user, and with credentials after a challenge."""
    edge(carrier.host, username="dialer", password="se:c\\ret", register=True)
    first = carrier.hears("REGISTER")
    carrier.answers(first, "401 Unauthorized", headers='WWW-Authenticate: Digest realm="r", nonce="n"')
    second = carrier.hears("REGISTER")
    assert "To: <sip:dialer@carrier.example>" in second
    assert 'Digest username="dialer"' in second


def test_a_trunk_whose_carrier_does_not_answer_its_keep_alive_is_refused_at_once(worker, edge):
    """The OPTIONS found nobody: the worker need not wait for the first-answer limit."""
    running = edge(free_port(), keep_alive=True, keep_alive_s=1, first_answer_s=30.0)
    tested = worker(running.edge.carriers[0].inside_port)
    for number in range(200):
        tested.send(Dial(f"c{number}", "carrier", "+4930123456", "+4930999", 0.2))
        if tested.until(Ended).cause == Cause.TRUNK_UNREACHABLE:
            break
    else:
        raise AssertionError("the trunk never counted as unreachable")


def test_the_daemon_learns_whether_a_trunk_has_a_carrier(edge, carrier):
    """OPTIONS from inside get 200 while a host of the trunk answers the edge's keep-alive, and 503 once none does."""
    running = edge(carrier.host, keep_alive=True, keep_alive_s=1)
    port, deadline = running.edge.carriers[0].inside_port, time.monotonic() + 30
    carrier.answers(carrier.hears("OPTIONS"), "200 OK")
    while not asked(request("OPTIONS", port, 9), port).startswith(b"SIP/2.0 200"):
        carrier.answers(carrier.hears("OPTIONS"), "200 OK")
        assert time.monotonic() < deadline
    while not asked(request("OPTIONS", port, 9), port).startswith(b"SIP/2.0 503 Trunk Unreachable"):
        assert time.monotonic() < deadline, "nobody answers the keep-alive any more, and the edge does not say so"
