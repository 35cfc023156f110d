"""Two clocks."""

from __future__ import annotations

from dialer.shell.clock import Clock


def test_a_clock_that_was_set_by_hand_is_noticed_once() -> None:
    """The jump is reported with its size, then forgotten."""
    clock = Clock.start()
    clock.offset_s -= 3600.0

    assert clock.is_off()
    assert 3599.0 < clock.jumped() < 3601.0
    assert clock.jumped() == 0.0
    assert not clock.is_off()


def test_a_moment_keeps_its_wall_time() -> None:
    """Monotonic moments and wall moments tell the same time."""
    clock = Clock.start()

    assert abs(clock.to_wall(clock.now()) - clock.wall()) < 1.0
