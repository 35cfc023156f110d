"""Values as people read them. Pure."""

from __future__ import annotations

from typing import Final

from dialer.language.translation import _
from dialer.reports.compose import Value
from dialer.reports.measures import Measure, Unit

NOTHING: Final = "-"


def written(measure: Measure, value: Value) -> str:
    """A value in a table; a dash where there is none."""
    if value is None or isinstance(value, str):
        return value or NOTHING
    match measure.unit:
        case Unit.COUNT:
            return f"{value:,.0f}"
        case Unit.SHARE:
            return _("{percent} %", percent=f"{100 * value:.1f}")
        case Unit.SECONDS:
            return _("{seconds:,.1f} s", seconds=value)
        case Unit.HOURS:
            return hours(value)
        case Unit.NUMBER:
            return f"{value:,.1f}"


def hours(seconds: float) -> str:
    """Hours and minutes: `7:05`."""
    minutes = round(seconds / 60)
    return f"{minutes // 60:,}:{minutes % 60:02}"


def key_written(key: str, value: Value) -> str:
    """A key in a table: an hour as the time at which it begins."""
    if value is None or value == "":
        return NOTHING
    return f"{value:02}:00" if key == "hour" else str(value)
