"""A talk that is left to a queue: music, then whoever of it is free first. Whatever happens, one disposition."""

from __future__ import annotations

import pytest

from dialer.core.agents.agent import AgentEventKind as Kind
from dialer.core.agents.agent import AgentState
from dialer.core.effects import Publish
from dialer.core.model import Disposition
from sip.causes import Cause, Leg
from sip.messages import HangUp
from sip.parties.messages import DialParty, Hold
from sip.scripts.messages import AgentLeft, HangUpAgent
from tests.core.conftest import Stage, a_stage, of
from tests.core.test_talks import opened, over, refusal, talk_states


@pytest.fixture
def stage() -> Stage:
    stage = a_stage()
    stage.campaign()
    return stage


def left(stage: Stage, to: str = "queue:sales") -> str:
    """17 talks, leaves the talk to a queue, and is gone; the attempt."""
    stage.login("17")
    attempt = stage.talk()
    effects = stage.say(Kind.TRANSFER, "17", to=to, ref="d1")
    assert talk_states(effects)[0] == "queued"
    assert of(Hold, effects)[0] == Hold(attempt, on=True, awaits=True)
    assert of(HangUpAgent, effects) == [HangUpAgent(attempt)]
    stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))
    assert stage.agent("17").state is AgentState.WRAPUP
    return attempt


def away(stage: Stage, agent: str, **given: object) -> None:
    """An agent who is logged in, and not ready."""
    stage.say(Kind.LOGIN, agent, uri=f"sip:{agent}@phones", campaigns=("sales",), **given)
    stage.say(Kind.PAUSE, agent)


def test_the_first_who_is_free_has_the_talk(stage: Stage) -> None:
    """Not the agent who left it. The callee is on hold until then."""
    away(stage, "18")
    attempt = left(stage)
    assert of(DialParty, stage.say(Kind.WRAPUP_DONE, "17")) == []
    (rings,) = of(DialParty, stage.say(Kind.READY, "18"))
    assert (rings.uri, rings.attempt) == ("sip:18@phones", attempt)
    effects = opened(stage, rings.call)
    assert of(Hold, effects)[-1] == Hold(attempt, on=False)
    assert talk_states(effects) == ["joined", "passed_on"]
    assert (stage.agent("18").state, stage.state.queued) == (AgentState.TALKING, {})
    over(stage, rings.call)
    end = stage.end(attempt, by=Leg.AGENT)
    assert (end.disposition, end.agent) == (Disposition.CONNECTED, "18")
    assert stage.anomalies() == []


def test_dialling_leaves_the_next_agent_to_the_queue(stage: Stage) -> None:
    """The pacer counts on the agent in wrap-up no more than on one who is away."""
    away(stage, "18")
    left(stage)
    (request,) = stage.engine.pacer_requests(stage.now)
    assert (len(request.snapshot.wrapup_age_s), request.snapshot.paused) == (0, 2)


def test_one_who_is_free_already_is_rung_at_once(stage: Stage) -> None:
    """And may answer before the first agent is gone."""
    stage.login("17")
    attempt = stage.talk()
    stage.login("18")
    (rings,) = of(DialParty, stage.say(Kind.TRANSFER, "17", to="queue:sales"))
    opened(stage, rings.call)
    assert talk_states(stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))) == ["passed_on"]
    assert stage.agent("17").state is AgentState.WRAPUP


def test_a_phone_that_does_not_answer_is_not_rung_again(stage: Stage) -> None:
    """The callee stays on hold, and the next one is rung."""
    away(stage, "18")
    attempt = left(stage)
    (rings,) = of(DialParty, stage.say(Kind.READY, "18"))
    effects = over(stage, rings.call, Cause.BUSY)
    assert of(Hold, effects) == [Hold(attempt, on=True, awaits=True)]
    assert (of(DialParty, effects), stage.agent("18").state) == ([], AgentState.READY)
    stage.login("19")
    (rings,) = [command for command in of(DialParty, stage.done) if command.uri == "sip:19@phones"]
    assert "passed_on" in talk_states(opened(stage, rings.call))


def test_nobody_is_free_in_time(stage: Stage) -> None:
    """The worker hears that nobody comes, which ends the call; the desktop that asked hears why."""
    away(stage, "18")
    attempt = left(stage)
    stage.wait(stage.state.settings.inbound.longest_wait_s)
    assert stage.state.queued
    effects = stage.wait(2.0)
    assert of(Hold, effects) == [Hold(attempt, on=False)]
    (failed,) = [event for event in of(Publish, effects) if event.kind == "talk_state"]
    told = [failed.fields[name] for name in ("talk", "to", "reason", "ref")]
    assert told == ["failed", "queue:sales", "nobody was free in time", "d1"]
    assert stage.end(attempt, by=Leg.AGENT).disposition is Disposition.CONNECTED


def test_whose_phone_rings_at_the_limit_may_answer(stage: Stage) -> None:
    """The callee is not hung up on while somebody is on the way."""
    away(stage, "18")
    left(stage)
    stage.wait(stage.state.settings.inbound.longest_wait_s - 1.0)
    stage.login("19")
    (rings,) = of(DialParty, stage.done)
    assert talk_states(stage.wait(3.0)) == []
    assert talk_states(opened(stage, rings.call)) == ["joined", "passed_on"]


def test_a_colleague_may_leave_it_to_a_queue_again(stage: Stage) -> None:
    """Whose phone is a third party's by then."""
    away(stage, "18")
    attempt = left(stage)
    (first,) = of(DialParty, stage.say(Kind.READY, "18"))
    opened(stage, first.call)
    stage.say(Kind.WRAPUP_DONE, "17")
    effects = stage.say(Kind.TRANSFER, "18", to="queue:sales")
    assert of(HangUp, effects) == [HangUp(first.call)]
    over(stage, first.call)
    assert stage.agent("18").state is AgentState.WRAPUP
    (second,) = [command for command in of(DialParty, stage.done) if command.uri == "sip:17@phones"]
    assert "passed_on" in talk_states(opened(stage, second.call))
    assert (stage.call(attempt).agent, stage.anomalies()) == ("17", [])


def test_a_callee_who_hangs_up_leaves_the_queue(stage: Stage) -> None:
    """While nobody is free, and while somebody is being rung."""
    away(stage, "18")
    stage.end(left(stage))
    assert stage.state.queued == {}
    stage.say(Kind.WRAPUP_DONE, "17")
    attempt = left(stage)
    (rings,) = of(DialParty, stage.say(Kind.READY, "18"))
    stage.end(attempt)
    assert of(HangUp, stage.done) == [HangUp(rings.call)]
    assert stage.agent("18").state is AgentState.READY


def test_a_skill_is_a_queue_over_all_campaigns(stage: Stage) -> None:
    """At the level that is asked for."""
    stage.campaign("service")
    stage.say(Kind.LOGIN, "18", uri="sip:18@phones", campaigns=("service",), skills={"mandarin": 1})
    stage.say(Kind.LOGIN, "19", uri="sip:19@phones", campaigns=("service",), skills={"mandarin": 2})
    left(stage, "skill:mandarin:2")
    assert of(DialParty, stage.say(Kind.READY, "18")) == []
    assert [rings.uri for rings in of(DialParty, stage.say(Kind.READY, "19"))] == ["sip:19@phones"]


def test_what_cannot_be_queued_is_said_in_words(stage: Stage) -> None:
    """Nothing changes."""
    stage.login("17")
    stage.talk()
    for to, words in (
        ("queue:sales", "nobody else of queue:sales is logged in"),
        ("queue:nowhere", "nobody else of queue:nowhere"),
        ("skill:mandarin", "nobody else of skill:mandarin"),
        ("skill:", "a skill is a name of letters"),
    ):
        assert words in refusal(stage.say(Kind.TRANSFER, "17", to=to))
    away(stage, "18")
    assert "say transfer" in refusal(stage.say(Kind.CONFERENCE, "17", to="queue:sales"))
    stage.say(Kind.TRANSFER, "17", to="queue:sales")
    assert "on the way" in refusal(stage.say(Kind.TRANSFER, "17", to="queue:sales"))
    assert stage.agent("17").state is AgentState.TALKING
