"""What the engine and the board cost on the event loop, with one campaign and with many.

    make bench-engine                          # 300 agents, each logged in for up to five campaigns
    make bench-engine BENCH="--logins 50"      # each for every campaign
    make bench-engine BENCH="--agents 1000 --repeats 1000"

Each repeat is measured after an agent's heartbeat, so that nothing is known from the repeat before. The look at the
stored campaigns is against a Valkey of this machine. All but "from end to end" is processor time, so that others who
work on the machine do not show.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import structlog
import trio
from rich.console import Console
from rich.table import Table

from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from config.redis import RedisSettings
from config.sip import TrunkSettings
from dialer.core.agents.agent import AgentEvent, AgentEventKind
from dialer.core.calls.trunk_load import TrunkLimits
from dialer.core.effects import Settle
from dialer.core.inputs import LeadsLeased
from dialer.core.model import Settlement
from dialer.demo import parts
from dialer.shell.clock import Clock
from dialer.shell.health import Health
from dialer.shell.statistics import Statistics
from dialer.shell.tasks.campaign_watch import CampaignWatch
from dialer.store.base.connection import Store, close_store, open_store
from dialer.store.operators import campaigns
from pacing.api import Mode
from tests.core.conftest import Stage, a_lead, a_stage, of
from tests.shell.some_parts import some_parts

CAMPAIGNS: Final = (1, 5, 20, 50)
LOOKED_AT: Final = (1, 50, 65, 150)
CALLERS: Final = 20
SAMPLES: Final = 5_000
LOOKS: Final = 20
MANY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Times:
    """What repeats of one thing took, in milliseconds."""

    least: float
    median: float
    p99: float

    def __str__(self) -> str:
        return f"{self.least:.3f}  {self.median:.3f}  {self.p99:.3f}"


def times_of(taken_s: Sequence[float]) -> Times:
    """Out of seconds."""
    ordered = sorted(taken_s)
    last = len(ordered) - 1
    return Times(*(ordered[round(share * last)] * 1000 for share in (0.0, 0.5, 0.99)))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-engine", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--agents", type=int, default=300)
    parser.add_argument("--logins", type=int, default=5, help="campaigns that each agent logs in for")
    parser.add_argument("--repeats", type=int, default=500)
    asked = parser.parse_args()
    console = Console()
    title = f"{asked.agents} agents, {CALLERS} callers wait; ms: least, median, p99 of {asked.repeats}"
    figures = {number: measured(number, asked.agents, asked.logins, asked.repeats) for number in CAMPAIGNS}
    console.print(_table(title, {f"{number} campaigns": found for number, found in figures.items()}))
    looks = {f"{number} campaigns": looked(number) for number in LOOKED_AT}
    console.print(_table(f"the look at the stored campaigns; ms: least, median, most of {LOOKS}", looks))
    return 0


# --- the floor ------------------------------------------------------------------------------------------------------


def busy_floor(number: int, agents: int, logins: int) -> Stage:
    """Two agents of three talk, some wrap up, the others are paused; as many calls as a third of the agents ring, and
    callers wait for whom nobody is there. A few agents are ready, who serve the first campaign alone."""
    trunk = TrunkLimits("north", float(MANY), MANY)
    stage = a_stage(trunks=(trunk,), slots=MANY, max_lines=MANY, agent_heartbeat_timeout_s=1e9)
    names = [f"c{place:02}" for place in range(number)]
    for name in names:
        stage.campaign(name, mode=Mode.PROGRESSIVE)
    for place in range(agents):
        mine = tuple(islice(cycle(names), place, place + min(logins, number)))
        stage.login(f"agent-{place:03}", campaigns=mine)
    of_others = names[1:] or names
    talks = [stage.talk(name) for name in islice(cycle(names), agents * 4 // 5)]
    for attempt in talks[:: len(talks) // (agents // 10)]:
        stage.end(attempt)
    for agent in list(stage.state.roster.ready):
        stage.say(AgentEventKind.PAUSE, agent)
    for name in islice(cycle(names), agents // 3):
        stage.ring(stage.dial(name))
    for name in islice(cycle(of_others), CALLERS):
        stage.answer(stage.dial(name))
    if number > 1:
        for place in range(CALLERS):
            stage.say(AgentEventKind.LOGIN, f"idle-{place}", uri="sip:idle@phones", campaigns=tuple(names[:1]))
            stage.say(AgentEventKind.READY, f"idle-{place}")
    for name in names:
        stage.tell(LeadsLeased(name, tuple(a_lead(MANY + place, name) for place in range(150)), 0, 0))
    assert len(stage.state.waiting) == CALLERS
    return stage


def measured(number: int, agents: int, logins: int, repeats: int) -> dict[str, Times]:
    """The figures of one floor."""
    stage = busy_floor(number, agents, logins)
    engine, beats = stage.engine, cycle(list(stage.state.roster.agents))
    counts = _counts(stage)

    def beat() -> None:
        engine.receive(AgentEvent(AgentEventKind.HEARTBEAT, next(beats)), stage.now, stage.wall)

    def lease() -> None:
        stage.now += 0.1
        engine.lease_more(stage.now)

    def board() -> None:
        counts.board("bench", engine.statistics(stage.now), Health(), workers=100, restarts=0, spooled=0)

    def ask() -> None:
        for run in stage.state.campaigns.values():
            run.observations.clear()
        engine.pacer_requests(stage.now, everyone=True)

    shown = counts.board("bench", engine.statistics(stage.now), Health(), workers=100, restarts=0, spooled=0)
    return {
        "a heartbeat, 0.2 to reach": _timed(beat, beat, repeats),
        "Engine.lease_more, 0.5 to reach": _timed(lease, beat, repeats),
        "the board, 5 to reach": _timed(board, beat, repeats),
        "Engine.questions, all campaigns": _timed(ask, beat, repeats),
        "the board as plain data, in a thread": _timed(lambda: shown.to_wire(), beat, max(20, repeats // 10)),
    }


def _counts(stage: Stage) -> Statistics:
    """Those of a daemon that has counted for a while."""
    clock = Clock.start()
    counts = Statistics(clock, clock.wall())
    (settle, *_) = of(Settle, stage.done)
    for name in stage.state.campaigns:
        lead = replace(settle.settlement.lead, campaign=name)
        for place in range(SAMPLES):
            counts.settled(_with_delay(settle.settlement, lead, 0.001 * (place * 7919 % 97)))
    for agent in stage.state.roster.agents.values():
        counts.agent_now[agent.agent] = (agent.state, agent.since)
    return counts


def _with_delay(settlement: Settlement, lead, delay_s: float) -> Settlement:  # type: ignore[no-untyped-def]
    at = settlement.answered_at or 0.0
    return replace(settlement, lead=lead, agent_dialled_at=at + delay_s, bridged_at=at + 2 * delay_s)


def _timed(what: Callable[[], None], before: Callable[[], None], repeats: int) -> Times:
    taken = []
    gc.collect()
    gc.disable()
    for _ in range(repeats):
        before()
        started = time.thread_time()
        what()
        taken.append(time.thread_time() - started)
    gc.enable()
    return times_of(taken)


# --- the stored campaigns -------------------------------------------------------------------------------------------


class Holds(trio.abc.Instrument):
    """How long tasks held the event loop. `longest_s` is the longest since it was last set to 0."""

    def __init__(self) -> None:
        self.longest_s = self._since = 0.0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """A task goes on."""
        self._since = time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """It waits again."""
        self.longest_s = max(self.longest_s, time.thread_time() - self._since)


def looked(number: int) -> dict[str, Times]:
    """What a look takes when nothing has changed: from end to end, and at most on end on the event loop."""
    with tempfile.TemporaryDirectory() as folder, parts.valkey(Path(folder)) as url:
        store = open_store(RedisSettings(url=url))
        try:
            return trio.run(_looks, store, number)
        finally:
            close_store(store)


async def _looks(store: Store, number: int) -> dict[str, Times]:
    clock, holds = Clock.start(), Holds()
    for place in range(number):
        settings = CampaignSettings(name=f"c{place:03}", mode=Mode.PROGRESSIVE, caller_id="+861012345678")
        campaigns.create(store, settings, who="bench", now=clock.wall())
    daemon = DaemonSettings(trunks=(TrunkSettings(name="north", host="127.0.0.1"),))
    watch = CampaignWatch(some_parts(store, settings=daemon, clock=clock))
    await watch.look()
    trio.lowlevel.add_instrument(holds)
    await watch.look()
    taken, held = [], []
    for _ in range(LOOKS):
        holds.longest_s, started = 0.0, time.perf_counter()
        await watch.look()
        taken.append(time.perf_counter() - started)
        held.append(holds.longest_s)
    return {"from end to end": times_of(taken), "longest hold of the event loop": times_of(held)}


# --- print ----------------------------------------------------------------------------------------------------------


def _table(title: str, figures: dict[str, dict[str, Times]]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("figure")
    for column in figures:
        table.add_column(column, justify="right")
    for row in next(iter(figures.values())):
        table.add_row(row, *(str(found[row]) for found in figures.values()))
    return table


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    sys.exit(main())
