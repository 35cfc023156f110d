"""VICIdial's placer: rounds, goals, and what counts."""

from __future__ import annotations

import pytest

from dialer.language.decisions import sentence
from dialer.sim.baselines.vicidial import Round, Vicidial, interval_s, missing
from dialer.sim.baselines.vicidial_level import Method, VicidialSettings
from tests.pacing.cases import snapshot

DOUBLE = VicidialSettings(method=Method.RATIO, level=2.0)


def busy(talking: int) -> tuple[float, ...]:
    return (30.0,) * talking


@pytest.mark.parametrize(("calls", "cycle_s"), [(0, 2.5), (50, 12.5), (100, 22.5)])
def test_a_round_takes_its_calls_and_a_sleep(calls: int, cycle_s: float) -> None:
    """At 5 calls a second, 50 calls take 12.5 s and 100 take 22.5 s."""
    assert Round(0.0, calls, interval_s(DOUBLE)).next_at == pytest.approx(cycle_s)


def test_the_rate_has_a_fallback() -> None:
    """No rate, or one above 200, is 25 ms between calls."""
    for rate in (0.0, 200.1):
        assert interval_s(VicidialSettings(calls_per_second=rate)) == 0.025
    assert interval_s(VicidialSettings(calls_per_second=200.0)) == 0.005


def test_talking_agents_count_too() -> None:
    """Two lines for each of 3 ready and 5 talking agents, less the 5 connected and 2 that ring; wrap-up is nothing."""
    floor = snapshot(ready=3, talking_age_s=busy(5), wrapup_age_s=busy(4), ringing_age_s=(1.0, 2.0))
    assert missing(2.0, DOUBLE, floor) == 16 - 5 - 2


def test_lines_for_each_talking_agent_grow_with_the_level() -> None:
    """With everybody talking, a level of 3 rings two numbers for each of them."""
    floor = snapshot(ready=0, talking_age_s=busy(10))
    assert [missing(level, DOUBLE, floor) for level in (1.0, 2.0, 3.0)] == [0, 10, 20]


def test_available_only_counts_ready_agents() -> None:
    """Talking agents bring nothing and cost nothing."""
    settings = VicidialSettings(method=Method.RATIO, level=2.0, available_only=True)
    assert missing(2.0, settings, snapshot(ready=3, talking_age_s=busy(5), ringing_age_s=(1.0,))) == 5
    assert missing(2.0, settings, snapshot(ready=0, talking_age_s=busy(5))) == 0


def test_waiting_calls_count_as_existing() -> None:
    """A call that waits for an agent is one call less to make."""
    assert missing(1.0, DOUBLE, snapshot(ready=3, talking_age_s=(), waiting_age_s=(1.0,))) == 2


def test_the_goal_is_rounded() -> None:
    """1.44 x 3 is 4.32: four calls."""
    assert missing(1.44, DOUBLE, snapshot(ready=3, talking_age_s=())) == 4


def test_calls_placed_adds_the_target_to_the_agents() -> None:
    """A target of -1 takes one agent off, and never goes below none."""
    settings = VicidialSettings(method=Method.RATIO, difference_target=-1, target_in_calls=True)
    assert missing(2.0, settings, snapshot(ready=3, talking_age_s=())) == 4
    assert missing(2.0, settings, snapshot(ready=0, talking_age_s=())) == 0


def dialled(pacer: Vicidial, tenths: range, **changes: object) -> dict[int, int]:
    """When, in tenths of a second, how many calls were dialled; the calls dialled ring on."""
    found: dict[int, int] = {}
    for tenth in tenths:
        ringing = (1.0,) * sum(found.values())
        floor = {"ready": 5, "talking_age_s": (), "ringing_age_s": ringing} | changes
        decision = pacer.step((), snapshot(**floor, now=tenth / 10))
        if decision.dial:
            found[tenth] = decision.dial
    return found


def test_calls_go_out_one_by_one_after_the_sleep() -> None:
    """Five ready agents at level 2: ten calls from 2.5 s on, one every 0.2 s, and nothing is counted meanwhile."""
    assert dialled(Vicidial(DOUBLE), range(100)) == {25 + 2 * k: 1 for k in range(10)}


def test_nothing_is_counted_anew_within_a_round() -> None:
    """Calls that end while the round goes on are made up for in the next one only."""
    found = dialled(Vicidial(DOUBLE), range(115), ringing_age_s=())
    assert found == {25 + 2 * k: 1 for k in range(10)} | {70 + 2 * k: 1 for k in range(10)}


def test_between_rounds_it_says_when_it_counts_again() -> None:
    """Every answer has its sentence."""
    decision = Vicidial(DOUBLE).step((), snapshot(now=0.0))
    assert decision.dial == 0
    assert sentence(decision) == "dial 0: the placer counts again in 2.5 s, dial level 2"


def test_a_round_ends_when_everybody_leaves() -> None:
    """Agents who come back start a new round; they do not get the rest of the old one at once."""
    pacer = Vicidial(DOUBLE)
    assert dialled(pacer, range(30)) == {25: 1, 27: 1, 29: 1}
    nobody = pacer.step((), snapshot(ready=0, talking_age_s=(), wrapup_age_s=(), paused=5, now=3.0))
    assert (nobody.dial, sentence(nobody)) == (0, "dial 0: no agent is working (5 paused)")
    assert dialled(pacer, range(600, 628)) == {625: 1, 627: 1}


def test_a_long_silence_is_not_made_up_for() -> None:
    """Asked again after a minute, the placer counts anew."""
    pacer = Vicidial(DOUBLE)
    assert dialled(pacer, range(26)) == {25: 1}
    assert dialled(pacer, range(600, 601)) == {600: 1}


def test_lines_bound_a_round() -> None:
    """Three free lines: three calls."""
    assert sum(dialled(Vicidial(DOUBLE), range(40), lines_free=3).values()) == 3


def test_the_level_can_be_read() -> None:
    """People see where the level stands."""
    assert Vicidial(DOUBLE).learnt() == {"dial_level": 2.0}
