"""The compiled file of a register."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.numbers import E164
from compliance.register import (
    BLOCK_NUMBERS,
    HEADER_BYTES,
    Layout,
    ReadAt,
    Register,
    RegisterUnreadable,
    header,
    read_register,
)
from tests.disk.made_registers import facts, made

LOWEST, HIGHEST = 1_000_000, 999_999_999_999_999
values = st.integers(LOWEST, HIGHEST)
dense = st.integers(13_800_000_000, 13_800_005_000)


def at(raw: bytes) -> ReadAt:
    return lambda offset, length: raw[offset : offset + length]


def opened(raw: bytes) -> Register:
    return read_register("a.reg", len(raw), at(raw))


def number(value: int) -> E164:
    return E164(f"+{value}")


@pytest.fixture
def raw(tmp_path: Path) -> bytes:
    """A register of three blocks, one of them wide."""
    near, far = range(13_800_000_000, 13_800_000_600), range(20_000_000_000, 20_900_000_000, 300_000_000)
    made(tmp_path / "a.reg", [*near, *far])
    return (tmp_path / "a.reg").read_bytes()


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(present=st.sets(st.one_of(values, dense), max_size=1500), others=st.sets(st.one_of(values, dense), max_size=50))
def test_it_holds_what_was_put_in_and_nothing_else(tmp_path: Path, present: set[int], others: set[int]) -> None:
    """Whatever the numbers: those, their neighbours, and any others are told apart as a set tells them apart."""
    written = made(tmp_path / "a.reg", present)
    register = opened((tmp_path / "a.reg").read_bytes())
    asked = present | others | {value + 1 for value in present if value < HIGHEST} | {LOWEST, HIGHEST}

    assert register.contains_each(map(number, asked)) == [value in present for value in asked]
    assert register.facts == written
    assert written.count == len(present)
    register.verify()


def test_dense_numbers_take_two_bytes(tmp_path: Path) -> None:
    """A hundred apart, as in a register of a whole country, with the index and all."""
    written = made(tmp_path / "a.reg", range(33_100_000_000, 33_110_000_000, 100))

    assert (written.size_bytes - HEADER_BYTES) / written.count < 2.05


@pytest.mark.parametrize("length", [0, 1, 7, 8, 10, 12, 16, 24, 32, 40, 48, 52, 300, HEADER_BYTES - 1])
def test_a_file_cut_within_its_header_is_refused(raw: bytes, length: int) -> None:
    """At the end of every field, and within."""
    with pytest.raises(RegisterUnreadable, match=f"a.reg: is truncated: {length} bytes, less than its header"):
        opened(raw[:length])


def test_a_file_cut_behind_its_header_is_refused(raw: bytes) -> None:
    """At the header's end, within a block, within the index, one byte short; and one that has a byte too many."""
    for length in (HEADER_BYTES, HEADER_BYTES + 100, len(raw) - 20, len(raw) - 1):
        with pytest.raises(RegisterUnreadable, match=f"is truncated: {length} bytes where its header says {len(raw)}"):
            opened(raw[:length])
    with pytest.raises(RegisterUnreadable, match="is too long"):
        opened(raw + b"\0")


def test_no_flipped_bit_of_header_and_index_is_overlooked(raw: bytes) -> None:
    """Any byte of the header, its padding included, and of the index: refused when the file is opened."""
    lots, index = random.Random(1), len(raw) - 3 * 16
    for place in [*range(60), *lots.sample(range(60, HEADER_BYTES), 200), *range(index, len(raw))]:
        with pytest.raises(RegisterUnreadable):
            opened(flipped(raw, place, 1 << lots.randrange(8)))


def test_no_flipped_bit_of_a_block_is_overlooked(raw: bytes) -> None:
    """The file opens; whoever asks for a number of that block, and whoever verifies, is told."""
    lots = random.Random(2)
    for place in lots.sample(range(HEADER_BYTES, HEADER_BYTES + 2 * BLOCK_NUMBERS + 4), 100):
        register = opened(flipped(raw, place, 1 << lots.randrange(8)))
        with pytest.raises(RegisterUnreadable, match="block 0 does not fit its checksum"):
            register.contains(number(13_800_000_000))
        with pytest.raises(RegisterUnreadable, match="block 0"):
            register.verify()
        assert register.contains(number(20_000_000_000))


def test_another_kind_of_file_and_another_version_are_refused(raw: bytes) -> None:
    """By name: the one is no register, the other is from another release."""
    with pytest.raises(RegisterUnreadable, match="is not a compiled register"):
        opened(b"+8613800001234\n" * 1000)
    with pytest.raises(RegisterUnreadable, match="has version 2 of the format, this release reads 1"):
        opened(raw[:8] + b"\x02\x00" + raw[10:])


def test_a_file_that_shrinks_under_its_reader_is_refused(raw: bytes) -> None:
    """Also a disk that fails: whoever asks is told, with the path."""
    short = raw[: HEADER_BYTES + 10]
    register = opened(raw)
    shrunk = Register(register.path, register.facts, register.firsts, register.places, at(short))
    failing = Register(register.path, register.facts, register.firsts, register.places, fail)

    for broken, reason in ((shrunk, "is truncated"), (failing, "a.reg: cannot be read: the disk is gone")):
        with pytest.raises(RegisterUnreadable, match=reason):
            broken.contains(number(13_800_000_000))


@pytest.mark.parametrize(("name", "source"), [("x" * 41, ""), ("a", "s" * 501)])
def test_texts_that_are_too_long_are_refused_when_it_is_written(name: str, source: str) -> None:
    """The header is one page."""
    with pytest.raises(ValueError, match="longer than"):
        header(replace(facts(), name=name, source=source), Layout(0, HEADER_BYTES, 0))


def flipped(raw: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[place] ^= bit
    return bytes(changed)


def fail(offset: int, length: int) -> bytes:
    raise OSError(5, "the disk is gone")
