"""WAV files that callees hear: whether they can be played, and how long they are."""

from __future__ import annotations

import os
import stat
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from config.problems import Problem, dotted
from config.scripts import flow
from config.scripts.settings import ScriptSettings

PLAYABLE_RATES_HZ: Final = (8000, 16000)


def length_s(path: Path) -> float:
    """How long a recording is, in seconds. Raises `ValueError` with the reason why it cannot be played."""
    try:
        # Without O_NONBLOCK a pipe keeps whoever opens it waiting for somebody who writes.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ValueError(f"{path} is no regular file")
            with wave.open(file) as recording:
                shape = (recording.getnchannels(), recording.getsampwidth())
                rate_hz: int = recording.getframerate()
                frames: int = recording.getnframes()
    except IsADirectoryError:
        raise ValueError(f"{path} is no regular file") from None
    except RuntimeError:  # of wave, without words: a chunk that ends beyond its file
        raise ValueError(f"{path} cannot be read: it is damaged") from None
    except (OSError, EOFError, wave.Error) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if shape != (1, 2) or rate_hz not in PLAYABLE_RATES_HZ:
        raise ValueError(f"{path} must be 16 bit mono PCM at 8 or 16 kHz")
    if not frames:
        raise ValueError(f"{path} is empty")
    return frames / rate_hz


def unplayable(path: Path, what: str = "abandon message") -> list[str]:
    """Why a recording cannot be played; `what` it is."""
    try:
        length_s(path)
    except ValueError as error:
        return [f"{what} {error}"]
    return []


def lengths_s(script: ScriptSettings) -> dict[str, float]:
    """How long the WAV files of a script are, in seconds; those that cannot be played are left out."""
    lengths = {}
    for path in script.plays:
        try:
            lengths[path] = length_s(Path(path))
        except ValueError:
            continue
    return lengths


def audio_mistakes(script: ScriptSettings) -> Iterator[Problem]:
    """Every WAV file of a script that cannot be played here, and a script that may last longer than it says."""
    faults: dict[str, list[str]] = {path: unplayable(Path(path), "recording") for path in script.plays}
    for place, step in enumerate(script.steps):
        for fault in faults.get(step.play, ()):
            yield Problem(dotted(("steps", place, "play")), fault)
    longest = flow.longest_s(script.steps, lengths_s(script))
    if longest > script.limit_s:
        yield Problem("limit_s", f"is {script.limit_s:g}, but the longest way through takes {longest:.0f} s")
