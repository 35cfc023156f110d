"""The WAV files of settings: which of them cannot be played, and how long those of a script are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from config.problems import Problem, dotted
from config.scripts import flow
from config.scripts.settings import ScriptSettings
from sip.scripts.wav import length_s


def unplayable(path: Path, what: str = "abandon message") -> list[str]:
    """Why a recording cannot be played; `what` it is."""
    try:
        length_s(path)
    except ValueError as error:
        return [f"{what} {error}"]
    return []


def lengths_s(script: ScriptSettings) -> dict[str, float]:
    """How long the WAV files of a script are, in seconds; those that cannot be played are left out."""
    lengths = {}
    for path in script.plays:
        try:
            lengths[path] = length_s(Path(path))
        except ValueError:
            continue
    return lengths


def audio_mistakes(script: ScriptSettings) -> Iterator[Problem]:
    """Every WAV file of a script that cannot be played here, and a script that may last longer than it says."""
    faults: dict[str, list[str]] = {path: unplayable(Path(path), "recording") for path in script.plays}
    for place, step in enumerate(script.steps):
        for fault in faults.get(step.play, ()):
            yield Problem(dotted(("steps", place, "play")), fault)
    longest = flow.longest_s(script.steps, lengths_s(script))
    if longest > script.limit_s:
        yield Problem("limit_s", f"is {script.limit_s:g}, but the longest way through takes {longest:.0f} s")
