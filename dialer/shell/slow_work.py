"""Work beside the event loop: in threads that may hang, such as for files on a mount that does not answer, with a limit
and named in the log; in programs of ours, which are told what to do by the line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog
import trio

log = structlog.get_logger()

T = TypeVar("T")

THREADS: Final = 8
"""So many pieces of work at once; what hangs keeps its thread, and must not take those of others."""

STOP_S: Final = 5.0
"""So long a program that was killed may take to be gone."""


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


async def start_program(module: str) -> trio.Process:
    """One of our programs, with pipes to and from it. Raises `OSError`."""
    command = [sys.executable, "-P", "-m", module]
    return await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


async def end_program(process: trio.Process) -> None:
    """Kill it, whatever it is at."""
    process.kill()
    with trio.move_on_after(STOP_S, shield=True):
        await process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            await pipe.aclose()
