"""The pool against real workers: room, losses, restarts, the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from sip.causes import Cause, Leg
from sip.messages import (
    AgentEnded,
    Answered,
    Bridged,
    CancelAgent,
    Capacity,
    Dial,
    DialAgent,
    Ended,
    HangUp,
    PeerRests,
    Ping,
    Progress,
)
from sip.parties.messages import DialParty, LinkOpened
from sip.pool import Pool, PoolSettings, PoolStartError, open_pool
from sip.settings import Trunk, rtp_ranges

ROOT = Path(__file__).parents[2]


def settings(port: int = 5060, lines: int = 2, **more: Any) -> PoolSettings:
    return PoolSettings(trunks=(Trunk("carrier", "127.0.0.1", port),), lines=lines, **more)


def dial(call: str) -> Dial:
    return Dial(call, "carrier", "+4930123456", "+4930999", 60.0)


def in_trio(test: Callable[..., Awaitable[None]], *arguments: object) -> None:
    """Run an async test with a deadline."""

    async def bounded() -> None:
        with trio.fail_after(20):
            await test(*arguments)

    trio.run(bounded)


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def until(pool: Pool, kind: type[Any], call: str | None = None) -> Any:
    """The next event of a kind (of a call)."""
    async for event in pool.events:
        if isinstance(event, kind) and (call is None or event.call == call):
            return event
    raise AssertionError(f"the events ended without {kind.__name__}")


def test_call_is_bridged_through_the_pool(far):
    """A pool of several workers carries a call from Dial to Ended and has all its slots back."""
    callee, agent = far("answer"), far("answer")

    async def run() -> None:
        async with open_pool(settings(callee.port, lines=6)) as pool:
            before = pool.statistics()
            assert (before.workers, before.slots_total, before.slots_in_use) == (3, 12, 0)
            pool.send(dial("c1"))
            assert pool.statistics().slots_in_use == 2
            await until(pool, Answered)
            pool.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.1:{agent.port}", "138****5678"))
            await until(pool, Bridged)
            pool.send(HangUp("c1"))
            ended = await until(pool, Ended)
            assert (ended.cause, ended.ended_by) == (Cause.NORMAL, Leg.DIALER)
            assert pool.statistics().slots_in_use == 0
            pool.send(HangUp("c1"))  # crossed with the end: ignored

    in_trio(run)
    callee.succeeds()


def test_calls_beyond_the_room_are_not_sent(far):
    """More calls than lines come back at once, each with its own Ended."""
    callee = far("ring", calls=2)

    async def run() -> None:
        async with open_pool(settings(callee.port, lines=2)) as pool:
            for number in range(4):
                pool.send(dial(f"c{number}"))
            refused = [await until(pool, Ended) for _ in range(2)]
            assert [event.call for event in refused] == ["c2", "c3"]
            assert {event.cause for event in refused} == {Cause.NOT_SENT}
            with pytest.raises(ValueError, match="already"):
                pool.send(dial("c0"))
            with pytest.raises(ValueError, match="Ping"):
                pool.send(Ping(1))
            await until(pool, Progress, "c0")
            pool.send(HangUp("c0"))
            assert (await until(pool, Ended, "c0")).cause is Cause.CANCELLED

    in_trio(run)


def test_a_far_end_that_answers_no_bye_costs_a_line(far):
    """The daemon hears so before the call's end: it would dial what no worker has room for."""
    callee = far("deaf_to_bye")

    async def run() -> None:
        async with open_pool(settings(callee.port, lines=2)) as pool:
            assert await until(pool, Capacity) == Capacity(4, 1)
            pool.send(dial("c1"))
            await until(pool, Answered)
            pool.send(HangUp("c1"))
            assert await until(pool, Capacity) == Capacity(2, 1)
            assert (await until(pool, Ended)).call == "c1"

    in_trio(run)


def test_third_parties_ring_beside_the_calls(far):
    """They take no line, and there are so many of them and no more; one that is over makes room for the next."""
    callee, phone = far("answer"), far("answer", calls=2)

    def party(name: str) -> DialParty:
        return DialParty(name, f"sip:boss@127.0.0.1:{phone.port}", "agent 17", give_up_s=5.0)

    async def run() -> None:
        async with open_pool(settings(callee.port, lines=2, parties=1)) as pool:
            statistics = pool.statistics()
            assert (statistics.workers, statistics.slots_total) == (2, 4)
            pool.send(dial("c1"))
            pool.send(party("p1"))
            link = await until(pool, LinkOpened)
            assert link.call == "p1"
            assert pool.statistics().slots_in_use == 2
            for name in ("p2", "p3", "p4", "p5"):
                pool.send(DialParty(name, "sip:nobody@127.0.0.1:9", "", give_up_s=5.0))
            refused = await until(pool, Ended)
            assert (refused.call, refused.cause) == ("p5", Cause.NOT_SENT)
            for name in ("p1", "p2", "p3", "p4"):
                pool.send(HangUp(name))
                await until(pool, Ended, name)
            pool.send(party("p6"))
            assert (await until(pool, LinkOpened)).call == "p6"

    in_trio(run)


@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_party_whose_name_is_looked_up_ends_once(hangs_up):
    """Without an address, or hung up on meanwhile: no worker rings, and its slot is free again."""

    async def run() -> None:
        async with open_pool(settings(lines=2, parties=1)) as pool:
            pool.send(DialParty("p1", "sip:boss@no-such-host.invalid", "", give_up_s=5.0))
            if hangs_up:
                pool.send(HangUp("p1"))
            ended = await until(pool, Ended)
            assert ended.cause is (Cause.CANCELLED if hangs_up else Cause.UNREACHABLE)
            assert pool.statistics().calls == 0

    in_trio(run)


def test_killed_worker_loses_its_calls_and_is_replaced(far):
    """SIGKILL in the middle of a call: one WORKER_LOST, less capacity, then all of it again."""
    callee = far("answer")

    async def run() -> None:
        async with open_pool(settings(callee.port, lines=2)) as pool:
            assert await until(pool, Capacity) == Capacity(4, 1)
            pool.send(dial("c1"))
            await until(pool, Answered)
            (pid,) = pool.statistics().pids
            os.kill(pid, signal.SIGKILL)
            lost = await until(pool, Ended)
            assert (lost.call, lost.cause, lost.ended_by) == ("c1", Cause.WORKER_LOST, Leg.DIALER)
            assert await until(pool, Capacity) == Capacity(0, 0)
            pool.send(dial("c2"))
            assert (await until(pool, Ended)).cause is Cause.NOT_SENT
            assert await until(pool, Capacity) == Capacity(4, 1)
            statistics = pool.statistics()
            assert (statistics.restarts, statistics.calls) == (1, 0)
            assert statistics.pids != (pid,)

    in_trio(run)


def test_stuck_worker_is_killed_and_replaced():
    """A worker that no longer answers pings is replaced."""

    async def run() -> None:
        async with open_pool(settings(ping_interval_s=0.1, pong_timeout_s=0.5)) as pool:
            assert await until(pool, Capacity) == Capacity(4, 1)
            (pid,) = pool.statistics().pids
            os.kill(pid, signal.SIGSTOP)
            assert await until(pool, Capacity) == Capacity(0, 0)
            assert await until(pool, Capacity) == Capacity(4, 1)
            assert "said nothing" in pool.statistics().last_failure
            assert not is_running(pid)

    in_trio(run)


def test_a_pause_of_the_daemon_kills_no_worker():
    """A daemon that stood still could hear nothing; its workers are not to blame, whether they stood still or not."""

    async def run() -> None:
        async with open_pool(settings(lines=4, ping_interval_s=0.1, pong_timeout_s=0.5)) as pool:
            pids = pool.statistics().pids
            for stopped in ((), pids):
                for pid in stopped:
                    os.kill(pid, signal.SIGSTOP)
                time.sleep(1.5)  # noqa: ASYNC251 - the pause
                for pid in stopped:
                    os.kill(pid, signal.SIGCONT)
                await trio.sleep(1.0)  # twice as long as a silent worker lives
            assert pool.statistics().pids == pids
            assert pool.statistics().restarts == 0

    in_trio(run)


def test_crashes_in_calls_of_a_trunk_rest_the_trunk_and_not_the_pool(far):
    """Workers that abort with calls in them are replaced without end; after a few the trunk rests, with a word."""
    callee = far("ring", calls=5)

    async def run() -> None:
        async with open_pool(settings(callee.port, lines=2, restart_limit=1)) as pool:
            for number in range(3):
                await until(pool, Capacity)
                while not pool.statistics().slots_total:
                    await until(pool, Capacity)
                pool.send(dial(f"c{number}"))
                await until(pool, Progress, f"c{number}")
                (pid,) = pool.statistics().pids
                os.kill(pid, signal.SIGABRT)
                rests = await until(pool, PeerRests) if number == 2 else None
                if rests is None:
                    assert (await until(pool, Ended)).cause is Cause.WORKER_LOST
            assert (rests.name, rests.is_trunk) == ("carrier", True)
            assert (await until(pool, Ended)).cause is Cause.WORKER_LOST
            pool.send(dial("c4"))
            refused = await until(pool, Ended)
            assert (refused.cause, refused.sip_code) == (Cause.TRUNK_UNREACHABLE, 0)
            assert not pool.spent.is_set()
            assert pool.statistics().restarts >= 2

    in_trio(run)


def test_the_budget_grows_with_the_pool():
    """Half of the workers may die in a minute, however small the limit for small pools is."""

    async def run() -> None:
        async with open_pool(settings(lines=12, restart_limit=1)) as pool:
            for pid in pool.statistics().pids[:3]:
                os.kill(pid, signal.SIGKILL)
            while pool.statistics().restarts < 3 or pool.statistics().workers < 6:
                await pool.events.receive()
            assert not pool.spent.is_set()

    in_trio(run)


def test_hosts_are_looked_up_outside_the_workers(far):
    """A trunk and a phone by name are reached; a name that is none ends its own call and delays nobody's."""
    callee, agent = far("answer"), far("answer")
    trunks = (Trunk("carrier", "localhost", callee.port), Trunk("dead", "no-such-host.invalid"))

    async def run() -> None:
        async with open_pool(PoolSettings(trunks=trunks, lines=2)) as pool:
            pool.send(Dial("c0", "dead", "+4930123456", "+4930999", 60.0))
            assert (await until(pool, Ended)).cause is Cause.TRUNK_UNREACHABLE
            pool.send(dial("c1"))
            await until(pool, Answered)
            pool.send(DialAgent("c1", "a0", "sip:agent@another-host.invalid", "138****5678"))
            pool.send(CancelAgent("c1", "a0"))
            assert (await until(pool, AgentEnded)).cause is Cause.CANCELLED
            pool.send(DialAgent("c1", "a1", "sip:agent@no-such-host.invalid", "138****5678"))
            assert (await until(pool, AgentEnded)).cause is Cause.UNREACHABLE
            pool.send(DialAgent("c1", "a2", f"sip:agent@localhost:{agent.port}", "138****5678"))
            await until(pool, Bridged)
            pool.send(HangUp("c1"))
            assert (await until(pool, Ended)).cause is Cause.NORMAL

    in_trio(run)
    callee.succeeds()
    agent.succeeds()


def test_more_trunks_than_the_library_has_accounts(far):
    """Any number of trunks share one account; each call goes through its own, with its own credentials."""
    callee = far("answer", calls=2)
    trunks = tuple(Trunk(f"t{number}", "127.0.0.1", callee.port, f"user{number}", "secret") for number in range(40))

    async def run() -> None:
        async with open_pool(PoolSettings(trunks=trunks, lines=2)) as pool:
            for number in (3, 39):
                pool.send(Dial(f"c{number}", f"t{number}", "+4930123456", "+4930999", 60.0))
                await until(pool, Answered)
                pool.send(HangUp(f"c{number}"))
                await until(pool, Ended)

    in_trio(run)
    callee.succeeds()


def test_spent_restart_budget_stops_restarting():
    """Workers that keep dying are left dead, the pool says so, and those that live go on."""

    async def run() -> None:
        async with open_pool(settings(lines=4, restart_limit=2)) as pool:
            survivor, victim = pool.statistics().pids
            for _ in range(3):
                os.kill(victim, signal.SIGKILL)
                with trio.fail_after(15):
                    while victim in pool.statistics().pids:
                        await pool.events.receive()
                    while len(pool.statistics().pids) < 2 and not pool.spent.is_set():
                        await pool.events.receive()
                victim = max(set(pool.statistics().pids) - {survivor}, default=0)
            await pool.spent.wait()
            assert "3 deaths" in pool.statistics().last_failure
            assert pool.statistics().pids == (survivor,)

    in_trio(run)


def test_dead_zygote_is_replaced():
    """Without its zygote the pool goes on, starts another one, and can replace workers again."""

    async def run() -> None:
        async with open_pool(settings()) as pool:
            await until(pool, Capacity)
            (worker,) = pool.statistics().pids
            os.kill(parent_of(worker), signal.SIGKILL)
            os.kill(worker, signal.SIGKILL)
            assert await until(pool, Capacity) == Capacity(0, 0)
            assert await until(pool, Capacity) == Capacity(4, 1)

    in_trio(run)


def test_pool_that_cannot_start_says_why():
    """An address that is not ours is named as the reason."""

    async def run() -> None:
        async with open_pool(settings(bind_address="192.0.2.77")):
            raise AssertionError("it started")

    with pytest.raises(PoolStartError, match="not start"):
        in_trio(run)


def test_leaving_the_block_hangs_up(far):
    """A call in progress is hung up when the pool ends, and the events end after its report."""
    callee = far("answer")

    async def run() -> None:
        async with open_pool(settings(callee.port)) as pool:
            pool.send(dial("c1"))
            await until(pool, Answered)
        rest = [event async for event in pool.events]
        assert [(event.call, event.cause) for event in rest if isinstance(event, Ended)] == [("c1", Cause.NORMAL)]

    in_trio(run)
    callee.succeeds()


def test_error_in_the_block_comes_out_as_it_is():
    """The caller's own exception is not wrapped."""

    async def run() -> None:
        async with open_pool(settings()):
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        in_trio(run)


def test_readers_that_are_slow_lose_nothing():
    """With room for a single event, every refused call still gets its Ended."""

    async def run() -> None:
        async with open_pool(settings(events_limit=1, lines=2)) as pool:
            for number in range(5):
                pool.send(dial(f"c{number}") if number < 3 else Dial(f"c{number}", "none", "1", "1", 1.0))
            ended = set()
            async for event in pool.events:
                if isinstance(event, Ended):
                    ended.add(event.call)
                    if {"c2", "c3", "c4"} <= ended:
                        return

    in_trio(run)


PARENT = """
import sys, trio
from sip.messages import Answered, Dial
from sip.pool import PoolSettings, open_pool
from sip.settings import Trunk
async def main():
    async with open_pool(PoolSettings((Trunk("carrier", "127.0.0.1", int(sys.argv[1])),), lines=2)) as pool:
        pool.send(Dial("c1", "carrier", "+4930123456", "+4930999", 60.0))
        async for event in pool.events:
            if isinstance(event, Answered):
                print(*pool.statistics().pids, flush=True)
trio.run(main)
"""


def test_workers_hang_up_when_the_daemon_is_killed(far):
    """SIGKILL of the daemon: the callee gets a BYE and no process is left."""
    callee = far("answer")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(callee.port)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert parent.stdout is not None
    with parent.stdout:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()
    callee.succeeds()
    deadline = time.monotonic() + 10
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, "a worker outlived the daemon"
        time.sleep(0.01)


def test_third_parties_get_the_ports_that_calls_leave():
    """Where a range of RTP ports is just enough for the calls there are no workers beside them, and the pool starts."""
    assert settings(parties=5).workers_beside(3, 4) == 2
    assert settings(parties=5, rtp_port_first=20000, rtp_port_last=20000 + 16 * 3 - 1).workers_beside(3, 4) == 0
    assert settings(parties=5, rtp_port_first=20000, rtp_port_last=20000 + 16 * 4 - 1).workers_beside(3, 4) == 1


def test_rtp_ranges_are_disjoint_and_even():
    """Each worker has its own ports, starting with an even one."""
    ranges = rtp_ranges(20001, 21000, workers=10, slots=4)
    assert all(first % 2 == 0 and last % 2 == 1 and last - first + 1 >= 16 for first, last in ranges)
    ports = [port for first, last in ranges for port in range(first, last + 1)]
    assert len(ports) == len(set(ports))
    assert min(ports) >= 20001
    assert max(ports) <= 21000
    assert rtp_ranges(0, 0, workers=3, slots=4) == [(0, 0)] * 3
    with pytest.raises(PoolStartError, match="160 are needed"):
        rtp_ranges(20000, 20100, workers=10, slots=4)


@pytest.mark.parametrize("wrong", [{"lines": 0}, {"rtp_port_first": 5, "rtp_port_last": 4}, {"rtp_port_last": 70000}])
def test_settings_without_sense_do_not_construct(wrong):
    """A pool of no lines or of no ports cannot be asked for."""
    with pytest.raises(ValueError, match=r"lines|RTP"):
        settings(**wrong)
