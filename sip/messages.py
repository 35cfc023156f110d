"""The language between the daemon and its SIP workers: commands in, events out.

A *call* is one attempt: the leg to the callee and, once someone answers, the leg to an agent in the same worker
(media can only be bridged inside one process). Every message about a call carries `call`, the id that the daemon
chose for it (its attempt id).

Rules that both sides rely on:

1. Commands are fire-and-forget. What came of one is said by events.
2. Every `Dial` or `Answer` is followed by exactly one `Ended` for that call, whatever breaks; nothing about a call
   follows its `Ended`. A worker that dies becomes one `Ended(WORKER_LOST)` for each call it held.
3. A command about a call that has already ended is ignored: the two crossed on the way.
4. Times (`*_at`) are seconds of CLOCK_MONOTONIC, which all processes of one host share.

On the wire a message is a msgpack list, `[tag, field, ...]` in the order of the fields (`sip.wire`). `Ping`, `Pong`,
`SlotsHeld` and `StartFailed` are between the pool and its workers; the daemon never sees them. `Capacity`, `PeerRests`,
`TrunkName`, `Arrived` and `Reject` are between the pool and the daemon. What is said of scripts is in
`sip.scripts.messages`, of third parties in `sip.parties.messages`, of calls from outside in `sip.inbound.messages`, of
listening to answered lines in `sip.detection.messages`, of phones that stay on the line in `sip.standing.messages`; the
first frame to a worker is its settings (`sip.settings`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sip.causes import Answerer, Cause, Leg
from sip.detection.messages import Listening, ListenOn
from sip.inbound.messages import Arrived, InboundCommand
from sip.parties.messages import LinkOpened, PartyCommand
from sip.scripts.messages import AgentLeft, PromptDone, ScriptCommand
from sip.standing.messages import NO_CUE, Cue, StandingCommand, StandingUp

# --- commands: daemon -> worker ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dial:
    """Send the INVITE to the callee. Reserves two slots: the callee's leg and an agent's.

    `number` is E.164 with the plus sign, `caller_id` as the campaign has it; the worker writes both as the trunk wants.
    The number is left out where the command is printed. `give_up_s` is the worker's own fail-safe should the daemon
    never cancel; it is longer than any ring timeout. From the answer on what the callee says is written into a file for
    `listen_s` (`Listening`); 0: nothing is.
    """

    call: str
    trunk: str
    number: str = field(repr=False)
    caller_id: str
    give_up_s: float
    listen_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RecordingOrder:
    """How the talk of a call is recorded. `name` is the folder that its files go to; empty: nothing is, whatever is
    asked for later. `facts`, a JSON object, is kept with them. Recording begins when the legs are bridged if it
    `starts`, else by a `Record`. `announcement` is a WAV file that both hear then (empty: none)."""

    name: str = ""
    facts: str = field(default="", repr=False)
    starts: bool = True
    announcement: str = ""


@dataclass(frozen=True, slots=True)
class DialAgent:
    """Send the INVITE to an agent's phone and bridge it to the answered callee as soon as it answers.

    `leg` names this try (another agent may be tried for the same call). `about` is shown on the phone: the masked
    number, never the clear one, and `attempt` the attempt's id. `address` is the IPv4 address of the phone's host where
    that is a name; the pool fills it in. With `keeps_callee` the callee stays when a bridged agent
    is gone (`AgentLeft`). Where the phone stays on the line, `standing` is its leg, and `uri` the pool's to fill in.
    The agent alone hears the `cue`.
    """

    call: str
    leg: str
    uri: str
    about: str
    address: str = ""
    recording: RecordingOrder = RecordingOrder()
    attempt: str = ""
    keeps_callee: bool = False
    standing: str = ""
    cue: Cue = NO_CUE


@dataclass(frozen=True, slots=True)
class Record:
    """Go on recording the talk, or (not `on`) pause. Answered by `RecordingChanged`; ignored where no agent is bridged,
    or the order said nothing of recording."""

    call: str
    on: bool


@dataclass(frozen=True, slots=True)
class CancelAgent:
    """Give up on an agent's leg that has not answered. Answered by `AgentEnded` unless it was bridged meanwhile."""

    call: str
    leg: str


@dataclass(frozen=True, slots=True)
class PlayMessage:
    """Play a WAV file (16 bit PCM, mono, 8 or 16 kHz) to the callee once, then hang up."""

    call: str
    path: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop ringing: CANCEL, unless the callee has answered meanwhile. Then nothing is done, because a person is on the
    line and the `Answered` is on its way to the daemon."""

    call: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call: CANCEL before the answer, BYE after it.

    An answer that crosses the CANCEL is an answer: `Answered(crossed_cancel=True)` follows, and the call stays up for
    an agent, a message or a second `HangUp`. The worker hangs up by itself if none of them comes within 5 s.
    """

    call: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Hang up everything, report every end, exit."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there? Answered by `Pong` with the same number."""

    number: int


_OfACall = (
    Dial | InboundCommand | DialAgent | ScriptCommand | PartyCommand | ListenOn | Record | CancelAgent | PlayMessage
)
Command = _OfACall | StandingCommand | Cancel | HangUp | Stop | Ping


# --- events: worker -> daemon -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker's endpoint is up and can hold `slots` legs at once; `sip_port` is its UDP port."""

    slots: int
    sip_port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Dialled:
    """The INVITE to the callee has left this host."""

    call: str
    at: float


@dataclass(frozen=True, slots=True)
class Progress:
    """The far end said 18x. `early_media`: it sends audio before any answer (a ring-back tone or an announcement)."""

    call: str
    at: float
    sip_code: int
    early_media: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """The callee answered (200 OK received), also where the answer crossed our CANCEL; see `HangUp`.

    `kind` is for whoever recognises machines at the answer, such as a carrier that says so. Nothing here does yet; what
    is heard on the line comes later.
    """

    call: str
    at: float
    crossed_cancel: bool
    kind: Answerer = Answerer.UNKNOWN


@dataclass(frozen=True, slots=True)
class AgentDialled:
    """The INVITE to the agent's phone has left. `at` minus the `at` of `Answered` is the hand-over delay."""

    call: str
    leg: str
    at: float


@dataclass(frozen=True, slots=True)
class Bridged:
    """The agent's phone answered, and audio flows both ways."""

    call: str
    leg: str
    at: float


@dataclass(frozen=True, slots=True)
class AgentEnded:
    """An agent's leg failed before it was bridged; the callee is still on the line. After bridging, one leg's end
    ends the whole call and only `Ended` is sent."""

    call: str
    leg: str
    at: float
    cause: Cause
    sip_code: int


@dataclass(frozen=True, slots=True)
class MessageDone:
    """The message was played to its end; the worker hangs up now."""

    call: str
    at: float


@dataclass(frozen=True, slots=True)
class RecordingChanged:
    """The talk is recorded from now on, or no longer (paused, or `problem` says in words why not)."""

    call: str
    at: float
    on: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Digit:
    """The callee, or the party whose call it is, pressed a key."""

    call: str
    at: float
    digit: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over and its slots are free.

    `cause` classifies the end; `sip_code`, `q850` (0: not given) and `reason` are what the far end said, raw.
    `ended_by` says which leg, or the dialer itself (`Leg.DIALER`), ended it. `retry_after_s` is how long a refusal
    asked us to wait before the next request (0: it did not).
    """

    call: str
    at: float
    cause: Cause
    ended_by: Leg
    sip_code: int
    q850: int
    reason: str
    retry_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class StartFailed:
    """The worker could not start; it exits now."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pong:
    """The worker's loop still turns."""

    number: int


@dataclass(frozen=True, slots=True)
class SlotsHeld:
    """Slots that calls already ended still hold, because a far end does not answer our BYE. Sent on every change."""

    slots: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many slots all live workers offer together, without those that are held by calls that have ended. Sent
    whenever a worker comes or goes, or holds others; never on the wire."""

    slots: int
    workers: int


@dataclass(frozen=True, slots=True)
class PeerRests:
    """A trunk (by name) or an agent's phone (by URI) kept killing workers: the pool sends it nothing for `for_s`."""

    name: str
    is_trunk: bool
    for_s: float


@dataclass(frozen=True, slots=True)
class TrunkName:
    """Whether a trunk's name has an address: `problem` says in words why not; empty: it has one again."""

    trunk: str
    problem: str


_OfAnAgent = AgentDialled | Bridged | AgentEnded | AgentLeft | LinkOpened | RecordingChanged | StandingUp
CallEvent = Dialled | Progress | Answered | _OfAnAgent | Listening | PromptDone | MessageDone | Digit | Ended
"""What the daemon hears about a call."""

Event = CallEvent | Ready | StartFailed | Pong | SlotsHeld
"""All that a worker says."""

PoolEvent = CallEvent | Arrived | Capacity | PeerRests | TrunkName
"""All that the pool says."""

SLOTS_PER_CALL: Final = 2
"""Slots that one dialled call reserves in bridge mode: the callee's leg and an agent's."""
