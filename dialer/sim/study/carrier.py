"""The far end of a study: every signal takes its time, nothing goes wrong but what the scenario says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from dialer.core.engine_state import EngineState
from dialer.sim.far_end import FarEnd, Line, Stage
from dialer.sim.study.callees import Callee, Outcome, People
from dialer.sim.study.lead_list import serial
from sip.causes import Cause, Leg
from sip.messages import (
    AgentDialled,
    Answered,
    Bridged,
    Cancel,
    CancelAgent,
    Command,
    Dial,
    DialAgent,
    Dialled,
    HangUp,
    PlayMessage,
)

SIGNAL_S: Final = 0.005
"""From the daemon to a worker, or back."""

NOTHING_HEARD_S: Final = 5.0
"""So long a dead trunk keeps a call: a worker takes one that has not even said 100 Trying for unreachable."""

REFUSED_S: Final = 0.2
"""So soon a trunk that refuses everything has said so."""

FAILURES: Final = {
    Outcome.BUSY: Cause.BUSY,
    Outcome.INVALID: Cause.INVALID_NUMBER,
    Outcome.MACHINE: Cause.UNREACHABLE,  # where the carrier ends such calls
}


@dataclass(slots=True)
class CalleeLine(Line):
    """One call. `agent` is whose phone is being rung, or who talks."""

    callee: Callee = field(kw_only=True)
    agent: str = ""


@dataclass(slots=True)
class Carrier(FarEnd[CalleeLine]):
    """Everything on the other side of the workers. `on_talk` is told (agent, callee) whenever a talk begins."""

    people: People
    floor: EngineState
    on_talk: Callable[[str, Callee], None]
    pick_up_s: float
    message_s: float
    down: bool = False
    refuses: bool = False

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
                later(SIGNAL_S, self.leg_ends, line, leg, Cause.CANCELLED, 487)
            case PlayMessage() if line.stage is Stage.ANSWERED:
                later(SIGNAL_S + self.message_s, self.message_done, line)
            case Cancel() if line.stage is Stage.TRYING:
                later(SIGNAL_S, self.end, line, Cause.CANCELLED, Leg.DIALER)
            case HangUp() if line.stage is Stage.TRYING:
                later(SIGNAL_S, self.end, line, Cause.CANCELLED, Leg.DIALER)
            case HangUp():
                later(SIGNAL_S, self.end, line, Cause.NORMAL, Leg.DIALER)
            case _:
                pass  # a cancel that came too late

    # --- the callee's leg -------------------------------------------------------------------------------------------

    def _dial(self, dial: Dial) -> None:
        now, lead = self.timeline.now, self.floor.calls[dial.call].lead
        callee = self.people.call(serial(lead), sum(lead.tries.values()), now)
        line = self.lines[dial.call] = CalleeLine(dial.call, callee=callee)
        later = self.timeline.after
        later(SIGNAL_S, self._dialled, line)
        if self.down:
            later(NOTHING_HEARD_S, self.fails, line, Cause.TRUNK_UNREACHABLE)
            return
        if self.refuses:
            later(SIGNAL_S + REFUSED_S, self.fails, line, Cause.BUSY)
            return
        rings = callee.outcome not in {Outcome.BUSY, Outcome.INVALID}
        screened = callee.outcome is Outcome.MACHINE and self.people.screens_machines
        if rings:
            later(SIGNAL_S + callee.ringing_after_s, self.rings, line)
        if screened or not rings:
            later(SIGNAL_S + callee.after_s, self.fails, line, FAILURES[callee.outcome])
        elif callee.outcome is not Outcome.NOBODY:
            later(SIGNAL_S + callee.after_s, self._answers, line)

    def _dialled(self, line: CalleeLine) -> None:
        if line.stage is not Stage.OVER:
            self.tell(Dialled(line.call, self.timeline.now))

    def _answers(self, line: CalleeLine) -> None:
        if line.stage is Stage.TRYING:
            line.stage = Stage.ANSWERED
            if line.callee.patience_s != float("inf"):
                self.timeline.after(line.callee.patience_s, self.loses_patience, line)
            self.tell(Answered(line.call, self.timeline.now, False))

    # --- the agent's leg --------------------------------------------------------------------------------------------

    def _agent_dialled(self, line: CalleeLine, leg: str) -> None:
        if line.leg == leg and line.stage is Stage.ANSWERED:
            self.tell(AgentDialled(line.call, leg, self.timeline.now))

    def _bridges(self, line: CalleeLine, leg: str) -> None:
        if line.stage is Stage.ANSWERED and line.leg == leg:
            line.stage = Stage.TALKING
            now = self.timeline.now
            by = Leg.CALLEE if line.callee.hangs_up else Leg.AGENT
            self.timeline.after(self.people.talk_s(line.callee, now), self.end, line, Cause.NORMAL, by)
            self.on_talk(line.agent, line.callee)
            self.tell(Bridged(line.call, leg, now))
