"""SIP addresses built from what the daemon hands over, checked so that nothing can be injected into a header."""

from __future__ import annotations

import re
from typing import Final

_USER: Final = re.compile(r"[0-9A-Za-z+*._-]{1,64}")
_HOST: Final = re.compile(r"[0-9A-Za-z.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
_AGENT_URI: Final = re.compile(
    r"sip:[0-9A-Za-z_.!~*+%-]{1,64}@(?:[0-9A-Za-z.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
    r"(?:;[0-9A-Za-z-]{1,32}(?:=[0-9A-Za-z._-]{1,64})?){0,8}"
)
SHOWN_LIMIT: Final = 64
"""Characters of a display name that are sent to an agent's phone."""


class AddressError(ValueError):
    """This cannot be put into a SIP header. The text names the field and never repeats its value."""


def callee_uri(number: str, host: str, port: int) -> str:
    """The request URI of a call through a trunk: `sip:NUMBER@HOST:PORT`."""
    return f"sip:{_matching(_USER, number, 'number')}@{_matching(_HOST, host, 'trunk host')}:{port}"


def caller(caller_id: str, host: str) -> str:
    """The From header of a call: the caller id as display name and as user."""
    _matching(_USER, caller_id, "caller id")
    return f'"{caller_id}" <sip:{caller_id}@{_matching(_HOST, host, "own host")}>'


def agent_uri(uri: str) -> str:
    """An agent's `sip:` URI, unchanged if it is plain: user, host, port and simple parameters."""
    return _matching(_AGENT_URI, uri, "agent URI")


def shown(about: str, host: str) -> str:
    """The From header that an agent's phone shows: `about` as display name, quoted, control characters dropped."""
    text = "".join(character for character in about if character.isprintable())[:SHOWN_LIMIT]
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <sip:dialer@{_matching(_HOST, host, "own host")}>'


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise AddressError(f"{what}: {len(text)} characters, not all of them allowed in a SIP address")
    return text
