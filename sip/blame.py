"""Which trunk or agent's phone keeps killing workers: pure bookkeeping.

The SIP library aborts its process on some input. Who sent it cannot be seen from outside, but who had a call in that
worker can. A phone is suspected before a trunk: it has few calls, and a trunk is part of every one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

DEATHS_TO_REST: Final = 3
START_DEATHS: Final = 3
WINDOW_S: Final = 300.0
REST_S: Final = 300.0
CRASHES: Final = frozenset({-4, -6, -7, -8, -11})
"""SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV: a worker's own doing, on somebody's input. Others come from outside."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A far end: a trunk by its name, or an agent's phone by its URI."""

    name: str
    is_trunk: bool


class Blame:
    """The peers of each call, the deaths that they were part of, and who rests for it."""

    def __init__(self) -> None:
        self._peers: dict[str, set[Peer]] = {}
        self._deaths: deque[tuple[float, frozenset[Peer]]] = deque()
        self._rests_until: dict[Peer, float] = {}

    def takes_part(self, call: str, peer: Peer) -> None:
        """A call has a leg to this peer."""
        self._peers.setdefault(call, set()).add(peer)

    def forget(self, call: str) -> None:
        """A call is over."""
        self._peers.pop(call, None)

    def rests(self, peer: Peer, now: float) -> bool:
        """Whether nothing may be sent to this peer for now."""
        return now < self._rests_until.get(peer, now)

    def death(self, calls: Iterable[str], now: float) -> tuple[bool, list[Peer]]:
        """A worker crashed with these calls in it: whether a peer can be suspected, and who rests from now on."""
        suspects = frozenset(peer for call in calls for peer in self._peers.get(call, ()))
        if not suspects:
            return False, []
        self._deaths.append((now, suspects))
        while self._deaths[0][0] < now - WINDOW_S:
            self._deaths.popleft()
        at_fault = self._often(self._deaths, is_trunk=False)
        if not at_fault:
            at_fault = self._often(self._deaths, is_trunk=True)
        for peer in at_fault:
            self._rests_until[peer] = now + REST_S
        # What they explain counts against nobody else, and anew against themselves.
        self._deaths = deque(death for death in self._deaths if not death[1].intersection(at_fault))
        return True, at_fault

    @staticmethod
    def _often(deaths: Iterable[tuple[float, frozenset[Peer]]], *, is_trunk: bool) -> list[Peer]:
        counts: dict[Peer, int] = {}
        for _, suspects in deaths:
            for peer in suspects:
                if peer.is_trunk is is_trunk:
                    counts[peer] = counts.get(peer, 0) + 1
        return [peer for peer, count in counts.items() if count >= DEATHS_TO_REST]


class RestartBudget:
    """How many workers may die in a while before it is taken for a fault of all of them."""

    def __init__(self, limit: int, window_s: float) -> None:
        self._limit = limit
        self._window_s = window_s
        self._deaths: deque[float] = deque()

    def death(self, now: float) -> int:
        """One more: how many there were within the window."""
        self._deaths.append(now)
        while self._deaths[0] < now - self._window_s:
            self._deaths.popleft()
        return len(self._deaths)

    def allowed(self, *, has_started: bool) -> int:
        """How many are forgiven: few before the first worker was ready, for what fails then fails with every worker."""
        return self._limit if has_started else min(START_DEATHS, self._limit)
