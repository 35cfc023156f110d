"""The fast floor: repeatable, paired, nothing lost, and close to the study of the daemon's own engine."""

from __future__ import annotations

from random import Random
from statistics import fmean
from typing import Any

import numpy as np
import pytest

from dialer.sim.policies import POLICIES
from dialer.sim.study.scenario import Scenario, find_scenario, load_scenario, shipped
from dialer.sim.study.shift import work
from pacing.api import (
    AnswerCorrected,
    CallAbandoned,
    CallAnswered,
    CallFailed,
    Decision,
    Observation,
    Reason,
    Rule,
    Settings,
    Snapshot,
    TalkEnded,
    WrapupEnded,
)
from tests.scoreboard.entrants import AGELESS
from tests.scoreboard.virtual_floor import floor
from tests.scoreboard.virtual_floor.floor import Crowded, play
from tests.scoreboard.virtual_floor.outcome import Outcome

CONSTANT = {"law": "constant", "mean_s": 9.0}
PLAIN: dict[str, Any] = {
    "hours": 1.0,
    "callees": {"answer_rate": 0.3, "machine_rate": 0.0, "busy_rate": 0.0, "invalid_rate": 0.0, "ring": CONSTANT},
}


def scenario(**changes: Any) -> Scenario:
    return load_scenario(PLAIN | changes)


def pacer(policy: str, of: Scenario, seed: int) -> Any:
    limits = of.dialling
    settings = Settings(
        max_abandon_rate=limits.max_abandon_rate,
        abandon_after_s=limits.abandon_after_s,
        ring_timeout_s=limits.ring_timeout_s,
        ratio=limits.ratio,
    )
    return POLICIES[policy](settings, seed)


class Watched:
    """Keeps calls at `level` for each working agent, and everything that it was shown."""

    def __init__(self, level: float) -> None:
        self.level = level
        self.snapshots: list[Snapshot] = []
        self.seen: list[Observation] = []

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        self.seen += observations
        self.snapshots.append(snapshot)
        in_flight = len(snapshot.ringing_age_s) + len(snapshot.waiting_age_s)
        return Decision(max(0, round(self.level * snapshot.agents) - in_flight))

    def count(self, kind: type) -> int:
        return sum(isinstance(one, kind) for one in self.seen)


def test_the_same_scenario_policy_and_seed_give_the_same_day() -> None:
    """To the last figure; another seed gives another one."""
    busy = scenario(hours=0.5)
    days = [play(busy, pacer("predictive", busy, seed), seed) for seed in (1, 1, 2)]

    assert days[0] == days[1]
    assert days[0] != days[2]


def test_agents_are_conserved() -> None:
    """At every moment each agent is in one state, those on a break included."""
    away = {"at_min": 10.0, "share": 0.5, "for_min": 5.0}
    watched = Watched(1.2)
    play(scenario(agents={"count": 20, "ramp_up_s": 0.0, "breaks": [away]}), watched, 1)

    # Before the break ends: nobody is missing, nobody counts twice.
    assert {snapshot.agents + snapshot.paused for snapshot in watched.snapshots} == {20}
    assert max(snapshot.paused for snapshot in watched.snapshots) == 10
    assert watched.snapshots[-1].paused == 0


def test_every_call_ends_once() -> None:
    """What is dialled fails or is answered; what is answered is served or abandoned; each talk ends in a wrap-up."""
    watched = Watched(1.5)
    day = play(scenario(), watched, 1)
    at_the_end = day.dialled - watched.count(CallAnswered) - watched.count(CallFailed)

    assert day.dialled == day.answered + day.failed
    assert day.answered == day.connected + day.abandoned
    assert 0 <= at_the_end <= 30
    assert 0 <= day.abandoned - watched.count(CallAbandoned) <= 10
    assert 0 <= day.connected - watched.count(TalkEnded) <= 20
    assert 0 <= watched.count(TalkEnded) - watched.count(WrapupEnded) <= 20
    assert day.abandoned > 0


def test_the_ledger_counts_from_the_start_of_the_shift() -> None:
    """Answers at once, abandoned calls at the end of their grace: as the pacer was told."""
    watched = Watched(1.5)
    play(scenario(hours=0.5), watched, 1)
    last = watched.snapshots[-1].ledger

    assert last.answered == watched.count(CallAnswered)
    assert last.abandoned == watched.count(CallAbandoned)


def test_observations_come_in_order_and_ages_are_those_of_the_floor() -> None:
    """Nothing from the future, nothing older than it can be."""
    watched = Watched(1.5)
    told: list[tuple[float, float]] = []
    step = watched.step

    def noted(observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        told.extend((observation.at, snapshot.now) for observation in observations)
        return step(observations, snapshot)

    watched.step = noted  # type: ignore[method-assign]
    play(scenario(hours=0.5), watched, 1)
    times = [one.at for one in watched.seen]

    assert times == sorted(times)
    assert {round(one.ring_s, 6) for one in watched.seen if isinstance(one, CallAnswered)} == {11.0}
    assert {round(one.ring_s, 6) for one in watched.seen if isinstance(one, CallFailed)} == {22.0}
    assert all(now - 1.0 <= at <= now for at, now in told)
    for one in watched.snapshots:
        ages = (one.talking_age_s, one.wrapup_age_s, one.ringing_age_s, one.waiting_age_s)
        assert all(np.all(np.asarray(some) >= 0.0) for some in ages)
        assert np.all(np.asarray(one.ringing_age_s) <= 22.0)
        assert np.all(np.asarray(one.waiting_age_s) < 2.0)


class OneByOne(Watched):
    """One call at a time; `patient`: only while the agent is ready."""

    def __init__(self, patient: bool) -> None:
        super().__init__(1.0)
        self.patient = patient

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        wanted = super().step(observations, snapshot).dial
        return Decision(min(wanted, snapshot.ready) if self.patient else wanted)


def test_policies_meet_the_same_callees_with_the_same_talks() -> None:
    """The k-th call has the same fate and the k-th talk the same length, whatever the policy."""
    mixed = scenario(agents={"count": 1, "ramp_up_s": 0.0}, callees={"answer_rate": 0.3, "machines": "screened"})
    fates, talks = [], []
    for patient in (True, False):
        watched = OneByOne(patient)
        play(mixed, watched, 3)
        ends = [one for one in watched.seen if isinstance(one, CallAnswered | CallFailed)]
        fates.append([(type(end), round(end.ring_s, 6)) for end in ends])
        talks.append([round(one.talk_s, 6) for one in watched.seen if isinstance(one, TalkEnded)])

    assert min(map(len, talks)) > 5
    assert all(one == other for one, other in zip(*talks, strict=False))
    assert len(fates[0]) < len(fates[1])
    assert fates[1][: len(fates[0])] == fates[0]


@pytest.mark.parametrize(
    ("policy", "utilisation", "abandon_rate"), [("progressive", 0.02, 0.0), ("vicidial-ratio", 0.02, 0.03)]
)
def test_it_agrees_with_the_study_of_the_engine(policy: str, utilisation: float, abandon_rate: float) -> None:
    """Three hours of twenty agents come to much the same figures as with the daemon's engine."""
    one = load_scenario(find_scenario("r2"), {"hours": "1.5"})
    quick = [play(one, pacer(policy, one, seed), seed, look_every_s=0.1) for seed in (1, 2)]
    engine = [work(one, policy, seed).totals for seed in (1, 2)]

    assert fmean(day.utilisation for day in quick) == pytest.approx(
        fmean(run.utilisation for run in engine), abs=utilisation
    )
    assert fmean(day.abandon_rate for day in quick) == pytest.approx(
        fmean(run.abandon_rate for run in engine), abs=abandon_rate
    )


HUMP: dict[str, Any] = PLAIN["callees"] | {
    "answer_rate": 0.2, "machine_rate": 0.3, "machines": "agent",
    "machine_ring": {"law": "uniform", "low_s": 16.0, "high_s": 18.0},
}  # fmt: skip


def test_machines_that_reach_agents_agree_with_the_study_of_the_engine() -> None:
    """Nobody is told that they are machines: they take agents, wait and are abandoned as people are."""
    even = {"mean_s": 120.0, "cv": 0.3}  # the two floors draw their own talks
    one = scenario(hours=1.5, agents={"count": 20, "ramp_up_s": 0.0, "talk": even}, callees=HUMP)
    for policy, far in (("progressive", 0.0), ("vicidial-ratio", 0.03)):
        quick = [play(one, pacer(policy, one, seed), seed, look_every_s=0.1) for seed in (1, 2)]
        engine = [work(one, policy, seed).totals for seed in (1, 2)]
        answers = fmean(day.answered + day.machines for day in quick)
        lost = fmean(day.abandoned + day.machines_lost for day in quick)

        assert answers == pytest.approx(fmean(run.live for run in engine), rel=0.05)
        assert lost / answers == pytest.approx(fmean(run.abandon_rate for run in engine), abs=far)
        assert fmean(day.utilisation for day in quick) == pytest.approx(
            fmean(run.utilisation for run in engine), abs=0.02 + far / 2
        )


@pytest.mark.parametrize("heard", ["at_once", "later", "never"])
def test_the_pacer_hears_of_machines_as_the_scenario_says(heard: str) -> None:
    """The ledger has everything answered but what is known as a machine's; the figures of the day are of people."""
    watched = Watched(2.0)
    one = scenario(hours=0.5, callees=HUMP | {"kinds": heard})
    day = play(one, watched, 1)
    ledger = watched.snapshots[-1].ledger
    kinds = {str(seen.kind) for seen in watched.seen if isinstance(seen, CallAnswered)}
    corrected = [seen for seen in watched.seen if isinstance(seen, AnswerCorrected)]

    assert kinds == ({"person", "machine"} if heard == "at_once" else {"unknown"})
    assert bool(corrected) == (heard == "later")
    assert day.machines > day.answered > day.connected
    assert day.machines_lost > 0
    hidden = {"at_once": day.machines, "later": len(corrected), "never": 0}[heard]
    assert ledger.answered == pytest.approx(day.answered + day.machines - hidden, abs=15)
    lost = day.abandoned + (0 if heard == "at_once" else day.machines_lost)
    assert ledger.abandoned == watched.count(CallAbandoned) == pytest.approx(lost, abs=5)


def test_a_correction_says_when_the_answer_was() -> None:
    """The answer that it takes back was told before, at that moment and with that time to answer."""
    watched = Watched(1.0)
    play(scenario(hours=0.5, callees=HUMP | {"kinds": "later"}), watched, 1)
    told = {(seen.at, seen.ring_s) for seen in watched.seen if isinstance(seen, CallAnswered)}
    corrected = [seen for seen in watched.seen if isinstance(seen, AnswerCorrected)]

    assert corrected
    assert {(seen.answered_at, seen.ring_s) for seen in corrected} <= told
    assert all(18.0 <= seen.ring_s <= 20.0 and seen.at > seen.answered_at for seen in corrected)


def test_screened_machines_reach_nobody() -> None:
    """The carrier ends such calls, and the pacer hears of a failure at that age."""
    watched = Watched(1.0)
    day = play(scenario(hours=0.5, callees=HUMP | {"machines": "screened"}), watched, 1)
    ends = [seen.ring_s for seen in watched.seen if isinstance(seen, CallFailed)]

    assert day.machines == 0
    assert any(18.0 <= ring_s <= 20.0 for ring_s in ends)


def test_a_common_break_ends_for_all_at_the_same_moment() -> None:
    """They go when they are done; then everybody is there at once."""
    lunch = {"at_min": 10.0, "for_min": 20.0, "within_s": 60.0, "together": True}
    watched = Watched(1.0)
    play(scenario(agents={"count": 20, "ramp_up_s": 0.0, "breaks": [lunch]}), watched, 1)
    paused = [(snapshot.now, snapshot.paused) for snapshot in watched.snapshots]

    assert max(away for _, away in paused) >= 19
    assert [away for now, away in paused if 1795.0 < now < 1800.0][-1] >= 19
    assert {away for now, away in paused if now > 1801.0} == {0}


@pytest.mark.parametrize("policy", ["progressive", "vicidial-ratio"])
def test_lunch_and_a_restart_come_to_much_the_same_as_in_the_study_of_the_engine(policy: str) -> None:
    """All away and back at once, and later no calls for five minutes."""
    lunch = {"at_min": 15.0, "for_min": 15.0, "within_s": 60.0, "together": True}
    one = scenario(agents={"ramp_up_s": 0.0, "breaks": [lunch]}, restarts=[{"at_min": 45.0, "for_min": 5.0}])
    quick = play(one, pacer(policy, one, 1), 1, look_every_s=0.1)
    engine = work(one, policy, 1).totals

    assert quick.utilisation == pytest.approx(engine.utilisation, abs=0.04)
    assert quick.dialled == pytest.approx(engine.calls, rel=0.08)


@pytest.mark.parametrize("memory", [True, False])
def test_after_a_restart_another_pacer_goes_on(memory: bool) -> None:
    """With the one before if its memory is kept. In between no call starts, and nobody is told what happens."""
    before, after, given = Watched(1.0), Watched(1.0), []

    def renew(old: Any) -> Any:
        given.append(old)
        return after

    one = scenario(restarts=[{"at_min": 20.0, "for_min": 5.0, "memory": memory}])
    day = play(one, before, 1, renew=renew)

    assert given == [before if memory else None]
    assert before.snapshots[-1].now <= 1200.0
    assert after.snapshots[0].now == pytest.approx(1500.0, abs=1.0)
    assert len(after.snapshots[0].ringing_age_s) == 0
    assert after.snapshots[0].ready > 10
    assert after.snapshots[0].ledger.answered >= before.snapshots[-1].ledger.answered
    assert after.seen[0].at >= 1500.0
    assert after.snapshots[-1].ledger.answered == pytest.approx(day.answered, abs=10)


def test_a_trunk_that_refuses_says_so_at_once_and_to_everybody() -> None:
    """Each call fails after a fifth of a second, the pacer is told, the trunk does not rest, and it passes."""
    shock = {"kind": "trunk_refuses", "at_min": 20.0, "for_min": 5.0}
    watched = Watched(1.0)
    day = play(scenario(shocks=[shock]), watched, 1)
    refused = [seen.at for seen in watched.seen if isinstance(seen, CallFailed) and seen.ring_s < 0.3]
    answers = [seen.at for seen in watched.seen if isinstance(seen, CallAnswered)]

    assert len(refused) > 5000
    assert min(refused) >= 1200.0
    assert max(refused) <= 1500.5
    assert not [at for at in answers if 1225.0 < at < 1500.0]
    assert [at for at in answers if 1500.0 < at < 1600.0]
    assert day.dialled > 5000


def test_a_list_may_alternate() -> None:
    """Four times as many people answer, and again a quarter, by turns."""
    turns = {"of": "answer_rate", "at_min": 10.0, "to": 0.1, "alternates_min": 10.0}
    watched = Watched(1.0)
    play(scenario(drifts=[turns], agents={"count": 40}, callees=PLAIN["callees"] | {"answer_rate": 0.4}), watched, 1)
    rates = [_answer_rate(watched, 600.0 * turn + 30.0, 600.0 * turn + 600.0) for turn in range(6)]

    assert rates[::2] == pytest.approx([0.4] * 3, abs=0.06)
    assert rates[1::2] == pytest.approx([0.1] * 3, abs=0.04)


def erlang_b(servers: int, offered: float) -> float:
    """The share of calls that finds all servers busy."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return blocked


class Poisson:
    """Calls at random at a constant rate, whatever the floor looks like."""

    def __init__(self, rate_per_s: float) -> None:
        self.rate_per_s, self.dice, self.next_at = rate_per_s, Random(1), 0.0

    def step(self, _: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        dial = 0
        while self.next_at <= snapshot.now:
            dial += 1
            self.next_at += self.dice.expovariate(self.rate_per_s)
        return Decision(dial)


def test_an_open_loop_abandons_as_erlang_says() -> None:
    """Ten agents, calls at random, hardly any patience: Erlang's loss formula."""
    offered = 7.0
    settings = scenario(
        hours=20.0,
        agents={"count": 10, "pick_up_s": 0.0},
        callees=PLAIN["callees"] | {"answer_rate": 1.0},
        dialling={"abandon_after_s": 0.5},
    )
    day = play(settings, Poisson(offered / 150.0), 1)

    assert day.abandon_rate == pytest.approx(erlang_b(10, offered), abs=0.02)
    assert day.utilisation == pytest.approx(offered * (1 - erlang_b(10, offered)) / 10, abs=0.03)


@pytest.mark.parametrize(("answer_rate", "talk_s"), [(0.3, 120.0), (0.5, 30.0)])
def test_progressive_keeps_agents_as_busy_as_the_formula_says(answer_rate: float, talk_s: float) -> None:
    """U = S / (S + W), W = time to an answer + (1-p)/p of a failed attempt; no call is abandoned."""
    settings = scenario(
        hours=4.0,
        agents={"count": 30, "talk": {"law": "exponential", "mean_s": talk_s}, "ramp_up_s": 0.0},
        callees=PLAIN["callees"] | {"answer_rate": answer_rate},
    )
    day = play(settings, pacer("progressive", settings, 1), 1)
    serving_s = talk_s + 30.0
    waiting_s = 11.0 + (1 - answer_rate) / answer_rate * 22.0 + 0.3

    assert day.utilisation == pytest.approx(serving_s / (serving_s + waiting_s), abs=0.02)
    assert day.abandoned == 0
    assert day.idle_mean_s == pytest.approx(waiting_s, rel=0.1)


def test_time_is_charged_once() -> None:
    """Everybody's seconds add up to the shift, and figures for each agent and hour follow from them."""
    day = play(scenario(agents={"count": 20, "ramp_up_s": 0.0}), Watched(1.0), 1)

    assert day.worked_s == pytest.approx(20 * 3600.0)
    assert day.talk_min_per_agent_hour == pytest.approx(60 * day.talk_s / day.worked_s)
    assert day.connects_per_agent_hour == pytest.approx(day.connected / 20)
    assert day.utilisation == pytest.approx((day.talk_s + day.wrapup_s) / day.worked_s)


def test_a_trunk_outage_shows() -> None:
    """Nobody is reached while the trunk is dead, the pacer is told nothing, and it passes."""
    outage = {"kind": "trunk_outage", "at_min": 20.0, "for_min": 5.0}
    watched = Watched(1.0)
    day = play(scenario(shocks=[outage]), watched, 1)
    answers = [one.at for one in watched.seen if isinstance(one, CallAnswered)]
    failures = [one.at for one in watched.seen if isinstance(one, CallFailed)]

    assert not [at for at in answers if 1212.0 < at < 1500.0]
    assert not [at for at in failures if 1223.0 < at < 1500.0]
    assert [at for at in answers if 1500.0 < at < 1700.0]
    assert 5 < day.failed - len(failures) < 120


def test_a_dead_trunk_rests_and_is_probed_by_one_call() -> None:
    """After some faults no line is free for a while, then one is; once it works again, all are."""
    outage = {"kind": "trunk_outage", "at_min": 20.0, "for_min": 5.0}
    watched = Watched(1.0)
    play(scenario(shocks=[outage]), watched, 1)
    free = [(snapshot.now, snapshot.lines_free) for snapshot in watched.snapshots]
    during = [lines for now, lines in free if 1230.0 < now < 1500.0]

    assert set(during) == {0, 1}
    assert sum(during) < 10
    assert min(lines for now, lines in free if now < 1200.0) > 1
    assert min(lines for now, lines in free if now > 1900.0) > 1


def test_an_outage_comes_to_much_the_same_as_in_the_study_of_the_engine() -> None:
    """Calls made, calls answered, and how busy agents are, with a trunk that is dead for four minutes."""
    outage = {"kind": "trunk_outage", "at_min": 20.0, "for_min": 4.0}
    one = scenario(shocks=[outage])
    quick = play(one, pacer("progressive", one, 1), 1, look_every_s=0.1)
    engine = work(one, "progressive", 1).totals

    assert quick.utilisation == pytest.approx(engine.utilisation, abs=0.03)
    assert quick.dialled == pytest.approx(engine.calls, rel=0.05)
    assert quick.answered == pytest.approx(engine.live, rel=0.08)


def test_agents_who_leave_show() -> None:
    """Eight of twenty are away for their time, and then back."""
    shock = {"kind": "agents_leave", "at_min": 20.0, "for_min": 20.0, "share": 0.4, "within_s": 60.0}
    watched = Watched(1.0)
    play(scenario(shocks=[shock]), watched, 1)
    paused = {int(snapshot.now // 60): snapshot.paused for snapshot in watched.snapshots}

    assert paused[18] == 0
    assert paused[30] == 8
    assert paused[59] == 0


def test_agents_go_home_one_by_one() -> None:
    """The ramp at the end of the shift takes agents off the floor for good."""
    watched = Watched(1.0)
    day = play(scenario(agents={"ramp_down_s": 1200.0}), watched, 1)
    working = [snapshot.agents for snapshot in watched.snapshots if snapshot.now > 60]

    assert working == sorted(working, reverse=True)
    assert working[0] == 20
    assert working[-1] < 5
    assert day.worked_s < 20 * 3600.0


def test_a_drift_of_the_answer_rate_shows() -> None:
    """From one minute to the next fewer people answer."""
    drift = {"of": "answer_rate", "at_min": 30.0, "to": 0.1}
    watched = Watched(1.0)
    play(scenario(drifts=[drift], agents={"count": 40}), watched, 1)

    assert _answer_rate(watched, 300.0, 1800.0) == pytest.approx(0.3, abs=0.05)
    assert _answer_rate(watched, 1830.0, 3600.0) == pytest.approx(0.1, abs=0.03)


def _answer_rate(watched: Watched, since: float, until: float) -> float:
    answered = [isinstance(one, CallAnswered) for one in watched.seen
                if isinstance(one, CallAnswered | CallFailed) and since <= one.at < until]  # fmt: skip
    return fmean(answered)


def test_lines_and_calls_per_second_hold() -> None:
    """Never more lines than there are, nor more calls in a second than the trunk takes."""
    watched = Watched(3.0)
    play(scenario(dialling={"lines": 12}), watched, 1)
    slow = play(scenario(hours=0.5, dialling={"max_cps": 0.1}), Watched(3.0), 1)
    brisk = play(scenario(hours=0.5, dialling={"max_cps": 2.0}), Watched(3.0), 1)

    assert max(len(snapshot.ringing_age_s) + len(snapshot.talking_age_s) for snapshot in watched.snapshots) <= 12
    assert slow.dialled <= 0.1 * 1800 + 1
    assert slow.dialled < brisk.dialled <= 2 * 1800


def test_a_pacer_may_be_asked_at_its_own_beat() -> None:
    """One that decides every five seconds is asked every five seconds and told everything."""
    watched = Watched(1.0)
    watched.asks_in_s = 5.0  # type: ignore[attr-defined]
    play(scenario(hours=0.5), watched, 1)
    asked = [snapshot.now for snapshot in watched.snapshots]

    assert asked == pytest.approx([5.0 * turn for turn in range(1, 361)])
    assert watched.snapshots[-1].ledger.answered == watched.count(CallAnswered)


@pytest.mark.parametrize("policy", sorted(AGELESS))
def test_who_looks_at_no_ages_need_not_be_asked_without_news(policy: str) -> None:
    """Asked once a second or only when something has happened, it plays much the same day: a turn without news only
    puts off the next one by a fraction of a second."""
    one = scenario(hours=4.0)
    often, seldom = (play(one, pacer(policy, one, 1), 1, at_least_s=at_least_s) for at_least_s in (1.0, 60.0))

    assert seldom.utilisation == pytest.approx(often.utilisation, abs=0.01)
    assert seldom.abandon_rate == pytest.approx(often.abandon_rate, abs=0.01)
    assert seldom.decisions < 0.7 * often.decisions


def test_it_is_asked_when_something_happens_and_once_a_second() -> None:
    """Never sooner than `look_every_s` after the last turn, never later than a second."""
    watched = Watched(1.0)
    play(scenario(hours=0.5), watched, 1, look_every_s=0.25)
    gaps = np.diff([snapshot.now for snapshot in watched.snapshots])

    assert gaps.min() >= 0.25 - 1e-9
    assert gaps.max() <= 1.0 + 1e-9


def test_a_clock_times_the_decisions() -> None:
    """Only if one is given; what it says does not change the day."""
    ticks = iter(range(10**9))
    timed = play(scenario(hours=0.1), Watched(1.0), 1, clock=lambda: next(ticks) * 1e-6)

    assert timed.decisions > 300
    assert timed.decide_p50_us == pytest.approx(1.0)
    assert timed.decide_max_us == pytest.approx(1.0)
    assert play(scenario(hours=0.1), Watched(1.0), 1).dialled == timed.dialled


class Wild:
    """Always wants the same."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted

    def step(self, _: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        return Decision(self.wanted, Reason(Rule.OTHER, text="wild"))


def test_a_policy_without_measure_is_an_error() -> None:
    """Never a call less than the pacer asked for without a word."""
    fails_at_once = {"fast_failure": {"law": "constant", "mean_s": 0.5}, "busy_rate": 0.7, "invalid_rate": 0.0}

    with pytest.raises(ValueError, match="wants -1 calls: dial -1: wild"):
        play(scenario(hours=0.1), Wild(-1), 1)
    with pytest.raises(Crowded, match="room"):
        play(scenario(callees=PLAIN["callees"] | fails_at_once), Wild(20_000), 1)


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scenario_plays(name: str) -> None:
    """The reference scenarios hold nothing that the floor does not have."""
    one = load_scenario(find_scenario(name), {"hours": "0.2"})
    day: Outcome = play(one, pacer("progressive", one, 1), 1)

    assert day.connected > 0
    assert dict(day.over_cap_s) == dict.fromkeys((0.01, 0.03), 0.0)


def test_the_time_above_a_cap_is_measured() -> None:
    """For the usual caps and the scenario's own."""
    day = play(scenario(dialling={"max_abandon_rate": 0.05}), Watched(1.5), 1)

    assert [cap for cap, _ in day.over_cap_s] == [*floor.CAPS, 0.05]
    assert 0 < day.over_s(0.05) <= day.over_s(0.03) <= day.over_s(0.01) < 3600
    assert not day.keeps(0.03)
    assert day.worst_half_hour >= day.worst_hour >= day.abandon_rate - 1e-9
