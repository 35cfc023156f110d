"""The pool of SIP workers without the dialer: a loop dials whenever a line is free, and every answer gets a phone.

What it reaches is what the workers, the far ends and the machine allow; nobody decides, nothing is written down. A
process of its own, as the daemon is: `python -m tests.bench.pipeline.bare_pool OPTIONS`, JSON both ways.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Final

import trio

from dialer.demo.scene import CALLER_ID
from sip.messages import AgentDialled, Answered, Bridged, Dial, DialAgent, Ended
from sip.pool import Pool, PoolSettings, open_pool
from sip.settings import Trunk
from tests.bench.pipeline.far_end import AGENT_PORT, CALLEE_PORT
from tests.bench.pipeline.options import Figures, Options, Way
from tests.bench.pipeline.processes import children, cpu_s, private_mb
from tests.bench.pipeline.samples import Looks, percentile

RING_LIMIT_S: Final = 15.0
TURN_S: Final = 0.005
END_LIMIT_S: Final = 60.0


@dataclass(slots=True)
class Floor:
    """The calls in progress, and what came of those that were."""

    pool: Pool
    options: Options
    attempts: int = 0
    answered_at: dict[str, float] = field(default_factory=dict)
    bridged: set[str] = field(default_factory=set)
    hand_over_ms: list[float] = field(default_factory=list)
    both_hear_ms: list[float] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)
    empty: trio.Event = field(default_factory=trio.Event)

    async def hear(self) -> None:
        """An agent's phone for every answer; count."""
        async for event in self.pool.events:
            match event:
                case Answered(call, at):
                    self.answered_at[call] = at
                    self.pool.send(DialAgent(call, "1", f"sip:agent@127.0.0.1:{AGENT_PORT}", "138****5678"))
                case AgentDialled(call, _, at) if call in self.answered_at:
                    self.hand_over_ms.append((at - self.answered_at[call]) * 1000)
                case Bridged(call, _, at) if call in self.answered_at:
                    self.both_hear_ms.append((at - self.answered_at[call]) * 1000)
                    self.bridged.add(call)
                case Ended(call):
                    self.answered_at.pop(call, None)
                    self.bridged.discard(call)
                    self.calls.discard(call)
                    if not self.calls:
                        self.empty.set()

    async def dial(self) -> None:
        """As fast as lines are free, and at most `max_cps`, evenly."""
        numbers, due_at = itertools.count(10_000_000), trio.current_time()
        while True:
            now = trio.current_time()
            due_at = max(due_at, now - 2 * TURN_S)
            while len(self.calls) < self.options.lines and due_at <= now:
                call = f"bare-{self.attempts}"
                self.calls.add(call)
                self.empty = trio.Event()
                self.pool.send(Dial(call, "sipp-0", f"+86138{next(numbers)}", CALLER_ID, RING_LIMIT_S))
                self.attempts += 1
                due_at += 1 / self.options.max_cps
            await trio.sleep(TURN_S)


async def measure(options: Options) -> Figures:
    """Dial for the ramp and the window; let what is in progress end."""
    trunk = Trunk("sipp-0", "127.0.0.1", CALLEE_PORT)
    looks = Looks()
    async with open_pool(
        PoolSettings((trunk,), lines=options.lines, media_timeout_s=0.0, start_timeout_s=60.0)
    ) as pool:
        floor, us = Floor(pool, options), children_of_zygote(pool)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(floor.hear)
            with trio.move_on_after(options.ramp_s + options.seconds):
                async with trio.open_nursery() as dialling:
                    dialling.start_soon(floor.dial)
                    await trio.sleep(options.ramp_s)
                    before, own = cpu_s(us), time.process_time()
                    while True:
                        looks.add(time.time(), floor.attempts, len(floor.calls), len(floor.bridged))
                        await trio.sleep(1.0)
            cores = {
                "SIP workers": (cpu_s(us) - before) / options.seconds,
                "dialing loop": (time.process_time() - own) / options.seconds,
            }
            private = [private_mb(pid) for pid in pool.statistics().pids]
            with trio.move_on_after(END_LIMIT_S):
                await floor.empty.wait()
            nursery.cancel_scope.cancel()
    return Figures(
        attempts_per_s=looks.rate(),
        slowest_5_s=looks.slowest_5_s(),
        lines_mean=looks.lines_mean(),
        lines_p5=looks.lines_p5(),
        talks_mean=looks.talks_mean(),
        hand_over_p50_ms=percentile(floor.hand_over_ms, 0.5),
        hand_over_p99_ms=percentile(floor.hand_over_ms, 0.99),
        answer_to_agent_p99_ms=percentile(floor.both_hear_ms, 0.99),
        workers=len(private),
        worker_private_mb_mean=sum(private) / len(private),
        worker_private_mb_max=max(private),
        cores=cores,
    )


def children_of_zygote(pool: Pool) -> tuple[int, ...]:
    """The workers of a pool and what forked them."""
    pids = pool.statistics().pids
    zygotes = [child for child in children(os.getpid()) if set(children(child)) & set(pids)]
    return (*zygotes, *pids)


def main() -> None:
    """One run."""
    given = json.loads(sys.argv[1])
    figures = trio.run(measure, Options(**{**given, "way": Way(given["way"])}))
    json.dump(asdict(figures), sys.stdout)


if __name__ == "__main__":
    main()
