"""The session's server and carriers, and the scenarios that take their time.

A scenario is a function that runs once, in a thread beside the other ones, from the first test on that needs any of
them; the tests look at what it found, and stand in one file, so that one process of the tests runs them all. A scenario
none of whose tests was collected does not run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from pacing.warmup import warm_up
from sip.loopback.process import start_loopback
from tests.conftest import running_valkey
from tests.shell import rehearse_deaths, rehearse_drain, rehearse_kill, rehearse_outage
from tests.shell.rig import Rig, people

SCENARIOS: Mapping[str, Callable[[Rig], Any]] = {
    "drained": rehearse_drain.run,
    "killed": rehearse_kill.run,
    "outage": rehearse_outage.run,
    "deaths": rehearse_deaths.run,
}


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The server and the carriers of the session."""
    if not sys.platform.startswith("linux"):
        pytest.skip("looks for a daemon's processes in /proc")
    warm_up()  # or the first daemon after a change compiles for longer than anybody waits for it
    folder = tmp_path_factory.mktemp("rig")
    with (
        running_valkey() as server,
        start_loopback(people(folder, "quick", ring_s=0.3, talk_s=2.0), max_seconds=1500) as quick,
        start_loopback(people(folder, "chatty", ring_s=0.3, talk_s=50.0), max_seconds=1500) as chatty,
    ):
        yield Rig(folder, f"redis://{server.host}:{server.port}/0", quick, chatty)


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


@pytest.fixture(scope="session")
def deaths(scenarios: Mapping[str, Future[Any]]) -> rehearse_deaths.Found:
    """What was found when SIP workers kept dying."""
    found: rehearse_deaths.Found = scenarios["deaths"].result()
    return found
