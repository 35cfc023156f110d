"""Addresses of hosts that are given by name: looked up in threads, outside the workers, and remembered for a while."""

from __future__ import annotations

import socket
from typing import Final

import trio

from sip import address
from sip.messages import Trunk

FRESH_S: Final = 60.0
"""How long an answer is used without asking again. The system's resolver does not say how long it holds."""

FAILURE_FRESH_S: Final = 5.0
LOOKUP_LIMIT_S: Final = 5.0
NAMES_LIMIT: Final = 4096


class Names:
    """A cache of IPv4 addresses by host name."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}

    def cached(self, host: str) -> tuple[str, ...] | None:
        """What is known of a name and not too old; None if it has to be looked up."""
        until, addresses = self._known.get(host, (0.0, ()))
        return addresses if trio.current_time() < until else None

    async def addresses(self, host: str) -> tuple[str, ...]:
        """The IPv4 addresses of a name, in the resolver's order; none if it has none, or says nothing in time."""
        known = self.cached(host)
        if known is not None:
            return known
        addresses: tuple[str, ...] = ()
        with trio.move_on_after(LOOKUP_LIMIT_S):
            try:
                rows = await trio.socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)
            except (OSError, UnicodeError):
                rows = []
            addresses = tuple(dict.fromkeys(str(row[4][0]) for row in rows))
        if len(self._known) >= NAMES_LIMIT:
            self._known.clear()
        self._known[host] = (trio.current_time() + (FRESH_S if addresses else FAILURE_FRESH_S), addresses)
        return addresses

    async def with_addresses(self, trunks: tuple[Trunk, ...]) -> tuple[Trunk, ...]:
        """The trunks with the addresses of their names; those known before where nothing is said now."""
        hosts = dict.fromkeys(trunk.host for trunk in trunks if address.is_name(trunk.host))
        answers: dict[str, tuple[str, ...]] = {}

        async def look_up(host: str) -> None:
            answers[host] = await self.addresses(host)

        async with trio.open_nursery() as nursery:
            for host in hosts:
                nursery.start_soon(look_up, host)
        return tuple(address.with_addresses(trunk, answers.get(trunk.host, ())) for trunk in trunks)
