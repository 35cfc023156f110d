"""The SIP workers of a walk: the rules of `sip.worker` about who is on a line, and nothing of SIP or audio.

Each call, third party and standing phone has its own worker. What is told to it, and what it tells, waits in order
until the walk lets it through; so everything crosses everything.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from sip.causes import Cause, Leg
from sip.detection.messages import ListenOn
from sip.inbound.messages import Answer, Reject
from sip.messages import (
    AgentEnded,
    Cancel,
    CancelAgent,
    Command,
    Dial,
    DialAgent,
    Ended,
    Event,
    HangUp,
    PlayMessage,
)
from sip.parties.messages import DialParty, Hold, Join, Leave, LinkOpened, OpenLink
from sip.scripts.messages import AgentLeft, HangUpAgent, Prompt
from sip.standing.messages import DialStanding


@dataclass(slots=True)
class Line:
    """A call. `leg` is the agent's that is rung or bridged, `standing` the phone it goes to. In a `talk` somebody is
    with the callee: by the leg, as one of the `joined` who stays, or on the way (`awaits`). It is `forgotten` while
    nobody has said what becomes of a callee whom the agent has left."""

    answered: bool = False
    leg: str = ""
    standing: str = ""
    talk: bool = False
    keeps_callee: bool = False
    awaits: bool = False
    on_hold: bool = False
    joined: dict[str, bool] = field(default_factory=dict)
    message: bool = False
    prompt: int = 0
    forgotten: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether anybody is with the callee, or on the way."""
        return bool(self.leg) or self.awaits or any(self.joined.values())


@dataclass(slots=True)
class Phone:
    """A third party's phone, or one that stays on the line; `standing` is the phone by which a party is reached."""

    standing: str = ""
    is_up: bool = False


@dataclass(slots=True)
class Workers:
    """All of them. `now` is set by the walk."""

    now: float = 0.0
    lines: dict[str, Line] = field(default_factory=dict)
    parties: dict[str, Phone] = field(default_factory=dict)
    standing: dict[str, Phone] = field(default_factory=dict)
    commands: dict[str, deque[Command]] = field(default_factory=dict)
    events: dict[str, deque[Event]] = field(default_factory=dict)
    _port: int = 4000

    # --- the two ways ---

    def send(self, command: Command) -> None:
        """A command leaves."""
        self.commands.setdefault(command.call, deque()).append(command)  # type: ignore[union-attr]

    def arrive(self, call: str) -> None:
        """The next command of a call arrives."""
        queue = self.commands[call]
        command = queue.popleft()
        if not queue:
            del self.commands[call]
        self._take(command)

    def tell(self, event: Event) -> None:
        """An event leaves."""
        self.events.setdefault(event.call, deque()).append(event)  # type: ignore[union-attr]

    def told(self, call: str) -> Event:
        """The next event of a call."""
        queue = self.events[call]
        event = queue.popleft()
        if not queue:
            del self.events[call]
        return event

    # --- what is told to them ---

    def _take(self, command: Command) -> None:
        match command:
            case Dial(call) | Answer(call):
                self.lines[call] = Line()
            case DialParty(call):
                self.parties[call] = Phone(command.standing)
            case DialStanding(call):
                self.standing[call] = Phone()
            case HangUp(call) if call in self.parties or call in self.standing:
                self.phone_ends(call, Cause.NORMAL, Leg.DIALER)
            case OpenLink(call) if call in self.parties and self.parties[call].is_up:
                self.answers(call)
            case Reject():
                pass
            case _ if (line := self.lines.get(command.call)) is not None:  # type: ignore[union-attr]
                self._obey(command.call, line, command)  # type: ignore[union-attr]

    def _obey(self, call: str, line: Line, command: Command) -> None:
        match command:
            case HangUp():
                self.ends(call, Cause.NORMAL if line.answered else Cause.CANCELLED, Leg.DIALER)
            case Cancel() if not line.answered:
                self.ends(call, Cause.CANCELLED, Leg.DIALER)
            case PlayMessage() if line.answered and not (line.talk or line.message):
                line.message, line.forgotten = True, False
                self._leg_ends(call, line, Cause.CANCELLED)
            case Prompt(_, number) if line.answered and not (line.leg or line.talk or line.message):
                line.prompt, line.forgotten = number, False
            case DialAgent() if line.leg or line.talk or line.message or not line.answered:
                self.tell(AgentEnded(call, command.leg, self.now, Cause.NOT_SENT, 0))
            case DialAgent():
                line.leg, line.standing, line.prompt, line.forgotten = command.leg, command.standing, 0, False
                line.keeps_callee = command.keeps_callee
            case CancelAgent(_, leg) if leg == line.leg and not line.talk:
                self._leg_ends(call, line, Cause.CANCELLED)
            case HangUpAgent() if line.talk:
                line.keeps_callee = line.keeps_callee or not line.leg or not any(line.joined.values())
                if line.leg:
                    self.agent_goes(call, line, Cause.NORMAL)
            case Join() if line.talk:
                line.joined[command.party] = command.stays
            case Leave(_, party) if line.talk:
                line.joined.pop(party, None)
                self._look(call, line)
            case Hold() if line.talk:
                line.on_hold, line.awaits = command.on, command.awaits
                self._look(call, line)
            case ListenOn():
                line.forgotten = False
            case _:
                pass  # crossed with the end of what it is about, or about audio alone

    # --- what happens to them ---

    def ends(self, call: str, cause: Cause, by: Leg) -> None:
        """A call is over."""
        del self.lines[call]
        self.tell(Ended(call, self.now, cause, by, 200, 0, ""))

    def agent_goes(self, call: str, line: Line, cause: Cause) -> None:
        """The agent's leg is gone, bridged or rung."""
        if line.talk:
            line.leg, line.on_hold = "", line.on_hold and not any(line.joined.values())
            self._has_left(call, line, cause)
        else:
            self._leg_ends(call, line, cause)

    def phone_ends(self, call: str, cause: Cause, by: Leg) -> None:
        """The phone of a third party, or one that stays on the line, is gone, and with it whoever is reached by it. A
        worker that has died says goodbye to nobody."""
        self.parties.pop(call, None)
        self.tell(Ended(call, self.now, cause, by, 200, 0, ""))
        if self.standing.pop(call, None) is None or cause is Cause.WORKER_LOST:
            return
        for party, phone in list(self.parties.items()):
            if phone.standing == call:
                self.phone_ends(party, Cause.NORMAL, Leg.CALLEE)
        for name, line in list(self.lines.items()):
            if line.leg and line.standing == call:
                self.agent_goes(name, line, Cause.NORMAL)

    def answers(self, call: str) -> None:
        """A third party's phone has audio, and a link."""
        self._port += 2
        self.parties[call].is_up = True
        self.tell(LinkOpened(call, self.now, self._port, f"key{self._port}"))

    def _leg_ends(self, call: str, line: Line, cause: Cause) -> None:
        leg, line.leg = line.leg, ""
        if leg:
            self.tell(AgentEnded(call, leg, self.now, cause, 487))

    def _look(self, call: str, line: Line) -> None:
        if not line.goes_on:
            self._has_left(call, line, Cause.NORMAL)

    def _has_left(self, call: str, line: Line, cause: Cause) -> None:
        if not line.goes_on:
            line.talk = False
            line.joined.clear()
        if line.talk or line.keeps_callee:
            self.tell(AgentLeft(call, self.now, cause, alone=not line.talk))
        if not line.talk:
            line.forgotten = True
            if not line.keeps_callee:
                self.ends(call, cause, Leg.AGENT)
