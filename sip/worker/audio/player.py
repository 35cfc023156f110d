"""A WAV file, played once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pjsua2 as pj


class Player(pj.AudioMediaPlayer):  # type: ignore[misc]
    """A WAV file, played once to whoever it is connected to; `ended` is called in the worker's thread at its end."""

    def __init__(self, path: str, ended: Callable[[], None] | None = None) -> None:
        """Raises `pj.Error` if the file is missing or no PCM WAV."""
        super().__init__()
        self._ended = ended
        self._playing = False
        self.createPlayer(path, pj.PJMEDIA_FILE_NO_LOOP)

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
