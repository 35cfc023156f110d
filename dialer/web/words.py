"""What templates write figures, times and words with. Pure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import partial
from typing import Final
from urllib.parse import quote

from compliance.numbers import masked_text
from dialer.core.board import WindowRow
from dialer.core.leads.lead_counts import clock_words
from dialer.language.translation import _, _n, language, translated, word
from dialer.operating import figures, glossary
from dialer.operating.host_totals import answer_rate, present, tightest

TONES: Final[Mapping[str, str]] = {
    figures.GOOD: "good",
    figures.WARN: "warn",
    figures.BAD: "bad",
    figures.ACCENT: "accent",
    figures.QUIET: "quiet",
}
"""What the styles of the glossary are called in the style sheet."""


def state_tone(state: str) -> str:
    """The tone of a campaign's or a daemon's state."""
    return TONES.get(glossary.CAMPAIGN_STATES.get(state, figures.QUIET), "quiet")


def agent_glyph(state: str) -> str:
    """The sign of an agent's state."""
    return glossary.AGENT_GLYPHS.get(state, ("·", ""))[0]


def abandon_tone(window: WindowRow) -> str:
    """As on the board: good, a warning from 70 % of the cap on, bad from the cap on."""
    if not window.answered:
        return "quiet"
    return "bad" if window.used >= 1 else "warn" if window.used >= 0.7 else "good"


def when(at: float | None) -> str:
    """A moment in local time; empty for None."""
    return "" if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def iso(at: float) -> str:
    """A moment for programs."""
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds")


def clock(at: float | None, now: float, zone: tzinfo | None) -> str:
    """A moment as people say it; empty for None."""
    return "" if at is None else translated(clock_words(at, now, zone))


GLOBALS: Final = {
    "_": _,
    "_n": _n,
    "figures": glossary,
    "agent_states": tuple(glossary.AGENT_GLYPHS),
    "clock": clock,
    "language": language,
}

FILTERS: Final = {
    "abandon_tone": abandon_tone,
    "answer_rate": answer_rate,
    "present": present,
    "tightest": tightest,
    "agent_glyph": agent_glyph,
    "agent_word": glossary.agent_state_word,
    "count": figures.count,
    "duration": figures.duration,
    "iso": iso,
    "masked": masked_text,
    "ms": figures.milliseconds,
    "percent": figures.percent,
    "place": lambda state: glossary.place_word(str(state)),
    "said": translated,
    "rule": glossary.rule_word,
    "state_tone": state_tone,
    "stopwatch": figures.stopwatch,
    "tone": lambda style: TONES.get(style, "quiet"),
    "when": when,
    "urlencode": partial(quote, safe=""),  # ids of leads have slashes; Jinja's own leaves them
    "words": lambda key: word(key if isinstance(key, str) else str(key)),
}
