"""An answer's SDP in our words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.worker.sdp import made_anew

HEAD = "v=0\r\no=carrier 53655765 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"


def body(media: str, *attributes: str) -> str:
    return HEAD + "".join(f"{line}\r\n" for line in (media, *attributes))


def test_an_ordinary_answer_says_the_same():
    """Address, port, codec, key presses, direction and version stay."""
    made = made_anew(body("m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000", "a=sendonly"))
    assert made is not None
    assert made.split("\r\n") == [
        "v=0",
        "o=- 53655765 2 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 4000 RTP/AVP 0 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=sendonly",
        "",
    ]


@pytest.mark.parametrize(
    ("media", "attributes", "line"),
    [
        ("m=audio 4000 RTP/AVP 18 8 0", (), "m=audio 4000 RTP/AVP 8"),
        ("m=audio 4000/1 RTP/AVP 0", (), "m=audio 4000 RTP/AVP 0"),
        ("m=audio 4000 RTP/AVP 96", ("a=rtpmap:96 pcma/8000/1",), "m=audio 4000 RTP/AVP 96"),
        ("m=video 5 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 0", (), "m=audio 4000 RTP/AVP 0"),
        ("m=audio 4000 RTP/AVP 0 x 999 101", (), "m=audio 4000 RTP/AVP 0"),
        ("m=audio 4000 RTP/AVP 0", ("c=IN IP4 192.0.2.7",), "c=IN IP4 192.0.2.7"),
        ("m=audio 4000 RTP/AVP 0", ("c=IN IP4 0.0.0.0",), "c=IN IP4 0.0.0.0"),
        ("m=audio 4000 RTP/AVP 0", ("a=recvonly", "a=inactive"), "a=inactive"),
    ],
)
def test_odd_answers_are_put_right(media, attributes, line):
    """The first codec that we have, the media's own address, the last direction."""
    made = made_anew(body(media, *attributes))
    assert made is not None
    assert line in made.split("\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        HEAD,
        body("m=audio 0 RTP/AVP 0"),
        body("m=audio 70000 RTP/AVP 0"),
        body("m=audio 4000 RTP/SAVP 0"),
        body("m=audio 4000 RTP/AVP 18"),
        body("m=audio 4000 RTP/AVP"),
        body("m=audio 4000 RTP/AVP 0", "a=rtpmap:0 G729/8000"),
        body("m=audio 4000 RTP/AVP 0").replace("IP4", "IP6"),
        body("m=audio 4000 RTP/AVP 0").replace("c=IN IP4 192.0.2.1", "c=IN IP4 999.0.2.1"),
    ],
)
def test_without_usable_audio_there_is_none(text):
    """No stream, no port, no codec, no address of IPv4: nothing that could be sent or played."""
    assert made_anew(text) is None


LINES = st.sampled_from(
    [
        "m=audio 9 RTP/AVP 0",
        "m=audio",
        "m=",
        "a=rtpmap:0 x/8000",
        "a=rtpmap:",
        "c=IN IP4 1.2.3.4",
        "c=",
        "o=",
        "a=",
        "\x00",
    ]
)


@given(st.lists(st.one_of(LINES, st.text(max_size=30)), max_size=30))
def test_whatever_comes_is_read_and_stays_so(lines):
    """Anything can be read, and what was made anew is made anew to the same."""
    made = made_anew("\r\n".join(lines))
    if made is not None:
        assert made.isascii()
        assert made_anew(made) == made
