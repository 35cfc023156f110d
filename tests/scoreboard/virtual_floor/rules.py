"""A scenario of the studies as the arrays of a floor. What the floor cannot play is refused, never left out."""

from __future__ import annotations

import math
from functools import lru_cache
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dialer.sim.study.agents import back_together_s
from dialer.sim.study.callees import Trend, trends
from dialer.sim.study.carrier import NOTHING_HEARD_S, REFUSED_S
from dialer.sim.study.durations import Duration, Law
from dialer.sim.study.scenario import Break, Heard, Machines, Scenario, Shock, ShockKind
from pacing.compiled import Floats
from tests.scoreboard.virtual_floor import layout as k
from tests.scoreboard.virtual_floor.event_heap import push

PLANS_SEED: Final = 2**60
MOST_LINES: Final = 20_000
"""Where a scenario has no limit; also the most that a scenario may have."""

SEEN_ROWS: Final = 4096
IDLE_ROWS: Final = 65_536


class Unplayable(ValueError):
    """A scenario has something that the floor does not have; the message names it all."""


def refuse(scenario: Scenario) -> None:
    """Raise `Unplayable` if the floor cannot play the scenario."""
    callees, problems = scenario.callees, []
    if callees.patience_s > 0:
        problems.append(f"callees.patience_s = {callees.patience_s:g} (callees who hang up while they wait): set 0")
    if scenario.dialling.leads:
        problems.append(f"dialling.leads = {scenario.dialling.leads} (a list that ends, with retries): set 0")
    if scenario.agents.shifts_known and scenario.agents.ramp_down_s:
        problems.append("agents.shifts_known (logins that say when agents leave): set false")
    if problems:
        raise Unplayable("the fast floor does not play " + "; nor ".join(problems) + ". `dialer simulate` does.")


def new_state(scenario: Scenario, seed: int, caps: tuple[float, ...]) -> k.State:
    """The floor before the shift; `caps` are the abandon rates for which the time above them is measured."""
    refuse(scenario)
    agents, end_s = scenario.agents.count, scenario.duration_s
    logins, homes, absences = _plan(scenario, seed)
    switches = _switches(scenario)
    state = k.State(
        n=np.zeros(k.COUNTERS, np.int64),
        t=np.zeros(k.CLOCKS),
        agents=np.zeros((agents, k.AGENT_COLUMNS)),
        calls=np.zeros((k.SPAN, k.CALL_COLUMNS)),
        waiting=np.zeros(k.SPAN, np.int64),
        coming=np.zeros((k.SPAN + 4 * agents + 2 * len(absences) + 2 * len(switches), k.EVENT_COLUMNS)),
        seen=np.zeros((SEEN_ROWS, k.SEEN_COLUMNS)),
        idle=np.zeros(IDLE_ROWS),
        ages=np.zeros(agents + MOST_LINES),
        minutes=np.zeros((math.ceil(end_s / k.MINUTE_S), k.MINUTE_COLUMNS)),
        caps=np.array([(cap, 0.0) for cap in caps]).reshape(-1, 2),
        rules=_rules(scenario),
        laws=_laws(scenario),
        trends=_trends(scenario),
        keys=_keys(seed),
        plan=np.array([absence[1:] for absence in absences], float).reshape(-1, 3),
    )
    state.t[k.END] = end_s
    state.agents[:, k.IDLE_SINCE] = -1.0
    for agent, at in enumerate(logins):
        push(state.coming, state.n, at, k.LOGIN, agent)
    for agent, at in enumerate(homes):
        push(state.coming, state.n, at, k.HOME, agent)
    for row, absence in enumerate(absences):
        push(state.coming, state.n, absence[0], k.LEAVE, row)
    for at, kind in switches:
        push(state.coming, state.n, at, kind, 0)
    return state


_Plan = tuple[list[float], list[float], list[tuple[float, int, float, float]]]


def _plan(scenario: Scenario, seed: int) -> _Plan:
    """When each agent logs in and goes home, and the absences as (at, agent, seconds, everybody back at or 0)."""
    dice, agents, end_s = Random(PLANS_SEED + seed), scenario.agents, scenario.duration_s
    logins, homes = [], []
    for _ in range(agents.count):
        logins.append(dice.uniform(0.0, agents.ramp_up_s))
        if agents.ramp_down_s:
            homes.append(end_s - dice.uniform(0.0, min(agents.ramp_down_s, end_s)))
    plans: list[Break | Shock] = [*agents.breaks]
    plans += [shock for shock in scenario.shocks if shock.kind is ShockKind.AGENTS_LEAVE]
    absences = [
        (away.at_min * 60 + dice.uniform(0.0, away.within_s), agent, away.for_min * 60, back_together_s(away))
        for away in plans
        for agent in dice.sample(range(agents.count), round(away.share * agents.count))
    ]
    return logins, homes, absences


_SWITCHES: Final = {
    ShockKind.TRUNK_OUTAGE: (k.TRUNK_DOWN, k.TRUNK_UP),
    ShockKind.TRUNK_REFUSES: (k.REFUSES, k.TAKES),
}


def _switches(scenario: Scenario) -> list[tuple[float, int]]:
    """When the trunk and the daemon stop working and work again, as (at, kind)."""
    found = [
        (at_min * 60, kind)
        for shock in scenario.shocks
        if shock.kind in _SWITCHES
        for at_min, kind in zip((shock.at_min, shock.at_min + shock.for_min), _SWITCHES[shock.kind], strict=True)
    ]
    for restart in scenario.restarts:
        found += [(restart.at_min * 60, k.DRAIN), ((restart.at_min + restart.for_min) * 60, k.RESTART)]
    return found


_HEARD: Final = {Heard.NEVER: k.NEVER, Heard.LATER: k.LATER, Heard.AT_ONCE: k.AT_ONCE}


def _rules(scenario: Scenario) -> Floats:
    rules, limits, agents, callees = np.zeros(k.RULES), scenario.dialling, scenario.agents, scenario.callees
    rules[k.GRACE_S] = limits.abandon_after_s
    rules[k.RING_TIMEOUT_S] = limits.ring_timeout_s
    rules[k.PICK_UP_S] = agents.pick_up_s
    rules[k.MESSAGE_S] = limits.message_s
    rules[k.WRAPUP_LIMIT_S] = agents.wrapup_limit_s
    rules[k.BUSY_RATE] = callees.busy_rate
    rules[k.INVALID_RATE] = callees.invalid_rate
    rules[k.LINES] = limits.lines or MOST_LINES
    rules[k.MAX_CPS] = limits.max_cps
    rules[k.DEAD_S] = NOTHING_HEARD_S
    rules[k.REFUSED_S] = REFUSED_S
    rules[k.MACHINES_ANSWER] = callees.machines is Machines.AGENT
    rules[k.KINDS] = _HEARD[callees.kinds]
    return rules


def _laws(scenario: Scenario) -> Floats:
    laws, agents, callees = np.zeros((k.LAWS, 3)), scenario.agents, scenario.callees
    laws[k.TALK_LAW] = _law(agents.talk)
    laws[k.WRAPUP_LAW] = _law(agents.wrapup)
    laws[k.POST_DIAL_LAW] = _law(callees.post_dial)
    laws[k.RING_LAW] = _law(callees.ring)
    laws[k.MACHINE_LAW] = _law(callees.machine_ring)
    laws[k.MACHINE_TALK_LAW] = _law(agents.machine_talk)
    laws[k.FAST_LAW] = _law(callees.fast_failure)
    return laws


def _law(duration: Duration) -> tuple[float, float, float]:
    match duration.law:
        case Law.LOGNORMAL:
            sigma2 = math.log1p(duration.cv**2)
            return k.LOGNORMAL, math.log(duration.mean_s) - sigma2 / 2, math.sqrt(sigma2)
        case Law.EXPONENTIAL:
            return k.EXPONENTIAL, duration.mean_s, 0.0
        case Law.UNIFORM:
            return k.UNIFORM, duration.low_s, duration.high_s
        case Law.CONSTANT:
            return k.CONSTANT, duration.mean_s, 0.0


@lru_cache(maxsize=8)
def _trends(scenario: Scenario) -> Floats:
    """What drifts, second by second."""
    drifting, seconds = trends(scenario), math.ceil(scenario.duration_s) + 1
    rows = np.zeros((k.TRENDS, seconds))
    rows[k.ANSWER_RATE] = _values(drifting.answer_rate, seconds)
    rows[k.MACHINE_RATE] = _values(drifting.machine_rate, seconds)
    rows[k.TALK_FACTOR] = _values(drifting.talk, seconds)
    rows[k.WRAPUP_FACTOR] = _values(drifting.wrapup, seconds)
    return rows


def _values(trend: Trend, seconds: int) -> Floats:
    if not trend.steps:
        return np.full(seconds, trend.start)
    return np.array([trend.at(float(second)) for second in range(seconds)])


def _keys(seed: int) -> NDArray[np.uint64]:
    """A key for each stream of chance, from the seed."""
    dice = Random(f"floor {seed}")
    return np.array([dice.getrandbits(64) for _ in range(k.STREAMS)], np.uint64)
