"""Slots are never given twice and never lost."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from sip.placement import Placement


def test_calls_fill_up_a_worker_before_the_next():
    """Two calls of two slots share a worker of four."""
    placement = Placement()
    for worker in (1, 2, 3):
        placement.add(worker, 4)
    assert placement.place("a", 2) == placement.place("b", 2)
    assert placement.place("c", 2) != placement.worker_of("a")


def test_idle_workers_take_turns():
    """Calls that fail at once wander over all workers."""
    placement = Placement()
    for worker in (1, 2, 3):
        placement.add(worker, 4)
    used = []
    for _ in range(3):
        used.append(placement.place("a", 2))
        placement.free("a")
    assert sorted(used) == [1, 2, 3]


def test_third_parties_and_calls_take_nothing_from_each_other():
    """A worker beside those of calls is for third parties alone, and none of its slots counts as a line."""
    placement = Placement()
    placement.add(1, 4)
    assert placement.place("p0", 1, beside=True) is None
    placement.add(2, 4, beside=True)
    assert (placement.slots_total, placement.slots_in_use) == (4, 0)
    assert [placement.place(f"p{number}", 1, beside=True) for number in range(1, 6)] == [2, 2, 2, 2, None]
    assert [placement.place(f"c{number}", 2) for number in range(3)] == [1, 1, None]
    placement.free("p1")
    assert placement.slots_in_use == 4
    assert placement.place("p5", 1, beside=True) == 2
    assert placement.remove(2) == ["p2", "p3", "p4", "p5"]
    assert placement.place("p6", 1, beside=True) is None


def test_no_room_is_none():
    """A call that fits nowhere is not placed."""
    placement = Placement()
    assert placement.place("a", 2) is None
    placement.add(1, 3)
    placement.place("a", 2)
    assert placement.place("b", 2) is None
    assert placement.worker_of("b") is None


def test_held_slots_are_not_given_away():
    """Slots that ended calls still hold are not free."""
    placement = Placement()
    placement.add(1, 4)
    placement.hold(1, 3)
    assert placement.place("a", 2) is None
    assert placement.slots_for_calls(2) == 0
    placement.hold(1, 0)
    assert placement.place("a", 2) == 1
    assert placement.slots_for_calls(2) == 4


def test_lost_worker_names_its_calls():
    """Removing a worker returns its calls and forgets them."""
    placement = Placement()
    placement.add(1, 4)
    placement.place("a", 2)
    placement.place("b", 2)
    assert sorted(placement.remove(1)) == ["a", "b"]
    assert placement.worker_of("a") is None
    assert placement.remove(1) == []
    assert placement.slots_total == 0


def test_mistakes_of_the_caller_are_errors():
    """A worker or a call cannot be added twice."""
    placement = Placement()
    placement.add(1, 4)
    placement.place("a", 2)
    with pytest.raises(ValueError, match="already"):
        placement.add(1, 4)
    with pytest.raises(ValueError, match="already"):
        placement.place("a", 2)


class PlacementMachine(RuleBasedStateMachine):
    """Any order of additions, calls, ends, losses."""

    calls = Bundle("calls")

    @initialize()
    def begin(self):
        self.placement = Placement()
        self.slots: dict[int, int] = {}
        self.held: dict[int, int] = {}
        self.placed: dict[str, tuple[int, int]] = {}
        self.count = 0

    @rule(worker=st.integers(0, 5), slots=st.integers(1, 9))
    def add(self, worker, slots):
        if worker not in self.slots:
            self.placement.add(worker, slots)
            self.slots[worker], self.held[worker] = slots, 0

    @rule(target=calls, slots=st.integers(1, 4))
    def place(self, slots):
        self.count += 1
        call = f"call {self.count}"
        worker = self.placement.place(call, slots)
        if worker is None:
            assert all(self.room(each) < slots for each in self.slots)
        else:
            assert self.room(worker) >= slots
            assert all(self.room(each) >= self.room(worker) for each in self.slots if self.room(each) >= slots)
            self.placed[call] = (worker, slots)
        return call

    @rule(call=consumes(calls))
    def end(self, call):
        self.placement.free(call)
        self.placed.pop(call, None)

    @rule(worker=st.integers(0, 5))
    def lose(self, worker):
        lost = {call for call, (where, _) in self.placed.items() if where == worker}
        assert set(self.placement.remove(worker)) == lost
        for call in lost:
            del self.placed[call]
        self.slots.pop(worker, None)
        self.held.pop(worker, None)

    @rule(worker=st.integers(0, 5), slots=st.integers(0, 4))
    def hold(self, worker, slots):
        if worker in self.slots:
            self.placement.hold(worker, slots)
            self.held[worker] = slots

    def room(self, worker):
        used = sum(slots for where, slots in self.placed.values() if where == worker)
        return max(self.slots[worker] - self.held[worker] - used, 0)

    @invariant()
    def books_balance(self):
        if not hasattr(self, "slots"):
            return
        assert self.placement.slots_total == sum(self.slots.values())
        assert self.placement.slots_total - self.placement.slots_in_use == sum(self.room(each) for each in self.slots)
        assert self.placement.calls == len(self.placed)
        assert self.placement.workers == len(self.slots)


TestPlacement = PlacementMachine.TestCase
