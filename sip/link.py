"""The daemon's line to one worker: frames out without ever blocking, events in, and a watch on its pulse."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from sip import wire
from sip.messages import Event, Ping

OUTPUT_LIMIT_BYTES: Final = 1024 * 1024
"""Commands that a worker has not read. Beyond this it is stuck."""


class Link:
    """One worker's socket. `run` returns, with the reason, when the worker is gone or has to be killed."""

    def __init__(self, stream: socket.socket) -> None:
        stream.setblocking(False)
        self._stream = stream
        self._output = bytearray()
        self._unsent = trio.Event()
        self._scope = trio.CancelScope()
        self._reason = ""
        self._heard_at = trio.current_time()

    def write(self, frame: bytes) -> None:
        """Send a frame, or keep it until the worker reads."""
        self._output += frame
        self._send_some()
        if len(self._output) > OUTPUT_LIMIT_BYTES:
            self.cut("it does not read its commands")
        elif self._output:
            self._unsent.set()

    async def run(
        self, hear: Callable[[Event], None], relief: Callable[[], Awaitable[None]], ping_s: float, pong_s: float
    ) -> str:
        """Pass on what the worker says, awaiting `relief` now and then; the reason of the end."""
        with self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._flush)
                nursery.start_soon(self._watch, ping_s, pong_s)
                await self._read(hear, relief)
                nursery.cancel_scope.cancel()
        return self._reason

    def cut(self, reason: str) -> None:
        """Have `run` return with this reason."""
        self._reason = reason
        self._scope.cancel()

    def close(self) -> None:
        """End the stream, which tells the worker to hang up and exit."""
        trio.lowlevel.notify_closing(self._stream)
        self._stream.close()

    async def _read(self, hear: Callable[[Event], None], relief: Callable[[], Awaitable[None]]) -> None:
        decoder = wire.Decoder()
        try:
            while data := await self._receive():
                self._heard_at = trio.current_time()
                for message in decoder.feed(data):
                    if not isinstance(message, Event):
                        raise wire.WireError(f"{type(message).__name__} is no event")
                    hear(message)
                await relief()
        except ConnectionError as error:
            self._reason = f"its stream broke: {error.strerror}"
        except wire.WireError as error:
            self._reason = f"it sent nonsense: {error}"
        else:
            self._reason = "it exited"

    async def _receive(self) -> bytes:
        while True:
            await trio.lowlevel.wait_readable(self._stream)
            try:
                return self._stream.recv(wire.READ_BYTES)
            except BlockingIOError:
                continue

    async def _flush(self) -> None:
        while True:
            await self._unsent.wait()
            await trio.lowlevel.wait_writable(self._stream)
            self._send_some()
            if not self._output:
                self._unsent = trio.Event()

    def _send_some(self) -> None:
        while self._output:
            try:
                sent = self._stream.send(self._output)
            except BlockingIOError:
                return
            except ConnectionError:
                self._output.clear()  # the reader notices the end
                return
            del self._output[:sent]

    async def _watch(self, ping_s: float, pong_s: float) -> None:
        number = 0
        while True:
            due_at = trio.current_time() + ping_s
            await trio.sleep_until(due_at)
            # While this process stood still itself (SIGSTOP, a snapshot of the host) it could hear nothing.
            self._heard_at += trio.current_time() - due_at
            if trio.current_time() - self._heard_at > pong_s:
                self.cut(f"it said nothing for {pong_s:.0f} s")
                return
            number += 1
            self.write(wire.encode(Ping(number)))
