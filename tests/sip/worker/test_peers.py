"""Who may send: trunks always, phones while they are dialled and for a while."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from sip.worker.peers import REMEMBERED, Peers
from sip.worker.socket_filter import Sender

OWN = Sender(IPv4Network("127.0.0.1/32"), 5080)
TRUNK = IPv4Network("192.0.2.0/28")


def phone(number: int) -> IPv4Address:
    return IPv4Address("198.51.0.0") + number


def hosts(peers: Peers) -> set[IPv4Network]:
    return {sender.network for sender in peers.senders()}


def test_trunks_and_ourselves_are_always_heard():
    """Ourselves from one port only."""
    assert list(Peers([OWN], [TRUNK, TRUNK]).senders()) == [OWN, Sender(TRUNK)]


def test_news_is_only_what_was_not_permitted():
    """The filter is renewed only when it changes."""
    peers = Peers([OWN], [TRUNK])
    assert not peers.use(TRUNK[3])
    assert [peers.use(phone(1)), peers.use(phone(1))] == [True, False]
    peers.leave(phone(1))
    peers.leave(phone(1))
    assert not peers.use(phone(1))


def test_the_latest_stay_and_those_in_use():
    """A long talk's phone stays permitted, however many others come and go."""
    peers = Peers([OWN], [])
    peers.use(phone(0))
    for number in range(1, REMEMBERED + 3):
        peers.use(phone(number))
        peers.leave(phone(number))
    assert IPv4Network(phone(0)) in hosts(peers)
    assert IPv4Network(phone(2)) not in hosts(peers)
    assert len(hosts(peers)) == REMEMBERED + 2
