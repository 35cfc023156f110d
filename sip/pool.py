"""The pool of SIP workers: starts them, places calls on them, restarts those that die.

    async with open_pool(PoolSettings(trunks=..., lines=100)) as pool:
        pool.send(Dial(...))
        async for event in pool.events:
            ...

What the pool adds to the workers' own promises (`sip.messages`): a call of a worker that dies gets its
`Ended(WORKER_LOST)`, a call for which there is no room its `Ended(NOT_SENT)`, and `Capacity` tells of every change in
what the pool can hold.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import trio

from sip.causes import Cause, Leg
from sip.forking import ForkError, Zygote, start_zygote
from sip.link import Link
from sip.messages import (
    SLOTS_PER_CALL,
    Capacity,
    Command,
    Dial,
    Ended,
    Event,
    PoolEvent,
    Pong,
    Ready,
    Settings,
    SlotsHeld,
    StartFailed,
    Stop,
    Trunk,
)
from sip.placement import Placement
from sip.wire import WireError, encode

BACKOFF_FIRST_S: Final = 0.1
BACKOFF_LIMIT_S: Final = 5.0
STEADY_S: Final = 30.0
"""A worker that has run for this long is restarted at once when it dies."""


class PoolStartError(Exception):
    """No worker could be started."""


class PoolFailed(Exception):  # noqa: N818 - it says what happened, not what was done wrong
    """The pool gave up: workers die faster than the restart budget allows, or nobody reads the events."""


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """What the pool is to hold and to reach.

    `lines` is the number of calls at once, each with room for an agent's leg. `rtp_port_first` to `rtp_port_last` is
    cut into one range per worker (0, 0: the system chooses). A worker that says nothing for `pong_timeout_s` although
    it is asked every `ping_interval_s` is killed. More than `restart_limit` deaths in `restart_window_s` end the pool.
    """

    trunks: tuple[Trunk, ...]
    lines: int
    bind_address: str = "127.0.0.1"
    rtp_port_first: int = 0
    rtp_port_last: int = 0
    user_agent: str = "predictive-dialer"
    log_level: int = 0
    start_timeout_s: float = 15.0
    stop_timeout_s: float = 4.0
    ping_interval_s: float = 5.0
    pong_timeout_s: float = 12.0
    restart_limit: int = 20
    restart_window_s: float = 60.0
    events_limit: int = 10_000

    def __post_init__(self) -> None:
        if self.lines < 1:
            raise ValueError(f"lines: at least 1, not {self.lines}")
        if not 0 <= self.rtp_port_first <= self.rtp_port_last <= 65535:
            raise ValueError(f"RTP ports: {self.rtp_port_first} to {self.rtp_port_last} is no range of ports")


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """The pool at one moment.

    `slots_in_use` counts reserved slots and those held by calls that are over; `last_failure` is why a worker last died
    or did not start (empty: none did).
    """

    workers: int
    workers_wanted: int
    slots_total: int
    slots_in_use: int
    calls: int
    restarts: int
    events_waiting: int
    last_failure: str


@asynccontextmanager
async def open_pool(settings: PoolSettings) -> AsyncIterator[Pool]:
    """A running pool: ready when all its workers are, or after `start_timeout_s` those that are.

    Raises `PoolStartError` if none starts, and `PoolFailed` out of the block later on. At the end of the block all calls
    are hung up, the workers get `stop_timeout_s` to do so, and `pool.events` ends.
    """
    try:
        async with trio.open_nursery() as nursery:
            pool = await _started(settings, nursery)
            try:
                yield pool
            finally:
                with trio.CancelScope(shield=True):
                    await pool.stop()
                nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from None  # what happened, as if there were no nurseries


async def _started(settings: PoolSettings, nursery: trio.Nursery) -> Pool:
    try:
        zygote = await start_zygote()
    except ForkError as error:
        raise PoolStartError(str(error)) from error
    try:
        pool = Pool(settings, zygote, nursery)
    except PoolStartError:
        await zygote.stop()
        raise
    pool.start()
    with trio.move_on_after(settings.start_timeout_s):
        await pool.started.wait()
    if pool.statistics().workers == 0:
        with trio.CancelScope(shield=True):
            await pool.stop()
        raise PoolStartError(f"no SIP worker started: {pool.statistics().last_failure or 'none was ready in time'}")
    return pool


class Pool:
    """See the module. Made by `open_pool`."""

    def __init__(self, settings: PoolSettings, zygote: Zygote, nursery: trio.Nursery) -> None:
        self.started = trio.Event()
        self._last_failure = ""
        self._settings = settings
        self._zygote = zygote
        self._nursery = nursery
        self._wanted = -(-settings.lines * SLOTS_PER_CALL // zygote.slots)
        self._rtp_ranges = rtp_ranges(settings.rtp_port_first, settings.rtp_port_last, self._wanted, zygote.slots)
        self._placement = Placement()
        self._links: dict[int, Link] = {}
        self._ready_once: set[int] = set()
        self._deaths: deque[float] = deque()
        self._restarts = 0
        self._stopping = False
        self._link_closed = trio.lowlevel.ParkingLot()
        self._outbox: deque[PoolEvent] = deque()
        self._filled = trio.Event()
        self._relief = trio.lowlevel.ParkingLot()
        self._tell_event, self.events = trio.open_memory_channel[PoolEvent](settings.events_limit)
        self._waker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._waker.setblocking(False)

    def send(self, command: Command) -> None:
        """Have a command carried out. Never waits.

        A `Dial` for which there is no room, or that cannot be sent, comes back as `Ended(NOT_SENT)`. Commands about
        calls that are over are ignored. Raises `ValueError` for a second `Dial` of a call in progress, `WireError`
        for text that cannot be encoded, and `PoolFailed` if nobody reads the events.
        """
        match command:
            case Dial():
                self._dial(command)
            case Stop() | Ping():
                raise ValueError(f"{type(command).__name__} is the pool's to send")
            case _:
                worker = self._placement.worker_of(command.call)
                if worker is not None:
                    self._links[worker].write(encode(command))

    def statistics(self) -> PoolStatistics:
        """The pool now."""
        return PoolStatistics(
            workers=self._placement.workers,
            workers_wanted=self._wanted,
            slots_total=self._placement.slots_total,
            slots_in_use=self._placement.slots_in_use,
            calls=self._placement.calls,
            restarts=self._restarts,
            events_waiting=len(self._outbox) + self._tell_event.statistics().current_buffer_used,
            last_failure=self._last_failure,
        )

    def _dial(self, order: Dial) -> None:
        if self._placement.worker_of(order.call) is not None:
            raise ValueError("this call is already being dialled")
        try:
            frame = encode(order)
        except WireError as error:
            self._tell(_not_sent(order, str(error)))
            return
        worker = None if self._stopping else self._placement.place(order.call, SLOTS_PER_CALL)
        if worker is None:
            self._tell(_not_sent(order, "no worker has room"))
        else:
            self._links[worker].write(frame)

    # --- for open_pool --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the tasks that keep the zygote and the workers running."""
        self._nursery.start_soon(self._pump)
        self._nursery.start_soon(self._keep_zygote)
        for worker in range(self._wanted):
            self._nursery.start_soon(self._keep_worker, worker)

    async def stop(self) -> None:
        """Hang up everything, let the workers go, end `events`."""
        self._stopping = True
        self._relief.unpark_all()
        for link in self._links.values():
            link.write(encode(Stop()))
        with trio.move_on_after(self._settings.stop_timeout_s):
            while self._links:
                await self._link_closed.park()
        for link in list(self._links.values()):
            link.close()
        await self._zygote.stop()
        self._waker.close()
        while self._outbox:
            try:
                self._tell_event.send_nowait(self._outbox.popleft())
            except (trio.WouldBlock, trio.BrokenResourceError):
                break  # nobody reads any more
        self._tell_event.close()

    # --- workers --------------------------------------------------------------------------------------------------

    async def _keep_zygote(self) -> None:
        while True:
            await self._zygote.listen(self._exited)
            if self._stopping:
                return
            self._count_death("the zygote died")
            await self._zygote.stop()
            await trio.sleep(BACKOFF_FIRST_S)
            try:
                self._zygote = await start_zygote()
            except ForkError as error:
                self._count_death(str(error))

    async def _keep_worker(self, worker: int) -> None:
        backoff_s = BACKOFF_FIRST_S
        while True:
            started_at = trio.current_time()
            reason = await self._run_worker(worker)
            if self._stopping:
                return
            self._count_death(reason)
            if trio.current_time() - started_at > STEADY_S:
                backoff_s = BACKOFF_FIRST_S
            await trio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, BACKOFF_LIMIT_S)

    async def _run_worker(self, worker: int) -> str:
        ours, theirs = socket.socketpair()
        link = Link(ours, self._waker, self._settings.bind_address)
        pid = 0
        try:
            with theirs:
                pid = await self._zygote.fork(theirs)
            self._links[worker] = link
            link.write(encode(self._worker_settings(worker)))
            reason = await link.run(
                lambda event: self._hear(worker, event),
                self._wait_for_readers,
                self._settings.ping_interval_s,
                self._settings.pong_timeout_s,
            )
            await self._zygote.kill(pid)  # does nothing if it has exited
        except ForkError as error:
            reason = str(error)
        finally:
            self._links.pop(worker, None)
            link.close()
            self._link_closed.unpark_all()
            self._lose_calls(worker)
        return f"worker {worker} (pid {pid}): {reason}"

    def _worker_settings(self, worker: int) -> Settings:
        settings = self._settings
        first, last = self._rtp_ranges[worker]
        return Settings(
            trunks=settings.trunks,
            bind_address=settings.bind_address,
            rtp_port_first=first,
            rtp_port_last=last,
            user_agent=settings.user_agent,
            log_level=settings.log_level,
        )

    def _hear(self, worker: int, event: Event) -> None:
        match event:
            case Ready(slots):
                self._placement.add(worker, slots)
                self._ready_once.add(worker)
                if len(self._ready_once) == self._wanted:
                    self.started.set()
                self._tell_capacity()
            case StartFailed(reason):
                self._last_failure = reason
            case SlotsHeld(slots):
                self._placement.hold(worker, slots)
            case Pong():
                pass  # having been heard is all there is to it
            case _ if self._placement.worker_of(event.call) == worker:
                if isinstance(event, Ended):
                    self._placement.free(event.call)
                self._tell(event)

    def _lose_calls(self, worker: int) -> None:
        had_started = self._placement.has(worker)
        at = time.monotonic()
        for call in self._placement.remove(worker):
            self._tell(Ended(call, at, Cause.WORKER_LOST, Leg.DIALER, 0, 0, "the SIP worker died"))
        if had_started:
            self._tell_capacity()

    def _exited(self, pid: int, status: int) -> None:
        if status:
            self._last_failure = f"worker process {pid} ended with {'status' if status > 0 else 'signal'} {abs(status)}"

    def _count_death(self, reason: str) -> None:
        """Take one from the restart budget."""
        if self._placement.workers or not self._last_failure:
            self._last_failure = reason
        now = trio.current_time()
        self._restarts += 1
        self._deaths.append(now)
        while self._deaths[0] < now - self._settings.restart_window_s:
            self._deaths.popleft()
        if len(self._deaths) > self._settings.restart_limit:
            text = f"{len(self._deaths)} deaths in {self._settings.restart_window_s:.0f} s; {self._last_failure}"
            raise PoolFailed(text) if self._ready_once else PoolStartError(f"no SIP worker starts: {text}")

    # --- events ---------------------------------------------------------------------------------------------------

    def _tell_capacity(self) -> None:
        if not self._stopping:
            self._tell(Capacity(self._placement.slots_total, self._placement.workers))

    def _tell(self, event: PoolEvent) -> None:
        if len(self._outbox) > 4 * self._settings.events_limit:
            raise PoolFailed("nobody reads the pool's events")
        self._outbox.append(event)
        self._filled.set()

    async def _pump(self) -> None:
        while True:
            await self._filled.wait()
            while self._outbox:
                await self._tell_event.send(self._outbox[0])
                self._outbox.popleft()
                if len(self._outbox) <= self._settings.events_limit:
                    self._relief.unpark_all()
            self._filled = trio.Event()

    async def _wait_for_readers(self) -> None:
        while len(self._outbox) > self._settings.events_limit and not self._stopping:
            await self._relief.park()


def rtp_ranges(first: int, last: int, workers: int, slots: int) -> list[tuple[int, int]]:
    """One range of RTP ports per worker, even first, odd last; all (0, 0) where the system chooses.

    Raises `PoolStartError` if `first` to `last` has not four ports (RTP and RTCP, and as many in reserve) per slot.
    """
    if last == 0:
        return [(0, 0)] * workers
    first += first % 2
    width = (last - first + 1) // workers // 2 * 2
    if width < 4 * slots:
        needed = 4 * slots * workers
        raise PoolStartError(f"RTP ports {first} to {last} are too few for {workers} workers: {needed} are needed")
    return [(first + width * worker, first + width * (worker + 1) - 1) for worker in range(workers)]


def _not_sent(order: Dial, reason: str) -> Ended:
    return Ended(order.call, time.monotonic(), Cause.NOT_SENT, Leg.DIALER, 0, 0, reason)
