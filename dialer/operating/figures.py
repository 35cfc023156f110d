"""Figures as people read them, and the styles that screens give them. Pure."""

from __future__ import annotations

from typing import Final

GOOD: Final = "green"
WARN: Final = "yellow"
BAD: Final = "red"
QUIET: Final = "dim"
ACCENT: Final = "cyan"
"""Styles by the names that a terminal knows; what each looks like is for the screen to say."""


def percent(fraction: float, digits: int = 1) -> str:
    """`2.4 %`."""
    return f"{100 * fraction:.{digits}f} %"


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
        return f"{whole} s"
    for size, name, small, small_name in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {name}" + (f" {rest} {small_name}" if rest else "")
    raise AssertionError("sixty seconds are a minute")


def milliseconds(value: float) -> str:
    """`12 ms`, `1.3 s`."""
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"
