"""What is read of a trunk's INVITE, whatever it says."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.inbound import invite
from sip.screening.passing import passed_back
from sip.worker import sip_text

SOURCE, DOOR = ("192.0.2.9", 5060), ("192.0.2.1", 5070)
SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 9000 RTP/AVP 8 0\r\n"
HEAD = (
    "INVITE sip:4711@192.0.2.1 SIP/2.0",
    "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1;rport",
    'From: "Name" <sip:013800138000@carrier.example;user=phone>;tag=a',
    "To: <sip:01012345678@192.0.2.1>",
    "Call-ID: c1",
    "CSeq: 1 INVITE",
    "Contact: <sip:peer@192.0.2.9>",
    "Max-Forwards: 70",
    "Content-Type: application/sdp",
)
RULES = ("0=+86",)


def an_invite(*more: str, body: str = SDP) -> sip_text.Request:
    asked = sip_text.request("\r\n".join([*HEAD, *more, "", body]))
    assert asked is not None
    return asked


@pytest.mark.parametrize(
    ("written", "rules", "number"),
    [
        ("+8613800138000", (), "+8613800138000"),
        ("8613800138000", (), "+8613800138000"),
        ("008613800138000", (), "+8613800138000"),
        ("013800138000", RULES, "+8613800138000"),
        ("(010)1234-5678", RULES, "+861012345678"),
        ("013800138000", (), ""),
        ("10086", (), ""),
        ("+1234567890123456", (), ""),
    ],
)
def test_a_number_is_international_or_nobodys(written, rules, number):
    """As the rules make it; a national one without a rule, and a short one, cannot be called back."""
    assert invite.in_e164(written, rules) == number


@pytest.mark.parametrize(
    ("more", "caller"),
    [
        ((), "+8613800138000"),
        (("P-Asserted-Identity: <tel:+8613911139111>",), "+8613911139111"),
        (('P-Asserted-Identity: "Nobody" <sip:anonymous@anonymous.invalid>',), "+8613800138000"),
        (("Privacy: none",), "+8613800138000"),
        (("Privacy: header;id",), ""),
    ],
)
def test_who_calls(more, caller):
    """What the carrier asserts goes before what the caller says; who hides is nobody."""
    assert invite.caller_of(an_invite(*more), RULES) == caller


def test_whom_the_call_is_to():
    """A registration's name in the request URI is no number; To has it."""
    assert invite.called_of(an_invite(), RULES) == ("+861012345678",)


def test_a_worker_gets_it_with_a_way_back_through_the_door():
    """Its answer comes to the door, and goes on from there to where the INVITE came from."""
    text = invite.for_a_worker(an_invite(), SOURCE, DOOR)
    vias = [line for line in text.split("\r\n") if line.startswith("Via: ")]
    assert "192.0.2.1:5070" in vias[0]
    assert "m=audio 9000 RTP/AVP 8\r\n" in text
    answer = "\r\n".join(["SIP/2.0 200 OK", *vias, "CSeq: 1 INVITE", "", ""])
    passed = passed_back(answer)
    assert passed is not None
    assert passed[1] == SOURCE
    assert vias[0] not in passed[0]


@given(st.lists(st.tuples(st.integers(0, 600), st.text(max_size=12)), max_size=4), st.text(max_size=200))
def test_nothing_that_a_trunk_says_is_more_than_unreadable(cuts, body):
    """Odd headers and bodies are refused with a line of an answer, or read; nothing else is raised."""
    text = "\r\n".join([*HEAD, "", body])
    for place, instead in cuts:
        text = text[:place] + instead + text[place + len(instead) :]
    asked = sip_text.request(text.encode("utf-8", "replace").decode("latin-1"))
    if asked is not None:
        invite.caller_of(asked, RULES)
        invite.called_of(asked, RULES)
        with contextlib.suppress(invite.UnreadableError):
            assert invite.for_a_worker(asked, SOURCE, DOOR).startswith("INVITE ")
