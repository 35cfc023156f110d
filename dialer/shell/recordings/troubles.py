"""What people are told of talks that did not become recordings as they should, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dialer.language.phrases import phrases
from dialer.shell.health import Health

ABOUT: Final = "recordings that failed"
FAILED: Final = "failed"
"""The folder, beside that of talks, of those that could not be finished."""

SHOWN_S: Final = 600.0


@dataclass(slots=True)
class Troubles:
    """One alarm: about talks in `aside` for as long as they are there, else the last trouble, for ten minutes."""

    health: Health
    aside: Path
    _words: str = ""
    _until: float = float("inf")

    def say(self, words: str) -> None:
        """Something went wrong."""
        self._words, self._until = words, float("inf")
        self.health.alarm(ABOUT, words)

    def look(self, now: float, set_aside: int) -> None:
        """So many talks are set aside now; `now` is monotonic seconds."""
        if set_aside:
            words = phrases(
                "{number} talk in {folder} could not be made a recording: see the log for why",
                "{number} talks in {folder} could not be made a recording: see the log for why",
                set_aside,
                folder=self.aside,
            )
            self.health.alarm(ABOUT, words)
            return
        if self._until == float("inf"):
            self._until = now + SHOWN_S
        if now >= self._until:
            self._words, self._until = "", float("inf")
        self.health.alarm(ABOUT, self._words)
