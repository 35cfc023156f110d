"""Agents' time adds up: whatever they did is told once, in quarters of an hour."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialer.core.agents.agent import AgentState
from dialer.core.agents.intervals import QUARTER_S, AgentTime, Interval
from dialer.core.effects import AgentChanged

NINE = 1_772_499_600.0  # a full hour


def change(state: AgentState, *, campaign: str = "", reason: str = "", agent: str = "17") -> AgentChanged:
    return AgentChanged(agent, state, 0.0, reason, ("spring", "autumn"), team="north", name="Anna", campaign=campaign)


def told(intervals: list[Interval]) -> list[tuple[str, float, float]]:
    return [(interval.state.value, interval.started_at - NINE, interval.ended_at - NINE) for interval in intervals]


def test_a_state_is_told_when_it_ends() -> None:
    """With the team and the campaign that it was for; wrap-up is of the talk's campaign."""
    time = AgentTime()

    assert time.changed(change(AgentState.READY), NINE) == []
    assert told(time.changed(change(AgentState.TALKING, campaign="spring"), NINE + 60)) == [("ready", 0, 60)]
    (talk,) = time.changed(change(AgentState.WRAPUP), NINE + 90)
    (wrapup,) = time.changed(change(AgentState.PAUSED, reason="lunch"), NINE + 100)
    (pause,) = time.changed(change(AgentState.OFFLINE), NINE + 400)

    assert (talk.team, talk.name, talk.campaign) == ("north", "Anna", "spring")
    assert wrapup.campaign == "spring"
    assert (pause.reason, pause.campaign, pause.ended_at) == ("lunch", "", NINE + 400)
    assert time.cut(NINE + 10_000) == []


def test_a_long_state_is_cut_at_quarters() -> None:
    """And what was told once is not told again."""
    time = AgentTime()
    time.changed(change(AgentState.READY), NINE + 800)

    assert time.cut(NINE + 890) == []
    assert told(time.cut(NINE + 1000)) == [("ready", 800, 900)]
    assert told(time.changed(change(AgentState.PAUSED), NINE + 2000)) == [("ready", 900, 1800), ("ready", 1800, 2000)]


def test_what_comes_before_a_cut_and_is_heard_of_after_it_begins_at_the_cut() -> None:
    """Nothing is counted twice."""
    time = AgentTime()
    time.changed(change(AgentState.READY), NINE)
    time.cut(NINE + 900)

    assert time.changed(change(AgentState.TALKING), NINE + 899) == []
    assert told(time.changed(change(AgentState.WRAPUP), NINE + 950)) == [("talking", 900, 950)]


STATES = st.sampled_from([state for state in AgentState if state is not AgentState.OFFLINE])


@given(st.lists(st.tuples(STATES, st.floats(0.0, 3000.0), st.booleans()), min_size=1, max_size=30))
def test_the_time_told_is_the_time_there(steps: list[tuple[AgentState, float, bool]]) -> None:
    """Without gaps and overlaps, each part in one quarter."""
    time, at = AgentTime(), NINE
    parts: list[Interval] = []
    for state, for_s, cut in steps:
        parts += time.changed(change(state), at)
        at += for_s
        parts += time.cut(at) if cut else []
    parts += time.changed(change(AgentState.OFFLINE), at)

    ends = [NINE, *(part.ended_at for part in parts)]
    assert ends[-1] == at
    assert [part.started_at for part in parts] == ends[:-1]
    assert all(part.ended_at <= (part.started_at // QUARTER_S + 1) * QUARTER_S for part in parts)
