"""Lines that tests make: tones, silence, and sounds that a voice detector takes for a voice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RATE_HZ = 8000

Samples = npt.NDArray[np.int16]


def silence(seconds: float) -> Samples:
    """Nothing."""
    return np.zeros(round(seconds * RATE_HZ), np.int16)


def tone(hz: float, seconds: float, amplitude: float = 6000.0) -> Samples:
    """A sine."""
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.int16)


def voice(seconds: float, amplitude: float = 6000.0) -> Samples:
    """Harmonics of a wandering pitch that swell four times a second, as syllables do."""
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    pitch = 2 * np.pi * np.cumsum(130 + 15 * np.sin(2 * np.pi * 0.9 * at)) / RATE_HZ
    wave = sum(np.sin(k * pitch + k * k) / (1 + abs(k * 130 - 600) / 400) for k in range(1, 24))
    swell = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * at - np.pi / 2)
    return (amplitude * swell * wave / np.max(np.abs(wave))).astype(np.int16)


def line(*parts: Samples) -> Samples:
    """One after the other, with the faint hiss of a line."""
    whole = np.concatenate(parts).astype(np.float64)
    hiss = 8 * np.random.default_rng(7).standard_normal(len(whole))
    return np.clip(whole + hiss, -32768, 32767).astype(np.int16)
