"""The zone that days and hours of reports are of."""

from __future__ import annotations

import os
from zoneinfo import available_timezones


def zone_name(chosen: str) -> str:
    """The zone by its name: the `chosen` one, else this machine's; UTC where it has none that is known."""
    named = chosen or os.environ.get("TZ", "")
    if not named:
        try:
            named = os.readlink("/etc/localtime").partition("zoneinfo/")[2]
        except OSError:
            named = ""
    return named if named in available_timezones() else "UTC"
