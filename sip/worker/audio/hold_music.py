"""What somebody hears who is on hold."""

from __future__ import annotations

import pjsua2 as pj

from sip.worker.audio.player import open_file


class HoldMusic(pj.AudioMediaPlayer):  # type: ignore[misc]
    """A WAV file that is played over and over."""

    def __init__(self, path: str) -> None:
        """Raises `pj.Error` if the file cannot be played."""
        super().__init__()
        open_file(self, path)

    def close(self) -> None:
        """Take it off the bridge now."""
        self.__swig_destroy__(self)
