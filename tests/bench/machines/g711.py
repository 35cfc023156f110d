"""Samples through G.711 and back (ITU-T G.711), by its formula: what a telephone line does to a voice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MU, A = 255.0, 87.6


def through(samples: npt.NDArray[np.float64], law: str) -> npt.NDArray[np.int16]:
    """Coded in 8 bits by the mu-law or the A-law, and decoded."""
    wave = np.clip(samples / 32768, -1, 1)
    size, sign = np.abs(wave), np.sign(wave)
    if law == "mu":
        coded = np.round(127 * np.log1p(MU * size) / np.log1p(MU)) / 127
        size = np.expm1(coded * np.log1p(MU)) / MU
    else:
        scale = 1 + np.log(A)
        coded = np.where(size < 1 / A, A * size, 1 + np.log(np.maximum(A * size, 1))) / scale
        coded = np.round(127 * coded) / 127
        size = np.where(coded < 1 / scale, coded * scale / A, np.exp(coded * scale - 1) / A)
    return np.round(32767 * sign * size).astype(np.int16)
