"""Lengths of time as people type them."""

from __future__ import annotations

import re
from typing import Final

EXAMPLES: Final = "30m, 12h, 90d or 6w"

_SPAN: Final = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
_UNIT_S: Final = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def span_s(text: str) -> float | None:
    """The seconds of minutes, hours, days or weeks, such as "12h"; None for what is no span."""
    found = _SPAN.fullmatch(text.strip())
    return int(found[1]) * _UNIT_S[found[2]] if found else None
