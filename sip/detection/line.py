"""A line that is listened to through the file that a SIP worker writes."""

from __future__ import annotations

import os
from typing import Final

import numpy as np

from sip.detection.listener import Listener
from sip.detection.messages import NOTHING_HEARD
from sip.detection.orders import Order, Reply

HEADER_BYTES: Final = 44
SAMPLE_BYTES: Final = 2
READ_BYTES: Final = 65_536
QUIET_S: Final = 2.0
"""A file that has not grown for this long is over: the call has ended, or its worker has."""


class Line:
    """One order. `is_over` when there is nothing more to say of it."""

    def __init__(self, order: Order, now: float) -> None:
        self.is_over = False
        self._order = order
        self._listener = Listener(order.rules)
        self._rest = b""
        self._to_skip = HEADER_BYTES
        self._grew_at = now
        self._has_verdict = self._has_beeped = False
        try:
            self._file = os.open(order.file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            os.unlink(order.file)
        except OSError:
            self._file = -1

    def listen(self, now: float) -> list[Reply]:
        """Read what has come; what can be said of it."""
        data = b"" if self._file < 0 else os.read(self._file, READ_BYTES)
        if data:
            self._grew_at = now
            self._hear(data)
        elif self._file < 0 or now - self._grew_at > QUIET_S:
            self.close()
            return [] if self._has_verdict else [Reply(self._order.call, NOTHING_HEARD)]
        return self._news()

    def close(self) -> None:
        """Listen no more."""
        self.is_over = True
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _hear(self, data: bytes) -> None:
        skipped = min(self._to_skip, len(data))
        self._to_skip -= skipped
        data = self._rest + data[skipped:]
        whole = len(data) // SAMPLE_BYTES * SAMPLE_BYTES
        self._rest = data[whole:]
        self._listener.hear(np.frombuffer(data[:whole], np.int16))

    def _news(self) -> list[Reply]:
        news = []
        if self._listener.verdict is not None and not self._has_verdict:
            self._has_verdict = True
            news.append(Reply(self._order.call, self._listener.verdict))
        if self._has_verdict and self._order.beep and self._listener.beep_ended_s is not None:
            self._has_beeped = True
            news.append(Reply(self._order.call))
        if self._has_verdict and (self._has_beeped or not self._order.beep):
            self.close()
        return news
