"""What the floor's arrays hold: counters, clocks, columns and rows by name, and the arrays themselves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pacing.compiled import Floats

SPAN = 65_536  # calls between the oldest that rings and the newest; a power of two
MASK = SPAN - 1
MINUTE_S = 60.0

# Counters. ANSWERED, ABANDONED and TALKS are of people; IN_LEDGER and LOST_IN_LEDGER are what the pacer is shown of
# answered and abandoned calls. The *_UPTO say where in `ages` talks, wrap-ups, ringing and waiting calls end.
(DIALLED, FAILED, ANSWERED, ABANDONED, TALKS, RINGING, WAITING, CONNECTING, MESSAGES, READY, TALKING, WRAPPING, PAUSED,
 OLDEST, WAIT_HEAD, COMING, SERIAL, SEEN, IDLES, DOWN, FAULTS, DONE, LATE,
 TALK_UPTO, WRAPUP_UPTO, RING_UPTO, WAIT_UPTO, LEAVING, LINES_FREE,
 REFUSING, DRAINING, RESTARTED, MACHINES, MACHINES_LOST, MACHINE_TALKS, IN_LEDGER, LOST_IN_LEDGER,
 COUNTERS) = range(38)  # fmt: skip
# Clocks.
NOW, CHARGED, END, OPENED_AT, RESTS_UNTIL, CLOCKS = range(6)
# Columns of an agent. AWAY_S: how long the break is that begins when the agent comes free; -1: goes home then.
# BACK_AT: when everybody on that break is back; 0: after AWAY_S. TALK, DIALLED_AT and ANSWERED_TO: which talk it is,
# when its call started, and when it was answered. WITH: who is on the line.
STATE, SINCE, IDLE_SINCE, AWAY_S, BACK_AT, TALK, DIALLED_AT, ANSWERED_TO, WITH, AGENT_COLUMNS = range(10)
OFFLINE, FREE, RUNG, BUSY, WRAPUP, AWAY = range(6)
# Columns of a call.
STAGE, STARTED, ANSWERED_AT, AGENT, WHOSE, CALL_COLUMNS = range(6)
OVER, RINGS, WAITS, CONNECTS = range(4)
PERSON, MACHINE = range(2)
# What comes: columns, and kinds.
AT, ORDER, KIND, WHO, EVENT_COLUMNS = range(5)
(ANSWER, FAIL, DIE, GRACE, BRIDGE, TALK_END, WRAP_END, MESSAGE_END, LOGIN, BACK, LEAVE, HOME, TRUNK_DOWN,
 TRUNK_UP, REFUSES, TAKES, DRAIN, RESTART) = range(18)  # fmt: skip
# What the pacer is told; columns of an observation: the kind, when, how long, and of a correction when the answer was.
SAW_ANSWER, SAW_FAILURE, SAW_TALK, SAW_WRAPUP, SAW_ABANDONED, SAW_PERSON, SAW_MACHINE, SAW_CORRECTED = range(8)
SEEN_COLUMNS = 4
# When the pacer hears that a machine has answered.
NEVER, LATER, AT_ONCE = range(3)
# Columns of a minute; LIVE and LOST are of people.
(READY_S, TALK_S, WRAPUP_S, PAUSED_S, LIVE, LOST, CONNECTED, CALLS, MINUTE_COLUMNS) = range(9)
# Rules, then the laws of durations with three columns each: form, and two parameters.
(GRACE_S, RING_TIMEOUT_S, PICK_UP_S, MESSAGE_S, WRAPUP_LIMIT_S, BUSY_RATE, INVALID_RATE, LINES, MAX_CPS,
 DEAD_S, REFUSED_S, MACHINES_ANSWER, KINDS, RULES) = range(14)  # fmt: skip
# CALLEE is no law: its first stream of chance says who answers.
TALK_LAW, WRAPUP_LAW, POST_DIAL_LAW, RING_LAW, MACHINE_LAW, FAST_LAW, CALLEE, MACHINE_TALK_LAW, LAWS = range(9)
LOGNORMAL, EXPONENTIAL, UNIFORM, CONSTANT = range(4)
# Rows of the trends, one column for each second of the shift.
ANSWER_RATE, MACHINE_RATE, TALK_FACTOR, WRAPUP_FACTOR, TRENDS = range(5)
# Streams of chance: two for each law.
WHO_STREAM = 2 * CALLEE
STREAMS = 2 * LAWS


class State(NamedTuple):
    """One floor. `plan` has (agent, seconds away, everybody back at or 0) for each planned absence; `caps` has (cap,
    seconds over it)."""

    n: NDArray[np.int64]
    t: Floats
    agents: Floats
    calls: Floats
    waiting: NDArray[np.int64]
    coming: Floats
    seen: Floats
    idle: Floats
    ages: Floats
    minutes: Floats
    caps: Floats
    rules: Floats
    laws: Floats
    trends: Floats
    keys: NDArray[np.uint64]
    plan: Floats
