"""Speech by the synthesizers of Debian, at 8 kHz without silence around it: `espeak-ng` and `flite`."""

from __future__ import annotations

import io
import subprocess
import tempfile
import wave
from functools import cache
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt

RATE_HZ: Final = 8000
QUIET: Final = 200

Audio = npt.NDArray[np.float64]
"""Samples from -32768 to 32767."""


@cache
def spoken(voice: str, text: str) -> Audio:
    """A text in a voice of `phrases.toml`. Raises `FileNotFoundError` if the synthesizer is not installed."""
    program, name, *how = voice.split()
    if program == "espeak":
        speed, pitch = how
        command = ["espeak-ng", "-v", name, "-s", speed, "-p", pitch, "--stdout", text]
        data = subprocess.run(command, capture_output=True, check=True).stdout
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "said.wav"
            command = ["flite", "-voice", name, "--setf", f"duration_stretch={how[0]}", "-t", text, "-o", str(path)]
            subprocess.run(command, capture_output=True, check=True)
            data = path.read_bytes()
    return trimmed(at_8_khz(data))


def at_8_khz(data: bytes) -> Audio:
    """A WAV file (its header may lack a length) as samples of 8 kHz."""
    with wave.open(io.BytesIO(data)) as file:
        rate = file.getframerate()
    samples = np.frombuffer(data[44:], np.int16)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    parts = [piece.to_ndarray()[0] for piece in (*resampler.resample(frame), *resampler.resample(None))]
    return np.concatenate(parts).astype(np.float64)


def trimmed(samples: Audio) -> Audio:
    """Without the silence around it."""
    loud = np.flatnonzero(np.abs(samples) > QUIET)
    return samples[loud[0] : loud[-1] + 1]
