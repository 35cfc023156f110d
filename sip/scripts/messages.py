"""What the daemon and its workers say of a call in a script. Part of `sip.messages`.

The daemon decides after every key and every end of a recording (`dialer.core.scripts`); a worker plays, records, and
tells of keys by `Digit`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sip.causes import Cause


@dataclass(frozen=True, slots=True)
class Prompt:
    """Play a WAV file (as `PlayMessage`) to the callee once, in place of what plays now; the call goes on. `prompt` is
    the daemon's number for it. Answered by `PromptDone`, unless something else is played first. Ignored before the
    answer, and while an agent is rung or talks."""

    call: str
    prompt: int
    path: str


@dataclass(frozen=True, slots=True)
class TakeMessage:
    """Record what the callee says until `EndMessage`, or the end of the call, into a folder of this `name`; `facts`, a
    JSON object, are kept with it. Nothing is played meanwhile. Ignored where a `Prompt` would be."""

    call: str
    name: str
    facts: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EndMessage:
    """The message is complete."""

    call: str


@dataclass(frozen=True, slots=True)
class HangUpAgent:
    """End a bridged agent's leg and leave the callee on the line. Answered by `AgentLeft`; ignored where no agent is
    bridged. Where third parties are in the agent's place, the callee stays on the line when the last of them goes."""

    call: str


ScriptCommand = Prompt | TakeMessage | EndMessage | HangUpAgent


@dataclass(frozen=True, slots=True)
class AgentLeft:
    """A bridged agent is gone, and the callee is still on the line: with whoever has joined or is awaited, or `alone`.
    Then what was asked of the talk meanwhile came too late, and the worker hangs up by itself if it is told nothing
    within 5 s."""

    call: str
    at: float
    cause: Cause
    alone: bool = False


@dataclass(frozen=True, slots=True)
class PromptDone:
    """A `Prompt` was played to its end, or `problem` says in words why it cannot be; a message that cannot be recorded
    is told by the number 0."""

    call: str
    prompt: int
    at: float
    problem: str = ""
