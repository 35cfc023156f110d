"""WAV files that were damaged on their way."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from sip.scripts.wav import length_s


@pytest.mark.parametrize("format_bytes", [2**31, 2**32 - 1])
def test_a_wav_whose_chunk_ends_beyond_its_file_is_refused_with_a_reason(tmp_path: Path, format_bytes: int) -> None:
    """A chunk that is said to be longer than the file is a mistake of the file, with its name."""
    path = tmp_path / "damaged.wav"
    shape = struct.pack("<HHLLHH", 1, 1, 8000, 16000, 2, 16)
    path.write_bytes(b"RIFF" + struct.pack("<L4s4sL", 44, b"WAVE", b"fmt ", format_bytes) + shape + b"\0" * 16)
    with pytest.raises(ValueError, match=r"damaged\.wav cannot be read"):
        length_s(path)


def test_a_recording_is_as_long_as_its_file(tmp_path: Path) -> None:
    """Programs that write into pipes leave the largest number there is in the header."""
    path = tmp_path / "piped.wav"
    shape = struct.pack("<HHLLHH", 1, 1, 8000, 16000, 2, 16)
    chunks = struct.pack("<4sL", b"fmt ", len(shape)) + shape + struct.pack("<4sL", b"data", 2**32 - 1) + b"\0" * 16000
    path.write_bytes(struct.pack("<4sL4s", b"RIFF", 2**32 - 1, b"WAVE") + chunks)
    assert length_s(path) == 1.0


def test_an_empty_file_is_refused_with_a_reason(tmp_path: Path) -> None:
    """The library that reads it raises an error without words."""
    path = tmp_path / "empty.wav"
    path.touch()
    with pytest.raises(ValueError, match="it ends within its header"):
        length_s(path)
