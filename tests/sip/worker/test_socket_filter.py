"""The kernel's programs, on real sockets. With the SIP library behind them they are in test_strangers.py."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network

import pytest

from sip.worker.socket_filter import Sender, attach_filter, attach_selector, permit, selector
from tests.sip.conftest import udp_socket


def received(target: socket.socket) -> list[bytes]:
    target.setblocking(False)
    datagrams = []
    while True:
        try:
            datagrams.append(target.recv(2048))
        except BlockingIOError:
            return datagrams


@pytest.mark.parametrize(
    ("networks", "heard"),
    [
        ([], []),
        (["127.0.0.2/32"], [b"127.0.0.2"]),
        (["127.0.1.0/24"], [b"127.0.1.3"]),
        (["127.0.0.0/8"], [b"127.0.0.2", b"127.0.1.3", b"127.0.2.4"]),
        ([f"127.9.{number}.9/32" for number in range(250)] + ["127.0.2.4/32"], [b"127.0.2.4"]),
    ],
)
def test_only_permitted_senders_are_heard(networks, heard):
    """Single hosts and networks, many of them, and nobody else."""
    with udp_socket() as target:
        attach_filter(target, permit(Sender(IPv4Network(text)) for text in networks))
        for address in ("127.0.0.2", "127.0.1.3", "127.0.2.4"):
            with udp_socket(address) as sender:
                sender.sendto(address.encode(), target.getsockname())
        assert received(target) == heard


def test_a_sender_may_be_bound_to_a_port():
    """One port of a host is heard, its others are not."""
    with udp_socket() as target, udp_socket() as friend, udp_socket() as neighbour:
        attach_filter(target, permit([Sender(IPv4Network("127.0.0.1/32"), friend.getsockname()[1])]))
        for sender, text in ((friend, b"friend"), (neighbour, b"neighbour")):
            sender.sendto(text, target.getsockname())
        assert received(target) == [b"friend"]


SCREEN = [
    *(b"BYE sip:x", b"CANCEL sip:x"),
    *(b"SIP/2.0 100 Trying", b"SIP/2.0 302 Moved", b"SIP/2.0 503 Busy", b"SIP/2.0 600 Busy"),
    *(b"SIP/2.0 180 Ringing", b"SIP/2.0 183 Progress", b"SIP/2.0 199 Early", b"SIP/2.0 200 OK", b"SIP/2.0 486 Busy"),
    *(b"SIP/2.0 202 Accepted", b"SIP/2.0 422 Too Small", b"SIP/2.0 110 Odd"),
    *(b"SIP/2.0200 OK", b"SIP/2.0  200 OK", b"SIP/2.00 503 Busy", b"sip/2.0 503 Busy", b"SIP/3.0 503 Busy"),
    *(b"ACK sip:x", b"PRACK sip:x", b"UPDATE sip:x", b"INVITE sip:0123abcd@host SIP/2.0", b"OPTIONS sip:x"),
    *(b"INFO sip:x", b"MESSAGE sip:x", b"bye sip:x", b" BYE sip:x", b"\r\n\r\n", b"\x00\x01\x02\x03"),
]


def test_each_datagram_goes_to_its_socket():
    """What others send reaches the screen; what we send ourselves the library."""
    with udp_socket() as library, udp_socket() as sender:
        library.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        host, port = library.getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as screen:
            screen.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            screen.bind((host, port))
            attach_selector(library, selector(IPv4Address(host), (1, port)))
            for text in SCREEN:
                sender.sendto(text, (host, port))
            assert received(library) == []
            assert received(screen) == SCREEN
            for text in SCREEN:
                screen.sendto(text, (host, port))
            assert received(library) == SCREEN
