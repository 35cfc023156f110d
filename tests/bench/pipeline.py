"""The whole pipeline under load: leads in Redis, gates, pacing, SIP to SIPp, agents, dispositions.

    make bench                            # 410 lines, so that 400 are in flight, for 60 s
    make bench BENCH="--lines 100 --seconds 20"
    make bench BENCH="--campaigns 20"     # one campaign, then 20 that share the leads and the agents

Everything runs on this machine: Valkey, the daemon with its workers, a stand-in CRM with the agents' desktops, SIPp as
callees and as phones. So the figures are of a machine that does both ends' work.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import cycle, islice
from pathlib import Path
from statistics import mean, quantiles

import msgpack
from rich.console import Console
from rich.progress import Progress

from config.campaign import CampaignSettings
from config.redis import RedisSettings
from dialer.core.board import Board, from_wire
from dialer.core.inputs import CampaignState
from dialer.demo import crm, parts, scene
from dialer.demo.lead_list import Kind, Row
from dialer.store.base.connection import Store, close_store, open_store
from dialer.store.operators import campaigns, control, status
from tests.bench.far_end import FarEnd, far_end
from tests.bench.pipeline_table import Figures, Options, show
from tests.bench.processes import Family, cpu_s, family, private_mb, resident_mb
from tests.rules import AT_ANY_HOUR

CALLEE_PORT, AGENT_PORT = 25060, 25080
CALLEE_MEDIA, AGENT_MEDIA = 26000, 26100
LOGINS = 5
"""Campaigns that each agent logs in for, at most."""

READY_LIMIT_S = 180.0
DRAIN_LIMIT_S = 120.0


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
    parser.add_argument("--trunks", type=int, default=1, help="they share the calls by weight, and the limits")
    parser.add_argument("--campaigns", type=int, default=1, help="more than 1: beside a run with one")
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
        campaigns=given.campaigns,
        trunks=given.trunks,
    )
    plans = [replace(options, campaigns=number) for number in sorted({1, options.campaigns})]
    runs = [(plan, measure(plan, sipp)) for plan in plans]
    if given.json:
        for plan, figures in runs:
            sys.stdout.write(json.dumps({"options": asdict(plan), "figures": asdict(figures)}) + "\n")
    else:
        show(runs)
    return 0 if all(one.attempts and one.lost == one.dialled_twice == 0 for _, one in runs) else 1


def measure(options: Options, sipp: str) -> Figures:
    """Set everything up, run, tear down."""
    with at_work(options, sipp) as (bench, drain):
        window = _run(bench)
        drain()
        return _figures(bench, window)


@contextmanager
def at_work(options: Options, sipp: str) -> Iterator[tuple[Bench, Callable[[], None]]]:
    """A floor that dials, and what drains it; everything is gone after the block."""
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
        _campaigns(store, folder, options)
        settings = folder / "dialer.toml"
        settings.write_text(_settings(folder, url, options))
        leash = stack.enter_context(parts.daemon(folder, settings, limit_s))
        _wait(lambda: bool(status.read(store)), READY_LIMIT_S, folder, "the daemon was not ready")
        names = [f"agent-{i:04}" for i in range(options.agents)]
        uris = {name: f"sip:{name}@127.0.0.1:{AGENT_PORT}" for name in names}
        desk = crm.connect(url, store.keys.prefix, options.names[0], uris, seed=1)
        stack.callback(desk.client.close)
        bench = Bench(options, folder, store, callees, phones, family(leash.pid), desk)
        stop = threading.Event()
        with ThreadPoolExecutor(1, "crm") as threads:
            stack.callback(stop.set)
            working = threads.submit(_work, desk, options, stop)
            _set_state(store, options, CampaignState.RUNNING)

            def drain() -> None:
                leash.terminate()
                leash.wait(DRAIN_LIMIT_S)
                stop.set()
                working.result(60)

            try:
                yield bench, drain
            finally:
                stop.set()


# --- set up ---------------------------------------------------------------------------------------------------------


def _campaigns(store: Store, folder: Path, options: Options) -> None:
    message = folder / "abandoned.wav"
    scene.write_message(message)
    for name in options.names:
        settings = CampaignSettings(
            name=name,
            caller_id=scene.CALLER_ID,
            abandon_message=str(message),
            ring_timeout_s=15.0,
            **AT_ANY_HOUR,
        )
        campaigns.create(store, settings, who="bench", now=time.time())
    _set_state(store, options, CampaignState.PAUSED)


def _set_state(store: Store, options: Options, state: CampaignState) -> None:
    for name in options.names:
        campaigns.set_state(store, name, state, who="bench", now=time.time())
        control.send(store, control.Command("campaign", {"campaign": name}), who="bench", now=time.time())


def _work(desk: crm.Crm, options: Options, stop: threading.Event) -> None:
    """The CRM's day: the leads of every campaign, the agents for some campaigns each, then whatever is to be heard."""
    names, rows = options.names, _rows(options.leads)
    crm.open_group(desk)
    for place, name in enumerate(names):
        crm.send_leads(replace(desk, campaign=name), rows[place :: len(names)])
    streams = [replace(desk, campaign=name).campaign_stream("leads") for name in names]
    while any(desk.client.xlen(stream) for stream in streams) and not stop.is_set():
        stop.wait(0.05)
    mine, now = cycle(names), time.time()
    for agent, uri in desk.agents.items():
        crm.say(desk, agent, "login", uri=uri, campaigns=list(islice(mine, min(LOGINS, len(names)))), team="bench")
        crm.say(desk, agent, "ready")
        heapq.heappush(desk.errands, crm.Errand(now + crm.HEARTBEAT_S, agent, "heartbeat"))
    crm.serve(desk, stop)
    crm.log_out(desk)


def _settings(folder: Path, url: str, options: Options) -> str:
    return f"""\
[redis]
url = "{url}"
[host]
name = "bench"
[sip]
media_timeout_s = 0
max_lines = {options.lines}
{"".join(_trunk(place, options) for place in range(options.trunks))}
[spool]
dir = "{folder / "spool"}"
[evidence]
folder = "{folder / "evidence"}"
key_file = "{folder / "evidence.key"}"
[metrics]
port = 0
[agents]
probe_limit_s = 0  # SIPp answers no OPTIONS
[log]
format = "json"
[drain]
talk_limit_s = 30
"""


def _trunk(place: int, options: Options) -> str:
    return f"""
[[trunks]]
name = "sipp-{place}"
host = "127.0.0.1"
port = {CALLEE_PORT}
weight = 1
max_cps = {-(-options.max_cps // options.trunks)}
max_calls = {-(-options.lines // options.trunks)}
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


def percentile(samples: list[float], share: float) -> float:
    """0 where there is none."""
    return sorted(samples)[round(share * (len(samples) - 1))] if samples else 0.0


def _figures(bench: Bench, window: Window) -> Figures:
    boards = window.boards
    attempts = [sum(row.attempts for row in board.campaigns) for board in boards]
    times = [board.at for board in boards]
    fives = [(attempts[i + 5] - attempts[i]) / (times[i + 5] - times[i]) for i in range(len(boards) - 5)]
    last = boards[-1].campaigns
    lines = [board.lines_used for board in boards]
    counts = [status.counts(bench.store, name, time.time()) for name in bench.options.names]
    attempted = sum(sum(one.dispositions.values()) for one in counts)
    sent = attempted - sum(one.dispositions.get("not_sent", 0) for one in counts)
    astray = sum(abs(one.accepted - one.closed - one.due - one.waiting) + one.leased + one.in_attempt for one in counts)
    hand_over, answer_to_agent = delays(bench.folder)
    return Figures(
        attempts_per_s=(attempts[-1] - attempts[0]) / (times[-1] - times[0]),
        slowest_5_s=min(fives, default=0.0),
        lines_mean=mean(lines),
        lines_p5=quantiles(lines, n=20)[0],
        hand_over_p50_ms=percentile(hand_over, 0.5),
        hand_over_p99_ms=percentile(hand_over, 0.99),
        answer_to_agent_p99_ms=percentile(answer_to_agent, 0.99),
        worker_private_mb_mean=mean(window.private_mb),
        worker_private_mb_max=max(window.private_mb),
        daemon_resident_mb=window.resident_mb,
        workers=len(bench.family.workers),
        cores_daemon=window.cores[0],
        cores_workers=window.cores[1],
        cores_far_end=window.cores[2],
        abandon_rate=sum(row.abandoned for row in last) / max(1, sum(row.answered for row in last)),
        pacing_late=boards[-1].pacing_late,
        attempts=attempted,
        not_sent=attempted - sent,
        invites_at_far_end=bench.callees.counted("TotalCallCreated"),
        dispositions_at_crm=len(bench.desk.heard),
        dialled_twice=max(0, bench.callees.counted("TotalCallCreated") - sent),
        lost=astray + abs(attempted - len(bench.desk.heard)),
    )


if __name__ == "__main__":
    sys.exit(main())
