"""The daemon's line to one worker: frames out without ever blocking, events in, and a watch on its pulse."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from sip import wire
from sip.messages import Event, Ping, Ready

OUTPUT_LIMIT_BYTES: Final = 1024 * 1024
"""Commands that a worker has not read. Beyond this it is stuck."""


class Link:
    """One worker's socket. `run` returns, with the reason, when the worker is gone or has to be killed."""

    def __init__(self, stream: socket.socket, waker: socket.socket, bind_address: str) -> None:
        stream.setblocking(False)
        self._stream = stream
        self._waker = waker
        self._address = ("127.0.0.1" if bind_address == "0.0.0.0" else bind_address, 0)
        self._output = bytearray()
        self._unsent = trio.Event()
        self._scope = trio.CancelScope()
        self._reason = ""
        self._heard_at = trio.current_time()

    def write(self, frame: bytes) -> None:
        """Send a frame, or keep it until the worker reads; then wake the worker."""
        self._output += frame
        self._send_some()
        if len(self._output) > OUTPUT_LIMIT_BYTES:
            self.cut("it does not read its commands")
        elif self._output:
            self._unsent.set()
        self.wake()

    def wake(self) -> None:
        """End the worker's sleep: it sleeps on its SIP socket, not on this one (`sip.worker.loop`)."""
        if self._address[1]:
            try:
                self._waker.sendto(wire.WAKE, self._address)
            except OSError:
                return  # a full send buffer or no route: the worker looks once a second anyway

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
        self.wake()

    async def _read(self, hear: Callable[[Event], None], relief: Callable[[], Awaitable[None]]) -> None:
        decoder = wire.Decoder()
        try:
            while data := await self._receive():
                self._heard_at = trio.current_time()
                for message in decoder.feed(data):
                    if not isinstance(message, Event):
                        raise wire.WireError(f"{type(message).__name__} is no event")
                    if isinstance(message, Ready):
                        self._address = (self._address[0], message.sip_port)
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
                return self._stream.recv(wire.FRAME_LIMIT_BYTES)
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
            await trio.sleep(ping_s)
            if trio.current_time() - self._heard_at > pong_s:
                self.cut(f"it said nothing for {pong_s:.0f} s")
                return
            number += 1
            self.write(wire.encode(Ping(number)))
