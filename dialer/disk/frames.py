"""Frames: how items stand in a file of ours, one after the other. Length, CRC-32, msgpack."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgpack

from dialer.disk.errors import DiskError

MAX_FRAME_BYTES: Final = 1024 * 1024

_HEAD: Final = struct.Struct(">II")


def framed(item: Any) -> bytes:
    """An item as it stands in a file. Raises `DiskError` for one that cannot."""
    try:
        raw = msgpack.packb(item)
    except (TypeError, ValueError, OverflowError) as error:
        raise DiskError(f"an item cannot be kept on disk: {error}") from error
    if len(raw) > MAX_FRAME_BYTES:
        raise DiskError(f"an item of {len(raw)} bytes cannot be kept on disk, the limit is {MAX_FRAME_BYTES}")
    return _HEAD.pack(len(raw), zlib.crc32(raw)) + bytes(raw)


def frames_of(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, Any]]:
    """The good frames from `start` on, up to the first that is not: how long each is, and its item."""
    file.seek(start)
    at = start
    while at + _HEAD.size <= end:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:  # somebody has cut the file off
            return
        length, checksum = _HEAD.unpack(head)
        if length > MAX_FRAME_BYTES or at + _HEAD.size + length > end:
            return
        raw = file.read(length)
        if zlib.crc32(raw) != checksum:
            return
        try:
            item = msgpack.unpackb(raw)
        except (ValueError, msgpack.UnpackException):
            return
        at += _HEAD.size + length
        yield _HEAD.size + length, item


def all_frames_of(raw: bytes) -> Iterator[Any]:
    """The items of all good frames, also those behind bytes that are none: an append that failed and could not be taken
    back. The sum tells a frame from rubbish."""
    at = 0
    while at + _HEAD.size <= len(raw):
        length, checksum = _HEAD.unpack_from(raw, at)
        end = at + _HEAD.size + length
        if 0 < length <= MAX_FRAME_BYTES and end <= len(raw):
            body = raw[at + _HEAD.size : end]
            if zlib.crc32(body) == checksum:
                with suppress(ValueError, msgpack.UnpackException):
                    yield msgpack.unpackb(body)
                at = end
                continue
        at += 1


def is_torn(path: Path, good: int, size: int) -> bool:
    """Whether what follows the good frames is one frame that was being written: it would reach the end or beyond."""
    if size - good < _HEAD.size:
        return True
    with path.open("rb") as file:
        file.seek(good)
        head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return True
    length, _ = _HEAD.unpack(head)
    return bool(good + _HEAD.size + length >= size)
