"""What operators and carriers say of trunks reaches the engine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest
import trio

from config.daemon import DaemonSettings
from dialer.core.inputs import TrunkSaid
from dialer.shell.line_check import trunks_of
from dialer.shell.tasks.trunk_watch import OPERATOR, OPTIONS, TrunkWatch
from dialer.store.base.connection import Store, trip
from dialer.store.operators import trunks
from tests.shell.some_parts import some_parts

DEADLINE_S = 20.0


class Carrier:
    """Answers OPTIONS with `status`; says nothing while that is empty."""

    def __init__(self) -> None:
        self.status = "200 OK"
        self.asked = threading.Semaphore(0)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            packet, source = self.socket.recvfrom(4096)
            if not packet:
                return
            self.asked.release()
            if self.status:
                lines = packet.decode().split("\r\n")
                kept = [line for line in lines if line.startswith(("Via", "From", "To", "Call", "CSeq"))]
                self.socket.sendto("\r\n".join([f"SIP/2.0 {self.status}", *kept, "", ""]).encode(), source)

    async def is_asked(self, times: int = 1) -> None:
        """Wait until so many further requests have come."""
        for _ in range(times):
            await trio.to_thread.run_sync(self.asked.acquire, True, DEADLINE_S)

    def close(self) -> None:
        self.socket.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join(5)
        self.socket.close()


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    running = Carrier()
    yield running
    running.close()


Heard = Callable[[], Awaitable[TrunkSaid]]


def watched(store: Store, test: Callable[[Heard], Awaitable[None]], **trunk: object) -> None:
    """Run a test beside the watch over one trunk; it is handed what gives it the next word to the engine."""
    settings = DaemonSettings.model_validate(
        {"trunks": [{"name": "north", "host": "127.0.0.1", "options_s": 0, **trunk}]}
    )
    parts = some_parts(store, settings=settings)

    async def heard() -> TrunkSaid:
        said = await parts.queues.inputs.receive()
        assert isinstance(said, TrunkSaid)
        return said

    async def main() -> None:
        with trio.fail_after(DEADLINE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(TrunkWatch(parts, trunks_of(parts.settings)).watch)
                await test(heard)
                nursery.cancel_scope.cancel()

    trio.run(main)


def test_a_drain_and_its_end_are_told_once_each(store: Store) -> None:
    """With who and why; also where it was drained before this daemon started."""
    trunks.drain(store, "north", who="ann", now=1.0, reason="maintenance")

    async def test(heard: Heard) -> None:
        assert await heard() == TrunkSaid("north", OPERATOR, "drained by ann: maintenance")
        trunks.resume(store, "north", who="ann", now=2.0)
        assert await heard() == TrunkSaid("north", OPERATOR, "")

    watched(store, test)


def test_a_record_that_nobody_can_read_keeps_the_trunk_out_of_use(store: Store) -> None:
    """When in doubt, do not dial."""
    trip(store, [("HSET", store.keys.trunks_drained(), "north", b"\xff\xff")])

    async def test(heard: Heard) -> None:
        assert "cannot be read" in (await heard()).obstacle

    watched(store, test)


def test_a_trunk_that_stops_answering_options_is_not_used_until_it_does(store: Store, carrier: Carrier) -> None:
    """After two that failed; a 503 counts like silence, one answer is enough to come back."""

    async def test(heard: Heard) -> None:
        await carrier.is_asked()
        carrier.status = "503 Service Unavailable"
        said = await heard()
        assert (said.trunk, said.source) == ("north", OPTIONS)
        assert "503 Service Unavailable" in said.obstacle
        carrier.status = "200 OK"
        assert await heard() == TrunkSaid("north", OPTIONS, "")

    watched(store, test, port=carrier.port, options_s=0.05)


def test_a_trunk_that_never_answered_options_is_not_judged_by_them(store: Store, carrier: Carrier) -> None:
    """Some carriers do not, and take calls: 503 to all of them from the start keeps nobody off."""
    carrier.status = "503 Service Unavailable"

    async def test(heard: Heard) -> None:
        await carrier.is_asked(6)
        carrier.status = "200 OK"
        await carrier.is_asked(2)
        trunks.drain(store, "north", who="ann", now=1.0)
        assert (await heard()).source == OPERATOR, "nothing was said before"

    watched(store, test, port=carrier.port, options_s=0.05)
