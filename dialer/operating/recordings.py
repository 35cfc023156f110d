"""Recordings of this host, heard and marked; who did either is in the audit trail."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.load import load_model
from config.problems import ConfigError, Problem
from config.recordings.scoring import SHIPPED, ScoredRecording, ScoringSheet
from config.recordings.settings import RecordingsSettings
from dialer.core import quality
from dialer.core.quality import Score
from dialer.disk.recordings import index, sealing
from dialer.disk.recordings.index import Row
from dialer.language.translation import _
from dialer.operating.desk import Desk, Refused
from dialer.store.operators import scores

OWN_SHEET: Final = Path("/etc/dialer/scoring.toml")
MOST_NAMED: Final = 50
"""Attempts that a line of the audit trail names."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording as Ogg/Opus, and whether it is as it was made."""

    audio: bytes
    as_made: bool


def plain(settings: RecordingsSettings, row: Row) -> Heard:
    """A recording, decrypted. Raises `Refused` where its key is not here, `DiskError`, `OSError`."""
    stored = index.path_of(Path(settings.folder), row).read_bytes()
    as_made = hashlib.sha256(stored).hexdigest() == row.sha256
    if not row.file.endswith(index.SEALED):
        return Heard(stored, as_made)
    if not settings.key_file:
        raise Refused(
            _("recording {attempt} is encrypted", attempt=row.attempt), _("Name its key: recordings.key_file")
        )
    return Heard(sealing.opened(stored, row.attempt, sealing.read_keys(Path(settings.key_file))), as_made)


def note(desk: Desk, what: str, rows: Sequence[Row], now: float, **detail: str) -> None:
    """Who listened, before anybody hears anything: without an audit trail nothing is played. Raises `StoreError`."""
    campaigns = sorted({row.campaign for row in rows})
    attempts = [row.attempt for row in rows][:MOST_NAMED]
    desk.note(what, now, attempts=attempts, recordings=len(rows), campaigns=campaigns, **detail)


def sheet_of(path: Path | None = None) -> ScoringSheet:
    """The sheet of a file, the one of this machine, or the shipped one. Raises `ConfigError`."""
    return load_model(path or (OWN_SHEET if OWN_SHEET.exists() else SHIPPED), ScoringSheet)


def take_marks(
    desk: Desk, sheet: ScoringSheet, marked: Sequence[tuple[str, ScoredRecording]], now: float
) -> list[Score]:
    """Keep what people think of recordings, each with the place of its marks for messages. Raises `ConfigError` with
    every mistake, and keeps nothing then."""
    problems = [
        Problem(place, _("(attempt {attempt}) {fault}", attempt=each.attempt, fault=fault))
        for place, each in marked
        for fault in quality.faults(sheet, each)
    ]
    if problems:
        raise ConfigError(problems)
    taken = [quality.score(sheet, each, now) for _, each in marked]
    scores.keep(desk.store, taken)
    attempts = [each.attempt for each in taken][:MOST_NAMED]
    desk.note("recording_score", now, recordings=len(taken), sheet=sheet.name, attempts=attempts)
    return taken
