"""The audio's far end counts what is lost and late, in both directions, and sends everything back."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import time

import pytest

from tests.bench.pipeline.options import Media
from tests.bench.pipeline.reflector import Reflector, Stream


def packet(number: int, *, source: int = 7) -> bytes:
    """20 ms of silence in PCMU."""
    return struct.pack(">BBHII", 0x80, 0, number & 0xFFFF, number * 160 & 0xFFFFFFFF, source) + b"\xff" * 160


def test_lost_packets_are_counted_over_the_turn_of_numbers():
    """Of 65,530 to 65,535 and 0 to 3 two are missing; one that comes late is not."""
    stream = Stream(65_530, 65_530, 0.0, 0.0, 0)
    for place, number in enumerate((65_531, 65_533, 65_532, 65_535, 0, 2, 3), 1):
        stream.take(number, place * 160, place * 0.02)
    assert (stream.due, stream.packets) == (10, 8)


def test_even_spacing_has_no_jitter_and_a_late_packet_has():
    """As in RFC 3550, 6.4.1: a sixteenth of each difference."""
    stream = Stream(0, 0, 0.0, 0.0, 0)
    for number in range(1, 50):
        stream.take(number, number * 160, number * 0.02)
    assert stream.jitter == pytest.approx(0.0, abs=1e-9)
    stream.take(50, 50 * 160, 50 * 0.02 + 0.016)
    assert stream.jitter == pytest.approx(0.001, rel=0.01)
    assert stream.gap_s == pytest.approx(0.036)


@pytest.fixture
def port() -> int:
    """An even port of 127.0.0.1 that is free, and the one above it."""
    for candidate in range(31_000, 32_000, 2):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return candidate
    raise AssertionError("no port is free")


def neighbours() -> tuple[socket.socket, socket.socket]:
    """Sockets for RTP and, on the port above, RTCP."""
    for _ in range(50):
        rtp, rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        rtp.bind(("127.0.0.1", 0))
        try:
            rtcp.bind(("127.0.0.1", rtp.getsockname()[1] + 1))
        except OSError:
            rtp.close()
            rtcp.close()
        else:
            return rtp, rtcp
    raise AssertionError("no two ports beside each other are free")


def test_packets_come_back_as_another_stream_and_are_counted(port: int):
    """A leg of a second from which two packets are missing, and whose RTCP says that one did not come back."""
    command = [sys.executable, "-m", "tests.bench.pipeline.reflector", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    rtp, rtcp = neighbours()
    with rtp, rtcp:
        rtp.settimeout(5.0)
        for number in range(40):
            if number not in (5, 17):
                rtp.sendto(packet(number), ("127.0.0.1", port))
                back = rtp.recv(512)
                assert back[2:8] == packet(number)[2:8]
                assert back[8:12] != packet(number)[8:12]
            time.sleep(0.02)
        report = struct.pack(">BBHI", 0x81, 201, 7, 7) + struct.pack(">IIIIII", 0, 1, 40, 16, 0, 0)
        rtcp.sendto(report, ("127.0.0.1", port + 1))
        time.sleep(0.1)
    heard, _ = process.communicate(timeout=10)
    media = Media(**json.loads(heard))
    assert (media.legs, media.packets) == (1, 40)
    assert media.lost_out == pytest.approx(2 / 40)
    assert media.lost_in == pytest.approx(1 / 38)
    assert media.rate == pytest.approx(50, rel=0.1)


def test_nothing_heard_is_no_division_by_zero():
    """Without a leg every figure is 0."""
    reflector = Reflector([])
    assert reflector.heard().legs == 0
    assert reflector.heard().lost_out == 0.0
