"""A WAV file, played once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pjsua2 as pj

from sip.scripts.wav import length_s

UNPLAYABLE: Final = 70004
"""PJ_EINVAL, which the wheel has no name for."""


def open_file(player: pj.AudioMediaPlayer, path: str, flags: int = 0) -> None:
    """Have a player play a WAV file. Raises `pj.Error` if it cannot be played.

    The library takes many a header for good and aborts at the first sample, with every call of its process: 2.15.1 does
    so at 11,025 Hz. Files were looked at when the campaign was, and may be others by now."""
    try:
        length_s(Path(path))
    except ValueError as error:
        raise pj.Error(UNPLAYABLE, "", str(error), "", 0) from None
    player.createPlayer(path, flags)


class Player(pj.AudioMediaPlayer):  # type: ignore[misc]
    """A WAV file, played once to whoever it is connected to; `ended` is called in the worker's thread at its end."""

    def __init__(self, path: str, ended: Callable[[], object] | None = None) -> None:
        """Raises `pj.Error` if the file cannot be played."""
        super().__init__()
        self._ended = ended
        self._playing = False
        open_file(self, path, pj.PJMEDIA_FILE_NO_LOOP)

    def play_to(self, audio: Any) -> None:
        """Start, from the beginning; again after a re-INVITE, from where it was."""
        self.startTransmit(audio)
        self._playing = True

    def onEof2(self) -> None:
        ended, self._ended = self._ended, None
        if ended is not None and self._playing:
            ended()

    def close(self) -> None:
        """Take it off the bridge now."""
        self._ended = None
        self.__swig_destroy__(self)
