"""Which trunk a call goes through, against the slow and obvious way."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dialer.core.calls.trunk_load import TrunkLimits, TrunkLoad
from dialer.core.calls.trunk_selection import choose, ordered, serves, shows
from dialer.core.effects import Postpone, Reserve
from dialer.core.inputs import TrunkSaid
from sip.messages import Dial

PREFIXES = ("+86", "+8613", "+852", "+1")
NUMBERS = ("+8613800000001", "+861050000000", "+85221234567", "+442012345678")


@st.composite
def floors(draw):
    """Up to six trunks, each with its room."""
    rows = [
        TrunkLimits(
            f"t{place}",
            10.0,
            10,
            draw(st.integers(0, 2)),
            draw(st.integers(0, 3)),
            tuple(draw(st.lists(st.sampled_from(PREFIXES), max_size=2, unique=True))),
            tuple(draw(st.lists(st.sampled_from(("+861", "+862")), max_size=1))),
        )
        for place in range(draw(st.integers(1, 6)))
    ]
    return [TrunkLoad(row) for row in rows], {row.name: draw(st.integers(0, 2)) for row in rows}


@given(floors(), st.sampled_from(NUMBERS))
def test_the_choice_is_one_of_the_best_that_serve_the_number_and_have_room(floor, number):
    """No trunk of a higher priority was passed over, nor one of the same that shares for one that does not."""
    trunks, rooms = floor
    able = [trunk for trunk in trunks if rooms[trunk.name] and (not trunk.limits.prefixes or serves(trunk, number))]
    chosen = choose(ordered(trunks, (), ()), rooms, number)
    if not able:
        assert chosen is None
        return
    assert chosen in able
    best = [trunk for trunk in able if trunk.limits.priority == max(one.limits.priority for one in able)]
    sharing = [trunk for trunk in best if trunk.limits.weight]
    assert chosen in sharing if sharing else chosen is best[0]


@given(floors(), st.lists(st.sampled_from(("+861", "+862", "+863")), max_size=2))
def test_only_trunks_that_are_named_and_may_show_a_caller_id_are_used(floor, caller_ids):
    """All of them where nothing is named and nothing is known of caller ids."""
    trunks, _ = floor
    for names in ((), ("t0", "t3")):
        expected = {
            trunk.name
            for trunk in trunks
            if (not names or trunk.name in names)
            and (not caller_ids or not trunk.limits.caller_ids or set(trunk.limits.caller_ids) & set(caller_ids))
        }
        assert {trunk.name for trunk in ordered(trunks, names, caller_ids)} == expected


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_trunks_of_one_priority_share_calls_by_weight(weights):
    """Over one round of all weights each has exactly its weight in calls, and never waits for more than a round."""
    trunks = [TrunkLoad(TrunkLimits(f"t{place}", 10.0, 10, weight=weight)) for place, weight in enumerate(weights)]
    rooms = dict.fromkeys((trunk.name for trunk in trunks), 1)
    for _ in range(3):
        taken = Counter(choose(trunks, rooms, "+8613800000001").name for _ in range(sum(weights)))
        assert [taken[trunk.name] for trunk in trunks] == weights


def test_a_trunk_that_rested_does_not_make_up_for_it():
    """After a long rest it takes its share of the calls to come, no more."""
    trunks = [TrunkLoad(TrunkLimits(name, 10.0, 10, weight=1)) for name in ("north", "south")]
    for _ in range(100):
        choose(trunks, {"north": 1, "south": 0}, "+8613800000001")
    taken = Counter(choose(trunks, {"north": 1, "south": 1}, "+8613800000001").name for _ in range(10))
    assert taken == {"north": 5, "south": 5}


def test_a_trunk_without_a_list_shows_and_serves_everything():
    """Lists are limits; none is no limit."""
    free, bound = (
        TrunkLoad(TrunkLimits("free", 1.0, 1)),
        TrunkLoad(TrunkLimits("bound", 1.0, 1, prefixes=("+86",), caller_ids=("+8610000",))),
    )
    assert serves(free, "+15551234567")
    assert shows(free, "anything")
    assert [serves(bound, "+8610"), serves(bound, "+8")] == [True, False]
    assert [shows(bound, "+8610000"), shows(bound, "+861")] == [True, False]


# --- on the floor ----------------------------------------------------------------------------------------------------


def to_gates(stage, of, number):
    return {reserve.trunk: len(reserve.leads) for reserve in of(Reserve, stage.pace(number))}


def test_a_campaign_uses_the_trunks_it_names(make_stage, of):
    """Two of three, by their priority; the third is not touched however full they are."""
    stage = make_stage(trunks=(TrunkLimits("a", 2.0, 9), TrunkLimits("b", 2.0, 9, 7), TrunkLimits("c", 9.0, 9)))
    stage.campaign(trunks=("a", "b"))
    stage.lease(9)
    assert to_gates(stage, of, 9) == {"b": 2, "a": 2}


def test_a_lead_goes_where_its_number_is_served_and_holds_nobody_up(make_stage, of):
    """The test's numbers are +86: a trunk for +1 gets none of them, however high its priority."""
    stage = make_stage(trunks=(TrunkLimits("us", 9.0, 9, 9, prefixes=("+1",)), TrunkLimits("cn", 3.0, 9)))
    stage.campaign()
    stage.login("ann")
    stage.lease(5)
    assert to_gates(stage, of, 5) == {"cn": 3}
    assert len(stage.state.campaigns["sales"].leads) == 2


def test_a_lead_that_no_trunk_serves_is_put_off_with_the_reason(make_stage, of):
    """It does not stay at the head of the queue, and `dialer leads why` can say what is wrong."""
    stage = make_stage(trunks=(TrunkLimits("us", 9.0, 9, prefixes=("+1",)),))
    stage.campaign()
    (lead,) = stage.lease(1)
    (put_off,) = of(Postpone, stage.pace(1))
    assert (put_off.lead, put_off.why.counted_as) == (lead, "no trunk serves the number")


def test_a_lead_whose_trunks_rest_is_put_off_while_others_can_go(make_stage, of):
    """+86 rests: its leads step aside for a moment."""
    stage = make_stage(
        trunks=(TrunkLimits("cn", 9.0, 9, prefixes=("+86",)), TrunkLimits("us", 9.0, 9, prefixes=("+1",)))
    )
    stage.campaign()
    stage.tell(TrunkSaid("cn", "options", "no answer"))
    stage.lease(3)
    assert [one.why.counted_as for one in of(Postpone, stage.pace(3))] == ["the trunks for the number rest"] * 3


def test_too_many_leads_for_a_full_trunk_make_room_for_others(make_stage, of):
    """Twenty keep their place; the rest is put off for a moment, so that other leads can be leased."""
    stage = make_stage(
        trunks=(TrunkLimits("cn", 1.0, 1, prefixes=("+86",)), TrunkLimits("us", 9.0, 9, prefixes=("+1",)))
    )
    stage.campaign()
    stage.login("ann")
    stage.lease(30)
    effects = stage.pace(30)
    assert sum(len(one.leads) for one in of(Reserve, effects)) == 1
    assert [one.why.counted_as for one in of(Postpone, effects)] == ["the trunks for the number are full"] * 9
    assert len(stage.state.campaigns["sales"].leads) == 20


def test_a_drained_trunk_starts_nothing_and_comes_back(make_stage, of):
    """Calls on it go on; when the last obstacle is gone it is used again."""
    stage = make_stage()
    stage.campaign()
    on_the_line = stage.dial()
    stage.tell(TrunkSaid("north", "operator", "drained by ann"))
    stage.tell(TrunkSaid("nowhere", "operator", "drained by ann"))
    stage.lease(2)
    assert of(Dial, stage.pace(2)) == of(Reserve, stage.pace(2)) == []
    assert on_the_line in stage.state.calls
    stage.tell(TrunkSaid("north", "operator", ""))
    stage.lease(1)
    assert sum(to_gates(stage, of, 1).values()) == 1


def test_a_trunk_that_may_show_none_of_the_caller_ids_is_not_used(make_stage, of):
    """The stage's campaign shows +8610000."""
    stage = make_stage(trunks=(TrunkLimits("other", 9.0, 9, 9, caller_ids=("+8620000",)), TrunkLimits("ours", 2.0, 9)))
    stage.campaign()
    stage.lease(5)
    assert to_gates(stage, of, 5) == {"ours": 2}
