"""Compiling a national register: numbers in any order into a sorted file, in bounded memory.

Sorted runs are put on disk, merged, and written as blocks into a new file, which takes the old one's place only when it
is complete, on disk, and was read back. All that happens beside the target, in a directory that is gone afterwards.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Final

import numpy as np

from compliance.register import BLOCK_NUMBERS, HEADER_BYTES, Facts, Layout, header, place_of, sealed
from dialer.disk.errors import DiskError
from dialer.disk.folders import sync_folder
from dialer.disk.register_lines import Values
from dialer.disk.registers import open_register

RUN_NUMBERS: Final = 8_000_000
"""Numbers that are sorted at once: 64 MB, and as much again while they are."""

NARROW: Final = 1 << 16
WIDE: Final = 1 << 32
FEWEST_NARROW: Final = 64
"""A block of distances of two bytes that would hold fewer numbers than this is written with four."""

FILE_MODE: Final = 0o640


class ImportBusy(DiskError):
    """Another import writes the same register at this moment."""


def build(
    path: Path,
    facts: Facts,
    numbers: Iterable[Values],
    *,
    accept: Callable[[Facts], None] = lambda facts: None,
    refused: Callable[[], int] = lambda: 0,
    run_numbers: int = RUN_NUMBERS,
) -> Facts:
    """Write the register `path` with what `facts` says of it (its count and sizes are ours to say).

    `refused` is asked for the lines that were refused once all numbers are read. `accept` is told what the new file
    holds before it takes the old one's place; what it raises leaves the old one as it is. Raises `ImportBusy`,
    ValueError for texts that are too long, and `OSError` where the disk does not take it. Needs 8 bytes of disk for
    each number until it is done.
    """
    header(facts, Layout(0, HEADER_BYTES, 0))  # texts that are too long are said before the work, not after it
    with _workshop(path) as folder:
        runs = _sorted_runs(numbers, folder, run_numbers)
        facts = replace(facts, refused=refused())
        fresh = folder / "register"
        with open(fresh, "wb") as file:
            os.fchmod(file.fileno(), FILE_MODE)
            written = _write(file, facts, _merged(runs, max(1024, run_numbers // max(1, len(runs)))))
            file.flush()
            os.fsync(file.fileno())
        with open_register(fresh) as register:
            register.verify()
        accept(written)
        os.replace(fresh, path)
        sync_folder(path.parent)
    return written


@contextmanager
def _workshop(path: Path) -> Iterator[Path]:
    """A directory beside `path` that this process alone has. What a killed import left in it is thrown away."""
    folder = path.parent / f".{path.name}.import"
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ImportBusy(f"another import writes {path} at this moment") from None
        for left in folder.iterdir():
            left.unlink()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
    finally:
        os.close(lock)


def _sorted_runs(numbers: Iterable[Values], folder: Path, run_numbers: int) -> list[Path]:
    runs: list[Path] = []
    held: list[Values] = []
    count = 0

    def put_down() -> None:
        nonlocal count
        if count:
            runs.append(folder / f"run-{len(runs)}")
            _in_order(held).tofile(runs[-1])
            held.clear()
            count = 0

    for some in numbers:
        held.append(some)
        count += len(some)
        if count >= run_numbers:
            put_down()
    put_down()
    return runs


def _in_order(parts: list[Values]) -> Values:
    """Every number of some, sorted, once. `np.unique` would hash them first, and take eight times as long."""
    numbers = np.concatenate(parts)
    numbers.sort()
    return numbers[np.concatenate(([True], numbers[1:] != numbers[:-1]))] if len(numbers) else numbers


def _merged(runs: list[Path], window: int) -> Iterator[Values]:
    """The numbers of all runs in order, each once; of each run `window` numbers are in memory."""
    files = [open(run, "rb") for run in runs]  # noqa: SIM115
    try:
        windows = [np.empty(0, np.uint64) for _ in files]
        live = set(range(len(files)))
        while live:
            for i in list(live):
                if not len(windows[i]):
                    windows[i] = np.fromfile(files[i], np.uint64, window)
                    if not len(windows[i]):
                        live.remove(i)
            if not live:
                return
            # Below the smallest end of a window nothing is left on disk.
            bound = min(windows[i][-1] for i in live)
            ready = []
            for i in live:
                cut = int(np.searchsorted(windows[i], bound, side="right"))
                ready.append(windows[i][:cut])
                windows[i] = windows[i][cut:]
            yield _in_order(ready)
    finally:
        for file in files:
            file.close()


@dataclass(slots=True)
class _Blocks:
    """The blocks of a file that is being written, and their index."""

    file: IO[bytes]
    offset: int = HEADER_BYTES
    count: int = 0
    firsts: array[int] = field(default_factory=lambda: array("Q"))
    places: array[int] = field(default_factory=lambda: array("Q"))

    def put(self, numbers: Values) -> int:
        """Write one block with the first of some sorted numbers; returns how many they are."""
        first, most = numbers[0], numbers[:BLOCK_NUMBERS]
        narrow = int(np.searchsorted(most, first + np.uint64(NARROW)))
        wide = narrow < min(len(most), FEWEST_NARROW)
        taken = int(np.searchsorted(most, first + np.uint64(WIDE))) if wide else narrow
        block = sealed((most[:taken] - first).astype("<u4" if wide else "<u2").tobytes())
        self.file.write(block)
        self.firsts.append(int(first))
        self.places.append(place_of(self.offset, taken, wide=wide))
        self.offset += len(block)
        self.count += taken
        return taken


def _write(file: IO[bytes], facts: Facts, numbers: Iterable[Values]) -> Facts:
    file.write(bytes(HEADER_BYTES))
    blocks, rest = _Blocks(file), np.empty(0, np.uint64)
    for some in numbers:
        rest, at = np.concatenate((rest, some)), 0
        while len(rest) - at >= BLOCK_NUMBERS:
            at += blocks.put(rest[at : at + BLOCK_NUMBERS])
        rest = rest[at:]
    while len(rest):
        rest = rest[blocks.put(rest) :]
    index = b"".join(np.frombuffer(each, np.uint64).astype("<u8").tobytes() for each in (blocks.firsts, blocks.places))
    file.write(index)
    layout = Layout(len(blocks.places), blocks.offset, zlib.crc32(index))
    written = replace(facts, count=blocks.count, size_bytes=blocks.offset + len(index))
    file.seek(0)
    file.write(header(written, layout))
    return written
