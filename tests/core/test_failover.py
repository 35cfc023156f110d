"""A trunk gives a call back: the next one takes it, or nobody does."""

from __future__ import annotations

import pytest

from dialer.core.agents.agent import AgentEventKind
from dialer.core.calls.call import CallState
from dialer.core.calls.trunk_load import TrunkLimits
from dialer.core.effects import Settle
from dialer.core.inputs import CampaignState, Drain, LeadsTaken, StoreHealth
from dialer.core.model import Disposition
from sip.causes import Cause, Leg
from sip.messages import Cancel, Dial, DialAgent, Dialled, Ended, Progress

TWO = (TrunkLimits("north", 10.0, 100), TrunkLimits("south", 10.0, 100))


@pytest.fixture
def stage(make_stage):
    """Two trunks, the first one preferred, and an agent."""
    stage = make_stage(trunks=TWO)
    stage.campaign()
    stage.login("ann")
    return stage


def fails(stage, dial_id, cause=Cause.CONGESTION, by=Leg.NETWORK, sip_code=503):
    return stage.tell(Ended(dial_id, stage.now, cause, by, sip_code, 0, ""))


@pytest.mark.parametrize(
    "cause",
    [Cause.TRUNK_UNREACHABLE, Cause.CONGESTION, Cause.ROUTE_ERROR, Cause.AUTH_ERROR, Cause.MEDIA_ERROR],
)
def test_the_next_trunk_takes_the_call(stage, of, cause):
    """The same attempt, permit, number and caller id under another id; nothing is settled."""
    attempt = stage.dial()
    before = stage.call(attempt).permit
    effects = fails(stage, attempt, cause)
    (dial,) = of(Dial, effects)
    assert (dial.call, dial.trunk, dial.number) == (f"{attempt}/2", "south", before.number.clear)
    assert dial.caller_id == before.caller_id
    assert of(Settle, effects) == []
    assert stage.call(attempt).permit is before
    assert (stage.state.trunks["north"].calls, stage.state.trunks["south"].calls) == (0, 1)


def test_the_second_trunk_brings_the_call_to_its_agent(stage, of):
    """Ringing, answer and agent's leg go by the id of the INVITE that is out; one settlement tells of both trunks."""
    attempt = stage.dial()
    fails(stage, attempt)
    second = f"{attempt}/2"
    stage.tell(Dialled(second, stage.now))
    stage.ring(second)
    (rung,) = of(DialAgent, stage.answer(second))
    assert rung.call == second
    told = stage.end(second, Cause.NORMAL, Leg.CALLEE)
    assert (told.attempt, told.trunk, told.failed_trunks) == (attempt, "south", ("north",))


def test_what_is_still_said_of_the_first_invite_is_old_news(stage, of):
    """A late end or ring of it touches nothing: there is one INVITE, and it is on the second trunk."""
    attempt = stage.dial()
    fails(stage, attempt)
    effects = fails(stage, attempt) + stage.tell(Progress(attempt, stage.now, 180, False))
    assert of(Dial, effects) == of(Settle, effects) == []
    assert stage.call(attempt).state is CallState.DIALLING
    assert stage.state.trunks["south"].calls == 1


def test_when_no_trunk_is_left_the_last_fault_counts_and_nobody_is_charged(stage, of):
    """Each trunk is tried once."""
    attempt = stage.dial()
    fails(stage, attempt)
    (settle,) = of(Settle, fails(stage, f"{attempt}/2", Cause.ROUTE_ERROR, Leg.NETWORK, 403))
    told = settle.settlement
    assert (told.disposition, told.charged, told.trunk) == (Disposition.ROUTE_ERROR, False, "south")


@pytest.mark.parametrize(
    ("cause", "by"),
    [
        (Cause.BUSY, Leg.CALLEE),
        (Cause.DECLINED, Leg.CALLEE),
        (Cause.UNWANTED, Leg.CALLEE),
        (Cause.BLOCKED, Leg.NETWORK),
        (Cause.INVALID_NUMBER, Leg.NETWORK),
        (Cause.UNREACHABLE, Leg.NETWORK),
        (Cause.NO_ANSWER, Leg.CALLEE),
        (Cause.REDIRECTED, Leg.NETWORK),
        (Cause.NOT_SENT, Leg.DIALER),
        (Cause.WORKER_LOST, Leg.DIALER),
        (Cause.PROTOCOL_ERROR, Leg.DIALER),
        (Cause.MEDIA_ERROR, Leg.DIALER),
    ],
)
def test_what_is_not_the_trunks_word_goes_nowhere_else(stage, of, cause, by):
    """603+ (blocked) and 607 (unwanted) least of all; nor what our own side broke off: its INVITE may still be out."""
    attempt = stage.dial()
    effects = fails(stage, attempt, cause, by, 0)
    assert of(Dial, effects) == []
    assert len(of(Settle, effects)) == 1


def test_nothing_goes_elsewhere_after_something_rang(stage, of):
    """A 503 after a 180 is the end."""
    attempt = stage.dial()
    stage.ring(attempt)
    assert of(Dial, fails(stage, attempt)) == []


def test_a_cancelled_call_goes_nowhere_else(stage, of):
    """Given up while nothing was heard; then the trunk says 503."""
    attempt = stage.dial()
    assert of(Cancel, stage.wait(26.0))
    assert of(Dial, fails(stage, attempt)) == []


@pytest.mark.parametrize("why", ["permit", "drain", "store", "paused", "taken", "agent"])
def test_no_invite_leaves_when_no_call_may_start_any_more(make_stage, of, why):
    """Permit lapsed, daemon draining, store away, campaign paused, lead cancelled, asking agent gone."""
    stage = make_stage(trunks=TWO)
    stage.campaign()
    stage.login("ann")
    attempt = stage.dial()
    if why == "permit":
        stage.tell(Dialled(attempt, stage.now))
        stage.now = stage.now + 31.0
    elif why == "drain":
        stage.tell(Drain())
    elif why == "store":
        stage.tell(StoreHealth(False))
    elif why == "paused":
        stage.campaign(state=CampaignState.PAUSED)
    elif why == "taken":
        stage.tell(LeadsTaken("sales", frozenset({stage.call(attempt).lead.lead_id})))
    else:
        stage.call(attempt).asked_by = "ann"
        stage.say(AgentEventKind.LOGOUT, "ann")
    assert of(Dial, fails(stage, attempt)) == []


@pytest.mark.parametrize(
    "second",
    [
        TrunkLimits("south", 10.0, 100, prefixes=("+1",)),
        TrunkLimits("south", 10.0, 100, caller_ids=("+8620000",)),
    ],
    ids=["prefix", "caller id"],
)
def test_a_trunk_that_does_not_serve_the_number_or_show_the_caller_id_is_not_tried(make_stage, of, second):
    """The permit names the number that is shown; no other is."""
    stage = make_stage(trunks=(TWO[0], second))
    stage.campaign()
    assert of(Dial, fails(stage, stage.dial())) == []


def test_a_full_trunk_is_not_tried(make_stage, of):
    """Its limits hold for calls that come from elsewhere as well."""
    stage = make_stage(trunks=(TWO[0], TrunkLimits("south", 10.0, 1)))
    stage.campaign()
    first, second = stage.dial(), stage.dial()
    assert len(of(Dial, fails(stage, first))) == 1
    assert of(Dial, fails(stage, second)) == []


def test_the_second_invite_rings_its_full_time(stage, of):
    """The ringing is given up 25 s after the second INVITE, not after the first."""
    attempt = stage.dial()
    stage.wait(8.0)
    fails(stage, attempt, Cause.TRUNK_UNREACHABLE, Leg.NETWORK, 408)
    assert of(Cancel, stage.wait(24.9)) == []
    (cancel,) = of(Cancel, stage.wait(0.2))
    assert cancel.call == f"{attempt}/2"


def test_no_more_than_four_invites_for_one_attempt(make_stage, of):
    """However many trunks there are."""
    stage = make_stage(trunks=tuple(TrunkLimits(f"t{place}", 10.0, 10) for place in range(8)))
    stage.campaign()
    attempt = dial_id = stage.dial()
    dials = 1
    while found := of(Dial, fails(stage, dial_id)):
        dial_id, dials = found[0].call, dials + 1
    assert (dials, attempt in stage.state.calls) == (4, False)
