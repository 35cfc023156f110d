"""The registers of a host, as the gate asks them."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from compliance.api import Refusal, Rule
from compliance.listed import ALL_REGISTERS
from compliance.numbers import E164
from dialer.disk.registers import NationalRegisters
from dialer.language.refusals import detail
from tests.disk.made_registers import listed, made
from tests.rules import in_words
from tests.store.conftest import NOW, number

ALL = (ALL_REGISTERS,)
ON, OFF, ELSEWHERE = number(1), number(2), E164("+33612345678")
DAY = 86_400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A register of one number, a day and a half old at NOW."""
    made(tmp_path / "cn.reg", [ON])
    return tmp_path / "cn.reg"


def rules(found: list[Refusal | None]) -> list[Rule | None]:
    return [one and one.rule for one in found]


def test_numbers_on_the_register_of_their_country_are_refused(path: Path) -> None:
    """For good, with its name and day; others pass."""
    shelf = NationalRegisters((listed(path),))

    on, off, elsewhere = shelf.verdicts(ALL, [ON, OFF, ELSEWHERE], NOW)

    assert in_words(on) == (Rule.REGISTER, "on the national register cn-list of 2026-03-01", None)
    assert (off, elsewhere) == (None, None)
    shelf.close()


def test_a_campaign_may_name_its_registers_or_have_none(path: Path) -> None:
    """One that this host does not have refuses everything."""
    shelf = NationalRegisters((listed(path),))

    assert rules(shelf.verdicts(("cn-list",), [ON], NOW)) == [Rule.REGISTER]
    assert rules(shelf.verdicts((), [ON], NOW)) == [None]
    (unknown,) = NationalRegisters().verdicts(("cn-list",), [ELSEWHERE], NOW)
    assert unknown is not None
    assert detail(unknown) == "the register 'cn-list' is not configured here (there is: none)"
    assert rules(NationalRegisters().verdicts(ALL, [ON], NOW)) == [None]
    shelf.close()


def test_a_register_that_is_too_old_refuses_its_country(path: Path) -> None:
    """With its age, for the time being; a number that is on it is refused for good all the same."""
    shelf = NationalRegisters((listed(path),))

    on, off, elsewhere = shelf.verdicts(ALL, [ON, OFF, ELSEWHERE], NOW + 31 * DAY)

    assert rules([on, off, elsewhere]) == [Rule.REGISTER, Rule.REGISTER_OUTDATED, None]
    assert off is not None
    assert detail(off) == "the register cn-list of 2026-03-01 is 33 days old, more than 31"
    assert off.until == NOW + 31 * DAY + 600.0
    shelf.close()


@pytest.mark.parametrize("ailment", ["missing", "truncated", "header", "another"])
def test_a_register_that_cannot_be_relied_on_refuses_its_country(path: Path, ailment: str) -> None:
    """With the path and the reason, until its file is in order again."""
    raw = path.read_bytes()
    shelf = NationalRegisters((listed(path),))
    match ailment:
        case "missing":
            path.unlink()
        case "truncated":
            path.write_bytes(raw[:-1])
        case "header":
            path.write_bytes(raw[:100] + b"X" + raw[101:])
        case "another":
            made(path, [ON], "us-list")

    off, elsewhere = shelf.verdicts(ALL, [OFF, ELSEWHERE], NOW)
    made(path, [ON])

    assert off is not None
    assert off.rule is Rule.REGISTER_UNREADABLE
    assert detail(off).startswith(str(path))
    assert elsewhere is None
    assert rules(shelf.verdicts(ALL, [ON, OFF], NOW + 1.0)) == [Rule.REGISTER, None]
    shelf.close()


def test_a_damaged_block_ends_the_trust_in_the_whole_register(path: Path) -> None:
    """From the number that found it on, until the file changes."""
    raw = bytearray(path.read_bytes())
    raw[4096] ^= 1
    path.write_bytes(raw)
    shelf, below = NationalRegisters((listed(path),)), number(0)

    assert rules(shelf.verdicts(ALL, [below, ON, below], NOW)) == [
        None,
        Rule.REGISTER_UNREADABLE,
        Rule.REGISTER_UNREADABLE,
    ]
    assert rules(shelf.verdicts(ALL, [below], NOW + 60.0)) == [Rule.REGISTER_UNREADABLE]
    assert "checksum" in shelf.standings(ALL, NOW + 60.0)[0].fault
    shelf.close()


def test_a_file_that_is_cut_short_under_the_daemon_is_no_end_of_the_daemon(path: Path) -> None:
    """Before anybody looked at the file again: the number is refused, with the reason."""
    shelf = NationalRegisters((listed(path),))
    assert rules(shelf.verdicts(ALL, [OFF], NOW)) == [None]

    os.truncate(path, 4098)

    (refusal,) = shelf.verdicts(ALL, [ON], NOW + 0.1)
    assert refusal is not None
    assert refusal.rule is Rule.REGISTER_UNREADABLE
    assert "is truncated" in detail(refusal)
    shelf.close()


def test_a_new_file_is_in_use_within_a_second(path: Path) -> None:
    """The file is looked at once a second at most, also when the clock is set back."""
    shelf = NationalRegisters((listed(path),))
    assert rules(shelf.verdicts(ALL, [ON, OFF], NOW)) == [Rule.REGISTER, None]

    made(path, [OFF], as_of="2026-03-02")

    assert rules(shelf.verdicts(ALL, [ON, OFF], NOW + 0.9)) == [Rule.REGISTER, None]
    assert rules(shelf.verdicts(ALL, [ON, OFF], NOW + 1.0)) == [None, Rule.REGISTER]
    made(path, [ON])
    assert rules(shelf.verdicts(ALL, [ON], NOW - 3600.0)) == [Rule.REGISTER]
    shelf.close()


def test_registers_are_swapped_under_readers(path: Path) -> None:
    """Threads that ask while the file is replaced over and over always get one of the two answers, whole."""
    shelf, odd, even = (
        NationalRegisters((listed(path),)),
        [number(i) for i in range(1, 2000, 2)],
        [number(i) for i in range(0, 2000, 2)],
    )
    asked, done, wrong, answers = [*odd[:25], *even[:25]], threading.Event(), [], set()
    made(path, odd)

    def ask(lane: int) -> None:
        moment = NOW + 10_000.0 * lane
        while not done.is_set():
            moment += 1.0
            found = rules(shelf.verdicts(ALL, asked, moment))
            on_odd = [Rule.REGISTER] * 25 + [None] * 25
            answers.add(found == on_odd)
            if found not in (on_odd, on_odd[::-1]):
                wrong.append(found)

    lanes = [threading.Thread(target=ask, args=(lane,)) for lane in range(2)]
    for lane in lanes:
        lane.start()
    for i in range(1000):
        made(path, even if i % 2 else odd)
        if i > 20 and len(answers) == 2:
            break
    done.set()
    for lane in lanes:
        lane.join(30)

    assert wrong == []
    assert answers == {True, False}
    shelf.close()
