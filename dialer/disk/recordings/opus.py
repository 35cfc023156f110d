"""Audio to Opus in an Ogg file and back, by libopus (PyAV). Two channels of 8 kHz."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Final

import av
import numpy as np

from dialer.disk.errors import DiskError
from dialer.disk.recordings.talks import RATE_HZ, Samples

EFFORT: Final = 3
"""libopus' complexity, of 10. Speech at these rates sounds alike from here on, and 10 takes twice the time."""

DECODED_HZ: Final = 48_000
"""Opus is always decoded at this rate."""


def encoded(blocks: Iterable[Samples], *, bitrate_kbps: int, title: str) -> bytes:
    """Arrays of (n, 2) samples as one file. Raises `DiskError`."""
    out = io.BytesIO()
    try:
        with av.open(out, "w", format="ogg") as container:
            container.metadata["title"] = title
            stream = container.add_stream("libopus", rate=RATE_HZ, layout="stereo")
            stream.bit_rate = bitrate_kbps * 1000
            stream.options = {"application": "voip", "compression_level": str(EFFORT)}
            at = 0
            for block in blocks:
                frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout="stereo")
                frame.sample_rate, frame.pts = RATE_HZ, at
                at += len(block)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except av.FFmpegError as error:
        raise DiskError(f"recording {title} cannot be encoded: {error}") from error
    return out.getvalue()


def decoded(data: bytes) -> tuple[Samples, int]:
    """The samples of a file, (n, 2), and their rate in Hz. Raises `DiskError`."""
    blocks = []
    try:
        with av.open(io.BytesIO(data), "r", format="ogg") as container:
            resampler = av.AudioResampler(format="s16", layout="stereo", rate=DECODED_HZ)
            for frame in container.decode(audio=0):
                blocks += [each.to_ndarray().reshape(-1, 2) for each in resampler.resample(frame)]
    except (av.FFmpegError, IndexError) as error:
        raise DiskError(f"the recording cannot be decoded: {error}") from error
    return (np.concatenate(blocks) if blocks else np.zeros((0, 2), np.int16)), DECODED_HZ
