"""On record before anybody relies on it, and what happens while the disk does not take it."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import trio
import trio.testing

from compliance.api import Refusal, Rule
from compliance.evidence import Entry, verify
from compliance.numbers import E164
from config.campaign import CampaignSettings
from config.policies import applied
from dialer.core.inputs import Refused
from dialer.core.model import Lead
from dialer.disk import evidence_log
from dialer.disk.evidence_files import lines, read_head, segments
from dialer.disk.evidence_log import open_evidence
from dialer.shell.clock import Clock
from dialer.shell.health import Health, NoCalls
from dialer.shell.tasks import evidence as evidence_module
from dialer.shell.tasks.evidence import Evidence

DEADLINE_S = 10.0
KEY = bytes(range(32))


@dataclass
class Disk:
    """A disk that can be full, or hang."""

    full: bool = False
    hangs: threading.Event | None = None
    batches: int = 0

    def write(self, descriptor: int, data: bytes) -> int:
        if self.hangs is not None:
            assert self.hangs.wait(DEADLINE_S)
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.batches += 1
        return REAL_WRITE(descriptor, data)


REAL_WRITE = os.write


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    found = Disk()
    monkeypatch.setattr(evidence_log.os, "write", found.write)
    monkeypatch.setattr(evidence_module, "RETRY_S", 0.02)
    monkeypatch.setattr(evidence_module, "FAREWELL_S", 0.1)
    return found


@pytest.fixture
def evidence(disk: Disk, tmp_path: Path) -> Iterator[Evidence]:
    log = open_evidence(tmp_path / "e", tmp_path / "key", host="one", version="1", segment_bytes=10**6, new_key=KEY)
    yield Evidence(log, Clock.start(), Health(), keep_days=5)
    log.close()


def run(evidence: Evidence, steps: Callable[[], Awaitable[None]]) -> None:
    """Do something while the writer runs; then end it."""

    async def main() -> None:
        with trio.fail_after(DEADLINE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(evidence.write)
                await steps()
                evidence.end()

    trio.run(main)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that no event tells of; `run` has the deadline."""
    while not condition():
        await trio.sleep(0.01)
        await trio.lowlevel.checkpoint()


def entries(count: int) -> list[Entry]:
    return [Entry(i, "permit", {"attempt": f"A{i}"}) for i in range(count)]


def kinds(evidence: Evidence) -> list[str]:
    folder = evidence.disk.folder
    verdict_lines = list(lines(segments(folder)))
    assert verify(verdict_lines, read_head(folder, KEY)).whole
    return [line.raw.split(b'"kind":"')[1].split(b'"')[0].decode() for line in verdict_lines]


def test_what_is_kept_is_on_disk(evidence: Evidence) -> None:
    """When `keep` says so, and not before."""

    async def steps() -> None:
        assert await evidence.keep(entries(2))
        assert kinds(evidence) == ["opened", "permit", "permit"]

    run(evidence, steps)


def test_what_comes_while_the_disk_is_busy_goes_in_one_batch(evidence: Evidence, disk: Disk) -> None:
    """One forcing to disk for all of it."""
    disk.hangs = threading.Event()

    async def steps() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(evidence.keep, entries(1))
            await trio.testing.wait_all_tasks_blocked()
            assert disk.hangs is not None
            disk.hangs.set()

    run(evidence, steps)

    assert kinds(evidence).count("permit") == 30
    assert disk.batches <= 2


def test_who_has_nothing_to_say_waits_for_nobody(evidence: Evidence, disk: Disk) -> None:
    """A screen pop is not held up by the disk."""
    disk.hangs = threading.Event()

    async def steps() -> None:
        assert disk.hangs is not None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(evidence.keep, entries(1))
            await trio.testing.wait_all_tasks_blocked()
            assert await evidence.keep([])
            disk.hangs.set()

    run(evidence, steps)


def test_a_full_disk_is_said_and_the_rest_waits(evidence: Evidence, disk: Disk) -> None:
    """Nobody waits for it; no call starts until it is written, and nothing is lost or twice."""
    disk.full = True

    async def steps() -> None:
        assert not await evidence.keep(entries(1))
        assert "No space left" in evidence.health.reasons[NoCalls.EVIDENCE]
        assert evidence.failing
        assert not await evidence.keep(entries(1))
        disk.full = False
        assert not evidence.health.healthy
        await until(lambda: evidence.health.healthy)

    run(evidence, steps)

    assert kinds(evidence).count("permit") == 2


def test_a_disk_that_hangs_holds_nobody_up(evidence: Evidence, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts as one that fails, until it answers."""
    monkeypatch.setattr(evidence_module, "KEEP_LIMIT_S", 0.05)
    disk.hangs = threading.Event()

    async def steps() -> None:
        assert not await evidence.keep(entries(1))
        assert "has not answered" in evidence.health.reasons[NoCalls.EVIDENCE]
        assert disk.hangs is not None
        disk.hangs.set()
        await until(lambda: not evidence.failing)

    run(evidence, steps)

    assert kinds(evidence).count("permit") == 1


def test_more_than_fits_into_memory_holds_up(evidence: Evidence, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ends of calls are never dropped; whoever brings more waits."""
    monkeypatch.setattr(evidence_module, "MOST_WAITING", 3)
    disk.full = True

    async def steps() -> None:
        await evidence.keep(entries(3))
        with trio.move_on_after(0.1) as held_up:
            await evidence.keep(entries(1))
        assert held_up.cancelled_caught
        disk.full = False
        assert await evidence.keep(entries(1))

    run(evidence, steps)

    assert kinds(evidence).count("permit") == 4


def test_the_end_does_not_wait_for_ever(evidence: Evidence, disk: Disk) -> None:
    """A disk that is full to the end."""
    disk.full = True

    async def steps() -> None:
        await evidence.keep(entries(1))

    run(evidence, steps)

    assert len(evidence.waiting) == evidence.lost == 1


def test_the_end_does_not_wait_for_a_disk_that_hangs(evidence: Evidence, disk: Disk) -> None:
    """Its thread is left alone; what was not written is known to be lost."""
    disk.hangs = threading.Event()

    async def steps() -> None:
        with trio.move_on_after(0.05):
            await evidence.keep(entries(1))

    run(evidence, steps)

    assert not disk.hangs.is_set()
    assert evidence.lost == 1
    disk.hangs.set()


def test_settings_are_on_record_before_what_they_decide(evidence: Evidence) -> None:
    """Once for each version; a change makes another one."""
    settings = applied(CampaignSettings(name="spring", caller_id="+861065550000", abandon_message="/m.wav"))
    lead = Lead("L1", "spring", (E164("+8613800001234"),))
    refused = Refused(lead, Refusal(Rule.HOURS, "closed", 1.0))
    other = settings.model_copy(update={"ring_timeout_s": 31.0})

    said = [entry for one in (settings, settings, other) for entry in evidence.decisions([refused], one)]

    assert [entry.kind for entry in said] == ["policy", "refusal", "refusal", "policy", "refusal"]
    versions = [entry.fields["policy"] for entry in said]
    assert versions[0] == versions[1] == versions[2] != versions[3] == versions[4]


def test_old_files_are_compressed_and_deleted_on_record(evidence: Evidence, tmp_path: Path) -> None:
    """By the tidying task, while the writer runs."""
    folder = evidence.disk.folder

    async def steps() -> None:
        await evidence.keep(entries(1))
        evidence.disk.close_file()
        await evidence.keep(entries(1))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(evidence.tidy)
            await until(lambda: segments(folder)[0].compressed)
            nursery.cancel_scope.cancel()
        first = segments(folder)[0]
        first.path.rename(folder / f"{first.ordinal:08}-{date(2020, 1, 1)}.jsonl.gz")
        await evidence._expire()

    run(evidence, steps)

    assert kinds(evidence) == ["opened", "permit", "deleted"]
