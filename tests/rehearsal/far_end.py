"""The far end of a rehearsal, which keeps the promises of `sip.messages` unless `Disorder` says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from dialer.core.inputs import AnswerReported
from dialer.sim.far_end import FarEnd, Line, Stage
from sip.causes import Answerer, Cause, Leg
from sip.detection.messages import Listening
from sip.messages import (
    AgentDialled,
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
    Ping,
    PlayMessage,
    Stop,
)
from sip.scripts.messages import AgentLeft, HangUpAgent, Prompt, PromptDone
from tests.rehearsal.desks import Phones, PickUp
from tests.rehearsal.scenario import Callees, Disorder
from tests.rehearsal.standing_phones import StandingPhones
from tests.rehearsal.world import World

COMMAND_S: Final = 0.002
FIRST_ANSWER_S: Final = 8.0
REFUSED_S: Final = 0.05
PAUSE_S: Final = 5.0
FAR_END_GIVES_UP_S: Final = 60.0
MESSAGE_S: Final = 5.0
OPT_OUT_KEY: Final = "9"
WRONG_KEY: Final = "1"
KEY_IN_A_SCRIPT: Final = 0.2
WORKER_RESTART_S: Final = 5.0


@dataclass(slots=True)
class FallibleLine(Line):
    """One call in a worker. `said_until` keeps its events in order; it may be `deaf` to its first hang-up, and is
    `listened` to if that was asked for. `standing` is the leg by which its agent's phone is on the line."""

    said_until: float = 0.0
    prompt: int = 0
    standing: str = ""
    deaf: bool = False
    listened: bool = False


@dataclass(slots=True)
class FallibleFarEnd(FarEnd[FallibleLine]):
    """Everything on the other side of the socket."""

    timeline: World
    callees: Callees
    disorder: Disorder
    phones: Phones
    slots: int
    slots_lost: int = 0
    trunks_down: set[str] = field(default_factory=set)
    trunks_refusing: set[str] = field(default_factory=set)
    standing: StandingPhones = field(init=False)

    def __post_init__(self) -> None:
        self.standing = StandingPhones(self.timeline, self.tell, self.phones, self._phone_hung_up)

    def send(self, command: Command) -> None:
        """Take a command; it arrives a moment later."""
        self.timeline.after(COMMAND_S, partial(self._take, command))

    def _take(self, command: Command) -> None:
        if isinstance(command, Dial):
            self._dial(command)
            return
        if isinstance(command, Stop | Ping) or self.standing.take(command):
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
                self.leg_ends(line, leg, Cause.CANCELLED, 487)
            case PlayMessage() if line.stage is Stage.ANSWERED:
                self.timeline.after(MESSAGE_S, partial(self.message_done, line))
                for share, key in ((self.callees.wrong_key, WRONG_KEY), (self.callees.opt_out, OPT_OUT_KEY)):
                    if self.timeline.chance(share):
                        self.timeline.after(self.timeline.between(0.0, MESSAGE_S), partial(self._presses, line, key))
            case HangUpAgent() if line.stage is Stage.TALKING:
                line.stage, line.leg = Stage.ANSWERED, ""
                self.say(line, AgentLeft(line.call, self.timeline.now, Cause.NORMAL))
            case Prompt(_, number, _) if line.stage is Stage.ANSWERED and not line.leg:
                self._prompts(line, number)
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
        self.standing.worker_dies()
        for line in list(self.lines.values())[:calls]:
            self.end(line, Cause.WORKER_LOST, Leg.DIALER)
        self.timeline.after(WORKER_RESTART_S, partial(self._worker_back, lost))

    def _worker_back(self, lost: int) -> None:
        self.slots_lost -= lost
        self.capacity()

    # --- the callee's leg ---------------------------------------------------------------------------------------

    def _dial(self, dial: Dial) -> None:
        line = self.lines[dial.call] = FallibleLine(dial.call, deaf=self.timeline.chance(self.disorder.deaf))
        line.listened = dial.listen_s > 0
        if self.timeline.chance(self.disorder.unsent):
            self.end(line, Cause.NOT_SENT, Leg.DIALER)
            return
        self.say(line, Dialled(dial.call, self.timeline.now))
        if dial.trunk in self.trunks_down:
            self.timeline.after(FIRST_ANSWER_S, partial(self.fails, line, Cause.TRUNK_UNREACHABLE))
            return
        if dial.trunk in self.trunks_refusing:
            self.timeline.after(REFUSED_S, partial(self._refuses, line))
            return
        post_dial_s = self.timeline.between(0.5, 4.0)
        cause = self._draw()
        if cause is None or cause is Cause.NO_ANSWER:
            self.timeline.after(post_dial_s, partial(self.rings, line))
            ring_s = FAR_END_GIVES_UP_S if cause else self.timeline.about(self.callees.ring_s)
            follows = partial(self.fails, line, cause) if cause else partial(self._answers, line, crossed=False)
            self.timeline.after(post_dial_s + ring_s, follows)
        else:
            self.timeline.after(post_dial_s, partial(self.fails, line, cause))

    def _refuses(self, line: FallibleLine) -> None:
        if line.stage is Stage.TRYING:
            line.stage = Stage.OVER
            self.lines.pop(line.call, None)
            pause_s = PAUSE_S if self.timeline.chance(0.2) else 0.0
            self.say(line, Ended(line.call, self.timeline.now, Cause.CONGESTION, Leg.NETWORK, 503, 0, "", pause_s))

    def _draw(self) -> Cause | None:
        """How a call would end without an answer; None: it is answered."""
        drawn, callees = self.timeline.dice.random(), self.callees
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

    def _answers(self, line: FallibleLine, *, crossed: bool) -> None:
        if line.stage is Stage.TRYING:
            line.stage = Stage.ANSWERED
            kind = Answerer.MACHINE if self.timeline.chance(self.callees.machine) else Answerer.UNKNOWN
            self.say(line, Answered(line.call, self.timeline.now, crossed, kind))
            if line.listened:
                file = "" if self.timeline.chance(0.05) else "/line.wav"
                self.say(line, Listening(line.call, self.timeline.now, file, "" if file else "no room"))
            patience_s = self.timeline.dice.expovariate(1 / self.callees.patience_s)
            self.timeline.after(patience_s, partial(self.loses_patience, line))

    def _hang_up(self, line: FallibleLine) -> None:
        if line.deaf:
            line.deaf, line.stage = False, Stage.STUCK
        elif line.stage is not Stage.TRYING:
            self.end(line, Cause.NORMAL, Leg.DIALER)
        elif self.timeline.chance(self.disorder.crossing):
            self._answers(line, crossed=True)
            if self.timeline.chance(0.5):  # the SIP stack says ACK and BYE by itself
                self.end(line, Cause.NORMAL, Leg.DIALER)
        else:
            self.end(line, Cause.CANCELLED, Leg.DIALER)

    def _prompts(self, line: FallibleLine, number: int) -> None:
        """A recording plays; it may end, or somebody presses a key before it does."""
        line.prompt = number
        self.timeline.after(self.timeline.between(0.5, MESSAGE_S), partial(self._prompted, line, number))
        for key in (WRONG_KEY, OPT_OUT_KEY):
            if self.timeline.chance(KEY_IN_A_SCRIPT):
                self.timeline.after(self.timeline.between(0.0, MESSAGE_S), partial(self._presses, line, key))

    def _prompted(self, line: FallibleLine, number: int) -> None:
        if line.stage is Stage.ANSWERED and line.prompt == number:
            self.say(line, PromptDone(line.call, number, self.timeline.now))

    def _presses(self, line: FallibleLine, key: str) -> None:
        if line.stage is Stage.ANSWERED:
            self.say(line, Digit(line.call, self.timeline.now, key))

    # --- the agent's leg --------------------------------------------------------------------------------------------

    def _dial_agent(self, line: FallibleLine, dial: DialAgent) -> None:
        if line.stage is not Stage.ANSWERED:
            return
        line.leg, line.standing = dial.leg, dial.standing
        if dial.standing:
            self._reach(line, dial)
            return
        self.say(line, AgentDialled(line.call, dial.leg, self.timeline.now))
        match self.phones.ring(dial.uri):
            case PickUp.ANSWERS:
                self.timeline.after(self.timeline.between(0.05, 0.6), partial(self._bridges, line, dial.leg))
            case PickUp.REFUSES:
                self.timeline.after(0.1, partial(self.leg_ends, line, dial.leg, Cause.BUSY, 486))
            case PickUp.GONE:
                self.timeline.after(1.5, partial(self.leg_ends, line, dial.leg, Cause.UNREACHABLE, 408))
            case PickUp.SILENT:
                pass

    def _reach(self, line: FallibleLine, dial: DialAgent) -> None:
        if self.standing.up.get(dial.standing):
            self.say(line, AgentDialled(line.call, dial.leg, self.timeline.now))
            self.timeline.after(self.timeline.between(0.01, 0.1), partial(self._bridges, line, dial.leg))
        else:
            self.leg_ends(line, dial.leg, Cause.UNREACHABLE, 0)

    def _phone_hung_up(self, standing: str) -> None:
        for line in [line for line in self.lines.values() if line.standing == standing]:
            self.leg_ends(line, line.leg, Cause.UNREACHABLE, 480)
            self._talk_ends(line, Leg.AGENT)

    def _bridges(self, line: FallibleLine, leg: str) -> None:
        if line.stage is Stage.ANSWERED and line.leg == leg:
            line.stage = Stage.TALKING
            self.say(line, Bridged(line.call, leg, self.timeline.now))
            by = Leg.CALLEE if self.timeline.chance(0.6) else Leg.AGENT
            self.timeline.after(self.timeline.about(self.callees.talk_s, 1.0), partial(self._talk_ends, line, by))

    def _talk_ends(self, line: FallibleLine, by: Leg) -> None:
        if line.stage is Stage.TALKING:
            self.end(line, Cause.NORMAL, by)

    # --- what is said about it --------------------------------------------------------------------------------------

    def end(self, line: FallibleLine, cause: Cause, by: Leg) -> None:
        reached = line.stage is not Stage.TRYING and line.stage is not Stage.OVER
        if reached and self.timeline.chance(self.callees.said):
            self._is_said(line.call.partition("/")[0])
        FarEnd.end(self, line, cause, by)

    def _is_said(self, call: str) -> None:
        """Somebody says what came of a call, and now and then something else later."""
        for at_s in (0.0, 30.0):
            said = AnswerReported(call, self.timeline.chance(0.5))
            self.timeline.after(at_s + self.timeline.between(0.0, 20.0), partial(self.tell, said))

    def say(self, line: FallibleLine, event: Event) -> None:
        delay_s = self.timeline.between(0.001, 0.02)
        if self.timeline.chance(self.disorder.late):
            delay_s += self.timeline.between(0.1, 3.0)
        line.said_until = max(line.said_until, self.timeline.now + delay_s)
        self.timeline.at(line.said_until, partial(self.tell, event))
        if self.timeline.chance(self.disorder.twice):
            self.timeline.at(line.said_until + self.timeline.between(0.0, 1.0), partial(self.tell, event))
