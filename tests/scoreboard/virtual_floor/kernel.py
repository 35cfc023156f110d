"""The floor's event loop, compiled: time passes and is charged, calls start, and the pacer has its turns.

The k-th call has the same fate and the k-th talk the same length under every policy of a seed. The cached machine code
of a function does not notice that another file has changed: after a change in layout.py, random_source.py,
event_heap.py, serving.py or trunk.py remove `__pycache__`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pacing.compiled import Floats, compiled
from tests.scoreboard.virtual_floor import layout as k
from tests.scoreboard.virtual_floor.event_heap import pop, push
from tests.scoreboard.virtual_floor.layout import State
from tests.scoreboard.virtual_floor.random_source import chance, length
from tests.scoreboard.virtual_floor.serving import (
    answer,
    bridge,
    come_free,
    end_talk,
    end_wrapup,
    give_up,
    leave,
    minute_of,
    saw,
    second_of,
)
from tests.scoreboard.virtual_floor.trunk import faulted, probing, room, worked


@compiled
def charge(s: State, until: float) -> None:
    """Charge the time up to `until` to whoever is where; nothing after the end of the shift."""
    n, t = s.n, s.t
    until = min(until, t[k.END])
    while t[k.CHARGED] < until:
        minute = int(t[k.CHARGED] / k.MINUTE_S)
        stop = min(until, (minute + 1) * k.MINUTE_S)
        passed = stop - t[k.CHARGED]
        row = s.minutes[minute]
        row[k.READY_S] += (n[k.READY] + n[k.CONNECTING]) * passed
        row[k.TALK_S] += n[k.TALKING] * passed
        row[k.WRAPUP_S] += n[k.WRAPPING] * passed
        row[k.PAUSED_S] += n[k.PAUSED] * passed
        for which in range(s.caps.shape[0]):
            if n[k.ABANDONED] > s.caps[which, 0] * n[k.ANSWERED]:
                s.caps[which, 1] += passed
        t[k.CHARGED] = stop


@compiled
def happen(s: State) -> None:
    """Let the next thing happen."""
    n = s.n
    now, kind, who = s.coming[0, k.AT], int(s.coming[0, k.KIND]), int(s.coming[0, k.WHO])
    pop(s.coming, n)
    charge(s, now)
    s.t[k.NOW] = now
    if kind == k.FAIL or kind == k.DIE:
        n[k.RINGING] -= 1
        n[k.FAILED] += 1
        row = s.calls[who & k.MASK]
        row[k.STAGE] = k.OVER
        if kind == k.FAIL:
            worked(n, s.t, row[k.STARTED])
            saw(s.seen, n, k.SAW_FAILURE, now, now - row[k.STARTED])
        else:  # says nothing about callees, so the pacer is not told
            faulted(n, s.t, row[k.STARTED])
    elif kind == k.ANSWER:
        answer(s, who)
    elif kind == k.BRIDGE:
        bridge(s, who)
    elif kind == k.TALK_END:
        end_talk(s, who)
    elif kind == k.WRAP_END:
        end_wrapup(s, who)
    elif kind == k.GRACE:
        give_up(s, who)
    elif kind == k.MESSAGE_END:
        n[k.MESSAGES] -= 1
        worked(n, s.t, s.calls[who & k.MASK, k.STARTED])
    elif kind == k.LOGIN or kind == k.BACK:
        desk = s.agents[who]
        if kind == k.BACK and desk[k.STATE] == k.AWAY:
            n[k.PAUSED] -= 1
            come_free(s, who)
        elif kind == k.LOGIN:
            desk[k.AWAY_S] = 0.0
            come_free(s, who)
    elif kind == k.LEAVE:
        leave(s, int(s.plan[who, 0]), s.plan[who, 1], s.plan[who, 2])
    elif kind == k.HOME:
        leave(s, who, -1.0, 0.0)
    else:
        switch(n, kind)


@compiled
def switch(n: NDArray[np.int64], kind: int) -> None:
    """The trunk or the daemon stops working, or works again."""
    if kind == k.TRUNK_DOWN or kind == k.TRUNK_UP:
        n[k.DOWN] = kind == k.TRUNK_DOWN
    elif kind == k.REFUSES or kind == k.TAKES:
        n[k.REFUSING] = kind == k.REFUSES
    elif kind == k.DRAIN:
        n[k.DRAINING] = 1
    else:
        n[k.DRAINING] = 0
        n[k.RESTARTED] += 1
        n[k.SEEN] = 0  # what happened in the drain is told to nobody


@compiled
def dial(s: State, calls: int) -> None:
    """Start calls. Their fate is theirs alone, but for what drifts and for a dead trunk."""
    n, now, rules, laws, keys = s.n, s.t[k.NOW], s.rules, s.laws, s.keys
    second = second_of(s)
    for call in range(n[k.DIALLED], n[k.DIALLED] + calls):
        row = s.calls[call & k.MASK]
        if row[k.STAGE] != k.OVER:
            n[k.LATE] = 1  # more calls in flight than there is room for
            return
        row[k.STAGE] = k.RINGS
        row[k.STARTED] = now
        row[k.WHOSE] = k.PERSON
        n[k.DIALLED] += 1
        n[k.RINGING] += 1
        post_dial_s = length(laws, keys, k.POST_DIAL_LAW, call)
        who = chance(keys, k.WHO_STREAM, call)
        left = 1.0 - who
        machine_rate = s.trends[k.MACHINE_RATE, second]
        kind, ring_s = k.FAIL, rules[k.RING_TIMEOUT_S]
        if n[k.DOWN]:
            kind, post_dial_s, ring_s = k.DIE, 0.0, rules[k.DEAD_S]
        elif n[k.REFUSING]:
            post_dial_s, ring_s = 0.0, rules[k.REFUSED_S]
        elif who < s.trends[k.ANSWER_RATE, second]:
            ring_s = length(laws, keys, k.RING_LAW, call)
            if ring_s <= rules[k.RING_TIMEOUT_S]:
                kind = k.ANSWER
        elif left <= rules[k.INVALID_RATE] + rules[k.BUSY_RATE]:
            post_dial_s = 0.0
            ring_s = length(laws, keys, k.FAST_LAW, call)
        elif left <= rules[k.INVALID_RATE] + rules[k.BUSY_RATE] + machine_rate:
            ring_s = length(laws, keys, k.MACHINE_LAW, call)
            if rules[k.MACHINES_ANSWER] and ring_s <= rules[k.RING_TIMEOUT_S]:
                kind = k.ANSWER
                row[k.WHOSE] = k.MACHINE
        push(s.coming, n, now + post_dial_s + min(ring_s, rules[k.RING_TIMEOUT_S]), kind, call)
        probing(n, s.t)
    s.minutes[minute_of(s, now), k.CALLS] += calls


@compiled
def free_lines(s: State) -> int:
    """How many calls may start now, by the lines, the calls of the last second and the trunk."""
    n, now, cps = s.n, s.t[k.NOW], s.rules[k.MAX_CPS]
    if n[k.DRAINING]:
        return 0
    used = n[k.RINGING] + n[k.WAITING] + n[k.CONNECTING] + n[k.TALKING] + n[k.MESSAGES]
    free = int(s.rules[k.LINES]) - int(used)
    if cps > 0.0:
        window_s = 1.0 if cps >= 1.0 else 1.0 / cps
        recent, call = 0, n[k.DIALLED] - 1
        while call >= 0 and recent < k.SPAN and s.calls[call & k.MASK, k.STARTED] > now - window_s:
            recent += 1
            call -= 1
        free = min(free, max(1, int(cps)) - recent)
    return room(n, s.t, free)


@compiled
def show(s: State) -> None:
    """Write down what the pacer sees: ages, who is leaving, free lines."""
    n, now, agents, calls, ages = s.n, s.t[k.NOW], s.agents, s.calls, s.ages
    place = leaving = 0
    for agent in range(agents.shape[0]):
        state = agents[agent, k.STATE]
        if state == k.RUNG or state == k.BUSY or state == k.WRAPUP:
            if agents[agent, k.AWAY_S] != 0.0:
                leaving += 1
            elif state != k.WRAPUP:
                ages[place] = now - agents[agent, k.SINCE] if state == k.BUSY else 0.0
                place += 1
    n[k.LEAVING], n[k.TALK_UPTO] = leaving, place
    for agent in range(agents.shape[0]):
        if agents[agent, k.STATE] == k.WRAPUP and agents[agent, k.AWAY_S] == 0.0:
            ages[place] = now - agents[agent, k.SINCE]
            place += 1
    n[k.WRAPUP_UPTO] = place
    while n[k.OLDEST] < n[k.DIALLED] and calls[n[k.OLDEST] & k.MASK, k.STAGE] != k.RINGS:
        n[k.OLDEST] += 1
    for call in range(n[k.OLDEST], n[k.DIALLED]):
        if calls[call & k.MASK, k.STAGE] == k.RINGS:
            ages[place] = now - calls[call & k.MASK, k.STARTED]
            place += 1
    n[k.RING_UPTO] = place
    for turn in range(n[k.WAITING]):
        call = s.waiting[(n[k.WAIT_HEAD] + turn) & k.MASK]
        ages[place] = now - calls[call & k.MASK, k.ANSWERED_AT]
        place += 1
    n[k.WAIT_UPTO] = place
    n[k.LINES_FREE] = max(0, free_lines(s))


@compiled
def wait(s: State, calls: int, every_s: float, at_least_s: float) -> None:
    """Start `calls` calls and let time pass to the pacer's next turn: after something happened but not before
    `every_s` have passed, or after `at_least_s`. At the end of the shift `DONE` is set, what rings may ring on, and is
    served if it is answered."""
    n, t = s.n, s.t
    dial(s, calls)
    looked_at, wait_s = t[k.NOW], at_least_s
    n[k.SEEN] = 0
    while True:
        looks_at = max(looked_at + wait_s, t[k.NOW])
        next_at = s.coming[0, k.AT] if n[k.COMING] > 0 else math.inf
        if min(next_at, looks_at) > t[k.END]:
            n[k.DONE] = 1
        if n[k.DONE]:
            n[k.SEEN] = 0
            if n[k.RINGING] + n[k.WAITING] + n[k.CONNECTING] == 0:
                charge(s, t[k.END])
                return
        if n[k.DONE] or next_at <= looks_at:
            happen(s)
            wait_s = every_s
            if n[k.SEEN] > s.seen.shape[0] - 4 or n[k.IDLES] > s.idle.shape[0] - 4:
                break
        else:
            charge(s, looks_at)
            t[k.NOW] = looks_at
            break
    show(s)


@compiled
def advance(
    n: NDArray[np.int64], t: Floats, agents: Floats, calls: Floats, waiting: NDArray[np.int64], coming: Floats,
    seen: Floats, idle: Floats, ages: Floats, minutes: Floats, caps: Floats, rules: Floats, laws: Floats,
    trends: Floats, keys: NDArray[np.uint64], plan: Floats, dialled: int, every_s: float, at_least_s: float,
) -> None:  # fmt: skip
    """`wait` with the fields of `State` one by one: to look through a named tuple costs more than the wait itself."""
    s = State(n, t, agents, calls, waiting, coming, seen, idle, ages, minutes, caps, rules, laws, trends, keys, plan)
    wait(s, dialled, every_s, at_least_s)
