"""Lines and trunks, as the floor counts them."""

from __future__ import annotations

from dialer.core.calls.trunk_load import TrunkLimits
from dialer.core.effects import Reserve
from dialer.core.inputs import CampaignState
from sip.causes import Cause, Leg
from sip.messages import Ended


def test_a_campaign_without_a_trunk_of_its_own_takes_the_next_that_has_room(make_stage, of):
    """Trunks in the order of preference: what the first has no room for goes through the second at once."""
    stage = make_stage(trunks=(TrunkLimits("north", 2.0, 100), TrunkLimits("south", 5.0, 100)))
    stage.campaign()
    stage.login("ann")
    stage.lease(9)
    taken = [(reserve.trunk, len(reserve.leads)) for _ in range(3) for reserve in of(Reserve, stage.pace(9))]
    assert taken == [("north", 2), ("south", 5)]


def test_a_resting_trunk_is_passed_over(make_stage, of):
    """A dead first trunk does not stop a campaign that may use the second."""
    stage = make_stage(trunks=(TrunkLimits("north", 10.0, 100), TrunkLimits("south", 10.0, 100)))
    stage.campaign()
    for _ in range(5):
        stage.tell(Ended(stage.dial(), stage.now, Cause.TRUNK_UNREACHABLE, Leg.NETWORK, 408, 0, ""))
    stage.lease(2)
    (reserve,) = of(Reserve, stage.pace(2))
    assert reserve.trunk == "south"


def test_without_workers_there_are_no_lines(make_stage):
    """No slots, no calls."""
    stage = make_stage(slots=1)
    stage.campaign()
    assert stage.state.lines_total == 0
    assert stage.state.lines_free(stage.state.campaigns["sales"], stage.now) == 0


def test_lines_used_counts_the_gates(stage):
    """A lead at the gates has its line already."""
    stage.lease(3)
    stage.pace(2)
    assert stage.state.lines_used == 2
    assert not stage.engine.is_idle()


def test_the_only_campaign_has_the_staff_that_it_would_have_beside_others(stage):
    """The short way to the answer gives the same answer: while running, paused, and with agents on calls."""
    stage.login("ann", "bob")
    stage.login("cid", campaigns=("other",))
    stage.talk()
    alone = [stage.state.staff()["sales"]]
    stage.campaign("sales", CampaignState.PAUSED)
    alone.append(stage.state.staff()["sales"])
    stage.campaign("empty", CampaignState.STOPPED)
    beside = [stage.state.staff()["sales"]]
    stage.campaign("sales")
    beside.append(stage.state.staff()["sales"])
    assert [[agent.agent for agent in staff] for staff in alone] == [["ann", "bob"], ["ann"]]
    assert alone == beside[::-1]
