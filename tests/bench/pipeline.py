"""The whole pipeline under load: leads in Redis, gates, pacing, SIP to SIPp, agents, dispositions.

    make bench                            # 410 lines, so that 400 are in flight, for 60 s
    make bench BENCH="--lines 100 --seconds 20"

Everything runs on this machine: Valkey, the daemon with its workers, a stand-in CRM with the agents' desktops, SIPp as
callees and as phones. So the figures are of a machine that does both ends' work.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, quantiles

import msgpack
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from config.campaign import CampaignSettings
from config.daemon import RedisSettings
from dialer.core.board import Board, from_wire
from dialer.core.inputs import CampaignState
from dialer.demo import crm, parts, scene
from dialer.demo.lead_list import Kind, Row
from dialer.store import campaigns, control, status
from dialer.store.connection import Store, close_store, open_store
from tests.bench.far_end import FarEnd, far_end
from tests.bench.processes import Family, cpu_s, family, private_mb, resident_mb
from tests.rules import AT_ANY_HOUR

CALLEE_PORT, AGENT_PORT = 25060, 25080
CALLEE_MEDIA, AGENT_MEDIA = 26000, 26100
CAMPAIGN = "bench"
READY_LIMIT_S = 180.0
DRAIN_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured. The far end's mix is in callee.xml: 30 % answer and talk for 8 s, 40 % are busy."""

    lines: int
    seconds: float
    ramp_s: float
    agents: int
    max_cps: int
    leads: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it. Rates and lines are over the measured window, books over the whole run."""

    attempts_per_s: float
    slowest_5_s: float
    lines_mean: float
    lines_p5: float
    hand_over_p50_ms: float
    hand_over_p99_ms: float
    answer_to_agent_p99_ms: float
    worker_private_mb_mean: float
    worker_private_mb_max: float
    daemon_resident_mb: float
    workers: int
    cores_daemon: float
    cores_workers: float
    cores_far_end: float
    abandon_rate: float
    pacing_late: int
    attempts: int
    not_sent: int
    invites_at_far_end: int
    dispositions_at_crm: int
    dialled_twice: int
    lost: int


@dataclass(slots=True)
class Bench:
    """The parts that are up."""

    options: Options
    folder: Path
    store: Store
    callees: FarEnd
    phones: FarEnd
    family: Family
    desk: crm.Crm


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--lines", type=int, default=410)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--ramp", type=float, default=25.0)
    parser.add_argument("--agents", type=int, default=0, help="0: seven for every ten lines")
    parser.add_argument("--max-cps", type=int, default=80)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    sipp = shutil.which("sipp")
    if sipp is None:
        sys.exit("sipp is not installed: apt-get install sip-tester")
    options = Options(
        lines=given.lines,
        seconds=given.seconds,
        ramp_s=given.ramp,
        agents=given.agents or given.lines * 7 // 10,
        max_cps=given.max_cps,
        leads=int(given.max_cps * (given.seconds + given.ramp) * 1.2),
    )
    figures = measure(options, sipp)
    if given.json:
        sys.stdout.write(json.dumps({"options": asdict(options), "figures": asdict(figures)}) + "\n")
    else:
        show(options, figures)
    return 0 if figures.attempts and figures.lost == figures.dialled_twice == 0 else 1


def measure(options: Options, sipp: str) -> Figures:
    """Set everything up, run, tear down."""
    folder = Path(tempfile.mkdtemp(prefix="dialer-bench-"))
    limit_s = int(READY_LIMIT_S + options.ramp_s + options.seconds + DRAIN_LIMIT_S)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url = stack.enter_context(parts.valkey(folder))
        callees = stack.enter_context(
            far_end(sipp, "callee", folder, port=CALLEE_PORT, media_port=CALLEE_MEDIA, limit_s=limit_s)
        )
        phones = stack.enter_context(
            far_end(sipp, "agent", folder, port=AGENT_PORT, media_port=AGENT_MEDIA, limit_s=limit_s)
        )
        store = open_store(RedisSettings(url=url))
        stack.callback(close_store, store)
        _campaign(store, folder)
        settings = folder / "dialer.toml"
        settings.write_text(_settings(folder, url, options))
        leash = stack.enter_context(parts.daemon(folder, settings, limit_s))
        _wait(lambda: bool(status.read(store)), READY_LIMIT_S, folder, "the daemon was not ready")
        names = [f"agent-{i:04}" for i in range(options.agents)]
        uris = {name: f"sip:{name}@127.0.0.1:{AGENT_PORT}" for name in names}
        desk = crm.connect(url, store.keys.prefix, CAMPAIGN, uris, seed=1)
        stack.callback(desk.client.close)
        bench = Bench(options, folder, store, callees, phones, family(leash.pid), desk)
        stop = threading.Event()
        with ThreadPoolExecutor(1, "crm") as threads:
            stack.callback(stop.set)
            working = threads.submit(crm.work, desk, _rows(options.leads), (), stop)
            _set_state(store, CampaignState.RUNNING)
            try:
                window = _run(bench)
                leash.terminate()
                leash.wait(DRAIN_LIMIT_S)
            finally:
                stop.set()
            working.result(60)
        return _figures(bench, window)


# --- set up ---------------------------------------------------------------------------------------------------------


def _campaign(store: Store, folder: Path) -> None:
    message = folder / "abandoned.wav"
    scene.write_message(message)
    settings = CampaignSettings(
        name=CAMPAIGN,
        caller_id=scene.CALLER_ID,
        abandon_message=str(message),
        ring_timeout_s=15.0,
        **AT_ANY_HOUR,
    )
    campaigns.create(store, settings, who="bench", now=time.time())
    _set_state(store, CampaignState.PAUSED)


def _set_state(store: Store, state: CampaignState) -> None:
    campaigns.set_state(store, CAMPAIGN, state, who="bench", now=time.time())
    control.send(store, control.Command("campaign", {"campaign": CAMPAIGN}), who="bench", now=time.time())


def _settings(folder: Path, url: str, options: Options) -> str:
    return f"""\
[redis]
url = "{url}"
[host]
name = "bench"
[sip]
max_lines = {options.lines}
[[trunks]]
name = "sipp"
host = "127.0.0.1"
port = {CALLEE_PORT}
max_cps = {options.max_cps}
max_calls = {options.lines}
[spool]
dir = "{folder / "spool"}"
[evidence]
folder = "{folder / "evidence"}"
key_file = "{folder / "evidence.key"}"
[metrics]
port = 0
[log]
format = "json"
[drain]
talk_limit_s = 30
"""


def _rows(leads: int) -> list[Row]:
    return [Row(Kind.GOOD, f"bench-{i}", _phone(i), _lead(i)) for i in range(leads)]


def _phone(i: int) -> str:
    return f"+86138{10_000_000 + i}"


def _lead(i: int) -> bytes:
    packed: bytes = msgpack.packb({"lead_id": f"bench-{i}", "phone": _phone(i)})
    return packed


def _wait(condition: Callable[[], bool], limit_s: float, folder: Path, otherwise: str) -> None:
    until = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > until:
            raise SystemExit(f"{otherwise}: {parts.last_words(folder / 'daemon.log')}")
        time.sleep(0.2)


# --- measure --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """One board a second, and what the processes used between the first and the last."""

    boards: tuple[Board, ...]
    cores: tuple[float, float, float]
    private_mb: tuple[float, ...]
    resident_mb: float


def _run(bench: Bench) -> Window:
    options = bench.options
    far = (bench.callees.process.pid, bench.phones.process.pid)
    groups = ((bench.family.daemon,), (bench.family.zygote, *bench.family.workers), far)
    boards: list[Board] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("filling the lines", total=options.ramp_s + options.seconds)
        start = time.monotonic()
        before = [0.0, 0.0, 0.0]
        while (elapsed := time.monotonic() - start) < options.ramp_s + options.seconds:
            if elapsed >= options.ramp_s:
                if not boards:
                    before = [cpu_s(group) for group in groups]
                    progress.update(task, description="measuring")
                boards.append(_board(bench.store))
            progress.update(task, completed=elapsed)
            time.sleep(1.0)
    after = [cpu_s(group) for group in groups]
    cores = [(b - a) / options.seconds for a, b in zip(before, after, strict=True)]
    return Window(
        boards=tuple(boards),
        cores=(cores[0], cores[1], cores[2]),
        private_mb=tuple(private_mb(pid) for pid in bench.family.workers),
        resident_mb=resident_mb(bench.family.daemon),
    )


def _board(store: Store) -> Board:
    return from_wire(status.read(store)[0].snapshot)


def _figures(bench: Bench, window: Window) -> Figures:
    boards = window.boards
    attempts = [board.campaigns[0].attempts for board in boards]
    times = [board.at for board in boards]
    fives = [(attempts[i + 5] - attempts[i]) / (times[i + 5] - times[i]) for i in range(len(boards) - 5)]
    last = boards[-1].campaigns[0]
    lines = [board.lines_used for board in boards]
    counts = status.counts(bench.store, CAMPAIGN, time.time())
    attempted = sum(counts.dispositions.values())
    sent = attempted - counts.dispositions.get("not_sent", 0)
    accounted = counts.closed + counts.due + counts.waiting
    return Figures(
        attempts_per_s=(attempts[-1] - attempts[0]) / (times[-1] - times[0]),
        slowest_5_s=min(fives, default=0.0),
        lines_mean=mean(lines),
        lines_p5=quantiles(lines, n=20)[0],
        hand_over_p50_ms=last.hand_over.p50_ms,
        hand_over_p99_ms=last.hand_over.p99_ms,
        answer_to_agent_p99_ms=last.answer_to_agent.p99_ms,
        worker_private_mb_mean=mean(window.private_mb),
        worker_private_mb_max=max(window.private_mb),
        daemon_resident_mb=window.resident_mb,
        workers=len(bench.family.workers),
        cores_daemon=window.cores[0],
        cores_workers=window.cores[1],
        cores_far_end=window.cores[2],
        abandon_rate=last.abandon_rate,
        pacing_late=boards[-1].pacing_late,
        attempts=attempted,
        not_sent=attempted - sent,
        invites_at_far_end=bench.callees.counted("TotalCallCreated"),
        dispositions_at_crm=len(bench.desk.heard),
        dialled_twice=max(0, bench.callees.counted("TotalCallCreated") - sent),
        lost=abs(counts.accepted - accounted)
        + counts.leased
        + counts.in_attempt
        + abs(attempted - len(bench.desk.heard)),
    )


# --- print ----------------------------------------------------------------------------------------------------------


def show(options: Options, figures: Figures) -> None:
    """The figures beside what was asked for."""
    table = Table(title=f"{options.lines} lines, {options.agents} agents, {options.seconds:g} s", title_justify="left")
    for column, justify in (("figure", "left"), ("measured", "right"), ("to reach", "right")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    rows = [
        ("attempts per second", f"{figures.attempts_per_s:.1f}", "60"),
        ("  slowest 5 s", f"{figures.slowest_5_s:.1f}", ""),
        ("lines in flight, mean", f"{figures.lines_mean:.0f}", "400"),
        ("answer to agent's INVITE, p50", f"{figures.hand_over_p50_ms:.1f} ms", ""),
        ("answer to agent's INVITE, p99", f"{figures.hand_over_p99_ms:.1f} ms", "50 ms"),
        ("answer to both hear each other, p99", f"{figures.answer_to_agent_p99_ms:.1f} ms", ""),
        ("a SIP worker's private memory, mean", f"{figures.worker_private_mb_mean:.1f} MB", "12 MB"),
        ("a SIP worker's private memory, largest", f"{figures.worker_private_mb_max:.1f} MB", "12 MB"),
        ("the daemon's resident memory", f"{figures.daemon_resident_mb:.0f} MB", "350 MB"),
        ("cores: daemon", f"{figures.cores_daemon:.2f}", ""),
        (f"cores: {figures.workers} workers", f"{figures.cores_workers:.2f}", ""),
        ("cores: SIPp", f"{figures.cores_far_end:.2f}", ""),
        ("abandon rate", f"{figures.abandon_rate:.1%}", "3 %"),
        ("decisions that came too late", str(figures.pacing_late), ""),
        ("attempts that left = INVITEs at SIPp", _books(figures), "equal"),
        ("attempts = dispositions at the CRM", f"{figures.attempts} = {figures.dispositions_at_crm}", "equal"),
        ("attempts given back by the drain", str(figures.not_sent), ""),
        ("leads lost", str(figures.lost), "0"),
        ("dialled twice", str(figures.dialled_twice), "0"),
    ]
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _books(figures: Figures) -> str:
    return f"{figures.attempts - figures.not_sent} = {figures.invites_at_far_end}"


if __name__ == "__main__":
    sys.exit(main())
