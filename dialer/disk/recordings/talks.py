"""Talks that are being recorded, or were when something died: the WAV files that workers write.

Their headers count for nothing: a worker that was killed left the size 0 in them. What there is is told by the size of
the file.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from dialer.disk.errors import DiskError
from dialer.disk.recordings.index import is_name

FACTS_FILE: Final = "talk.json"
RATE_HZ: Final = 8000
HEADER_BYTES: Final = 44
LONGEST_FACTS_BYTES: Final = 8192
BLOCK: Final = RATE_HZ
"""Samples that are taken at once."""

_PART: Final = re.compile(r"([0-9]{9})\.(callee|agent)\.wav")
_HEADER: Final = re.compile(rb"RIFF.{4}WAVEfmt \x10\0\0\0\x01\0\x01\0" + (RATE_HZ).to_bytes(4, "little"), re.DOTALL)

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Part:
    """What was recorded between two pauses; `offset_ms` is from the beginning of the first part. Samples of 16 bits;
    where one of the two is shorter it ended first."""

    offset_ms: int
    callee: Samples
    agent: Samples

    @property
    def samples(self) -> int:
        """How many there are of each side."""
        return max(len(self.callee), len(self.agent))


@dataclass(frozen=True, slots=True)
class Talk:
    """The files of one talk, and what the daemon said of it."""

    name: str
    facts: dict[str, Any]
    parts: tuple[Part, ...]

    @property
    def samples(self) -> int:
        """The length of it all, pauses included."""
        at = 0
        for part in self.parts:
            at = max(at, _place(part)) + part.samples
        return at

    @property
    def paused_samples(self) -> int:
        """The length of its pauses."""
        return self.samples - sum(part.samples for part in self.parts)

    def blocks(self) -> Iterator[Samples]:
        """The audio, callee left and agent right, in arrays of (n, 2) with at most `BLOCK` samples; pauses are silent
        and last as long as they lasted."""
        at = 0
        for part in self.parts:
            while at < _place(part):
                count = min(BLOCK, _place(part) - at)
                yield np.zeros((count, 2), np.int16)
                at += count
            for start in range(0, part.samples, BLOCK):
                block = np.zeros((min(BLOCK, part.samples - start), 2), np.int16)
                for side, samples in enumerate((part.callee, part.agent)):
                    there = samples[start : start + len(block)]
                    block[: len(there), side] = there
                yield block
                at += len(block)


def _place(part: Part) -> int:
    return part.offset_ms * RATE_HZ // 1000


def names(live: Path) -> list[str]:
    """The talks that have files, oldest name first. Raises `OSError`."""
    if not live.is_dir():
        return []
    return sorted(path.name for path in live.iterdir() if is_name(path.name) and path.is_dir() and _is_talk(path))


def _is_talk(folder: Path) -> bool:
    """Whether a folder is a talk's: a talk is deleted when it is finished, and others may keep things beside it."""
    there = {path.name for path in folder.iterdir()}
    return FACTS_FILE in there or all(_PART.fullmatch(name) for name in there)


def touched_at(live: Path, name: str) -> float:
    """When something was last written of a talk, in seconds since the epoch. Raises `OSError`."""
    folder = live / name
    return max(path.stat().st_mtime for path in [folder, *folder.iterdir()])


def read_talk(live: Path, name: str) -> Talk:
    """A talk as it lies on disk. Raises `DiskError` where its files are not ours, and `OSError`."""
    folder = live / name
    by_offset: dict[int, dict[str, Samples]] = {}
    for path in sorted(folder.iterdir()):
        match = _PART.fullmatch(path.name)
        if match is not None:
            by_offset.setdefault(int(match[1]), {})[match[2]] = _samples(path)
    empty = np.zeros(0, np.int16)
    parts = [
        Part(offset_ms, sides.get("callee", empty), sides.get("agent", empty))
        for offset_ms, sides in sorted(by_offset.items())
    ]
    return Talk(name, facts_of(live, name), tuple(part for part in parts if part.samples))


def _samples(path: Path) -> Samples:
    size = path.stat().st_size
    if size <= HEADER_BYTES:
        return np.zeros(0, np.int16)
    with path.open("rb") as file:
        if _HEADER.match(file.read(HEADER_BYTES)) is None:
            raise DiskError(f"{path} is no recording of a worker: mono, 16 bits, {RATE_HZ} Hz")
    return np.memmap(path, np.dtype("<i2"), "r", HEADER_BYTES, shape=((size - HEADER_BYTES) // 2,))


def facts_of(live: Path, name: str) -> dict[str, Any]:
    """What was said of a talk; without the file when it was last written, which is about when it began. Raises
    `OSError`."""
    path = live / name / FACTS_FILE
    raw = path.read_bytes()[:LONGEST_FACTS_BYTES] if path.exists() else b""
    try:
        facts = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        facts = {}
    at = facts.get("at")
    if not isinstance(at, int | float):
        facts["at"] = (path if path.exists() else path.parent).stat().st_mtime
    return facts


def discard(live: Path, name: str) -> None:
    """Delete a talk's files. Raises `OSError`."""
    shutil.rmtree(live / name)
