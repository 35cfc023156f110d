"""RTP at its least: one UDP socket for all calls of a side that drops, echoes, or plays a tone.

Enough to prove that audio flows in both directions, and no jitter buffer. G.711 only (RFC 3551: payload type 0 is
PCMU, 8 is PCMA, 20 ms are 160 octets).
"""

from __future__ import annotations

import math
import socket
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

from sip.loopback.profile import KEYS, Media

PCMU: Final = 0
PCMA: Final = 8

_FRAME_S: Final = 0.02
_FRAME_SAMPLES: Final = 160
_TONE_HZ: Final = 400  # eight whole periods in a frame, so that one frame repeated is a steady tone
_TONE_LEVEL: Final = 8000
_VOICED_LEVEL: Final = 200  # mean of the absolute 16 bit samples above which a frame is not silence
_HEADER: Final = struct.Struct("!BBHII")
_ECHO_SSRC_MASK: Final = 0x5A5A5A5A
_EVENT: Final = struct.Struct("!BBH")
_KEY_FRAMES: Final = 5  # 100 ms, as a thumb does
_KEY_ENDS: Final = 3
_KEY_VOLUME: Final = 10
_KEY_END: Final = 0x80


def decode_pcmu(octet: int) -> int:
    """The 16 bit sample of a G.711 mu-law octet (ITU-T G.711, table 2)."""
    octet = ~octet & 0xFF
    magnitude = (((octet & 0x0F) << 3) + 0x84 << (octet >> 4 & 0x07)) - 0x84
    return -magnitude if octet & 0x80 else magnitude


def decode_pcma(octet: int) -> int:
    """The 16 bit sample of a G.711 A-law octet (ITU-T G.711, table 1)."""
    octet ^= 0x55
    exponent = octet >> 4 & 0x07
    magnitude = ((octet & 0x0F) << 4) + (8 if exponent == 0 else 0x108)
    magnitude <<= max(exponent - 1, 0)
    return magnitude if octet & 0x80 else -magnitude


_DECODE: Final = {PCMU: decode_pcmu, PCMA: decode_pcma}
_LEVELS: Final = {kind: tuple(abs(decode(octet)) for octet in range(256)) for kind, decode in _DECODE.items()}


def tone_frame(payload_type: int) -> bytes:
    """20 ms of the tone in that encoding: each sample is the octet whose decoded value is nearest."""
    decode = _DECODE[payload_type]
    wave = (_TONE_LEVEL * math.sin(2 * math.pi * _TONE_HZ * n / 8000) for n in range(_FRAME_SAMPLES))
    return bytes(min(range(256), key=lambda octet: abs(decode(octet) - sample)) for sample in wave)


def is_voiced(packet: bytes) -> bool:
    """Whether an RTP packet carries G.711 audio that is not silence."""
    if len(packet) <= _HEADER.size:
        return False
    levels = _LEVELS.get(packet[1] & 0x7F)
    if levels is None:
        return False
    samples = packet[_HEADER.size :: 4]
    return sum(levels[octet] for octet in samples) > _VOICED_LEVEL * len(samples)


def key_payloads(key: str) -> list[bytes]:
    """A pressed key as RFC 4733 has it, a payload each 20 ms: the event goes on, then its end, three times."""
    code = KEYS.index(key)
    durations = [_FRAME_SAMPLES * min(packet, _KEY_FRAMES) for packet in range(1, _KEY_FRAMES + _KEY_ENDS)]
    return [
        _EVENT.pack(code, _KEY_VOLUME | (_KEY_END if packet >= _KEY_FRAMES - 1 else 0), duration)
        for packet, duration in enumerate(durations)
    ]


@dataclass(slots=True)
class _Stream:
    """`keys` are packets of a pressed key that go in place of the tone: payload type, place, payload."""

    address: tuple[str, int]
    payload_type: int
    ssrc: int
    sequence: int = 0
    keys: deque[tuple[int, int, bytes]] = field(default_factory=deque)


@dataclass(slots=True)
class MediaSocket:
    """The socket that the SDP of every call of a side names. `packets` and `voiced_packets` arrived on it."""

    host: str
    media: Media
    packets: int = 0
    voiced_packets: int = 0
    _socket: socket.socket = field(init=False)
    _streams: dict[str, _Stream] = field(init=False, default_factory=dict)
    _closed: threading.Event = field(init=False, default_factory=threading.Event)

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind((self.host, 0))
        if self.media is Media.NONE:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            return
        threading.Thread(target=self._receive, name="rtp-in", daemon=True).start()
        if self.media is Media.TONE:
            threading.Thread(target=self._play, name="rtp-out", daemon=True).start()

    @property
    def port(self) -> int:
        """The UDP port."""
        return int(self._socket.getsockname()[1])

    @property
    def playing(self) -> int:
        """Calls that the tone is played to."""
        return len(self._streams)

    def start(self, call_id: str, address: tuple[str, int], payload_type: int) -> None:
        """Play the tone to that address, if this side plays one and the address is on this host."""
        if self.media is Media.TONE and _is_here(address):
            self._streams[call_id] = _Stream(address, payload_type, ssrc=crc32(call_id.encode()))

    def press(self, call_id: str, address: tuple[str, int], payload_type: int, key: str) -> None:
        """Send a key to that address, if it is on this host: in place of the tone where one is played to the call, else
        all packets of it at once (who receives them goes by their time stamps)."""
        packets = [(payload_type, place, payload) for place, payload in enumerate(key_payloads(key))]
        if (stream := self._streams.get(call_id)) is not None:
            stream.keys.extend(packets)
        elif _is_here(address):
            stream = _Stream(address, PCMU, ssrc=crc32(call_id.encode()), keys=deque(packets))
            while stream.keys:
                self._send_next(stream, b"")

    def stop(self, call_id: str) -> None:
        """Play no more to that call."""
        self._streams.pop(call_id, None)

    def close(self) -> None:
        """Stop the threads and close the socket."""
        self._closed.set()
        self._socket.close()

    def _receive(self) -> None:
        self._socket.settimeout(0.5)  # so that the end is noticed
        while not self._closed.is_set():
            try:
                packet, address = self._socket.recvfrom(2048)
            except TimeoutError:
                continue
            except OSError:
                return  # closed
            if len(packet) < _HEADER.size or packet[0] >> 6 != 2:
                continue
            self.packets += 1
            self.voiced_packets += is_voiced(packet)
            if self.media is Media.ECHO:
                ssrc = int.from_bytes(packet[8:12]) ^ _ECHO_SSRC_MASK
                self._send(packet[:8] + ssrc.to_bytes(4) + packet[12:], address)

    def _play(self) -> None:
        frames = {kind: tone_frame(kind) for kind in _DECODE}
        due = time.monotonic()
        while not self._closed.wait(max(0.0, due - time.monotonic())):
            due = max(due + _FRAME_S, time.monotonic() - 1.0)  # after a stall, catch up on a second at most
            for stream in list(self._streams.values()):
                self._send_next(stream, frames[stream.payload_type])

    def _send_next(self, stream: _Stream, audio: bytes) -> None:
        """Send the next 20 ms of a stream: of a key, if one is pressed, else of the audio."""
        payload_type, place, payload = stream.keys.popleft() if stream.keys else (stream.payload_type, 0, audio)
        timestamp = (stream.sequence - place) * _FRAME_SAMPLES & 0xFFFFFFFF  # that of a key's packets is its beginning
        marker = 0x80 if payload_type != stream.payload_type and place == 0 else 0
        header = _HEADER.pack(0x80, payload_type | marker, stream.sequence & 0xFFFF, timestamp, stream.ssrc)
        self._send(header + payload, stream.address)
        stream.sequence += 1

    def _send(self, packet: bytes, address: tuple[str, int]) -> None:
        try:
            self._socket.sendto(packet, address)
        except OSError:
            return  # the far end is gone, or so are we: RTP is not told


def _is_here(address: tuple[str, int]) -> bool:
    return address[0].startswith("127.") or address[0] == "::1"
