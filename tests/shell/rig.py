"""A whole dialer for tests: `dialer run` as a process of its own, and the test as its CRM, desktops and operator.

The server and the carriers are real and belong to the session; a `Site` is one installation on them, kept apart from
others by the prefix of its keys. Nothing here sleeps and hopes: `Site.until` waits for a condition, with a limit.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from config.campaign import CampaignSettings, RetryTable
from config.redis import RedisSettings
from dialer.core.agents.agent import AgentEvent, AgentEventKind
from dialer.core.board import Board, from_wire
from dialer.core.inputs import CampaignState
from dialer.demo.scene import write_message
from dialer.store.base.connection import Store, close_store, open_store
from dialer.store.base.errors import StoreUnavailable
from dialer.store.leads import intake
from dialer.store.operators import agents, campaigns, control, status
from pacing.api import Mode
from sip.loopback.process import Loopback
from tests.crm_events import Heard, heard
from tests.rules import AT_ANY_HOUR

LIMIT_S: Final = 40.0
"""A busy machine gets this long for what takes a second."""

CPU_LIMIT_S: Final = 120
"""A daemon whose test was killed does not go on for ever."""

PROGRAM: Final = "from dialer.cli import main; main()"
EMPTY: Final[Mapping[str, str]] = MappingProxyType({})

TRUNKS: Final = """\
[[trunks]]
name = "{name}"
host = "127.0.0.1"
port = {port}
max_cps = 50
max_calls = 20
first_answer_s = 5
"""


PEOPLE = """\
name = "{name}"
callee_hangs_up_share = 1.0
media = "echo"

[shares]
answer = 1.0

[ring]
mean_s = {ring_s}

[talk]
mean_s = {talk_s}

[forced_suffix]
99 = "no_answer"
88 = "busy"

[phones.forced]
agent-busy = "busy"
agent-deaf = "no_answer"
"""
"""Everybody answers, but for numbers that end in 99 or 88; the callee hangs up."""


@dataclass(slots=True)
class Dialer:
    """One `dialer run`. `told` is what it has told systemd so far."""

    process: subprocess.Popen[bytes]
    host: str
    folder: Path
    notify: socket.socket
    told: list[str] = field(default_factory=list)

    @property
    def log(self) -> str:
        """Everything that it has said."""
        return (self.folder / "daemon.log").read_text(errors="replace")

    def hear(self) -> list[str]:
        """What it has told systemd, line by line."""
        while True:
            try:
                self.told += self.notify.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self.told

    def stop(self) -> None:
        """SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, as the kernel does when memory is short."""
        self.process.kill()
        self.process.wait()

    def ended(self, limit_s: float = LIMIT_S) -> int:
        """Its exit code, when it has ended."""
        end = time.monotonic() + limit_s
        while (status := self.process.poll()) is None:
            self.hear()
            if time.monotonic() > end:
                raise AssertionError(f"{self.host} did not end within {limit_s} s: {self.log[-2000:]}")
            time.sleep(0.02)
        return status

    def family(self) -> list[int]:
        """Its zygote and its SIP workers."""
        return descendants(self.process.pid)

    def workers(self) -> list[int]:
        """Its SIP workers."""
        return [pid for zygote in children(self.process.pid) for pid in children(zygote)]


def children(pid: int) -> list[int]:
    """The child processes of a process."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except FileNotFoundError:
        return []


def descendants(pid: int) -> list[int]:
    """The child processes of a process, and theirs."""
    found = children(pid)
    return found + [each for child in found for each in descendants(child)]


def is_alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """A port of 127.0.0.1 at which nobody is."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def noon_zone() -> str:
    """A time zone where it is around noon, so that no test depends on the hour at which it runs."""
    ahead = 12 - time.gmtime().tm_hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


@dataclass(slots=True)
class Site:
    """One installation: its keys, its folder, its trunks by name (the UDP port of each)."""

    folder: Path
    url: str
    prefix: str
    trunks: Mapping[str, int]
    store: Store
    daemons: list[Dialer] = field(default_factory=list)

    # --- the operator -------------------------------------------------------------------------------------------

    def settings_file(self, host: str, **given: Mapping[str, object]) -> Path:
        """A daemon's settings file; `given` are sections, laid over what the tests need."""
        folder = self.folder / host
        folder.mkdir(exist_ok=True)
        sections: dict[str, dict[str, object]] = {
            "redis": {"url": self.url, "prefix": self.prefix, "timeout_s": 2.0},
            "host": {"name": host, "heartbeat_s": 0.5, "lease_s": 10},
            "sip": {"max_lines": 10, "media_timeout_s": 0},  # the people of these scenarios are silent
            "agents": {"heartbeat_timeout_s": 300},
            "spool": {"dir": str(folder / "spool")},
            "evidence": {"folder": str(folder / "evidence"), "key_file": str(folder / "evidence.key")},
            "recordings": {"folder": str(folder / "recordings"), "min_free_mb": 10},
            "metrics": {"port": 0},
            "log": {"format": "json", "level": "debug"},
            "drain": {"talk_limit_s": 60},
        }
        for name, section in given.items():
            sections[name] = {**sections.get(name, {}), **section}
        lines = []
        for name, values in sections.items():
            lines.append(f"[{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]  # TOML's form, too
        lines += [TRUNKS.format(name=name, port=port) for name, port in self.trunks.items()]
        path = folder / "dialer.toml"
        path.write_text("\n".join(lines))
        return path

    def start(
        self,
        host: str = "one",
        *,
        ready: bool = True,
        wrapper: Sequence[str] = (),
        program: str = PROGRAM,
        environ: Mapping[str, str] = EMPTY,
        **given: Mapping[str, object],
    ) -> Dialer:
        """`dialer run`, by a `wrapper` that becomes it, or by another `program` that is `dialer`. Returns when it has
        said that it is ready, or at once."""
        settings = self.settings_file(host, **given)
        folder = settings.parent
        address = folder / "notify"
        address.unlink(missing_ok=True)
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(str(address))
        notify.setblocking(False)
        run = [sys.executable, "-c", program, "--config", str(settings), "run"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DIALER_")}
        environment = {**inherited, **environ}
        with (folder / "daemon.log").open("ab") as said:
            process = subprocess.Popen(
                ["sh", "-c", f'ulimit -t {CPU_LIMIT_S}; exec "$@"', "sh", *wrapper, *run],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**environment, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "3000000"},
                start_new_session=True,
            )
        dialer = Dialer(process, host, folder, notify)
        self.daemons.append(dialer)
        if ready:
            self.until(lambda: "READY=1" in dialer.hear() or process.poll() is not None, f"{host} is ready")
            assert process.poll() is None, dialer.log
        return dialer

    def campaign(self, name: str, **changes: Any) -> None:
        """A running campaign, progressive unless it is said otherwise, that may call at any hour."""
        settings = CampaignSettings(
            **{
                "name": name,
                "mode": Mode.PROGRESSIVE,
                "caller_id": "+861012345678",
                **AT_ANY_HOUR,
                "retry": RetryTable.model_validate({row: {"max_attempts": 0} for row in RetryTable.model_fields}),
                "wrapup_limit_s": 0.2,
                **changes,
            }
        )
        campaigns.create(self.store, settings, who="test", now=time.time())
        self.order(name, CampaignState.RUNNING)

    def order(self, campaign: str, state: CampaignState) -> None:
        """Start, pause or stop a campaign, as `dialer campaign` does."""
        campaigns.set_state(self.store, campaign, state, who="test", now=time.time())
        control.send(self.store, control.Command("campaign_state", {}), who="test", now=time.time())

    def message(self) -> str:
        """A playable abandon message."""
        path = self.folder / "message.wav"
        write_message(path)
        return str(path)

    def board(self, host: str = "one") -> Board | None:
        """What a daemon shows of itself."""
        for said in status.read(self.store):
            if said.host == host:
                return from_wire(said.snapshot)
        return None

    # --- the CRM ------------------------------------------------------------------------------------------------

    def leads(self, campaign: str, numbers: Sequence[str]) -> None:
        """Hand leads in; a lead's id says nothing of its number."""
        known = intake_total(self.store, campaign)
        rows = [
            {"lead_id": f"{campaign}-{known + i}", "phone": number, "timezone": noon_zone()}
            for i, number in enumerate(numbers)
        ]
        intake.enqueue(self.store, campaign, rows)

    def events(self, *kinds: str) -> list[Heard]:
        """Everything that the CRM has been told so far."""
        return heard(self.store, *kinds)

    def ends(self, campaign: str) -> list[Heard]:
        """The dispositions of a campaign, in the order in which they came."""
        return [event for event in self.events("disposition") if event.data["campaign"] == campaign]

    def kinds(self, campaign: str) -> Counter[str]:
        """How a campaign's attempts ended."""
        return Counter(event.data["disposition"] for event in self.ends(campaign))

    def talks(self, campaign: str) -> list[Heard]:
        """The talks of a campaign that have begun."""
        return [event for event in self.events("connected") if event.data["campaign"] == campaign]

    def counts(self, campaign: str) -> status.Counts:
        """Where a campaign's leads are."""
        return status.counts(self.store, campaign, time.time())

    # --- the desktops -------------------------------------------------------------------------------------------

    def log_in(self, phones: Loopback, names: Sequence[str], *campaigns_of: str) -> None:
        """Agents come to work and are ready."""
        for name in names:
            self.say(name, "login", uri=phones.phone_uri(name), campaigns=campaigns_of)
            self.say(name, "ready")

    def say(self, agent: str, kind: str, **more: Any) -> None:
        """What a desktop says."""
        agents.enqueue(self.store, [AgentEvent(AgentEventKind(kind), agent, **more)])

    def agents_in(self, state: str) -> set[str]:
        """Agents whom the presence table shows in a state."""
        return {row.agent for row in agents.listing(self.store) if row.state.value == state}

    # --- waiting ------------------------------------------------------------------------------------------------

    def until(self, condition: Callable[[], Any], what: str, limit_s: float = LIMIT_S) -> Any:
        """Wait until a condition is true, and return what it gave. A server that is away is not true."""
        end = time.monotonic() + limit_s
        while True:
            for dialer in self.daemons:
                dialer.hear()
            try:
                found = condition()
            except StoreUnavailable:
                found = None
            if found:
                return found
            if time.monotonic() > end:
                logs = "\n".join(f"{daemon.host}:\n{daemon.log[-3000:]}" for daemon in self.daemons)
                raise AssertionError(f"within {limit_s} s it did not come to this: {what}\n{logs}")
            time.sleep(0.05)


def intake_total(store: Store, campaign: str) -> int:
    """How many leads a campaign has seen."""
    counts = status.counts(store, campaign, time.time())
    return counts.queued + counts.accepted + counts.rejected


@contextmanager
def open_site(folder: Path, url: str, prefix: str, trunks: Mapping[str, int]) -> Iterator[Site]:
    """An installation. Every daemon that was started in it, with all its workers, is gone after the block."""
    folder.mkdir(parents=True, exist_ok=True)
    store = open_store(RedisSettings(url=url, prefix=prefix, timeout_s=2.0))
    site = Site(folder, url, prefix, trunks, store)
    try:
        yield site
    finally:
        for dialer in site.daemons:
            family = dialer.family()
            dialer.kill()
            for pid in filter(is_alive, family):
                kill_quietly(pid)
            dialer.notify.close()
        close_store(store)


def kill_quietly(pid: int) -> None:
    """SIGKILL a process that may have ended in the meantime."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@dataclass(frozen=True, slots=True)
class Rig:
    """What installations are built on: a server, people who talk 2 s, people who talk 50 s."""

    folder: Path
    url: str
    quick: Loopback
    chatty: Loopback

    def site(self, name: str, **trunks: int) -> AbstractContextManager[Site]:
        """An installation of its own, with these trunks, or with both carriers."""
        ports = trunks or {"quick": self.quick.carrier_port, "chatty": self.chatty.carrier_port}
        return open_site(self.folder / name, self.url, f"{name}:", ports)


def people(folder: Path, name: str, *, ring_s: float, talk_s: float) -> Path:
    """A profile for a carrier."""
    path = folder / f"{name}.toml"
    path.write_text(PEOPLE.format(name=name, ring_s=ring_s, talk_s=talk_s))
    return path
