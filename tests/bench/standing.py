"""Phones that stay on the line against phones that are rung: from the callee's answer to audio both ways, and what they
cost.

`make bench-standing` has one callee and one agent talk again and again, each saying something all the time; what each
hears first is timed from the callee's 200 on. No engine is in it: the pool is told of the agent as soon as it says
that the callee has answered. Then SIPp, which echoes, is callee and agent of many talks, and the workers' time is read.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np
import trio

from sip.messages import Answered, Bridged, Dial, DialAgent, Ended, HangUp
from sip.pool import Pool, PoolSettings, open_pool
from sip.settings import Trunk
from sip.standing.messages import DialStanding, StandingUp
from tests.bench.recording import STARTS_PER_S, echo, free_port, measured
from tests.sip.conftest import BrokenPeer
from tests.sip.tones import FRAME, rtp, tone, ulaw
from tests.sip.worker.conftest import Party

LOUD = bytes(int(octet & 0x7F < 0x40) for octet in range(256))  # PCMU above 1,000 of 32,768
SETTLED_S = 0.3


class Speaker(Party):
    """A far end that says something all the time, and notes when it first hears something since it was told to."""

    def __init__(self, sip: BrokenPeer, hz: float) -> None:
        super().__init__(sip)
        self.heard_at = 0.0
        self.heard = threading.Event()
        self._pieces = [ulaw(tone(hz, 0.02 * 50))[i * FRAME : (i + 1) * FRAME] for i in range(50)]
        self._towards = 0
        self._over = False
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._speak, self._listen)]

    @contextmanager
    def speaking(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over = True
            for thread in self._threads:
                thread.join()

    def takes_a_call(self, *others: Speaker) -> float:
        """Answer the next INVITE at once, and listen from then on, as the others do; when that was."""
        invite = self.sip.hears("INVITE")
        self._towards = self.sip.audio_port
        for each in others:
            each.heard.clear()
        now = time.monotonic()
        self.sip.answers(invite, "200 OK", self.sdp())
        self.sip.hears("ACK")
        return now

    def hangs_up(self) -> None:
        self.sip.answers(self.sip.hears("BYE"), "200 OK")

    def _speak(self) -> None:
        began, number = time.monotonic(), 0
        while not self._over:
            time.sleep(max(0.0, began + number * 0.02 - time.monotonic()))
            if self._towards:
                self.rtp.sendto(rtp(number % 65536, 0, self._pieces[number % 50]), ("127.0.0.1", self._towards))
            number += 1

    def _listen(self) -> None:
        self.rtp.settimeout(0.2)
        while not self._over:
            try:
                packet = self.rtp.recv(2048)
            except TimeoutError:
                continue
            if not self.heard.is_set() and sum(packet[12:].translate(LOUD)) > FRAME // 4:
                self.heard_at = time.monotonic()
                self.heard.set()


def main() -> None:
    """Parse the options and run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=100, help="calls that are timed, one after the other; 0: none")
    options.add_argument("--talks", type=int, default=20, help="talks at once whose cost is measured; 0: none")
    options.add_argument("--window", type=float, default=10.0, help="seconds of a measurement")
    given = options.parse_args()
    if given.calls:
        for standing in (False, True):
            with BrokenPeer() as one, BrokenPeer() as other:
                callee, agent = Speaker(one, 400.0), Speaker(other, 700.0)
                with callee.speaking(), agent.speaking():
                    trio.run(delays, callee, agent, given.calls, standing)
    if given.talks:
        with tempfile.TemporaryDirectory(prefix="bench-standing-", dir=".") as name:
            folder = Path(name).absolute()
            limit_s = round(120 + 6 * given.window)
            with (
                echo("callees", folder, (callees := free_port()), 24_000, limit_s),
                echo("agents", folder, (agents := free_port()), 28_000, limit_s),
            ):
                for standing in (False, True):
                    trio.run(cost, given.talks, given.window, callees, agents, standing)


async def delays(callee: Speaker, agent: Speaker, calls: int, standing: bool) -> None:
    """Time calls one after the other."""
    to_callee, to_agent = [], []
    trunks = (Trunk("carrier", "127.0.0.1", callee.sip.port),)
    async with (
        open_pool(PoolSettings(trunks, lines=4, standing=2, media_timeout_s=0.0)) as pool,
        trio.open_nursery() as tasks,
    ):
        if standing:
            pool.send(DialStanding("s", f"sip:agent@127.0.0.1:{agent.sip.port}", "dialer", 30.0))
            await trio.to_thread.run_sync(agent.takes_a_call)
            await until(pool, StandingUp)
        for number in range(calls):
            await trio.sleep(SETTLED_S)
            call = f"c{number}"
            pool.send(Dial(call, "carrier", "+4930123456", "+4930999", 60.0))
            tasks.start_soon(hand_over, pool, call, agent, standing)
            answered_at = await trio.to_thread.run_sync(callee.takes_a_call, callee, agent)
            for each, delay in ((callee, to_callee), (agent, to_agent)):
                assert await trio.to_thread.run_sync(each.heard.wait, 5.0), "nothing is heard"
                delay.append(1000 * (each.heard_at - answered_at))
            pool.send(HangUp(call))
            await trio.to_thread.run_sync(callee.hangs_up)
            if not standing:
                await trio.to_thread.run_sync(agent.hangs_up)
            await until(pool, Ended)
    both = [max(pair) for pair in zip(to_callee, to_agent, strict=True)]
    click.echo(f"{'on the line' if standing else 'rung'}, from the callee's 200 to the first audio, p50 / p99 ms:")
    for name, values in (("agent to callee", to_callee), ("callee to agent", to_agent), ("both ways", both)):
        click.echo(f"  {name}: {np.percentile(values, 50):.0f} / {np.percentile(values, 99):.0f}")


async def hand_over(pool: Pool, call: str, agent: Speaker, standing: bool) -> None:
    """Give the call its agent as soon as it is answered."""
    await until(pool, Answered)
    uri = f"sip:agent@127.0.0.1:{agent.sip.port}"
    pool.send(DialAgent(call, "a", uri, "138****5678", standing="s" if standing else ""))
    if not standing:
        await trio.to_thread.run_sync(agent.takes_a_call)
    await until(pool, Bridged)


async def until(pool: Pool, kind: type[object]) -> None:
    async for event in pool.events:
        if isinstance(event, kind):
            return


async def cost(talks: int, window_s: float, callees: int, agents: int, standing: bool) -> None:
    """What workers use for agents who wait and for talks."""
    trunks, room = (Trunk("carrier", "127.0.0.1", callees),), talks if standing else 0
    settings = PoolSettings(trunks, lines=talks, standing=room, media_timeout_s=0.0, session_refresh_s=0.0)
    async with open_pool(settings) as pool:
        pids, uri = pool.statistics().pids, f"sip:agent@127.0.0.1:{agents}"
        nothing = await measured(pids, window_s)
        for number in range(room):
            pool.send(DialStanding(f"s{number}", uri, "dialer", 30.0))
            await until(pool, StandingUp)
        waiting = await measured(pids, window_s)
        for number in range(talks):
            pool.send(Dial(f"c{number}", "carrier", "+4930123456", "+4930999", 60.0))
            await until(pool, Answered)
            pool.send(DialAgent(f"c{number}", "a", uri, "138****5678", standing=f"s{number}" if standing else ""))
            await until(pool, Bridged)
            await trio.sleep(1 / STARTS_PER_S)
        await trio.sleep(1.0)
        talking = statistics.median([await measured(pids, window_s) for _ in range(3)])
    click.echo(f"{'on the line' if standing else 'rung'}, {talks} agents, {len(pids)} workers, % of a core for each:")
    click.echo(f"  waiting {100 * (waiting - nothing) / talks:.2f}, talking {100 * (talking - nothing) / talks:.2f}")


if __name__ == "__main__":
    main()
