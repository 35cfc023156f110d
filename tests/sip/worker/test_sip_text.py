"""SIP as text: what answers say, and the messages written by hand."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.worker import sip_text

INVITE = (
    "INVITE sip:+4930@192.0.2.1:5060 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.9:5080;rport;branch=z9hG4bKx\r\n"
    "Max-Forwards: 70\r\n"
    'From: "+49" <sip:+49@192.0.2.9>;tag=f\r\n'
    "To: <sip:+4930@192.0.2.1>\r\n"
    "Call-ID: abc\r\n"
    "CSeq: 4711 INVITE\r\n"
    "Route: <sip:192.0.2.2;lr>\r\n"
    "Content-Length: 0\r\n\r\n"
)


def response(*headers: str, line: str = "SIP/2.0 486 Busy Here", body: str = "") -> str:
    return "\r\n".join([line, "Via: x", *headers, "", body])


@pytest.mark.parametrize(
    ("headers", "q850"),
    [
        (['Reason: Q.850;cause=17;text="User busy"'], 17),
        (["reason : q.850 ; cause = 34"], 34),
        (['Reason: SIP;cause=200;text="elsewhere", Q.850;cause=16'], 16),
        (["Reason: SIP;cause=600", "Reason: Q.850;text=x;cause=1"], 1),
        (["Reason: SIP;cause=600"], 0),
        (["Reason: Q.850;cause=abc"], 0),
        (['Reason: SIP;text="Q.850;cause=3"'], 0),
        (['Reason: Q.850;text="a, \\"b\\";cause=3";cause=17'], 17),
        (["Reason: Q.850\r\n ;cause=18"], 18),
        (['Reason: Q.850;text="never closed;cause=3'], 0),
        ([], 0),
    ],
)
def test_q850_cause_of_the_reason_header(headers, q850):
    """The Q.850 cause is found among other reasons, or is 0."""
    assert sip_text.read(response(*headers)).q850 == q850


def test_reason_keeps_the_phrase_and_the_header():
    """The status text and a redress URL in the Reason header are kept."""
    answer = sip_text.read(
        response('Reason: Q.850;cause=21;text="url=https://a.example"', line="SIP/2.0 603 Network Blocked")
    )
    assert answer.code == 603
    assert answer.reason == 'Network Blocked; Q.850;cause=21;text="url=https://a.example"'


@pytest.mark.parametrize(
    "part",
    ["Q.850;", "Q.850 ;cause", '"', '\\"', '"\\', " ", "Q.850;cause=;", ",", "\nReason: Q.850;", "\n ", ";cause="],
)
def test_work_grows_no_faster_than_the_text(part):
    """Sixty thousand characters of any header are read as fast, character by character, as a few hundred."""

    def seconds_per_character(count: int) -> float:
        message = response("Reason: Q.850;" + part * count)
        started = time.process_time()
        for _ in range(3):
            sip_text.read(message)
        return (time.process_time() - started) / len(message)

    small = max(seconds_per_character(2_000 // len(part)) for _ in range(3))
    assert min(seconds_per_character(60_000 // len(part)) for _ in range(3)) < 8 * small


@given(st.lists(st.sampled_from(["Q.850", ";", ",", "cause=", "17", " ", "=", "SIP"]), max_size=40))
def test_q850_cause_is_that_of_a_plain_reading(parts):
    """Whatever the parts of an unquoted header, the cause is the first three-digit number of a Q.850 value."""
    text = "".join(parts)
    causes = [
        int(match[1])
        for value in text.split(",")
        if value.partition(";")[0].strip() == "Q.850"
        for parameter in value.split(";")[1:]
        if (match := re.fullmatch(r"\s*cause\s*=\s*([0-9]{1,3})\s*", parameter))
    ]
    assert sip_text.read(response(f"Reason: {text}")).q850 == (causes[0] if causes else 0)


def test_reason_in_the_body_does_not_count():
    """Only headers are read."""
    assert sip_text.read(response(body="Reason: Q.850;cause=17")).q850 == 0


def test_bye_has_a_reason_and_no_code():
    """A request gives code 0 and its Reason header."""
    answer = sip_text.read(response("Reason: Q.850;cause=16", line="BYE sip:x SIP/2.0"))
    assert (answer.code, answer.q850) == (0, 16)


def test_sdp_needs_type_and_body():
    """Early media is a body of type application/sdp."""
    typed = "Content-Type: application/sdp"
    assert sip_text.read(response(typed, body="v=0")).has_sdp
    assert sip_text.read(response("c: application/SDP", body="v=0")).has_sdp
    assert not sip_text.read(response(typed)).has_sdp
    assert not sip_text.read(response("Content-Type: text/plain", body="v=0")).has_sdp


@given(st.text())
def test_anything_can_be_read(text):
    """Garbage gives an answer with bounded, plain text."""
    answer = sip_text.read(text)
    assert 0 <= answer.code <= 999
    assert len(answer.reason) <= sip_text.REASON_LIMIT
    assert answer.reason.isascii()


def test_cancel_copies_what_names_the_transaction():
    """RFC 3261, 9.1: same URI, Via, Route, From, To, Call-ID, and the number of the CSeq."""
    assert sip_text.cancel(INVITE).decode().split("\r\n") == [
        "CANCEL sip:+4930@192.0.2.1:5060 SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.9:5080;rport;branch=z9hG4bKx",
        "Max-Forwards: 70",
        "Route: <sip:192.0.2.2;lr>",
        'From: "+49" <sip:+49@192.0.2.9>;tag=f',
        "To: <sip:+4930@192.0.2.1>",
        "Call-ID: abc",
        "CSeq: 4711 CANCEL",
        "Content-Length: 0",
        "",
        "",
    ]


def test_local_answer_belongs_to_the_dialog_that_was_heard():
    """A final answer of our own carries the To tag that the far end gave, or one of its own."""
    assert (
        "To: <sip:+4930@192.0.2.1>;tag=far\r\n"
        in sip_text.local_answer(
            INVITE, response("t: <sip:+4930@192.0.2.1>;tag=far", line="SIP/2.0 180 Ringing"), 487, "Request Terminated"
        ).decode()
    )
    alone = sip_text.local_answer(INVITE, "", 408, "Request Timeout").decode()
    assert alone.startswith("SIP/2.0 408 Request Timeout\r\n")
    assert "To: <sip:+4930@192.0.2.1>;tag=unanswered\r\n" in alone


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("5;duration=3600", 5),
        ("5 (busy)", 5),
        ("999999999", 86_400),
        ("9" * 10, 0),
        ("soon", 0),
        ("-5", 0),
    ],
)
def test_retry_after_is_seconds_within_a_day(value, seconds):
    """Delta-seconds with a comment or parameters behind them; anything else is nothing."""
    assert sip_text.read(f"SIP/2.0 503 Service Unavailable\r\nRetry-After: {value}\r\n\r\n").retry_after_s == seconds


PIECES = st.sampled_from(
    ("\r\n", "\r\n", "\r\n\r\n", "\n", "\n\n", "\r", " ", "\t", "To: <sip:a>", "From: b", "v=0", "SIP/2.0 200 OK")
)


@given(st.lists(PIECES, max_size=20).map("".join))
def test_headers_end_where_a_plain_reading_says(message):
    """What is found soon in a well-formed message is what the search through odd line ends finds."""
    end = re.search(r"(?:\r\n|\r(?!\n)|(?<!\r)\n){2}", message)
    head, body = (message[: end.start()], message[end.end() :]) if end else (message, "")
    unfolded = re.sub(r"\n[ \t]+", " ", re.sub(r"\r\n|\r|\n", "\n", head))
    assert sip_text.split(message) == (unfolded.replace("\n", "\r\n"), body)


NAMING = (
    "From: b",
    "f: b",
    "To: <sip:a>;tag=1",
    "t : <sip:c>",
    "Call-ID: x",
    "i: y",
    "CSeq: 1 INVITE",
    "To",
    "",
    "Via: z",
)


@given(st.lists(st.sampled_from(NAMING), max_size=9))
def test_a_response_is_named_by_four_headers_each_given_once(lines):
    """Each header in its long or short form, before the first empty line; what is missing or twice there names none."""
    kept = lines[: lines.index("")] if "" in lines else lines
    values = {"f": [], "t": [], "c": [], "i": []}
    for line in kept:
        name, colon, value = line.partition(":")
        key = {"From": "f", "To": "t", "CSeq": "c", "Call-ID": "i"}.get(name.strip(), name.strip())
        if colon and key in values:
            values[key].append(value.strip())
    named = sip_text.named("\r\n".join(["SIP/2.0 200 OK", *lines]))
    assert (named is not None) == all(len(each) == 1 for each in values.values())
    if named is not None:
        assert (named.call_id, named.method) == (values["i"][0], "INVITE")
