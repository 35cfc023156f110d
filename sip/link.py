"""The daemon's line to one worker: frames out without ever blocking, events in, and a watch on its pulse."""

from __future__ import annotations

import select
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from sip import wire
from sip.messages import Event, Ping

OUTPUT_LIMIT_BYTES: Final = 1024 * 1024
"""Commands that a worker has not read. Beyond this it is stuck."""


class Arrivals:
    """The streams of all workers, heard by one task: what many say at once costs one wake-up, not one for each."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._links: dict[int, Link] = {}

    async def run(self, relief: Callable[[], Awaitable[None]]) -> None:
        """Pass on what the workers say, awaiting `relief` now and then, until cancelled."""
        try:
            while True:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                for descriptor, _ in self._epoll.poll(0):
                    link = self._links.get(descriptor)
                    if link is not None:
                        link.read()
                await relief()
        finally:
            self._epoll.close()

    def add(self, descriptor: int, link: Link) -> None:
        """Hear this one from now on."""
        self._links[descriptor] = link
        self._epoll.register(descriptor, select.EPOLLIN)

    def remove(self, descriptor: int) -> None:
        """It is not heard any more."""
        if self._links.pop(descriptor, None) is not None and not self._epoll.closed:
            self._epoll.unregister(descriptor)


class Link:
    """One worker's socket. `run` returns, with the reason, when the worker is gone or has to be killed."""

    def __init__(self, stream: socket.socket, arrivals: Arrivals, hear: Callable[[Event], None]) -> None:
        stream.setblocking(False)
        self._stream = stream
        self._arrivals = arrivals
        self._hear = hear
        self._decoder = wire.Decoder()
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

    async def run(self, ping_s: float, pong_s: float) -> str:
        """Have `hear` called with what the worker says; the reason of the end."""
        with self._scope:
            self._arrivals.add(self._stream.fileno(), self)
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._flush)
                    nursery.start_soon(self._watch, ping_s, pong_s)
            finally:
                self._arrivals.remove(self._stream.fileno())
        return self._reason

    def cut(self, reason: str) -> None:
        """Have `run` return with this reason."""
        self._reason = reason
        self._arrivals.remove(self._stream.fileno())
        self._scope.cancel()

    def close(self) -> None:
        """End the stream, which tells the worker to hang up and exit."""
        trio.lowlevel.notify_closing(self._stream)
        self._stream.close()

    def read(self) -> None:
        """Something has come."""
        try:
            data = self._stream.recv(wire.READ_BYTES)
        except BlockingIOError:
            return
        except ConnectionError as error:
            self.cut(f"its stream broke: {error.strerror}")
            return
        if not data:
            self.cut("it exited")
            return
        self._heard_at = trio.current_time()
        try:
            for message in self._decoder.feed(data):
                if not isinstance(message, Event):
                    raise wire.WireError(f"{type(message).__name__} is no event")
                self._hear(message)
        except wire.WireError as error:
            self.cut(f"it sent nonsense: {error}")

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
            silent_s = trio.current_time() - self._heard_at
            if silent_s > pong_s:
                self.cut(f"it said nothing for {pong_s:.0f} s")
                return
            if silent_s < ping_s / 2:
                continue  # it has just shown that it lives
            number += 1
            self.write(wire.encode(Ping(number)))
