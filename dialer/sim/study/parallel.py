"""Many shifts side by side, one process for each core."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context

from dialer.sim.study.results import Run
from dialer.sim.study.scenario import Scenario
from dialer.sim.study.shift import work
from pacing.warmup import warm_up


@dataclass(frozen=True, slots=True)
class Task:
    """One shift to play."""

    scenario: Scenario
    policy: str
    seed: int


def tasks_of(scenario: Scenario) -> list[Task]:
    """Every policy under every seed. Seeds come first, so that what is done so far can be compared."""
    seeds = range(scenario.first_seed, scenario.first_seed + scenario.seeds)
    return [Task(scenario, policy, seed) for seed in seeds for policy in scenario.policies]


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_all(tasks: Sequence[Task], jobs: int, done: Callable[[], None] = lambda: None) -> list[Run]:
    """Play all, at most `jobs` at a time, and give the runs in the order of the tasks. `done` is called after each.

    One job plays in this process. Raises what a shift raises, and `BrokenProcessPool` where a process was killed.
    """
    jobs = min(jobs, len(tasks))
    if jobs <= 1:
        warm_up()
        runs = []
        for task in tasks:
            runs.append(_play(task))
            done()
        return runs
    # Not forked: this process may have threads by now, and a fork would copy their locks.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_prepare) as pool:
        try:
            futures = [pool.submit(_play, task) for task in tasks]
            for future in as_completed(futures):
                future.result()
                done()
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _prepare() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the terminal's Ctrl-C ends them without a word
    warm_up()


def _play(task: Task) -> Run:
    gc.disable()  # a shift makes millions of objects and no cycles; to look for them takes a tenth of the time
    try:
        return work(task.scenario, task.policy, task.seed)
    finally:
        gc.enable()
