"""The life of a call, as a table.

    DIALLING -> RINGING -> WAITING -> CONNECTING -> TALKING -> SURVEY
        |          |        |  |          |
        +-> CANCELLING      |  +----------+-> MESSAGE -> (ended)
                            +-> SCRIPT -> WAITING, or ended

Rules:

1. Everything that decides where a call may go is in `TRANSITIONS`. A missing pair is an anomaly: nothing changes.
2. An answer counts whenever it comes. After a CANCEL it crossed ours on the way, and a person is on the line.
3. An agent's phone that answers while the message starts has won: the talk goes on (MESSAGE -> TALKING), and the
   ledger decides by the clock whether the call was late.
4. A call ends only by the worker's `Ended`, in any state. `STATE_LIMIT_S` says how long the engine waits for one that
   it expects before it steps in, so that no slot and no agent leaks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from compliance.api import Permit
from dialer.core.inbound.arrival import Arrival
from dialer.core.model import Lead
from dialer.core.scripts.run import ScriptRun
from pacing.api import AnswerKind
from sip.causes import Cause
from sip.detection.messages import Verdict


class CallState(StrEnum):
    """Where a call is."""

    DIALLING = "dialling"  # permitted and sent to a worker
    RINGING = "ringing"
    CANCELLING = "cancelling"  # rang long enough, CANCEL sent
    WAITING = "waiting"  # answered, no agent yet
    CONNECTING = "connecting"  # answered, an agent's phone is being rung
    TALKING = "talking"
    SCRIPT = "script"  # answered, and goes through the campaign's script before any agent
    SURVEY = "survey"  # the agent has left, the callee is asked
    MESSAGE = "message"  # nobody came in time, the abandon message plays
    HANGING_UP = "hanging_up"  # answered, no agent, being ended by us


class CallTrigger(StrEnum):
    """What can happen to a call, short of its end."""

    PROGRESS = "progress"
    CANCEL = "cancel"
    ANSWERED = "answered"
    AGENT_CHOSEN = "agent_chosen"
    AGENT_FAILED = "agent_failed"
    BRIDGED = "bridged"
    SCRIPT = "script"
    AGENT_WANTED = "agent_wanted"
    AGENT_LEFT = "agent_left"
    PLAY_MESSAGE = "play_message"
    HANG_UP = "hang_up"


TRY_MARK: Final = "/"
"""Stands between an attempt's id and the number of its INVITE, where that is not the first."""

S, E = CallState, CallTrigger

TRANSITIONS: Final[dict[CallState, dict[CallTrigger, CallState]]] = {
    S.DIALLING: {E.PROGRESS: S.RINGING, E.ANSWERED: S.WAITING, E.CANCEL: S.CANCELLING},
    S.RINGING: {E.PROGRESS: S.RINGING, E.ANSWERED: S.WAITING, E.CANCEL: S.CANCELLING},
    S.CANCELLING: {E.PROGRESS: S.CANCELLING, E.ANSWERED: S.WAITING},
    S.WAITING: {
        E.AGENT_CHOSEN: S.CONNECTING,
        E.SCRIPT: S.SCRIPT,
        E.PLAY_MESSAGE: S.MESSAGE,
        E.HANG_UP: S.HANGING_UP,
    },
    S.SCRIPT: {E.AGENT_WANTED: S.WAITING, E.HANG_UP: S.SCRIPT},
    S.CONNECTING: {
        E.AGENT_FAILED: S.WAITING,
        E.BRIDGED: S.TALKING,
        E.PLAY_MESSAGE: S.MESSAGE,
        E.HANG_UP: S.HANGING_UP,
    },
    S.TALKING: {
        E.HANG_UP: S.TALKING,
        E.PLAY_MESSAGE: S.MESSAGE,  # a machine has been found out
        E.AGENT_LEFT: S.SURVEY,
    },
    S.SURVEY: {E.HANG_UP: S.SURVEY},
    S.MESSAGE: {E.AGENT_FAILED: S.MESSAGE, E.BRIDGED: S.TALKING, E.HANG_UP: S.HANGING_UP},
    S.HANGING_UP: {E.AGENT_FAILED: S.HANGING_UP, E.BRIDGED: S.HANGING_UP},
}

UNANSWERED: Final = frozenset({S.DIALLING, S.RINGING, S.CANCELLING})

STATE_LIMIT_S: Final[dict[CallState, float]] = {
    S.CANCELLING: 70.0,  # two SIP transaction timeouts (RFC 3261 timers B and F, 32 s each) and some air
    S.MESSAGE: 120.0,
    S.HANGING_UP: 70.0,
    S.TALKING: 70.0,  # from our own hang-up only; a talk has no limit, and a script one of its own
    S.SCRIPT: 70.0,
    S.SURVEY: 70.0,
}
"""How long an end may take in each state that a watch is set for; the other states have knobs of their own."""


class CallError(ValueError):
    """An event that the table does not foresee in this state."""


@dataclass(slots=True)
class Call:
    """One attempt on the line, or a call from outside (`is_inbound`), whose `lead` has no id if it is a stranger's.
    `agent` and `leg` name the agent's leg that is rung or bridged; `tried` the agents whose phones were rung for this
    call. `abandon_after_s` is the limit that held when it was answered.
    `asked_by` is the agent who asked for this call (preview): nobody else is given it.
    `answer_kind` is who answered, as far as the SIP side could tell at the answer, or a machine that was dealt with as
    one; what agents say of it later is not in here. `judged` is the verdict by ear; until it is there the call is held
    back from agents to `held_until`. `message_left` says that a machine has its message. One that agents have all the
    same `stands_for` so many machines that are hung up on.
    `hung_up_for` is why this side is ending it, where somebody wanted that.
    `taken`: the lead was cancelled or moved meanwhile, so it rings no longer than it must.
    `recordable` says that the talk is recorded, or would be on a word of the agent; recording began at
    `recording_since` and is not paused while it is `recording_on`.
    `on_hold`: the agent's desktop has put the callee there. `parties_rung` is how many third parties were rung for it,
    for their ids.
    `watched_since` is when the watch over the present state began, if there is one.
    `scripted`: it was dialled for the campaign's script, under the rules for automated calls. `script` is what the
    callee goes through, or went; `automated` says that it began at the answer, and an agent is owed only from
    `transfer_at` on, when it asked for one. At `agent_left_at` the agent went and the survey began.
    `failed_trunks` are those that gave the call back before anything rang, oldest first; the INVITE that is out now was
    asked for at `invited_at`, and workers know it as `dial_id`."""

    permit: Permit | Arrival
    lead: Lead
    trunk: str
    reserved_at: float
    asked_by: str = ""
    scripted: bool = False
    failed_trunks: tuple[str, ...] = ()
    state: CallState = CallState.DIALLING
    watched_since: float | None = None
    dialled_at: float | None = None
    ringing_at: float | None = None
    answered_at: float | None = None
    answer_kind: AnswerKind = AnswerKind.UNKNOWN
    judged: Verdict | None = None
    held_until: float = 0.0
    message_left: bool = False
    stands_for: int = 0
    abandon_after_s: float = 0.0
    agent_dialled_at: float | None = None
    bridged_at: float | None = None
    crossed_cancel: bool = False
    message_played: bool = False
    opted_out: bool = False
    on_hold: bool = False
    parties_rung: int = 0
    wants_callback: bool = False
    recordable: bool = False
    recording_since: float | None = None
    recording_on: bool = False
    taken: bool = False
    script: ScriptRun | None = None
    automated: bool = False
    transfer_at: float | None = None
    agent_left_at: float | None = None
    agent: str = ""
    leg: str = ""
    legs: int = 0
    tried: frozenset[str] = frozenset()
    hung_up_for: Cause | None = None
    attempt: str = field(init=False)
    campaign: str = field(init=False)
    dial_id: str = field(init=False)
    invited_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.attempt, self.campaign = self.permit.attempt, self.lead.campaign
        self.dial_id, self.invited_at = self.attempt, self.reserved_at

    @property
    def is_inbound(self) -> bool:
        """Whether it came from outside: nobody was dialled."""
        return isinstance(self.permit, Arrival)

    @property
    def started_at(self) -> float:
        """When the INVITE left, as far as is known."""
        return self.invited_at if self.dialled_at is None else self.dialled_at

    @property
    def agent_wanted_at(self) -> float | None:
        """From when on an agent is owed; None: none is so far."""
        return self.transfer_at if self.automated else self.answered_at

    def go_elsewhere(self, trunk: str, now: float) -> None:
        """Another trunk is to take it; nothing has rung."""
        self.failed_trunks += (self.trunk,)
        self.dial_id = f"{self.attempt}{TRY_MARK}{len(self.failed_trunks) + 1}"
        self.trunk, self.invited_at, self.dialled_at = trunk, now, None

    def move(self, event: CallTrigger) -> None:
        """Take the transition. Raises `CallError` and changes nothing where the table has none."""
        target = TRANSITIONS[self.state].get(event)
        if target is None:
            raise CallError(f"{event} does not fit a call that is {self.state}")
        if target is not self.state:
            self.state, self.watched_since = target, None


@dataclass(frozen=True, slots=True)
class RecentAnswer:
    """An answer of this run. `heard` is who answered as far as the SIP side could tell, `kind` what is believed now.
    `judged_machine`: the verdict by ear was a machine, whatever was done about it."""

    campaign: str
    at: float
    ring_s: float
    trunk: str
    heard: AnswerKind
    kind: AnswerKind
    judged_machine: bool = False
