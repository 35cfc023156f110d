"""Phones that stay on the line: what the engine does about an agent's standing leg, and what the agent is meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from config.agents.settings import Connection
from dialer.core.agents import standing
from dialer.core.agents.agent import AgentEventKind, AgentState
from dialer.core.agents.standing import REDIAL_S, RING_S
from dialer.core.calls.call import CallState
from dialer.core.effects import Publish
from dialer.core.model import Disposition
from sip.causes import Cause, Leg
from sip.messages import CancelAgent, DialAgent, Ended, HangUp
from sip.standing.messages import Cue, DialStanding, StandingUp
from tests.core.conftest import Stage

K = AgentEventKind
SILENT_S = 2000.0


def leg_of(stage: Stage, agent: str = "ann") -> str:
    leg = stage.agent(agent).standing
    assert leg is not None
    return leg.call


def up(stage: Stage, agent: str = "ann") -> None:
    stage.tell(StandingUp(leg_of(stage, agent), stage.now))


def lost(stage: Stage, cause: Cause = Cause.NORMAL, code: int = 0, agent: str = "ann", reason: str = "") -> list[Any]:
    return stage.tell(Ended(leg_of(stage, agent), stage.now, cause, Leg.AGENT, code, 0, reason))


@pytest.fixture
def floor(stage: Stage) -> Stage:
    """An agent whose phone has just been rung."""
    stage.state.settings = replace(stage.state.settings, agent_heartbeat_timeout_s=SILENT_S)
    stage.campaign()
    stage.say(K.LOGIN, "ann", uri="sip:ann@phones", campaigns=("sales",), connection="standing")
    return stage


@pytest.fixture
def ready(floor: Stage) -> Stage:
    """The phone is on the line, and the agent ready."""
    up(floor)
    floor.say(K.READY, "ann")
    return floor


def test_the_phone_is_rung_at_the_login_and_the_agent_ready_when_it_answers(floor, of):
    """Not before, whatever the desktop says; the reason is in words."""
    assert [(dial.uri, dial.give_up_s) for dial in of(DialStanding, floor.done)] == [("sip:ann@phones", RING_S)]
    floor.say(K.READY, "ann")
    assert (floor.agent("ann").state, floor.agent("ann").reason) == (AgentState.PAUSED, "phone is rung; pick it up")
    up(floor)
    assert floor.agent("ann").state is AgentState.READY


def test_the_settings_say_it_where_the_login_does_not(stage, of):
    """And the login may say otherwise."""
    stage.state.settings = replace(stage.state.settings, connection=Connection.STANDING)
    stage.campaign()
    for agent, connection in (("ann", ""), ("bob", "rung")):
        stage.say(K.LOGIN, agent, uri=f"sip:{agent}@phones", campaigns=("sales",), connection=connection)
    assert [dial.uri for dial in of(DialStanding, stage.done)] == ["sip:ann@phones"]


def test_a_talk_goes_to_the_standing_leg_with_a_cue(ready, of):
    """The pool is told which leg; the agent hears a beep, and what the campaign whispers."""
    ready.campaign(whisper="/spring.wav")
    attempt = ready.dial()
    (dial,) = of(DialAgent, ready.answer(attempt))
    assert (dial.standing, dial.cue) == (leg_of(ready), Cue(beep=True, whisper="/spring.wav"))


def test_a_lost_leg_pauses_the_agent_and_is_rung_again(ready, of):
    """With the reason; the agent is ready as soon as the phone is there again."""
    lost(ready)
    agent = ready.agent("ann")
    assert (agent.state, agent.reason) == (AgentState.PAUSED, "phone was hung up; it is rung again")
    assert of(DialStanding, ready.wait(REDIAL_S[0] - 0.1)) == []
    assert len(of(DialStanding, ready.wait(0.2))) == 1
    assert ready.agent("ann").reason == "phone is rung; pick it up"
    up(ready)
    assert ready.agent("ann").state is AgentState.READY


def test_redialling_has_a_limit_and_ready_begins_anew(ready, of):
    """Later each time, then no more; the agent reads what helps."""
    for delay_s in REDIAL_S:
        lost(ready, Cause.BUSY, 486)
        assert of(DialStanding, ready.wait(delay_s - 0.1)) == []
        assert len(of(DialStanding, ready.wait(0.2))) == 1
    lost(ready, Cause.BUSY, 486)
    assert of(DialStanding, ready.wait(600.0)) == []
    assert ready.agent("ann").reason == "phone is busy; say ready to have it rung again"
    assert len(of(DialStanding, ready.say(K.READY, "ann"))) == 1
    lost(ready, Cause.DECLINED, 603)
    assert len(of(DialStanding, ready.wait(REDIAL_S[0]))) == 1
    up(ready)
    assert ready.agent("ann").state is AgentState.READY


def test_a_phone_that_hangs_up_again_and_again_is_not_rung_for_ever(ready, of):
    """A leg that does not last is one more try; one that was steady begins anew."""
    for delay_s in REDIAL_S:
        lost(ready)
        assert len(of(DialStanding, ready.wait(delay_s))) == 1
        up(ready)
    ready.wait(standing.STEADY_S)
    lost(ready)
    assert len(of(DialStanding, ready.wait(REDIAL_S[0]))) == 1
    up(ready)
    lost(ready)
    assert of(DialStanding, ready.wait(REDIAL_S[0])) == []


def test_who_has_paused_and_hangs_up_is_left_alone_until_ready(ready, of):
    """A pause is the agent's own, and so is its reason."""
    ready.say(K.PAUSE, "ann", reason="lunch")
    lost(ready)
    assert of(DialStanding, ready.wait(600.0)) == []
    assert ready.agent("ann").reason == "lunch"
    assert len(of(DialStanding, ready.say(K.READY, "ann"))) == 1
    ready.say(K.PAUSE, "ann", reason="lunch, really")
    up(ready)
    assert (ready.agent("ann").state, ready.agent("ann").reason) == (AgentState.PAUSED, "lunch, really")


def test_hanging_up_in_a_talk_ends_it_and_the_phone_is_rung_during_wrap_up(ready, of):
    """Whichever of both workers is heard first; after the wrap-up the agent is ready if the phone is there."""
    attempt = ready.talk()
    lost(ready)
    assert of(HangUp, ready.done) == []  # the phone's worker has said BYE to the talk's
    assert ready.end(attempt, Cause.NORMAL, Leg.AGENT).disposition is Disposition.CONNECTED
    assert ready.agent("ann").state is AgentState.WRAPUP
    assert len(of(DialStanding, ready.wait(REDIAL_S[0]))) == 1
    ready.say(K.WRAPUP_DONE, "ann")
    assert (ready.agent("ann").state, ready.agent("ann").reason) == (AgentState.PAUSED, "phone is rung; pick it up")
    up(ready)
    assert ready.agent("ann").state is AgentState.READY


def test_a_callee_is_not_left_in_silence_when_the_phones_worker_dies(ready, of):
    """The talk is ended by us, and says why."""
    attempt = ready.talk()
    assert of(HangUp, lost(ready, Cause.WORKER_LOST)) == [HangUp(attempt)]
    told = ready.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert (told.disposition, told.cause) == (Disposition.WORKER_LOST, Cause.WORKER_LOST)
    assert ready.agent("ann").state is AgentState.WRAPUP


def test_a_leg_that_is_lost_while_a_talk_is_on_its_way_gives_the_callee_to_another(ready, of):
    """The first agent is paused until the phone is there again, the second has the call."""
    attempt = ready.dial()
    ready.answer(attempt)
    ready.login("bob")
    (cancel,) = of(CancelAgent, lost(ready))
    effects = ready.leg_ends(attempt, Cause.CANCELLED, 487)
    assert cancel.call == attempt
    assert [dial.uri for dial in of(DialAgent, effects)] == ["sip:bob@phones"]
    assert ready.call(attempt).state is CallState.CONNECTING
    assert ready.agent("ann").reason == "phone was hung up; it is rung again"
    ready.wait(REDIAL_S[0])
    up(ready)
    assert ready.agent("ann").state is AgentState.READY


def test_an_offer_is_taken_back_from_an_agent_without_a_phone(floor, of):
    """The lead is the next one again (preview)."""
    floor.campaign(mode="preview", abandon_message="")
    up(floor)
    floor.say(K.READY, "ann")
    floor.lease()
    assert floor.agent("ann").state is AgentState.PREVIEW
    lost(floor)
    assert floor.agent("ann").state is AgentState.PAUSED
    ends = [told.fields["end"] for told in of(Publish, floor.done) if told.kind == "preview_ended"]
    assert ends == ["withdrawn"]


def test_a_logout_hangs_up_and_so_does_silence(ready, of):
    """Who has gone needs no phone on the line; one that is down is not hung up twice."""
    leg = leg_of(ready)
    assert of(HangUp, ready.say(K.LOGOUT, "ann")) == [HangUp(leg)]
    ready.say(K.LOGIN, "ann", uri="sip:ann@phones", campaigns=("sales",), connection="standing")
    lost(ready, Cause.UNREACHABLE)
    assert of(HangUp, ready.wait(SILENT_S + 10)) == []
    assert ready.state.roster.get("ann") is None


def test_a_second_login_keeps_the_phone_on_the_line(ready, of):
    """A desktop that was loaded anew; another phone takes the place of the first."""
    leg = leg_of(ready)
    again = {"campaigns": ("sales",), "connection": "standing"}
    ready.say(K.LOGIN, "ann", uri="sip:ann@phones", **again)
    assert leg_of(ready) == leg
    effects = ready.say(K.LOGIN, "ann", uri="sip:ann@elsewhere", **again)
    assert (of(HangUp, effects), [dial.uri for dial in of(DialStanding, effects)]) == (
        [HangUp(leg)],
        ["sip:ann@elsewhere"],
    )
    ready.tell(Ended(leg, ready.now, Cause.NORMAL, Leg.DIALER, 200, 0, ""))
    assert ready.agent("ann").standing.state is standing.LegState.DIALLING
