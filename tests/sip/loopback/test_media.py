"""RTP at its least."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from sip.loopback.media import PCMA, PCMU, MediaSocket, decode_pcma, decode_pcmu, is_voiced, tone_frame
from sip.loopback.profile import Media

HEADER = bytes([0x80, PCMU]) + bytes(6) + b"ssrc"


@pytest.fixture
def caller() -> Iterator[socket.socket]:
    """The far end of the RTP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(5)
        yield udp


def test_g711_tables_have_their_known_points() -> None:
    """Silence, the largest and the smallest samples of G.711 decode to what ITU-T says."""
    assert [decode_pcmu(octet) for octet in (0xFF, 0x7F, 0x00, 0x80)] == [0, 0, -32124, 32124]
    assert [decode_pcma(octet) for octet in (0xD5, 0x55, 0x2A, 0xAA)] == [8, -8, -32256, 32256]


@pytest.mark.parametrize("kind", [PCMU, PCMA])
def test_tone_is_voiced_and_silence_is_not(kind: int) -> None:
    """A frame of the tone counts as audio; silence, an empty packet and digits do not."""
    header = bytes([0x80, kind]) + bytes(10)
    silence = b"\xff" if kind == PCMU else b"\xd5"
    assert len(tone_frame(kind)) == 160
    assert is_voiced(header + tone_frame(kind))
    assert not is_voiced(header + silence * 160)
    assert not is_voiced(header)
    assert not is_voiced(bytes([0x80, 101]) + bytes(10) + b"\x01\x02\x03\x04")


def test_echo_sends_back_what_came_under_another_ssrc(caller: socket.socket) -> None:
    """An RTP packet comes back with its payload and a different SSRC; what is not RTP does not."""
    media = MediaSocket("127.0.0.1", Media.ECHO)
    try:
        caller.sendto(b"not RTP at all", ("127.0.0.1", media.port))
        caller.sendto(HEADER + tone_frame(PCMU), ("127.0.0.1", media.port))
        packet = caller.recv(2048)
    finally:
        media.close()
    assert packet[12:] == tone_frame(PCMU)
    assert packet[:8] == HEADER[:8]
    assert packet[8:12] != b"ssrc"
    assert (media.packets, media.voiced_packets) == (1, 1)


def test_tone_stays_on_this_host() -> None:
    """No audio is played to another host, whatever its SDP asked for."""
    media = MediaSocket("127.0.0.1", Media.TONE)
    try:
        for host in ("192.0.2.1", "example.com"):
            media.start(host, (host, 4000), PCMU)
        assert media.playing == 0
    finally:
        media.close()


def test_tone_plays_in_sequence_until_stopped(caller: socket.socket) -> None:
    """The tone's packets are numbered and timed one by one."""
    media = MediaSocket("127.0.0.1", Media.TONE)
    try:
        media.start("call", caller.getsockname(), PCMA)
        packets = [caller.recv(2048) for _ in range(3)]
        media.stop("call")
    finally:
        media.close()
    assert all(packet[1] == PCMA and is_voiced(packet) for packet in packets)
    assert [int.from_bytes(packet[2:4]) for packet in packets] == [0, 1, 2]
    assert [int.from_bytes(packet[4:8]) for packet in packets] == [0, 160, 320]


@pytest.mark.parametrize("media_kind", [Media.NONE, Media.TONE])
def test_a_key_is_an_event_with_a_beginning_and_an_end(caller: socket.socket, media_kind: Media) -> None:
    """As RFC 4733 has it: one time stamp, growing durations, the end three times; the tone goes on after it."""
    media = MediaSocket("127.0.0.1", media_kind)
    try:
        media.start("call", caller.getsockname(), PCMU)
        media.press("call", caller.getsockname(), 101, "*")
        packets = [caller.recv(2048) for _ in range(30 * (media_kind is Media.TONE) + 7)]
    finally:
        media.close()
    events = [packet for packet in packets if packet[1] & 0x7F == 101]
    assert [packet[1] >> 7 for packet in events] == [1, 0, 0, 0, 0, 0, 0]
    assert len({packet[4:12] for packet in events}) == 1
    assert {packet[12] for packet in events} == {10}
    assert [packet[13] >> 7 for packet in events] == [0, 0, 0, 0, 1, 1, 1]
    assert [int.from_bytes(packet[14:16]) for packet in events] == [160, 320, 480, 640, 800, 800, 800]
    numbers = [int.from_bytes(packet[2:4]) for packet in packets]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_key_stays_on_this_host(caller: socket.socket) -> None:
    """Like the tone."""
    media = MediaSocket("127.0.0.1", Media.NONE)
    try:
        media.press("call", ("192.0.2.1", caller.getsockname()[1]), 101, "9")
        media.press("call", caller.getsockname(), 101, "1")
        assert caller.recv(2048)[12] == 1
    finally:
        media.close()
