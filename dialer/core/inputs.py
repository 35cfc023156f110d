"""What the engine is told, besides the events of the SIP workers (`sip.messages.Event`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from compliance.api import Permit, Refusal
from config.policies import AppliedSettings
from dialer.core.abandonment.rate import AnswerCounts
from dialer.core.abandonment.windows import WindowCounts
from dialer.core.agents.agent import AgentEvent
from dialer.core.model import Lead
from pacing.api import Decision
from sip.detection.messages import Verdict
from sip.inbound.messages import Arrived
from sip.messages import Capacity, Event
from sip.parties.messages import Voice


class CampaignState(StrEnum):
    """What the operator wants of a campaign."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class CampaignChanged:
    """A campaign was created, changed, started, paused or stopped by an operator."""

    settings: AppliedSettings
    state: CampaignState


@dataclass(frozen=True, slots=True)
class LeadsLeased:
    """The answer to `Lease`. `due` is how many more leads are due now, `waiting` how many are not due yet."""

    campaign: str
    leads: tuple[Lead, ...]
    due: int
    waiting: int


@dataclass(frozen=True, slots=True)
class LeadsTaken:
    """Leads of a campaign were cancelled, moved or changed in the store: none is to be offered or dialled any more from
    what this process holds of it."""

    campaign: str
    leads: frozenset[str]


@dataclass(frozen=True, slots=True)
class Permitted:
    """A lead passed both gates: its attempt is reserved and written down."""

    lead: Lead
    permit: Permit


@dataclass(frozen=True, slots=True)
class Refused:
    """A lead was refused at a gate; the store has postponed or closed it already."""

    lead: Lead
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The store could not answer a `Lease` or `Reserve` (`leads` are those of the `Reserve`). Nothing was dialled."""

    campaign: str
    leads: tuple[Lead, ...]
    lease: bool


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """Whether the store answers. While it does not, no new call is started."""

    healthy: bool


@dataclass(frozen=True, slots=True)
class RecordingFault:
    """Why nothing can be recorded on this host, in words; empty: it can."""

    detail: str


@dataclass(frozen=True, slots=True)
class LedgerOfOthers:
    """Live answers and abandons that this process did not count itself (other hosts, earlier runs), less the answers
    that turned out to be machines, and with an estimate of the people who were hung up on as machines: of this counting
    day, and of the campaign's windows in order.

    A change of `day` starts this process's own count of the day anew: with what was answered from `since` on (seconds
    since the epoch), or where that is None with nothing. Without windows the day is the pacer's ledger.
    """

    campaign: str
    day: str
    counts: AnswerCounts
    since: float | None = None
    windows: tuple[WindowCounts, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerReported:
    """An agent or the CRM said what came of an attempt: a machine had answered it, or something else."""

    attempt: str
    machine: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """What was heard on a call's line: who answered (`Listen`)."""

    call: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class BeepEnded:
    """The machine on a call's line has beeped: now it records."""

    call: str


@dataclass(frozen=True, slots=True)
class Paced:
    """The pacer's decision for a campaign."""

    campaign: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class LocalTime:
    """How far this host's local time is ahead of UTC now; told at the start, and when the clocks change."""

    utc_offset_s: float


@dataclass(frozen=True, slots=True)
class TrunkSaid:
    """Whether a trunk may be used, as far as `source` knows: OPTIONS, its name, an operator. `obstacle` says in words
    why not; empty: nothing is in the way."""

    trunk: str
    source: str
    obstacle: str


@dataclass(frozen=True, slots=True)
class CallerFound:
    """The answer to `FindCaller`. `lead` is None where nobody was called there lately. The caller is at its number with
    the place `calling_from`. `held`: it is kept from others until the call has ended, and is due at `due_at` then
    (seconds since the epoch; None: it was closed, or is in a call already)."""

    call: str
    lead: Lead | None = None
    calling_from: int = 0
    held: bool = False
    due_at: float | None = None


@dataclass(frozen=True, slots=True)
class Drain:
    """Finish what is in progress and start nothing."""


@dataclass(frozen=True, slots=True)
class HangUpCall:
    """An operator wants this call to end. It may be another host's, or over."""

    attempt: str


@dataclass(frozen=True, slots=True)
class Monitor:
    """A supervisor, `who`, wants to hear the talks of `agent`, or the talk of `attempt`, on the phone `uri`; without it
    to be heard by others there from now on, or no longer to listen (`stops`). `order` is the order's id, `shown` the
    phone as it may be shown, and `obstacle` says in words why it is not to be rung."""

    order: str
    who: str
    agent: str = ""
    attempt: str = ""
    uri: str = field(default="", repr=False)
    shown: str = ""
    voice: Voice = Voice.LISTEN
    stops: bool = False
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class HangUpAll:
    """End every call now (the second SIGTERM, or the drain limit passed)."""


Input = (
    CampaignChanged
    | LeadsLeased
    | LeadsTaken
    | Permitted
    | Refused
    | StoreFailed
    | StoreHealth
    | RecordingFault
    | LedgerOfOthers
    | AnswerReported
    | Judged
    | BeepEnded
    | Paced
    | TrunkSaid
    | LocalTime
    | Drain
    | HangUpCall
    | Monitor
    | HangUpAll
    | AgentEvent
    | Arrived
    | CallerFound
    | Event
    | Capacity
)
