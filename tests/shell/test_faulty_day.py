"""Reports of a day on which everything broke: the figures of all of them are those of the books."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dialer.disk.archive.sums import Period, Question
from dialer.reports.catalogue import REPORTS
from dialer.reports.compose import Document, compose
from dialer.store.settlement.recovery import open_attempts
from tests.shell.rehearse_kill import belong_to
from tests.shell.rig import PROGRAM, Dialer, Rig, Site, noon_zone

NUMBERS = [f"+861385000{last:04}" for last in (*range(1, 11), 1088, 1188)]
ZONE = noon_zone()


@contextmanager
def archiving() -> Iterator[list[subprocess.Popen[bytes]]]:
    """`dialer archive run`; the last of the list is the one that runs."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()


def start_archive(settings: Path) -> subprocess.Popen[bytes]:
    with (settings.parent / "archive.log").open("ab") as log:
        command = [sys.executable, "-c", PROGRAM, "--config", str(settings), "archive", "run"]
        return subprocess.Popen(command, stdout=log, stderr=log)


def verified(settings: Path, *folders: Path) -> str:
    """What `dialer report verify` says where all is equal and everything is archived; else nothing."""
    command = [sys.executable, "-c", PROGRAM, "--config", str(settings), "report", "verify", "--period", "today"]
    done = subprocess.run([*command, *map(str, folders)], capture_output=True, text=True, check=False, timeout=60)
    (settings.parent / "verify.log").write_text(done.stdout + done.stderr)
    return done.stdout if done.returncode == 0 and "not archived yet" not in done.stderr else ""


def freeze(site: Site, dialer: Dialer) -> None:
    """A host stands still in the middle of calls until another has settled them as unknown; then it tells how they
    ended."""

    def open_calls() -> list[str]:
        attempts = open_attempts(site.store, "spring")
        return [one.attempt for one in attempts if one.owner.startswith(f"{dialer.host}:")]

    def frozen() -> bool:
        if open_calls():
            os.kill(dialer.process.pid, signal.SIGSTOP)
            if open_calls():  # else they were over just then
                return True
            os.kill(dialer.process.pid, signal.SIGCONT)
        return False

    site.until(frozen, "it stands still with calls")
    site.until(lambda: site.kinds("spring")["unknown"], "the other settles what it left")
    os.kill(dialer.process.pid, signal.SIGCONT)
    site.until(lambda: any(event.data.get("corrects") for event in site.ends("spring")), "it corrects")


@pytest.mark.timeout(240)
def test_every_report_of_a_day_with_faults_equals_the_books(rig: Rig) -> None:
    """A worker and a daemon are killed, a daemon freezes, the archive is killed: ledger, evidence and stream agree with
    the archive, and every report has each attempt once."""
    with rig.site("faulty", quick=rig.quick.carrier_port) as site:
        folder = site.folder / "archive"
        given = {"archive": {"folder": str(folder), "flush_s": 1.0, "time_zone": ZONE, "metrics_port": 0}}
        settings = site.settings_file("one", **given)
        one = site.start("one", **given)
        two = site.start("two")
        with archiving() as archives:
            archives.append(start_archive(settings))
            site.campaign("spring", time_zone=ZONE)
            site.leads("spring", NUMBERS)
            belong_to(site, two, ["agent-3", "agent-4"])
            site.log_in(rig.quick, ["agent-3", "agent-4"], "spring")
            freeze(site, two)
            two.kill()
            site.log_in(rig.quick, ["agent-1", "agent-2"], "spring")
            before = len(site.talks("spring"))
            site.until(lambda: len(site.talks("spring")) > before, "the other goes on")
            os.kill(one.workers()[0], signal.SIGKILL)
            archives[0].kill()
            archives.append(start_archive(settings))
            site.until(lambda: site.counts("spring").standing.closed == len(NUMBERS), "all leads are closed", 80)
            one.stop()
            assert one.ended() == 0

            evidence = [site.folder / name / "evidence" for name in ("one", "two")]
            said = site.until(lambda: verified(settings, *evidence), "all is archived, and equal", 80)
        assert said.count("all equal") == 3
        last = {event.id: event.data["disposition"] for event in site.ends("spring")}
        today = datetime.now(ZoneInfo(ZONE)).date()
        question = Question(Period(today, today))
        for report in REPORTS.values():
            document = compose(report, question, folder, time_zone=ZONE, made_at="")
            assert attempts_in(document) <= {len(last)}, report.name
        assert set(last.values()) >= {"connected", "busy"}


def attempts_in(document: Document) -> set[float]:
    """What each table that counts attempts has as their number: in its total, and as the sum of its rows."""
    counts: set[float] = set()
    for section in document.sections:
        names = [measure.name for measure in section.measures]
        if "attempts" not in names or section.part.with_agent:
            continue
        column = len(section.part.keys) + names.index("attempts")
        counts.add(sum(float(row[column] or 0) for row in section.rows))
        if section.total is not None:
            counts.add(float(section.total[column] or 0))
    return counts
