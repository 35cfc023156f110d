"""Agents and answered calls: who is served, who is abandoned, talks, wrap-ups and breaks. Compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pacing.compiled import Floats, compiled
from tests.scoreboard.virtual_floor import layout as k
from tests.scoreboard.virtual_floor.event_heap import push
from tests.scoreboard.virtual_floor.layout import State
from tests.scoreboard.virtual_floor.random_source import length
from tests.scoreboard.virtual_floor.trunk import worked


@compiled
def saw(seen: Floats, n: NDArray[np.int64], kind: int, at: float, lasted_s: float) -> None:
    """One more thing to tell the pacer."""
    row = n[k.SEEN]
    n[k.SEEN] = row + 1
    seen[row, 0] = kind
    seen[row, 1] = at
    seen[row, 2] = lasted_s


@compiled
def minute_of(s: State, at: float) -> int:
    """The row of a moment; what is after the end belongs to the last minute."""
    return min(int(at / k.MINUTE_S), int(s.minutes.shape[0]) - 1)


@compiled
def second_of(s: State) -> int:
    """The column of the trends now."""
    return min(int(s.t[k.NOW]), int(s.trends.shape[1]) - 1)


@compiled
def back_at(desk: Floats, now: float) -> float:
    """When the break ends that begins now."""
    return float(max(now, desk[k.BACK_AT]) if desk[k.BACK_AT] > 0.0 else now + desk[k.AWAY_S])


@compiled
def come_free(s: State, agent: int) -> bool:
    """An agent is done: home, on a break or ready, and then for the call that has waited longest. True: ready."""
    n, now, row = s.n, s.t[k.NOW], s.agents[agent]
    row[k.SINCE] = now
    if row[k.AWAY_S] < 0.0:
        row[k.STATE] = k.OFFLINE
        return False
    if row[k.AWAY_S] > 0.0:
        row[k.STATE] = k.AWAY
        row[k.IDLE_SINCE] = -1.0
        n[k.PAUSED] += 1
        push(s.coming, n, back_at(row, now), k.BACK, agent)
        row[k.AWAY_S] = 0.0
        return False
    row[k.STATE] = k.FREE
    n[k.READY] += 1
    if row[k.IDLE_SINCE] < 0.0:
        row[k.IDLE_SINCE] = now
    if n[k.WAITING] > 0:
        call = s.waiting[n[k.WAIT_HEAD] & k.MASK]
        n[k.WAIT_HEAD] += 1
        n[k.WAITING] -= 1
        connect(s, call)
    return True


@compiled
def connect(s: State, call: int) -> None:
    """Ring the phone of the agent who has been ready longest."""
    n, agents = s.n, s.agents
    chosen = -1
    for agent in range(agents.shape[0]):
        if agents[agent, k.STATE] == k.FREE and (chosen < 0 or agents[agent, k.SINCE] < agents[chosen, k.SINCE]):
            chosen = agent
    agents[chosen, k.STATE] = k.RUNG
    n[k.READY] -= 1
    n[k.CONNECTING] += 1
    s.calls[call & k.MASK, k.STAGE] = k.CONNECTS
    s.calls[call & k.MASK, k.AGENT] = chosen
    push(s.coming, n, s.t[k.NOW] + s.rules[k.PICK_UP_S], k.BRIDGE, call)


@compiled
def answer(s: State, call: int) -> None:
    """A callee answers, or a callee's machine."""
    n, now, row = s.n, s.t[k.NOW], s.calls[call & k.MASK]
    n[k.RINGING] -= 1
    kind = k.SAW_ANSWER
    if row[k.WHOSE] == k.MACHINE:
        n[k.MACHINES] += 1
        if s.rules[k.KINDS] == k.AT_ONCE:
            kind = k.SAW_MACHINE
    else:
        n[k.ANSWERED] += 1
        s.minutes[minute_of(s, now), k.LIVE] += 1.0
        if s.rules[k.KINDS] == k.AT_ONCE:
            kind = k.SAW_PERSON
    if kind != k.SAW_MACHINE:
        n[k.IN_LEDGER] += 1
    saw(s.seen, n, kind, now, now - row[k.STARTED])
    row[k.ANSWERED_AT] = now
    if n[k.READY] > 0:
        connect(s, call)
        if s.rules[k.PICK_UP_S] < s.rules[k.GRACE_S]:
            return
    else:
        row[k.STAGE] = k.WAITS
        s.waiting[(n[k.WAIT_HEAD] + n[k.WAITING]) & k.MASK] = call
        n[k.WAITING] += 1
    push(s.coming, n, now + s.rules[k.GRACE_S], k.GRACE, call)


@compiled
def give_up(s: State, call: int) -> None:
    """The grace is over. If no agent is on the line, the call is abandoned; grace is equal for all, so that the first
    in the queue is the first whose grace ends."""
    n, now, row = s.n, s.t[k.NOW], s.calls[call & k.MASK]
    stage, answered_at = row[k.STAGE], row[k.ANSWERED_AT]
    if stage == k.OVER or stage == k.RINGS or now < answered_at + s.rules[k.GRACE_S]:
        return
    row[k.STAGE] = k.OVER
    n[k.MESSAGES] += 1
    if row[k.WHOSE] == k.MACHINE:
        n[k.MACHINES_LOST] += 1
    else:
        n[k.ABANDONED] += 1
        s.minutes[minute_of(s, answered_at), k.LOST] += 1.0
    if row[k.WHOSE] != k.MACHINE or s.rules[k.KINDS] != k.AT_ONCE:  # nobody will find out later
        n[k.LOST_IN_LEDGER] += 1
        saw(s.seen, n, k.SAW_ABANDONED, now, 0.0)
    push(s.coming, n, now + s.rules[k.MESSAGE_S], k.MESSAGE_END, call)
    if stage == k.WAITS:
        n[k.WAIT_HEAD] += 1
        n[k.WAITING] -= 1
    else:
        n[k.CONNECTING] -= 1
        come_free(s, int(row[k.AGENT]))


@compiled
def bridge(s: State, call: int) -> None:
    """The agent's phone is answered: a talk begins."""
    n, now, row = s.n, s.t[k.NOW], s.calls[call & k.MASK]
    if row[k.STAGE] != k.CONNECTS:
        return
    row[k.STAGE] = k.OVER
    agent = int(row[k.AGENT])
    desk = s.agents[agent]
    n[k.CONNECTING] -= 1
    n[k.TALKING] += 1
    desk[k.WITH] = row[k.WHOSE]
    if row[k.WHOSE] == k.MACHINE:
        talk_s = length(s.laws, s.keys, k.MACHINE_TALK_LAW, n[k.MACHINE_TALKS])
        n[k.MACHINE_TALKS] += 1
    else:
        desk[k.TALK] = n[k.TALKS]
        talk_s = length(s.laws, s.keys, k.TALK_LAW, n[k.TALKS]) * s.trends[k.TALK_FACTOR, second_of(s)]
        n[k.TALKS] += 1
        s.minutes[minute_of(s, now), k.CONNECTED] += 1.0
    if now <= s.t[k.END]:
        s.idle[n[k.IDLES]] = now - desk[k.IDLE_SINCE]
        n[k.IDLES] += 1
    desk[k.IDLE_SINCE] = -1.0
    desk[k.STATE] = k.BUSY
    desk[k.SINCE] = now
    desk[k.DIALLED_AT] = row[k.STARTED]
    desk[k.ANSWERED_TO] = row[k.ANSWERED_AT]
    push(s.coming, n, now + talk_s, k.TALK_END, agent)


@compiled
def end_talk(s: State, agent: int) -> None:
    """A talk ends, the wrap-up begins; after a machine there is none. The agent may say that it was one."""
    n, now, desk = s.n, s.t[k.NOW], s.agents[agent]
    saw(s.seen, n, k.SAW_TALK, now, now - desk[k.SINCE])
    worked(n, s.t, desk[k.DIALLED_AT])
    n[k.TALKING] -= 1
    n[k.WRAPPING] += 1
    desk[k.STATE] = k.WRAPUP
    desk[k.SINCE] = now
    wrapup_s = 0.0
    if desk[k.WITH] == k.PERSON:
        wrapup_s = length(s.laws, s.keys, k.WRAPUP_LAW, int(desk[k.TALK])) * s.trends[k.WRAPUP_FACTOR, second_of(s)]
    elif s.rules[k.KINDS] == k.LATER:
        n[k.IN_LEDGER] -= 1
        s.seen[n[k.SEEN], 3] = desk[k.ANSWERED_TO]
        saw(s.seen, n, k.SAW_CORRECTED, now, desk[k.ANSWERED_TO] - desk[k.DIALLED_AT])
    push(s.coming, n, now + min(wrapup_s, s.rules[k.WRAPUP_LIMIT_S]), k.WRAP_END, agent)


@compiled
def end_wrapup(s: State, agent: int) -> None:
    """A wrap-up ends; the pacer hears of it if the agent is ready then."""
    n, now, desk = s.n, s.t[k.NOW], s.agents[agent]
    if desk[k.STATE] != k.WRAPUP:
        return
    n[k.WRAPPING] -= 1
    lasted_s = now - desk[k.SINCE]
    if come_free(s, agent):
        saw(s.seen, n, k.SAW_WRAPUP, now, lasted_s)


@compiled
def leave(s: State, agent: int, away_s: float, until: float) -> None:
    """An agent wants a break (for `away_s`, or to `until` if that is not 0) or home (-1): now if ready, else when
    done."""
    n, now, desk = s.n, s.t[k.NOW], s.agents[agent]
    state = desk[k.STATE]
    if away_s > 0.0 and (desk[k.AWAY_S] != 0.0 or state == k.AWAY or state == k.OFFLINE):
        return
    if state == k.RUNG or state == k.BUSY or (state == k.WRAPUP and away_s > 0.0):
        desk[k.AWAY_S] = away_s
        desk[k.BACK_AT] = until
        return
    if state == k.FREE:
        n[k.READY] -= 1
    elif state == k.WRAPUP:
        n[k.WRAPPING] -= 1
    elif state == k.AWAY:
        n[k.PAUSED] -= 1
    desk[k.SINCE] = now
    desk[k.IDLE_SINCE] = -1.0
    desk[k.AWAY_S] = -1.0
    desk[k.STATE] = k.OFFLINE
    if away_s > 0.0:
        desk[k.AWAY_S] = away_s
        desk[k.BACK_AT] = until
        push(s.coming, n, back_at(desk, now), k.BACK, agent)
        desk[k.AWAY_S] = 0.0
        desk[k.STATE] = k.AWAY
        n[k.PAUSED] += 1
