"""WAV files that people on the line hear: whether they can be played, and how long they are."""

from __future__ import annotations

import os
import stat
import wave
from pathlib import Path
from typing import Final

PLAYABLE_RATES_HZ: Final = (8000, 16000)
BYTES_A_FRAME: Final = 2


def length_s(path: Path) -> float:
    """How long a recording is, in seconds; never longer than its file has samples for, whatever its header says. Raises
    `ValueError` with the reason why it cannot be played."""
    try:
        # Without O_NONBLOCK a pipe keeps whoever opens it waiting for somebody who writes.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ValueError(f"{path} is no regular file")
            with wave.open(file) as recording:
                shape = (recording.getnchannels(), recording.getsampwidth())
                rate_hz: int = recording.getframerate()
                frames: int = min(recording.getnframes(), (status.st_size - file.tell()) // BYTES_A_FRAME)
    except IsADirectoryError:
        raise ValueError(f"{path} is no regular file") from None
    except RuntimeError:  # of wave, without words: a chunk that ends beyond its file
        raise ValueError(f"{path} cannot be read: it is damaged") from None
    except EOFError:
        raise ValueError(f"{path} cannot be read: it ends within its header") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except wave.Error as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if shape != (1, BYTES_A_FRAME) or rate_hz not in PLAYABLE_RATES_HZ:
        raise ValueError(f"{path} must be 16 bit mono PCM at 8 or 16 kHz")
    if not frames:
        raise ValueError(f"{path} is empty")
    return frames / rate_hz
