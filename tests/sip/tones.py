"""Tones that far ends send, and what can be measured of them in what was recorded."""

from __future__ import annotations

import struct
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.sip.worker.conftest import Party

RATE = 8000
FRAME = 160
AMPLITUDE = 8000.0
LOUD = b"\x00\x80" * 80
"""20 ms of PCMU at full swing."""

Samples = npt.NDArray[np.int16]


def rtp(number: int, payload_type: int, payload: bytes, timestamp: int | None = None) -> bytes:
    """A packet; its time is that of 20 ms frames, unless it is given."""
    stamp = number * FRAME if timestamp is None else timestamp
    return struct.pack(">BBHII", 0x80, payload_type, number, stamp, 4711) + payload


def is_loud(packet: bytes) -> bool:
    """Whether an RTP packet with PCMU holds more than silence."""
    return len(packet) > 12 and packet[1] & 0x7F == 0 and any(octet & 0x7F < 0x60 for octet in packet[12:])


def tone(hz: float, seconds: float, rate: int = RATE) -> Samples:
    """A sine."""
    at = np.arange(round(seconds * rate)) / rate
    return np.round(AMPLITUDE * np.sin(2 * np.pi * hz * at)).astype(np.int16)


def ulaw(samples: Samples) -> bytes:
    """As G.711 mu-law (ITU-T G.711, by its segments)."""
    value = samples.astype(np.int32)
    sign = np.where(value < 0, 0x80, 0)
    biased = np.minimum(np.abs(value), 32635) + 132
    exponent = np.floor(np.log2(biased)).astype(np.int32) - 7
    mantissa = (biased >> (exponent + 3)) & 0x0F
    return bytes((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8))


@contextmanager
def singing(party: Party, hz: float) -> Iterator[None]:
    """Send a tone to our leg, a packet every 20 ms by the clock, from when it has sent something."""
    leg = party.rtp.recvfrom(2048)[1]
    stopped = threading.Event()
    payloads = ulaw(tone(hz, 1.0))  # whole periods in a second
    pieces = [payloads[i : i + FRAME] for i in range(0, len(payloads), FRAME)]

    def sing() -> None:
        began, number = time.monotonic(), 0
        while not stopped.wait(max(0.0, began + number * 0.02 - time.monotonic())):
            party.rtp.sendto(rtp(number % 65536, 0, pieces[number % len(pieces)]), leg)
            number += 1

    singer = threading.Thread(target=sing)
    singer.start()
    try:
        yield
    finally:
        stopped.set()
        singer.join()


def read_wav(path: Path) -> Samples:
    """A mono WAV file by its size, whatever its header says of it."""
    return np.frombuffer(path.read_bytes()[44:], dtype="<i2")


def write_wav(path: Path, samples: Samples, rate: int = RATE) -> Path:
    """A mono WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def level(samples: npt.NDArray[np.generic], hz: float) -> float:
    """The amplitude of one tone in samples."""
    value = np.asarray(samples, dtype=np.float64)
    at = np.arange(len(value)) / RATE
    return float(2 * np.abs(np.mean(value * np.exp(-2j * np.pi * hz * at)))) if len(value) else 0.0


def heard_s(samples: npt.NDArray[np.generic], hz: float, share: float = 0.5) -> float:
    """For how long a tone is heard at `share` of what was sent, by windows of 20 ms."""
    windows = [samples[i : i + FRAME] for i in range(0, len(samples) - FRAME + 1, FRAME)]
    return 0.02 * sum(level(window, hz) > share * AMPLITUDE for window in windows)


def linear(payload: bytes) -> Samples:
    """The samples of G.711 mu-law."""
    octets = ~np.frombuffer(payload, dtype=np.uint8)
    size = ((((octets & 0x0F).astype(np.int32) << 3) + 0x84) << ((octets & 0x70) >> 4)) - 0x84
    return np.where(octets & 0x80, -size, size).astype(np.int16)


def heard(party: Party, seconds: float) -> Samples:
    """What a far end is sent from now on, packet after packet; what waits already is thrown away."""
    party.rtp.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            party.rtp.recv(2048)
    party.rtp.settimeout(2.0)
    packets = [party.rtp.recv(2048)[12:] for _ in range(round(seconds / 0.02))]
    return linear(b"".join(packets))
