"""Many days side by side, kept in a file as they end: a run that was stopped goes on, and nothing is played twice."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any, Final

from dialer.sim.study.scenario import Callees, Scenario
from pacing.api import Decision, Observation, Snapshot
from pacing.warmup import warm_up
from tests.scoreboard.entrants import AGELESS, NEXT_DAY, minds_cap, pacer_again, pacer_of, stamp, with_cap
from tests.scoreboard.row import Row
from tests.scoreboard.virtual_floor.floor import EVERYONE_S, NO_CLOCK, play
from tests.scoreboard.virtual_floor.outcome import Outcome
from tests.scoreboard.warm_up_day import next_day_pacer

Clock = Callable[[], float]
SELDOM_S: Final = 60.0
ANY_CAP: Final = 0.0
"""The cap of a day that counts for every cap."""


@dataclass(frozen=True, slots=True)
class Task:
    """One day to play. `scenario` has the cap in it; `cap` is 0 where the policy does not mind it."""

    row: str
    policy: str
    seed: int
    cap: float
    scenario: Scenario

    @property
    def key(self) -> str:
        """What the day is kept under; another code or scenario makes another key."""
        return f"{self.row} {self.policy} {self.seed} {self.cap:g} {stamp(self.policy, self.scenario)}"


def task_of(row: Row, policy: str, seed: int, cap: float) -> Task:
    """The day that tells how a policy does on a row under a cap."""
    cap = cap if minds_cap(policy) else ANY_CAP
    return Task(row.name, policy, seed, cap, with_cap(row.scenario, cap or row.caps[0]))


class Kept:
    """The days played so far, by key, in a file of lines. A line cut short by a crash is played again."""

    def __init__(self, path: Path) -> None:
        """Reads the file if there is one. Raises OSError where it can be neither read nor made."""
        self.path = path
        self.days: dict[str, Outcome] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        text = path.read_text(encoding="utf-8")
        for line in text.splitlines():
            day = _read(line)
            if day is not None:
                self.days[day[0]] = day[1]
        if text and not text.endswith("\n"):
            self._append("\n")

    def keep(self, key: str, outcome: Outcome) -> None:
        """Write a day down at once."""
        self.days[key] = outcome
        self._append(json.dumps({"key": key, **asdict(outcome)}) + "\n")

    def _append(self, text: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text)


def _read(line: str) -> tuple[str, Outcome] | None:
    try:
        found: dict[str, Any] = json.loads(line)
        key = found.pop("key")
        found["over_cap_s"] = tuple((cap, over_s) for cap, over_s in found["over_cap_s"])
        found["calm_counts"] = tuple((answered, abandoned) for answered, abandoned in found["calm_counts"])
        return key, Outcome(**found)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # cut short, or of an older form: it will be played again


def missing(tasks: Iterable[Task], kept: Kept) -> list[Task]:
    """The days that are still to be played, each once."""
    return [task for key, task in {task.key: task for task in tasks}.items() if key not in kept.days]


def play_all(
    tasks: Sequence[Task], kept: Kept, jobs: int, clock: Clock = NO_CLOCK, done: Callable[[], None] = lambda: None
) -> None:
    """Play what is missing, at most `jobs` at a time, and keep each day as it ends; `done` is called after each.

    One job plays in this process. Raises what a day raises, and `BrokenProcessPool` where a process was killed.
    """
    tasks = missing(tasks, kept)
    if not tasks:
        return
    prepare()  # here first: the processes then find the compiled code
    if jobs <= 1:
        for task in tasks:
            kept.keep(task.key, _played(task, clock))
            done()
        return
    # Not forked: this process may have threads by now, and a fork would copy their locks.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_prepare) as pool:
        try:
            futures = {pool.submit(_played, task, clock): task for task in tasks}
            for future in as_completed(futures):
                kept.keep(futures.pop(future).key, future.result())
                done()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Idle:
    def step(self, _observations: tuple[Observation, ...], _snapshot: Snapshot) -> Decision:
        return Decision(0)

    def learnt(self) -> dict[str, float]:
        return {}

    def memory(self) -> dict[str, object]:
        return {}


def prepare() -> None:
    """Compile everything, or load it."""
    warm_up()
    play(Scenario(hours=0.01, callees=Callees(machine_rate=0.0)), _Idle(), 1)


def _prepare() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that keeps the days
    Thread(target=_end_with_parent, daemon=True).start()
    prepare()


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for its next day for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _played(task: Task, clock: Clock) -> Outcome:
    # A trunk that has rested comes back without any news.
    ageless = task.policy.partition(":")[0] in AGELESS and not task.scenario.shocks
    at_least_s = SELDOM_S if ageless else EVERYONE_S
    if task.policy == NEXT_DAY:
        pacer = next_day_pacer(task.scenario, task.seed)
    else:
        pacer = pacer_of(task.policy, task.scenario, task.seed)
    renew = partial(pacer_again, task.policy, task.scenario, task.seed)
    return play(task.scenario, pacer, task.seed, at_least_s=at_least_s, clock=clock, renew=renew)
