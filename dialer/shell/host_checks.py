"""Is this host fit to dial? Each thing that a daemon needs, looked at by itself, in words. Behind `dialer doctor`.

A check never raises for what it looks at: what cannot be looked at is a finding, too. Nothing is changed.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from compliance.listed import ALL_REGISTERS
from compliance.numbers import masked_text
from config.daemon import DaemonSettings
from config.exposed import exposed_secrets
from config.load import Effective
from config.policies import Catalogue
from config.recordings.settings import RecordingsSettings
from config.scripts.wav import unplayable
from dialer.disk.errors import DiskError
from dialer.disk.recordings import sealing
from dialer.disk.registers import NationalRegisters
from dialer.shell.recordings.disk_watch import MB, NEAR
from dialer.shell.recordings.troubles import FAILED
from dialer.shell.tasks.heartbeat import CLOCKS_AGREE_S
from dialer.store.base import quarantine
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import StoreError
from dialer.store.base.server_facts import persistence_warnings, server_figures, server_time
from dialer.store.crm import event_settings, readers
from dialer.store.leads import stray

SLOW_TRIP_S: Final = 0.05
"""A round trip to Redis that takes longer than this holds the gates up."""

TRIPS: Final = 5
MEMORY_SHARE: Final = 0.8
ROOM_BYTES: Final = 1_000_000_000
"""Free space on a disk that evidence and the spool are written to, below which it is worth a word."""

UNIT: Final = "dialer.service"
UNIT_LIMIT_S: Final = 5.0


class State(StrEnum):
    """What came of a check."""

    OK = "ok"
    WARNING = "warning"  # it dials, but something will hurt
    FAULT = "fault"  # it does not dial, or must not


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says: `area` groups findings, `remedy` is what to do; empty where all is well."""

    area: str
    state: State
    text: str
    remedy: str = ""


def ok(area: str, text: str) -> Finding:
    """All is well."""
    return Finding(area, State.OK, text)


def check_settings(effective: Effective[DaemonSettings], catalogue: Catalogue, file: Path | None) -> Iterator[Finding]:
    """The settings themselves: they have been read, so what is left are gaps, policies, and who may read a password."""
    settings = effective.settings
    yield ok("settings", f"no mistakes ({f'file {file}' if file else 'no file: defaults only'})")
    for reason in (reason for setting, path in settings.music for reason in unplayable(Path(path), setting)):
        yield Finding("settings", State.FAULT, reason, "the daemon would not start: mend the file or leave it out")
    if not settings.trunks:
        yield Finding("settings", State.FAULT, "no trunk is configured", "add a [[trunks]] section")
    for name, problems in catalogue.faults.items():
        yield Finding("settings", State.WARNING, f"policy {name} cannot be used: {problems[0]}", "mend the file")
    for secret in exposed_secrets(effective):
        yield Finding("settings", State.WARNING, secret.text, secret.remedy)


def check_disk(settings: DaemonSettings) -> Iterator[Finding]:
    """Folders that the daemon writes to: there, ours, closed to others, with room."""
    yield from _folder(Path(settings.spool.dir), "spool.dir", settings.spool.max_mb * 1_000_000)
    for path in sorted(Path(settings.spool.dir).glob("*.damaged")):
        text = f"{path} has ends of calls or opt-outs that could not be read"
        yield Finding("disk", State.WARNING, text, "keep it, and report it; move it away when that is done")
    yield from _folder(Path(settings.evidence.folder), "evidence.folder", ROOM_BYTES)
    key = Path(settings.evidence.key_file)
    if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield Finding("disk", State.FAULT, f"{key} is not private: the daemon will not start", f"chmod 0600 {key}")


def check_recordings(settings: RecordingsSettings) -> Iterator[Finding]:
    """Where recordings go: writable, with room, with its key. None of it keeps this host from dialling by itself."""
    room_bytes = round(NEAR * settings.min_free_mb * MB)
    for folder in dict.fromkeys((settings.folder, settings.live_folder or settings.folder)):
        for finding in _folder(Path(folder), "recordings.folder", room_bytes, "nothing is recorded"):
            yield finding if finding.state is State.OK else replace(finding, state=State.WARNING)
    if settings.key_file:
        try:
            sealing.read_keys(Path(settings.key_file))
        except DiskError as error:
            yield Finding("disk", State.WARNING, f"nothing is recorded: {error}", "bring the key back from its copy")
    failed = Path(settings.live).parent / FAILED
    talks = [path for path in failed.glob("*") if path.is_dir()]
    if talks:
        text = f"{counted(len(talks))} in {failed} could not be made a recording"
        yield Finding("disk", State.WARNING, text, f"see the log for why; to try again move it to {settings.live}")


def counted(talks: int) -> str:
    """`1 talk`, `2 talks`."""
    return "1 talk" if talks == 1 else f"{talks} talks"


def _folder(folder: Path, name: str, room_bytes: int, without: str = "no new calls start") -> Iterator[Finding]:
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        text = f"{folder} cannot be written by {_user()}"
        if there != folder:
            text = f"{folder} is not there, and {_user()} cannot make it in {there}"
        remedy = f"sudo install -d -o dialer -m 0750 {folder}; or run this as the daemon's user ({name})"
        yield Finding("disk", State.FAULT, text, remedy)
        return
    if there == folder and stat.S_IMODE(folder.stat().st_mode) & 0o007:
        yield Finding("disk", State.WARNING, f"{folder} is open to everybody", f"chmod o= {folder}")
    free = shutil.disk_usage(there).free
    said = f"{folder}: {free / 1e9:.1f} GB free"
    if free < room_bytes:
        need = f"{name} may need {room_bytes / 1e9:.1f} GB"
        yield Finding("disk", State.WARNING, f"{said}, and {need}", f"make room: without it {without}")
    else:
        yield ok("disk", said)


def _user() -> str:
    return f"user {os.getuid()}"


def check_registers(settings: DaemonSettings, now: float) -> Iterator[Finding]:
    """National no-call registers: readable, and not older than the law or the settings allow."""
    registers = NationalRegisters(settings.registers)
    try:
        for register in registers.standings((ALL_REGISTERS,), now):
            name = register.settings.name
            if register.fault:
                yield Finding("registers", State.FAULT, register.fault, f"dialer register import {name} FILE")
            else:
                yield ok("registers", f"{name} can be relied on")
    finally:
        registers.close()


def check_redis(store: Store) -> Iterator[Finding]:
    """The server: what it is, whether it keeps what it is told, its memory, its speed, its clock. Raises `StoreError`
    where it does not answer any more."""
    nodes = server_figures(store.link)
    for node, figures in nodes.items():
        where = f" at {node}" if len(nodes) > 1 else ""
        yield ok("redis", f"{figures.product} {figures.version}{where}")
        if figures.memory_limit and figures.memory_used > MEMORY_SHARE * figures.memory_limit:
            share = figures.memory_used / figures.memory_limit
            yield Finding(
                "redis", State.WARNING, f"{100 * share:.0f} % of the memory{where} is used", "raise maxmemory"
            )
    for warning in persistence_warnings(store.link):
        yield Finding("redis", State.WARNING, warning, "see docs/redis.md")
    yield from _quarantine(store)
    trips, apart_s = [], 0.0
    for _ in range(TRIPS):
        began, wall = time.monotonic(), time.time()
        theirs = server_time(trip(store, [("TIME",)])[0])
        trips.append(time.monotonic() - began)
        apart_s = theirs - wall - trips[-1] / 2
    trip_s = sorted(trips)[TRIPS // 2]
    if trip_s > SLOW_TRIP_S:
        yield Finding("redis", State.WARNING, f"a round trip takes {trip_s * 1000:.0f} ms", "bring the server nearer")
    else:
        yield ok("redis", f"a round trip takes {trip_s * 1000:.1f} ms")
    if abs(apart_s) > CLOCKS_AGREE_S:
        text = f"this host's clock and that of Redis are {abs(apart_s):.0f} s apart: no calls start"
        yield Finding("clock", State.FAULT, text, "mend the time service of the one that is wrong")
    else:
        yield ok("clock", f"{abs(apart_s) * 1000:.0f} ms from that of Redis")


def _quarantine(store: Store) -> Iterator[Finding]:
    """What stood in our own keys and could not be read."""
    waiting = quarantine.waiting(store)
    if not waiting:
        return
    newest = quarantine.newest(store, 1)[0]
    field = masked_text(newest.field.decode(errors="replace"))
    key = store.keys.quarantine()
    how_many = f"{waiting:,} {'entry' if waiting == 1 else 'entries'}"
    last = f"{newest.key}, field {field}: {newest.reason}"
    text = f"{how_many} of our own keys could not be read; the last: {last}"
    remedy = f"look: redis-cli XREVRANGE {key} + - COUNT 10 (clear numbers!); clear when mended: redis-cli DEL {key}"
    yield Finding("redis", State.WARNING, text, remedy)


def check_readers(store: Store, now: float) -> Iterator[Finding]:
    """Registered readers of the CRM's events: none is so far behind that it may lose some. Raises `StoreError`."""
    settings = event_settings.load(store)
    for reader in readers.listing(store):
        trouble = reader.trouble(settings, now)
        if trouble:
            yield Finding("crm", State.WARNING, trouble, "see what keeps it from reading, or unregister it")
        else:
            yield ok("crm", f"reader {reader.name} has {reader.unread:,} events to read")


def check_stray_leads(store: Store) -> Iterator[Finding]:
    """Leads that nobody takes in. Raises `StoreError`."""
    for row in stray.all_of(store):
        yield Finding("leads", State.WARNING, row.sentence, f"dialer crm stray {row.key} --move-to CAMPAIGN")


def check_unit(unit: Mapping[str, str] | None) -> Iterator[Finding]:
    """The systemd unit with its properties (`unit_properties`): there, active, not restarting over and over."""
    if unit is None or unit.get("LoadState") != "loaded":
        yield Finding("unit", State.WARNING, f"{UNIT} is not installed here", "see systemd/README.md")
        return
    active, restarts = unit.get("ActiveState", ""), unit.get("NRestarts", "0")
    if active != "active":
        yield Finding("unit", State.WARNING, f"{UNIT} is {active}", f"journalctl -u {UNIT} -n 50")
    elif restarts != "0":
        yield Finding("unit", State.WARNING, f"{UNIT} was restarted {restarts} times", f"journalctl -u {UNIT}")
    else:
        yield ok("unit", f"{UNIT} is active")


def unit_properties() -> Mapping[str, str] | None:
    """What systemd says of the unit; None where there is no systemd to ask."""
    names = "LoadState,ActiveState,NRestarts"
    try:
        done = subprocess.run(
            ["systemctl", "show", UNIT, "-p", names],
            capture_output=True,
            text=True,
            timeout=UNIT_LIMIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def not_looked(area: str, error: StoreError) -> Finding:
    """Our user at the server may not look."""
    return Finding(area, State.WARNING, f"could not be looked at: {error}", "ask as the daemon's user")


def unreachable(error: StoreError, url: str) -> Finding:
    """Redis does not answer or is the wrong server."""
    return Finding("redis", State.FAULT, f"{url}: {error}", "is it running? is redis.url right?")
