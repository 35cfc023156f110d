"""From a pacing decision to an INVITE."""

from __future__ import annotations

import pytest

from compliance.api import Refusal, Rule
from config.campaign import CampaignSettings
from config.policies import applied
from dialer.core.abandonment.rate import AnswerCounts
from dialer.core.agents.agent import AgentEventKind
from dialer.core.calls.call import CallState
from dialer.core.calls.trunk_load import TrunkLimits
from dialer.core.effects import Lease, Release, Reserve, Settle
from dialer.core.engine_state import TimerKind
from dialer.core.inputs import (
    CampaignChanged,
    CampaignState,
    Drain,
    LeadsLeased,
    LedgerOfOthers,
    Permitted,
    Refused,
    StoreFailed,
    StoreHealth,
)
from dialer.core.model import Disposition, Retry
from sip.causes import Cause
from sip.messages import Cancel, Capacity, Dial, Dialled


def leases(stage):
    stage.now += 1.0
    return stage.engine.lease_more(stage.now)


# --- leases -----------------------------------------------------------------------------------------------------


def test_a_campaign_without_agents_leases_nothing(stage, of):
    """Leads that nobody could talk to are left for others."""
    assert of(Lease, leases(stage)) == []


def test_a_campaign_with_an_agent_leases_ahead(stage, of):
    """An agent is enough to lease, once, until the answer comes."""
    stage.login("ann")
    (lease,) = of(Lease, leases(stage))
    assert (lease.campaign, lease.count) == ("sales", 20)
    assert leases(stage) == []


def test_an_empty_lease_is_not_repeated_at_once(stage, of):
    """A second's pause after an answer without leads; then the pacer's beat asks again."""
    stage.login("ann")
    leases(stage)
    stage.tell(LeadsLeased("sales", (), 0, 7))
    assert stage.pace(0) == []
    stage.wait(1.1)
    assert [question.campaign for question in stage.engine.pacer_requests(stage.now)] == ["sales"]
    assert len(of(Lease, stage.pace(0))) == 1


def test_leads_go_back_when_the_last_agent_leaves(stage, of):
    """Leased leads are given back untouched when nobody is left to serve their answers."""
    stage.login("ann")
    leads = stage.lease(3)
    assert len(of(Lease, leases(stage))) == 1
    stage.tell(LeadsLeased("sales", (), 0, 0))
    stage.say(AgentEventKind.LOGOUT, "ann")
    (release,) = of(Release, leases(stage))
    assert release.leads == leads
    assert not stage.state.campaigns["sales"].leads


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.STOPPED])
def test_leads_that_come_too_late_go_back(stage, of, state):
    """A campaign that was paused while its lease was on the way keeps nothing."""
    stage.campaign(state=state)
    leads = stage.lease(2)
    (release,) = of(Release, stage.done)
    assert release.leads == leads


def test_leads_of_an_unknown_campaign_go_back(stage, of, make_lead):
    """Leads for a campaign that this engine does not know are released."""
    lead = make_lead(campaign="nobody")
    (release,) = of(Release, stage.tell(LeadsLeased("nobody", (lead,), 0, 0)))
    assert release.leads == (lead,)


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.STOPPED])
def test_a_pause_gives_leased_leads_back(stage, of, state):
    """Pause and stop release what is not yet at the gates, and start nothing."""
    leads = stage.lease(3)
    (release,) = of(Release, stage.campaign(state=state))
    assert release.leads == leads
    assert stage.pace(3) == []


# --- the gates ----------------------------------------------------------------------------------------------------


def test_a_decision_sends_leads_to_the_gates(stage, of):
    """As many as the pacer said, in the order of the lease, with the trunk they are bound for."""
    leads = stage.lease(3)
    (reserve,) = of(Reserve, stage.pace(2))
    assert (reserve.trunk, reserve.leads) == ("north", leads[:2])
    assert stage.state.lines_used == 2


def test_a_permit_becomes_an_invite(stage, of):
    """The number in the clear, the campaign's caller id, the fail-safe longer than the ring timeout."""
    (lead,) = stage.lease()
    stage.pace()
    attempt, effects = stage.permit(lead)
    (dial,) = of(Dial, effects)
    assert (dial.call, dial.trunk, dial.number, dial.caller_id) == (attempt, "north", lead.number.clear, "+8610000")
    assert dial.give_up_s > 25.0
    assert stage.call(attempt).state is CallState.DIALLING
    assert stage.state.lines_used == 1


def test_a_refusal_frees_the_place(stage, of):
    """A lead that a gate refused is the store's again, and the pacer hears of the free line."""
    (lead,) = stage.lease()
    stage.pace()
    stage.engine.pacer_requests(stage.now)
    assert stage.tell(Refused(lead, Refusal(Rule.CAP, "often enough", None))) == []
    assert stage.state.lines_used == 0
    assert len(stage.engine.pacer_requests(stage.now)) == 1


def test_a_lapsed_permit_is_given_back(stage, of, make_permit):
    """A permit that comes after its time is settled as NOT_SENT, uncharged, with the caller id that is free again, and
    the lead steps aside."""
    (lead,) = stage.lease()
    stage.pace()
    permit = make_permit(lead, "attempt-x", stage.wall, valid_s=30.0)
    stage.wait(30.1)
    effects = stage.tell(Permitted(lead, permit))
    (settle,) = of(Settle, effects)
    told = settle.settlement
    assert (told.disposition, told.charged, told.live) == (Disposition.NOT_SENT, False, False)
    assert told.caller_id == permit.caller_id == "+8610000"
    assert told.next_step == Retry(60.0, 0)
    assert of(Dial, effects) == []
    assert stage.state.lines_used == 0


def lose_the_store(stage):
    stage.tell(StoreHealth(False))


def lose_the_workers(stage):
    stage.tell(Capacity(0, 0))


def pause(stage):
    stage.campaign(state=CampaignState.PAUSED)


def start_to_drain(stage):
    stage.tell(Drain())


@pytest.mark.parametrize("change", [lose_the_store, lose_the_workers, pause, start_to_drain])
def test_a_permit_that_is_no_longer_wanted_is_given_back(stage, of, change):
    """Whatever changed while the lead was at the gates: no INVITE, one settlement."""
    (lead,) = stage.lease()
    stage.pace()
    change(stage)
    _, effects = stage.permit(lead)
    assert of(Dial, effects) == []
    assert stage.settled() == [Disposition.NOT_SENT]


def test_a_permit_told_twice_dials_once(stage, of, make_permit):
    """The second word about one attempt is an anomaly."""
    (lead,) = stage.lease()
    stage.pace()
    permit = make_permit(lead, "attempt-x", stage.wall)
    assert len(of(Dial, stage.tell(Permitted(lead, permit)))) == 1
    assert of(Dial, stage.tell(Permitted(lead, permit))) == []
    assert stage.settled() == []
    assert any("permitted twice" in detail for detail in stage.anomalies())


def test_a_permit_nobody_waits_for_is_given_back(stage, of, make_lead):
    """A permit that comes after the store was given up on is settled as NOT_SENT and never dialled."""
    (lead,) = stage.lease()
    stage.pace()
    stage.tell(StoreFailed("sales", (lead,), lease=False))
    assert stage.state.lines_used == 0
    _, effects = stage.permit(lead)
    assert of(Dial, effects) == []
    assert stage.settled() == [Disposition.NOT_SENT]


def test_a_failed_lease_is_tried_again_later(stage, of):
    """A store failure on a lease is followed by another lease, after a pause."""
    stage.login("ann")
    stage.engine.lease_more(stage.now)
    stage.tell(StoreFailed("sales", (), lease=True))
    assert stage.pace(0) == []
    stage.wait(1.0)
    assert len(of(Lease, stage.pace(0))) == 1


def test_nothing_starts_while_the_store_is_down(stage, of):
    """No lease, no gate, no question; when the store is back, the pacers are asked."""
    stage.login("ann")
    stage.lease(3)
    lose_the_store(stage)
    assert stage.pace(3) == []
    assert leases(stage) == []
    assert stage.engine.pacer_requests(stage.now, everyone=True) == []
    stage.tell(StoreHealth(True))
    assert len(stage.engine.pacer_requests(stage.now)) == 1
    assert len(of(Reserve, stage.pace(3))) == 1


def test_gates_that_never_answer_leak_no_line(stage, of):
    """After a minute without a word the place is free again; a permit that comes even later is given back."""
    (lead,) = stage.lease()
    stage.pace()
    stage.wait(59.0)
    assert stage.state.lines_used == 1
    stage.wait(1.5)
    assert stage.state.lines_used == 0
    assert any("no word from the gates" in detail for detail in stage.anomalies())
    assert of(Dial, stage.permit(lead)[1]) == []
    assert stage.settled() == [Disposition.NOT_SENT]


def test_a_lease_that_is_never_answered_is_asked_again(make_stage, of):
    """A lost answer does not keep a campaign from leasing for ever."""
    stage = make_stage(agent_heartbeat_timeout_s=1e9)
    stage.campaign()
    stage.login("ann")
    assert len(of(Lease, leases(stage))) == 1
    stage.wait(61.0)
    assert len(of(Lease, leases(stage))) == 1


# --- limits -------------------------------------------------------------------------------------------------------


def reserved(stage, of, number, campaign="sales"):
    return sum(len(reserve.leads) for reserve in of(Reserve, stage.pace(number, campaign)))


def test_two_slots_a_call(make_stage, of):
    """Five slots carry two calls; a slot is never promised twice."""
    stage = make_stage(slots=5)
    stage.campaign()
    stage.login("ann")
    stage.lease(9)
    assert [reserved(stage, of, 9), reserved(stage, of, 9)] == [2, 0]
    assert len(stage.state.campaigns["sales"].leads) == 7  # it was the slots, not the leads


def test_the_hosts_own_limit(make_stage, of):
    """max_lines bounds all campaigns together."""
    stage = make_stage(max_lines=3)
    for name in ("sales", "survey"):
        stage.campaign(name)
        stage.login(f"of {name}", campaigns=(name,))
        stage.lease(9, name)
    assert [reserved(stage, of, 2, "sales"), reserved(stage, of, 9, "survey")] == [2, 1]
    assert [reserved(stage, of, 9, "sales"), reserved(stage, of, 9, "survey")] == [0, 0]
    assert [len(stage.state.campaigns[name].leads) for name in ("sales", "survey")] == [7, 8]


def test_the_campaigns_own_limit(stage, of):
    """A campaign's max_lines counts calls on the line and at the gates."""
    stage.campaign(max_lines=2)
    stage.login("ann")
    attempt = stage.dial()
    stage.lease(9)
    assert [reserved(stage, of, 9), reserved(stage, of, 9)] == [1, 0]
    assert len(stage.state.campaigns["sales"].leads) == 8
    stage.end(attempt, Cause.BUSY)
    assert [reserved(stage, of, 9), reserved(stage, of, 9)] == [1, 0]


def test_the_trunks_rate_counts_calls_at_the_gates(make_stage, of):
    """A late decision on top of an earlier one starts no more than the trunk takes."""
    stage = make_stage(trunks=(TrunkLimits("north", 3.0, 100),))
    stage.campaign()
    stage.login("ann")
    leads = stage.lease(9)
    assert [reserved(stage, of, 2), reserved(stage, of, 9), reserved(stage, of, 9)] == [2, 1, 0]
    stage.wait(0.9)
    for lead in leads[:3]:
        stage.permit(lead)
    stage.wait(0.5)
    assert reserved(stage, of, 9) == 0
    stage.wait(0.5)
    assert reserved(stage, of, 9) == 3


def test_a_decision_never_outruns_the_leads(stage, of):
    """A decision for more calls than there are leads takes the leads there are."""
    stage.login("ann")
    stage.lease(2)
    assert [reserved(stage, of, 9), reserved(stage, of, 9)] == [2, 0]
    assert of(Reserve, stage.pace(9)) == []  # and troubles the gates with no lead


def test_lines_that_went_while_at_the_gates(make_stage, of):
    """Workers that died meanwhile take their places along: the rest is given back."""
    stage = make_stage(slots=10)
    stage.campaign()
    leads = stage.lease(5)
    stage.pace(5)
    stage.tell(Capacity(6, 1))
    dials = [len(of(Dial, stage.permit(lead)[1])) for lead in leads]
    assert sum(dials) == 3
    assert stage.settled() == [Disposition.NOT_SENT] * 2


def test_a_trunk_that_died_while_at_the_gates(stage, of):
    """A permit for a trunk that rests by then is given back."""
    stage.login("ann")
    attempts = [stage.dial() for _ in range(5)]
    (lead,) = stage.lease()
    stage.pace()
    for attempt in attempts:
        stage.end(attempt, Cause.TRUNK_UNREACHABLE)
    assert of(Dial, stage.permit(lead)[1]) == []
    assert stage.settled()[5:] == [Disposition.NOT_SENT]


def test_a_campaign_keeps_the_trunk_it_reserved_for(make_stage, of):
    """A change of trunk while leads are at the gates does not move them over to a trunk that never made room."""
    stage = make_stage(trunks=(TrunkLimits("north", 10.0, 100), TrunkLimits("south", 1.0, 1)))
    stage.campaign(trunk="north")
    leads = stage.lease(3)
    stage.pace(3)
    stage.campaign(trunk="south")
    trunks = [dial.trunk for lead in leads for dial in of(Dial, stage.permit(lead)[1])]
    assert trunks == ["north"] * 3
    stage.lease(3)
    assert reserved(stage, of, 9) == 1


def test_a_campaign_with_an_unknown_trunk_dials_nothing(stage, of):
    """It says so, leases nothing, and dials nothing."""
    stage.login("ann")
    stage.campaign(trunk="west")
    stage.lease(3)
    assert reserved(stage, of, 3) == 0
    assert any("'west', which is not configured" in detail for detail in stage.anomalies())
    assert leases(stage) == []


def test_a_dead_trunk_rests(make_stage, of):
    """After five unreachable calls in a row nothing starts for ten seconds, then one call does."""
    stage = make_stage()
    stage.campaign()
    stage.login("ann")
    attempts = [stage.dial() for _ in range(5)]
    for attempt in attempts:
        stage.end(attempt, Cause.TRUNK_UNREACHABLE)
    stage.lease(9)
    assert reserved(stage, of, 9) == 0
    stage.wait(10.0)
    assert reserved(stage, of, 9) == 1


# --- ringing --------------------------------------------------------------------------------------------------------


def cancelled(stage, seconds, of):
    return [command.call for command in of(Cancel, stage.wait(seconds))]


def test_ringing_counts_from_the_first_ring(stage, of):
    """A slow trunk does not shorten the ringing; a second 180 does not lengthen it."""
    attempt = stage.dial()
    stage.wait(10.0)
    stage.ring(attempt)
    stage.wait(5.0)
    stage.ring(attempt)
    assert cancelled(stage, 19.9, of) == []
    assert cancelled(stage, 0.2, of) == [attempt]
    assert stage.end(attempt, Cause.CANCELLED).disposition is Disposition.NO_ANSWER


def test_a_call_that_never_rings_is_given_up_after_the_same_time(stage, of):
    """Without any ringing the timeout counts from the INVITE."""
    attempt = stage.dial()
    assert cancelled(stage, 24.9, of) == []
    assert cancelled(stage, 0.2, of) == [attempt]


def test_an_invite_that_nobody_confirms_is_given_up_too(stage, of):
    """No word from the worker at all: the timeout counts from the reservation."""
    (lead,) = stage.lease()
    stage.pace()
    attempt, _ = stage.permit(lead)
    assert cancelled(stage, 25.1, of) == [attempt]


def test_a_call_has_one_ring_timer(stage, of):
    """Being dialled and beginning to ring set no further one; it is set once more where the call rang late."""
    attempt = stage.dial()
    stage.wait(2.0)
    stage.ring(attempt)
    for seconds in (1.0, 22.5):
        stage.wait(seconds)
        assert [name for _, _, kind, name, _ in stage.state.timers if kind is TimerKind.RING] == [attempt]
    assert cancelled(stage, 2.0, of) == [attempt]


def test_a_drain_lets_calls_ring_for_the_legal_minimum(stage, of):
    """15 s of ringing for every callee, also for one whose phone begins to ring during the drain; not more."""
    long_ringing, short_ringing, dialling = stage.dial(), stage.dial(), stage.dial()
    stage.ring(long_ringing)
    stage.wait(14.0)
    stage.ring(short_ringing)
    stage.wait(3.0)
    stage.tell(Drain())
    assert cancelled(stage, 0.01, of) == [long_ringing, dialling]
    assert cancelled(stage, 11.9, of) == []
    assert cancelled(stage, 0.2, of) == [short_ringing]


def test_a_call_that_begins_to_ring_in_a_drain_rings_the_minimum(stage, of):
    """The drain's limit holds for phones that ring later, too."""
    attempt = stage.dial()
    stage.tell(Drain())
    stage.wait(5.0)
    stage.ring(attempt)
    assert cancelled(stage, 14.9, of) == []
    assert cancelled(stage, 0.2, of) == [attempt]


def test_a_drain_releases_and_asks_nobody(stage, of):
    """Leads go back, pacers are not asked, new leases are refused."""
    stage.login("ann")
    leads = stage.lease(2)
    (release,) = of(Release, stage.tell(Drain()))
    assert release.leads == leads
    assert stage.engine.pacer_requests(stage.now, everyone=True) == []
    assert leases(stage) == []
    assert len(of(Release, stage.tell(LeadsLeased("sales", leads, 0, 0)))) == 1
    assert stage.engine.is_idle()


def test_an_invite_told_twice_keeps_its_first_time(stage):
    """A duplicate Dialled does not move the clock of the call."""
    attempt = stage.dial()
    first = stage.call(attempt).dialled_at
    stage.wait(2.0)
    stage.tell(Dialled(attempt, stage.now))
    assert stage.call(attempt).dialled_at == first


# --- the ledger comes first -----------------------------------------------------------------------------------------


def test_nothing_starts_before_the_ledger_is_known(stage, of):
    """A campaign whose abandonment ledger of the day nobody has told yet leases nothing and asks no pacer."""
    late = applied(CampaignSettings(name="late", caller_id="+8610000", abandon_message="/sorry.wav"))
    stage.tell(CampaignChanged(late, CampaignState.RUNNING))
    stage.login("bob", campaigns=("late",))
    assert of(Lease, leases(stage)) == []
    assert [question.campaign for question in stage.engine.pacer_requests(stage.now, everyone=True)] == ["sales"]
    stage.tell(LedgerOfOthers("late", "2026-03-02", AnswerCounts(0, 0)))
    assert [lease.campaign for lease in of(Lease, leases(stage))] == ["late"]
