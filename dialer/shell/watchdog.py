"""What systemd is told: ready, stopping, alive, and one line of status.

The watchdog is fed by the engine's own loop only, so a daemon whose engine stands still is restarted.
"""

from __future__ import annotations

import os
import time

import sdnotify


class Notifier:
    """A thin face on `sd_notify`; without systemd every call does nothing."""

    def __init__(self) -> None:
        self._notifier = sdnotify.SystemdNotifier() if os.environ.get("NOTIFY_SOCKET") else None
        if self._notifier is not None and self._notifier.socket is not None:
            # A service manager that does not read must not hold up the engine. What it misses is said again.
            self._notifier.socket.setblocking(False)
        usec = int(os.environ.get("WATCHDOG_USEC", "0"))
        self._every_s = usec / 1_000_000 / 3
        self._fed_at = float("-inf")

    def ready(self, status: str) -> None:
        self._say(f"READY=1\nSTATUS={status}")

    def stopping(self, status: str) -> None:
        self._say(f"STOPPING=1\nSTATUS={status}")

    def status(self, status: str) -> None:
        self._say(f"STATUS={status}")

    def alive(self) -> None:
        """Feed the watchdog, at most three times in its period."""
        now = time.monotonic()
        if self._every_s and now - self._fed_at >= self._every_s:
            self._fed_at = now
            self._say("WATCHDOG=1")

    def close(self) -> None:
        """Say nothing more."""
        if self._notifier is not None and self._notifier.socket is not None:
            self._notifier.socket.close()
        self._notifier = None

    def _say(self, text: str) -> None:
        if self._notifier is not None:
            self._notifier.notify(text)
