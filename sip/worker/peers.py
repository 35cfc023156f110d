"""Who may send to a worker's SIP port: the trunks, and whom the worker itself has just dialled."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from sip.worker.socket_filter import Sender

REMEMBERED: Final = 64
"""Addresses dialled that stay permitted, latest first: a phone may still repeat a BYE after its call is over."""


class Peers:
    """The permitted senders of one worker: fixed ones, addresses in use, and those used lately."""

    def __init__(self, own: Iterable[Sender], fixed: Iterable[IPv4Network]) -> None:
        self._own = tuple(own)
        self._fixed = tuple(dict.fromkeys(fixed))
        self._in_use: dict[IPv4Address, int] = {}
        self._lately: OrderedDict[IPv4Address, None] = OrderedDict()

    def senders(self) -> Iterator[Sender]:
        """All who may send. Ourselves only from ports of ours: other processes of this host are strangers."""
        yield from self._own
        for network in self._fixed:
            yield Sender(network)
        for address in {**self._lately, **self._in_use}:
            yield Sender(IPv4Network(address))

    def use(self, address: IPv4Address) -> bool:
        """Permit the far end of a leg, for as long as it takes; whether that is news."""
        news = not self._permits(address)
        self._in_use[address] = self._in_use.get(address, 0) + 1
        return news

    def leave(self, address: IPv4Address) -> None:
        """The leg is over. Its address stays permitted until enough others have come."""
        self._in_use[address] -= 1
        if not self._in_use[address]:
            del self._in_use[address]
        self._lately[address] = None
        self._lately.move_to_end(address)
        if len(self._lately) > REMEMBERED:
            self._lately.popitem(last=False)

    def _permits(self, address: IPv4Address) -> bool:
        return address in self._in_use or address in self._lately or any(address in network for network in self._fixed)
