"""sippy, the SIP stack underneath, kept to loopback and kept quiet: its event loop, timers, sockets and transactions.

Only this module, `leg` and `endpoint` import sippy. Everything runs in the thread that called `run_loop`.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import md5
from typing import Any, Protocol

from sippy.Core.EventDispatcher import ED2
from sippy.SipTransactionManager import RINGING, TRYING, SipTransactionManager
from sippy.Time.Timeout import Timeout
from sippy.UA import UA
from sippy.Udp_server import Udp_server, Udp_server_opts


class Timer(Protocol):
    """Something that will happen unless it is cancelled. Cancelling late or twice is harmless."""

    def cancel(self) -> None:
        """Let it not happen."""


def after(delay_s: float, action: Callable[[], None]) -> Timer:
    """Call `action` once, in `delay_s` seconds (to about 10 ms)."""
    timer: Timer = Timeout(action, delay_s)
    return timer


def every(period_s: float, action: Callable[[], None]) -> Timer:
    """Call `action` again and again."""
    timer: Timer = Timeout(action, period_s, -1)
    return timer


def on_signal(number: int, action: Callable[[], None]) -> None:
    """Call `action` in the loop when the process gets that signal."""
    ED2.regSignal(number, action)


def call_from_thread(action: Callable[[], None]) -> None:
    """Call `action` in the loop, from another thread."""
    ED2.callFromThread(action)


def run_loop() -> None:
    """Serve until `stop_loop`."""
    ED2.loop()


def stop_loop() -> None:
    """Let `run_loop` return."""
    ED2.breakLoop()


class Observer(Protocol):
    """Who wants to know what only the transaction layer sees."""

    def saw_retransmission(self) -> None:
        """An INVITE came again, byte by byte."""

    def saw_cancel(self, call_id: str, *, in_time: bool) -> None:
        """A CANCEL came (its retransmissions are not told), in time to end its INVITE or too late."""


class Silence:
    """What sippy logs to: nothing, where its own logger would write every message to a file or to stderr."""

    def write(self, *args: object, **options: object) -> None:
        """Drop it."""


class LoopbackSocket(Udp_server):  # type: ignore[misc]
    """A UDP socket that sends to loopback addresses only, whatever a Contact or Via header asks for."""

    def send_to(self, data: Any, address: tuple[str, int], delayed: bool = False) -> None:
        """Send the datagram, or drop it if it would leave this host."""
        if address[0].startswith("127.") or address[0] == "[::1]":
            super().send_to(data, address, delayed)


class SocketOptions(Udp_server_opts):  # type: ignore[misc]
    """One thread each way, so that requests keep their order; and a port that nobody else can share."""

    nworkers = 1
    flags = 0


class Transactions(SipTransactionManager):  # type: ignore[misc]
    """sippy's transaction layer, telling an observer what it would keep to itself."""

    model_udp_server = (LoopbackSocket, SocketOptions)

    def __init__(self, config: dict[str, Any], request: Callable[[Any, Any], Any], observer: Observer) -> None:
        self.observer = observer
        super().__init__(config, request)

    def handleIncoming(self, data: bytes, source: Any, server: Any, received_at: Any) -> None:
        """Take a datagram. What is known by its digest, sippy answers from its cache without parsing it again."""
        if data.startswith(b"INVITE "):
            digest = md5(data, usedforsecurity=False).digest()
            if digest in self.l1rcache or digest in self.l2rcache:
                self.observer.saw_retransmission()
        super().handleIncoming(data, source, server, received_at)

    def incomingRequest(self, request: Any, digest: bytes, ids: Any, server: Any) -> None:
        """Take a request that has not been seen before."""
        if request.getMethod() == "CANCEL":
            invite = self.tserver.get(request.getTId(wBRN=True))
            in_time = invite is not None and invite.state in (TRYING, RINGING)
            self.observer.saw_cancel(str(request.getHFBody("call-id")), in_time=in_time)
        super().incomingRequest(request, digest, ids, server)


class Dialog(UA):  # type: ignore[misc]
    """A sippy user agent that remembers that its 200 was never acknowledged."""

    unacknowledged = False

    def disconnect(self, rtime: Any = None, origin: Any = None) -> None:
        """End it because no ACK came (sippy calls this for nothing else that we use)."""
        self.unacknowledged = True
        super().disconnect(rtime, origin)
