"""Shifts side by side."""

from __future__ import annotations

from dialer.sim.study.parallel import run_all, tasks_of
from dialer.sim.study.scenario import load_scenario


def test_processes_change_nothing() -> None:
    """Two at a time give what one at a time gives, in the same order, and each is reported."""
    scenario = load_scenario({"hours": 0.1, "seeds": 2, "policies": ["progressive", "cisco"]})
    tasks = tasks_of(scenario)
    done: list[int] = []

    side_by_side = run_all(tasks, 2, lambda: done.append(1))

    assert side_by_side == run_all(tasks, 1)
    assert [(run.policy, run.seed) for run in side_by_side] == [(task.policy, task.seed) for task in tasks]
    assert len(done) == 4
