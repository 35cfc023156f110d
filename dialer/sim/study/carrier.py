"""The far end of a study: workers, the trunk and callees, as far as the engine hears of them.

Keeps the promises of `sip.messages`: one `Ended` for each `Dial`, nothing after it, events of a call in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from dialer.core.engine_state import EngineState
from dialer.sim.study.lead_list import serial
from dialer.sim.study.people import Callee, Outcome, People
from dialer.sim.study.timeline import Tell, Timeline
from sip.causes import Cause, Leg
from sip.messages import (
    AgentDialled,
    AgentEnded,
    Answered,
    Bridged,
    Cancel,
    CancelAgent,
    Command,
    Dial,
    DialAgent,
    Dialled,
    Ended,
    HangUp,
    MessageDone,
    PlayMessage,
    Progress,
)

SIGNAL_S: Final = 0.005
"""From the daemon to a worker, or back."""

NOTHING_HEARD_S: Final = 5.0
"""So long a dead trunk keeps a call: a worker takes one that has not even said 100 Trying for unreachable."""

REFUSED_S: Final = 0.2
"""So soon a trunk that refuses everything has said so."""

NEVER_RING: Final = frozenset({Outcome.BUSY, Outcome.INVALID})
FAILURES: Final = {
    Outcome.BUSY: (Cause.BUSY, 486),
    Outcome.INVALID: (Cause.INVALID_NUMBER, 404),
    Outcome.MACHINE: (Cause.UNREACHABLE, 480),
}


class Stage(IntEnum):
    """Where a line is."""

    TRYING = 0
    ANSWERED = 1
    TALKING = 2
    OVER = 3


@dataclass(slots=True)
class Line:
    """One call. `leg` and `agent` name the agent's phone that is being rung, or that talks."""

    call: str
    callee: Callee
    stage: Stage = Stage.TRYING
    leg: str = ""
    agent: str = ""


@dataclass(slots=True)
class Carrier:
    """Everything on the other side of the workers. `on_talk` is told (agent, callee) whenever a talk begins."""

    timeline: Timeline
    tell: Tell
    people: People
    floor: EngineState
    on_talk: Callable[[str, Callee], None]
    pick_up_s: float
    message_s: float
    down: bool = False
    refuses: bool = False
    dialled: int = 0
    lines: dict[str, Line] = field(default_factory=dict)

    def send(self, command: Command) -> None:
        """Take a command. What comes of it comes later."""
        if isinstance(command, Dial):
            self._dial(command)
            return
        line = self.lines.get(getattr(command, "call", ""))
        if line is None:
            return  # it has ended, and the two crossed
        later = self.timeline.after
        match command:
            case DialAgent() if line.stage is Stage.ANSWERED:
                line.leg, line.agent = command.leg, command.uri
                later(SIGNAL_S, self._agent_dialled, line, command.leg)
                later(SIGNAL_S + self.pick_up_s, self._bridges, line, command.leg)
            case CancelAgent(_, leg) if line.stage is Stage.ANSWERED and line.leg == leg:
                line.leg = ""
                later(SIGNAL_S, self._agent_ended, line, leg)
            case PlayMessage() if line.stage is Stage.ANSWERED:
                later(SIGNAL_S + self.message_s, self._message_done, line)
            case Cancel() if line.stage is Stage.TRYING:
                later(SIGNAL_S, self._end, line, Cause.CANCELLED, Leg.DIALER, 487)
            case HangUp() if line.stage is Stage.TRYING:
                later(SIGNAL_S, self._end, line, Cause.CANCELLED, Leg.DIALER, 487)
            case HangUp():
                later(SIGNAL_S, self._end, line, Cause.NORMAL, Leg.DIALER, 0)
            case _:
                pass  # a cancel that came too late

    # --- the callee's leg -------------------------------------------------------------------------------------------

    def _dial(self, dial: Dial) -> None:
        self.dialled += 1
        now, lead = self.timeline.now, self.floor.calls[dial.call].lead
        callee = self.people.call(serial(lead), sum(lead.tries.values()), now)
        line = self.lines[dial.call] = Line(dial.call, callee)
        later = self.timeline.after
        later(SIGNAL_S, self._dialled, line)
        if self.down:
            later(NOTHING_HEARD_S, self._fails, line, Cause.TRUNK_UNREACHABLE, 408)
            return
        if self.refuses:
            later(SIGNAL_S + REFUSED_S, self._fails, line, Cause.BUSY, 486)
            return
        screened = callee.outcome is Outcome.MACHINE and self.people.screens_machines
        if callee.outcome not in NEVER_RING:
            later(SIGNAL_S + callee.ringing_after_s, self._rings, line)
        if screened or callee.outcome in NEVER_RING:
            later(SIGNAL_S + callee.after_s, self._fails, line, *FAILURES[callee.outcome])
        elif callee.outcome is not Outcome.NOBODY:
            later(SIGNAL_S + callee.after_s, self._answers, line)

    def _dialled(self, line: Line) -> None:
        if line.stage is not Stage.OVER:
            self.tell(Dialled(line.call, self.timeline.now))

    def _rings(self, line: Line) -> None:
        if line.stage is Stage.TRYING:
            self.tell(Progress(line.call, self.timeline.now, 180, False))

    def _fails(self, line: Line, cause: Cause, sip_code: int) -> None:
        if line.stage is Stage.TRYING:
            self._end(line, cause, Leg.NETWORK, sip_code)

    def _answers(self, line: Line) -> None:
        if line.stage is Stage.TRYING:
            line.stage = Stage.ANSWERED
            if line.callee.patience_s != float("inf"):
                self.timeline.after(line.callee.patience_s, self._loses_patience, line)
            self.tell(Answered(line.call, self.timeline.now, False))

    def _loses_patience(self, line: Line) -> None:
        if line.stage is Stage.ANSWERED:
            self._end(line, Cause.NORMAL, Leg.CALLEE, 0)

    def _message_done(self, line: Line) -> None:
        if line.stage is Stage.ANSWERED:
            self.tell(MessageDone(line.call, self.timeline.now))
            self._end(line, Cause.NORMAL, Leg.DIALER, 0)

    # --- the agent's leg --------------------------------------------------------------------------------------------

    def _agent_dialled(self, line: Line, leg: str) -> None:
        if line.leg == leg and line.stage is Stage.ANSWERED:
            self.tell(AgentDialled(line.call, leg, self.timeline.now))

    def _bridges(self, line: Line, leg: str) -> None:
        if line.stage is Stage.ANSWERED and line.leg == leg:
            line.stage = Stage.TALKING
            now = self.timeline.now
            by = Leg.CALLEE if line.callee.hangs_up else Leg.AGENT
            self.timeline.after(self.people.talk_s(line.callee, now), self._end, line, Cause.NORMAL, by, 0)
            self.on_talk(line.agent, line.callee)
            self.tell(Bridged(line.call, leg, now))

    def _agent_ended(self, line: Line, leg: str) -> None:
        if line.stage is Stage.ANSWERED:
            self.tell(AgentEnded(line.call, leg, self.timeline.now, Cause.CANCELLED, 487))

    def _end(self, line: Line, cause: Cause, by: Leg, sip_code: int) -> None:
        if line.stage is not Stage.OVER:
            line.stage = Stage.OVER
            del self.lines[line.call]
            self.tell(Ended(line.call, self.timeline.now, cause, by, sip_code, 0, ""))
