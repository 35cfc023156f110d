"""What a campaign's pacer sees of the floor."""

from __future__ import annotations

import pytest

from dialer.core.agents import AgentEventKind
from dialer.core.calls import CallState

K = AgentEventKind


def asked(stage, **given):
    return {question.campaign: question for question in stage.engine.questions(stage.now, **given)}


@pytest.fixture
def shared(stage):
    """Two campaigns, the second more important, and two agents who serve both."""
    stage.campaign("sales", priority=3)
    stage.campaign("urgent", priority=7)
    stage.login("ann", "bob", campaigns=("sales", "urgent"))
    return stage


def test_a_snapshot_shows_everything_in_flight(stage):
    """Ringing, at the gates, waiting, talking, wrapping up, ready, paused: each where the pacer expects it."""
    stage.login("ann", "bob", "cid", "dan")
    stage.say(K.PAUSE, "dan")
    ended, talking = stage.talk(), stage.talk()
    stage.end(ended)
    ringing = stage.dial()
    stage.ring(ringing)
    connecting, waiting = stage.dial(), stage.dial()
    stage.answer(connecting)
    stage.answer(waiting)
    stage.lease(3)
    stage.pace(2)
    stage.wait(1.0)
    seen = asked(stage)["sales"].snapshot
    assert (seen.ready, seen.paused, seen.leads_available) == (0, 1, 1)
    assert seen.talking_age_s == pytest.approx((1.0, 0.0))  # bob talks, cid's phone rings
    assert seen.wrapup_age_s == pytest.approx((1.0,))
    assert seen.ringing_age_s == pytest.approx((1.0, 1.0, 1.0))
    assert seen.waiting_age_s == pytest.approx((1.0,))
    assert seen.lines_free == 98  # 100 calls a second, two of which are at the gates
    assert stage.call(talking).state is CallState.TALKING


def test_calls_that_lost_their_agents_are_charged_to_whoever_got_them(shared):
    """Sales called for both agents, then they go over to urgent: its pacer sees that they are called for already."""
    for _ in range(3):
        shared.ring(shared.dial("sales"))
    shared.wait(1.0)
    shared.lease(3, "urgent")
    seen = asked(shared, everyone=True)
    assert seen["urgent"].snapshot.ready == 2
    assert seen["urgent"].snapshot.ringing_age_s == pytest.approx((1.0, 1.0))
    assert seen["sales"].snapshot.ringing_age_s == pytest.approx((1.0, 1.0, 1.0))


def test_calls_with_agents_of_their_own_are_charged_once(shared):
    """Sales has an agent of its own for its call: urgent is charged nothing."""
    shared.login("cid", campaigns=("sales",))
    shared.ring(shared.dial("sales"))
    shared.lease(3, "urgent")
    assert asked(shared, everyone=True)["urgent"].snapshot.ringing_age_s == ()
