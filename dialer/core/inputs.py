"""What the engine is told, besides the events of the SIP workers (`sip.messages.Event`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from compliance.face import Permit, Refusal
from config.campaign import CampaignSettings
from dialer.core.agents import AgentEvent
from dialer.core.model import Lead
from pacing.face import Decision
from sip.messages import Capacity, Event


class CampaignState(StrEnum):
    """What the operator wants of a campaign."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class CampaignChanged:
    """A campaign was created, changed, started, paused or stopped by an operator."""

    settings: CampaignSettings
    state: CampaignState


@dataclass(frozen=True, slots=True)
class LeadsLeased:
    """The answer to `Lease`. `due` is how many more leads are due now, `waiting` how many are not due yet."""

    campaign: str
    leads: tuple[Lead, ...]
    due: int
    waiting: int


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
class LedgerOfOthers:
    """Live answers and abandons of this counting day that this process did not count itself (other hosts, earlier
    runs). A change of `day` starts this process's own count anew."""

    campaign: str
    day: str
    answered: int
    abandoned: int


@dataclass(frozen=True, slots=True)
class Paced:
    """The pacer's decision for a campaign."""

    campaign: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Drain:
    """Finish what is in progress and start nothing."""


@dataclass(frozen=True, slots=True)
class HangUpAll:
    """End every call now (the second SIGTERM, or the drain limit passed)."""


Input = (
    CampaignChanged
    | LeadsLeased
    | Permitted
    | Refused
    | StoreFailed
    | StoreHealth
    | LedgerOfOthers
    | Paced
    | Drain
    | HangUpAll
    | AgentEvent
    | Event
    | Capacity
)
