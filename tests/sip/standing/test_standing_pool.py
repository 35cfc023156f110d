"""Standing legs in a real pool: how talks come to them, and what remains when either worker dies."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from sip.causes import Cause, Leg
from sip.messages import AgentEnded, Answered, Bridged, Capacity, DialAgent, Ended, HangUp
from sip.parties.messages import DialParty, LinkOpened
from sip.pool import Pool, PoolSettings, open_pool
from sip.settings import Trunk
from sip.standing.messages import DialStanding, StandingUp
from tests.sip.test_pool import in_trio, until
from tests.sip.tones import singing
from tests.sip.worker.conftest import DIAL, Party, agent, callee
from tests.sip.worker.test_standing import AGENT_HZ, CALLEE_HZ, hears, is_silent

__all__ = ["agent", "callee"]


@asynccontextmanager
async def pool_of(callee: Party, standing: int = 2, parties: int = 0) -> AsyncIterator[Pool]:
    trunks = (Trunk("carrier", "127.0.0.1", callee.sip.port),)
    async with open_pool(
        PoolSettings(trunks, lines=2, standing=standing, parties=parties, media_timeout_s=0.0)
    ) as pool:
        yield pool


async def stands(pool: Pool, agent: Party, call: str = "s1") -> None:
    """The agent's phone is on the line."""
    pool.send(DialStanding(call, f"sip:agent@127.0.0.1:{agent.sip.port}", "dialer", 30.0))
    await trio.to_thread.run_sync(agent.answers)
    await until(pool, StandingUp, call)


async def talks(pool: Pool, callee: Party) -> None:
    """A callee has answered, and talks with the agent."""
    pool.send(DIAL)
    await trio.to_thread.run_sync(callee.answers)
    await until(pool, Answered)
    pool.send(to("s1"))
    await until(pool, Bridged)


def to(standing: str, leg: str = "a1") -> DialAgent:
    return DialAgent("c1", leg, "sip:unused@127.0.0.1", "138****5678", standing=standing)


async def hear_each_other(callee: Party, agent: Party) -> None:
    with singing(callee, CALLEE_HZ), singing(agent, AGENT_HZ):
        assert await trio.to_thread.run_sync(hears, callee, AGENT_HZ)
        assert await trio.to_thread.run_sync(hears, agent, CALLEE_HZ)


def test_standing_legs_take_no_lines_and_talks_come_to_them(callee, agent):
    """Room is what the workers of calls have; the agent's phone hears the callee, and the callee the agent."""

    async def run() -> None:
        async with pool_of(callee) as pool:
            while (await until(pool, Capacity)).slots < 4:
                pass
            await stands(pool, agent)
            statistics = pool.statistics()
            assert (statistics.slots_total, statistics.slots_in_use) == (4, 0)
            await talks(pool, callee)
            await hear_each_other(callee, agent)
            pool.send(HangUp("c1"))
            assert (await until(pool, Ended)).call == "c1"
            pool.send(HangUp("s1"))
            ended = await until(pool, Ended)
            assert (ended.call, ended.cause, ended.ended_by) == ("s1", Cause.NORMAL, Leg.DIALER)

    in_trio(run)


def test_a_colleague_on_the_line_joins_a_talk(callee, agent):
    """A third party whose phone stays on the line answers at once, and hears what the link brings."""

    async def run() -> None:
        async with pool_of(callee, parties=1) as pool:
            await stands(pool, agent)
            pool.send(DialParty("p1", "sip:unused@127.0.0.1", "138****5678", 30.0, standing="s1"))
            assert (await until(pool, LinkOpened)).call == "p1"
            pool.send(HangUp("p1"))
            assert (await until(pool, Ended)).call == "p1"
            pool.send(DialParty("p2", "sip:unused@127.0.0.1", "138****5678", 30.0, standing="s9"))
            assert (await until(pool, Ended)).cause is Cause.UNREACHABLE

    in_trio(run)


def test_phones_beyond_the_room_are_not_rung(callee, agent):
    """It comes back at once and says why; so does a talk for a leg that is not there."""

    async def run() -> None:
        async with pool_of(callee, standing=1) as pool:
            await stands(pool, agent)
            for call in ("s2", "s3"):
                pool.send(DialStanding(call, f"sip:agent@127.0.0.1:{agent.sip.port}", "dialer", 30.0))
            refused = await until(pool, Ended)
            assert (refused.call, refused.cause, refused.reason) == ("s3", Cause.NOT_SENT, "no worker has room")
            pool.send(DIAL)
            await trio.to_thread.run_sync(callee.answers)
            await until(pool, Answered)
            pool.send(to("s3"))
            assert (await until(pool, AgentEnded)).cause is Cause.UNREACHABLE

    in_trio(run)


def test_a_killed_worker_of_phones_is_said_and_replaced(callee, agent):
    """The leg ends as lost, the talk is the daemon's to end, and the phone can be rung again."""

    async def run() -> None:
        async with pool_of(callee) as pool:
            pids = pool.statistics().pids
            await stands(pool, agent)
            await talks(pool, callee)
            keeper = await trio.to_thread.run_sync(holder_of, pids, agent)
            os.kill(keeper, signal.SIGKILL)
            lost = await until(pool, Ended)
            assert (lost.call, lost.cause) == ("s1", Cause.WORKER_LOST)
            pool.send(HangUp("c1"))
            await trio.to_thread.run_sync(callee.sip.hears, "BYE")
            while (await until(pool, Capacity)).workers < len(pids):
                pass
            await stands(pool, agent, "s2")

    in_trio(run)


def test_a_killed_worker_of_talks_leaves_the_phone_for_the_next(callee, agent):
    """At once: the phone's worker is told, and waits for no answer to its BYE."""

    async def run() -> None:
        async with pool_of(callee) as pool:
            pids = pool.statistics().pids
            await stands(pool, agent)
            keeper = await trio.to_thread.run_sync(holder_of, pids, agent)
            for _ in range(2):
                await talks(pool, callee)
                (talker,) = set(pool.statistics().pids) - {keeper}
                os.kill(talker, signal.SIGKILL)
                assert (await until(pool, Ended)).cause is Cause.WORKER_LOST
                assert await trio.to_thread.run_sync(is_silent, agent)
                while (await until(pool, Capacity)).slots < 4:
                    pass
            await talks(pool, callee)
            await hear_each_other(callee, agent)

    in_trio(run)


def holder_of(pids: tuple[int, ...], agent: Party) -> int:
    """The worker that sends audio to a phone."""
    port = agent.rtp.recvfrom(2048)[1][1]
    for pid in pids:
        with open(f"/proc/{pid}/net/udp") as table:
            inodes = {row.split()[9] for row in table.readlines()[1:] if row.split()[1].endswith(f":{port:04X}")}
        links = [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]
        if any(f"socket:[{inode}]" in links for inode in inodes):
            return pid
    raise AssertionError(f"no worker has port {port}")
