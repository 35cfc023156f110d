"""Orders to ring a telephone, an agent's or a third party's, on their way to a worker: names of hosts are looked up,
and phones with whose calls workers kept crashing are left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import trio

from sip import address
from sip.blame import Blame, Peer
from sip.causes import Cause
from sip.messages import DialAgent
from sip.names import Names
from sip.parties.messages import DialParty
from sip.placement import Placement

Order = DialAgent | DialParty


class Phones:
    """`send` is given what may go to the worker of its call, `fail` what may not, with the cause. `at_edge`: phones are
    called through the edge, and no name of theirs means anything here."""

    def __init__(
        self,
        names: Names,
        blame: Blame,
        placement: Placement,
        send: Callable[[Order], None],
        fail: Callable[[Order, Cause], None],
        *,
        at_edge: bool,
    ) -> None:
        self._names = names
        self._blame = blame
        self._placement = placement
        self._send = send
        self._fail = fail
        self._at_edge = at_edge
        self._looking_up: dict[tuple[str, str], Order] = {}

    def dial(self, order: Order, nursery: trio.Nursery) -> None:
        """Send an order on, now or when its phone's name is known. Ignored where its call is over."""
        phone = Peer(order.uri, is_trunk=False)
        name = "" if self._at_edge else address.name_of(order.uri)
        addresses = self._names.cached(name) if name else ()
        if self._placement.worker_of(order.call) is None:
            return
        if self._blame.rests(phone, trio.current_time()):
            self._fail(order, Cause.UNREACHABLE)
        elif addresses is None:
            self._looking_up[_key(order)] = order
            nursery.start_soon(self._look_up_and_dial, name, order, nursery)
        else:
            self._blame.takes_part(order.call, phone)
            self._send(replace(order, address=addresses[0] if addresses else ""))

    def withdraw(self, call: str, leg: str = "") -> bool:
        """Fail an order whose name is still being looked up; whether there was one."""
        order = self._looking_up.pop((call, leg), None)
        if order is not None:
            self._fail(order, Cause.CANCELLED)
        return order is not None

    async def _look_up_and_dial(self, name: str, order: Order, nursery: trio.Nursery) -> None:
        await self._names.addresses(name)
        if self._looking_up.pop(_key(order), None) is not None:
            self.dial(order, nursery)


def _key(order: Order) -> tuple[str, str]:
    return order.call, order.leg if isinstance(order, DialAgent) else ""
