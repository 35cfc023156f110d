"""The process that listens, with files that grow as a worker's do."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sip.causes import Answerer
from sip.detection.messages import NOTHING_HEARD, Rules, Sign
from sip.detection.orders import Order, Reply
from tests.sip.detection.made_lines import Samples, line, silence, tone, voice

PIECE_BYTES = 4096


@pytest.fixture
def program() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "sip.detection.program"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def tell(program: subprocess.Popen[bytes], *orders: Order) -> None:
    assert program.stdin is not None
    program.stdin.write(b"".join(msgspec.json.encode(order) + b"\n" for order in orders))
    program.stdin.flush()


def reply(program: subprocess.Popen[bytes]) -> Reply:
    assert program.stdout is not None
    return msgspec.json.decode(program.stdout.readline(), type=Reply)


def begun(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(b"RIFF".ljust(44, b"\0"))
    return path


def grow(file: int, samples: Samples, step_s: float = 0.0) -> None:
    data = samples.tobytes()
    with open(file, "ab", closefd=False) as grown:
        for at in range(0, len(data), PIECE_BYTES):
            grown.write(data[at : at + PIECE_BYTES])
            grown.flush()
            time.sleep(step_s)


def test_lines_are_judged_while_their_files_grow(program: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """Several lines at a time, each with a verdict of its own; no file stays behind."""
    person, machine = begun(tmp_path, "1.wav"), begun(tmp_path, "2.wav")
    with person.open("ab") as first, machine.open("ab") as second:
        tell(program, Order("p", str(person), Rules()), Order("m", str(machine), Rules()))
        grow(first.fileno(), line(silence(0.3), voice(0.5), silence(1.0)), 0.01)
        grow(second.fileno(), line(silence(0.3), voice(3.0)), 0.01)
        replies = {answer.call: answer.verdict for answer in (reply(program), reply(program))}

    assert replies["p"] is not None
    assert replies["p"].kind is Answerer.PERSON
    assert replies["m"] is not None
    assert replies["m"].kind is Answerer.MACHINE
    assert list(tmp_path.iterdir()) == []


def test_a_beep_is_told_of_after_the_verdict(program: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """Where a message is to be left, the end of the beep is told of."""
    path = begun(tmp_path, "1.wav")
    with path.open("ab") as file:
        tell(program, Order("m", str(path), Rules(), beep=True))
        grow(file.fileno(), line(silence(0.2), voice(3.0), silence(0.3)))
        verdict = reply(program).verdict
        grow(file.fileno(), line(tone(1000, 0.4), silence(0.3)))

        assert verdict is not None
        assert verdict.sign is Sign.LONG_GREETING
        assert reply(program) == Reply("m")


def test_a_line_that_is_not_there_or_ends_has_no_verdict(program: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """No file, and a file that stops growing, are said to be nothing heard."""
    tell(program, Order("a", str(tmp_path / "none.wav"), Rules()))
    assert reply(program) == Reply("a", NOTHING_HEARD)

    tell(program, Order("b", str(begun(tmp_path, "1.wav")), Rules()))
    assert reply(program) == Reply("b", NOTHING_HEARD)
