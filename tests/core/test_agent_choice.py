"""Which of the ready agents has an answered call."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.agent_choice import AgentChoiceSettings, AgentOrder, missing, skills_of, texts_of
from dialer.core.agents.agent import Agent, AgentEventKind, AgentState, come_free, enter
from dialer.core.agents.choice import AgentRequest, choose, occupancy
from dialer.core.effects import Publish
from dialer.core.inputs import LeadsLeased
from dialer.core.model import Disposition
from pacing.api import Mode
from sip.causes import Answerer
from sip.messages import Dialled

NOW = 100.0
K, S = AgentEventKind, AgentState

AGENTS = st.builds(
    Agent,
    agent=st.sampled_from("abcdef"),
    uri=st.just("sip:a@phones"),
    campaigns=st.sampled_from([("sales",), ("other",), ("sales", "other")]),
    team=st.just(""),
    state=st.just(S.READY),
    since=st.integers(0, 3).map(float),
    heard_at=st.just(0.0),
    skills=st.dictionaries(st.sampled_from(["mandarin", "cards"]), st.integers(1, 3)),
    busy_s=st.integers(0, 3).map(float),
    idle_s=st.integers(0, 3).map(float),
    served_at=st.integers(0, 3).map(float),
)
FLOORS = st.lists(AGENTS, max_size=6, unique_by=lambda agent: agent.agent)
RULES = st.builds(AgentChoiceSettings, order=st.sampled_from(AgentOrder), last_agent=st.booleans())
REQUESTS = st.builds(
    AgentRequest,
    campaign=st.just("sales"),
    tried=st.frozensets(st.sampled_from("abcdef"), max_size=2),
    own=st.frozensets(st.sampled_from("abcdef")),
    last_agent=st.sampled_from(["", "a", "b"]),
    skills=st.dictionaries(st.sampled_from(["mandarin", "cards"]), st.integers(1, 3)),
)


def figure(agent: Agent, order: AgentOrder) -> float:
    match order:
        case AgentOrder.LONGEST_IDLE:
            return agent.since
        case AgentOrder.ROUND_ROBIN:
            return agent.served_at
        case AgentOrder.LEAST_OCCUPIED:
            return agent.busy_s / (agent.busy_s + agent.idle_s + NOW - agent.since)


@given(FLOORS, REQUESTS, RULES)
def test_the_rules_are_asked_one_after_the_other(ready, request_, rules):
    """Whoever is left after each rule goes on to the next, and the name decides at last."""
    left = [agent for agent in ready if "sales" in agent.campaigns and agent.agent not in request_.tried]
    own = [agent for agent in left if agent.agent in request_.own]
    left = own or left
    if rules.last_agent:
        left = [agent for agent in left if agent.agent == request_.last_agent] or left
    lacks = [sum(agent.skills.get(name, 0) < level for name, level in request_.skills.items()) for agent in left]
    left = [agent for agent, number in zip(left, lacks, strict=True) if number == min(lacks)]
    figures = [figure(agent, rules.order) for agent in left]
    left = [agent for agent, value in zip(left, figures, strict=True) if value == min(figures)]
    expected = min(left, key=lambda agent: agent.agent, default=None)
    assert choose(ready, request_, rules, NOW) == expected


@given(FLOORS, REQUESTS, RULES)
def test_wishes_lose_no_caller(ready, request_, rules):
    """Whatever a call wishes for, it has an agent if any ready one serves its campaign and was not tried."""
    serves = [agent for agent in ready if "sales" in agent.campaigns and agent.agent not in request_.tried]
    assert (choose(ready, request_, rules, NOW) is None) == (not serves)


def test_occupancy_is_work_without_pauses():
    """Calls and wrap-up count as busy, being ready as idle, a pause as neither."""
    agent = Agent("ann", "sip:a@b", ("sales",), "", S.READY, since=0.0, heard_at=0.0)
    for state, at in ((S.RINGING, 10.0), (S.TALKING, 12.0), (S.WRAPUP, 40.0), (S.PAUSED, 50.0), (S.READY, 500.0)):
        agent = enter(agent, state, at)
    assert (agent.busy_s, agent.idle_s, agent.served_at) == (40.0, 10.0, 10.0)
    assert occupancy(agent, 530.0) == 0.5
    assert occupancy(come_free(agent, 500.0), 500.0) == 0.8


# --- skills as texts --------------------------------------------------------------------------------------------------


def test_skills_are_read_as_people_write_them():
    """NAME or NAME:LEVEL, of any script; written back with the level."""
    assert skills_of(["cards", "粤语:3"]) == {"cards": 1, "粤语": 3}
    assert texts_of({"粤语": 3, "cards": 1}) == ("cards:1", "粤语:3")


@pytest.mark.parametrize(
    "texts",
    [
        [""],
        ["a b"],
        ["a:0"],
        ["a:10"],
        ["a:"],
        ["a", "a:2"],
        ["_a"],
        ["x" * 33],
        ["13812345678"],
        ["a\n"],
        [f"s{i}" for i in range(17)],
    ],
)
def test_what_is_no_skill_is_refused(texts):
    """Names that cannot be shown, levels outside 1 to 9, phone numbers, doubles and too many."""
    with pytest.raises(ValueError, match="skill"):
        skills_of(texts)


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 9)),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 9)),
)
def test_what_is_missing(needed, has):
    """A skill is missing if it is not there or of a lower level."""
    assert set(missing(needed, has)) == {name for name in needed if needed[name] > has.get(name, 0)}


# --- in the engine ----------------------------------------------------------------------------------------------------


def dial(stage, **given):
    """A call to a lead with these fields, on its way."""
    lead = replace(stage.lead(), **given)
    stage.tell(LeadsLeased("sales", (lead,), 0, 0))
    stage.pace(1)
    attempt, _ = stage.permit(lead)
    stage.tell(Dialled(attempt, stage.now))
    return attempt


@pytest.fixture
def floor(make_stage, make_lead):
    stage = make_stage()
    serial = iter(range(1, 100))
    object.__setattr__(stage, "lead", lambda: make_lead(next(serial)))
    stage.campaign()
    return stage


def test_the_last_agent_has_the_call_if_ready(floor):
    """The agent who talked with the lead last comes before one who has waited longer, and never keeps it waiting."""
    floor.login("ann", "bob")
    first, second = dial(floor, last_agent="bob"), dial(floor, last_agent="bob")
    floor.answer(first)
    floor.answer(second)
    assert [floor.call(first).agent, floor.call(second).agent] == ["bob", "ann"]


def test_a_vip_is_served_first(floor):
    """Of people who wait for an agent a lead of the VIP priority comes first, machines last."""
    machine, plain, vip = dial(floor, priority=9), dial(floor), dial(floor, priority=9)
    floor.answer(machine, kind=Answerer.MACHINE)
    floor.answer(plain)
    floor.answer(vip)
    served = []
    for agent in ("ann", "bob", "cid"):
        floor.login(agent)
        served += [attempt for attempt in (machine, plain, vip) if floor.call(attempt).agent == agent]
    assert served == [vip, plain, machine]


def test_an_agent_without_the_skill_does_not_serve_the_campaign(floor):
    """An agent serves the campaigns whose skills it has; others neither ring nor count for the pacer."""
    floor.campaign(agent_choice={"skills": ["mandarin:2"]})
    floor.campaign("other")
    for agent, skills in (("ann", {"mandarin": 1}), ("bob", {"mandarin": 2})):
        floor.say(K.LOGIN, agent, uri="sip:a@phones", campaigns=("sales", "other"), skills=skills)
        floor.say(K.READY, agent)
    assert floor.agent("ann").campaigns == ("other",)
    assert floor.state.roster.serving == {"sales": 1, "other": 2}
    floor.answer(dial(floor))
    assert floor.agent("bob").state is S.RINGING
    floor.answer(waits := dial(floor))
    assert floor.call(waits).agent == ""


def test_a_login_that_serves_nothing_is_refused(floor, of):
    """A login whose agent lacks the skills of all its campaigns is answered with what is missing."""
    floor.campaign(agent_choice={"skills": ["mandarin:2"]})
    effects = floor.say(K.LOGIN, "ann", uri="sip:a@phones", campaigns=("sales",), skills={"mandarin": 1}, ref="7")
    (event,) = of(Publish, effects)
    assert event.fields["reason"] == "skills: campaign sales needs mandarin:2"
    assert (event.kind, event.fields["ref"]) == ("agent_event_refused", "7")
    assert floor.state.roster.get("ann") is None


def test_a_campaign_that_asks_for_more_loses_agents_and_gets_them_back(floor, of):
    """With new skills in the settings, a ready agent who lacks them is paused with the reason, and cannot be ready; a
    talk goes on. Without them both serve again."""
    floor.login("ann", "bob")
    floor.answer(talk := dial(floor))
    floor.bridge(talk)
    floor.campaign(agent_choice={"skills": ["cards"]})
    assert (floor.agent("ann").state, floor.agent("bob").state) == (S.TALKING, S.PAUSED)
    assert floor.agent("bob").reason == "skills: campaign sales needs cards:1"
    assert of(Publish, floor.say(K.READY, "bob"))[0].kind == "agent_event_refused"
    assert floor.state.roster.serving["sales"] == 0
    assert floor.end(talk).disposition is Disposition.CONNECTED
    floor.campaign()
    floor.say(K.READY, "bob")
    assert (floor.agent("bob").state, floor.state.roster.serving["sales"]) == (S.READY, 2)


def test_who_loses_the_last_campaign_on_a_call_is_paused_after_it(floor):
    """Not ready for nothing: the floor would show an agent who waits for calls that never come."""
    floor.login("ann")
    floor.answer(talk := dial(floor))
    floor.bridge(talk)
    floor.campaign(agent_choice={"skills": ["cards"]})
    floor.end(talk)
    floor.say(K.WRAPUP_DONE, "ann")
    ann = floor.agent("ann")
    assert (ann.state, ann.reason) == (S.PAUSED, "skills: campaign sales needs cards:1")


def test_an_offer_is_taken_back_from_who_lacks_the_skills_now(make_stage, make_lead):
    """The lead is another agent's; who had it on the screen does not call it."""
    stage = make_stage()
    stage.campaign(mode=Mode.PREVIEW)
    stage.login("ann")
    stage.tell(LeadsLeased("sales", (make_lead(1),), 0, 0))
    assert stage.agent("ann").state is S.PREVIEW
    stage.campaign(mode=Mode.PREVIEW, agent_choice={"skills": ["cards"]})
    assert stage.agent("ann").state is S.PAUSED
    assert not stage.state.campaigns["sales"].offers
    assert len(stage.state.campaigns["sales"].leads) == 1


def test_orders_on_the_floor(make_stage, make_lead):
    """The order of the settings decides: the least occupied, not the one who has waited longest."""
    stage = make_stage()
    stage.campaign(agent_choice={"order": "least_occupied"}, wrapup_limit_s=0)
    stage.login("ann")
    first = stage.talk()
    stage.wait(60.0)
    stage.end(first)
    stage.wait(5.0)  # ann is ready again, and was busy nearly all the time
    stage.login("bob")
    attempt = stage.dial()
    stage.answer(attempt)
    assert stage.call(attempt).agent == "bob"
