"""Work of threads that may hang, such as files on a mount that does not answer: with a limit, and named in the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog
import trio

log = structlog.get_logger()

T = TypeVar("T")

THREADS: Final = 8
"""So many pieces of work at once; what hangs keeps its thread, and must not take those of others."""


class NoAnswer(Exception):
    """Work has not come back within its limit; the message is for people."""


@dataclass(slots=True)
class SlowWork:
    """Runs work under a name, never twice at once: what hangs is asked for again only after it has come back."""

    _limiter: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(THREADS))
    _started: set[str] = field(default_factory=set)

    async def run(self, name: str, limit_s: float, call: Callable[[], T]) -> T:
        """The result of `call`, from a thread. Raises `NoAnswer`, and leaves the thread alone, after `limit_s` or where
        the work before under this name still hangs. Can be cancelled at any time."""

        def work() -> T:
            self._started.add(name)
            try:
                return call()
            finally:
                self._started.discard(name)

        silence = NoAnswer(f"{name} has not answered for {limit_s:g} s")
        if name in self._started:
            raise silence
        with trio.move_on_after(limit_s):
            return await trio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._limiter)
        log.warning("no answer", of=name, limit_s=limit_s)
        raise silence
