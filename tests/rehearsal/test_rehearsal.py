"""The engine under faults, in virtual time."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.agents.settings import Connection
from dialer.core.calls.trunk_load import TrunkLimits
from dialer.core.model import Disposition
from pacing.api import Mode
from pacing.policies import Progressive
from tests.rehearsal.invariants import LEFT_FOR_MACHINES
from tests.rehearsal.rehearsal import prepare, rehearse
from tests.rehearsal.scenario import Callees, DeskSettings, Fault, FaultKind

MODES = [Mode.PROGRESSIVE, Mode.RATIO, Mode.PREDICTIVE, Mode.PREVIEW, Mode.SCRIPT]


@pytest.mark.parametrize("seed", range(50))
def test_nothing_breaks_whatever_breaks(make_scenario, disorder, seed):
    """Ten virtual minutes with workers, store, trunks, desktops and operators failing at random."""
    scenario = make_scenario(MODES[seed % 5], disorder=disorder, faults_per_min=2.0 + seed % 5, pacing_every_s=0.5)
    outcome = rehearse(scenario, seed)
    assert outcome.attempts == sum(outcome.dispositions.values()) > 20
    assert outcome.abandoned <= outcome.live


@pytest.mark.parametrize("seed", range(6))
def test_nothing_breaks_where_phones_stay_on_the_line(make_scenario, disorder, seed):
    """They are hung up at any time, in talks too, and their workers die; no leg is left behind without its agent."""
    scenario = make_scenario(
        MODES[seed % 4], disorder=disorder, faults_per_min=4.0, pacing_every_s=0.5, connection=Connection.STANDING
    )
    rehearsal = prepare(scenario, seed)
    assert rehearsal.play().attempts > 20
    agents = rehearsal.engine.state.roster.agents.values()
    assert rehearsal.far_end.standing.up.keys() <= {agent.standing.call for agent in agents if agent.standing}


def test_people_opt_out_of_calls_that_nobody_took(make_scenario, disorder):
    """Where phones are not answered many hear the message, and some of them press the key: once, and for good."""
    people, silent = Callees(answer=0.9, opt_out=0.5, wrong_key=0.5, patience_s=1e9), DeskSettings(silent=0.7)
    outcome = rehearse(make_scenario(disorder=disorder, callees=people, desks=silent), 3)
    assert 0 < outcome.opt_outs < outcome.abandoned


FAULTS = st.lists(
    st.builds(Fault, at_s=st.floats(0.0, 120.0), kind=st.sampled_from(FaultKind), size=st.floats(0.0, 60.0)),
    max_size=8,
)


@settings(max_examples=20, deadline=None)
@given(faults=FAULTS, seed=st.integers(0, 1000), mode=st.sampled_from([Mode.PROGRESSIVE, Mode.RATIO, Mode.PREVIEW]))
def test_no_schedule_of_faults_breaks_the_engine(make_scenario, disorder, faults, seed, mode):
    """Two virtual minutes with faults where hypothesis wants them, drains and hang-ups included."""
    rehearse(make_scenario(mode, disorder=disorder, faults=tuple(faults), duration_s=120.0), seed)


@pytest.mark.parametrize("seed", range(12))
def test_no_verdict_breaks_anything(make_scenario, make_campaign, disorder, seed):
    """Verdicts by ear, right, wrong, late and of calls that are over: machines hung up on and left messages."""
    action, wait_s = ("hang_up", "message", "tell")[seed % 3], (0.0, 1.5)[seed // 3 % 2]
    machines = {"action": action, "message": LEFT_FOR_MACHINES, "wait_s": wait_s, "sampled_share": 0.2}
    campaigns = tuple(
        make_campaign(name, MODES[seed % 4], priority=priority, machines=machines)
        for name, priority in (("sales", 3), ("urgent", 7))
    )
    scenario = make_scenario(
        campaigns=campaigns, disorder=disorder, callees=Callees(machine=0.0), faults_per_min=4.0, pacing_every_s=0.5
    )
    outcome = rehearse(scenario, seed)
    assert outcome.attempts > 20
    assert (Disposition.MACHINE in outcome.dispositions) is (action != "tell")


@pytest.mark.parametrize("seed", range(8))
def test_campaigns_of_different_modes_share_their_agents(make_scenario, make_campaign, disorder, seed):
    """One campaign in preview, one that dials by itself, either with the higher priority: nothing breaks."""
    modes = [Mode.PREVIEW, MODES[seed % 3]][:: 1 if seed % 2 else -1]
    campaigns = tuple(
        make_campaign(name, mode, priority=priority, preview_limit_s=20.0, preview_skip_s=60.0)
        for name, mode, priority in zip(("sales", "urgent"), modes, (3, 7), strict=True)
    )
    scenario = make_scenario(campaigns=campaigns, disorder=disorder, faults_per_min=4.0, pacing_every_s=0.5)
    assert rehearse(scenario, seed).attempts > 20


def test_a_calm_preview_connects_every_answer(make_scenario):
    """With an agent for each call before it is made, nobody who answers is left alone."""
    calm = make_scenario(
        Mode.PREVIEW,
        desks=DeskSettings(refuse=0.0, silent=0.0, pause=0.0),
        callees=Callees(patience_s=1e9, machine=0.0),
    )
    outcome = rehearse(calm, 1)
    assert (outcome.anomalies, outcome.abandoned) == (0, 0)
    assert outcome.dispositions[Disposition.CONNECTED] == outcome.live > 20


def test_a_rehearsal_repeats_itself(make_scenario, disorder):
    """Same scenario, same seed: the same course of things to the last message; another seed, another course."""
    scenario = make_scenario(Mode.PREDICTIVE, disorder=disorder, faults_per_min=3.0, duration_s=300.0)
    first, second, other = rehearse(scenario, 5), rehearse(scenario, 5), rehearse(scenario, 6)
    assert first == second
    assert first.trace != other.trace


def test_a_calm_floor_is_calm(make_scenario):
    """Nothing goes wrong: no anomaly, nobody abandoned by a progressive campaign, nothing lost."""
    outcome = rehearse(
        make_scenario(
            desks=DeskSettings(refuse=0.0, silent=0.0, pause=0.0), callees=Callees(patience_s=1e9, machine=0.0)
        ),
        1,
    )
    assert (outcome.anomalies, outcome.abandoned) == (0, 0)
    assert outcome.dispositions[Disposition.CONNECTED] == outcome.live > 20


def test_predictive_keeps_agents_busier_than_progressive(make_scenario):
    """The point of it all; and the cap on abandoned calls holds within what twenty minutes can show."""
    floor = {
        "trunks": (TrunkLimits("north", 20.0, 200),),
        "slots": 400,
        "max_lines": 200,
        "leads": 2000,
        "duration_s": 1200.0,
        "desks": DeskSettings(agents=10, refuse=0.0, silent=0.0, pause=0.0),
        "callees": Callees(patience_s=1e9),
    }
    patient = rehearse(make_scenario(Mode.PROGRESSIVE, **floor), 1)
    eager = rehearse(make_scenario(Mode.PREDICTIVE, **floor), 1)
    assert eager.utilisation > patient.utilisation + 0.05
    assert eager.abandon_rate < 0.05


@pytest.mark.parametrize("failing", ["trunks_down", "trunks_refusing"])
@pytest.mark.parametrize("mode", MODES[:3])
def test_a_trunk_that_dies_costs_no_lead(make_scenario, failing, mode):
    """The best of three trunks fails for good after a minute: its calls go through the others, and are not lost."""
    run = prepare(make_scenario(mode, duration_s=400.0), 1)
    run.world.after(60.0, partial(getattr(run.far_end, failing).add, "north"))
    outcome = run.play()
    lost = sum(outcome.dispositions.get(kind, 0) for kind in (Disposition.TRUNK_UNREACHABLE, Disposition.CONGESTION))
    assert outcome.further_invites > 2 * lost
    assert outcome.attempts > 100


def test_without_agents_nobody_is_called(make_scenario):
    """No agents, no leases, no calls."""
    assert rehearse(make_scenario(desks=DeskSettings(agents=0), duration_s=120.0), 1).attempts == 0


def test_a_drain_ends_with_every_lead_back(make_scenario):
    """A drain in full swing: calls are served or settled, leads go back (the rehearsal itself checks it)."""
    faults = (Fault(100.0, FaultKind.DRAIN),)
    outcome = rehearse(make_scenario(Mode.RATIO, faults=faults, duration_s=150.0), 2)
    assert 0 < outcome.attempts < 120


def test_another_pacer_can_be_rehearsed(make_scenario):
    """The pacers are handed in."""
    assert rehearse(make_scenario(Mode.RATIO, duration_s=60.0), 1, Progressive).attempts > 0
