"""Headers that nobody can read: the message that carries them counts all the same. The library would drop it whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sip.causes import Cause, Leg
from sip.messages import Answered, Ended, HangUp
from tests.sip.worker.conftest import DIAL

SDP = "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n"
ANSWER = (
    "SIP/2.0 {line}\nVia: {via}\nFrom: {from_}\nTo: {to};tag=peer\nCall-ID: {call_id}\nCSeq: {cseq}\n{odd}\n"
    "Contact: <sip:peer@{address}:{port}>\n{sdp}Content-Length: {length}\n\n{body}"
)

NAMES = (
    *("Retry-After", "Reason", "Contact", "Warning", "Allow", "Expires", "Session-Expires", "x", "Date", "Min-SE"),
    *("Min-Expires", "Server", "Supported", "k", "Require", "Unsupported", "Accept", "Record-Route", "Route", "RSeq"),
    *("WWW-Authenticate", "Proxy-Authenticate", "Authorization", "Max-Forwards", "Via", "Event", "Refer-To"),
    *("Subscription-State", "Replaces", "Timestamp", "Content-Type", "Content-Length", "Content-Encoding"),
)
VALUES = ("", "x", "Tue, 01 Dec 2026 08:00:00 GMT", "-1", '"unclosed', ";;,", "<sip:a", "12 apples (", "\x01", "\xff")
LINES = (
    *("no colon at all", ": no name", "Bad Name: 1", "Na\xefve: 1", "X(y): 1", "=", "Subject:", "X: " + "y" * 5000),
    *("Reason: " + "z" * 5000, "WWW-Authenticate: Basic realm=x", "Contact: <sip:a@127.0.0.1>;;,"),
)


def says(peer, request, line, odd, body="", **changed):
    """An answer with one odd line; `changed` are headers in another form."""
    values = {"via": request["via"], "from_": request["from"], "to": request["to"], "cseq": request["cseq"]}
    peer.says(
        ANSWER,
        line=line,
        odd=odd,
        call_id=request["call-id"],
        address=peer.address,
        port=str(peer.port),
        sdp="Content-Type: application/sdp\n" if body else "",
        length=str(len(body.replace("\n", "\r\n"))),
        body=body,
        **{**values, **changed},
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_refusal_counts_whatever_stands_in_a_header(worker, peer, name):
    """A busy callee is busy, with any value of any header that the library looks into."""
    tested = worker(peer.port)
    for number, value in enumerate(VALUES):
        tested.send(replace(DIAL, call=f"c{number}"))
        says(peer, peer.hears("INVITE"), "486 Busy Here", f"{name}: {value}")
        ended = tested.until(Ended, 2.0)
        assert (ended.cause, ended.sip_code, ended.ended_by) == (Cause.BUSY, 486, Leg.CALLEE), value


def test_a_refusal_counts_with_lines_that_are_no_headers(worker, peer):
    """Nor do lines without a name, or thousands of characters, lose an answer."""
    tested = worker(peer.port)
    for number, line in enumerate(LINES):
        tested.send(replace(DIAL, call=f"c{number}"))
        says(peer, peer.hears("INVITE"), "486 Busy Here", line)
        assert tested.until(Ended, 2.0).cause is Cause.BUSY, line


@pytest.mark.parametrize(
    "changed",
    [
        {"to": '"unclosed <sip:+4930123456@127.0.0.1>'},
        {"to": "<sip:a b@127.0.0.1>"},
        {"from_": "M\xfcller <sip:x>;tag={tag}"},
        {"from_": "<sip:+4930999@127.0.0.1>; tag={tag}"},
        {"from_": "<sip:+4930999@127.0.0.1> ;TAG = {tag}"},
        {"via": "SIP/2.0/UDP 127.0.0.1:{port};received=;rport=x;branch={branch}"},
        {"via": "{via}, SIP/2.0/UDP"},
        {"line": "486"},
        {"line": "486  Besetzt \xfc"},
    ],
)
def test_a_refusal_counts_where_it_can_still_be_told_whose_it_is(worker, peer, changed):
    """Branch and tags say it; names, addresses and phrases around them may be broken."""
    tested = worker(peer.port)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    own = {
        "port": invite["via"].partition(";")[0].rpartition(":")[2],
        "branch": invite["via"].partition("branch=")[2].partition(";")[0],
        "tag": invite["from"].partition("tag=")[2],
        "via": invite["via"],
    }
    filled = {name: value.format(**own) for name, value in changed.items()}
    says(peer, invite, filled.pop("line", "486 Busy Here"), "X: y", **filled)
    assert tested.until(Ended, 2.0).cause is Cause.BUSY


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120), ("120 (busy)", 120), ("120 seconds", 120), ("120.5", 120), ("4294967295", 86_400), ("soon", 0)],
)
def test_what_can_be_read_of_retry_after_is_heeded(worker, peer, value, seconds):
    """The number that it begins with; a day at most."""
    tested = worker(peer.port)
    tested.send(DIAL)
    says(peer, peer.hears("INVITE"), "503 Service Unavailable", f"Retry-After: {value}")
    assert tested.until(Ended, 2.0).retry_after_s == seconds


@pytest.mark.parametrize(
    "odd", ["Session-Expires: soon", "Require: ;;,", "Supported: 100rel, ;;", "Expires: never", "X:"]
)
def test_an_answer_with_an_odd_header_is_an_answer(worker, peer, odd):
    """The callee who picked up is in a talk, and hangs up with a BYE that has an odd header, too."""
    tested = worker(peer.port)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    says(peer, invite, "180 Ringing", odd)
    says(peer, invite, "200 OK", odd, SDP)
    tested.until(Answered, 2.0)
    peer.hears("ACK")
    peer.asks("BYE", invite, odd, "Reason: Q.850;cause=16")
    assert peer.hears_code() == 200
    ended = tested.until(Ended)
    assert (ended.cause, ended.ended_by, ended.q850) == (Cause.NORMAL, Leg.CALLEE, 16)


@pytest.mark.parametrize("odd", ["Session-Expires: soon", "Min-SE: x", "Allow: ;;", "Via: SIP/2.0/UDP h;received=::1"])
def test_a_question_in_a_talk_with_an_odd_header_is_answered(worker, peer, odd):
    """A re-INVITE holds and a BYE of ours ends the talk as ever; its lower Vias come back."""
    tested = worker(peer.port)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    peer.answers(invite, "200 OK", SDP)
    tested.until(Answered)
    peer.hears("ACK")
    peer.asks("INVITE", invite, odd, "Content-Type: application/sdp", body=SDP.replace("\n", "\r\n"))
    while (code := peer.hears_code()) < 200:
        pass
    assert code == 200
    peer.asks("ACK", invite, odd)
    tested.send(HangUp("c1"))
    peer.answers(peer.hears("BYE"), "200 OK")
    assert tested.until(Ended).cause is Cause.NORMAL


def test_a_question_that_could_not_be_answered_is_a_bad_request(worker, peer):
    """The answer has to repeat every Via: one that nobody can read gets 400, and the talk goes on."""
    tested = worker(peer.port)
    tested.send(DIAL)
    invite = peer.hears("INVITE")
    peer.answers(invite, "200 OK", SDP)
    tested.until(Answered)
    peer.hears("ACK")
    peer.asks("UPDATE", invite, "Via: ;;,")
    assert peer.hears_code() == 400
    peer.asks("BYE", invite, cseq=2)
    assert peer.hears_code() == 200
    assert tested.until(Ended).ended_by is Leg.CALLEE
