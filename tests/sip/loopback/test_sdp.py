"""Session descriptions."""

from __future__ import annotations

import pytest

from sip.loopback.media import PCMA
from sip.loopback.sdp import Offer, write_sdp


def test_answer_takes_one_codec_of_the_offer() -> None:
    """The answer names the offered codec, its digits and our port, and nothing more."""
    lines = write_sdp(host="127.0.0.1", port=4000, offer=Offer("127.0.0.1", 5000, PCMA, 101)).splitlines()
    assert "m=audio 4000 RTP/AVP 8 101" in lines
    assert "c=IN IP4 127.0.0.1" in lines
    assert [line for line in lines if line.startswith("a=rtpmap")] == [
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
    ]


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", "IP4"), ("::1", "IP6")])
def test_call_without_an_offer_gets_ours(host: str, family: str) -> None:
    """Without an offer our SDP offers PCMU, in the address family of the socket."""
    lines = write_sdp(host=host, port=4000, offer=None).splitlines()
    assert "m=audio 4000 RTP/AVP 0" in lines
    assert f"c=IN {family} {host}" in lines
