"""Recorded talks that are over, and how long each should be: what the engine says, until the talk is finished."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from dialer.core.effects import Recorded as TalkOver
from dialer.language.phrases import phrase
from dialer.shell.health import Health

MOST_KEPT: Final = 20_000
"""Beyond this the oldest is forgotten: then nobody looks whether something of it is missing."""

RECORDER: Final = "a recorder"
"""What the alarm about a recorder that failed is about."""


def recorder_failed(health: Health, problem: str) -> None:
    """A talk goes on without being recorded: an alarm, with what to do."""
    health.alarm(
        RECORDER,
        phrase("a talk could not be recorded: {problem}. Look at recordings.folder: dialer doctor", problem=problem),
    )


@dataclass(slots=True)
class Recorded:
    """By attempt, its length in seconds; None where nobody can say, because it was paused at the end."""

    lengths_s: dict[str, float | None] = field(default_factory=dict)

    def note(self, over: TalkOver) -> None:
        """A talk is over."""
        self.lengths_s[over.attempt] = over.length_s
        if len(self.lengths_s) > MOST_KEPT:
            del self.lengths_s[next(iter(self.lengths_s))]
