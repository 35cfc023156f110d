"""Log lines never hold up or end the daemon, whatever becomes of where they go."""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dialer.shell.log_lines import LogLines

PIPE_BYTES = 16_384


@pytest.fixture
def pipe() -> Iterator[tuple[int, Any]]:
    """A small pipe: its end to read, and a stream to write to."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    with os.fdopen(writer, "w") as stream:
        yield reader, stream
        with suppress(OSError):
            os.close(reader)


def lost(lines: int) -> str:
    return f"lost {lines}"


def test_a_reader_who_stands_still_costs_lines_and_no_time(pipe: tuple[int, Any]) -> None:
    """What does not fit is lost; when somebody reads again the next line says how many were."""
    reader, stream = pipe
    lines = LogLines(stream, lost)
    for i in range(200):
        lines.write(f"{i:03}{'x' * 200}\n")
    assert lines.lost > 100

    before = lines.lost
    os.read(reader, 100_000)
    lines.write("again\n")
    assert os.read(reader, 100_000).decode().splitlines()[-2:] == [f"lost {before}", "again"]
    assert lines.lost == 0


def test_a_long_line_that_was_cut_does_not_run_into_the_next(pipe: tuple[int, Any]) -> None:
    """It ends where the reader stopped."""
    reader, stream = pipe
    lines = LogLines(stream, lost)
    lines.write("y" * 3 * PIPE_BYTES + "\n")
    os.read(reader, 100_000)
    lines.write("next\n")

    assert os.read(reader, 100_000).decode() == "\nlost 1\nnext\n"


def test_a_reader_who_is_gone_ends_nobody(pipe: tuple[int, Any]) -> None:
    """EPIPE is a lost line."""
    reader, stream = pipe
    lines = LogLines(stream, lost)
    os.close(reader)
    lines.write("a\n")
    lines.write("b\n")

    assert lines.lost == 2


def test_a_full_disk_ends_nobody() -> None:
    """ENOSPC is, too."""
    with Path("/dev/full").open("w") as full:
        lines = LogLines(full, lost)
        lines.write("a\n")
        assert lines.lost == 1


def test_a_stream_of_the_program_s_own_takes_everything() -> None:
    """As under a test; and one that is closed nothing."""
    stream = io.StringIO()
    lines = LogLines(stream, lost)
    lines.write("a\n")
    assert stream.getvalue() == "a\n"
    stream.close()
    lines.write("b\n")
    assert lines.lost == 1
