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

import contextlib
import math
import socket
import time
from collections.abc import AsyncIterator
from typing import Final

import trio

from sip import address
from sip.blame import CRASHES, REST_S, Blame, Peer, RestartBudget
from sip.causes import Cause, Leg
from sip.forking import ForkError, Zygote, start_zygote
from sip.inbound.front import Front
from sip.inbound.messages import Answer, Reject
from sip.link import Arrivals, Link
from sip.messages import (
    SLOTS_PER_CALL,
    CancelAgent,
    Capacity,
    Command,
    Dial,
    DialAgent,
    Ended,
    Event,
    HangUp,
    PeerRests,
    Ping,
    Pong,
    Ready,
    SlotsHeld,
    StartFailed,
    Stop,
    TrunkName,
)
from sip.names import Names
from sip.outbox import Outbox
from sip.parties.messages import DialParty
from sip.parties.phones import Phones, not_sent
from sip.placement import Placement
from sip.settings import PoolFailed, PoolSettings, PoolStartError, PoolStatistics, WorkerSettings, rtp_ranges
from sip.standing.legs import StandingLegs
from sip.standing.messages import DialStanding
from sip.wire import WireError, encode

__all__ = ["Pool", "PoolFailed", "PoolSettings", "PoolStartError", "PoolStatistics", "open_pool"]

BACKOFF_FIRST_S: Final = 0.1
BACKOFF_LIMIT_S: Final = 5.0
STEADY_S: Final = 30.0
"""A worker that has run for this long is restarted at once when it dies."""


@contextlib.asynccontextmanager
async def open_pool(settings: PoolSettings) -> AsyncIterator[Pool]:
    """A running pool: ready when all its workers are, or after `start_timeout_s` those that are.

    Raises `PoolStartError` if none starts, and `PoolFailed` out of the block later on. At the end of the block all
    calls are hung up, the workers get `stop_timeout_s` to do so, and `pool.events` ends.
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
    pool: Pool | None = None
    try:
        pool = Pool(settings, zygote, nursery)
        await pool.look_up_trunks()
        pool.start()
        with trio.move_on_after(settings.start_timeout_s):
            await pool.started.wait()
        statistics = pool.statistics()
        if statistics.workers == 0:
            raise PoolStartError(f"no SIP worker started: {statistics.last_failure or 'none was ready in time'}")
    except BaseException:
        with trio.CancelScope(shield=True):
            await (zygote if pool is None else pool).stop()
        raise
    return pool


class Pool:
    """See the module. Made by `open_pool`."""

    def __init__(self, settings: PoolSettings, zygote: Zygote, nursery: trio.Nursery) -> None:
        self.started = trio.Event()
        self.spent = trio.Event()
        self._last_failure = ""
        self._blame = Blame()
        self._names = Names()
        self._trunks = settings.trunks
        self._nameless: frozenset[str] = frozenset()
        self._pids: dict[int, int] = {}
        self._settings = settings
        self._zygote = zygote
        self._nursery = nursery
        self._for_calls = -(-settings.lines // max(zygote.slots // SLOTS_PER_CALL, 1))
        self._wanted = self._for_calls + settings.workers_beside(self._for_calls, zygote.slots)
        self._rtp_ranges = rtp_ranges(settings.rtp_port_first, settings.rtp_port_last, self._wanted, zygote.slots)
        self._placement = Placement()
        self._standing = StandingLegs(settings.bind_address, self._placement)
        self._outbox = Outbox(settings.events_limit)
        self.events = self._outbox.events
        self._tell = self._outbox.put
        self._phones = Phones(
            self._names,
            self._blame,
            self._placement,
            self._standing,
            lambda order: self._pass_on(order.call, encode(order)),
            self._tell,
            at_edge=bool(settings.phones_port),
        )
        self._arrivals = Arrivals()
        self._links: dict[int, Link] = {}
        self._ready_once: set[int] = set()
        self._start_failures: dict[int, str] = {}
        limit = max(settings.restart_limit, math.ceil(settings.restart_share * self._wanted))
        self._budget = RestartBudget(limit, settings.restart_window_s)
        self._restarts = 0
        self._stopping = False
        self._link_closed = trio.lowlevel.ParkingLot()
        self._front = Front(settings.bind_address, settings.inbound_port, self._placement, self._blame, self._tell)

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
            case Answer() | Reject():
                if (filled := self._front.decided(command, stopping=self._stopping)) is not None:
                    self._pass_on(command.call, encode(filled))
            case DialAgent():
                self._phones.dial(command, self._nursery)
            case DialParty() | DialStanding() if self._stopping:
                self._tell(not_sent(command, "the pool stops"))
            case DialParty() | DialStanding():
                self._phones.dial_beside(command, self._nursery)
            case CancelAgent(call, leg) if self._phones.withdraw(call, leg):
                pass  # nothing has been sent
            case HangUp(call) if self._phones.withdraw(call):
                pass
            case _:
                self._pass_on(command.call, encode(command))

    def _pass_on(self, call: str, frame: bytes) -> None:
        if (worker := self._placement.worker_of(call)) is not None:
            self._links[worker].write(frame)

    def statistics(self) -> PoolStatistics:
        """The pool now."""
        return PoolStatistics(
            workers=self._placement.workers,
            workers_wanted=self._wanted,
            slots_total=self._placement.slots_total,
            slots_in_use=self._placement.slots_in_use,
            calls=self._placement.calls,
            restarts=self._restarts,
            events_waiting=self._outbox.waiting,
            last_failure=self._last_failure,
            pids=tuple(self._pids.values()),
            turned_away=self._front.turned_away,
        )

    def _dial(self, order: Dial) -> None:
        if self._placement.worker_of(order.call) is not None:
            raise ValueError("this call is already being dialled")
        try:
            frame = encode(order)
        except WireError as error:
            self._tell(not_sent(order, str(error)))
            return
        trunk = Peer(order.trunk, is_trunk=True)
        if self._blame.rests(trunk, trio.current_time()):
            self._tell(not_sent(order, "the trunk rests: workers died with its calls", Cause.TRUNK_UNREACHABLE))
            return
        worker = None if self._stopping else self._placement.place(order.call, SLOTS_PER_CALL)
        if worker is None:
            self._tell(not_sent(order, "no worker has room"))
        else:
            self._blame.takes_part(order.call, trunk)
            self._links[worker].write(frame)

    def start(self) -> None:
        """Start the tasks that keep the zygote and the workers running."""
        self._nursery.start_soon(self._outbox.pump)
        self._nursery.start_soon(self._front.keep)
        self._nursery.start_soon(self._arrivals.run, self._outbox.relief)
        self._nursery.start_soon(self._keep_zygote)
        if any(address.is_name(trunk.host) for trunk in self._trunks):
            self._nursery.start_soon(self._keep_names)
        for worker in range(self._wanted):
            self._nursery.start_soon(self._keep_worker, worker)

    async def stop(self) -> None:
        """Hang up everything, let the workers go, end `events`."""
        self._stopping = True
        self._outbox.no_more_readers()
        for link in self._links.values():
            link.write(encode(Stop()))
        with trio.move_on_after(self._settings.stop_timeout_s):
            while self._links:
                await self._link_closed.park()
        for link in self._links.values():
            link.cut("it does not stop")
        await self._zygote.stop()
        await self._outbox.close()

    async def look_up_trunks(self) -> None:
        """Have the addresses of trunks that are given by name; workers that run are told of new ones, and the daemon of
        names that have none."""
        trunks, problems = await self._names.with_addresses(self._trunks)
        for name in problems.keys() | self._nameless:
            self._tell(TrunkName(name, problems.get(name, "")))
        self._nameless = frozenset(problems)
        self._front.trunks_are(trunks)
        if trunks != self._trunks:
            self._trunks = trunks
            for worker, link in self._links.items():
                link.write(encode(self._worker_settings(worker)))

    async def _keep_names(self) -> None:
        while True:
            await trio.sleep_until(self._names.next_at(self._trunks))
            await self.look_up_trunks()

    async def _keep_zygote(self) -> None:
        while True:
            await self._zygote.listen()
            if self._stopping:
                return
            may_restart = self._count_death("the zygote died")
            await self._zygote.stop()
            if not may_restart:
                return
            await trio.sleep(BACKOFF_FIRST_S)
            try:
                self._zygote = await start_zygote()
            except ForkError as error:
                if not self._count_death(str(error)):
                    return

    async def _keep_worker(self, worker: int) -> None:
        backoff_s = BACKOFF_FIRST_S
        while True:
            started_at = trio.current_time()
            reason, is_peers_fault = await self._run_worker(worker)
            if self._stopping or self.spent.is_set():
                return
            if is_peers_fault:
                self._last_failure = reason
                self._restarts += 1
            elif not self._count_death(reason):
                return
            if trio.current_time() - started_at > STEADY_S:
                backoff_s = BACKOFF_FIRST_S
            await trio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, BACKOFF_LIMIT_S)

    async def _run_worker(self, worker: int) -> tuple[str, bool]:
        """The life of a worker; why it ended, and whether a peer of its calls is suspected."""
        ours, theirs = socket.socketpair()
        link = Link(ours, self._arrivals, lambda event: self._hear(worker, event))
        pid, status = 0, 0
        try:
            with theirs:
                pid = await self._zygote.fork(theirs)
            self._links[worker] = link
            link.write(encode(self._worker_settings(worker)))
            reason = await link.run(self._settings.ping_interval_s, self._settings.pong_timeout_s)
            await self._zygote.kill(pid)  # does nothing if it has exited
            status = await self._zygote.exit_status(pid)
        except ForkError as error:
            reason = str(error)
        finally:
            self._links.pop(worker, None)
            self._pids.pop(worker, None)
            self._front.worker_is_at(worker, None)
            link.close()
            self._link_closed.unpark_all()
            is_peers_fault = self._lose_calls(worker, status)
        reason = self._start_failures.pop(worker, reason)
        return f"worker {worker} (pid {pid}, status {status}): {reason}", is_peers_fault

    def _worker_settings(self, worker: int) -> WorkerSettings:
        keeps_phones = worker >= self._for_calls
        return self._settings.of_worker(self._trunks, self._rtp_ranges[worker], keeps_phones=keeps_phones)

    def _hear(self, worker: int, event: Event) -> None:
        match event:
            case Ready(slots, sip_port, pid):
                self._placement.add(worker, slots, beside=worker >= self._for_calls)
                self._front.worker_is_at(worker, sip_port)
                self._standing.worker_is_at(worker, sip_port)
                self._pids[worker] = pid
                self._ready_once.add(worker)
                if len(self._ready_once) == self._wanted:
                    self.started.set()
                self._tell_capacity()
            case StartFailed(reason):
                self._start_failures[worker] = reason
            case SlotsHeld(slots):
                self._placement.hold(worker, slots)
                self._tell_capacity()
            case Pong():
                pass  # having been heard is all there is to it
            case _ if self._placement.worker_of(event.call) == worker:
                if isinstance(event, Ended):
                    self._placement.free(event.call)
                    self._blame.forget(event.call)
                    self._standing.ended(event.call)
                self._tell(event)

    def _lose_calls(self, worker: int, status: int) -> bool:
        had_started = self._placement.has(worker)
        at = time.monotonic()
        calls = self._placement.remove(worker)
        is_peers_fault = False
        if status in CRASHES:
            is_peers_fault, at_fault = self._blame.death(calls, trio.current_time())
            for peer in at_fault:
                self._tell(PeerRests(peer.name, peer.is_trunk, REST_S))
        for free in self._standing.lost(calls):
            self._pass_on(free.call, encode(free))
        for call in calls:
            self._blame.forget(call)
            self._tell(Ended(call, at, Cause.WORKER_LOST, Leg.DIALER, 0, 0, "the SIP worker died"))
        if had_started:
            self._tell_capacity()
        return is_peers_fault

    def _count_death(self, reason: str) -> bool:
        """Take one from the restart budget; False once it is spent: then nothing is restarted any more.

        What keeps killing workers would go on doing so. Those that live keep their calls, and `spent` tells the daemon
        to let them finish and stop.
        """
        self._last_failure = reason
        self._restarts += 1
        deaths = self._budget.death(trio.current_time())
        if deaths > self._budget.allowed(has_started=bool(self._ready_once)):
            text = f"{deaths} deaths in {self._settings.restart_window_s:.0f} s; {reason}"
            if not self._ready_once:
                raise PoolStartError(f"no SIP worker starts: {text}")
            self._last_failure = text
            self.spent.set()
        return not self.spent.is_set()

    def _tell_capacity(self) -> None:
        if not self._stopping:
            self._tell(Capacity(self._placement.slots_for_calls(SLOTS_PER_CALL), self._placement.workers))
