"""Figures as people read them, and the styles that screens give them. Pure."""

from __future__ import annotations

from typing import Final

from dialer.language.translation import _

GOOD: Final = "green"
WARN: Final = "yellow"
BAD: Final = "red"
QUIET: Final = "dim"
ACCENT: Final = "cyan"
"""Styles by the names that a terminal knows; what each looks like is for the screen to say."""


def percent(fraction: float, digits: int = 1) -> str:
    """`2.4 %`."""
    return _("{percent} %", percent=f"{100 * fraction:.{digits}f}")


def count(number: int) -> str:
    """`12,345`."""
    return f"{number:,}"


def stopwatch(seconds: float) -> str:
    """A running time: `0:07`, `12:03`, `3:20:15`."""
    minutes, second = divmod(max(int(seconds), 0), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def duration(seconds: float) -> str:
    """A span of time in its two largest units: `45 s`, `12 min 3 s`, `3 h 20 min`, `2 d 4 h`."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return _("{seconds} s", seconds=whole)
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        text = _("{minutes} min {seconds} s", minutes=minutes, seconds=rest)
        return text if rest else _("{minutes} min", minutes=minutes)
    if whole < 86_400:
        hours, rest = whole // 3600, whole % 3600 // 60
        return _("{hours} h {minutes} min", hours=hours, minutes=rest) if rest else _("{hours} h", hours=hours)
    days, rest = whole // 86_400, whole % 86_400 // 3600
    return _("{days} d {hours} h", days=days, hours=rest) if rest else _("{days} d", days=days)


def milliseconds(value: float) -> str:
    """`12 ms`, `1.3 s`."""
    if value < 1000:
        return _("{milliseconds:.0f} ms", milliseconds=value)
    return _("{seconds:.1f} s", seconds=value / 1000)
