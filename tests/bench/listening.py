"""What listening in costs: workers with and without listeners in the same talks, audio that is lost, and the delay.

`make bench-listening` rings SIPp, which echoes, on both ends of most talks, and has supervisors' phones (SIPp, too)
join some of them and leave again in turns. The talk that is measured has far ends of our own: the agent sings, and what
the callee and the supervisor hear of it is counted, in windows of 20 ms.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click
import trio

from sip.messages import Answered, Bridged, Dial, DialAgent, Ended, HangUp
from sip.parties.messages import DialParty, Join, Leave, LinkOpened, OpenLink, Voice
from sip.pool import Pool, PoolSettings, open_pool
from sip.settings import Trunk
from tests.bench.recording import STARTS_PER_S, echo, free_port, measured
from tests.sip.conftest import BrokenPeer
from tests.sip.tones import AMPLITUDE, FRAME, heard, level, linear, singing
from tests.sip.worker.conftest import Party

PROBE, PROBES_PARTY = "t-probe", "p-probe"
AGENT_HZ = 900.0
IMPULSES = 8


@dataclass(slots=True)
class Floor:
    """What the pool has said."""

    links: dict[str, LinkOpened] = field(default_factory=dict)
    talks: set[str] = field(default_factory=set)
    moved: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)

    async def until(self, links: int, talks: int) -> None:
        """Wait for so many links and talks."""
        with trio.fail_after(60):
            while len(self.links) < links or len(self.talks) < talks:
                await self.moved.park()


def main() -> None:
    """Parse the options and run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--talks", type=int, default=40)
    options.add_argument("--listened", type=int, default=10)
    options.add_argument("--window", type=float, default=8.0, help="seconds of each turn")
    options.add_argument("--turns", type=int, default=4, help="pairs of turns, without and with")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-listening-", dir=".") as name:
        folder, limit_s = Path(name).absolute(), round(90 + 2 * given.turns * (given.window + 4))
        with (
            echo("callees", folder, (callee := free_port()), 26_000, limit_s),
            echo("agents", folder, (agent := free_port()), 28_000, limit_s),
            BrokenPeer() as first,
            BrokenPeer() as second,
            BrokenPeer() as third,
        ):
            probe = Party(first), Party(second), Party(third)
            trio.run(listen, given, callee, agent, probe)


async def listen(given: argparse.Namespace, callee: int, agent: int, probe: tuple[Party, Party, Party]) -> None:
    """Talks that are listened to and are not, in turns."""
    trunks = (Trunk("carrier", "127.0.0.1", callee), Trunk("probe", "127.0.0.1", probe[0].sip.port))
    settings = PoolSettings(
        trunks, lines=given.talks + 1, parties=given.listened + 1, media_timeout_s=0, session_refresh_s=0
    )
    async with open_pool(settings) as pool, trio.open_nursery() as nursery:
        floor = Floor()
        nursery.start_soon(partial(hear, pool, agent, probe[1].sip.port, floor))
        await begin(pool, given, agent, probe, floor)
        pids, without, with_ = pool.statistics().pids, [], []
        click.echo(f"{given.talks + 1} talks, {given.listened + 1} supervisors, {len(pids)} workers")
        gaps: dict[str, list[float]] = {"callee, alone": [], "callee, listened to": [], "supervisor": []}
        with singing(probe[1], AGENT_HZ):
            for _ in range(given.turns):
                without.append(await counted(pids, given.window, gaps, {"callee, alone": probe[0]}))
                switch(pool, given, floor, on=True)
                await trio.sleep(1.0)
                with_.append(
                    await counted(pids, given.window, gaps, {"callee, listened to": probe[0], "supervisor": probe[2]})
                )
                switch(pool, given, floor, on=False)
                await floor.until(given.listened + 1, given.talks + 1)
                await trio.sleep(1.0)
        switch(pool, given, floor, on=True)
        await trio.sleep(1.0)
        delays = [await trio.to_thread.run_sync(delay_ms, *probe) for _ in range(IMPULSES)]
        for name in [*floor.talks, *floor.links]:
            pool.send(HangUp(name))
        await trio.sleep(1.0)
        nursery.cancel_scope.cancel()
    taps = given.listened + 1
    costs = [100 * (more - less) / taps for less, more in zip(without, with_, strict=True)]
    click.echo(f"a listener costs: median {statistics.median(costs):.2f} % of a core in both workers, {min(costs):.2f} "
               f"to {max(costs):.2f}")  # fmt: skip
    for who, shares in gaps.items():
        click.echo(f"audio missing, {who}: {100 * statistics.mean(shares):.3f} % of windows of 20 ms")
    click.echo(f"later at the supervisor than at the callee: median {statistics.median(delays):.0f} ms, at most "
               f"{max(delays):.0f} ms")  # fmt: skip


async def begin(
    pool: Pool, given: argparse.Namespace, agent: int, probe: tuple[Party, Party, Party], floor: Floor
) -> None:
    """All talks are on, and all supervisors on the phone."""
    for number in range(given.talks):
        pool.send(Dial(f"t-{number}", "carrier", "+4930123456", "+4930999", 60.0))
        await trio.sleep(1 / STARTS_PER_S)
    pool.send(Dial(PROBE, "probe", "+4930123456", "+4930999", 60.0))
    await trio.to_thread.run_sync(probe[0].answers)
    await trio.to_thread.run_sync(probe[1].answers)
    for number in range(given.listened):
        pool.send(DialParty(f"p-{number}", f"sip:boss@127.0.0.1:{agent}", "", 30.0))
    pool.send(DialParty(PROBES_PARTY, f"sip:boss@127.0.0.1:{probe[2].sip.port}", "", 30.0))
    await trio.to_thread.run_sync(probe[2].answers)
    await floor.until(given.listened + 1, given.talks + 1)


def switch(pool: Pool, given: argparse.Namespace, floor: Floor, *, on: bool) -> None:
    """Have all supervisors listen, or leave and be ready for the next time."""
    pairs = [*((f"t-{number}", f"p-{number}") for number in range(given.listened)), (PROBE, PROBES_PARTY)]
    for talk, party in pairs:
        if on:
            link = floor.links[party]
            pool.send(Join(talk, party, link.port, link.key, Voice.LISTEN))
        else:
            del floor.links[party]
            pool.send(Leave(talk, party))
            pool.send(OpenLink(party))


async def counted(pids: tuple[int, ...], window_s: float, gaps: dict[str, list[float]], who: dict[str, Party]) -> float:
    """The cores that the workers used in a window, in which some listened for gaps."""
    async with trio.open_nursery() as nursery:
        for name, party in who.items():
            nursery.start_soon(partial(note_gaps, party, window_s - 0.5, gaps[name]))
        return await measured(pids, window_s)


async def note_gaps(party: Party, seconds: float, shares: list[float]) -> None:
    samples = await trio.to_thread.run_sync(heard, party, seconds)
    windows = [samples[i : i + FRAME] for i in range(0, len(samples), FRAME)]
    shares.append(sum(level(window, AGENT_HZ) < 0.5 * AMPLITUDE for window in windows) / len(windows))


def delay_ms(callee: Party, agent: Party, boss: Party) -> float:
    """How much later than the callee the supervisor hears the agent begin."""
    for party in (callee, boss):
        heard(party, 0.1)
    began: list[float] = []
    with singing(agent, AGENT_HZ):
        for party in (callee, boss):
            while level(linear(party.rtp.recv(2048)[12:]), AGENT_HZ) < 0.3 * AMPLITUDE:
                pass
            began.append(time.monotonic())
    return 1000 * (began[1] - began[0])


async def hear(pool: Pool, agent: int, probes_agent: int, floor: Floor) -> None:
    """Give every answered call an agent; note links and talks."""
    async for event in pool.events:
        match event:
            case Answered(call):
                port = probes_agent if call == PROBE else agent
                pool.send(DialAgent(call, "a", f"sip:agent@127.0.0.1:{port}", "138****5678"))
            case Bridged(call):
                floor.talks.add(call)
            case LinkOpened(call):
                floor.links[call] = event
            case Ended(call):
                floor.talks.discard(call)
        floor.moved.unpark_all()


if __name__ == "__main__":
    main()
