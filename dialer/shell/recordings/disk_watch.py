"""Whether this host can record: room on the disk, and a file that can be written. If not, the engine hears so."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

import structlog
import trio

from dialer.core.inputs import RecordingFault
from dialer.disk.errors import DiskError
from dialer.disk.recordings import sealing
from dialer.language.phrases import phrase
from dialer.shell.parts import Parts
from dialer.shell.recordings.recorded import RECORDER
from dialer.shell.slow_work import NoAnswer, SlowWork

log = structlog.get_logger()

LOOK_EVERY_S: Final = 5.0
LOOK_LIMIT_S: Final = 5.0
RECORDER_ALARM_S: Final = 300.0
"""How long an alarm about a recorder that failed stays."""

ABOUT: Final = "recordings"
MB: Final = 1_000_000
PROBE_FILE: Final = ".probe"
PROBE_BYTES: Final = 4096
NEAR: Final = 2.0
"""The alarm begins at so many times the room at which recording ends."""


@dataclass(slots=True)
class DiskWatch:
    """The task. `fault` is what the engine was told last."""

    parts: Parts
    fault: str = ""
    _work: SlowWork = field(default_factory=SlowWork)
    _recorder_failed_at: float | None = None

    async def watch(self) -> None:
        """Runs until cancelled."""
        while True:
            await self.look()
            self._let_alarms_end()
            await trio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """One look, and what follows from it."""
        settings = self.parts.settings.recordings
        if not self._somebody_records():
            await self._tell("", "", None)
            return
        folders = [
            Path(settings.folder),
            Path(settings.live),
        ]  # in this order: parents are open to all when they are made
        try:
            fault = await self._work.run("recordings", LOOK_LIMIT_S, partial(fault_of, folders, settings.min_free_mb))
            if not fault and settings.key_file:
                await self._work.run("key", LOOK_LIMIT_S, partial(sealing.read_keys, Path(settings.key_file)))
            near = await self._work.run("recordings", LOOK_LIMIT_S, partial(_room, folders)) if not fault else 0.0
        except (NoAnswer, DiskError, OSError) as error:
            fault, near = str(error), 0.0
        alarm = ""
        if not fault and near < NEAR * settings.min_free_mb:
            alarm = phrase(
                "{left:,.0f} MB are left for recordings; below {least:,} MB nothing is recorded: make room, or shorten "
                "recordings.keep_days",
                left=near,
                least=settings.min_free_mb,
            )
        await self._tell(fault, alarm, near)

    def _somebody_records(self) -> bool:
        return any(run.settings.recording.used for run in self.parts.engine.state.campaigns.values())

    async def _tell(self, fault: str, alarm: str, free_mb: float | None) -> None:
        self.parts.statistics.recordings = replace(self.parts.statistics.recordings, free_mb=free_mb)
        if fault:
            names = self._who_waits()
            if names:
                alarm = phrase(
                    "nothing is recorded: {fault}. No calls of {names}, which require it. Make room or mend the disk",
                    fault=fault,
                    names=", ".join(names),
                )
            else:
                alarm = phrase("nothing is recorded: {fault}. Make room or mend the disk", fault=fault)
        self.parts.health.alarm(ABOUT, alarm)
        if fault != self.fault:
            log.warning("recording", fault=fault or "none any more")
            self.fault = fault
            await self.parts.queues.inbox.send(RecordingFault(fault))

    def _who_waits(self) -> list[str]:
        """Campaigns that start no call without a recording."""
        runs = self.parts.engine.state.campaigns.values()
        return sorted(run.name for run in runs if run.settings.recording.used and run.settings.recording.required)

    def _let_alarms_end(self) -> None:
        health, now = self.parts.health, self.parts.clock.now()
        if RECORDER not in health.alarms:
            self._recorder_failed_at = None
        elif self._recorder_failed_at is None:
            self._recorder_failed_at = now
        elif now - self._recorder_failed_at >= RECORDER_ALARM_S:
            health.alarm(RECORDER, "")


def fault_of(folders: list[Path], min_free_mb: float) -> str:
    """Why nothing can be recorded into these folders, in words; empty: it can. Makes the folders."""
    for folder in folders:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe(folder)
            free_mb = _free_mb(folder)
        except OSError as error:
            return f"{folder}: {error.strerror or error}"
        if free_mb < min_free_mb:
            return phrase(
                "{folder}: {free_mb:,.0f} MB are free, recordings.min_free_mb is {least_mb:,.0f}",
                folder=folder,
                free_mb=free_mb,
                least_mb=min_free_mb,
            )
    return ""


def probe(folder: Path) -> None:
    """Write a file and force it to disk. Raises `OSError`."""
    path = folder / PROBE_FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, bytes(PROBE_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        path.unlink(missing_ok=True)


def _room(folders: list[Path]) -> float:
    return min(_free_mb(folder) for folder in folders)


def _free_mb(folder: Path) -> float:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize / MB
