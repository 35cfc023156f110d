"""The governor can only reduce, and what it lets through respects limits, budget and guarantee."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacing.face import Guarantee, Ledger, Mode, Settings, Snapshot
from pacing.governor import Brake, budget_spent, covered, govern, guaranteed, slack_calls
from tests.pacing.cases import snapshot, snapshots

proposals = st.integers(-5, 500)
guarantees = st.sampled_from(Guarantee)


@given(proposals, snapshots(), guarantees)
def test_the_governor_only_reduces(proposed: int, seen: Snapshot, guarantee: Guarantee) -> None:
    """Never more than proposed, than lines, than leads; never negative; a reduction has a name."""
    governed = govern(proposed, Settings(guarantee=guarantee), seen)
    assert 0 <= governed.dial <= max(0, proposed)
    assert governed.dial <= min(seen.lines_free, seen.leads_available)
    assert (governed.brake is None) == (governed.dial == max(0, proposed))


@given(proposals, snapshots(), guarantees)
def test_more_ready_agents_never_lower_the_limit(proposed: int, seen: Snapshot, guarantee: Guarantee) -> None:
    """One more ready agent lets through at least as many calls."""
    settings = Settings(guarantee=guarantee)
    more = replace(seen, ready=seen.ready + 1)
    assert govern(proposed, settings, more).dial >= govern(proposed, settings, seen).dial


@given(proposals, snapshots())
def test_a_spent_budget_means_progressive(proposed: int, seen: Snapshot) -> None:
    """With the cap reached, only calls that a ready agent covers may start."""
    settings = Settings(max_abandon_rate=0.03)
    if budget_spent(0.03, seen.ledger):
        assert govern(proposed, settings, seen).dial <= covered(seen)


@given(proposals, snapshots())
def test_the_hard_guarantee_holds_for_the_worst_case(proposed: int, seen: Snapshot) -> None:
    """Were every uncovered call answered and abandoned, the rate would still be within the cap."""
    cap = 0.03
    dial = govern(proposed, Settings(max_abandon_rate=cap, guarantee=Guarantee.HARD), seen).dial
    waiting = len(seen.waiting_age_s)
    uncovered = max(0, len(seen.ringing_age_s) + waiting + dial - seen.ready)
    if dial > covered(seen):
        worst_abandoned = seen.ledger.abandoned + uncovered
        worst_answered = seen.ledger.answered + max(0, uncovered - waiting)
        assert worst_abandoned <= cap * worst_answered + 1e-6


@pytest.mark.parametrize(("cap", "needed"), [(0.03, 33), (0.01, 99)])
def test_the_first_uncovered_call_needs_that_many_answers(cap: float, needed: int) -> None:
    """From an empty ledger the hard guarantee allows the first uncovered call at 33 answers (3 %) or 99 (1 %)."""
    for answered, allowed in ((needed - 1, 0), (needed, 1)):
        seen = snapshot(ready=0, ledger=Ledger(answered, 0))
        assert guaranteed(cap, seen) == allowed


def test_the_slack_is_the_calls_left_under_the_cap() -> None:
    """95 live answers at a 3 % cap have room for 2.88 abandoned calls."""
    assert slack_calls(0.03, Ledger(95, 3)) == pytest.approx(-0.12)
    assert budget_spent(0.03, Ledger(95, 3))
    assert not budget_spent(0.03, Ledger(200, 3))


@pytest.mark.parametrize(
    ("changes", "brake"),
    [
        ({"ready": 0, "talking_age_s": (), "wrapup_age_s": ()}, Brake.NO_AGENT),
        ({"leads_available": 0}, Brake.NO_LEAD),
        ({"lines_free": 2}, Brake.NO_LINE),
        ({"ringing_age_s": (1.0,) * 38}, Brake.CALLS_PER_AGENT),
        ({"ledger": Ledger(95, 3)}, Brake.BUDGET),
    ],
)
def test_the_brake_has_the_name_of_what_binds(changes: dict[str, object], brake: Brake) -> None:
    """The reason for a reduction is the limit that bound."""
    assert govern(50, Settings(), snapshot(**changes)).brake is brake


def test_no_cap_is_needed_where_nothing_can_be_abandoned() -> None:
    """A progressive campaign is not held by the budget."""
    seen = snapshot(ledger=Ledger(10, 9))
    assert govern(3, Settings(mode=Mode.PROGRESSIVE), seen).dial == 3
