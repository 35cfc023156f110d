"""Who is suspected when workers crash."""

from __future__ import annotations

from sip.blame import DEATHS_TO_REST, REST_S, WINDOW_S, Blame, Peer, RestartBudget

TRUNK = Peer("carrier", is_trunk=True)
OTHER = Peer("other", is_trunk=True)
PHONE = Peer("sip:1@192.0.2.1", is_trunk=False)


def crash(blame: Blame, at: float, *peers: Peer) -> list[Peer]:
    for peer in peers:
        blame.takes_part("c", peer)
    _, at_fault = blame.death(["c"], at)
    blame.forget("c")
    return at_fault


def test_a_worker_without_calls_blames_nobody():
    """Its death is the pool's own."""
    assert Blame().death([], 0.0) == (False, [])
    assert Blame().death(["unknown"], 0.0) == (False, [])


def test_a_trunk_rests_after_a_few_deaths_and_only_for_a_while():
    """Fewer prove nothing; after its rest it is counted anew."""
    blame = Blame()
    assert [crash(blame, float(at), TRUNK) for at in range(DEATHS_TO_REST)] == [[], [], [TRUNK]]
    at = DEATHS_TO_REST - 1
    assert blame.rests(TRUNK, at)
    assert not blame.rests(OTHER, at)
    assert not blame.rests(TRUNK, at + REST_S)
    assert crash(blame, at + REST_S, TRUNK) == []


def test_a_phone_is_suspected_before_the_trunk_of_its_calls():
    """The trunk is part of every call; a phone that was there each time explains the deaths alone."""
    blame = Blame()
    assert [crash(blame, float(at), TRUNK, PHONE) for at in range(3)] == [[], [], [PHONE]]
    assert not blame.rests(TRUNK, 3.0)
    assert crash(blame, 4.0, TRUNK) == []


def test_old_deaths_are_forgotten():
    """Three in a year are no pattern."""
    blame = Blame()
    assert [crash(blame, at * WINDOW_S, TRUNK) for at in range(5)] == [[]] * 5


def test_the_restart_budget_forgets_and_is_small_before_the_start():
    """Deaths count within their window; before any worker was ready few are forgiven."""
    budget = RestartBudget(20, window_s=60.0)
    assert [budget.death(at) for at in (0.0, 30.0, 60.0, 61.0, 200.0)] == [1, 2, 3, 3, 1]
    assert (budget.allowed(has_started=True), budget.allowed(has_started=False)) == (20, 3)
    assert RestartBudget(2, 60.0).allowed(has_started=False) == 2
