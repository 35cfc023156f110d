"""The RTP and RTCP sockets of one leg, and from whom they take packets."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterable, Iterator
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from sip.address import ipv4
from sip.worker.socket_filter import Sender, attach_filter, permit


class MediaSockets:
    """Duplicates of the sockets that the library has opened for a leg. Nobody is heard before an answer says who sends.

    `sources` are networks from which the trunk sends besides. `poller` is told of the sockets once somebody is heard.
    """

    def __init__(
        self, sockets: Iterable[socket.socket], poller: select.epoll, sources: Iterable[IPv4Network] = ()
    ) -> None:
        by_port = sorted(sockets, key=lambda each: int(each.getsockname()[1]))
        self._rtp, self._rtcp = by_port[:1], by_port[1:]
        self._sources = tuple(Sender(network) for network in sources)
        self._poller = poller
        self._is_heard = False
        self._behind_nat: IPv4Address | None = None
        self._permit((), ())

    def __iter__(self) -> Iterator[socket.socket]:
        return iter((*self._rtp, *self._rtcp))

    def hear(self, rtp_address: str, signalled_from: str) -> None:
        """Take packets from where an answer says that they come from (`HOST:PORT`), and RTCP from that host.

        A far end whose private address differs from the one that its signalling came from is behind NAT: its packets
        may come from the latter, from any port until the first has come (`learn`).
        """
        named, signalled = _endpoint(rtp_address), _endpoint(signalled_from)
        if named is None or not int(named[0]):
            return  # on hold in the way of RFC 2543: nothing is to come
        address, port = named
        hosts = [Sender(IPv4Network(address))]
        exact = [Sender(IPv4Network(address), port)]
        self._behind_nat = None
        if signalled is not None and address.is_private and signalled[0] != address:
            self._behind_nat = signalled[0]
            hosts.append(Sender(IPv4Network(self._behind_nat)))
            exact.append(Sender(IPv4Network(self._behind_nat)))
        self._permit(exact, hosts)
        if not self._is_heard:
            self._is_heard = True
            for each in self:
                self._poller.register(each, select.EPOLLIN)

    def learn(self, source: str) -> None:
        """A packet came from `HOST:PORT`; behind NAT no other port of that host is heard from now on."""
        seen = _endpoint(source)
        if seen is not None and self._behind_nat is not None and seen[0] == self._behind_nat:
            self._behind_nat = None
            self._permit([Sender(IPv4Network(seen[0]), seen[1])], [Sender(IPv4Network(seen[0]))])

    def close(self) -> None:
        """Let go of the duplicates, so that the ports are free once the library has closed its own."""
        for each in self:
            if self._is_heard:
                self._poller.unregister(each)
            each.close()
        self._rtp, self._rtcp = [], []

    def _permit(self, rtp: Iterable[Sender], rtcp: Iterable[Sender]) -> None:
        for each in self._rtp:
            attach_filter(each, permit((*rtp, *self._sources)))
        for each in self._rtcp:
            attach_filter(each, permit((*rtcp, *self._sources)))


def _endpoint(text: str) -> tuple[IPv4Address, int] | None:
    host, _, port = text.rpartition(":")
    try:
        return ipv4(host), int(port)
    except (AddressValueError, ValueError):
        return None
