"""Headers as the SIP library can read them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.screening.headers import readable_request, readable_response

OWN = "127.0.0.1:5060"
NAMED = "From: <sip:us@h>;tag=a\r\nTo: <sip:them@h>;tag=b\r\nCall-ID: c\r\nCSeq: 1 INVITE"
RESPONSE = f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {OWN};rport;branch=z9hG4bKx\r\n{NAMED}"
REQUEST = f"BYE sip:us@{OWN} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKy\r\n{NAMED}"
NAMES = (
    *("Via", "From", "To", "Call-ID", "CSeq", "Contact", "Record-Route", "Allow", "Supported", "Require", "RSeq"),
    *("Session-Expires", "Min-SE", "Retry-After", "Reason", "WWW-Authenticate", "Proxy-Authenticate", "X"),
)


@pytest.mark.parametrize(
    "line",
    [
        "Allow: INVITE, ACK, BYE",
        "Supported: timer, 100rel",
        "Session-Expires: 1800;refresher=uac",
        "Min-SE: 90",
        'Contact: "A, B" <sip:a@192.0.2.7:5070;transport=udp;ob>;expires=60',
        "Record-Route: <sip:192.0.2.1;lr;ftag=x>, <sip:192.0.2.2;lr=on>",
        'WWW-Authenticate: Digest realm="a, b", nonce="n==", qop="auth,auth-int", algorithm=MD5, stale=false',
        'Reason: Q.850;cause=17;text="busy"',
        "RSeq: 17",
    ],
)
def test_what_can_be_read_stays(line):
    """Letter by letter, in answers and in requests."""
    for head, readable in (
        (RESPONSE, readable_response(f"{RESPONSE}\r\n{line}", OWN)),
        (REQUEST, readable_request(f"{REQUEST}\r\n{line}")),
    ):
        assert readable is not None
        assert set(readable.split("\r\n")) == {*head.split("\r\n"), line}


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("k: timer, ;;, 100rel", "Supported: timer, 100rel"),
        ("x: 90 ; foo ; refresher=UAS", "Session-Expires: 90;refresher=uas"),
        ("Retry-After: 99999999999", "Retry-After: 999999999"),
        (
            'Proxy-Authenticate: Digest realm="a", nonce="n", Digest realm="b"',
            'Proxy-Authenticate: Digest realm="a", nonce="n"',
        ),
        ("Record-Route: <sip:192.0.2.1;lr>, <sip:", "Record-Route: <sip:192.0.2.1;lr>"),
        ("m: <sip:a@192.0.2.7>, <sip:b@192.0.2.8>", "Contact: <sip:a@192.0.2.7>"),
    ],
)
def test_what_can_be_mended_is(line, becomes):
    """As much of it as can be read."""
    assert f"\r\n{becomes}" in str(readable_response(f"{RESPONSE}\r\n{line}", OWN))


@pytest.mark.parametrize("line", ["Subject: x", "Event: x", "nonsense", "WWW-Authenticate: Basic realm=x", "Min-SE: x"])
def test_what_nobody_reads_is_left_out(line):
    """Also where it is well-formed."""
    assert readable_response(f"{RESPONSE}\r\n{line}", OWN) == RESPONSE.replace(NAMED, "").strip() + f"\r\n{NAMED}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *(("CSeq: 1 INVITE", "CSeq: x"), ("Call-ID: c", "Call-ID: "), ("Via: SIP", "Vie: SIP")),
        *((";branch=z9hG4bKx", ";"), ("<sip:us@h>;tag=a", "<sip:us@h;tag=a>")),
    ],
)
def test_an_answer_to_nothing_is_none(old, new):
    """It cannot be told what it answers."""
    assert readable_response(RESPONSE.replace(old, new).replace("rport", "rport=?"), OWN) is None


PIECES = st.sampled_from(
    [*'<>";,=@:?[]() a1\\\t\x00\xff', "sip:", "a=b;", '"a"', '\\"', "Digest ", ";tag=", "SIP/2.0/UDP ", "1"]
)


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.lists(PIECES, max_size=40).map("".join)), max_size=8))
def test_what_was_made_readable_stays_so(lines):
    """A second look changes nothing, whatever came."""
    text = "".join(f"\r\n{name}: {value}" for name, value in lines)
    for made, again in (
        (readable_response(RESPONSE + text, OWN), lambda head: readable_response(head, OWN)),
        (readable_request(REQUEST + text), readable_request),
    ):
        assert made is None or again(made) == made


@pytest.mark.parametrize("piece", ["a ", ";a", ";a=b", '"', "<sip:a;", ",a", "\\", "a", "<sip:a>,", "a=b,", ";branch"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_takes_long(name, piece):
    """No expression goes back and forth over thousands of characters."""
    text = f"{name}: SIP/2.0/UDP h" + piece * (8000 // len(piece))
    began = time.process_time()
    readable_response(f"{RESPONSE}\r\n{text}", OWN)
    readable_request(f"{REQUEST}\r\n{text}")
    assert time.process_time() - began < 0.5
