"""One day on one call-centre floor, quickly: the loop around the compiled kernel, and the pacer's turns in it.

Alike for all policies: lines, the grace, the ring timeout, the agents' phones, who answers, how long talks are. The
ledger counts from the start of the shift, an answer when it is answered and an abandoned call when it is abandoned. A
machine's leaves it when the pacer hears of it; one that it hears of at once is never in it. A dead trunk fails every
call after five seconds, which says nothing about callees, and is then left alone for a while as in the daemon. In a
restart of the daemon calls and talks end, then another pacer goes on. Leads never end.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from dialer.language.decisions import sentence
from dialer.sim.study.scenario import Scenario
from pacing.api import (
    AnswerCorrected,
    AnswerKind,
    CallAbandoned,
    CallAnswered,
    CallFailed,
    Ledger,
    Observation,
    Pacer,
    Snapshot,
    TalkEnded,
    WrapupEnded,
)
from pacing.compiled import Floats
from tests.scoreboard.virtual_floor import layout as k
from tests.scoreboard.virtual_floor.kernel import advance
from tests.scoreboard.virtual_floor.outcome import Outcome, outcome_of
from tests.scoreboard.virtual_floor.quarters import shocks_min
from tests.scoreboard.virtual_floor.rules import IDLE_ROWS, MOST_LINES, new_state

EVERYONE_S: Final = 1.0
"""The pacer is asked at least this often, as in the daemon."""

CAPS: Final = (0.01, 0.03)
"""Time above these is measured in any case, and above the scenario's own cap."""

Renew = Callable[[Pacer | None], Pacer]
"""Makes the pacer after a restart, from the one before if there is a memory."""

NO_CLOCK: Final = float
"""A clock that stands still at 0."""


class Crowded(RuntimeError):
    """A policy had more calls in flight than the floor has room for."""


def play(
    scenario: Scenario,
    pacer: Pacer,
    seed: int,
    *,
    look_every_s: float = 0.25,
    at_least_s: float = EVERYONE_S,
    clock: Callable[[], float] = NO_CLOCK,
    renew: Renew | None = None,
) -> Outcome:
    """Play one day. The same scenario, seed and fresh pacer of the same settings give the same outcome.

    The pacer is asked after something happened, at most every `look_every_s`, and after `at_least_s` in any case. A
    pacer with an attribute `asks_in_s` is asked after so long instead. `clock` (seconds) is for the time per decision.
    `renew` makes the pacer after a restart of the daemon; without it the same one goes on.
    Raises `Unplayable` for a scenario with something that the floor does not have, `Crowded` for a policy without
    measure, ValueError for a negative decision.
    """
    caps = tuple(dict.fromkeys((*CAPS, scenario.dialling.max_abandon_rate)))
    state = new_state(scenario, seed, caps)
    every_s, has_beat = look_every_s, hasattr(pacer, "asks_in_s")
    idle: list[Floats] = []
    took_s: list[float] = []
    calls = restarted = 0
    while True:
        if has_beat:
            every_s = at_least_s = pacer.asks_in_s  # type: ignore[attr-defined]
        advance(*state, calls, every_s, at_least_s)
        n = state.n.tolist()
        if n[k.DONE]:
            break
        if n[k.LATE]:
            raise Crowded(
                f"after {n[k.DIALLED]} calls {n[k.RINGING]} are ringing, which is more than the floor has room for"
            )
        if n[k.IDLES] > IDLE_ROWS // 2:
            idle.append(_idle(state))
        if n[k.DRAINING]:
            calls = 0
            continue
        if n[k.RESTARTED] > restarted:
            if renew is not None:
                pacer = renew(pacer if scenario.restarts[restarted].memory else None)
            restarted = n[k.RESTARTED]
        observations, snapshot = _observations(state, n), _snapshot(state, n)
        begun = clock()
        decision = pacer.step(observations, snapshot)
        took_s.append(clock() - begun)
        calls = min(decision.dial, snapshot.lines_free)
        if calls < 0:
            raise ValueError(f"at {snapshot.now:.1f} s the pacer wants {calls} calls: {sentence(decision)}")
    idle.append(_idle(state))
    return outcome_of(state, np.concatenate(idle), np.array(took_s), shocks_min(scenario))


def _idle(state: k.State) -> Floats:
    """Take the idle times so far away."""
    taken = state.idle[: state.n[k.IDLES]].copy()
    state.n[k.IDLES] = 0
    return taken


_SAID: Final[tuple[Callable[[float, float], Observation], ...]] = (
    CallAnswered,
    CallFailed,
    TalkEnded,
    WrapupEnded,
    lambda at, _: CallAbandoned(at),
    partial(CallAnswered, kind=AnswerKind.PERSON),
    partial(CallAnswered, kind=AnswerKind.MACHINE),
)
"""By the kernel's numbers; but for a correction, which says when the answer was."""


def _observations(state: k.State, n: list[int]) -> tuple[Observation, ...]:
    if not n[k.SEEN]:
        return ()
    return tuple(
        [
            _SAID[int(kind)](at, lasted_s)
            if kind < k.SAW_CORRECTED
            else AnswerCorrected(at, answered_at, lasted_s, AnswerKind.UNKNOWN, AnswerKind.MACHINE)
            for kind, at, lasted_s, answered_at in state.seen[: n[k.SEEN]].tolist()
        ]
    )


def _snapshot(state: k.State, n: list[int]) -> Snapshot:
    talks, wrapups, rings, waits = n[k.TALK_UPTO : k.WAIT_UPTO + 1]
    ages = state.ages[:waits].copy()
    return Snapshot(
        float(state.t[k.NOW]),
        n[k.READY],
        ages[:talks],
        ages[talks:wrapups],
        n[k.PAUSED] + n[k.LEAVING],
        ages[wrapups:rings],
        ages[rings:],
        n[k.LINES_FREE],
        MOST_LINES,  # leads
        Ledger(n[k.IN_LEDGER], n[k.LOST_IN_LEDGER]),
    )
