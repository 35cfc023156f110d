"""What a daemon counts, and the board and the metrics made of it."""

from __future__ import annotations

from dataclasses import asdict, replace

import msgpack
import pytest
from prometheus_client import generate_latest

from compliance.numbers import E164
from config.campaign import CampaignSettings
from config.policies import applied
from dialer.core.abandonment.rate import AnswerCounts
from dialer.core.abandonment.windows import CountingWindow, WindowCounts
from dialer.core.agents.agent import Agent, AgentState, LeadRef
from dialer.core.board import AgentRow, Board, Trend, WindowRow, from_wire
from dialer.core.calls.trunk_load import TrunkLimits
from dialer.core.campaign_run import CampaignRun, Offer
from dialer.core.effects import AgentChanged
from dialer.core.engine_state import EngineSettings, EngineState, new_state
from dialer.core.engine_view import statistics as engine_statistics
from dialer.core.inputs import CampaignState
from dialer.core.leads.lead_counts import LeadCounts
from dialer.core.model import Lead
from dialer.shell.clock import Clock
from dialer.shell.health import Health, NoCalls
from dialer.shell.metrics import Metrics
from dialer.shell.statistics import Statistics, TrendCounts
from dialer.store.operators.agent_days import AgentDay
from pacing.api import Brake, Decision, Mode, Reason, Rule
from pacing.policies import progressive
from tests.core.conftest import a_stage
from tests.pacing.cases import snapshot

NOW = 1_772_500_000.0  # 2026-03-03 01:06:40 UTC


@pytest.fixture
def statistics() -> Statistics:
    """Counts of a daemon that has just started."""
    return Statistics(Clock.start(), started_at=0.0)


def board_of(statistics: Statistics, state: EngineState, health: Health | None = None, restarts: int = 0) -> Board:
    """The board of a host with five workers."""
    figures = engine_statistics(state, statistics.clock.now())
    return statistics.board("host", figures, health or Health(), workers=5, restarts=restarts, spooled=0)


def test_agents_time_is_booked_to_the_state_it_was_spent_in(statistics: Statistics) -> None:
    """Ready for 5 s, talking for 20 s: that is what the utilisation is made of."""
    for state, at in [(AgentState.READY, 100.0), (AgentState.TALKING, 105.0), (AgentState.OFFLINE, 125.0)]:
        statistics.agent_changed(AgentChanged("ann", state, at, "", ("spring",)))

    assert dict(statistics.agent_s) == {"ready": 5.0, "talking": 20.0}


def test_the_board_survives_the_wire(statistics: Statistics) -> None:
    """What a daemon publishes is what a screen reads."""
    floor = new_state(EngineSettings((TrunkLimits("carrier", 10.0, 100),), max_lines=10))
    statistics.decided("spring", Decision(3))

    board = board_of(statistics, floor)

    assert from_wire(board.to_wire()) == board
    assert board.trunks[0].name == "carrier"


def test_why_a_decision_is_what_it_is_is_published_as_plain_data(statistics: Statistics) -> None:
    """Rule, brake and figures reach a screen through msgpack, beside the sentence that is made of them."""
    floor = new_state(EngineSettings((TrunkLimits("carrier", 10.0, 100),), max_lines=10))
    settings = applied(CampaignSettings(name="spring", mode=Mode.PROGRESSIVE))
    floor.campaigns["spring"] = CampaignRun(settings, CampaignState.RUNNING)
    reason = Reason(Rule.PROGRESSIVE, Brake.NO_LINE, {"ready": 2, "ringing": 1, "waiting": 0, "lines_free": 0})
    statistics.decided("spring", Decision(0, reason))

    board = board_of(statistics, floor)
    wire = msgpack.unpackb(msgpack.packb(board.to_wire()))

    (row,) = wire["campaigns"]
    assert row["sentence"] == "dial 0: 2 ready, 1 ringing, one call for each ready agent; no line is free"
    assert row["decision"]["reason"]["brake"] == "no_line"
    assert from_wire(wire).campaigns[0].decision == Decision(0, reason)


def test_a_decision_has_its_time(statistics: Statistics) -> None:
    """By the wall clock; a campaign whose pacer was not asked yet has none."""
    floor = new_state(EngineSettings((TrunkLimits("carrier", 10.0, 100),), max_lines=10))
    for name in ("spring", "autumn"):
        floor.campaigns[name] = CampaignRun(
            applied(CampaignSettings(name=name, mode=Mode.PROGRESSIVE)), CampaignState.RUNNING
        )
    begun = statistics.clock.wall()
    statistics.decided("spring", Decision(3))

    board = board_of(statistics, floor)
    spring, autumn = board.campaigns

    assert begun <= spring.decided_at <= board.at
    assert autumn.decided_at == 0.0


def test_the_metrics_show_the_newest_board(statistics: Statistics) -> None:
    """Every scrape reads the board of the second."""
    metrics = Metrics()
    floor = new_state(EngineSettings((TrunkLimits("carrier", 10.0, 100),), max_lines=10))

    without_redis = Health()
    without_redis.stop_calls(NoCalls.REDIS, "gone")
    metrics.show(board_of(statistics, floor, without_redis, restarts=2))

    text = generate_latest(metrics.registry).decode()
    assert "dialer_sip_workers 5.0" in text
    assert "dialer_worker_restarts_total 2.0" in text
    assert "dialer_redis_up 0.0" in text
    assert 'dialer_trunk_calls{trunk="carrier"} 0.0' in text


def test_the_board_and_the_metrics_have_every_window(statistics: Statistics) -> None:
    """Own counts and those of others together, with the budget that is left."""
    floor = new_state(EngineSettings((TrunkLimits("carrier", 10.0, 100),), max_lines=10))
    settings = applied(CampaignSettings(name="spring", mode=Mode.PROGRESSIVE))
    run = floor.campaigns["spring"] = CampaignRun(settings, CampaignState.RUNNING)
    window = CountingWindow("rolling_hour", "the last hour", 0.06, 0.0)
    run.windows = (WindowCounts(window, AnswerCounts(99, 1, machines=4), AnswerCounts(1, 1)),)
    statistics.campaigns["spring"].hand_over_s.add(0.02)
    metrics = Metrics()

    board = board_of(statistics, floor)
    metrics.show(board)

    assert board.campaigns[0].windows == (WindowRow("rolling_hour", "the last hour", 0.06, 100, 2, 4),)
    assert from_wire(board.to_wire()) == board
    assert board.to_wire() == asdict(board)
    text = generate_latest(metrics.registry).decode()
    assert 'dialer_window_live_answers{campaign="spring",window="rolling_hour"} 100.0' in text
    assert 'dialer_window_abandoned{campaign="spring",window="rolling_hour"} 2.0' in text
    assert 'dialer_window_budget_calls{campaign="spring",window="rolling_hour"} 4.0' in text


def test_a_preview_campaign_says_who_decides(statistics: Statistics) -> None:
    """In the place of the pacer's sentence; leads on offer are held here."""
    floor = new_state(EngineSettings((TrunkLimits("carrier", 10.0, 100),), max_lines=10))
    run = CampaignRun(
        applied(CampaignSettings(name="spring", mode=Mode.PREVIEW)), CampaignState.RUNNING, day="2026-03-02"
    )
    floor.campaigns["spring"] = run
    lead = Lead("L1", "spring", (E164("+8613800138000"),))
    ref = LeadRef("spring", "L1")
    run.offers["ann"] = Offer(lead, 0.0)
    ann = Agent("ann", "sip:ann@a", ("spring",), "", AgentState.PREVIEW, since=0.0, heard_at=0.0, lead=ref)
    floor.roster.put(ann)

    (row,) = board_of(statistics, floor).campaigns

    assert row.sentence == "preview: 1 agent decides on a lead, 0 ready, no lead is due"
    assert (row.leads_held, row.agents) == (1, {"preview": 1})


@pytest.mark.parametrize(
    ("leads", "word", "finished"),
    [
        (LeadCounts(at=NOW, waiting=3, closed=4, next_due_at=NOW + 3600), "nothing due until 02:06", False),
        (LeadCounts(at=NOW, closed=4), "finished", True),
    ],
)
def test_the_board_says_until_when_nothing_is_due(
    statistics: Statistics, leads: LeadCounts, word: str, finished: bool
) -> None:
    """The pacer only knows that no lead is here; the board adds what comes next, by the one definition of finished."""
    floor = new_state(EngineSettings((TrunkLimits("carrier", 10.0, 100),), max_lines=10))
    settings = applied(CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, time_zone="UTC"))
    floor.campaigns["spring"] = CampaignRun(settings, CampaignState.RUNNING)
    statistics.campaigns["spring"].leads = leads
    statistics.decided("spring", progressive(snapshot(ready=2, leads_available=0)))

    (row,) = board_of(statistics, floor).campaigns

    assert (row.next, row.finished) == (word, finished)
    assert row.sentence == f"dial 0: 2 ready, 0 ringing, one call for each ready agent; no lead is due ({word})"


def test_the_board_counts_each_campaigns_own_agents_and_calls(statistics: Statistics) -> None:
    """An agent counts for one campaign, a call for its own."""
    stage = a_stage()
    stage.campaign("sales")
    stage.campaign("urgent", priority=9)
    stage.login("ann", "bob", campaigns=("sales", "urgent"))
    stage.login("cid")
    stage.talk("sales")
    stage.lease(1, "urgent")
    stage.ring(stage.dial("sales"))

    sales, urgent = board_of(statistics, stage.state).campaigns

    assert (sales.agents, sales.calls) == ({"talking": 1}, {"talking": 1, "ringing": 1})
    assert (urgent.agents, urgent.calls) == ({"ready": 2}, {})


def test_the_trend_is_of_the_last_hour(statistics: Statistics) -> None:
    """Twelve stretches of five minutes, the newest last; what is older has gone."""
    counts = TrendCounts()
    for at, live, abandoned in (
        (10.0, True, False),
        (290.0, False, False),
        (3000.0, True, True),
        (3599.0, False, False),
    ):
        counts.count(at, live=live, abandoned=abandoned)

    trend = counts.trend(3599.0)
    assert trend == Trend((2, *[0] * 9, 1, 1), (1, *[0] * 9, 1, 0), (0, *[0] * 9, 1, 0))
    assert counts.trend(3600.0).ended == (*[0] * 9, 1, 1, 0)
    assert counts.trend(99_999.0) == Trend(*[(0,) * 12] * 3)


def test_an_agents_row_has_the_agents_day(statistics: Statistics) -> None:
    """As the store last had it; whoever has not talked today has nothing."""
    engine = engine_statistics(a_stage().state, 0.0)
    rows = tuple(AgentRow(name, "red", "ready", NOW, "", "spring") for name in ("ann", "bob"))
    statistics.agent_days = {"ann": AgentDay(3, 90.0, NOW, {"sale": 1})}

    ann, bob = statistics.board("host", replace(engine, agents=rows), Health(), workers=0, restarts=0, spooled=0).agents
    assert (ann.talks, ann.talk_s, ann.first_talk_at, ann.outcomes) == (3, 90.0, NOW, {"sale": 1})
    assert (bob.talks, bob.first_talk_at) == (0, None)
