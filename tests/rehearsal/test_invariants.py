"""Every invariant must be able to fail: shown a doctored floor, and an engine with a fault built in."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest

from compliance.api import Cleared, Permit, Reserved
from dialer.core.abandonment import counts as counting
from dialer.core.abandonment.rate import AnswerCounts
from dialer.core.agents.agent import AgentState
from dialer.core.agents.standing import LegState, StandingLeg
from dialer.core.calls import dialling, failover, offers, previewing, routing, settling
from dialer.core.calls.call import Call, CallState
from dialer.core.calls.dispositions import Counted
from dialer.core.calls.trunk_load import TrunkLoad
from dialer.core.campaign_run import CampaignRun, Offer
from dialer.core.effects import Anomaly, OptOut, Publish, Reserve, Send, Settle
from dialer.core.engine_state import EngineState
from dialer.core.inputs import Paced, Permitted
from dialer.core.model import Disposition, Retry
from pacing.api import AnswerKind, Decision, Mode
from sip.causes import Cause, Leg
from sip.messages import Cancel, Dial, DialAgent, Ended, PlayMessage
from tests.rehearsal import invariants
from tests.rehearsal.invariants import INVARIANTS, InvariantBroken, Step, check
from tests.rehearsal.memory import Place
from tests.rehearsal.rehearsal import prepare, rehearse
from tests.rehearsal.scenario import Callees


@pytest.fixture
def step(make_scenario):
    """A quiet step in the middle of a busy floor: calls in every state, nothing told, nothing wanted."""
    run = prepare(make_scenario(Mode.RATIO, callees=Callees(answer=0.6, talk_s=200.0, machine=0.0)), 1)
    run.open()
    run.world.run(20.0)
    wanted = {CallState.RINGING, CallState.TALKING}
    run.world.run(300.0, lambda: wanted <= {call.state for call in run.engine.state.calls.values()})
    return Step(None, [], run.engine.state, run.world.now, run.world.wall, run.memory.records, run.past)


def a_call(step, *states):
    return next(call for call in step.state.calls.values() if call.state in states)


def dial(call):
    return Send(Dial(call.attempt, call.trunk, call.permit.number.clear, "", 90.0))


def settlement(step, call):
    """The settlement of a call, taken from a real end of it."""
    settling.ended(step.state, Ended(call.attempt, step.now, Cause.NORMAL, Leg.CALLEE, 200, 0, ""), step.now)
    effects, step.state.effects = step.state.effects, []
    return next(effect for effect in effects if isinstance(effect, Settle))


def lose(step, call):
    """The call vanishes from every index, unsettled."""
    step.state.remove_call(call.attempt)
    step.state.trunks[call.trunk].end()


def dial_without_permit(step):
    step.effects.append(dial(a_call(step, CallState.RINGING)))


def dial_after_the_permit(step):
    call = a_call(step, CallState.RINGING)
    step.told, step.wall = Permitted(call.lead, call.permit), call.permit.valid_until + 1.0
    step.effects.append(dial(call))


def dial_another_number(step):
    call = a_call(step, CallState.RINGING)
    step.told = Permitted(call.lead, call.permit)
    step.effects.append(Send(replace(dial(call).command, number="+8613999999999")))


def dial_twice(step):
    step.effects.append(dial(a_call(step, CallState.RINGING)))


def dial_a_lead_twice(step):
    call = a_call(step, CallState.RINGING)
    step.past.dialled.discard(call.attempt)
    step.effects.append(dial(call))


def dial_again_after_the_permit(step):
    call = a_call(step, CallState.RINGING)
    step.told = Ended(call.dial_id, step.now, Cause.CONGESTION, Leg.NETWORK, 503, 0, "")
    step.wall = call.permit.valid_until + 1.0
    step.effects.append(dial_again(call))


def dial_again(call):
    return Send(replace(dial(call).command, call=f"{call.attempt}/2", trunk="spare"))


def invite_beside_another(step):
    call = a_call(step, CallState.RINGING)
    step.past.rang.discard(call.attempt)
    step.effects.append(dial_again(call))


def invite_after_a_ring(step):
    call = a_call(step, CallState.RINGING)
    step.told = Ended(call.dial_id, step.now, Cause.CONGESTION, Leg.NETWORK, 503, 0, "")
    step.effects.append(dial_again(call))


def invite_on_the_same_trunk(step):
    call = a_call(step, CallState.RINGING)
    step.past.rang.discard(call.attempt)
    step.told = Ended(call.dial_id, step.now, Cause.CONGESTION, Leg.NETWORK, 503, 0, "")
    step.effects.append(Send(replace(dial_again(call).command, trunk=call.trunk)))


def settled_by_the_network(step, **changes):
    call = a_call(step, CallState.RINGING)
    told = replace(settlement(step, call).settlement, ended_by=Leg.NETWORK, **changes)
    step.past.rang.discard(call.attempt)
    step.told = Ended(call.dial_id, step.now, Cause.CONGESTION, Leg.NETWORK, 503, 0, "")
    step.effects.append(Settle(told))


def charged_for_a_trunk(step):
    settled_by_the_network(step, disposition=Disposition.CONGESTION, charged=True)


def free_for_a_callee(step):
    settled_by_the_network(step, disposition=Disposition.BUSY, charged=False)


def dial_after_an_opt_out(step):
    call = a_call(step, CallState.RINGING)
    step.past.opted_out.add(call.permit.number.clear)
    step.effects.append(dial(call))


def opt_out_twice(step):
    call = a_call(step, CallState.RINGING)
    step.past.opted_out.add(call.permit.number.clear)
    step.effects.append(OptOut(call.campaign, call.attempt, call.permit.number, "9", step.now))


def retry_an_opt_out(step):
    told = settlement(step, a_call(step, CallState.RINGING)).settlement
    step.effects.append(Settle(replace(told, opted_out=True, next_step=Retry(60.0, 0))))


def settle_twice(step):
    settled = settlement(step, a_call(step, CallState.RINGING))
    step.effects += [settled, settled]


def settle_an_old_one(step):
    settled = settlement(step, a_call(step, CallState.RINGING))
    step.past.settled.add(settled.settlement.attempt)
    step.effects.append(settled)


def settle_a_stranger(step):
    settled = settlement(step, a_call(step, CallState.RINGING))
    del step.past.permits[settled.settlement.attempt]
    step.effects.append(settled)


def settle_a_living_call(step):
    call = a_call(step, CallState.RINGING)
    settled = settlement(step, call)
    step.state.add_call(call)
    step.effects.append(settled)


def forget_a_call(step):
    lose(step, a_call(step, CallState.RINGING))


def forget_a_new_permit(step):
    call = a_call(step, CallState.RINGING)
    number = call.permit.number
    permit = Permit(Cleared(number, step.wall, step.wall + 30), Reserved("attempt-new", number, step.wall, ""))
    step.told = Permitted(call.lead, permit)


def too_few_slots(step):
    step.state.slots_total = 2
    step.effects.append(Reserve("sales", "north", ()))


def too_few_lines(step):
    step.state.settings = replace(step.state.settings, max_lines=1)
    step.effects.append(Reserve("sales", "north", ()))


def too_few_lines_for_the_campaign(step):
    run = step.state.campaigns[a_call(step, CallState.TALKING).campaign]
    run.settings = run.settings.model_copy(update={"max_lines": len(run.calls) + len(run.reserving) - 1})
    step.effects.append(Reserve(run.name, "north", ()))


def too_many_on_a_trunk(step):
    trunk = step.state.trunks[a_call(step, CallState.TALKING).trunk]
    trunk.limits = replace(trunk.limits, max_calls=0)


def trunk_miscounted(step):
    step.state.trunks["north"].calls += 1


def too_many_a_second(step):
    call = a_call(step, CallState.RINGING)
    step.past.starts[call.trunk] = deque([step.now - 0.1] * 10)
    step.effects.append(dial(call))


def decision_ignored(step):
    step.told, step.could_start = Paced("sales", Decision(3)), 5


def decision_overdone(step):
    leads = tuple(step.records[f"sales-{serial}"].lead for serial in range(3))
    step.told, step.could_start = Paced("sales", Decision(2)), 5
    step.effects.append(Reserve("sales", "north", leads))


def make_wait(step):
    call = a_call(step, CallState.RINGING)
    call.state, call.answered_at = CallState.WAITING, step.now
    step.state.waiting[call.attempt] = call
    return call


def ready_on_a_dead_line(step):
    agent = next(iter(step.state.roster.agents.values()))
    leg = StandingLeg("leg", LegState.DOWN, step.now)
    step.state.roster.agents[agent.agent] = replace(agent, state=AgentState.READY, call=None, standing=leg)


def caller_ignored(step):
    call = make_wait(step)
    name = next(name for name, agent in step.state.roster.agents.items() if call.campaign in agent.campaigns)
    agent = step.state.roster.agents[name]
    step.state.roster.agents[name] = replace(agent, state=AgentState.READY, call=None)


def caller_overlooked(step):
    step.state.waiting.pop(make_wait(step).attempt)


def agent_on_two_calls(step):
    talking = a_call(step, CallState.TALKING)
    make_wait(step).agent = talking.agent


def agent_talks_to_nobody(step):
    call = a_call(step, CallState.TALKING)
    step.state.roster.agents[call.agent] = replace(step.state.roster.agents[call.agent], call="attempt-gone")


def talk_without_agent(step):
    call = a_call(step, CallState.TALKING)
    agent = step.state.roster.agents[call.agent]
    step.state.roster.agents[call.agent] = replace(agent, state=AgentState.WRAPUP, call=None)
    call.agent = ""


def agent_talks_before_the_bridge(step):
    a_call(step, CallState.TALKING).state = CallState.CONNECTING


def wrong_leg_rung(step):
    call = a_call(step, CallState.TALKING)
    step.effects.append(Send(DialAgent(call.attempt, "another", "sip:x", "")))


def an_agent(step, *states):
    return next(agent for agent in step.state.roster.agents.values() if agent.state in states)


def offered_behind_the_back(step):
    step.state.campaigns["sales"].offers[an_agent(step, AgentState.TALKING).agent] = Offer(spare_lead(step), step.now)


def decides_on_nothing(step):
    agent = an_agent(step, AgentState.TALKING, AgentState.WRAPUP, AgentState.READY)
    step.state.roster.agents[agent.agent] = replace(agent, state=AgentState.PREVIEW)


def offered_to_nobody(step):
    step.state.campaigns["sales"].offers["nobody"] = Offer(spare_lead(step), step.now)


def asked_and_forgot(step):
    a_call(step, CallState.RINGING).asked_by = an_agent(step, AgentState.TALKING).agent


def talk_went_to_another(step):
    a_call(step, CallState.TALKING).asked_by = "another"


def bridged_to_another(step):
    call = a_call(step, CallState.TALKING)
    step.past.asked_by[call.attempt] = "another"
    step.effects.append(Publish("connected", "sales", {"attempt_id": call.attempt, "agent": call.agent}))


def leads_kept_from_agents(step):
    run = step.state.campaigns["sales"]
    run.settings = run.settings.model_copy(update={"mode": Mode.PREVIEW, "priority": 9, "max_lines": 0})
    run.leads.append(spare_lead(step))
    agent = next(agent for agent in step.state.roster.agents.values() if agent.campaigns == ("sales",))
    step.state.roster.agents[agent.agent] = replace(agent, state=AgentState.READY, call=None)


def spare_lead(step):
    return next(record.lead for record in step.records.values() if record.place is Place.DUE)


def message_too_soon(step):
    call = make_wait(step)
    call.abandon_after_s = 2.0
    step.effects.append(Send(PlayMessage(call.attempt, "/sorry.wav")))


def message_into_a_talk(step):
    step.effects.append(Send(PlayMessage(a_call(step, CallState.TALKING).attempt, "/sorry.wav")))


def message_for_a_machine(step):
    call = make_wait(step)
    call.abandon_after_s = -1.0
    step.past.machines.add(call.attempt)
    step.effects.append(Send(PlayMessage(call.attempt, "/sorry.wav")))


def machine_said_to_be_abandoned(step):
    call = a_call(step, CallState.TALKING)
    step.past.machines.add(call.attempt)
    step.effects.append(Publish("abandoned", "sales", {"attempt_id": call.attempt}))


def machine_settled_as_a_person(step):
    call = a_call(step, CallState.TALKING)
    step.past.machines.add(call.attempt)
    step.effects.append(settlement(step, call))


def person_settled_as_a_machine(step):
    call = a_call(step, CallState.TALKING)
    step.effects.append(Settle(replace(settlement(step, call).settlement, live=False)))


def cancelled_too_soon(step):
    call = a_call(step, CallState.RINGING)
    call.state, call.ringing_at = CallState.CANCELLING, step.now - 14.9
    step.effects.append(Send(Cancel(call.attempt)))


def call_hangs(step):
    a_call(step, CallState.RINGING).reserved_at = step.now - 1000.0


def lead_in_two_places(step):
    call = a_call(step, CallState.RINGING)
    step.state.campaigns[call.campaign].leads.append(call.lead)


def lead_taken_away(step):
    step.records[a_call(step, CallState.RINGING).lead.lead_id].place = Place.DUE


def ledger_cooked(step):
    run = step.state.campaigns["sales"]
    run.own = AnswerCounts(run.own.answered + 1, run.own.abandoned)


DOCTORED = {
    "no_dial_without_permit": [
        dial_without_permit,
        dial_after_the_permit,
        dial_again_after_the_permit,
        dial_another_number,
    ],
    "no_attempt_twice": [dial_twice, dial_a_lead_twice],
    "one_invite_at_a_time": [invite_beside_another, invite_after_a_ring, invite_on_the_same_trunk],
    "faults_of_trunks_are_not_charged": [charged_for_a_trunk, free_for_a_callee],
    "nobody_who_opted_out_is_dialled": [dial_after_an_opt_out, opt_out_twice, retry_an_opt_out],
    "one_settlement_for_each_permit": [settle_twice, settle_an_old_one, settle_a_stranger, settle_a_living_call],
    "nothing_is_forgotten": [forget_a_call, forget_a_new_permit],
    "no_more_than_the_lines": [too_few_slots, too_few_lines],
    "no_more_than_the_campaigns_lines": [too_few_lines_for_the_campaign],
    "no_more_than_the_trunk": [too_many_on_a_trunk, trunk_miscounted, too_many_a_second],
    "decisions_are_carried_out": [decision_ignored, decision_overdone],
    "nobody_is_ready_without_a_phone": [ready_on_a_dead_line],
    "nobody_idle_while_a_caller_waits": [caller_ignored, caller_overlooked],
    "one_call_for_each_agent": [
        agent_on_two_calls,
        agent_talks_to_nobody,
        talk_without_agent,
        agent_talks_before_the_bridge,
        wrong_leg_rung,
    ],
    "every_offer_with_one_agent": [offered_behind_the_back, decides_on_nothing, offered_to_nobody, asked_and_forgot],
    "calls_are_for_whoever_asked": [talk_went_to_another, bridged_to_another],
    "nobody_idle_while_leads_are_on_hand": [leads_kept_from_agents],
    "messages_only_after_the_limit": [message_too_soon, message_into_a_talk],
    "machines_are_nobody": [
        message_for_a_machine,
        machine_said_to_be_abandoned,
        machine_settled_as_a_person,
        person_settled_as_a_machine,
    ],
    "phones_ring_long_enough": [cancelled_too_soon],
    "no_call_hangs": [call_hangs],
    "every_lead_in_one_place": [lead_in_two_places, lead_taken_away],
    "ledger_adds_up": [ledger_cooked],
}
CASES = [(name, doctor) for name, doctors in DOCTORED.items() for doctor in doctors]


def test_every_invariant_is_tried():
    """No invariant is without a doctored state that breaks it."""
    assert [invariant.__name__ for invariant in INVARIANTS] == list(DOCTORED)


def test_a_sound_step_breaks_nothing(step):
    """The state that the others doctor is sound, and has calls in several states."""
    check(step)
    assert {CallState.RINGING, CallState.TALKING} <= {call.state for call in step.state.calls.values()}


@pytest.mark.parametrize(("name", "doctor"), CASES, ids=[doctor.__name__ for _, doctor in CASES])
def test_a_doctored_step_breaks_its_invariant(step, name, doctor):
    """The invariant that a state violates says so, and the check as a whole raises."""
    doctor(step)
    assert list(getattr(invariants, name)(step)), f"{name} is blind to {doctor.__name__}"
    with pytest.raises(InvariantBroken):
        check(step)


# --- engines with a fault built in ----------------------------------------------------------------------------------


def no_service(patch):
    patch.setattr(routing, "assign_agents", lambda floor, now: None)


def trunks_without_limit(patch):
    patch.setattr(TrunkLoad, "room", lambda trunk, now: 100)


def lines_without_limit(patch):
    patch.setattr(EngineState, "lines_total", property(lambda floor: 1000))


def gates_that_take_no_line_of_the_campaign(patch):
    patch.setattr(CampaignRun, "in_flight", property(lambda run: len(run.calls)))


def gates_that_take_no_line_of_the_host(patch):
    patch.setattr(EngineState, "lines_used", property(lambda floor: len(floor.calls)))


def any_agent(patch):
    def chosen(floor, call, now):
        return next((agent for agent in floor.roster.agents.values() if agent.agent not in call.tried), None)

    patch.setattr(routing, "_chosen", chosen)


def impatient(patch):
    patch.setattr(dialling, "_ring_limit_s", lambda floor, call: 5.0)


def elsewhere_whatever_happened(patch):
    def next_trunk(floor, call, event, now, wall):
        left = [name for name in floor.trunks if name not in (*call.failed_trunks, call.trunk)]
        return left[0] if left and event.ended_by is Leg.NETWORK and call.answered_at is None else None

    patch.setattr(failover, "_next_trunk", next_trunk)


def permits_that_never_lapse(patch):
    permitted = dialling.permitted
    patch.setattr(dialling, "permitted", lambda floor, told, now, wall: permitted(floor, told, now, 0.0))


def agents_never_freed(patch):
    patch.setattr(settling, "_free_agent", lambda *given: None)


def unsent_attempts_forgotten(patch):
    patch.setattr(dialling, "settle_unsent", lambda *given: None)


def leads_kept_by_mistake(patch):
    def release(floor, run):
        floor.do(dialling.Release(run.name, tuple(run.leads)))

    patch.setattr(dialling, "release_leads", release)


def no_watch(patch):
    patch.setattr(routing, "state_limit", lambda floor, call, about, now: None)


def abandoned_not_counted(patch):
    counts = settling.counts
    patch.setattr(settling, "counts", lambda **given: Counted(live=counts(**given).live))
    patch.setattr(counting, "one_more", lambda one, **_: AnswerCounts(one.answered + 1, one.abandoned + 1))


def machines_counted(patch):
    counts = settling.counts
    patch.setattr(settling, "counts", lambda **given: counts(**{**given, "kind": AnswerKind.UNKNOWN}))


MUTANTS = [
    no_service,
    trunks_without_limit,
    elsewhere_whatever_happened,
    lines_without_limit,
    gates_that_take_no_line_of_the_campaign,
    gates_that_take_no_line_of_the_host,
    any_agent,
    impatient,
    permits_that_never_lapse,
    agents_never_freed,
    unsent_attempts_forgotten,
    leads_kept_by_mistake,
    no_watch,
    abandoned_not_counted,
    machines_counted,
]


@pytest.mark.parametrize("mutate", MUTANTS, ids=lambda mutate: mutate.__name__)
def test_a_rehearsal_finds_a_fault_in_the_engine(make_scenario, disorder, monkeypatch, mutate):
    """With a fault built into the engine, rehearsals soon break an invariant."""
    mutate(monkeypatch)
    scenario = make_scenario(
        Mode.RATIO, disorder=disorder, faults_per_min=4.0, slots=30, callees=Callees(answer=0.5), duration_s=300.0
    )
    with pytest.raises(InvariantBroken):
        [rehearse(scenario, seed) for seed in range(40)]


def no_offers(patch):
    patch.setattr(previewing, "offer", lambda floor, now: None)


def refusals_that_nobody_hears(patch):
    patch.setattr(dialling, "deny", lambda *given: None)


def deciding_for_ever(patch):
    patch.setattr(offers, "_let_go", lambda *given: None)


def calls_for_anybody(patch):
    patch.setattr(dialling, "Call", lambda *given, **named: Call(*given, **{**named, "asked_by": ""}))


def skipped_leads_forgotten(patch):
    patch.setattr(previewing, "Postpone", lambda *given: Anomaly("", ""))


def served_out_of_turn(patch):
    def assign_agents(floor, now):
        for call in list(floor.waiting.values()):
            agent = routing._chosen(floor, call, now)
            if agent is not None:
                routing._connect(floor, call, agent, now)

    patch.setattr(routing, "assign_agents", assign_agents)


PREVIEW_MUTANTS = [
    no_offers,
    refusals_that_nobody_hears,
    deciding_for_ever,
    calls_for_anybody,
    skipped_leads_forgotten,
    served_out_of_turn,
]


@pytest.mark.parametrize("mutate", PREVIEW_MUTANTS, ids=lambda mutate: mutate.__name__)
def test_a_rehearsal_finds_a_fault_in_previews(make_scenario, disorder, monkeypatch, mutate):
    """The same for campaigns in mode preview."""
    mutate(monkeypatch)
    scenario = make_scenario(Mode.PREVIEW, disorder=disorder, faults_per_min=4.0, duration_s=300.0)
    with pytest.raises(InvariantBroken):
        [rehearse(scenario, seed) for seed in range(40)]
