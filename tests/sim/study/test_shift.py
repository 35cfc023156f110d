"""Whole shifts: repeatable, paired, close to what can be computed, and shaken by shocks."""

from __future__ import annotations

from random import Random
from statistics import fmean
from typing import Any

import pytest

from dialer.sim.policies import POLICIES
from dialer.sim.study.results import Run
from dialer.sim.study.scenario import Scenario, load_scenario
from dialer.sim.study.shift import Shift, work
from pacing.api import Decision, Observation, Snapshot

CONSTANT = {"law": "constant", "mean_s": 9.0}
PLAIN: dict[str, Any] = {
    "hours": 1.0,
    "callees": {"answer_rate": 0.3, "machine_rate": 0.0, "busy_rate": 0.0, "invalid_rate": 0.0, "ring": CONSTANT},
}


def scenario(**changes: Any) -> Scenario:
    return load_scenario(PLAIN | changes)


def test_the_same_scenario_policy_and_seed_give_the_same_shift() -> None:
    """To the last figure; another seed gives another one."""
    played = [work(scenario(hours=0.3), "predictive", seed) for seed in (1, 1, 2)]

    assert played[0] == played[1]
    assert played[0].totals != played[2].totals


def test_policies_meet_the_same_callees_with_the_same_talks() -> None:
    """A lead whom two policies reach talks and is wrapped up as long with either."""
    talks = []
    for policy in ("progressive", "wombat"):
        played = Shift(scenario(hours=0.5), policy, 3)
        played.play()
        talks.append(
            {
                one.lead.lead_id: one.ended_at - one.bridged_at
                for one in played.recorder.settled
                if one.bridged_at is not None
            }
        )

    both = talks[0].keys() & talks[1].keys()
    assert len(both) > 100
    assert all(talks[0][lead] == pytest.approx(talks[1][lead], abs=1e-6) for lead in both)


@pytest.mark.parametrize(("answer_rate", "talk_s"), [(0.3, 120.0), (0.5, 30.0)])
def test_progressive_keeps_agents_as_busy_as_the_formula_says(answer_rate: float, talk_s: float) -> None:
    """U = S / (S + W), W = time to an answer + (1-p)/p of a failed attempt; no call is abandoned."""
    settings = scenario(
        hours=2.0,
        agents={"count": 30, "talk": {"law": "exponential", "mean_s": talk_s}, "ramp_up_s": 0.0},
        callees=PLAIN["callees"] | {"answer_rate": answer_rate},
    )
    run = work(settings, "progressive", 1)
    serving_s = talk_s + 30.0
    waiting_s = 11.0 + (1 - answer_rate) / answer_rate * 22.0 + 0.3

    assert run.totals.utilisation == pytest.approx(serving_s / (serving_s + waiting_s), abs=0.02)
    assert run.totals.abandoned == 0


class Poisson:
    """Calls at a constant rate, whatever the floor looks like."""

    def __init__(self, rate_per_s: float, seed: int) -> None:
        self.rate_per_s, self.dice, self.next_at = rate_per_s, Random(seed), 0.0

    def step(self, _: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        dial = 0
        while self.next_at <= snapshot.now:
            dial += 1
            self.next_at += self.dice.expovariate(self.rate_per_s)
        return Decision(dial)

    def learnt(self) -> dict[str, float]:
        return {}


def erlang_b(servers: int, offered: float) -> float:
    """The share of calls that finds all servers busy."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return blocked


def test_an_open_loop_abandons_as_erlang_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten agents, calls at random, hardly any patience: Erlang's loss formula."""
    offered = 7.0
    monkeypatch.setitem(POLICIES, "poisson", lambda _settings, seed: Poisson(offered / 150.0, seed))
    settings = scenario(
        hours=10.0,
        agents={"count": 10, "pick_up_s": 0.0},
        callees=PLAIN["callees"] | {"answer_rate": 1.0},
        dialling={"abandon_after_s": 0.5},
    )
    run = work(settings, "poisson", 1)

    assert run.totals.abandon_rate == pytest.approx(erlang_b(10, offered), abs=0.02)
    assert run.totals.utilisation == pytest.approx(offered * (1 - erlang_b(10, offered)) / 10, abs=0.03)


def test_a_trunk_outage_shows() -> None:
    """Nobody is reached while the trunk is dead, agents fall idle, and it passes."""
    settings = scenario(
        agents={"talk": {"law": "exponential", "mean_s": 30.0}},
        shocks=[{"kind": "trunk_outage", "at_min": 20.0, "for_min": 5.0}],
    )
    minutes = work(settings, "progressive", 1).minutes

    assert sum(minute.live for minute in minutes[21:25]) == 0
    assert fmean(minute.ready for minute in minutes[23:25]) > 18
    assert fmean(minute.ready for minute in minutes[35:45]) < 13


def test_a_trunk_that_refuses_shows() -> None:
    """Nobody is reached, each call is busy at once and the next is tried; then it passes."""
    shock = {"kind": "trunk_refuses", "at_min": 20.0, "for_min": 5.0}
    run = work(scenario(hours=0.75, dialling={"max_cps": 5.0}, shocks=[shock]), "progressive", 1)

    assert sum(minute.live for minute in run.minutes[21:25]) == 0
    assert sum(minute.live for minute in run.minutes[26:35]) > 10
    assert run.totals.calls > 1000


@pytest.mark.parametrize("memory", [True, False])
def test_a_restart_of_the_daemon_shows(memory: bool) -> None:
    """No call starts for its minutes; then another pacer goes on, from what was learnt before or from nothing."""
    restart = {"at_min": 20.0, "for_min": 5.0, "memory": memory}
    played = Shift(scenario(hours=0.5, restarts=[restart]), "predictive", 1)
    before = played.pacer
    run = played.play()

    assert sum(minute.live for minute in run.minutes[21:25]) == 0
    assert sum(minute.live for minute in run.minutes[26:30]) > 10
    assert played.pacer is not before
    # Five minutes of twenty agents are some twenty talks, as the twenty minutes before are some hundred.
    assert (played.pacer.learnt()["talks_seen"] > 60) == memory


def test_lunch_together_ends_for_all_at_once() -> None:
    """All away, however late they went, and all back at the same moment."""
    lunch = {"at_min": 10.0, "for_min": 20.0, "within_s": 60.0, "together": True}
    minutes = work(scenario(hours=0.75, agents={"breaks": [lunch]}), "progressive", 1).minutes

    assert minutes[28].paused > 18
    assert minutes[29].paused > 18
    assert minutes[31].paused < 0.5


def test_agents_who_leave_show() -> None:
    """Eight of twenty are away for their time, and then back."""
    shock = {"kind": "agents_leave", "at_min": 20.0, "for_min": 20.0, "share": 0.4, "within_s": 60.0}
    minutes = work(scenario(shocks=[shock]), "progressive", 1).minutes

    assert minutes[18].paused < 0.5
    assert minutes[30].paused == pytest.approx(8.0, abs=1.0)
    assert minutes[59].paused < 0.5


def test_a_drift_of_the_answer_rate_shows() -> None:
    """From one minute to the next fewer people answer."""
    drift = {"of": "answer_rate", "at_min": 30.0, "to": 0.1}
    minutes = work(scenario(drifts=[drift], agents={"count": 40}), "progressive", 1).minutes

    assert _answer_rate(minutes[5:30]) == pytest.approx(0.3, abs=0.06)
    assert _answer_rate(minutes[32:]) == pytest.approx(0.1, abs=0.04)


def _answer_rate(minutes: Any) -> float:
    return sum(minute.live for minute in minutes) / sum(minute.calls for minute in minutes)


def test_agents_go_home_one_by_one() -> None:
    """The ramp at the end of the shift takes agents off the floor."""
    minutes = work(scenario(agents={"ramp_down_s": 1200.0}), "progressive", 1).minutes

    assert _agents(minutes[30]) == pytest.approx(20.0, abs=0.1)
    assert 3 < _agents(minutes[50]) < 17


def _agents(minute: Any) -> float:
    return minute.ready + minute.talking + minute.wrapup + minute.paused


def test_lines_and_calls_per_second_hold() -> None:
    """Never more lines than there are, nor more calls in a second than the trunk takes."""
    tight = work(scenario(dialling={"lines": 12}), "predictive", 1)
    slow = work(scenario(hours=0.5, dialling={"max_cps": 0.1}), "predictive", 1)

    assert tight.totals.most_lines <= 12
    assert slow.totals.calls <= 0.1 * 1800 + 1


def test_a_list_comes_to_its_end() -> None:
    """Each lead is called as often as the retry table says, the caps of the campaign included, and then no more."""
    run = work(scenario(hours=2.0, dialling={"leads": 200}), "progressive", 1)

    assert run.totals.exhausted_at_s is not None
    assert 200 <= run.totals.calls <= 400


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_every_policy_plays(policy: str) -> None:
    """A few minutes of everybody's method, without anything that the engine did not foresee."""
    run: Run = work(scenario(hours=0.1, agents={"count": 8}), policy, 1)

    assert run.totals.calls > 0
    assert run.totals.anomalies == 0
    assert 0 < run.totals.utilisation <= 1


LEAVING = {"count": 20, "ramp_down_s": 1.0}


def lost_at_the_end(policy: str, known: bool) -> int:
    """Abandoned calls of the last moments of three shifts, at whose end everybody goes home after the call."""
    lost = 0
    for seed in (1, 2, 3):
        played = Shift(scenario(hours=0.4, agents=LEAVING | {"shifts_known": known}), policy, seed)
        played.play()
        ends_s = played.scenario.duration_s
        lost += sum(call.abandoned for call in played.recorder.settled if (call.answered_at or 0.0) > ends_s - 2.0)
    return lost


def test_the_end_of_a_known_shift_loses_no_caller() -> None:
    """Who answers in the last moments finds an agent, with either policy; it takes knowing."""
    assert lost_at_the_end("progressive", known=False) > 0
    assert lost_at_the_end("progressive", known=True) == 0
    assert lost_at_the_end("predictive", known=True) == 0


def test_a_break_that_is_announced_is_foreseen() -> None:
    """Everybody takes a break within a second, most of them after a call: nobody is dialled for who is about to go."""
    rest = {"at_min": 12.0, "share": 1.0, "for_min": 5.0, "within_s": 1.0}
    played = Shift(scenario(hours=0.25, agents={"count": 80, "breaks": [rest]}), "predictive", 2)
    played.play()
    talking = [call for call in played.recorder.settled if call.bridged_at is not None and call.ended_at > 725.0]

    assert len(talking) > 30
    assert not [call for call in played.recorder.settled if 721.0 < call.reserved_at < 900.0]
