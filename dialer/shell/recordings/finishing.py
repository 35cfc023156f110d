"""From the files of a talk to a recording: encoded, on record, in the index, told to the CRM. Then the files go.

What is left to be done is what lies in the folder of talks, so a daemon that was killed leaves nothing half done: the
next one finds the files, also those of talks that were cut off, and does the whole again. Each step can be done twice.
A talk that cannot be finished is set aside, in the folder `failed` beside the others, with an alarm.
"""

from __future__ import annotations

import errno
import shutil
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
import trio

from dialer.core import evidence
from dialer.core.scripts.steps import MESSAGE_MARK
from dialer.disk.errors import DiskError
from dialer.disk.recordings import index, talks
from dialer.disk.recordings.index import Row
from dialer.disk.recordings.orders import Order, Reply
from dialer.shell.parts import Parts
from dialer.shell.recordings.encoder_process import Encoder, EncoderDied, EncoderNotStarted
from dialer.shell.recordings.expiry import Expiry
from dialer.shell.recordings.troubles import FAILED, Troubles
from dialer.shell.slow_work import NoAnswer, SlowWork
from dialer.shell.tasks.event_writer import EventWriter
from dialer.store.settlement import retelling
from dialer.store.settlement.outbox import CrmEvent

log = structlog.get_logger()

LOOK_EVERY_S: Final = 0.5
PAUSE_AFTER_FAULT_S: Final = 5.0
DISK_LIMIT_S: Final = 10.0
QUIET_S: Final = 1.0
"""So long nothing is written any more of a talk that is over before it is taken up."""

QUIET_OF_OTHERS_S: Final = 5.0
"""The same for one of which this daemon knows nothing: workers of a daemon that was killed may still be at it."""

MOST_TRIES: Final = 3
ENCODED_TIMES: Final = 20.0
"""How many times real time the encoder does at least, at the lowest priority on a busy machine."""

LAST_TALKS_S: Final = 15.0
"""How long an orderly stop waits for the last recordings; what is left is finished by the next start."""

NOTICED_MISSING_S: Final = 1.0
"""Audio that may be missing without a word: the legs' beginning and the files' end are not cut to the frame."""

ENCODER_IDLE_S: Final = 60.0
"""The encoder's process, 90 MB of memory, ends when it had nothing to do for so long."""


@dataclass(slots=True)
class Finishing:
    """The task."""

    parts: Parts
    writer: EventWriter
    expiry: Expiry
    encoder: Encoder = field(default_factory=Encoder)
    _work: SlowWork = field(default_factory=SlowWork)
    troubles: Troubles = field(init=False)
    _tries: Counter[str] = field(default_factory=Counter)
    _busy_at: float = 0.0

    def __post_init__(self) -> None:
        self.troubles = Troubles(self.parts.health, self.aside)

    @property
    def live(self) -> Path:
        """Where the talks are."""
        return Path(self.parts.settings.recordings.live)

    @property
    def aside(self) -> Path:
        """Where talks go that cannot be finished."""
        return self.live.parent / FAILED

    async def keep(self) -> None:
        """Finish one talk after the other. Runs until cancelled."""
        try:
            while True:
                wait_s = LOOK_EVERY_S
                try:
                    await self.once()
                except (OSError, NoAnswer) as error:
                    self.troubles.say(f"talks wait to become recordings: {error}")
                    wait_s = PAUSE_AFTER_FAULT_S
                await trio.sleep(wait_s)
        finally:
            await self.encoder.stop()

    async def last(self) -> None:
        """At the end of the daemon, when no call is left: what can be finished in `LAST_TALKS_S`."""
        with trio.move_on_after(LAST_TALKS_S):
            try:
                while self.parts.recorded.lengths_s and await self._there():
                    self.parts.notifier.alive()
                    await self.once()
                    await trio.sleep(LOOK_EVERY_S / 2)
            except (OSError, NoAnswer) as error:
                log.warning("recordings left for the next start", detail=str(error))
        await self.encoder.stop()

    async def once(self) -> None:
        """Finish every talk that is over. Raises `OSError`, `NoAnswer`."""
        if self.parts.evidence.failing:
            return  # nothing is told before it is on record
        ready, waiting = await self._work.run("talks", DISK_LIMIT_S, self._ready)
        self._count(waiting=waiting)
        for name in ready:
            await self._finish(name)
        now = self.parts.clock.now()
        if ready:
            self._busy_at = now
        elif now - self._busy_at >= ENCODER_IDLE_S:
            await self.encoder.stop()
        set_aside = await self._work.run("failed", DISK_LIMIT_S, self._failed_talks)
        self._count(set_aside=set_aside)
        self.troubles.look(now, set_aside)

    def _count(self, **changes: Any) -> None:
        self.parts.statistics.recordings = replace(self.parts.statistics.recordings, **changes)

    def _failed_talks(self) -> int:
        return len(talks.names(self.aside))

    async def _there(self) -> bool:
        """Whether a talk of this run is left."""
        names = await self._work.run("talks", DISK_LIMIT_S, partial(talks.names, self.live))
        return any(name in self.parts.recorded.lengths_s for name in names)

    def _ready(self) -> tuple[list[str], int]:
        """The talks that can be finished now, and how many are over."""
        now = self.parts.clock.wall()
        over = [name for name in talks.names(self.live) if name not in self.parts.engine.state.calls]
        ready = []
        for name in over:
            quiet_s = QUIET_S if name in self.parts.recorded.lengths_s else QUIET_OF_OTHERS_S
            if abs(now - talks.touched_at(self.live, name)) >= quiet_s:
                ready.append(name)
        return ready, len(over)

    async def _finish(self, name: str) -> None:
        settings = self.parts.settings.recordings
        order = Order(
            live=str(self.live),
            name=name,
            folder=settings.folder,
            bitrate_kbps=settings.bitrate_kbps,
            key_file=settings.key_file,
        )
        length_s = self.parts.recorded.lengths_s.get(name)
        try:
            reply = await self.encoder.carry_out(order, (length_s or 86_400.0) / ENCODED_TIMES)
        except EncoderDied as error:
            await self._failed(name, str(error))
            return
        except EncoderNotStarted as error:
            reply = Reply(error=str(error), may_pass=True)
        if reply.may_pass:
            self.troubles.say(f"talks wait to become recordings: {reply.error}")
            await trio.sleep(PAUSE_AFTER_FAULT_S)
            return
        if reply.error:
            await self._failed(name, reply.error)
            return
        if reply.row is not None:
            row = reply.row
            if length_s is not None and length_s - row.duration_s > NOTICED_MISSING_S:
                row = msgspec.structs.replace(row, missing_s=round(length_s - row.duration_s, 3))
            if not await self._put_on_record(row):
                return  # the disk of the evidence fails; the talk stays where it is
        await self._work.run("talk", DISK_LIMIT_S, partial(talks.discard, self.live, name))
        self._let_go(name)

    def _let_go(self, name: str) -> None:
        self._tries.pop(name, None)
        self.parts.recorded.lengths_s.pop(name, None)
        self._count(waiting=max(0, self.parts.statistics.recordings.waiting - 1))

    async def _put_on_record(self, row: Row) -> bool:
        folder = Path(self.parts.settings.recordings.folder)
        try:
            await self._work.run("index", DISK_LIMIT_S, partial(index.append, folder, row))
        except DiskError as error:
            await self._failed(row.attempt, str(error))
            return False
        if await self.expiry.is_erased(row):
            return True
        entry = evidence.recording(
            row.campaign, row.attempt, row.file, row.sha256, row.duration_s, row.missing_s, self.parts.clock.wall()
        )
        event = event_of(row, self.parts.host, self.parts.clock.wall())
        if not await self.parts.evidence.keep([entry, retelling.event_row(event)]):
            return False
        await self.writer.put_down(event)
        known = self.parts.statistics.recordings
        self._count(made=known.made + 1, missing_s=known.missing_s + row.missing_s)
        log.info(
            "recorded",
            attempt_id=row.attempt,
            campaign=row.campaign,
            duration_s=row.duration_s,
            missing_s=row.missing_s,
        )
        if row.missing_s:
            self.troubles.say(f"recording {row.attempt} lacks {row.missing_s:.1f} s: the disk was full, or failed")
        return True

    async def _failed(self, name: str, why: str) -> None:
        """Try again; at last set the talk aside, so that it holds up no other."""
        self._tries[name] += 1
        self._count(failed=self.parts.statistics.recordings.failed + 1)
        log.warning("recording not finished", attempt_id=name, tries=self._tries[name], detail=why)
        if self._tries[name] < MOST_TRIES:
            self.troubles.say(f"recording {name} is not finished yet: {why}")
            await trio.sleep(PAUSE_AFTER_FAULT_S)
            return
        self._let_go(name)
        try:
            await self._work.run("talk", DISK_LIMIT_S, partial(_set_aside, self.live / name, self.aside))
        except OSError as error:
            self.troubles.say(f"recording {name} cannot be set aside: {error}")
            await trio.sleep(PAUSE_AFTER_FAULT_S)


def _set_aside(talk: Path, aside: Path) -> None:
    aside.mkdir(mode=0o700, exist_ok=True)
    try:
        talk.rename(aside / talk.name)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = aside / f".{talk.name}.part"  # the folder of talks is a disk of its own
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(talk, part)
        part.rename(aside / talk.name)
        shutil.rmtree(talk)


def event_of(row: Row, host: str, at: float) -> CrmEvent:
    """What the CRM is told of a recording."""
    fields = {
        "attempt_id": row.attempt.partition(MESSAGE_MARK)[0],
        "recording": row.attempt,
        "lead_id": row.lead,
        "agent": row.agent,
        "duration_s": row.duration_s,
        "missing_s": row.missing_s,
        "sha256": row.sha256,
        "host": host,
    }
    return CrmEvent("recording", row.attempt, row.campaign, at, fields)
