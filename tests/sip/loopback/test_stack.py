"""sippy kept to loopback."""

from __future__ import annotations

import queue

from sip.loopback.stack import LoopbackSocket, SocketOptions


def test_nothing_is_sent_off_this_host() -> None:
    """A datagram for any other host is dropped, whatever a Contact or Via header asked for."""
    server = LoopbackSocket({}, SocketOptions(("127.0.0.1", 0), None))
    threads_queue, server.sendqueue = server.sendqueue, queue.Queue()
    for host in ("192.0.2.1", "example.com", "[2001:db8::1]", "127.0.0.1"):
        server.send_to("OPTIONS", (host, 5060))
    sent = server.sendqueue.get_nowait()
    assert sent == (b"OPTIONS", ("127.0.0.1", 5060))
    assert server.sendqueue.empty()
    server.sendqueue = threads_queue
    server.shutdown()
