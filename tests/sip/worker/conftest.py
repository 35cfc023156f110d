"""Both far ends of a talk in the hands of the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.sip.conftest import BrokenPeer, udp_socket
from tests.sip.worker.test_media import LOUD, rtp

SDP = "v=0\no=- 1 {version} IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\na={way}\n"


class Party:
    """A far end in the hands of the test, with a voice."""

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

    @contextmanager
    def talking(self) -> Iterator[None]:
        """Send audio to our leg, from when it has sent some."""
        leg = self.rtp.recvfrom(2048)[1]
        stopped = threading.Event()

        def talk() -> None:
            number = 0
            while not stopped.wait(0.02):
                self.rtp.sendto(rtp(number, 0, LOUD), leg)
                number += 1

        speaker = threading.Thread(target=talk)
        speaker.start()
        try:
            yield
        finally:
            stopped.set()
            speaker.join()


@pytest.fixture
def callee() -> Iterator[Party]:
    with BrokenPeer() as sip:
        party = Party(sip)
        yield party
        party.rtp.close()


@pytest.fixture
def agent() -> Iterator[Party]:
    with BrokenPeer() as sip:
        party = Party(sip)
        yield party
        party.rtp.close()
