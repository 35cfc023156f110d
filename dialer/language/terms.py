"""What states, ends, outcomes, modes and rules are called: words that come from data, by their keys (`words.toml`).

A key is its English word with underscores, so a key that is not listed, such as an outcome that only one CRM has, is
shown as it is.
"""

from __future__ import annotations

from typing import Final

from dialer.language.phrases import C_, Phrase

_AGENT_STATES: Final = {
    "offline": C_("agent", "offline"),
    "paused": C_("agent", "paused"),
    "ready": C_("agent", "ready"),
    "preview": C_("agent", "preview"),
    "dialling": C_("agent", "dialling"),
    "ringing": C_("agent", "ringing"),
    "talking": C_("agent", "talking"),
    "wrapup": C_("agent", "wrap-up"),
}


def agent_state(state: str) -> Phrase:
    """What an agent is doing, by the state's key."""
    return _AGENT_STATES.get(state) or term(state)


def term(key: str) -> Phrase:
    """A word by its key: `no_answer` is `no answer`."""
    word = key.replace("_", " ")
    return Phrase(word, word, "", {})
