"""The standing legs of a pool: which worker keeps which, the token by which talks come to it, and which talk is there.
Pure bookkeeping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sip.messages import DialAgent
from sip.parties.messages import DialParty
from sip.placement import Placement
from sip.standing.messages import FreeStanding


class StandingLegs:
    """`host` is where workers are called, `placement` knows which call is in which of them."""

    def __init__(self, host: str, placement: Placement) -> None:
        self._host = host
        self._placement = placement
        self._ports: dict[int, int] = {}
        self._tokens: dict[str, str] = {}
        self._standing_of: dict[str, str] = {}

    def worker_is_at(self, worker: int, sip_port: int) -> None:
        """A worker has started."""
        self._ports[worker] = sip_port

    def begin(self, call: str, token: str) -> None:
        """A standing leg is dialled."""
        self._tokens[call] = token

    def led_to(self, order: DialAgent | DialParty) -> DialAgent | DialParty | None:
        """The order with the way to its agent's standing leg; None where that has ended."""
        token, worker = self._tokens.get(order.standing), self._placement.worker_of(order.standing)
        if token is None or worker is None:
            return None
        self._standing_of[order.call] = order.standing
        return replace(order, uri=f"sip:{token}@{self._host}:{self._ports[worker]}")

    def ended(self, call: str) -> None:
        """A standing leg, or a talk, is over."""
        self._tokens.pop(call, None)
        self._standing_of.pop(call, None)

    def lost(self, calls: list[str]) -> Iterator[FreeStanding]:
        """The worker of these calls is gone, without a word to the workers of the standing legs that some were on."""
        for call in calls:
            standing = self._standing_of.get(call)
            self.ended(call)
            if standing is not None:
                yield FreeStanding(standing)
