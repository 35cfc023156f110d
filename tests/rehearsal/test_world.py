"""Virtual time."""

from __future__ import annotations

from random import Random

from dialer.sim.virtual_time import EPOCH
from tests.rehearsal.world import World


def test_things_happen_in_order_of_time_and_of_setting():
    """Earlier first; at the same instant, the one that was set first; nothing after the end."""
    world, seen = World(dice=Random(1)), []
    for when, name in ((2.0, "c"), (1.0, "a"), (1.0, "b"), (3.1, "never")):
        world.at(when, lambda name=name: seen.append((world.now, name)))
    world.run(3.0)
    assert seen == [(1.0, "a"), (1.0, "b"), (2.0, "c")]
    assert (world.now, world.wall) == (3.0, EPOCH + 3.0)


def test_a_run_stops_when_it_is_finished():
    """The clock stays at the moment that finished it."""
    world, seen = World(dice=Random(1)), []
    for when in (1.0, 2.0, 3.0):
        world.at(when, lambda: seen.append(world.now))
    world.run(10.0, lambda: len(seen) == 2)
    assert world.now == 2.0


def test_the_past_happens_now():
    """What is set for a moment that has passed happens at once."""
    world, seen = World(dice=Random(1), now=5.0), []
    world.at(1.0, lambda: seen.append(world.now))
    world.run(6.0)
    assert seen == [5.0]


def test_lognormal_durations_have_their_mean():
    """The mean that was asked for, within two per cent over many draws."""
    world = World(dice=Random(1))
    drawn = [world.about(9.0, 0.5) for _ in range(20_000)]
    assert abs(sum(drawn) / len(drawn) - 9.0) < 0.18
    assert min(drawn) > 0
