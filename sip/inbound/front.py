"""The door of a pool: who may come to it, and room in a worker for who is answered."""

from __future__ import annotations

import time
from collections.abc import Callable

from sip.blame import Blame, Peer
from sip.causes import Cause, Leg
from sip.inbound.door import Door
from sip.inbound.messages import Answer, Arrived, Reject
from sip.messages import SLOTS_PER_CALL, Ended
from sip.placement import Placement
from sip.settings import PoolStartError, Trunk


class Front:
    """Without a `port` (0) nobody comes in."""

    def __init__(
        self, host: str, port: int, placement: Placement, blame: Blame, tell: Callable[[Arrived | Ended], None]
    ) -> None:
        """Raises `PoolStartError` where the port cannot be had."""
        self._placement = placement
        self._blame = blame
        self._tell = tell
        try:
            self._door = Door(host, port, tell) if port else None
        except OSError as error:
            raise PoolStartError(f"inbound.port {port}: {error.strerror}") from error
        self._trunks: tuple[Trunk, ...] = ()
        self._worker_ports: dict[int, int] = {}

    @property
    def turned_away(self) -> int:
        """Calls that came too fast to be told of."""
        return 0 if self._door is None else self._door.turned_away

    async def keep(self) -> None:
        """Let callers in, until cancelled."""
        if self._door is None:
            return
        try:
            await self._door.keep()
        finally:
            self._door.close()
            self._door = None

    def trunks_are(self, trunks: tuple[Trunk, ...]) -> None:
        """The trunks with their addresses, from now on."""
        self._trunks = trunks
        self._hear()

    def worker_is_at(self, worker: int, sip_port: int | None) -> None:
        """The SIP port of a worker; None: it is gone."""
        if sip_port is None:
            self._worker_ports.pop(worker, None)
        else:
            self._worker_ports[worker] = sip_port
        self._hear()

    def _hear(self) -> None:
        if self._door is not None:
            self._door.hear(self._trunks, self._worker_ports.values())

    def decided(self, order: Answer | Reject, *, stopping: bool) -> Answer | None:
        """Do what was decided on a call; returns the order for the worker that has room for it, which `placement`
        knows. None: it was refused, its caller has given up, or there is no room, and all is said."""
        if self._door is None:
            return None
        if isinstance(order, Reject):
            self._door.reject(order.call, order.sip_code)
            return None
        if stopping or self._placement.place(order.call, SLOTS_PER_CALL) is None:
            if self._door.reject(order.call, 486):
                why = "no worker has room"
                self._tell(Ended(order.call, time.monotonic(), Cause.NOT_SENT, Leg.DIALER, 486, 0, why))
            return None
        filled = self._door.hand_over(order)
        if filled is None:
            self._placement.free(order.call)
        else:
            self._blame.takes_part(order.call, Peer(order.trunk, is_trunk=True))
        return filled
