"""Where a call is in its script."""

from __future__ import annotations

from dataclasses import dataclass

from config.scripts.settings import ScriptSettings
from dialer.core.scripts.interpreter import Position


@dataclass(slots=True)
class ScriptRun:
    """A script that began at `began_at`. `prompt` is the number of the recording that plays, or played last, `messages`
    how many were left; a key or a message is waited for since `waits_since`."""

    script: ScriptSettings
    position: Position
    began_at: float
    prompt: int = 0
    messages: int = 0
    waits_since: float | None = None
