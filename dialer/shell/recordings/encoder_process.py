"""The encoder as a process of its own, at the lowest priority: it takes no turn from the event loop, and no core from
calls. It is started for the first order and again after it died; what kills it is set aside by whoever ordered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
import structlog
import trio

from dialer.disk.recordings.orders import Order, Reply
from dialer.shell.slow_work import end_program, start_program

log = structlog.get_logger()

PROGRAM: Final = "dialer.disk.recordings.encoder"
LONGEST_REPLY_BYTES: Final = 65_536
FLOOR_S: Final = 30.0
"""So long an order may take, however short the talk: the process starts with it, at the lowest priority."""


class EncoderDied(Exception):
    """No reply came; the message says why."""


class EncoderNotStarted(Exception):
    """There is no process that could be given an order: no talk's fault. The message says why."""


@dataclass(slots=True)
class Encoder:
    """One order at a time."""

    _process: trio.Process | None = None

    async def carry_out(self, order: Order, limit_s: float) -> Reply:
        """What came of an order. Raises `EncoderDied`, `EncoderNotStarted`; the next order has a new process."""
        process = self._process or await self._start()
        try:
            with trio.fail_after(FLOOR_S + limit_s):
                assert process.stdin is not None
                await process.stdin.send_all(msgspec.json.encode(order) + b"\n")
                return msgspec.json.decode(await _line(process), type=Reply)
        except (trio.BrokenResourceError, trio.ClosedResourceError, EOFError, msgspec.MsgspecError) as error:
            await self.stop()
            raise EncoderDied("the encoder died") from error
        except trio.TooSlowError:
            await self.stop()
            raise EncoderDied(f"the encoder has not answered for {FLOOR_S + limit_s:.0f} s") from None

    async def _start(self) -> trio.Process:
        """A process that has said that it is there."""
        try:
            self._process = process = await start_program(PROGRAM)
            with trio.fail_after(FLOOR_S):
                msgspec.json.decode(await _line(process), type=Reply)
        except (OSError, EOFError, msgspec.MsgspecError, trio.TooSlowError) as error:
            await self.stop()
            raise EncoderNotStarted(f"the encoder does not start: {error or 'it ended, see the log'}") from error
        return process

    async def stop(self) -> None:
        """End the process, whatever it is at; what it was at is done again."""
        process, self._process = self._process, None
        if process is not None:
            await end_program(process)


async def _line(process: trio.Process) -> bytes:
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        data = await process.stdout.receive_some(LONGEST_REPLY_BYTES)
        line += data
        if not data or len(line) > LONGEST_REPLY_BYTES:
            raise EOFError
    return line
