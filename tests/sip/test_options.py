"""OPTIONS to a peer, over real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.options import NoReply, Reply, ask, parse

LIMIT_S = 1.2
"""Long enough for one repetition of the request."""


@contextmanager
def peer(answer: Callable[[bytes, int], list[bytes]]) -> Iterator[int]:
    """A UDP peer on loopback: `answer` makes packets of a request and its ordinal. Gives its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(10)
        over = threading.Event()

        def serve() -> None:
            count = 0
            while not over.is_set():
                request, sender = line.recvfrom(4096)
                for packet in answer(request, count) if request != b"over" else ():
                    line.sendto(packet, sender)
                count += 1

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield line.getsockname()[1]
        finally:
            over.set()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"over", line.getsockname())
            thread.join()


def reply(request: bytes, status: str) -> bytes:
    """A response that carries the request's Call-ID."""
    call = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"call-id:"))
    return b"SIP/2.0 " + status.encode() + b"\r\n" + call + b"\r\nContent-Length: 0\r\n\r\n"


def asked(port: int) -> Reply:
    return ask("127.0.0.1", port, bind_address="127.0.0.1", user_agent="test", limit_s=LIMIT_S)


@pytest.mark.parametrize(
    ("status", "serves"), [("200 OK", True), ("404 Not Found", True), ("501 No", True), ("503 Full", False)]
)
def test_who_answers_is_there(status: str, serves: bool) -> None:
    """Whatever the code; a fault of the peer's own says that it takes no calls."""
    with peer(lambda request, _: [reply(request, status)]) as port:
        heard = asked(port)

    assert (f"{heard.status} {heard.reason}", heard.serves) == (status, serves)


def test_a_lost_request_is_sent_again() -> None:
    """UDP loses packets; the second one is answered."""
    with peer(lambda request, count: [reply(request, "200 OK")] if count else []) as port:
        assert asked(port).status == 200


def test_what_answers_something_else_is_no_answer() -> None:
    """Provisional responses, other calls and noise are passed over until the limit."""
    noise = [b"SIP/2.0 200 OK\r\nCall-ID: other\r\n\r\n", b"\xff\x00", b""]
    with (
        peer(lambda request, _: [*noise, reply(request, "100 Trying")]) as port,
        pytest.raises(NoReply, match="within"),
    ):
        asked(port)


def test_a_closed_port_is_said_at_once() -> None:
    """The system tells, so nobody waits."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        port = line.getsockname()[1]

    with pytest.raises(NoReply, match="refused"):
        asked(port)


def test_a_name_that_is_none_is_said() -> None:
    """The reserved top-level domain `invalid` never resolves (RFC 6761)."""
    with pytest.raises(NoReply, match="cannot be resolved"):
        ask("carrier.invalid", 5060, bind_address="127.0.0.1", user_agent="test", limit_s=LIMIT_S)


@given(st.binary(max_size=300))
def test_no_packet_is_too_odd_to_read(packet: bytes) -> None:
    """Anybody may send anything to a port."""
    assert parse(packet, "call") is None


def test_a_reason_is_printable_and_short() -> None:
    """It goes to a terminal."""
    packet = b"SIP/2.0 200 \x1b[31m" + b"x" * 100 + b"\r\ni: call\r\n\r\n"

    assert parse(packet, "call") == (200, "[31m" + "x" * 60)
