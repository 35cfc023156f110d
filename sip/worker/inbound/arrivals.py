"""An INVITE from outside on its way into the library, and the leg that comes of it.

The library sees one such INVITE at a time, when the daemon has said that it is to be answered: it is put to the library
by the screen, and answered in the same turn.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from sip.inbound.messages import Answer
from sip.worker import sip_text
from sip.worker.dialog import Dialog, Fact
from sip.worker.inbound.called import CalledDialog
from sip.worker.screen import Screen
from sip.worker.socket_filter import socket_on, udp_sockets

TURNS: Final = 20
TURN_MS: Final = 5
"""The INVITE is in the library's socket when it has been sent, and is read in the first turn or the second."""


class ArrivedDialog(CalledDialog):
    """The leg of somebody who calls us. It has been answered when the caller's ACK has come. `sockets` are duplicates
    of those that the library has opened for its audio."""

    def __init__(self, order: Answer, account: Any, facts: deque[tuple[Dialog, Fact]], number: int) -> None:
        super().__init__(order.call, account, facts, number)
        self.call_id = sip_text.call_id(order.invite)
        self.destination = order.source
        self.heard = True
        self._keeps_timer = sip_text.keeps_timer(order.invite)
        self.sockets: list[socket.socket] = []


class Arrivals:
    """`handle_events` gives the library a turn of so many milliseconds; `otherwise` has any other call that comes."""

    def __init__(
        self,
        screen: Screen,
        handle_events: Callable[[int], object],
        facts: deque[tuple[Dialog, Fact]],
        otherwise: Callable[[Any, int], None],
    ) -> None:
        self._screen = screen
        self._handle_events = handle_events
        self._facts = facts
        self._otherwise = otherwise
        self._expected: Answer | None = None
        self._came: ArrivedDialog | None = None

    def let_in(self, order: Answer) -> ArrivedDialog | None:
        """Put an INVITE to the library; None where it makes no call of it: that has been answered then."""
        self._expected = order
        before = _udp_ports()
        if self._screen.let_in(order.invite, order.door):
            for _ in range(TURNS):
                self._handle_events(TURN_MS)
                if self._came is not None:
                    break
        came, self._came, self._expected = self._came, None, None
        if came is None:
            self._screen.refuse(order.invite, order.door)
        else:
            came.sockets = [socket_on(port) for port in _udp_ports() - before]
        return came

    def came(self, account: Any, number: int) -> None:
        """The library has a new call."""
        order, self._expected = self._expected, None
        if order is None:
            self._otherwise(account, number)
        else:
            self._came = ArrivedDialog(order, account, self._facts, number)


def _udp_ports() -> set[int]:
    ports = set()
    for each in udp_sockets():
        ports.add(int(each.getsockname()[1]))
        each.close()
    return ports
