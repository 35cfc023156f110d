"""The pacing scoreboard: every policy on every row for many days, then docs/pacing-scoreboard.md with its charts.

    make bench-pacing                     # 30 days for each policy and row
    make bench-pacing SEEDS=4             # a quick look
    python -m tests.bench.pacing --seeds 2 --rows r2-20-30,r7 --policies predictive,cisco --write /tmp/board

Every day is kept as it ends, in a file below the user's cache: a run that was stopped goes on where it was, and a day
is played again only when its policy, the floor or its scenario has changed.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:  # only once the place of the compiled code is set
    from tests.scoreboard.board.standing import Table
    from tests.scoreboard.days import Kept, Task
    from tests.scoreboard.row import Row

ROOT = Path(__file__).parents[2]
CODES_KEPT = 3
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "predictive-dialer" / "scoreboard"


def main() -> int:
    """Play what is missing and write the page."""
    asked = _asked()
    console = Console(stderr=True)
    _own_machine_code(asked.cache)
    from tests.scoreboard.days import Kept
    from tests.scoreboard.entrants import entrants
    from tests.scoreboard.rows import rows

    every = rows()
    chosen = _chosen(every, asked.rows, lambda row: row.name)
    policies = _chosen(entrants(), asked.policies, str)
    seeds = range(1, asked.seeds + 1)
    kept = Kept(asked.cache / "days.jsonl")
    try:
        if not asked.so_far:
            _play(chosen, policies, seeds, kept, asked.jobs, console)
    except KeyboardInterrupt:
        console.print("Stopped. What has been played is kept; the same command goes on from here.")
        return 130
    partial = ["days played so far"] if asked.so_far else []
    if len(chosen) < len(every):
        partial.append(f"{len(chosen)} of {len(every)} rows")
    if len(policies) < len(entrants()):
        partial.append(f"{len(policies)} of {len(entrants())} policies")
    _write(chosen, policies, seeds, kept, asked.write, " and ".join(partial))
    console.print(f"Wrote {asked.write / 'pacing-scoreboard.md'}")
    return 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The pacing scoreboard.")
    parser.add_argument("--seeds", type=int, default=30, help="days for each policy and row")
    parser.add_argument("--rows", default="", help="only these, by name with commas")
    parser.add_argument("--policies", default="", help="only these, by name with commas")
    parser.add_argument("--so-far", action="store_true", help="play nothing, write the page of what has been played")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="days at a time")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder where days are kept")
    parser.add_argument("--write", type=Path, default=ROOT / "docs", help="folder for the page and its charts")
    asked = parser.parse_args()
    if asked.seeds < 1 or asked.jobs < 1:
        parser.error("--seeds and --jobs must be at least 1")
    return asked


def _own_machine_code(cache: Path) -> None:
    """Keep compiled code by a digest of the sources: what is cached beside a source misses changes of other files."""
    from hashlib import sha256

    sources = sorted([*(ROOT / "pacing").rglob("*.py"), *(ROOT / "tests" / "scoreboard").rglob("*.py")])
    stamp = sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    os.environ["NUMBA_CACHE_DIR"] = str(cache / "code" / stamp)
    (cache / "code" / stamp).mkdir(parents=True, exist_ok=True)
    for old in sorted((cache / "code").iterdir(), key=lambda folder: folder.stat().st_mtime)[:-CODES_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _chosen(every, names: str, name_of):  # type: ignore[no-untyped-def]
    if not names:
        return tuple(every)
    by_name = {name_of(one): one for one in every}
    unknown = [name for name in names.split(",") if name not in by_name]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; known: {', '.join(by_name)}")
    return tuple(by_name[name] for name in names.split(","))


def _play(
    rows: Sequence[Row], policies: Sequence[str], seeds: Sequence[int], kept: Kept, jobs: int, console: Console
) -> None:
    """First the days that ratios and the yardstick are set on, then everybody's; seeds outermost, so that days come
    complete."""
    from tests.scoreboard.board.standing import actual_policy
    from tests.scoreboard.calibration import due
    from tests.scoreboard.days import missing, play_all, task_of
    from tests.scoreboard.entrants import TUNED, YARDSTICK, seeds_of
    from tests.scoreboard.tuning import trials

    pairs = [(row, cap) for row in rows for cap in row.caps]
    tuning = [task for row, cap in pairs for task in trials(row, cap)] if TUNED in policies else []

    def days() -> list[Task]:
        return [
            task_of(row, actual_policy(row, policy, cap, kept), seed, cap)
            for seed in seeds
            for row, cap in pairs
            for policy in policies
            if seed in seeds_of(policy, seeds, row.baseline_days)
        ]

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=console) as progress:

        def play(name: str, tasks: Sequence[Task]) -> None:
            tasks = missing(tasks, kept)
            bar = progress.add_task(name, total=len(tasks))
            play_all(tasks, kept, jobs, time.perf_counter, lambda: progress.advance(bar))

        play("ratios to tune", tuning)
        while YARDSTICK in policies and (trial := [task for row, cap in pairs for task in due(row, cap, kept)]):
            play("the yardstick's risk", trial)
        play("days", days())


def _write(
    rows: Sequence[Row], policies: Sequence[str], seeds: Sequence[int], kept: Kept, folder: Path, partial: str
) -> None:
    from tests.scoreboard.board.charts import overview_chart, trade_chart
    from tests.scoreboard.board.page import OVERVIEW_SVG, TRADE_SVG, Facts, page
    from tests.scoreboard.board.standing import table_of
    from tests.scoreboard.board.timing import SIZES, time_decisions
    from tests.scoreboard.row import CAP

    tables: list[Table] = [table_of(row, cap, policies, seeds, kept) for row in rows for cap in row.caps]
    facts = Facts(
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        seeds=max(standing.days for table in tables for standing in table.standings),
        hours=rows[0].scenario.hours,
        days=sum(standing.days for table in tables for standing in table.standings),
        cpus=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        missing=partial,
    )
    folder.mkdir(parents=True, exist_ok=True)
    timings = [time_decisions(size, time.thread_time) for size in SIZES]  # whatever else the machine does
    (folder / TRADE_SVG).write_text(trade_chart([one for one in tables if one.cap == CAP]), encoding="utf-8")
    (folder / OVERVIEW_SVG).write_text(overview_chart(tables), encoding="utf-8")
    (folder / "pacing-scoreboard.md").write_text(page(facts, tables, timings), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
