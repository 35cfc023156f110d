"""One script, one callee: (position, event) -> (position, actions). Pure.

    position, actions = begin(script)
    position, actions = after(script, position, event)

Whoever carries the actions out says when a recording has played (`Played`), which keys come (`KeyPressed`) and when the
time that an action gave is up (`TimeUp`). A key counts while its step plays, too. What does not fit the position is
ignored. A script ends: each step is entered once at most, and played `1 + repeats` times (`config.scripts.flow`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from config.scripts import flow
from config.scripts.settings import ScriptSettings, StepSettings


class Phase(StrEnum):
    """What a step is at."""

    PLAYING = "playing"
    LISTENING = "listening"
    RECORDING = "recording"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Position:
    """Where somebody is in a script; the step was played `plays` times, the present one included."""

    step: str
    phase: Phase
    plays: int = 1


# --- events -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Played:
    """The recording of the step has come to its end."""


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """The callee pressed a key."""

    key: str


@dataclass(frozen=True, slots=True)
class TimeUp:
    """The seconds of `Listen` or `TakeMessage` have passed."""


ScriptEvent = Played | KeyPressed | TimeUp


# --- actions ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Play:
    """Play a WAV file, in place of whatever plays now."""

    path: str


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait for a key."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class TakeMessage:
    """Record what the callee says."""

    step: str
    limit_s: float


@dataclass(frozen=True, slots=True)
class EndMessage:
    """The message is complete."""


@dataclass(frozen=True, slots=True)
class Note:
    """The callee has answered; `score` is the mark that the key is, if it is one."""

    step: str
    key: str
    score: int | None


@dataclass(frozen=True, slots=True)
class BlockNumber:
    """The callee asked, by `key`, never to be called again."""

    key: str


@dataclass(frozen=True, slots=True)
class GoToAgent:
    """The callee is to be put through to an agent."""


@dataclass(frozen=True, slots=True)
class HangUpNow:
    """The script is over."""


Action = Play | Listen | TakeMessage | EndMessage | Note | BlockNumber | GoToAgent | HangUpNow
Move = tuple[Position, tuple[Action, ...]]


def begin(script: ScriptSettings) -> Move:
    """Where a script begins."""
    return _enter(script, script.steps[0].name, ())


def after(script: ScriptSettings, position: Position, event: ScriptEvent) -> Move:
    """What follows an event."""
    if position.phase is Phase.OVER:
        return position, ()
    step = script.step(position.step)
    match event, position.phase:
        case Played(), Phase.PLAYING:
            return _said(script, step, position.plays, ())
        case TimeUp(), Phase.LISTENING:
            return _missed(script, step, position, flow.nothing_target(step))
        case TimeUp() | KeyPressed(), Phase.RECORDING:
            return _enter(script, step.next, (EndMessage(),))
        case KeyPressed(key), Phase.PLAYING | Phase.LISTENING if step.keys:
            return _pressed(script, step, position, key)
        case _:
            return position, ()


def _pressed(script: ScriptSettings, step: StepSettings, position: Position, key: str) -> Move:
    target = next((target for keys, target in step.keys.items() if key in keys), None)
    if target is None:
        return _missed(script, step, position, flow.invalid_target(step))
    if target == flow.AGAIN:
        return _missed(script, step, position, flow.nothing_target(step))
    score = int(key) if key in step.scores else None
    return _enter(script, target, (Note(step.name, key, score),), key)


def _missed(script: ScriptSettings, step: StepSettings, position: Position, target: str) -> Move:
    """No key that leads somewhere: the step once more, or where it goes then."""
    if position.plays > step.repeats:
        return _enter(script, target, ())
    return _play(script, step, position.plays + 1, ())


def _enter(script: ScriptSettings, target: str, done: tuple[Action, ...], key: str = "") -> Move:
    if target == flow.HANG_UP:
        return Position(target, Phase.OVER), (*done, HangUpNow())
    if target == flow.TRANSFER:
        return Position(target, Phase.OVER), (*done, GoToAgent())
    step = script.step(target)
    if step.opt_out:
        done = (*done, BlockNumber(key))
    return _play(script, step, 1, done)


def _play(script: ScriptSettings, step: StepSettings, plays: int, done: tuple[Action, ...]) -> Move:
    if step.play:
        return Position(step.name, Phase.PLAYING, plays), (*done, Play(step.play))
    return _said(script, step, plays, done)


def _said(script: ScriptSettings, step: StepSettings, plays: int, done: tuple[Action, ...]) -> Move:
    """The step has said what it has to say."""
    if step.keys:
        return Position(step.name, Phase.LISTENING, plays), (*done, Listen(step.wait_s))
    if step.record_s:
        return Position(step.name, Phase.RECORDING, plays), (*done, TakeMessage(step.name, step.record_s))
    return _enter(script, step.next, done)
