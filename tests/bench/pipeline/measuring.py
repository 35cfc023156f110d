"""The figures of one run: looks at the board, what the processes used, the log's line of each attempt."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import mean
from typing import Final

from rich.console import Console
from rich.progress import Progress

from dialer.core.board import Board, from_wire
from dialer.store.base.connection import Store
from dialer.store.operators import status
from tests.bench.pipeline.far_end import far_ends
from tests.bench.pipeline.floor import Bench, at_work
from tests.bench.pipeline.options import Books, Figures, Options, Way
from tests.bench.pipeline.processes import private_mb, resident_mb
from tests.bench.pipeline.samples import Looks, percentile

BARE_LIMIT_S: Final = 150
TALKING: Final = "talking"


@dataclass(frozen=True, slots=True)
class Window:
    """One board a second, and what the processes used between the first and the last."""

    boards: tuple[Board, ...]
    cores: dict[str, float]
    private_mb: tuple[float, ...]
    resident_mb: float


def measure(options: Options, sipp: str) -> Figures:
    """Set everything up, run, tear down."""
    if options.way is Way.BARE:
        return _measure_bare(options, sipp)
    with at_work(options, sipp) as (bench, drain):
        window = _run(bench)
        drain()
        bench.far.hang_up()
        if options.keep:
            shutil.copytree(bench.folder, options.keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("valkey"))
        return _figures(bench, window)


def _measure_bare(options: Options, sipp: str) -> Figures:
    limit_s = int(options.ramp_s + options.seconds) + BARE_LIMIT_S
    command = [sys.executable, "-m", "tests.bench.pipeline.bare_pool", json.dumps(asdict(options))]
    with (
        tempfile.TemporaryDirectory(prefix="dialer-bench-") as name,
        far_ends(sipp, Path(name), options, limit_s) as far,
    ):
        pool = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        before, start = far.used(), time.monotonic()
        answer, _ = pool.communicate(timeout=limit_s)
        if pool.returncode:
            raise SystemExit("the bare pool failed")
        beside = {name: (now - before[name]) / (time.monotonic() - start) for name, now in far.used().items()}
        far.hang_up()
        figures = Figures(**json.loads(answer))
        return replace(figures, cores={**figures.cores, **beside}, media=far.media)


def _run(bench: Bench) -> Window:
    options = bench.options
    boards: list[Board] = []
    before: dict[str, float] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("filling the lines", total=options.ramp_s + options.seconds)
        start = time.monotonic()
        while (elapsed := time.monotonic() - start) < options.ramp_s + options.seconds:
            if elapsed >= options.ramp_s:
                if not boards:
                    before = bench.used()
                    progress.update(task, description="measuring")
                boards.append(_board(bench.store))
            progress.update(task, completed=elapsed)
            time.sleep(1.0)
    return Window(
        boards=tuple(boards),
        cores={name: (used - before[name]) / options.seconds for name, used in bench.used().items()},
        private_mb=tuple(private_mb(pid) for pid in bench.family.workers),
        resident_mb=resident_mb(bench.family.daemon),
    )


def _board(store: Store) -> Board:
    return from_wire(status.read(store)[0].snapshot)


def delays(folder: Path, from_at: float = 0.0, to_at: float = math.inf) -> tuple[list[float], list[float]]:
    """Answer to agent's INVITE, and answer to both hear each other, of all calls, in ms: from the log's line of each
    attempt."""
    hand_over, answer_to_agent = [], []
    for line in (folder / "daemon.log").read_text(errors="replace").splitlines():
        if '"hand_over_s"' not in line:
            continue
        told = json.loads(line[line.index("{") :])
        if not from_at <= datetime.fromisoformat(told["ts"]).timestamp() < to_at:
            continue
        if told["hand_over_s"] is not None:
            hand_over.append(told["hand_over_s"] * 1000)
        if told["agent"]:
            answer_to_agent.append(told["wait_s"] * 1000)
    return hand_over, answer_to_agent


def _looks(boards: tuple[Board, ...]) -> Looks:
    """Talks are agents' talking time between two boards."""
    looks = Looks()
    for place, board in enumerate(boards):
        before = boards[max(place - 1, 0)]
        seconds = board.at - before.at
        talked_s = board.agent_s.get(TALKING, 0.0) - before.agent_s.get(TALKING, 0.0)
        attempts = sum(row.attempts for row in board.campaigns)
        looks.add(board.at, attempts, board.lines_used, talked_s / seconds if seconds else 0.0)
    if len(looks.talks) > 1:
        looks.talks[0] = looks.talks[1]
    return looks


def _figures(bench: Bench, window: Window) -> Figures:
    boards = window.boards
    looks, last = _looks(boards), boards[-1].campaigns
    hand_over, answer_to_agent = delays(bench.folder)
    return Figures(
        attempts_per_s=looks.rate(),
        slowest_5_s=looks.slowest_5_s(),
        lines_mean=looks.lines_mean(),
        lines_p5=looks.lines_p5(),
        talks_mean=looks.talks_mean(),
        hand_over_p50_ms=percentile(hand_over, 0.5),
        hand_over_p99_ms=percentile(hand_over, 0.99),
        answer_to_agent_p99_ms=percentile(answer_to_agent, 0.99),
        workers=len(bench.family.workers),
        worker_private_mb_mean=mean(window.private_mb),
        worker_private_mb_max=max(window.private_mb),
        cores=window.cores,
        daemon_resident_mb=window.resident_mb,
        abandon_rate=sum(row.abandoned for row in last) / max(1, sum(row.answered for row in last)),
        pacing_late=boards[-1].pacing_late,
        media=bench.far.media,
        books=_books(bench),
    )


def _books(bench: Bench) -> Books:
    counts = [status.counts(bench.store, name, time.time()) for name in bench.options.names]
    attempted = sum(sum(each.dispositions.values()) for each in counts)
    not_sent = sum(each.dispositions.get("not_sent", 0) for each in counts)
    left = attempted - not_sent
    invites = bench.far.callees.counted("TotalCallCreated")
    astray = sum(
        abs(each.accepted - each.closed - each.due - each.waiting) + each.leased + each.in_attempt for each in counts
    )
    return Books(
        attempts=attempted,
        not_sent=not_sent,
        invites_at_far_end=invites,
        dispositions_at_crm=len(bench.desk.heard),
        dialled_twice=max(0, invites - left),
        lost=astray + abs(attempted - len(bench.desk.heard)),
    )
