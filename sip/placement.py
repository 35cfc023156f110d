"""Which worker gets a call: pure bookkeeping of slots.

Calls fill up a worker before the next one is used: a worker in which something is bridged runs a 20 ms media clock, and
few busy workers cost less than many half-busy ones. Among equally full workers the one that was touched longest ago
comes first, so that a trunk refusing every call does not wear out the sockets of a single worker.

Third parties have workers of their own, `beside` those of calls: a supervisor who listens costs no line.
"""

from __future__ import annotations

from collections import OrderedDict


class Placement:
    """The workers with their free slots, and the calls with their workers."""

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}
        self._held: dict[int, int] = {}
        self._calls: dict[int, dict[str, int]] = {}
        self._worker_of: dict[str, int] = {}
        self._by_free: dict[tuple[bool, int], OrderedDict[int, None]] = {}
        self._free: dict[int, int] = {}
        self._beside: set[int] = set()

    def add(self, worker: int, slots: int, *, beside: bool = False) -> None:
        """A worker is ready."""
        if worker in self._slots:
            raise ValueError(f"worker {worker} is already placed")
        if beside:
            self._beside.add(worker)
        self._slots[worker], self._held[worker], self._calls[worker] = slots, 0, {}
        self._shelve(worker)

    def remove(self, worker: int) -> list[str]:
        """A worker is gone; the calls that it held. Of an unknown worker: none."""
        if worker not in self._slots:
            return []
        self._unshelve(worker)
        del self._slots[worker], self._held[worker]
        self._beside.discard(worker)
        calls = self._calls.pop(worker)
        for call in calls:
            del self._worker_of[call]
        return list(calls)

    def place(self, call: str, slots: int, *, beside: bool = False, apart_from: str = "") -> int | None:
        """Reserve `slots` for a call; its worker, or None if none has room. It is not that of the call `apart_from`: a
        worker does not call itself."""
        if call in self._worker_of:
            raise ValueError("the call is already placed")
        not_here = self._worker_of.get(apart_from)
        rooms = sorted(key for key in self._by_free if key[0] is beside and key[1] >= slots)
        worker = next((each for key in rooms for each in self._by_free[key] if each != not_here), None)
        if worker is None:
            return None
        self._calls[worker][call] = slots
        self._worker_of[call] = worker
        self._shelve(worker)
        return worker

    def free(self, call: str) -> None:
        """A call is over. Unknown ones are ignored."""
        worker = self._worker_of.pop(call, None)
        if worker is not None:
            del self._calls[worker][call]
            self._shelve(worker)

    def hold(self, worker: int, slots: int) -> None:
        """Calls that are over still hold `slots` in all."""
        self._held[worker] = slots
        self._shelve(worker)

    def has(self, worker: int) -> bool:
        """Whether this worker is ready."""
        return worker in self._slots

    def worker_of(self, call: str) -> int | None:
        """Where a call is."""
        return self._worker_of.get(call)

    @property
    def workers(self) -> int:
        """Workers that are ready."""
        return len(self._slots)

    @property
    def calls(self) -> int:
        """Calls that are placed."""
        return len(self._worker_of)

    @property
    def slots_total(self) -> int:
        """Slots of all workers that take calls."""
        return sum(slots for worker, slots in self._slots.items() if worker not in self._beside)

    def slots_for_calls(self, size: int) -> int:
        """Slots that calls of `size` slots each may use together: without what is held, and what is left over of a
        worker."""
        rooms = (self._slots[worker] - self._held[worker] for worker in self._slots.keys() - self._beside)
        return sum(max(room, 0) // size * size for room in rooms)

    @property
    def slots_in_use(self) -> int:
        """Those of them that are reserved or held."""
        return self.slots_total - sum(free for worker, free in self._free.items() if worker not in self._beside)

    def _shelve(self, worker: int) -> None:
        self._unshelve(worker)
        free = max(self._slots[worker] - self._held[worker] - sum(self._calls[worker].values()), 0)
        self._free[worker] = free
        self._by_free.setdefault((worker in self._beside, free), OrderedDict())[worker] = None

    def _unshelve(self, worker: int) -> None:
        free = self._free.pop(worker, None)
        if free is not None:
            self._by_free[worker in self._beside, free].pop(worker)
