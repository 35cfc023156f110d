"""The sheet by which recordings are marked: items, and how many points each may have."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from pydantic import Field, field_validator

from config.model import Section

SHIPPED: Final = Path(__file__).parent / "scoring.toml"
NOT_YET: Final = -1
"""The mark of an item that nobody has marked yet."""


class ScoringItem(Section):
    """One thing that is listened for."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")
    """its name in marks and figures"""
    text: str = Field(min_length=3, max_length=200)
    """what to listen for"""
    most: int = Field(default=10, ge=1, le=100)
    """points at most"""


class ScoringSheet(Section):
    """A sheet. Its share is the points given of the points there are."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    """its name"""
    items: tuple[ScoringItem, ...] = Field(min_length=1, max_length=40)
    """what is listened for"""

    @field_validator("items")
    @classmethod
    def _each_once(cls, items: tuple[ScoringItem, ...]) -> tuple[ScoringItem, ...]:
        names = [item.name for item in items]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is there more than once")
        return items

    @property
    def version(self) -> str:
        """Names what it says: marks of two sheets that differ are not compared."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


class ScoredRecording(Section):
    """What somebody thinks of one recording."""

    attempt: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,79}$")
    """attempt that was recorded"""
    agent: str = Field(default="", max_length=64)
    """who talked"""
    campaign: str = Field(default="", max_length=40)
    """the campaign"""
    at: str = Field(default="", max_length=40)
    """when it began, for people"""
    length: str = Field(default="", max_length=20)
    """how long it is, for people"""
    by: str = Field(default="", max_length=64)
    """who listened"""
    note: str = Field(default="", max_length=500)
    """a remark"""
    marks: dict[str, int] = Field(max_length=40)
    """points by item; -1: not marked yet"""

    @property
    def is_marked(self) -> bool:
        """Whether anything has been marked."""
        return any(points != NOT_YET for points in self.marks.values())


class FilledSheet(Section):
    """A sheet with the recordings that were drawn for it."""

    sheet: ScoringSheet
    """the sheet"""
    recording: tuple[ScoredRecording, ...] = Field(default=(), max_length=10_000)
    """what was listened to"""
