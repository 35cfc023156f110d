"""The limit by counts: what may be lost has a bound, whatever callees do and whatever the forecast believes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pacing.api import Brake, CallFailed, Ledger, Memory, Mode, Rule, Settings, Snapshot, TalkEnded, Window
from pacing.exposure import COMPLETE_CALLS, LATELY_S, Exposure, overdraft
from pacing.governor import Governed, covered
from pacing.learning.starts import Count, Starts, wilson
from pacing.policies import make
from tests.pacing.adversary import CALLEES, NEVER_S, Floor, Greedy, Phase
from tests.pacing.cases import EXPERIENCED, snapshot, snapshots

caps = st.sampled_from((0.01, 0.03, 0.1))
phases = st.lists(
    st.builds(
        Phase,
        callees=st.sampled_from(tuple(CALLEES)),
        lasts_s=st.sampled_from((5, 30, 60, 180, 420)),
        talk_s=st.sampled_from((3.0, 20.0, 90.0, NEVER_S)),
    ),
    min_size=1,
    max_size=10,
)
LUMPS = [Phase("nobody answers", 120, 20.0), Phase("everybody answers at once", 20, 20.0)] * 15
TRUNK = [
    Phase("one in four answers", 200, 20.0),
    Phase("the trunk refuses", 300, 20.0),
    Phase("everybody answers at once", 30, 20.0),
    Phase("the trunk dies in silence", 300, 20.0),
    Phase("everybody answers when the oldest call has rung for long", 60, 20.0),
] * 2


# --- for any behaviour of callees ----------------------------------------------------------------------------------


@examples(max_examples=120)
@given(caps, st.integers(1, 60), phases)
def test_no_callees_lose_more_than_the_bound_even_where_the_forecast_is_worthless(
    cap: float, agents: int, played: list[Phase]
) -> None:
    """A pacer that believes that nobody answers, and starts whatever the limits let through."""
    Floor(Greedy(Settings(max_abandon_rate=cap)), cap, agents).play(played)


@examples(max_examples=25)
@given(caps, st.integers(1, 60), phases, st.sampled_from((None, EXPERIENCED)))
def test_no_callees_lose_more_than_the_bound(
    cap: float, agents: int, played: list[Phase], memory: Memory | None
) -> None:
    """The pacer itself, cold and with a memory."""
    settings = Settings(mode=Mode.PREDICTIVE, max_abandon_rate=cap)
    Floor(make(settings, memory), cap, agents).play(played)


@pytest.mark.parametrize("played", [LUMPS, TRUNK], ids=["lumps", "trunk"])
@pytest.mark.parametrize("agents", [3, 20, 60])
def test_what_was_lost_once_is_not_lost_again(played: list[Phase], agents: int) -> None:
    """The same trap over and over, for half an hour: what is in flight may be lost the first time, and no more."""
    for pacer in (Greedy(Settings()), make(Settings())):
        floor = Floor(pacer, 0.03, agents)
        floor.play(played)
        assert floor.uncovered_starts > 0
        assert floor.abandoned > 0


@examples(max_examples=10)
@given(phases, st.integers(1, 60), st.integers(1, 4))
def test_a_floor_has_no_more_to_lose_than_its_setting_of_calls(
    played: list[Phase], agents: int, calls_per_agent: int
) -> None:
    """The published bound in figures of the settings alone: the overdraft, and so many calls for each agent."""
    floor = Floor(Greedy(Settings(max_calls_per_agent=float(calls_per_agent))), 0.03, agents)
    floor.play(played)
    assert floor.most_uncovered <= calls_per_agent * agents
    assert floor.abandoned <= 0.03 * floor.answered + overdraft(agents) + calls_per_agent * agents


# --- the counts ----------------------------------------------------------------------------------------------------

SETTINGS = Settings(max_abandon_rate=0.03)


def counts(freed: int = 0, before: int = 1000) -> Exposure:
    """So many talks ended lately, and so many calls were in flight a ring time ago."""
    exposure = Exposure(25.0)
    for _ in range(freed):
        exposure.came_free(990.0)
    exposure.before = before
    return exposure


def complete(answered: float = 0.0, ended: float = 10_000.0, long_run: float = 0.0) -> Starts:
    """So many calls had their whole ring time; the answer rate was `long_run` before."""
    starts = Starts(25.0)
    starts.pool.add(Count(answered, ended))
    starts.long_run.add(Count(1000.0 * long_run, 1000.0))
    return starts


def allowed(exposure: Exposure | None = None, starts: Starts | None = None, rate: float = 0.5, **changes: Any) -> int:
    """How many may start if the forecast's upper bound of the answer rate is `rate`."""
    return (exposure or counts()).limit(SETTINGS, snapshot(**changes), starts or complete(), rate).dial


def test_the_answers_to_come_are_held_to_agents_and_budget() -> None:
    """Ready agents, those who surely come free, and what the budget has left and one, over the answer rate."""
    freed = (36.0 - 1.64 * 6.0) * 20.0 / 30.0  # a lower bound of what came free in 30 s, for 20 s of ringing
    slack = 0.03 * 1001 - 10
    assert allowed() == math.floor((3 + slack + 1) / 0.5)
    assert allowed(counts(freed=36)) == math.floor((3 + freed + slack + 1) / 0.5)
    flying = {"ringing_age_s": (9.0,) * 10, "waiting_age_s": (1.0,) * 2}
    assert allowed(**flying) == math.floor((3 - 2 + slack + 1) / 0.5 - 10)


@pytest.mark.parametrize(
    ("starts", "rate", "upper"),
    [
        (complete(), 0.5, 0.5),
        (complete(answered=30.0, ended=100.0), 0.2, wilson(30.0, 100.0, 1.64)),
        (complete(long_run=0.9), 0.2, 0.45),
        (Starts(25.0), 0.2, 1.0),
    ],
    ids=["the forecast's", "that of complete calls", "half the long run's", "none is known"],
)
def test_the_highest_answer_rate_holds(starts: Starts, rate: float, upper: float) -> None:
    """Of the forecast's and of those counted over calls that had their whole ring time."""
    assert allowed(starts=starts, rate=rate) == math.floor((3 + 0.03 * 1001 - 10 + 1) / upper)


def test_what_was_lost_once_is_reckoned_with_once_the_budget_is_spent() -> None:
    """Then the highest rate of the last quarter of an hour holds."""
    starts = complete()
    starts.blocks.extend([(0.0, Count(100.0, 100.0)), (LATELY_S + 1.0, Count())])
    healthy, spent = Ledger(1000, 10), Ledger(1000, 31)
    assert allowed(counts(), starts, 0.1, ledger=healthy) == allowed(counts(), complete(), 0.1, ledger=healthy)
    assert allowed(counts(36), starts, 0.1, ledger=spent) < allowed(counts(36), complete(), 0.1, ledger=spent) / 5


def test_a_busy_half_minute_of_late_is_reckoned_with_in_any_case() -> None:
    """Lists go up and down by turns: as far as it was no chance, its rate holds for the next calls, too."""
    starts = complete()
    starts.blocks.extend([(0.0, Count(60.0, 100.0)), (LATELY_S, Count())])
    assert allowed(starts=starts, rate=0.1) == math.floor((3 + 0.03 * 1001 - 10 + 1) / wilson(60.0, 100.0, -1.64))


def test_a_spent_budget_has_no_allowance() -> None:
    """Between nothing left and the overdraft there are agents only."""
    ledgers = [Ledger(1000, abandoned) for abandoned in (31, 32, 33)]  # slack 0.97 below 0, 1.97, 2.97
    assert [allowed(rate=1.0, ledger=ledger) for ledger in ledgers] == [3, 3, 3]
    assert allowed(rate=1.0, ledger=Ledger(0, 0)) == 4  # the one call that a window's first answer may cost


def test_beyond_the_overdraft_only_covered_calls_start() -> None:
    """Three calls, and half a call for each agent on larger floors."""
    assert (overdraft(1), overdraft(6), overdraft(100)) == (3.0, 3.0, 50.0)
    for answered, brake in ((1000, Brake.EXPOSURE), (998, Brake.BUDGET)):  # slack -2.97 and -3.03 of 5 agents
        seen = snapshot(ready=1, ledger=Ledger(answered, 33), ringing_age_s=(5.0,))
        found = counts(freed=1000).limit(SETTINGS, seen, complete(), 0.5)
        assert found.brake is brake
        assert (found.dial > 0) == (brake is Brake.EXPOSURE)


def test_every_window_counts() -> None:
    """The one with the least left."""
    hour = Window("the last hour", 0.06, Ledger(50, 2))
    assert allowed(windows=(hour,)) == math.floor((3 + 0.06 * 51 - 2 + 1) / 0.5)
    overdrawn = (hour, Window("the month", 0.03, Ledger(100, 8)))
    found = counts(1000).limit(SETTINGS, snapshot(windows=overdrawn), complete(), 0.5)
    assert found == Governed(3, Brake.BUDGET)


def test_calls_in_flight_at_most_double_in_a_ring_time() -> None:
    """Beginning with two for each agent."""
    roomy = {"ledger": Ledger(100_000, 0), "ringing_age_s": (5.0,) * 4}
    for before, most in ((0, 10), (4, 10), (30, 60)):
        found = counts(before=before).limit(SETTINGS, snapshot(**roomy), complete(), 0.01)
        assert found == Governed(most - 4, Brake.GROWTH)


def test_what_is_in_flight_now_is_doubled_a_ring_time_later() -> None:
    """Not at once, and no longer when it is two ring times ago."""
    exposure = Exposure(25.0)
    seen = []
    for now in range(0, 101, 5):
        ages_s = (1.0,) * (20 if now <= 5 else 0)  # a call that waits is in flight, too
        exposure.look(snapshot(now=float(now), ringing_age_s=ages_s, waiting_age_s=ages_s))
        seen.append(exposure.before)
    assert seen[: 35 // 5] == [0] * 7
    assert seen[35 // 5 : 70 // 5] == [40] * 7
    assert seen[80 // 5 :] == [0] * 5


@examples(max_examples=100)
@given(snapshots(), st.integers(0, 100), st.integers(0, 100), st.floats(0.002, 1.0))
def test_covered_calls_always_may_start(seen: Snapshot, freed: int, before: int, rate: float) -> None:
    """Whatever the counts, the budget and the growth: a call for a ready agent whom no call needs loses nobody."""
    found = counts(freed, before).limit(SETTINGS, seen, complete(), rate)
    assert found.dial >= covered(seen)
    assert found.brake in {Brake.EXPOSURE, Brake.GROWTH, Brake.BUDGET}
    assert found.brake is not Brake.BUDGET or found.dial == covered(seen)
    more = counts(freed, before).limit(SETTINGS, replace(seen, ready=seen.ready + 1), complete(), rate)
    assert more.dial >= found.dial


# --- in the pacer --------------------------------------------------------------------------------------------------


def test_progressive_until_enough_calls_had_their_whole_ring_time() -> None:
    """However many have ended; those that never rang say nothing."""
    pacer = make(Settings())
    refused = tuple(CallFailed(1.0, 0.2) for _ in range(100))
    ended = tuple(CallFailed(10.0, 9.0) for _ in range(COMPLETE_CALLS - 1))
    for now, seen in ((1.0, refused), (10.0, ended), (60.0, ())):
        decision = pacer.step(seen, snapshot(now=now))
        assert (decision.dial, decision.reason.rule) == (3, Rule.LEARNING)
    assert decision.reason.figures["calls_to_go"] == 1
    assert pacer.step((CallFailed(60.0, 25.0),), snapshot(now=60.0)).reason.rule is Rule.LEARNING
    assert pacer.step((), snapshot(now=75.0)).reason.rule is Rule.PREDICTIVE


@pytest.mark.parametrize(
    ("changes", "brake"),
    [
        ({"ready": 0, "talking_age_s": (), "wrapup_age_s": (35.0,) * 30, "ledger": Ledger(1000, 31)}, Brake.EXPOSURE),
        ({"ready": 0, "talking_age_s": (), "wrapup_age_s": (35.0,) * 30, "ledger": Ledger(1000, 60)}, Brake.BUDGET),
    ],
)
def test_the_limit_by_counts_is_named(changes: dict[str, object], brake: Brake) -> None:
    """In the reason of a forecast."""
    decision = make(Settings(), EXPERIENCED).step((), snapshot(**changes))
    assert (decision.dial, decision.reason.rule, decision.reason.brake) == (0, Rule.PREDICTIVE, brake)


def test_the_limit_of_growth_is_named() -> None:
    """Half the floor comes free and the budget is large: what is in flight may double, no more."""
    memory = {**EXPERIENCED, "tolerated_risk": 0.15}
    freed = tuple(TalkEnded(999.0, 100.0) for _ in range(200))
    seen = snapshot(ready=3, wrapup_age_s=(60.0,) * 3, ringing_age_s=(20.0,) * 11, ledger=Ledger(10_000, 0))
    decision = make(Settings(max_calls_per_agent=50.0), memory).step(freed, seen)
    assert decision.reason.brake is Brake.GROWTH
    assert decision.dial == 2 * seen.agents - 11
