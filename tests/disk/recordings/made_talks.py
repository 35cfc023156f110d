"""Talks as workers leave them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.sip.tones import Samples, write_wav

AT = 1_772_500_000.0
"""2026-03-03 in UTC."""


def write_part(folder: Path, offset_ms: int, callee: Samples, agent: Samples) -> None:
    """One part of a talk."""
    for channel, samples in (("callee", callee), ("agent", agent)):
        write_wav(folder / f"{offset_ms:09d}.{channel}.wav", samples.astype(np.int16))


def write_talk(live: Path, name: str, *parts: tuple[int, Samples, Samples], **facts: object) -> Path:
    """A whole talk; each part is its offset in milliseconds and the samples of callee and agent."""
    folder = live / name
    folder.mkdir(parents=True)
    known = {"campaign": "spring", "agent": "17", "number": "ab" * 32, "phone": "+86138****8000", "at": AT}
    (folder / "talk.json").write_text(json.dumps({**known, **facts}))
    for offset_ms, callee, agent in parts:
        write_part(folder, offset_ms, callee, agent)
    return folder
