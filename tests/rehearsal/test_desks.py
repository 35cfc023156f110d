"""The agents' desktops and phones."""

from __future__ import annotations

from random import Random

import pytest

from dialer.core.agents.agent import AgentEventKind, AgentState
from dialer.core.effects import AgentChanged
from tests.rehearsal.desks import HEARTBEAT_S, Phones, PickUp
from tests.rehearsal.scenario import DeskSettings
from tests.rehearsal.world import World


@pytest.fixture
def floor():
    """Three desks that have opened; what they say, by the moment."""
    world, heard = World(dice=Random(1)), []
    phones = Phones(world, lambda event: heard.append(event), DeskSettings(agents=3, pause=0.0, by_limit=0.0))
    phones.open(("sales", "urgent"))
    world.run(5.0)
    for name in phones.desks:
        phones.changed(AgentChanged(name, AgentState.PAUSED, 5.0, "login", ()))
    return phones, heard


def said(heard, kind):
    return [event.agent for event in heard if event.kind is kind]


def test_agents_log_in_and_get_ready(floor):
    """Everybody logs in, the third for the first campaign only, and is ready soon after."""
    phones, heard = floor
    phones.timeline.run(25.0)
    assert sorted(said(heard, AgentEventKind.LOGIN)) == ["agent0", "agent1", "agent2"]
    assert sorted(said(heard, AgentEventKind.READY)) == ["agent0", "agent1", "agent2"]
    assert phones.desks["agent2"].campaigns == ("sales",)


def test_a_plan_made_in_one_state_is_dropped_in_the_next(floor):
    """An agent who was about to end the wrap-up says nothing when it has ended by itself."""
    phones, heard = floor
    phones.changed(AgentChanged("agent0", AgentState.WRAPUP, 5.0, "", ()))
    phones.changed(AgentChanged("agent0", AgentState.READY, 5.0, "", ()))
    phones.timeline.run(200.0)
    assert "agent0" not in said(heard, AgentEventKind.WRAPUP_DONE)


def test_a_silent_desktop_says_nothing(floor):
    """No heartbeat while it is silent, and heartbeats again after it."""
    phones, heard = floor
    phones.fall_silent(phones.desks["agent0"], 50.0)
    phones.timeline.run(54.0)
    assert "agent0" not in said(heard, AgentEventKind.HEARTBEAT)
    phones.timeline.run(56.0 + HEARTBEAT_S)
    assert "agent0" in said(heard, AgentEventKind.HEARTBEAT)


def test_a_lost_phone_is_gone_for_a_while(floor):
    """A lost phone cannot be rung; later it answers again."""
    phones, _ = floor
    phones.settings = DeskSettings(refuse=0.0, silent=0.0)
    desk = phones.desks["agent0"]
    phones.lose_phone(desk, 10.0)
    assert phones.ring(desk.uri) is PickUp.GONE
    phones.timeline.run(16.0)
    assert phones.ring(desk.uri) is PickUp.ANSWERS
