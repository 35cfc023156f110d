"""Who counts for which campaign, and what pacers see of it: what is kept, against the slow and obvious way."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.agents.agent import Agent, AgentEventKind, AgentState
from dialer.core.calls.call import UNANSWERED, CallState
from dialer.core.calls.trunk_load import TrunkLimits
from dialer.core.campaign_run import CampaignRun
from dialer.core.effects import Reserve
from dialer.core.engine_state import EngineState
from dialer.core.inputs import CampaignState, LeadsLeased, StoreFailed
from dialer.core.pacing_snapshot import snapshot, surplus
from pacing.api import Mode
from tests.core.conftest import Stage, a_lead, a_stage, of

NAMES = ("sales", "survey", "urgent")
AGENTS = ("ann", "bob", "cid", "dan")


# --- slow and obvious ------------------------------------------------------------------------------------------------


def has_work(state: EngineState, run: CampaignRun) -> bool:
    """Leads, lines and channels."""
    in_flight = len(run.calls) + len(run.reserving)
    trunks = [trunk for trunk in state.trunks.values() if run.settings.trunk in {"", trunk.name}]
    return (
        bool(run.leads or run.due)
        and not (run.settings.max_lines and in_flight >= run.settings.max_lines)
        and any(trunk.calls < trunk.limits.max_calls for trunk in trunks)
    )


def campaign_of(state: EngineState, agent: Agent) -> str | None:
    """The campaign of the call or of the lead, else the first of those that run and have work, else the first."""
    if agent.call in state.calls:
        return state.calls[agent.call].campaign
    if agent.lead is not None:
        return agent.lead.campaign
    running = [run for run in state.campaigns.values() if run.state is CampaignState.RUNNING]
    mine = [run for run in running if run.name in agent.campaigns]
    mine.sort(key=lambda run: (not has_work(state, run), -run.settings.priority, run.name))
    return mine[0].name if mine else None


def staff_of(state: EngineState, run: CampaignRun) -> list[Agent]:
    """Those of all agents who count for the campaign."""
    return [agent for agent in state.roster.agents.values() if campaign_of(state, agent) == run.name]


def prospects_of(state: EngineState, run: CampaignRun) -> int:
    """Those who count for the campaign, and those who would if it had leads."""
    number = 0
    for other in state.campaigns.values():
        for agent in staff_of(state, other):
            before = (-run.settings.priority, run.name) < (-other.settings.priority, other.name)
            would = run.name in agent.campaigns and (before or not has_work(state, other))
            number += other is run or would
    return number


def unanswered(state: EngineState, run: CampaignRun) -> list[tuple[float, str]]:
    """Calls that nobody has asked for and nobody has answered, those at the gates included: since when, on which
    trunk."""
    calls = [call for call in state.calls.values() if call.campaign == run.name and not call.asked_by]
    ringing = [(call.started_at, call.trunk) for call in calls if call.state in UNANSWERED]
    return ringing + [(gate.since, gate.trunk) for gate in run.reserving.values() if not gate.agent]


def ready_of(state: EngineState, run: CampaignRun) -> list[Agent]:
    """The ready agents who count for the campaign."""
    return [agent for agent in staff_of(state, run) if agent.state is AgentState.READY]


def charged(state: EngineState, run: CampaignRun) -> list[tuple[float, str]]:
    """The campaign's own calls, and the oldest of each other one that has more than ready agents of its own, at most as
    many as there are ready agents here who serve that one."""
    found = unanswered(state, run)
    for other in state.campaigns.values():
        if other is not run:
            theirs = sorted(unanswered(state, other))
            excess = max(0, len(theirs) - len(ready_of(state, other)))
            shared = sum(other.name in agent.campaigns for agent in ready_of(state, run))
            found += theirs[: min(excess, shared)]
    return found


def hold_snapshot(state: EngineState, run: CampaignRun, now: float) -> None:
    """What the campaign's pacer sees is what the slow way says."""
    staff = state.staff()
    seen = snapshot(state, run, staff, surplus(state, staff), now)
    ringing = sorted((now - since, trunk) for since, trunk in charged(state, run))
    waiting = [call for call in state.calls.values() if call.state is CallState.WAITING and call.campaign == run.name]
    assert sorted(zip(seen.ringing_age_s, seen.ringing_trunk, strict=True)) == ringing
    assert sorted(seen.waiting_age_s) == sorted(now - (one.answered_at or now) for one in waiting if not one.asked_by)
    assert (seen.leads_available, seen.ready) == (len(run.leads), len(ready_of(state, run)))


def hold(stage: Stage) -> None:
    """Everything that is kept is what the slow way says."""
    state: EngineState = stage.state
    runs = list(state.campaigns.values())
    agents = list(state.roster.agents.values())
    ready = [agent for agent in agents if agent.state is AgentState.READY]
    serving, ready_serving = (Counter(name for agent in some for name in agent.campaigns) for some in (agents, ready))
    gates = Counter(gate.trunk for run in runs for gate in run.reserving.values())
    assert state.staff() == {run.name: staff_of(state, run) for run in runs}
    assert +state.roster.serving == serving
    assert +state.roster.ready_serving == ready_serving
    assert +state.at_gates == gates
    assert state.lines_used == len(state.calls) + gates.total()
    for run in runs:
        hold_snapshot(state, run, stage.now)
    found = state.ready_staff()
    assert {name: {agent.agent for agent in some} for name, some in found.items()} == {
        run.name: {agent.agent for agent in staff_of(state, run) if agent.state is AgentState.READY} for run in runs
    }
    if len(runs) > 1:  # the only one leases for whoever serves it
        assert state.staffing.prospects() == {run.name: prospects_of(state, run) for run in runs}
        for run in runs:
            assert state.staffing.has_work(run) == has_work(state, run)


# --- whatever happens on a floor --------------------------------------------------------------------------------------


def change(stage: Stage, dice: Any) -> None:
    """An operator changes a campaign."""
    stage.campaign(
        dice.draw(st.sampled_from(NAMES)),
        dice.draw(st.sampled_from(CampaignState)),
        mode=dice.draw(st.sampled_from([Mode.PROGRESSIVE, Mode.PREVIEW])),
        priority=dice.draw(st.integers(1, 3)),
        max_lines=dice.draw(st.integers(0, 2)),
        trunk=dice.draw(st.sampled_from(["", "north", "south", "nowhere"])),
    )


def lease(stage: Stage, dice: Any) -> None:
    """Leads come, or word that there is none."""
    name, number = dice.draw(st.sampled_from(NAMES)), dice.draw(st.integers(0, 2))
    leads = tuple(a_lead(next(stage.serial), name) for _ in range(number))
    stage.tell(LeadsLeased(name, leads, dice.draw(st.integers(0, 1)), 0))


def say(stage: Stage, dice: Any) -> None:
    """A desktop says something; whoever has a lead on offer may want it."""
    name = dice.draw(st.sampled_from(AGENTS))
    kind = dice.draw(st.sampled_from(AgentEventKind))
    agent = stage.state.roster.get(name)
    campaigns = tuple(dice.draw(st.lists(st.sampled_from((*NAMES, "nobodys")), min_size=1, max_size=4)))
    lead = agent.lead.lead_id if agent is not None and agent.lead is not None else ""
    stage.say(kind, name, uri=f"sip:{name}@phones", campaigns=campaigns, lead_id=lead)


def work(stage: Stage, dice: Any) -> None:
    """Somebody logs in and is ready."""
    stage.login(dice.draw(st.sampled_from(AGENTS)), campaigns=tuple(dice.draw(st.permutations(NAMES))[:2]))


def dial(stage: Stage, dice: Any) -> None:
    """The pacer asks for calls; the gates say yes, nothing, or fail."""
    for reserve in of(Reserve, stage.pace(dice.draw(st.integers(0, 2)), dice.draw(st.sampled_from(NAMES)))):
        for lead in reserve.leads:
            match dice.draw(st.sampled_from(["permit", "permit", "permit", "fail", "wait"])):
                case "permit":
                    stage.permit(lead)
                case "fail":
                    stage.tell(StoreFailed(lead.campaign, (lead,), lease=False))


def go_on(stage: Stage, dice: Any) -> None:
    """Something happens to a call."""
    for attempt in list(stage.state.calls)[:1]:
        match dice.draw(st.sampled_from(["answer", "bridge", "end"])):
            case "answer":
                stage.answer(attempt)
            case "bridge":
                stage.bridge(attempt)
            case "end":
                stage.end(attempt)


def wait(stage: Stage, dice: Any) -> None:
    """Time passes: limits are reached, desktops fall silent."""
    stage.wait(dice.draw(st.sampled_from([0.1, 3.0, 70.0])))


STEPS = (change, lease, say, work, dial, go_on, wait)


@settings(max_examples=80, deadline=None)
@given(number=st.integers(1, 3), dice=st.data())
def test_what_is_kept_is_what_the_slow_way_says(number: int, dice: st.DataObject) -> None:
    """After every step of a floor with few trunks, lines and leads: who counts for whom, who may be leased for, who
    serves, what is at the gates, what each pacer sees."""
    stage = a_stage(trunks=(TrunkLimits("north", 5.0, 2), TrunkLimits("south", 5.0, 1)), max_lines=6)
    for name in NAMES[:number]:
        stage.campaign(name, mode=dice.draw(st.sampled_from([Mode.PROGRESSIVE, Mode.PREVIEW])))
        stage.lease(2, name, due=dice.draw(st.integers(0, 1)))
    for agent in AGENTS[:2]:
        stage.login(agent, campaigns=NAMES)
    hold(stage)
    for step in dice.draw(st.lists(st.sampled_from(STEPS), max_size=25)):
        if step is not change or number > 1:
            step(stage, dice)
        hold(stage)


def test_a_floor_at_rest_is_worked_out_once() -> None:
    """Asked again while nothing has changed, the answer is the one that is known."""
    stage = a_stage()
    for name in NAMES:
        stage.campaign(name)
    stage.login("ann", campaigns=NAMES)
    known = stage.state.staff()
    assert stage.state.staff() is known
    stage.lease(1, "sales")
    assert stage.state.staff() is not known


def test_a_lead_told_twice_to_the_gates_takes_one_line(stage: Stage) -> None:
    """The newer word replaces the older one, on another trunk, too."""
    run = stage.state.campaigns["sales"]
    (lead,) = stage.lease()
    stage.pace()
    gate = run.reserving[lead.lead_id]
    stage.state.enter_gates(run, gate)
    assert stage.state.lines_used == 1


def test_a_call_that_is_gone_counts_no_more_before_its_agent_is_free() -> None:
    """Also in the middle of a step: whoever talked for one campaign counts for the first by priority again."""
    stage = a_stage()
    stage.campaign("sales", priority=1)
    stage.campaign("urgent", priority=7)
    stage.login("ann", campaigns=NAMES)
    attempt = stage.talk("sales")
    stage.lease(1, "urgent")
    assert [agent.agent for agent in stage.state.staff()["sales"]] == ["ann"]
    call = stage.state.remove_call(attempt)
    assert [agent.agent for agent in stage.state.staff()["urgent"]] == ["ann"]
    stage.state.add_call(call)
    assert [agent.agent for agent in stage.state.staff()["sales"]] == ["ann"]


def test_who_waits_is_shown_to_the_pacer_of_their_own_campaign() -> None:
    """Each campaign's pacer sees the callers of that campaign, and no others."""
    stage = a_stage()
    for name in NAMES[:2]:
        stage.campaign(name)
    stage.answer(stage.dial("sales"))
    sales, survey = stage.engine.pacer_requests(stage.now, everyone=True)
    assert (sales.campaign, survey.campaign) == NAMES[:2]
    assert (len(sales.snapshot.waiting_age_s), len(survey.snapshot.waiting_age_s)) == (1, 0)


def test_only_the_excess_of_a_rival_is_charged() -> None:
    """Two calls beyond its own one agent, the oldest of which may take two of the three agents who serve both."""
    stage = a_stage()
    stage.campaign("sales", priority=9)
    stage.campaign("survey")
    stage.login("own", campaigns=("survey",))
    for _ in range(3):
        stage.dial("survey")
        stage.wait(1.0)
    stage.login("ann", "bob", "cid", campaigns=("sales", "survey"))
    stage.lease(1, "sales")
    hold(stage)
    (sales, _) = stage.engine.pacer_requests(stage.now, everyone=True)
    assert [round(age, 1) for age in sales.snapshot.ringing_age_s] == [3.3, 2.3]
