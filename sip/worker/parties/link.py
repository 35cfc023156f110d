"""A two-way audio link between the bridges of two workers: a datagram of 20 ms over loopback for each frame.

A talk's worker has no call slot left for a third leg, and needs none for this: a link is a port of the bridge. The
library calls it in the thread of the bridge's clock, where an exception would end the process and whoever is slow holds
up the audio of all; so it copies by address, never waits, and allocates next to nothing.

The party's end waits at a port of its own for a datagram with its key, and from then on hears that sender and nobody
else; the kernel sees to it. The talk's end sends the key again each second: datagrams may get lost.
"""

from __future__ import annotations

import secrets
import socket
from collections import deque
from ctypes import c_char, c_void_p, memmove
from typing import Any, Final

import pjsua2 as pj

FRAME_BYTES: Final = 320
"""20 ms of 16 bit samples at 8 kHz, as the bridge has them."""

FIRST_WAIT_FRAMES: Final = 2
MOST_WAITING_FRAMES: Final = 15
"""What waits to be heard: two frames before the first is played, so that the two clocks may be apart by as much; never
more than 300 ms. So much is needed where machines are far too busy: a process stands still, and then its clock makes up
for it in one go."""

LOOK_FRAMES: Final = 100
"""If more than is needed waited all the time, for 2 s, the wait is shortened by a frame."""

KEY_FRAMES: Final = 50
DATAGRAMS_AT_ONCE: Final = 64
_KEY_BYTES: Final = 16
_LOOPBACK: Final = "127.0.0.1"
_BUFFER_BYTES: Final = 16 * 1024
_SILENCE: Final = bytes(FRAME_BYTES)


class AudioLink(pj.AudioMediaPort):  # type: ignore[misc]
    """One end of a link. Without arguments the party's: `port` and `key` are for the other one, which is made with
    them. Raises `OSError` or `pj.Error`."""

    def __init__(self, port: int = 0, key: str = "") -> None:
        super().__init__()
        self._is_connected = bool(port)
        self._key = bytes.fromhex(key) if port else secrets.token_bytes(_KEY_BYTES)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            self._socket.bind((_LOOPBACK, 0))
            if port:
                self._socket.connect((_LOOPBACK, port))
        except BaseException:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self.key = self._key.hex()
        self._calls_to_key = 1 if port else 0
        self._is_stale = False
        self._waiting: deque[bytes] = deque()
        self._has_begun = False
        self._looks = self._least_waiting = LOOK_FRAMES
        form = pj.MediaFormatAudio()
        form.init(pj.PJMEDIA_FORMAT_PCM, 8000, 1, 20_000, 16)
        self.createPort("link", form)

    def flush(self) -> None:
        """Forget what has not been heard yet: nobody listened, and it is old."""
        self._is_stale = True

    def close(self) -> None:
        """Take it off the bridge now."""
        self.__swig_destroy__(self)
        self._socket.close()

    # --- in the thread of the bridge's clock --------------------------------------------------------------------------

    def onFrameReceived(self, frame: Any) -> None:
        """Somebody on our side has spoken."""
        try:
            if self._calls_to_key:
                self._calls_to_key -= 1
                if not self._calls_to_key:
                    self._calls_to_key = KEY_FRAMES
                    self._socket.send(self._key)
            if self._is_connected and frame.size == FRAME_BYTES:
                self._socket.send((c_char * FRAME_BYTES).from_address(_data_of(frame.buf)))
        except OSError:
            pass  # the other end is gone or does not read; the daemon will say so

    def onFrameRequested(self, frame: Any) -> None:
        """Somebody on our side listens."""
        buffer = frame.buf
        buffer.resize(FRAME_BYTES)
        memmove(_data_of(buffer), self._next(), FRAME_BYTES)
        frame.type = pj.PJMEDIA_FRAME_TYPE_AUDIO
        frame.size = FRAME_BYTES

    def _next(self) -> bytes:
        self._receive()
        waiting = self._waiting
        if self._is_stale:
            waiting.clear()
            self._is_stale = self._has_begun = False
        while len(waiting) > MOST_WAITING_FRAMES:
            waiting.popleft()
        if not self._has_begun:
            if len(waiting) < FIRST_WAIT_FRAMES:
                return _SILENCE
            self._has_begun = True
        try:
            frame = waiting.popleft()
        except IndexError:
            return _SILENCE
        self._shorten_wait(len(waiting))
        return frame

    def _shorten_wait(self, left: int) -> None:
        self._least_waiting = min(self._least_waiting, left)
        self._looks -= 1
        if not self._looks:
            if self._least_waiting >= FIRST_WAIT_FRAMES:
                self._waiting.popleft()
            self._looks = self._least_waiting = LOOK_FRAMES

    def _receive(self) -> None:
        try:
            for _ in range(DATAGRAMS_AT_ONCE):
                if self._is_connected:
                    datagram = self._socket.recv(FRAME_BYTES + 1)
                else:
                    datagram, sender = self._socket.recvfrom(FRAME_BYTES + 1)
                    if secrets.compare_digest(datagram, self._key):
                        self._socket.connect(sender)
                        self._is_connected = True
                if len(datagram) == FRAME_BYTES and self._is_connected:
                    self._waiting.append(datagram)
        except OSError:
            pass  # no more for now, or the other end is gone


def _data_of(buffer: Any) -> int:
    """Where the bytes of a `std::vector<unsigned char>` are: its first word. A copy by the wrapper costs three times as
    much of a core."""
    return c_void_p.from_address(int(buffer.this)).value or 0
