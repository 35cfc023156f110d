"""Evidence on disk, for reading: which files there are, their lines in order, the sealed head, the key.

00000012-2026-03-03.jsonl     the newest, being written
00000011-2026-03-03.jsonl.gz  closed and compressed
head.json                     number and hash of the newest record, sealed with the host's key
"""

from __future__ import annotations

import gzip
import hmac
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final

from compliance.evidence import Head, Line, seal
from dialer.disk.errors import DiskError
from dialer.language.phrases import phrase

HEAD_FILE: Final = "head.json"
LONGEST_LINE_BYTES: Final = 1024 * 1024
KEY_BYTES: Final = 32

_NAME: Final = re.compile(r"([0-9]{8})-([0-9]{4}-[0-9]{2}-[0-9]{2})\.jsonl(\.gz)?")
_PROGRESS_LINES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Segment:
    """One file. `day` is the UTC day of all of its records."""

    ordinal: int
    day: date
    path: Path

    @property
    def stem(self) -> str:
        """Its name, whether it is compressed or not."""
        return f"{self.ordinal:08}-{self.day.isoformat()}"

    @property
    def compressed(self) -> bool:
        return self.path.suffix == ".gz"


def segment_path(folder: Path, ordinal: int, day: date) -> Path:
    """Where a new file goes."""
    return folder / f"{ordinal:08}-{day.isoformat()}.jsonl"


def segments(folder: Path) -> list[Segment]:
    """The files of a folder, oldest first. Where a file is there compressed and plain, a crash kept the compressing
    from its end: the plain one counts. Raises `OSError`."""
    segments: dict[int, Segment] = {}
    for path in sorted(folder.iterdir(), reverse=True):
        name = _NAME.fullmatch(path.name)
        if name is not None:
            segments[int(name[1])] = Segment(int(name[1]), date.fromisoformat(name[2]), path)
    return [segments[ordinal] for ordinal in sorted(segments)]


def lines(files: Iterable[Segment], progress: Callable[[int], None] = lambda _: None) -> Iterator[Line]:
    """Every line of the files, in order; `progress` is told bytes on disk as they are read.

    A file that cannot be read to its end gives a last line with an `error`. One that is being compressed meanwhile is
    found under its new name.
    """
    for segment in files:
        yield from _lines(segment.path, progress)


def _lines(path: Path, progress: Callable[[int], None]) -> Iterator[Line]:
    number = offset = 0
    try:
        with _opened(path) as raw, _plain(raw) as stream:
            while line := stream.readline(LONGEST_LINE_BYTES):
                number += 1
                yield Line(path.name, number, line)
                if number % _PROGRESS_LINES == 0:
                    progress(raw.tell() - offset)
                    offset = raw.tell()
            progress(raw.tell() - offset)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or str(error)
        yield Line(path.name, number + 1, b"", why or type(error).__name__)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return path.with_name(f"{path.name}.gz").open("rb")


def _plain(raw: BinaryIO) -> BinaryIO | gzip.GzipFile:
    return gzip.GzipFile(fileobj=raw) if raw.name.endswith(".gz") else raw


def single(path: Path) -> Segment:
    """Any single file, whatever its name."""
    return Segment(0, date.min, path)


def head_line(key: bytes, head: Head) -> bytes:
    """What stands in `head.json`; always of one length, so that it can be written over in one go."""
    return json.dumps({"seq": head.seq, "hash": head.hash, "seal": seal(key, head)}).encode().ljust(255) + b"\n"


def read_head(folder: Path, key: bytes | None) -> Head:
    """The sealed head; without the key the seal is not looked at. Raises `DiskError` where it is missing or false."""
    path = folder / HEAD_FILE
    try:
        match json.loads(path.read_bytes()):
            case {"seq": int(seq), "hash": str(digest), "seal": str(sealed)}:
                head = Head(seq, digest)
                if key is None or hmac.compare_digest(sealed.encode(), seal(key, head).encode()):
                    return head
                raise DiskError(f"{path}: the seal is not of this key")
    except OSError as error:
        raise DiskError(f"{path}: {error.strerror}: whether records are missing at the end cannot be told") from error
    except (ValueError, RecursionError):
        pass
    raise DiskError(f"{path}: is damaged: whether records are missing at the end cannot be told")


def read_key(path: Path) -> bytes:
    """The host's key: a file of 64 hexadecimal digits. Raises `DiskError`; `OSError` where it cannot be read."""
    if path.stat().st_mode & 0o007:
        raise DiskError(phrase("{path} may be read by everybody: chmod 0600 {path}", path=path))
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise DiskError(phrase("{path} must hold {digits} hexadecimal digits", path=path, digits=2 * KEY_BYTES))
    return key
