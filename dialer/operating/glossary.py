"""The words of all screens, each once: what states, places, rules and figures are called, and sentences that several
commands say. Names in tables are English and marked; what is shown of them is in the reader's language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from compliance.api import Rule
from dialer.language.phrases import N_
from dialer.language.terms import agent_state
from dialer.language.translation import _, translated, word
from dialer.operating.figures import ACCENT, BAD, GOOD, QUIET, WARN, count, milliseconds, percent

AGENT_GLYPHS: Final[Mapping[str, tuple[str, str]]] = {
    "talking": ("●", GOOD),
    "ringing": ("◉", ACCENT),
    "dialling": ("◎", ACCENT),
    "preview": ("◇", ACCENT),
    "ready": ("○", "bold"),
    "wrapup": ("◐", WARN),
    "paused": ("‖", QUIET),
}
"""Agent state -> glyph and style, in the order in which they are drawn."""

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
    """Where a lead can be. `field` is its name in the store's counts, `name` what it is called on every screen, `about`
    what that means, both in English."""

    field: str
    name: str
    style: str
    about: str

    @property
    def word(self) -> str:
        """Its name, in the reader's language."""
        return _(self.name)

    @property
    def meaning(self) -> str:
        """What it means, in the reader's language."""
        return _(self.about)


PLACES: Final = (
    Place("due", N_("due"), GOOD, N_("can be taken up now")),
    Place("waiting", N_("waiting"), WARN, N_("for its time")),
    Place("leased", N_("with a daemon"), ACCENT, N_("about to be dialled, or on offer to an agent")),
    Place("in_attempt", N_("in a call"), "magenta", N_("an attempt that has not ended")),
    Place("closed", N_("closed"), QUIET, N_("done")),
)
_PLACE_NAMES: Final = {place.field: place.name for place in PLACES}

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
    """A figure that screens show: its name there in English, how it is written with its unit, and what it means."""

    english: str
    write: Callable[[float], str]
    unit: str
    meaning: str

    @property
    def name(self) -> str:
        """What it is called, in the reader's language."""
        return _(self.english)

    def written(self, value: float | None) -> str:
        """The value with its unit; a dash where there is none."""
        return "–" if value is None else self.write(value)


def _whole(value: float) -> str:
    return count(round(value))


LINES: Final = Figure(N_("lines"), _whole, "calls", "calls in progress, whatever their state")
PRESENT: Final = Figure(N_("agents"), _whole, "agents", "agents who work for it now, those in a pause left out")
DUE: Final = Figure(N_("due"), _whole, "leads", "leads that can be taken up now")
ANSWERED: Final = Figure(N_("answered"), percent, "%", "calls that a person answered, of the attempts that have ended")
ABANDONED: Final = Figure(
    N_("abandoned"),
    lambda value: percent(value, 2),
    "%",
    "live answers that no agent took in time, of those that the campaign's definition counts",
)
UTILISATION: Final = Figure(
    N_("utilisation"), percent, "%", "talk and wrap-up, of the time that agents are logged in, less pauses"
)
HAND_OVER: Final = Figure(N_("hand-over"), milliseconds, "ms", "from the answer to the INVITE to the agent's phone")
ANSWER_TO_AGENT: Final = Figure(N_("answer to agent"), milliseconds, "ms", "from the answer until both hear each other")
FIGURES: Final = (LINES, PRESENT, DUE, ANSWERED, ABANDONED, UTILISATION, HAND_OVER, ANSWER_TO_AGENT)


def rule_word(rule: str) -> str:
    """A rule by its key."""
    return word(RULE_WORDS.get(rule, rule))


def place_word(place: str) -> str:
    """Where a lead is, by the name of the place in the store's counts."""
    return word(_PLACE_NAMES.get(place, place))


def agent_state_word(state: str) -> str:
    """An agent's state as people read it: `wrap-up`."""
    return translated(agent_state(state))


def no_daemon() -> str:
    """What follows from nobody being there."""
    return _("no daemon is alive: nothing is dialled until one runs (dialer run)")


def not_started(state: str, name: str) -> list[str]:
    """What keeps a paused or stopped campaign from being dialled."""
    match state:
        case "paused":
            return [
                _("the campaign is paused: nothing is dialled. Go on with: dialer campaign resume {name}", name=name)
            ]
        case "stopped":
            return [
                _("the campaign is stopped: nothing is dialled. Start it with: dialer campaign start {name}", name=name)
            ]
    return []
