"""What a call needs around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sip.messages import CallEvent, Ended
from sip.worker.dialog import Dialog
from sip.worker.endpoint import Endpoint


class Context(Protocol):
    """The worker, as a call sees it."""

    endpoint: Endpoint
    stopping: bool

    def now(self) -> float:
        """Monotonic seconds."""

    def after(self, delay_s: float, action: Callable[[], None]) -> Callable[[], None]:
        """Run `action` once, in `delay_s` seconds, unless what this returns is called before. A timer that nobody needs
        any more would wake the worker for nothing."""

    def emit(self, event: CallEvent) -> None:
        """Tell the daemon."""

    def release(self, dialog: Dialog) -> None:
        """Take over a leg that is ending: destroy it when its slot is free; hang up if it still answers."""

    def finish(self, ended: Ended) -> None:
        """Forget the call, and say how it ended as soon as its slots are free."""
