"""The process that listens to all answered lines of a host, at a low priority: orders in, replies out (`orders`).

It ends with its input. It is a process of its own so that the voice detector is in no worker: what crashes here costs
verdicts and no call.
"""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress
from typing import Final

import msgspec

from sip.detection.line import Line
from sip.detection.messages import NOTHING_HEARD
from sip.detection.orders import Order, Reply

LOW_PRIORITY: Final = 10
POLL_S: Final = 0.04
"""How often files are looked at: they grow four times a second."""

MOST_LINES: Final = 1000
"""Lines at a time; who comes on top gets no verdict."""

LONGEST_INPUT_BYTES: Final = 1_048_576
READ_BYTES: Final = 65_536


def main() -> None:
    """Listen until the input ends."""
    os.nice(LOW_PRIORITY)
    orders = msgspec.json.Decoder(Order)
    lines: list[Line] = []
    unread = b""
    while True:
        ready, _, _ = select.select([0], [], [], POLL_S if lines else None)
        if ready:
            data = os.read(0, READ_BYTES)
            if not data or len(unread) > LONGEST_INPUT_BYTES:
                return
            *whole, unread = (unread + data).split(b"\n")
            for order in map(orders.decode, whole):
                if len(lines) < MOST_LINES:
                    lines.append(Line(order, time.monotonic()))
                else:
                    _say(Reply(order.call, NOTHING_HEARD))
        now = time.monotonic()
        for line in lines:
            for reply in line.listen(now):
                _say(reply)
        lines = [line for line in lines if not line.is_over]


def _say(reply: Reply) -> None:
    data = msgspec.json.encode(reply) + b"\n"
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # the daemon is gone
        main()
