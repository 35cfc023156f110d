"""What a campaign's pacer sees of the floor."""

from __future__ import annotations

import math

import pytest

from compliance.api import Cleared, Permit, Reserved
from dialer.core.agents.agent import AgentEventKind
from dialer.core.calls.call import CallState
from dialer.core.calls.trunk_load import TrunkLimits
from dialer.core.inputs import LocalTime, Permitted
from pacing.api import CallAnswered, CallFailed
from sip.causes import Cause

K = AgentEventKind


def asked(stage, **given):
    return {question.campaign: question for question in stage.engine.pacer_requests(stage.now, **given)}


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
    assert len(asked(shared, everyone=True)["urgent"].snapshot.ringing_age_s) == 0


def test_every_call_says_its_trunk(make_stage):
    """Those in flight, those at the gates, the next one, and what came of each."""
    stage = make_stage(trunks=(TrunkLimits("north", 2.0, 100), TrunkLimits("south", 5.0, 100)))
    stage.campaign()
    stage.login("ann", "bob", "cid")
    first, second = stage.dial(), stage.dial()
    stage.lease(1)
    stage.pace(1)
    seen = asked(stage)["sales"].snapshot
    assert seen.ringing_trunk == ("north", "north", "south")
    assert seen.next_trunk == "south"
    stage.answer(first)
    stage.end(second, Cause.BUSY, sip_code=486)
    told = {type(observation): observation.trunk for observation in asked(stage)["sales"].observations}
    assert told == {CallAnswered: "north", CallFailed: "north"}


def test_the_hour_is_local(stage):
    """Unknown until the host's zone is; a zone of the campaign's own needs no telling."""
    assert asked(stage)["sales"].snapshot.hour == -1
    stage.tell(LocalTime(3600.0))
    here = int((stage.wall + 3600.0) // 3600) % 24
    assert asked(stage, everyone=True)["sales"].snapshot.hour == here
    stage.campaign("sales", time_zone="Asia/Shanghai")
    assert asked(stage, everyone=True)["sales"].snapshot.hour == (here + 7) % 24


def test_who_will_pause_or_leave_after_the_call_does_not_come_free(stage):
    """A mass break that was asked for in the middle of calls is foreseen."""
    stage.login("ann", "bob", "cid")
    for _ in range(2):
        stage.talk()
    stage.end(stage.talk())  # cid wraps up
    stage.say(K.PAUSE, "ann")
    stage.say(K.LOGOUT, "bob")
    stage.say(K.PAUSE, "cid")
    seen = asked(stage)["sales"].snapshot
    assert (len(seen.talking_age_s), len(seen.wrapup_age_s), seen.paused) == (0, 0, 3)
    stage.say(K.READY, "ann")  # changes her mind
    assert len(asked(stage)["sales"].snapshot.talking_age_s) == 1


def test_agents_whose_shift_ends_are_not_counted_on(stage):
    """From a ring timeout before the end nobody who goes home then is counted; the last to go says how long."""
    for agent, ends_s in (("ann", 60.0), ("bob", 60.0), ("cid", 3600.0)):
        stage.say(K.LOGIN, agent, uri=f"sip:{agent}@phones", campaigns=("sales",), shift_ends_at=stage.wall + ends_s)
        stage.say(K.READY, agent)
    stage.talk()
    seen = asked(stage)["sales"].snapshot
    assert (seen.ready, len(seen.talking_age_s), seen.paused, seen.staffed_s) == (2, 1, 0, pytest.approx(3600.0))
    stage.wait(40.0)
    seen = asked(stage, everyone=True)["sales"].snapshot
    assert (seen.ready, len(seen.talking_age_s), seen.paused, seen.staffed_s) == (1, 0, 2, pytest.approx(3560.0))


def test_a_floor_that_empties_is_staffed_no_longer(stage):
    """All go home at six: shortly before nobody is counted, and whoever stays on is counted again."""
    stage.tell(LocalTime(0.0))
    ends_s = stage.wall % 86_400 // 60 * 60 + 120.0
    stage.campaign("sales", shift_ends=f"{int(ends_s // 3600):02}:{int(ends_s % 3600 // 60):02}")
    stage.login("ann")
    left_s = ends_s - stage.wall % 86_400
    seen = asked(stage, everyone=True)["sales"].snapshot
    assert (seen.ready, seen.staffed_s) == (1, pytest.approx(left_s))
    stage.wait(50.0)
    stage.say(K.HEARTBEAT, "ann")
    stage.wait(left_s - 60.0)
    seen = asked(stage, everyone=True)["sales"].snapshot
    assert (seen.ready, seen.paused, seen.staffed_s) == (0, 1, 0.0)
    stage.say(K.HEARTBEAT, "ann")
    stage.wait(30.0)
    seen = asked(stage, everyone=True)["sales"].snapshot
    assert (seen.ready, seen.staffed_s) == (1, math.inf)


def test_calling_hours_end_as_the_permits_say(stage):
    """The callee's zone decides; hours that have ended say nothing about the next day."""
    stage.login("ann")
    (lead,) = stage.lease()
    stage.pace()
    cleared = Cleared(lead.number, stage.wall, stage.wall + 30.0, closes_at=stage.wall + 50.0)
    stage.tell(Permitted(lead, Permit(cleared, Reserved("attempt-x", lead.number, stage.wall, ""))))
    assert asked(stage)["sales"].snapshot.staffed_s == pytest.approx(50.0)
    stage.wait(51.0)
    assert asked(stage, everyone=True)["sales"].snapshot.staffed_s == math.inf


def test_the_hand_over_is_within_the_limit(make_stage):
    """What the pacer takes for in time leaves the agent's phone time to be answered."""
    stage = make_stage(handover_allowance_s=0.4)
    stage.campaign(abandon_after_s=2.0)
    assert asked(stage)["sales"].settings.abandon_after_s == pytest.approx(1.6)
    stage.campaign(abandon_after_s=0.5)
    assert asked(stage, everyone=True)["sales"].settings.abandon_after_s == pytest.approx(0.1)
