"""Compiling registers."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compliance.numbers import E164
from compliance.register import Facts, RegisterUnreadable
from dialer.disk.register_build import ImportBusy, build
from dialer.disk.register_lines import Values
from dialer.disk.registers import open_register
from tests.disk.made_registers import facts, made

NUMBER = E164("+8613800001234")


def parts(count: int, seed: int = 1) -> list[Values]:
    """Numbers in no order, with doubles, in parts of odd sizes."""
    lots = np.random.default_rng(seed)
    return [
        lots.integers(86_138_0000_0000, 86_138_0000_0000 + 2 * count, size, np.uint64) for size in (7, 1, 993, count)
    ]


def test_more_numbers_than_fit_in_memory_are_sorted_on_disk(tmp_path: Path) -> None:
    """Many runs give the file that one run gives, byte for byte, with every number once."""
    one, many = tmp_path / "one.reg", tmp_path / "many.reg"

    build(one, facts(), parts(60_000))
    done = build(many, facts(), parts(60_000), run_numbers=2000)

    assert one.read_bytes() == many.read_bytes()
    assert done.count == len(np.unique(np.concatenate(parts(60_000))))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.reg", "one.reg"]


def test_the_lines_that_were_refused_are_counted_when_all_are_read(tmp_path: Path) -> None:
    """The header has their number."""
    refused: list[int] = []

    def numbers() -> Iterator[Values]:
        yield from parts(100)
        refused.append(1)

    assert build(tmp_path / "a.reg", facts(), numbers(), refused=lambda: len(refused)).refused == 1


def test_texts_that_are_too_long_are_said_before_anything_is_read(tmp_path: Path) -> None:
    """Nobody waits for a whole list to hear of them."""

    def numbers() -> Iterator[Values]:
        raise AssertionError("read")
        yield

    with pytest.raises(ValueError, match="longer than"):
        build(tmp_path / "a.reg", replace(facts(), source="x" * 501), numbers())


def test_a_register_may_be_empty(tmp_path: Path) -> None:
    """Nothing is in it."""
    made(tmp_path / "a.reg", [])

    with open_register(tmp_path / "a.reg") as register:
        assert not register.contains(NUMBER)


def test_others_cannot_read_it(tmp_path: Path) -> None:
    """It has phone numbers: the owner writes, the group reads."""
    made(tmp_path / "a.reg", [NUMBER])

    assert stat.S_IMODE((tmp_path / "a.reg").stat().st_mode) == 0o640


@pytest.mark.parametrize("broken", ["numbers", "accept"])
def test_an_import_that_fails_leaves_the_register_as_it_is(tmp_path: Path, broken: str) -> None:
    """Whether the list breaks off or its reader says no, and nothing is left beside it."""
    path = tmp_path / "a.reg"
    made(path, [NUMBER])
    before = path.read_bytes()

    def numbers() -> Iterator[Values]:
        yield from parts(100)
        if broken == "numbers":
            raise OSError("cut off")

    def accept(fresh: Facts) -> None:
        raise OSError("no")

    with pytest.raises(OSError, match=r"cut off|no"):
        build(path, facts(), numbers(), accept=accept)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_import_left_is_thrown_away(tmp_path: Path) -> None:
    """The next one begins anew."""
    (tmp_path / ".a.reg.import").mkdir()
    (tmp_path / ".a.reg.import" / "run-17").write_bytes(b"12345678")

    assert made(tmp_path / "a.reg", [NUMBER]).count == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.reg"]


def test_two_imports_of_one_register_do_not_meet(tmp_path: Path) -> None:
    """The second is refused."""
    folder = tmp_path / ".a.reg.import"
    folder.mkdir()
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ImportBusy, match="another import"):
            made(tmp_path / "a.reg", [NUMBER])
    finally:
        os.close(lock)
    assert folder.exists()


def test_a_file_that_is_not_there_says_how_it_is_made(tmp_path: Path) -> None:
    """So does one that is a directory say what is wrong."""
    with pytest.raises(RegisterUnreadable, match="is not there"), open_register(tmp_path / "a.reg"):
        pass
    with pytest.raises(RegisterUnreadable, match="Is a directory"), open_register(tmp_path):
        pass
