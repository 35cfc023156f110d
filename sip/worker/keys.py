"""Key presses that come in a SIP INFO beside the audio, in the three forms that carriers and telephones use."""

from __future__ import annotations

import re
from typing import Final

KEYS_LIMIT: Final = 16
"""Keys of one message that count."""

_BY_NUMBER: Final = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
_NOT_A_KEY: Final = re.compile(r"[^0-9A-D*#]")


def keys_of(content_type: str, body: str) -> str | None:
    """The keys pressed, in order; None if this is no body about keys.

    `application/dtmf-relay` has a line `Signal=5`, `application/dtmf` the key alone or such a line, and
    `application/vnd.nortelnetworks.digits` a line `d=5`.
    """
    lines = [line.strip() for line in body[:1024].splitlines() if line.strip()]
    match content_type.partition(";")[0].strip().lower():
        case "application/dtmf-relay":
            return _signal(lines) or ""
        case "application/dtmf":
            signal = _signal(lines)
            return signal if signal is not None else _keys("".join(lines[:1]))
        case "application/vnd.nortelnetworks.digits":
            return _keys("".join(line.partition("=")[2] for line in lines if line.lower().startswith("d=")))
        case _:
            return None


def _signal(lines: list[str]) -> str | None:
    for line in lines:
        name, equals, value = line.partition("=")
        if equals and name.strip().lower() == "signal":
            return _BY_NUMBER.get(value.strip()) or _keys(value)
    return None


def _keys(text: str) -> str:
    return _NOT_A_KEY.sub("", text.upper())[:KEYS_LIMIT]
