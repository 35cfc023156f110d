"""The governor can only reduce, and what it lets through respects limits, budget and guarantee."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pacing.api import Guarantee, Ledger, Mode, Settings, Snapshot, Window
from pacing.governor import Brake, Governed, budget_spent, covered, govern, guaranteed, ledgers, limit, slack_calls
from tests.pacing.cases import snapshot, snapshots

proposals = st.integers(-5, 500)
guarantees = st.sampled_from(Guarantee)
modes = st.sampled_from((Mode.PREDICTIVE, Mode.RATIO))
HOUR_SPENT = (Window("the last hour", 0.06, Ledger(50, 4)),)


def governed(proposed: int, settings: Settings, seen: Snapshot) -> Governed:
    return govern(proposed, limit(settings, seen), settings, seen)


@given(proposals, snapshots(), guarantees, modes)
def test_the_governor_only_reduces(proposed: int, seen: Snapshot, guarantee: Guarantee, mode: Mode) -> None:
    """Never more than proposed, than lines, than leads; never negative; a reduction has a name."""
    found = governed(proposed, Settings(guarantee=guarantee, mode=mode), seen)
    assert 0 <= found.dial <= max(0, proposed)
    assert found.dial <= min(seen.lines_free, seen.leads_available)
    assert (found.brake is None) == (found.dial == max(0, proposed))


@given(proposals, snapshots(), guarantees)
def test_more_ready_agents_never_lower_the_limit(proposed: int, seen: Snapshot, guarantee: Guarantee) -> None:
    """One more ready agent lets through at least as many calls."""
    settings = Settings(guarantee=guarantee)
    more = replace(seen, ready=seen.ready + 1)
    assert governed(proposed, settings, more).dial >= governed(proposed, settings, seen).dial


@given(proposals, snapshots())
def test_a_spent_budget_means_progressive_where_nothing_is_forecast_or_risked(proposed: int, seen: Snapshot) -> None:
    """With the cap reached in any window, ratio and the hard guarantee start only what a ready agent covers."""
    if budget_spent(0.03, seen):
        assert governed(proposed, Settings(mode=Mode.RATIO), seen).dial <= covered(seen)
        assert governed(proposed, Settings(guarantee=Guarantee.HARD), seen).dial <= covered(seen)


def test_a_spent_budget_is_left_to_the_risk_control_with_the_statistical_guarantee() -> None:
    """Predictive aims at almost no risk then; the governor does not stop it besides."""
    seen = snapshot(ledger=Ledger(95, 3))
    assert governed(5, Settings(), seen) == governed(5, Settings(), snapshot())
    assert governed(5, Settings(), seen).brake is None


@given(proposals, snapshots())
def test_the_hard_guarantee_holds_for_the_worst_case(proposed: int, seen: Snapshot) -> None:
    """Were every uncovered call answered and abandoned, the rate would still be within the cap of every window."""
    cap = 0.03
    dial = governed(proposed, Settings(max_abandon_rate=cap, guarantee=Guarantee.HARD), seen).dial
    waiting = len(seen.waiting_age_s)
    uncovered = max(0, len(seen.ringing_age_s) + waiting + dial - seen.ready)
    if dial > covered(seen):
        for limit, ledger in ledgers(cap, seen):
            worst_answered = ledger.answered + max(0, uncovered - waiting)
            assert ledger.abandoned + uncovered <= limit * worst_answered + 1e-6


@pytest.mark.parametrize(("cap", "needed"), [(0.03, 33), (0.01, 99)])
def test_the_first_uncovered_call_needs_that_many_answers(cap: float, needed: int) -> None:
    """From an empty ledger the hard guarantee allows the first uncovered call at 33 answers (3 %) or 99 (1 %)."""
    for answered, allowed in ((needed - 1, 0), (needed, 1)):
        seen = snapshot(ready=0, ledger=Ledger(answered, 0))
        assert guaranteed(cap, seen) == allowed


def test_the_tightest_window_holds_the_guarantee() -> None:
    """Room in one window is worth nothing while another has none."""
    roomy = Ledger(1000, 0)
    assert guaranteed(0.03, snapshot(ready=0, ledger=roomy)) == 30
    narrow = (Window("the last hour", 0.06, Ledger(33, 0)), Window("the month", 0.03, Ledger(300, 0)))
    assert guaranteed(0.03, snapshot(ready=0, ledger=roomy, windows=narrow[1:])) == 9
    assert guaranteed(0.03, snapshot(ready=0, ledger=roomy, windows=narrow)) == 2


def test_a_waiting_call_is_one_of_those_that_may_be_lost() -> None:
    """It is in the live answers already, and counts once against the budget: beside it there is room for one less."""
    n = 67  # 0.03 * 67 / 0.97 = 2.07, and with one of them waiting 0.03 * 66 / 0.97 = 2.04
    assert guaranteed(0.03, snapshot(ready=0, ledger=Ledger(n, 0))) == 2
    assert guaranteed(0.03, snapshot(ready=0, ledger=Ledger(n, 0), waiting_age_s=(1.0,))) == 1
    assert guaranteed(0.03, snapshot(ready=0, ledger=Ledger(n, 0), waiting_age_s=(1.0, 1.0))) == 0


def test_a_waiting_call_brings_no_answer_of_its_own() -> None:
    """33 live answers have room for an uncovered call; with one of them on the line still, 32 have none."""
    assert guaranteed(0.03, snapshot(ready=5, ledger=Ledger(33, 0))) == 6
    assert guaranteed(0.03, snapshot(ready=5, ledger=Ledger(33, 0), waiting_age_s=(1.0,))) == 4
    assert guaranteed(0.03, snapshot(ready=5, ledger=Ledger(34, 0), waiting_age_s=(1.0,))) == 5


@examples(max_examples=300)
@given(snapshots())
def test_the_guarantee_gives_as_many_calls_as_it_can(seen: Snapshot) -> None:
    """One call more, and the worst case would be over the cap of some window."""
    waiting = len(seen.waiting_age_s)

    def holds(dial: int) -> bool:
        lost = len(seen.ringing_age_s) + waiting + dial - seen.ready
        answers = lost - waiting
        return all(one.abandoned + lost <= cap * (one.answered + answers) + 1e-6 for cap, one in ledgers(0.03, seen))

    dial = guaranteed(0.03, seen)
    assert dial == 0 or holds(dial)
    assert not holds(dial + 1)


def test_a_ready_agent_is_needed_by_each_call_that_rings_or_waits() -> None:
    """What is left of them is what progressive dialling may start."""
    assert covered(snapshot(ready=5, ringing_age_s=(5.0,) * 2, waiting_age_s=(1.0,))) == 2
    assert covered(snapshot(ready=2, ringing_age_s=(5.0,) * 2, waiting_age_s=(1.0,))) == 0


def test_calls_for_each_agent_count_those_that_wait() -> None:
    """A call in flight is one that rings or waits for an agent."""
    for ringing, waiting in ((4, 0), (2, 2), (0, 4)):
        seen = snapshot(ringing_age_s=(5.0,) * ringing, waiting_age_s=(1.0,) * waiting)
        assert limit(Settings(max_calls_per_agent=2.0), seen) == Governed(6, Brake.CALLS_PER_AGENT)


def test_the_slack_is_the_calls_left_under_the_cap() -> None:
    """95 live answers at a 3 % cap have room for 2.88 abandoned calls."""
    assert slack_calls(0.03, Ledger(95, 3)) == pytest.approx(-0.12)
    assert budget_spent(0.03, snapshot(ledger=Ledger(95, 3)))
    assert not budget_spent(0.03, snapshot(ledger=Ledger(200, 3)))
    assert budget_spent(0.03, snapshot(ledger=Ledger(200, 3), windows=HOUR_SPENT))


@pytest.mark.parametrize(
    ("changes", "brake"),
    [
        ({"ready": 0, "talking_age_s": (), "wrapup_age_s": ()}, Brake.NO_AGENT),
        ({"staffed_s": 24.9}, Brake.SHIFT_END),
        ({"leads_available": 0}, Brake.NO_LEAD),
        ({"lines_free": 2}, Brake.NO_LINE),
        ({"ringing_age_s": (1.0,) * 38, "ledger": Ledger(10_000, 0)}, Brake.CALLS_PER_AGENT),
        ({"ledger": Ledger(95, 3)}, Brake.BUDGET),
        ({"windows": HOUR_SPENT}, Brake.BUDGET),
        ({"ledger": Ledger(1000, 29), "lines_free": 60}, Brake.GUARANTEE),
    ],
)
def test_the_brake_has_the_name_of_what_binds(changes: dict[str, object], brake: Brake) -> None:
    """The reason for a reduction is the limit that bound."""
    assert governed(50, Settings(guarantee=Guarantee.HARD, max_calls_per_agent=8.0), snapshot(**changes)).brake is brake


@examples(max_examples=50)
@given(proposals, snapshots(), modes, st.floats(0.0, 24.99))
def test_nobody_is_called_for_agents_who_leave_before_the_answer(
    proposed: int, seen: Snapshot, mode: Mode, staffed_s: float
) -> None:
    """With less time left than a call may ring, nothing starts, covered or not."""
    assert governed(proposed, Settings(mode=mode), replace(seen, staffed_s=staffed_s)).dial == 0


def test_no_cap_is_needed_where_nothing_can_be_abandoned() -> None:
    """A progressive campaign is not held by the budget."""
    seen = snapshot(ledger=Ledger(10, 9))
    assert governed(3, Settings(mode=Mode.PROGRESSIVE), seen).dial == 3
