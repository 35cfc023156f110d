"""Header lines, taken apart once: a message is read several times on its way, and an answer repeats lines of its
request."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

LINES_KEPT: Final = 512
"""Lines that are remembered: those of the calls of one worker. A line has at most 64 kB, hardly ever more than 100."""


@lru_cache(maxsize=LINES_KEPT)
def parted(line: str) -> tuple[str, str]:
    """Name, in lower case, and value of a header line; both empty where it is none."""
    name, colon, value = line.partition(":")
    return (name.strip().lower(), value.strip()) if colon else ("", "")
