"""How fast decisions and ends go on record, how long a permit waits for the disk, and how large a record is.

`make bench-evidence` writes to a folder of its own below the current one, because /tmp may be memory, and removes it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import click
import trio

from compliance.api import Cleared, Permit, Reserved
from compliance.evidence import Entry, read, verify
from compliance.numbers import E164
from config.campaign import CampaignSettings
from config.policies import applied
from dialer.core.calls.settling import unsent
from dialer.core.inputs import Permitted
from dialer.core.model import Disposition, Lead, Settlement
from dialer.disk.evidence_files import KEY_BYTES, lines, read_head, segments
from dialer.disk.evidence_log import compress, open_evidence
from dialer.shell.clock import Clock
from dialer.shell.health import Health
from dialer.shell.tasks.evidence import Evidence

CAMPAIGN = applied(CampaignSettings(name="spring-sale", caller_id="+861065550000", abandon_message="/m.wav"))
AT_ONCE = 6
"""Leads in one visit to the gates at 60 attempts per second."""


def permits(first: int, count: int, at: float) -> list[Permitted]:
    """So many permits, each for a number of its own."""
    found = []
    for i in range(first, first + count):
        number = E164(f"+86138{i * 7919 % 10**8:08}")
        permit = Permit(
            Cleared(number, at, at + 30, at + 3600),
            Reserved(f"19a3f2b7c11-4f2a-{i:06}", number, at, CAMPAIGN.caller_id),
        )
        found.append(Permitted(Lead(f"crm-{i}", CAMPAIGN.name, (number,)), permit))
    return found


def ends(told: list[Permitted], at: float) -> list[Settlement]:
    """The ends of these attempts, after a talk."""
    found = []
    for i, one in enumerate(told):
        talk = replace(
            unsent(one.lead, one.permit.attempt, "north", "", at),
            disposition=Disposition.CONNECTED,
            live=True,
            charged=True,
            agent=f"agent-{i}",
            dialled_at=at,
            ringing_at=at + 1.1,
            answered_at=at + 9.2 + i / 7,
            bridged_at=at + 9.6 + i / 7,
            ended_at=at + 99.3 + i / 7,
            day="2026-03-03",
        )
        found.append(talk)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=40_000)
    parser.add_argument("--seconds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".", prefix=".bench-evidence-") as name:
        measure(Path(name), options.attempts, options.seconds)


def measure(folder: Path, attempts: int, seconds: int) -> None:
    """All figures, one after the other."""
    place, key = folder / "evidence", bytes(KEY_BYTES)
    log = open_evidence(place, folder / "key", host="bench", version="0", segment_bytes=4_000_000_000, new_key=key)
    evidence = Evidence(log, Clock.start(), Health(), keep_days=1826)
    trio.run(_write, evidence, attempts, seconds)
    log.close()
    (segment,) = segments(place)
    size = segment.path.stat().st_size
    began = time.perf_counter()
    verdict = verify(lines([segment]), read_head(place, key))
    spent_s = time.perf_counter() - began
    assert verdict.whole
    found = [(record.kind, len(line.raw)) for line in lines([segment]) if (record := read(line.raw)) is not None]
    for kind in ("permit", "settlement"):
        sizes = [length for one, length in found if one == kind]
        click.echo(f"{kind:<32}{sum(sizes) / len(sizes):8.0f} bytes")
    click.echo(f"{'verify':<32}{verdict.records / spent_s:8.0f} records/s")
    began = time.perf_counter()
    compress(segment)
    spent_s = time.perf_counter() - began
    packed = segments(place)[0].path.stat().st_size
    click.echo(f"{'compressed to':<32}{100 * packed / size:8.0f} %, {size / spent_s / 1e6:.0f} MB/s")


async def _write(evidence: Evidence, attempts: int, seconds: int) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(evidence.write)
        delays_s = sorted(await _paced(evidence, seconds))
        click.echo(f"{'permit until on disk, p50':<32}{1000 * delays_s[len(delays_s) // 2]:8.1f} ms, at 60 attempts/s")
        click.echo(f"{'permit until on disk, p99':<32}{1000 * delays_s[len(delays_s) * 99 // 100]:8.1f} ms")
        began, cpu = time.perf_counter(), time.process_time()
        for first in range(0, attempts, 500):
            told = permits(first, 500, time.time())
            await evidence.keep([*evidence.decisions(told, CAMPAIGN, "north"), *_ended(evidence, told)])
        spent_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
        click.echo(
            f"{'written at most':<32}{2 * attempts / spent_s:8.0f} records/s, {cpu_s / attempts * 5e5:.0f} us each"
        )
        evidence.end()


async def _paced(evidence: Evidence, seconds: int) -> list[float]:
    """Ten visits to the gates a second, as many ends beside them; how long each visit waited."""
    delays_s = []
    for number in range(10 * seconds):
        told = permits(number * AT_ONCE, AT_ONCE, time.time())
        async with trio.open_nursery() as beside:
            beside.start_soon(evidence.keep, _ended(evidence, told))
            began = trio.current_time()
            await evidence.keep(evidence.decisions(told, CAMPAIGN, "north"))
            delays_s.append(trio.current_time() - began)
        await trio.sleep(max(0.0, 0.1 - delays_s[-1]))
    return delays_s


def _ended(evidence: Evidence, told: list[Permitted]) -> list[Entry]:
    return evidence.ends(ends(told, time.time()), "bench:1")


if __name__ == "__main__":
    main()
