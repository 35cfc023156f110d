"""Text for screens: no character that would steer a terminal, and numbers with their nouns. Light, because every
command loads it. Pure."""

from __future__ import annotations

import re
from typing import Final

REPLACED: Final = "\N{REPLACEMENT CHARACTER}"

_STEERING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters (C0 and C1), line separators that are no newline, marks that turn the direction of writing,
halves of characters: names and reasons come from anybody, and must not move the cursor or reorder a line."""


def clean(text: str) -> str:
    """The text with a mark in place of each character that would steer a terminal."""
    return _STEERING.sub(REPLACED, text)


def escaped(json_text: str) -> str:
    """The same JSON with such characters written as escapes."""
    return _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", json_text)


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 lead`, `2 leads`, with `plural` where the plural is not made by an s."""
    return f"1 {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"
