"""The compiled file of a national no-call register: what it looks like, and whether a number is in it.

Sorted numbers in blocks of at most 512. A block holds the distances of its numbers from its first one, in two bytes
each (four where they lie far apart), and a CRC-32. The index has the first number and the place of every block and is
kept in memory: 8 MB for 250 million numbers, whose file has 510 MB. A look-up is a bisection of the index, one read of
a kilobyte, its checksum and a bisection of the block: about 3 us with the file in the page cache.

Little-endian throughout:

    0       header, 4096 bytes: `_FIXED`, facts as JSON, zeros, CRC-32 of all that
    4096    blocks: distances, CRC-32
    ...     index: first numbers (8 bytes each), then places (8 bytes each): offset << 16 | wide << 15 | count

Nothing here opens a file: a `Register` reads through the function it is given.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from compliance.numbers import E164

MAGIC: Final = b"\x89DNCR\r\n\x1a"
"""Its end is spoilt by whoever copies the file as text."""

VERSION: Final = 1
HEADER_BYTES: Final = 4096
BLOCK_NUMBERS: Final = 512
MAX_NAME: Final = 40
MAX_TEXT: Final = 500

_FIXED: Final = struct.Struct("<8sHHIQQQQI")  # magic, version, facts' bytes, 0, count, blocks, index at, bytes, CRC
_CRC: Final = struct.Struct("<I")
_FACTS_MOST: Final = HEADER_BYTES - _FIXED.size - _CRC.size
_WIDE: Final = 1 << 15

ReadAt = Callable[[int, int], bytes]
"""`read_at(offset, length)`: the bytes of the file there, fewer where it ends. May raise `OSError`."""


class RegisterUnreadable(Exception):
    """A register that cannot be relied on. The message has the path and the reason."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a register says of itself. `as_of` is the day of its data, `imported_at` is seconds since the epoch,
    `refused` counts the lines of the source that were no numbers."""

    name: str
    source: str
    as_of: date
    imported_at: float
    imported_by: str
    refused: int
    count: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in a file: how many blocks, where the index begins, and the checksum of the index."""

    blocks: int
    index_at: int
    index_crc: int


@dataclass(frozen=True, slots=True)
class Register:
    """An opened register. `firsts` and `places` are the index."""

    path: str
    facts: Facts
    firsts: array[int]
    places: array[int]
    read_at: ReadAt

    def contains(self, number: E164) -> bool:
        """Whether the number is in it. Raises `RegisterUnreadable` where the file turns out to be damaged."""
        value = int(number.clear[1:])
        block = bisect_right(self.firsts, value) - 1
        if block < 0:
            return False
        distances, distance = self._block(block), value - self.firsts[block]
        at = bisect_left(distances, distance)
        return at < len(distances) and distances[at] == distance

    def contains_each(self, numbers: Iterable[E164]) -> list[bool]:
        """The same for many, in order."""
        return [self.contains(number) for number in numbers]

    def verify(self) -> None:
        """Read the whole file. Raises `RegisterUnreadable` at the first block that is damaged."""
        count = 0
        for block in range(len(self.places)):
            count += len(self._block(block))
        if count != self.facts.count:
            raise RegisterUnreadable(self.path, f"holds {count} numbers where its header says {self.facts.count}")

    def _block(self, block: int) -> Sequence[int]:
        place = self.places[block]
        kind, bytes_each = ("I", 4) if place & _WIDE else ("H", 2)
        length = (place & (_WIDE - 1)) * bytes_each
        raw = _read(self.path, self.read_at, place >> 16, length + _CRC.size)
        if zlib.crc32(raw[:length]) != _CRC.unpack_from(raw, length)[0]:
            raise RegisterUnreadable(self.path, f"is damaged: block {block} does not fit its checksum")
        if sys.byteorder == "big":
            return _swapped(kind, raw[:length])
        return memoryview(raw)[:length].cast("I" if kind == "I" else "H")


def read_register(path: str, size_bytes: int, read_at: ReadAt) -> Register:
    """Check the header and the index of the file `path`, `size_bytes` long now. Blocks are checked when they are read.

    Raises `RegisterUnreadable`.
    """
    if size_bytes < HEADER_BYTES:
        raise RegisterUnreadable(path, f"is truncated: {size_bytes} bytes, less than its header")
    page = _read(path, read_at, 0, HEADER_BYTES)
    magic, version, facts_bytes, _, count, blocks, index_at, length, index_crc = _FIXED.unpack_from(page)
    if magic != MAGIC:
        raise RegisterUnreadable(path, "is not a compiled register (made by: dialer register import)")
    if version != VERSION:
        raise RegisterUnreadable(path, f"has version {version} of the format, this release reads {VERSION}")
    if zlib.crc32(page[: -_CRC.size]) != _CRC.unpack_from(page, HEADER_BYTES - _CRC.size)[0]:
        raise RegisterUnreadable(path, "is damaged: its header does not fit its checksum")
    if length != size_bytes:
        what = "is truncated" if size_bytes < length else "is too long"
        raise RegisterUnreadable(path, f"{what}: {size_bytes} bytes where its header says {length}")
    index = _read(path, read_at, index_at, 16 * blocks)
    if index_at + 16 * blocks != length or zlib.crc32(index) != index_crc:
        raise RegisterUnreadable(path, "is damaged: its index does not fit its checksum")
    try:
        facts = _facts(page[_FIXED.size : _FIXED.size + facts_bytes], count, length)
    except (ValueError, KeyError, TypeError) as error:
        raise RegisterUnreadable(path, f"has facts in its header that cannot be read: {error}") from error
    return Register(path, facts, _swapped("Q", index[: 8 * blocks]), _swapped("Q", index[8 * blocks :]), read_at)


def _read(path: str, read_at: ReadAt, offset: int, length: int) -> bytes:
    try:
        raw = read_at(offset, length)
    except OSError as error:
        raise RegisterUnreadable(path, f"cannot be read: {error.strerror}") from error
    if len(raw) != length:
        raise RegisterUnreadable(path, f"is truncated: it ends before byte {offset + length}")
    return raw


def _swapped(kind: str, raw: bytes) -> array[int]:
    values: array[int] = array(kind)
    values.frombytes(raw)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _facts(raw: bytes, count: int, size_bytes: int) -> Facts:
    described: dict[str, Any] = json.loads(raw)
    return Facts(
        name=str(described["name"]),
        source=str(described["source"]),
        as_of=date.fromisoformat(described["as_of"]),
        imported_at=float(described["imported_at"]),
        imported_by=str(described["imported_by"]),
        refused=int(described["refused"]),
        count=count,
        size_bytes=size_bytes,
    )


# --- writing ---------------------------------------------------------------------------------------------------------


def header(facts: Facts, layout: Layout) -> bytes:
    """The first page of a file. Raises ValueError for texts that are too long."""
    if len(facts.name) > MAX_NAME or max(len(facts.source), len(facts.imported_by)) > MAX_TEXT:
        raise ValueError(f"name, source or author is longer than {MAX_NAME}, {MAX_TEXT} and {MAX_TEXT} characters")
    described = {
        "name": facts.name,
        "source": facts.source,
        "as_of": facts.as_of.isoformat(),
        "imported_at": facts.imported_at,
        "imported_by": facts.imported_by,
        "refused": facts.refused,
    }
    raw = json.dumps(described, ensure_ascii=False).encode()
    if len(raw) > _FACTS_MOST:
        raise ValueError(f"source and author take {len(raw)} bytes, there is room for {_FACTS_MOST}")
    fixed = _FIXED.pack(
        MAGIC,
        VERSION,
        len(raw),
        0,
        facts.count,
        layout.blocks,
        layout.index_at,
        facts.size_bytes,
        layout.index_crc,
    )
    page = (fixed + raw).ljust(HEADER_BYTES - _CRC.size, b"\0")
    return page + _CRC.pack(zlib.crc32(page))


def sealed(distances: bytes) -> bytes:
    """A block as it stands in the file."""
    return distances + _CRC.pack(zlib.crc32(distances))


def place_of(offset: int, count: int, *, wide: bool) -> int:
    """Where a block is, how many numbers it holds, and whether its distances have four bytes, for the index."""
    return offset << 16 | (_WIDE if wide else 0) | count
