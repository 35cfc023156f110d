"""Orders to ring a telephone, an agent's or a third party's, on their way to a worker: names of hosts are looked up,
and phones with whose calls workers kept crashing are left alone. An agent whose phone stays on the line is reached
through the worker that keeps it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import trio

from sip import address
from sip.blame import Blame, Peer
from sip.causes import Cause, Leg
from sip.messages import SLOTS_PER_CALL, AgentEnded, Dial, DialAgent, Ended
from sip.names import Names
from sip.parties.messages import DialParty
from sip.placement import Placement
from sip.standing.legs import StandingLegs
from sip.standing.messages import DialStanding

Order = DialAgent | DialParty | DialStanding
TOKEN_BYTES: Final = 16


class Phones:
    """`send` is given what may go to the worker of its call, and `tell` what has failed. `at_edge`: phones are called
    through the edge, and no name of theirs means anything here."""

    def __init__(
        self,
        names: Names,
        blame: Blame,
        placement: Placement,
        standing: StandingLegs,
        send: Callable[[Order], None],
        tell: Callable[[AgentEnded | Ended], None],
        *,
        at_edge: bool,
    ) -> None:
        self._names = names
        self._blame = blame
        self._placement = placement
        self._standing = standing
        self._send = send
        self._tell = tell
        self._at_edge = at_edge
        self._looking_up: dict[tuple[str, str], Order] = {}

    def dial_beside(self, order: DialParty | DialStanding, nursery: trio.Nursery) -> None:
        """The same for a call of its own, which takes its slots beside those of calls."""
        slots, there = (SLOTS_PER_CALL, "") if isinstance(order, DialStanding) else (1, order.standing)
        if self._placement.place(order.call, slots, beside=True, apart_from=there) is None:
            self._tell(not_sent(order, "no worker has room"))
            return
        if isinstance(order, DialStanding):
            order = replace(order, token=secrets.token_hex(TOKEN_BYTES))
            self._standing.begin(order.call, order.token)
        self.dial(order, nursery)

    def dial(self, order: Order, nursery: trio.Nursery) -> None:
        """Send an order on, now or when its phone's name is known. Ignored where its call is over."""
        if isinstance(order, DialAgent | DialParty) and order.standing:
            self._dial_standing(order)
        else:
            self._dial_phone(order, nursery)

    def _dial_standing(self, order: DialAgent | DialParty) -> None:
        filled = self._standing.led_to(order)
        if filled is None:
            self._fail(order, Cause.UNREACHABLE)
        elif self._placement.worker_of(order.call) is not None:
            self._send(filled)

    def _dial_phone(self, order: Order, nursery: trio.Nursery) -> None:
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

    def _fail(self, order: Order, cause: Cause) -> None:
        """No worker is asked to ring this phone."""
        if self._placement.worker_of(order.call) is None:
            return
        if isinstance(order, DialAgent):
            self._tell(AgentEnded(order.call, order.leg, time.monotonic(), cause, 0))
            return
        self._placement.free(order.call)
        self._blame.forget(order.call)
        self._standing.ended(order.call)
        self._tell(not_sent(order, "the phone was not rung", cause))

    async def _look_up_and_dial(self, name: str, order: Order, nursery: trio.Nursery) -> None:
        await self._names.addresses(name)
        if self._looking_up.pop(_key(order), None) is not None:
            self.dial(order, nursery)


def not_sent(order: Dial | DialParty | DialStanding, reason: str, cause: Cause = Cause.NOT_SENT) -> Ended:
    """The end of a call of which nothing has left this host."""
    return Ended(order.call, time.monotonic(), cause, Leg.DIALER, 0, 0, reason)


def _key(order: Order) -> tuple[str, str]:
    return order.call, order.leg if isinstance(order, DialAgent) else ""
