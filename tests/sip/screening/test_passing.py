"""What a screen changes of a message on its way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.screening.passing import passed_back, passed_on, reachable, reachable_start

SOURCE = ("192.0.2.9", 5080)
HERE = "192.0.2.9:5080"
OK = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx"


@pytest.mark.parametrize(
    "contact",
    [
        "<sip:peer@192.0.2.7:5070>",
        "sip:192.0.2.7",
        '"A Name" <sip:peer@192.0.2.7:5070;transport=UDP;ob>;expires=60',
        "<sip:+49%20@192.0.2.7;line=x>;q=1",
    ],
)
def test_an_address_stays(contact):
    """Where further requests go is the far end's to say, as long as it is an address."""
    assert reachable(f"{OK}\r\nContact: {contact}", SOURCE).endswith(f"\r\nContact: {contact}")


@pytest.mark.parametrize(
    "contact",
    [
        *(
            "<sip:peer@nowhere.invalid>",
            "<sip:peer@[::1]:99999>",
            "<sips:peer@192.0.2.7>",
            "*",
            "",
            "<sip:peer@999.0.2.7>",
        ),
        *(
            "<sip:192.0.2.7;transport=tcp>",
            "<sip:192.0.2.7;maddr=nowhere.invalid>",
            "<sip:192.0.2.7:99999>",
            "<tel:+1>",
        ),
        *(
            "<sip:0.0.0.0>",
            "<sip:224.0.0.1>",
            "<sip:192.0.2.7:0>",
            "<<sip:192.0.2.7>>",
            "<sip:192.0.2.7;x;Transport=TLS>",
        ),
    ],
)
def test_what_is_no_address_becomes_where_it_came_from(contact):
    """A name would be looked up in the middle of a call, and an ACK that cannot be sent ends the process."""
    assert reachable(f"{OK}\r\nm: {contact}", SOURCE).endswith(f"\r\nContact: <sip:{HERE}>")


def test_the_first_hop_is_the_route_next_to_us():
    """The last Record-Route is made an address; the others, and a Contact that is a name, are theirs."""
    text = f"{OK}\r\nRecord-Route: <sip:far.example;lr>, <sip:near.example;lr>\r\nContact: <sip:peer@far.example>"
    assert reachable(text, SOURCE).split("\r\n")[2:] == [
        "Record-Route: <sip:far.example;lr>",
        f"Record-Route: <sip:{HERE};lr>",
        "Contact: <sip:peer@far.example>",
    ]


def test_a_message_without_a_contact_gets_none():
    """A 100 Trying stays one."""
    assert reachable(OK, SOURCE) == OK


def test_a_request_comes_back_to_where_it_goes_on_to():
    """The answer to what was passed on has the far end's Via on top again, and its address."""
    head = passed_on("INVITE sip:a SIP/2.0\r\nv: old\r\nTo: <sip:a>", "theirs;rport=7", ("127.0.0.1", 4000), SOURCE)
    assert head.split("\r\n")[2] == "Via: theirs;rport=7"
    answer = head.replace("INVITE sip:a SIP/2.0", "SIP/2.0 200 OK") + "\r\n\r\nbody"
    assert passed_back(answer) == ("SIP/2.0 200 OK\r\nVia: theirs;rport=7\r\nTo: <sip:a>\r\n\r\nbody", SOURCE)
    assert passed_back(answer.replace("z9hG4bKpassed", "z9hG4bK")) is None


@given(st.text(max_size=80))
def test_whatever_a_contact_says_can_be_read(text):
    """Anything, in bounded time."""
    line = text.replace("\r", "").replace("\n", "")
    reachable(f"{OK}\r\nContact: {line}\r\nRecord-Route: {line}", SOURCE)
    passed_back(f"{OK}\r\nVia: {line}\r\n\r\n")


INVITE = "INVITE sip:us@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5080;branch=z9hG4bKx"


@pytest.mark.parametrize(
    ("named", "kept"),
    [
        ("Contact: <sip:peer@192.0.2.7:5070>", "Contact: <sip:peer@192.0.2.7:5070>"),
        ("m: <sip:peer@nowhere.invalid>", f"Contact: <sip:{HERE}>"),
        ("Subject: no Contact", f"Contact: <sip:{HERE}>"),
        (
            "Record-Route: <sip:nowhere.invalid;lr>, <sip:proxy.example;lr>\r\nContact: <sip:peer@named.example>",
            f"Record-Route: <sip:{HERE};lr>\r\nRecord-Route: <sip:proxy.example;lr>\r\n"
            "Contact: <sip:peer@named.example>",
        ),
    ],
)
def test_the_first_hop_back_to_a_caller_is_an_address(named, kept):
    """The first Record-Route of a request that opens a dialog, or its Contact; what is behind that is for the hop."""
    assert reachable_start(f"{INVITE}\r\n{named}", SOURCE).endswith(f"\r\n{kept}")
