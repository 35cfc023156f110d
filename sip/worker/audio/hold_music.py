"""What somebody hears who is on hold."""

from __future__ import annotations

import pjsua2 as pj


class HoldMusic(pj.AudioMediaPlayer):  # type: ignore[misc]
    """A WAV file that is played over and over."""

    def __init__(self, path: str) -> None:
        """Raises `pj.Error` if the file is missing or no PCM WAV."""
        super().__init__()
        self.createPlayer(path)

    def close(self) -> None:
        """Take it off the bridge now."""
        self.__swig_destroy__(self)
