"""Days are kept as they end, and never played twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.sim.study.scenario import find_scenario, load_scenario
from tests.scoreboard import days
from tests.scoreboard.days import Kept, Task, missing, play_all, task_of
from tests.scoreboard.row import Row

SHORT = Row("short", "A short day", load_scenario(find_scenario("r2"), {"hours": "0.1"}), (0.03, 0.01))


def tasks(*policies: str) -> list[Task]:
    return [task_of(SHORT, policy, seed, cap) for policy in policies for seed in (1, 2) for cap in SHORT.caps]


def test_a_policy_that_does_not_mind_the_cap_plays_once_for_all(tmp_path: Path) -> None:
    """Two caps and two seeds are four days for one policy and two for the other."""
    kept = Kept(tmp_path / "days.jsonl")

    assert len(missing(tasks("cisco"), kept)) == 4
    assert len(missing(tasks("wombat"), kept)) == 2


def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was played before the stop is not played again, and the figures are the same."""
    path, played = tmp_path / "deep" / "days.jsonl", []
    real = days._played

    def stops(task: Task, clock: days.Clock) -> object:
        if len(played) == 3:
            raise KeyboardInterrupt
        played.append(task.key)
        return real(task, clock)

    monkeypatch.setattr(days, "_played", stops)
    with pytest.raises(KeyboardInterrupt):
        play_all(tasks("wombat", "cisco"), Kept(path), jobs=1)
    monkeypatch.setattr(days, "_played", real)
    rest: list[None] = []
    again = Kept(path)
    play_all(tasks("wombat", "cisco"), again, jobs=1, done=lambda: rest.append(None))

    assert len(rest) == 3
    assert len(again.days) == 6
    assert again.days == Kept(path).days
    assert missing(tasks("wombat", "cisco"), again) == []


def test_a_line_cut_short_is_played_again(tmp_path: Path) -> None:
    """And does no harm to the next one."""
    path = tmp_path / "days.jsonl"
    kept = Kept(path)
    play_all(tasks("wombat"), kept, jobs=1)
    whole = path.read_text()
    path.write_text(whole[:-40] + "")
    cut = Kept(path)

    assert len(cut.days) == 1
    play_all(tasks("wombat"), cut, jobs=1)
    assert Kept(path).days == kept.days
    assert [json.loads(line)["key"] for line in path.read_text().splitlines() if line.endswith("}")]


def test_changed_code_is_played_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the policy whose code has changed."""
    kept = Kept(tmp_path / "days.jsonl")
    play_all(tasks("wombat", "cisco"), kept, jobs=1)
    monkeypatch.setattr(days, "stamp", lambda policy, _: "new" if policy == "cisco" else days_stamp(policy, _))

    assert {task.policy for task in missing(tasks("wombat", "cisco"), kept)} == {"cisco"}


days_stamp = days.stamp


def test_the_next_day_is_repeatable_and_counts_itself_alone(tmp_path: Path) -> None:
    """The same figures each time, of one day: not those of the cold day, nor of two."""
    one, again = Kept(tmp_path / "one.jsonl"), Kept(tmp_path / "again.jsonl")
    for kept in (one, again):
        play_all(tasks("predictive-next-day"), kept, jobs=1)
    play_all(tasks("predictive"), one, jobs=1)
    cold, warm = (one.days[tasks(policy)[0].key] for policy in ("predictive", "predictive-next-day"))

    assert again.days.items() < one.days.items()
    assert warm != cold
    assert warm.answered < 1.5 * cold.answered
    assert warm.worked_s == pytest.approx(cold.worked_s, rel=0.01)


def test_two_runs_may_keep_days_in_one_file(tmp_path: Path) -> None:
    """Each appends whole lines, so none of the other's is lost."""
    path = tmp_path / "days.jsonl"
    one, two = Kept(path), Kept(path)
    play_all(tasks("wombat"), one, jobs=1)
    play_all(tasks("cisco"), two, jobs=1)

    assert Kept(path).days == one.days | two.days


def test_days_go_side_by_side(tmp_path: Path) -> None:
    """Two processes come to the same figures as one."""
    one, two = Kept(tmp_path / "one.jsonl"), Kept(tmp_path / "two.jsonl")
    play_all(tasks("wombat"), one, jobs=1)
    play_all(tasks("wombat"), two, jobs=2)

    assert one.days == two.days
    assert replace(one.days[tasks("wombat")[0].key]) == two.days[tasks("wombat")[0].key]
