"""The far end: workers, trunks, callees and agents' phones, as far as the engine hears of them.

Keeps the promises of `sip.messages`: events about one call come in order, each `Dial` gets exactly one `Ended`, and
nothing follows it; unless `Disorder` says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Final

from dialer.core.inputs import AnswerReported
from sip.causes import Answerer, Cause, Leg
from sip.messages import (
    AgentDialled,
    AgentEnded,
    Answered,
    Bridged,
    Cancel,
    CancelAgent,
    Capacity,
    Command,
    Dial,
    DialAgent,
    Dialled,
    Digit,
    Ended,
    Event,
    HangUp,
    MessageDone,
    Ping,
    PlayMessage,
    Progress,
    Stop,
)
from tests.rehearsal.desks import Phones, PickUp
from tests.rehearsal.scenario import Callees, Disorder
from tests.rehearsal.world import Tell, World

COMMAND_S: Final = 0.002
TRANSACTION_TIMEOUT_S: Final = 32.0
FAR_END_GIVES_UP_S: Final = 60.0
MESSAGE_S: Final = 5.0
OPT_OUT_KEY: Final = "9"
WRONG_KEY: Final = "1"
WORKER_RESTART_S: Final = 5.0
SIP_CODES: Final = {
    Cause.BUSY: 486,
    Cause.INVALID_NUMBER: 404,
    Cause.DECLINED: 603,
    Cause.CONGESTION: 503,
    Cause.NO_ANSWER: 480,
}


class Stage(StrEnum):
    """Where a line is, as its worker sees it."""

    TRYING = "trying"
    ANSWERED = "answered"
    TALKING = "talking"
    STUCK = "stuck"  # deaf to a hang-up, and silent until the next one
    OVER = "over"


@dataclass(slots=True)
class Line:
    """One call in a worker. `said_until` keeps its events in order; it may be `deaf` to its first hang-up."""

    call: str
    stage: Stage = Stage.TRYING
    leg: str = ""
    said_until: float = 0.0
    deaf: bool = False


@dataclass(slots=True)
class FarEnd:
    """Everything on the other side of the socket."""

    world: World
    tell: Tell
    callees: Callees
    disorder: Disorder
    phones: Phones
    slots: int
    slots_lost: int = 0
    lines: dict[str, Line] = field(default_factory=dict)
    trunks_down: set[str] = field(default_factory=set)

    def send(self, command: Command) -> None:
        """Take a command; it arrives a moment later."""
        self.world.after(COMMAND_S, partial(self._take, command))

    def _take(self, command: Command) -> None:
        if isinstance(command, Dial):
            self._dial(command)
            return
        if isinstance(command, Stop | Ping):
            return
        line = self.lines.get(command.call)
        if line is None:
            return  # it has ended, and the two crossed
        match command:
            case HangUp():
                self._hang_up(line)
            case Cancel() if line.stage is not Stage.ANSWERED:
                self._hang_up(line)
            case DialAgent():
                self._dial_agent(line, command)
            case CancelAgent(_, leg) if line.stage is Stage.ANSWERED and line.leg == leg:
                self._leg_ends(line, leg, Cause.CANCELLED, 487)
            case PlayMessage() if line.stage is Stage.ANSWERED:
                self.world.after(MESSAGE_S, partial(self._message_done, line))
                for share, key in ((self.callees.wrong_key, WRONG_KEY), (self.callees.opt_out, OPT_OUT_KEY)):
                    if self.world.chance(share):
                        self.world.after(self.world.between(0.0, MESSAGE_S), partial(self._presses, line, key))
            case _:
                pass  # a message for somebody who talks, a cancel of a leg that is gone

    def capacity(self) -> None:
        """Announce the slots of all live workers."""
        workers = max(0, self.slots - self.slots_lost) // 4
        self.tell(Capacity(max(0, self.slots - self.slots_lost), workers))

    def worker_dies(self, calls: int) -> None:
        """A worker dies with up to `calls` calls; another takes its place later."""
        lost = 2 * calls
        self.slots_lost += lost
        self.capacity()
        for line in list(self.lines.values())[:calls]:
            self._end(line, Cause.WORKER_LOST, Leg.DIALER)
        self.world.after(WORKER_RESTART_S, partial(self._worker_back, lost))

    def _worker_back(self, lost: int) -> None:
        self.slots_lost -= lost
        self.capacity()

    # --- the callee's leg ---------------------------------------------------------------------------------------

    def _dial(self, dial: Dial) -> None:
        line = self.lines[dial.call] = Line(dial.call, deaf=self.world.chance(self.disorder.deaf))
        if self.world.chance(self.disorder.unsent):
            self._end(line, Cause.NOT_SENT, Leg.DIALER)
            return
        self._say(line, Dialled(dial.call, self.world.now))
        if dial.trunk in self.trunks_down:
            self.world.after(TRANSACTION_TIMEOUT_S, partial(self._fails, line, Cause.TRUNK_UNREACHABLE))
            return
        post_dial_s = self.world.between(0.5, 4.0)
        cause = self._draw()
        if cause is None or cause is Cause.NO_ANSWER:
            self.world.after(post_dial_s, partial(self._rings, line))
            ring_s = FAR_END_GIVES_UP_S if cause else self.world.about(self.callees.ring_s)
            follows = partial(self._fails, line, cause) if cause else partial(self._answers, line, crossed=False)
            self.world.after(post_dial_s + ring_s, follows)
        else:
            self.world.after(post_dial_s, partial(self._fails, line, cause))

    def _draw(self) -> Cause | None:
        """How a call would end without an answer; None: it is answered."""
        drawn, callees = self.world.dice.random(), self.callees
        for share, cause in (
            (callees.answer, None),
            (callees.busy, Cause.BUSY),
            (callees.invalid, Cause.INVALID_NUMBER),
            (callees.declined, Cause.DECLINED),
            (callees.congestion, Cause.CONGESTION),
        ):
            if drawn < share:
                return cause
            drawn -= share
        return Cause.NO_ANSWER

    def _rings(self, line: Line) -> None:
        if line.stage is Stage.TRYING:
            self._say(line, Progress(line.call, self.world.now, 180, False))

    def _fails(self, line: Line, cause: Cause) -> None:
        if line.stage is Stage.TRYING:
            self._end(line, cause, Leg.NETWORK)

    def _answers(self, line: Line, *, crossed: bool) -> None:
        if line.stage is Stage.TRYING:
            line.stage = Stage.ANSWERED
            kind = Answerer.MACHINE if self.world.chance(self.callees.machine) else Answerer.UNKNOWN
            self._say(line, Answered(line.call, self.world.now, crossed, kind))
            patience_s = self.world.dice.expovariate(1 / self.callees.patience_s)
            self.world.after(patience_s, partial(self._loses_patience, line))

    def _loses_patience(self, line: Line) -> None:
        if line.stage is Stage.ANSWERED:
            self._end(line, Cause.NORMAL, Leg.CALLEE)

    def _hang_up(self, line: Line) -> None:
        if line.deaf:
            line.deaf, line.stage = False, Stage.STUCK
        elif line.stage is not Stage.TRYING:
            self._end(line, Cause.NORMAL, Leg.DIALER)
        elif self.world.chance(self.disorder.crossing):
            self._answers(line, crossed=True)
            if self.world.chance(0.5):  # the SIP stack says ACK and BYE by itself
                self._end(line, Cause.NORMAL, Leg.DIALER)
        else:
            self._end(line, Cause.CANCELLED, Leg.DIALER)

    def _presses(self, line: Line, key: str) -> None:
        if line.stage is Stage.ANSWERED:
            self._say(line, Digit(line.call, self.world.now, key))

    def _message_done(self, line: Line) -> None:
        if line.stage is Stage.ANSWERED:
            self._say(line, MessageDone(line.call, self.world.now))
            self._end(line, Cause.NORMAL, Leg.DIALER)

    # --- the agent's leg --------------------------------------------------------------------------------------------

    def _dial_agent(self, line: Line, dial: DialAgent) -> None:
        if line.stage is not Stage.ANSWERED:
            return
        line.leg = dial.leg
        self._say(line, AgentDialled(line.call, dial.leg, self.world.now))
        match self.phones.ring(dial.uri):
            case PickUp.ANSWERS:
                self.world.after(self.world.between(0.05, 0.6), partial(self._bridges, line, dial.leg))
            case PickUp.REFUSES:
                self.world.after(0.1, partial(self._leg_ends, line, dial.leg, Cause.BUSY, 486))
            case PickUp.GONE:
                self.world.after(1.5, partial(self._leg_ends, line, dial.leg, Cause.UNREACHABLE, 408))
            case PickUp.SILENT:
                pass

    def _bridges(self, line: Line, leg: str) -> None:
        if line.stage is Stage.ANSWERED and line.leg == leg:
            line.stage = Stage.TALKING
            self._say(line, Bridged(line.call, leg, self.world.now))
            by = Leg.CALLEE if self.world.chance(0.6) else Leg.AGENT
            self.world.after(self.world.about(self.callees.talk_s, 1.0), partial(self._talk_ends, line, by))

    def _leg_ends(self, line: Line, leg: str, cause: Cause, sip_code: int) -> None:
        if line.stage is Stage.ANSWERED and line.leg == leg:
            line.leg = ""
            self._say(line, AgentEnded(line.call, leg, self.world.now, cause, sip_code))

    def _talk_ends(self, line: Line, by: Leg) -> None:
        if line.stage is Stage.TALKING:
            self._end(line, Cause.NORMAL, by)

    # --- what is said about it --------------------------------------------------------------------------------------

    def _end(self, line: Line, cause: Cause, by: Leg) -> None:
        if line.stage is not Stage.OVER:
            if line.stage is not Stage.TRYING and self.world.chance(self.callees.said):
                self._is_said(line.call)
            line.stage = Stage.OVER
            self.lines.pop(line.call, None)
            self._say(line, Ended(line.call, self.world.now, cause, by, SIP_CODES.get(cause, 0), 0, ""))

    def _is_said(self, call: str) -> None:
        """Somebody says what came of a call, and now and then something else later."""
        for at_s in (0.0, 30.0):
            said = AnswerReported(call, self.world.chance(0.5))
            self.world.after(at_s + self.world.between(0.0, 20.0), partial(self.tell, said))

    def _say(self, line: Line, event: Event) -> None:
        delay_s = self.world.between(0.001, 0.02)
        if self.world.chance(self.disorder.late):
            delay_s += self.world.between(0.1, 3.0)
        line.said_until = max(line.said_until, self.world.now + delay_s)
        self.world.at(line.said_until, partial(self.tell, event))
        if self.world.chance(self.disorder.twice):
            self.world.at(line.said_until + self.world.between(0.0, 1.0), partial(self.tell, event))
