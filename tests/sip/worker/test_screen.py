"""The screen alone, with plain sockets for the library and the far end."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from sip.worker.screen import Screen
from sip.worker.socket_filter import attach_selector, selector
from tests.sip.conftest import udp_socket


class KnownLeg:
    invite = "INVITE sip:a@b SIP/2.0\r\nFrom: <sip:us>;tag=ours\r\n"
    answered = True


@pytest.fixture
def library() -> Iterator[socket.socket]:
    with udp_socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        yield made


@pytest.fixture
def screen(library: socket.socket) -> Iterator[Screen]:
    """A screen that knows one leg, of the Call-ID "alive"."""
    host, port = library.getsockname()
    made = Screen(host, port, {"alive": KnownLeg()}.get, lambda _, __: None)
    attach_selector(library, selector(IPv4Address(host), (port, made.relay.getsockname()[1])))
    yield made
    made.socket.close()
    made.relay.close()


@pytest.mark.parametrize(
    "line", ["422 Session Interval Too Small", "407 Proxy Authentication Required", "401 Unauthorized"]
)
@pytest.mark.parametrize(
    ("call", "method", "passes"),
    [
        ("alive", "INVITE", True),
        ("alive", "UPDATE", True),
        ("over", "INVITE", False),
        ("over", "UPDATE", False),
        ("over", "BYE", True),
    ],
)
def test_a_refresh_that_is_refused_after_our_bye_is_of_a_call_that_is_gone(
    library: socket.socket, screen: Screen, line: str, call: str, method: str, passes: bool
) -> None:
    """The library would try it again without a dialog and end the process; a 481 ends it. Other refusals pass."""
    text = (
        f"SIP/2.0 {line}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nTo: <sip:a>;tag=t\r\nFrom: <sip:us>;tag=ours\r\n"
        f"Call-ID: {call}\r\nCSeq: 7 {method}\r\nMin-SE: 3600\r\nContent-Length: 0\r\n\r\n"
    )
    with udp_socket() as far_end:
        far_end.sendto(text.encode(), library.getsockname())
        screen.handle({screen.socket.fileno()})
    heard = library.recv(2048).decode()
    assert heard == (text if passes else text.replace(line, "481 Call Does Not Exist"))


def answer(line: str, to: str, *headers: str) -> bytes:
    lines = (
        *(f"SIP/2.0 {line}", "Via: SIP/2.0/UDP h;branch=z9hG4bKx", f"To: {to}", "From: <sip:us>;tag=ours"),
        *("Call-ID: alive", "CSeq: 7 INVITE", *headers, "Content-Length: 0", "", ""),
    )
    return "\r\n".join(lines).encode()


def test_an_answer_without_a_tag_after_one_with_a_tag_is_dropped(library: socket.socket, screen: Screen) -> None:
    """Of a peer that never has one it passes; other parameters of the header do not matter."""
    passes = [
        answer("180 Ringing", "<sip:a;tag=x@h>"),
        answer("200 OK", '"tag=x" <sip:a>'),
        answer("180 Ringing", "<sip:a>;x=y;Tag=t;z"),
        answer("200 OK", "sip:a;tag=t"),
        answer("486 Busy", "<sip:a>"),
    ]
    with udp_socket() as far_end:
        for text in (*passes[:3], answer("200 OK", "<sip:a>;tag="), answer("183 x", "<sip:a;tag=t>"), *passes[3:]):
            far_end.sendto(text, library.getsockname())
        screen.handle({screen.socket.fileno()})
    assert [library.recv(2048) for _ in passes] == passes
    library.setblocking(False)
    with pytest.raises(BlockingIOError):
        library.recv(2048)


@pytest.mark.parametrize("header", ["To: <sip:b>;tag=2", "t: <sip:b>", "CSeq: 1 BYE", "i: other", "From: <sip:us>"])
def test_an_answer_that_says_something_twice_is_dropped(library: socket.socket, screen: Screen, header: str) -> None:
    """The library may take the one where we took the other."""
    with udp_socket() as far_end:
        far_end.sendto(answer("200 OK", "<sip:a>;tag=t", header), library.getsockname())
        screen.handle({screen.socket.fileno()})
    library.setblocking(False)
    with pytest.raises(BlockingIOError):
        library.recv(2048)
