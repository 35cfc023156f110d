"""The words of all screens, each once: what states, places, rules and figures are called, and sentences that several
commands say. Whoever wants the screens in another language translates this module and the sentences of the commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from compliance.api import Rule
from dialer.operating.figures import ACCENT, BAD, GOOD, QUIET, WARN, count, milliseconds, percent

AGENT_GLYPHS: Final[Mapping[str, tuple[str, str, str]]] = {
    "talking": ("●", GOOD, "talking"),
    "ringing": ("◉", ACCENT, "ringing"),
    "dialling": ("◎", ACCENT, "dialling"),
    "preview": ("◇", ACCENT, "preview"),
    "ready": ("○", "bold", "ready"),
    "wrapup": ("◐", WARN, "wrap-up"),
    "paused": ("‖", QUIET, "paused"),
}
"""Agent state -> glyph, style, word; in the order in which they are drawn."""

HELD: Final = "held"
"""The state of a campaign that the operator has started and that a daemon does not dial; an alarm says why."""

CAMPAIGN_STATES: Final[Mapping[str, str]] = {
    "running": GOOD,
    HELD: BAD,
    "paused": WARN,
    "draining": WARN,
    "starting": WARN,
}
"""State of a campaign or a daemon -> style."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lead can be. `field` is its name in the store's counts, `word` what it is called on every screen."""

    field: str
    word: str
    style: str
    meaning: str


PLACES: Final = (
    Place("due", "due", GOOD, "can be taken up now"),
    Place("waiting", "waiting", WARN, "for its time"),
    Place("leased", "with a daemon", ACCENT, "about to be dialled, or on offer to an agent"),
    Place("in_attempt", "in a call", "magenta", "an attempt that has not ended"),
    Place("closed", "closed", QUIET, "done"),
)
PLACE_WORDS: Final = {place.field: place.word for place in PLACES}

RULE_WORDS: Final[Mapping[str, str]] = {
    Rule.EXPIRED.value: "expiry",
    Rule.DESTINATION.value: "country and range",
    Rule.UNKNOWN_ZONE.value: "time zone",
    Rule.HOURS.value: "calling hours",
    Rule.BLOCKLIST.value: "no-call list",
    Rule.CAP.value: "caps",
}
"""A rule by itself, where its key is no word."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that screens show: its name there, how it is written with its unit, and what it means."""

    name: str
    write: Callable[[float], str]
    unit: str
    meaning: str

    def written(self, value: float | None) -> str:
        """The value with its unit; a dash where there is none."""
        return "–" if value is None else self.write(value)


def _whole(value: float) -> str:
    return count(round(value))


LINES: Final = Figure("lines", _whole, "calls", "calls in progress, whatever their state")
PRESENT: Final = Figure("agents", _whole, "agents", "agents who work for it now, those in a pause left out")
DUE: Final = Figure("due", _whole, "leads", "leads that can be taken up now")
ANSWERED: Final = Figure("answered", percent, "%", "calls that a person answered, of the attempts that have ended")
ABANDONED: Final = Figure(
    "abandoned",
    lambda value: percent(value, 2),
    "%",
    "live answers that no agent took in time, of those that the campaign's definition counts",
)
UTILISATION: Final = Figure(
    "utilisation", percent, "%", "talk and wrap-up, of the time that agents are logged in, less pauses"
)
HAND_OVER: Final = Figure("hand-over", milliseconds, "ms", "from the answer to the INVITE to the agent's phone")
ANSWER_TO_AGENT: Final = Figure("answer to agent", milliseconds, "ms", "from the answer until both hear each other")
FIGURES: Final = (LINES, PRESENT, DUE, ANSWERED, ABANDONED, UTILISATION, HAND_OVER, ANSWER_TO_AGENT)


def rule_word(rule: str) -> str:
    """A rule by its key."""
    return RULE_WORDS.get(rule, rule.replace("_", " "))


def agent_state_word(state: str) -> str:
    """An agent's state as people read it: `wrap-up`."""
    return AGENT_GLYPHS.get(state, ("", "", state))[2]


def no_daemon(consequence: str = "nothing is dialled until one runs") -> str:
    """What follows from nobody being there."""
    return f"no daemon is alive: {consequence} (dialer run)"


def not_started(state: str, name: str) -> list[str]:
    """What keeps a paused or stopped campaign from being dialled."""
    match state:
        case "paused":
            return [f"the campaign is paused: nothing is dialled. Go on with: dialer campaign resume {name}"]
        case "stopped":
            return [f"the campaign is stopped: nothing is dialled. Start it with: dialer campaign start {name}"]
    return []
