"""The far end: workers, trunks, callees and agents' phones, as far as the engine hears of them.

Keeps the promises of `sip.messages`: events about one call come in order, each `Dial` gets exactly one `Ended`, and
nothing follows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Generic, TypeVar

from dialer.sim.virtual_time import Tell, Timeline
from sip.causes import Cause, Leg
from sip.messages import AgentEnded, Ended, Event, MessageDone, Progress

SIP_CODES: Final = {
    Cause.BUSY: 486,
    Cause.INVALID_NUMBER: 404,
    Cause.DECLINED: 603,
    Cause.CONGESTION: 503,
    Cause.NO_ANSWER: 480,
    Cause.UNREACHABLE: 480,
    Cause.TRUNK_UNREACHABLE: 408,
    Cause.CANCELLED: 487,
}


class Stage(Enum):
    """Where a line is, as its worker sees it."""

    TRYING = auto()
    ANSWERED = auto()
    TALKING = auto()
    STUCK = auto()  # deaf to a hang-up, and silent until the next one
    OVER = auto()


@dataclass(slots=True)
class Line:
    """One call in a worker. `leg` is the agent's phone that is being rung, or that talks."""

    call: str
    stage: Stage = Stage.TRYING
    leg: str = ""


L = TypeVar("L", bound=Line)


@dataclass(slots=True)
class FarEnd(Generic[L]):
    """The lines, and what is the same on every far end: what comes of a line by its stage."""

    timeline: Timeline
    tell: Tell
    lines: dict[str, L] = field(default_factory=dict, init=False)

    def say(self, line: L, event: Event) -> None:
        """Let the engine hear of a line."""
        self.tell(event)

    def rings(self, line: L) -> None:
        """The callee's phone rings."""
        if line.stage is Stage.TRYING:
            self.say(line, Progress(line.call, self.timeline.now, 180, False))

    def fails(self, line: L, cause: Cause) -> None:
        """The call ends without an answer."""
        if line.stage is Stage.TRYING:
            self.end(line, cause, Leg.NETWORK)

    def loses_patience(self, line: L) -> None:
        """A callee who has heard nobody hangs up."""
        if line.stage is Stage.ANSWERED:
            self.end(line, Cause.NORMAL, Leg.CALLEE)

    def message_done(self, line: L) -> None:
        """The abandon message has played."""
        if line.stage is Stage.ANSWERED:
            self.say(line, MessageDone(line.call, self.timeline.now))
            self.end(line, Cause.NORMAL, Leg.DIALER)

    def leg_ends(self, line: L, leg: str, cause: Cause, sip_code: int) -> None:
        """An agent's phone does not take the call."""
        if line.stage is Stage.ANSWERED and line.leg == leg:
            line.leg = ""
            self.say(line, AgentEnded(line.call, leg, self.timeline.now, cause, sip_code))

    def end(self, line: L, cause: Cause, by: Leg) -> None:
        """The call is over."""
        if line.stage is not Stage.OVER:
            line.stage = Stage.OVER
            self.lines.pop(line.call, None)
            self.say(line, Ended(line.call, self.timeline.now, cause, by, SIP_CODES.get(cause, 0), 0, ""))
