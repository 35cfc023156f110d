"""Whatever a permitted peer says, the workers live and every call ends once; and what the fuzzer has found before."""

from __future__ import annotations

import os
import random

import pytest
import trio

from sip.worker.sdp import made_anew
from sip.worker.sip_text import read, request, split
from tests.sip.fuzz import fuzz
from tests.sip.mutations import description, mutated

SECONDS = 15.0 if os.environ.get("CI") == "true" else 6.0


@pytest.mark.timeout(180)
def test_a_peer_out_of_its_mind_costs_no_worker_and_no_call():
    """Nearly right SIP and SDP, before and after the answer, on both legs, and callers: nobody dies, all ends once."""
    found = trio.run(fuzz, random.SystemRandom().randrange(10**6), SECONDS)
    assert (found.deaths, found.unended, found.twice, found.rests) == (0, [], [], []), found
    assert found.bridged > 0, found
    assert found.arrived > 0, found
    assert sum(found.dispositions.values()) == found.dialled, found


def test_whatever_comes_can_be_read():
    """The screen's own reading of messages takes anything, and sees the end of the headers where it is."""
    draw = random.Random(4)
    invite = (
        "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z\r\nTo: <sip:a>\r\nFrom: <sip:b>;tag=1\r\nCall-ID: c\r\n"
    )
    for _ in range(3000):
        body = description(draw, 9)
        text = mutated(draw, f"{invite}CSeq: 1 INVITE\r\n\r\n{body}").decode("latin-1")
        head, _ = split(text)
        assert "\n\n" not in head.replace("\r\n", "\n")
        request(text)
        read(text)
        made_anew(body, is_offer=True)
