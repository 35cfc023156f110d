"""Calls over a line that loses three packets of ten, in both directions."""

from __future__ import annotations

import random
import selectors
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sip.causes import Cause
from sip.loopback.process import start_loopback
from sip.messages import SLOTS_PER_CALL, AgentEnded, Answered, Bridged, Dial, DialAgent, Ended, HangUp, SlotsHeld
from tests.sip.conftest import udp_socket

LOSS = 0.3
CALLS = 10


class LossyLine:
    """A relay of datagrams to 127.0.0.1:`to`; each who sends gets a socket of its own on the far side. Where the far
    end names itself, the relay names its own port, so that what belongs to a call comes this way, too."""

    def __init__(self, to: int, seed: int) -> None:
        self.near, self._to, self._draw = udp_socket(), ("127.0.0.1", to), random.Random(seed)
        self.port = self.near.getsockname()[1]
        self._theirs, self._ours = f"127.0.0.1:{to}".encode(), f"127.0.0.1:{self.port}".encode()
        self.lost = 0
        self._far: dict[tuple[str, int], socket.socket] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def _carry(self) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(self.near, selectors.EVENT_READ, None)
            while not self._stopped.is_set():
                for key, _ in ready.select(0.05):
                    if key.data is None:
                        data, sender = self.near.recvfrom(65536)
                        if sender not in self._far:
                            self._far[sender] = udp_socket()
                            ready.register(self._far[sender], selectors.EVENT_READ, sender)
                        self._pass(self._far[sender], data, self._to)
                    else:
                        data = self._far[key.data].recv(65536)
                        self._pass(self.near, data.replace(self._theirs, self._ours), key.data)

    def _pass(self, out: socket.socket, data: bytes, to: tuple[str, int]) -> None:
        if self._draw.random() < LOSS:
            self.lost += 1
        else:
            out.sendto(data, to)

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()
        for each in (self.near, *self._far.values()):
            each.close()


@pytest.fixture
def lossy(tmp_path: Path) -> Iterator[tuple[LossyLine, LossyLine]]:
    """A line to a carrier whose callees answer at once, and one to the agents' phones."""
    profile = tmp_path / "loss.toml"
    profile.write_text('name = "loss"\n[shares]\nanswer = 1.0\n[ring]\nmean_s = 0.1\n[talk]\nmean_s = 600.0\n')
    with start_loopback(profile, max_seconds=120) as far_end:
        lines = LossyLine(far_end.carrier_port, 1), LossyLine(far_end.phones_port, 2)
        yield lines
        for line in lines:
            line.close()


def test_every_call_ends_once_and_most_are_bridged_over_a_line_that_loses_three_packets_of_ten(worker, lossy):
    """Lost requests and answers are repeated, in the call as well; no call hangs."""
    callee, phone = lossy
    tested = worker(callee.port, media_timeout_s=0.0, session_refresh_s=0.0)
    ends: Counter[str] = Counter()
    dialled = bridged = held = 0
    while len(ends) < CALLS:
        in_use = held + SLOTS_PER_CALL * (dialled - len(ends))
        if dialled < CALLS and in_use + SLOTS_PER_CALL <= tested.ready.slots:
            tested.send(Dial(f"c{dialled}", "carrier", f"+493012345{dialled:02}", "+4930999", 60.0))
            dialled += 1
            continue
        match tested.until((Answered, Bridged, AgentEnded, Ended, SlotsHeld), within_s=60.0):
            case Answered(call):
                tested.send(DialAgent(call, f"{call}.1", f"sip:agent-{call}@127.0.0.1:{phone.port}", "138****5678"))
            case Bridged(call):
                bridged += 1
                tested.send(HangUp(call))
            case AgentEnded(call):
                tested.send(HangUp(call))
            case Ended(call, _, cause):
                ends[call] += 1
                assert cause in {Cause.NORMAL, Cause.TRUNK_UNREACHABLE}
            case SlotsHeld(held):
                pass  # a BYE is on its way
    assert set(ends.values()) == {1}
    assert bridged >= CALLS // 2, f"{bridged} of {CALLS}"
    assert callee.lost + phone.lost > CALLS, "the lines lost nothing"
