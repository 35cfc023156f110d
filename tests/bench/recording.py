"""What recording costs: workers with and without it in the same talks, audio that is lost, and the speed of encoding.

`make bench-recording` rings SIPp, which echoes, on both ends of every talk, and switches the recording of all talks on
and off in turns; the difference is what it costs. Then it encodes a talk of made speech at the encoder's settings.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click
import numpy as np
import trio

from dialer.disk.recordings import talks
from dialer.disk.recordings.encoder import done
from dialer.disk.recordings.orders import Order
from sip.messages import Answered, Dial, DialAgent, Ended, HangUp, Record, RecordingChanged, RecordingOrder
from sip.pool import Pool, PoolSettings, open_pool
from sip.settings import Trunk
from tests.bench.pipeline.far_end import HERE, ended_after
from tests.bench.pipeline.processes import cpu_s
from tests.disk.recordings.made_talks import write_talk
from tests.sip.tones import RATE

STARTS_PER_S = 25.0
SCENARIO = HERE / "agent.xml"


@dataclass(frozen=True, slots=True)
class Recording:
    """Which talks are recorded; who waits for a change is woken."""

    names: set[str] = field(default_factory=set)
    moved: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)


def main() -> None:
    """Parse the options and run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--talks", type=int, default=40)
    options.add_argument("--window", type=float, default=8.0, help="seconds of each turn")
    options.add_argument("--turns", type=int, default=6, help="pairs of turns, without and with")
    options.add_argument("--encode", type=float, default=300.0, help="seconds of speech to encode; 0: none")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-recording-", dir=".") as name:
        folder = Path(name).absolute()
        if given.encode:
            encode(folder, given.encode)
        if given.talks:
            limit_s = round(60 + given.talks / STARTS_PER_S + 2 * given.turns * given.window)
            with (
                echo("callees", folder, (callee := free_port()), 26_000, limit_s),
                echo("agents", folder, (agent := free_port()), 28_000, limit_s),
            ):
                trio.run(record, folder, given.talks, given.window, given.turns, callee, agent)


@contextmanager
def echo(name: str, folder: Path, port: int, media_port: int, limit_s: int) -> Iterator[None]:
    """SIPp, which answers every call at once and sends its audio back."""
    command = ["sipp", "-sf", str(SCENARIO), "-i", "127.0.0.1", "-p", str(port), "-mi", "127.0.0.1"]
    command += ["-mp", str(media_port), "-rtp_echo", "-nostdin", "-timeout", f"{limit_s}s", "-buff_size", "4194304"]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    with ended_after(process):
        yield


def free_port() -> int:
    """A UDP port at which nobody is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def encode(folder: Path, seconds: float) -> None:
    """Encode made speech: bands of noise and a voice's harmonics, one side at a time."""
    at = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(1).standard_normal(len(at))

    def voice(hz: float, phase: float) -> np.ndarray:
        envelope = (np.sin(np.pi * at / 2 + phase) > 0) * (0.5 + 0.5 * np.sin(2 * np.pi * 3.1 * at))
        harmonics = sum(np.sin(2 * np.pi * hz * k * at) / k for k in range(1, 12))
        return np.asarray(4000 * envelope * (harmonics + 0.3 * noise)).astype(np.int16)

    write_talk(folder / "speech", "a1", (0, voice(130.0, 0.0), voice(210.0, np.pi)))
    order = Order(live=str(folder / "speech"), name="a1", folder=str(folder / "out"), bitrate_kbps=24)
    speeds = []
    for _ in range(3):
        began = time.process_time()
        row = done(order).row
        assert row is not None
        speeds.append(seconds / (time.process_time() - began))
    rate = 8 * row.size_bytes / seconds / 1000
    click.echo(f"encoding: {' '.join(f'{speed:.0f}' for speed in speeds)} times real time of a core, {rate:.1f} kbit/s")


async def record(folder: Path, count: int, window_s: float, turns: int, callee: int, agent: int) -> None:
    """Talks with the recording on and off in turns."""
    live = folder / "live"
    settings = PoolSettings(
        (Trunk("carrier", "127.0.0.1", callee),),
        lines=count,
        recordings=str(live),
        media_timeout_s=0,
        session_refresh_s=0,
    )
    async with open_pool(settings) as pool, trio.open_nursery() as nursery:
        recording = Recording()
        nursery.start_soon(partial(hear, pool, agent, recording))
        names = [f"t-{number}" for number in range(count)]
        for name in names:
            pool.send(Dial(name, "carrier", "+4930123456", "+4930999", 60.0))
            await trio.sleep(1 / STARTS_PER_S)
        await trio.sleep(3.0)
        pids, without, with_ = pool.statistics().pids, [], []
        click.echo(f"{pool.statistics().calls} talks in {len(pids)} workers")
        on_s = 0.0
        for _ in range(turns):
            without.append(await measured(pids, window_s))
            switched = time.monotonic()
            await switch(pool, names, recording, on=True)
            with_.append(await measured(pids, window_s))
            await switch(pool, names, recording, on=False)
            on_s += time.monotonic() - switched
        for name in names:
            pool.send(HangUp(name))
        await trio.sleep(2.0)
        nursery.cancel_scope.cancel()
    shares = [100 * (more - less) / count for less, more in zip(without, with_, strict=True)]
    show = " ".join
    click.echo(f"workers, % of a core a talk, without: {show(f'{100 * share / count:.2f}' for share in without)}")
    click.echo(f"workers, % of a core a talk, with:    {show(f'{100 * share / count:.2f}' for share in with_)}")
    click.echo(f"recording costs: median {statistics.median(shares):+.3f} % of a core a talk, {min(shares):+.3f} to "
               f"{max(shares):+.3f}")  # fmt: skip
    lost(live, names, turns, window_s)


def lost(live: Path, names: list[str], turns: int, window_s: float) -> None:
    """How much audio is on disk of what there was: every part lasted a window at least."""
    apart, shortest = [], []
    for name in names:
        talk = talks.read_talk(live, name)
        apart += [abs(len(part.callee) - len(part.agent)) / RATE for part in talk.parts]
        shortest += [min(len(part.callee), len(part.agent)) / RATE for part in talk.parts]
    click.echo(f"{len(shortest)} parts of {len(names) * turns}; the shortest {min(shortest):.2f} s of {window_s:g} s, "
               f"channels apart by {max(apart) * 1000:.0f} ms at most")  # fmt: skip


async def measured(pids: tuple[int, ...], window_s: float) -> float:
    """The cores that the workers used."""
    before, began = cpu_s(pids), time.monotonic()
    await trio.sleep(window_s)
    return (cpu_s(pids) - before) / (time.monotonic() - began)


async def switch(pool: Pool, names: list[str], recording: Recording, *, on: bool) -> None:
    """Recording of all talks on, or off, and wait until it is."""
    for name in names:
        pool.send(Record(name, on))
    with trio.fail_after(20):
        while len(recording.names) != (len(names) if on else 0):
            await recording.moved.park()
    await trio.sleep(0.5)


async def hear(pool: Pool, agent: int, recording: Recording) -> None:
    """Give every answered call an agent; note who is recorded."""
    async for event in pool.events:
        match event:
            case Answered(call):
                order = RecordingOrder(call, "{}", starts=False)
                pool.send(DialAgent(call, "a", f"sip:agent@127.0.0.1:{agent}", "138****5678", recording=order))
            case RecordingChanged(call, on=True):
                recording.names.add(call)
            case RecordingChanged(call) | Ended(call):
                recording.names.discard(call)
        recording.moved.unpark_all()


if __name__ == "__main__":
    main()
