"""What a party hears whom the other one has put on hold: a file, or silence."""

from __future__ import annotations

import math
import socket
import struct
import time
import wave
from pathlib import Path

import pytest

from sip.messages import Ended, HangUp
from tests.sip.worker.conftest import Party
from tests.sip.worker.test_dead_calls import bridged

TONE_HZ = 1000
RATE_HZ = 8000
PACKETS = 20
"""So many in a row are listened to: 0.4 s."""


@pytest.fixture
def music(tmp_path: Path) -> str:
    """One second of a tone, so that it must begin again."""
    path = tmp_path / "music.wav"
    tone = [int(12000 * math.sin(2 * math.pi * TONE_HZ * index / RATE_HZ)) for index in range(RATE_HZ)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(struct.pack(f"<{len(tone)}h", *tone))
    return str(path)


def linear(octet: int) -> int:
    """A sample of PCMU (G.711)."""
    octet = ~octet & 0xFF
    size = ((octet & 0x0F) << 3) + 0x84 << ((octet & 0x70) >> 4)
    return 0x84 - size if octet & 0x80 else size - 0x84


def tone_share(listener: socket.socket) -> float:
    """How much of the newest 0.4 s is the tone: 1 is all of it, 0 nothing."""
    listener.setblocking(False)
    try:
        while True:
            listener.recv(2048)
    except BlockingIOError:
        listener.settimeout(2.0)
    samples: list[int] = []
    for _ in range(PACKETS):
        try:
            packet = listener.recv(2048)
        except TimeoutError:
            break
        samples += [linear(octet) for octet in packet[12:]]
    power = sum(sample * sample for sample in samples)
    if not power:
        return 0.0
    angles = [2 * math.pi * TONE_HZ * index / RATE_HZ for index in range(len(samples))]
    sine = sum(sample * math.sin(angle) for sample, angle in zip(samples, angles, strict=True))
    cosine = sum(sample * math.cos(angle) for sample, angle in zip(samples, angles, strict=True))
    return 2 * (sine * sine + cosine * cosine) / len(samples) / power


def becomes(listener: socket.socket, *, a_tone: bool) -> bool:
    """Whether the tone is heard, or is not, within some seconds."""
    until = time.monotonic() + 6
    while time.monotonic() < until:
        share = tone_share(listener)
        if share > 0.8 if a_tone else share < 0.1:
            return True
    return False


def asks_for(party: Party, way: str, cseq: int) -> None:
    """A re-INVITE with this direction, answered and acknowledged."""
    body = party.sdp(way).replace("\n", "\r\n")
    party.sip.asks("INVITE", party.invite, "Content-Type: application/sdp", body=body, cseq=cseq)
    assert party.sip.hears_code() == 200
    party.sip.asks("ACK", party.invite, cseq=cseq)


@pytest.mark.parametrize("way", ["sendonly", "inactive"])
@pytest.mark.parametrize("holder", ["agent", "callee"])
def test_who_is_on_hold_hears_the_music_until_the_talk_goes_on(worker, callee, agent, music, way, holder) -> None:
    """Over and over, and only while held; then each hears the other again."""
    tested = bridged(worker, callee, agent, hold_music=music)
    holding, waiting = (agent, callee) if holder == "agent" else (callee, agent)
    asks_for(holding, way, 2)
    assert becomes(waiting.rtp, a_tone=True)
    time.sleep(1.2)  # longer than the file
    assert becomes(waiting.rtp, a_tone=True)
    asks_for(holding, "sendrecv", 3)
    assert becomes(waiting.rtp, a_tone=False)
    tested.send(HangUp("c1"))
    tested.until(Ended)


@pytest.mark.parametrize("path", ["", "/nowhere.wav"])
def test_without_a_file_it_is_silent(worker, callee, agent, path) -> None:
    """The default; a file that has gone since the start is silence, too, and ends no talk."""
    tested = bridged(worker, callee, agent, hold_music=path)
    asks_for(agent, "sendonly", 2)
    assert becomes(callee.rtp, a_tone=False)
    asks_for(agent, "sendrecv", 3)
    tested.send(HangUp("c1"))
    tested.until(Ended)


def test_a_call_that_ends_on_hold_ends(worker, callee, agent, music) -> None:
    """The player goes with it; the worker takes the next call."""
    for _ in range(2):
        tested = bridged(worker, callee, agent, hold_music=music)
        asks_for(agent, "sendonly", 2)
        assert becomes(callee.rtp, a_tone=True)
        tested.send(HangUp("c1"))
        tested.until(Ended)
        tested.close()
