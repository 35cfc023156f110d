"""The conductor: questions, campaigns that share agents, the ledger's day, disorder."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from compliance.numbers import E164
from dialer.core.abandonment.rate import AnswerCounts
from dialer.core.agents.agent import AgentEventKind, AgentState
from dialer.core.calls.call import CallState
from dialer.core.calls.trunk_load import FAULTS_TO_OPEN, FIRST_REST_S
from dialer.core.effects import Lease, Release
from dialer.core.engine import CATCH_UP_S
from dialer.core.engine_state import TimerKind
from dialer.core.inputs import CampaignState, LeadsLeased, LedgerOfOthers, Permitted, StoreFailed
from dialer.core.model import Disposition, Lead
from pacing.api import CallAnswered, Ledger
from sip.causes import Cause, Leg
from sip.messages import (
    AgentDialled,
    AgentEnded,
    Answered,
    Bridged,
    Capacity,
    Dialled,
    Digit,
    Ended,
    MessageDone,
    Progress,
    Ready,
)

K = AgentEventKind


def asked(stage, **given):
    return {question.campaign: question for question in stage.engine.pacer_requests(stage.now, **given)}


# --- what the pacer sees ------------------------------------------------------------------------------------------


def test_questions_are_asked_once(stage):
    """Whom nothing happened to is not asked, but for the beat; observations are handed out once."""
    attempt = stage.dial()
    stage.answer(attempt)
    assert [type(seen) for seen in asked(stage)["sales"].observations] == [CallAnswered]
    assert asked(stage) == {}
    assert asked(stage, everyone=True)["sales"].observations == ()


def test_only_running_campaigns_are_asked_about(stage):
    """Paused and stopped campaigns need no decision; important ones come first."""
    stage.campaign("alpha", priority=1)
    stage.campaign("beta", priority=9)
    stage.campaign("gamma", CampaignState.PAUSED)
    assert list(asked(stage)) == ["beta", "sales", "alpha"]


# --- agents shared by campaigns --------------------------------------------------------------------------------


def ready(stage):
    return {name: question.snapshot.ready for name, question in asked(stage, everyone=True).items()}


def test_an_agent_counts_for_one_campaign(shared):
    """The more important one with leads; no agent is promised twice."""
    shared.lease(3, "sales")
    shared.lease(3, "urgent")
    assert ready(shared) == {"urgent": 2, "sales": 0}


def test_agents_go_over_when_the_important_campaign_runs_dry(shared):
    """Without leads a campaign keeps nobody from working, and takes the agents back when it has some again."""
    shared.lease(3, "sales")
    shared.tell(LeadsLeased("urgent", (), 0, 0))
    assert ready(shared) == {"urgent": 0, "sales": 2}
    shared.lease(1, "urgent")
    assert ready(shared) == {"urgent": 2, "sales": 0}


def beat(stage, store):
    """A second passes; every lease is answered from `store` (leads by campaign)."""
    stage.wait(1.1)
    effects = stage.engine.lease_more(stage.now)
    for effect in effects:
        if isinstance(effect, Release):
            store[effect.campaign] += len(effect.leads)
        if isinstance(effect, Lease):
            taken = min(effect.count, store[effect.campaign])
            store[effect.campaign] -= taken
            stage.lease(taken, effect.campaign, due=store[effect.campaign])
    for agent in list(stage.state.roster.agents):
        stage.say(K.HEARTBEAT, agent)


def test_a_lesser_campaign_finds_its_leads_when_the_other_has_none(shared):
    """Only the store knows who has leads: an idle agent's every campaign is asked."""
    store = {"sales": 30, "urgent": 0}
    for _ in range(3):
        beat(shared, store)
    assert ready(shared) == {"urgent": 0, "sales": 2}


def test_new_leads_of_the_important_campaign_are_noticed(shared):
    """While its agents work for a lesser campaign, the important one keeps asking the store."""
    store = {"sales": 5000, "urgent": 0}
    for _ in range(3):
        beat(shared, store)
    store["urgent"] = 100
    for _ in range(3):
        beat(shared, store)
    assert ready(shared) == {"urgent": 2, "sales": 0}
    assert store["sales"] == 5000  # what it had leased went back


def test_a_call_is_answered_by_whoever_may_take_it(shared, rung):
    """Agents counted for one campaign still take the calls of the other that were under way."""
    attempt = shared.dial("sales")
    shared.lease(3, "urgent")
    assert rung(shared.answer(attempt)) == ["sip:ann@phones"]
    shared.bridge(attempt)
    seen = asked(shared, everyone=True)
    assert len(seen["sales"].snapshot.talking_age_s) == 1
    assert seen["urgent"].snapshot.ready == 1


def test_an_agent_of_another_campaign_is_not_rung(stage, rung):
    """Campaigns that an agent does not name are none of the agent's business."""
    stage.campaign("survey")
    stage.login("ann", campaigns=("survey",))
    attempt = stage.dial("sales")
    assert rung(stage.answer(attempt)) == []


def test_a_caller_gets_an_agent_who_was_counted_on_for_the_call(shared, rung):
    """An agent whom only this campaign may use goes before one whom a more important campaign has called for."""
    shared.login("cid", campaigns=("sales",))
    attempt = shared.dial("sales")
    shared.lease(3, "urgent")
    assert rung(shared.answer(attempt)) == ["sip:cid@phones"]


def test_a_campaign_at_its_own_limit_lends_its_agents(shared):
    """Agents do not idle for a campaign that may not call more, while another has leads."""
    shared.campaign("urgent", priority=7, max_lines=1)
    shared.lease(3, "sales")
    shared.dial("urgent")
    shared.lease(3, "urgent")
    assert ready(shared) == {"urgent": 0, "sales": 2}


# --- the ledger -----------------------------------------------------------------------------------------------------


def abandon(stage):
    attempt = stage.dial()
    stage.answer(attempt)
    stage.wait(2.1)
    stage.end(attempt, Cause.NORMAL, Leg.DIALER)


def test_the_ledger_is_ours_and_everybody_elses(stage):
    """Own counts and those of other hosts add up; a later report of the others replaces the earlier."""
    abandon(stage)
    stage.tell(LedgerOfOthers("sales", "2026-03-02", AnswerCounts(100, 2)))
    assert stage.state.campaigns["sales"].ledger == Ledger(101, 3)
    abandon(stage)
    stage.tell(LedgerOfOthers("sales", "2026-03-02", AnswerCounts(110, 2)))
    assert stage.state.campaigns["sales"].ledger == Ledger(112, 4)


def test_a_new_day_starts_a_new_ledger(stage):
    """A change of the counting day starts this process's count anew."""
    stage.tell(LedgerOfOthers("sales", "2026-03-02", AnswerCounts(0, 0)))
    abandon(stage)
    stage.tell(LedgerOfOthers("sales", "2026-03-03", AnswerCounts(5, 0)))
    assert stage.state.campaigns["sales"].ledger == Ledger(5, 0)
    stage.tell(LedgerOfOthers("nobody", "2026-03-03", AnswerCounts(5, 0)))


# --- disorder -------------------------------------------------------------------------------------------------------


def test_events_of_unknown_calls_change_nothing(stage):
    """They crossed the call's end on the way."""
    assert stage.tell(Answered("gone", stage.now, False)) == []
    assert stage.tell(Ready(4, 5060, 1)) == []


def test_an_event_that_does_not_fit_is_an_anomaly(stage):
    """A second answer is said and ignored."""
    attempt = stage.dial()
    stage.answer(attempt)
    at = stage.call(attempt).answered_at
    stage.wait(0.5)
    stage.answer(attempt)
    assert stage.call(attempt).answered_at == at
    assert any("answered does not fit" in detail for detail in stage.anomalies())


def test_keys_and_message_ends_are_heard_quietly(stage):
    """They are for whoever reads the call's events."""
    attempt = stage.dial()
    assert stage.tell(Digit(attempt, stage.now, "9")) == stage.tell(MessageDone(attempt, stage.now)) == []


def test_a_stores_failure_for_an_unknown_campaign_is_harmless(stage):
    """Nothing to clear, nothing cleared."""
    assert stage.tell(StoreFailed("nobody", (), lease=True)) == []


EVENTS = st.sampled_from(
    [
        lambda at: Dialled("a", at),
        lambda at: Progress("a", at, 180, False),
        lambda at: Answered("a", at, False),
        lambda at: Answered("a", at, True),
        lambda at: AgentDialled("a", "a.1", at),
        lambda at: Bridged("a", "a.1", at),
        lambda at: Bridged("a", "a.2", at),
        lambda at: AgentEnded("a", "a.1", at, Cause.BUSY, 486),
        lambda at: AgentEnded("a", "a.2", at, Cause.CANCELLED, 487),
        lambda at: MessageDone("a", at),
        lambda at: Ended("a", at, Cause.NORMAL, Leg.CALLEE, 200, 0, ""),
        lambda at: Ended("a", at, Cause.CANCELLED, Leg.DIALER, 487, 0, ""),
        lambda at: Ended("a", at, Cause.WORKER_LOST, Leg.DIALER, 0, 0, ""),
        lambda at: Capacity(0, 0),
    ]
)


@given(steps=st.lists(st.tuples(EVENTS, st.sampled_from([0.0, 0.3, 1.0, 2.1, 30.0])), max_size=25))
def test_no_order_of_events_breaks_a_call(make_stage, make_permit, steps):
    """Whatever a worker says, in whatever order: one settlement, no agent left behind, no line leaked."""
    stage = make_stage(agent_heartbeat_timeout_s=1e9)
    stage.campaign(wrapup_limit_s=5.0)
    stage.login("ann", "bob")
    lead = Lead("lead-x", "sales", (E164("+8613800000001"),))
    stage.tell(LeadsLeased("sales", (lead,), 0, 0))
    stage.pace()
    stage.tell(Permitted(lead, make_permit(lead, "a", stage.wall)))
    for event, pause_s in steps:
        stage.tell(event(stage.now))
        stage.wait(pause_s)
    stage.wait(300.0)
    if "a" in stage.state.calls:
        assert stage.call("a").state is CallState.TALKING
        stage.end("a")
    assert len(stage.settled()) == 1
    assert stage.engine.is_idle()
    assert not stage.state.waiting
    stage.wait(10.0)
    states = {agent.state for agent in stage.state.roster.agents.values()}
    assert states <= {AgentState.READY, AgentState.PAUSED}


def test_time_passes_in_one_leap_too(stage):
    """A late wake-up fires everything that was due, in order."""
    attempt = stage.dial()
    stage.now += 200.0
    stage.engine.advance(stage.now)
    assert stage.call(attempt).state is CallState.CANCELLING
    stage.now += 100.0
    stage.done += stage.engine.advance(stage.now)
    assert stage.settled() == [Disposition.WORKER_LOST]


def test_the_board_says_how_long_a_trunk_rests(stage):
    """Not at all while it works, and no less than nothing when it has rested."""
    stage.login("ann")
    assert {row.resting_s for row in stage.engine.statistics(stage.now).trunks} == {0.0}
    for _ in range(FAULTS_TO_OPEN):
        stage.end(stage.dial(), Cause.TRUNK_UNREACHABLE)
    rests = [max(row.resting_s for row in stage.engine.statistics(stage.now + s).trunks) for s in (0.0, 4.0, 1e4)]
    assert rests == [FIRST_REST_S, FIRST_REST_S - 4.0, 0.0]


def test_the_next_moment_is_the_soonest_of_all_timers(stage):
    """In whichever order they were set."""
    stage.engine.advance(stage.now)
    for after_s in (0.4, 0.1, 0.3, 0.2, 0.5):
        stage.engine.state.set_timer(stage.now + after_s, TimerKind.LEASE, "sales", stage.now)
    assert stage.engine.next_wake() == stage.now + 0.1


def test_a_timer_of_a_call_that_is_over_wakes_nobody(stage):
    """The ring timeouts of a call that was answered, and of one that has ended, are dropped."""
    stage.login("ann")
    talk = stage.talk()
    ringing = stage.dial()
    stage.end(ringing, Cause.BUSY, Leg.CALLEE, 486)
    over = {(talk, TimerKind.RING), (ringing, TimerKind.RING)}
    for _ in range(40):
        stage.now = max(stage.now, stage.engine.next_wake())
        assert not {(name, kind) for when, _, kind, name, _ in stage.state.timers if when <= stage.now} & over
        stage.engine.advance(stage.now)


def test_after_a_pause_no_timer_speaks_before_the_news(make_stage, rung):
    """The process was stopped for longer than a call may ring, and the answer waits to be read: nobody is cancelled."""
    stage = make_stage()
    stage.campaign()
    stage.login("ann")
    stage.lease(1)
    attempt = stage.dial()
    stage.ring(attempt)
    answered_at = stage.now + 5.0
    stage.now += 100.0
    stage.engine.stood_still(stage.now)

    assert stage.engine.advance(stage.now) == []
    assert stage.now < stage.engine.next_wake() <= stage.now + CATCH_UP_S
    effects = stage.engine.receive(Answered(attempt, answered_at, False), stage.now, stage.wall)

    assert rung(effects) == ["sip:ann@phones"]


def test_after_a_pause_desktops_get_the_time_to_be_heard(make_stage):
    """What they said meanwhile waits to be read; who says nothing afterwards is gone all the same."""
    stage = make_stage(agent_heartbeat_timeout_s=60.0)
    stage.campaign()
    stage.login("ann")
    stage.now += 300.0
    stage.engine.stood_still(stage.now)

    stage.engine.advance(stage.now + 59.0)
    assert "ann" in stage.state.roster.agents
    stage.engine.advance(stage.now + 61.0)
    assert "ann" not in stage.state.roster.agents
