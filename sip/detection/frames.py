"""A line's audio in frames of 20 ms: how loud, whether somebody speaks (WebRTC's detector), whether it is one tone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import webrtcvad

RATE_HZ: Final = 8000
FRAME_SAMPLES: Final = 160
FRAME_S: Final = FRAME_SAMPLES / RATE_HZ

STRICTEST: Final = 3
"""WebRTC's mode. In the milder ones it takes noise on the line for speech."""

SPECTRUM_POINTS: Final = 512
LOBE_BINS: Final = 7
"""The window's main lobe: a tone has all its energy this near to its peak."""

LEAST_PURITY: Final = 0.93
"""From here on a frame is a tone, and no voice."""

LEAST_TONE_HZ: Final = 300.0
_WINDOW: Final = np.hanning(FRAME_SAMPLES)
_BIN_HZ: Final = RATE_HZ / SPECTRUM_POINTS
_FULL_SCALE: Final = 32768.0
_SILENT: Final = 1e-10

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms of a line. `level_db` is dBFS; `pitch_hz` is its strongest frequency, which has `purity` (0 to 1) of the
    energy to itself."""

    level_db: float
    speech: bool
    pitch_hz: float
    purity: float


class Framer:
    """Cuts samples as they come (int16, 8 kHz) into frames."""

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(STRICTEST)
        self._rest: Samples = np.zeros(0, np.int16)

    def feed(self, samples: Samples) -> list[Frame]:
        """The frames that are complete now."""
        samples = np.concatenate((self._rest, samples))
        count = len(samples) // FRAME_SAMPLES
        self._rest = samples[count * FRAME_SAMPLES :]
        if not count:
            return []
        frames = samples[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES)
        wave = frames / _FULL_SCALE
        levels = 10 * np.log10(np.mean(wave**2, axis=1) + _SILENT)
        pitches, purities = _tones(wave)
        return [
            Frame(level, self._vad.is_speech(frame.tobytes(), RATE_HZ), pitch, purity)
            for frame, level, pitch, purity in zip(
                frames, levels.tolist(), pitches.tolist(), purities.tolist(), strict=True
            )
        ]


def _tones(wave: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    power = np.abs(np.fft.rfft(wave * _WINDOW, SPECTRUM_POINTS, axis=1)) ** 2
    power[:, : int(LEAST_TONE_HZ / _BIN_HZ)] = 0.0  # hum, and the fundamentals of voices
    peaks = np.clip(np.argmax(power, axis=1), 1, power.shape[1] - 2)
    rows = np.arange(len(power))
    sums = np.concatenate((np.zeros((len(power), 1)), np.cumsum(power, axis=1)), axis=1)
    low = np.maximum(peaks - LOBE_BINS, 0)
    high = np.minimum(peaks + LOBE_BINS + 1, power.shape[1])
    purity = (sums[rows, high] - sums[rows, low]) / (sums[:, -1] + _SILENT)
    before, at, after = (power[rows, peaks + step] + _SILENT for step in (-1, 0, 1))
    shift = 0.5 * (before - after) / (before - 2 * at + after - _SILENT)
    return (peaks + np.clip(shift, -0.5, 0.5)) * _BIN_HZ, purity
