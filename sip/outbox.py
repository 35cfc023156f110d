"""The pool's events on their way to the daemon: put without waiting, none lost while somebody reads."""

from __future__ import annotations

import contextlib
from collections import deque

import trio

from sip.messages import PoolEvent
from sip.settings import PoolFailed


class Outbox:
    """A channel of `limit` events and, behind it, what the reader has no time for yet."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._send, self.events = trio.open_memory_channel[PoolEvent](limit)
        self._kept: deque[PoolEvent] = deque()
        self._filled = trio.Event()
        self._pumping = trio.CancelScope()
        self._relief = trio.lowlevel.ParkingLot()
        self._closing = False

    @property
    def waiting(self) -> int:
        """Events that nobody has read yet."""
        return len(self._kept) + self._send.statistics().current_buffer_used

    def put(self, event: PoolEvent) -> None:
        """Pass an event on. Raises `PoolFailed` if nobody reads them."""
        if len(self._kept) > 4 * self._limit:
            raise PoolFailed("nobody reads the pool's events")
        if not self._kept:
            try:
                self._send.send_nowait(event)
            except (trio.WouldBlock, trio.BrokenResourceError):
                pass  # the pump takes over, with patience
            else:
                return
        self._kept.append(event)
        self._filled.set()

    async def pump(self) -> None:
        """Pass on what was kept, until `close`."""
        with self._pumping:
            while True:
                await self._filled.wait()
                while self._kept:
                    await self._send.send(self._kept[0])
                    self._kept.popleft()
                    if len(self._kept) <= self._limit:
                        self._relief.unpark_all()
                self._filled = trio.Event()

    async def relief(self) -> None:
        """Wait while too much is kept."""
        while len(self._kept) > self._limit and not self._closing:
            await self._relief.park()

    def no_more_readers(self) -> None:
        """The end has begun: nobody waits for a reader any more."""
        self._closing = True
        self._relief.unpark_all()

    async def close(self) -> None:
        """End the events after what can still be passed on."""
        self._pumping.cancel()
        await trio.lowlevel.checkpoint()
        with contextlib.suppress(trio.WouldBlock, trio.BrokenResourceError):  # nobody reads any more
            while self._kept:
                self._send.send_nowait(self._kept[0])
                self._kept.popleft()
        self._send.close()
