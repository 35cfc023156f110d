"""The far ends of a talk in the hands of the test: a callee, an agent and a third party."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sip.messages import Answered, Bridged, Dial, DialAgent, RecordingOrder
from tests.sip.conftest import BrokenPeer, udp_socket

DIAL = Dial(call="c1", trunk="carrier", number="+4930123456", caller_id="+4930999", give_up_s=60.0)
NOT_RECORDED = RecordingOrder()
SDP = "v=0\no=- 1 {version} IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\na={way}\n"


class Party:
    """A far end in the hands of the test, with a socket for its voice."""

    def __init__(self, sip: BrokenPeer) -> None:
        self.sip = sip
        self.rtp = udp_socket()
        self.invite: dict[str, str] = {}
        self._version = 0

    def sdp(self, way: str = "sendrecv") -> str:
        self._version += 1
        return SDP.format(version=self._version, port=self.rtp.getsockname()[1], way=way)

    def answers(self) -> None:
        self.invite = self.sip.hears("INVITE")
        self.sip.answers(self.invite, "200 OK", self.sdp())
        self.sip.hears("ACK")

    def asks_for(self, way: str, cseq: int = 2) -> None:
        """A re-INVITE with this direction, answered and acknowledged."""
        body = self.sdp(way).replace("\n", "\r\n")
        self.sip.asks("INVITE", self.invite, "Content-Type: application/sdp", body=body, cseq=cseq)
        assert self.sip.hears_code() == 200
        self.sip.asks("ACK", self.invite, cseq=cseq)


def party() -> Iterator[Party]:
    """A far end, and its sockets closed afterwards."""
    with BrokenPeer() as sip:
        made = Party(sip)
        with made.rtp:
            yield made


callee, agent, third = (pytest.fixture(party, name=name) for name in ("callee", "agent", "third"))


def bridged(worker, callee: Party, agent: Party, order: RecordingOrder = NOT_RECORDED, **settings: Any):
    """A worker with a talk, which no silence ends."""
    tested = worker(callee.sip.port, **{"media_timeout_s": 0.0, "session_refresh_s": 0.0, **settings})
    tested.send(DIAL)
    callee.answers()
    tested.until(Answered)
    uri = f"sip:agent@127.0.0.1:{agent.sip.port}"
    tested.send(DialAgent("c1", "a1", uri, "138****5678", attempt="attempt-7", recording=order))
    agent.answers()
    tested.until(Bridged)
    return tested
