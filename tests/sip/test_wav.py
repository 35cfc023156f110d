"""WAV files that were damaged on their way."""

from __future__ import annotations

import struct
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.scripts.wav import BYTES_A_FRAME, PLAYABLE_RATES_HZ, length_s


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


@given(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 255)), max_size=6), st.integers(0, 160))
def test_whatever_stands_in_a_file_is_a_length_or_a_reason(faults: list[tuple[int, int]], size: int) -> None:
    """Damaged anywhere in its header, cut anywhere."""
    shape = struct.pack("<HHLLHH", 1, 1, 8000, 16000, 2, 16)
    chunks = struct.pack("<4sL", b"fmt ", len(shape)) + shape + struct.pack("<4sL", b"data", 100) + b"\0" * 100
    whole = bytearray(struct.pack("<4sL4s", b"RIFF", 136, b"WAVE") + chunks)
    for place, byte in faults:
        whole[place] = byte
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        file.write(whole[:size])
        file.flush()
        with suppress(ValueError):
            assert 0 < length_s(Path(file.name)) <= size / BYTES_A_FRAME / min(PLAYABLE_RATES_HZ)
