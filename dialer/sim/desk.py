"""Agents' desktops, as far as every simulation has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from dialer.core.agents.agent import AgentEvent, AgentEventKind, AgentState
from dialer.core.effects import AgentChanged
from dialer.sim.virtual_time import Tell, Timeline


@dataclass(slots=True)
class Desk:
    """One agent's desktop. `seen` counts the changes of state that it saw, so that a plan made in one state is dropped
    in the next. `shift_ends_at` is what a login says, in seconds since the epoch; None: nothing. `lead_id` is the lead
    last offered."""

    name: str
    campaigns: tuple[str, ...]
    state: AgentState = AgentState.OFFLINE
    seen: int = 0
    shift_ends_at: float | None = None
    lead_id: str = ""

    @property
    def uri(self) -> str:
        """Where the agent's phone is."""
        return f"sip:{self.name}@phones"

    def sees(self, change: AgentChanged) -> bool:
        """Show the agent's state; whether it is another than before."""
        if change.state is self.state:
            return False
        self.state = change.state
        self.seen += 1
        return True

    def word(self, kind: AgentEventKind) -> AgentEvent:
        """What the desktop says to the dialer."""
        return AgentEvent(
            kind, self.name, self.uri, self.campaigns, lead_id=self.lead_id, shift_ends_at=self.shift_ends_at
        )


D = TypeVar("D", bound=Desk)


@dataclass(slots=True)
class Desks(Generic[D]):
    """The desks of a floor, by agent."""

    timeline: Timeline
    tell: Tell
    desks: dict[str, D] = field(default_factory=dict, init=False)

    def says(self, desk: D, kind: AgentEventKind) -> None:
        """A desktop says something."""
        self.tell(desk.word(kind))

    def says_later(self, desk: D, delay_s: float, kind: AgentEventKind) -> None:
        """It says so after a while, unless the agent's state is another by then."""
        self.timeline.after(delay_s, self._says_if_still, desk, desk.seen, kind)

    def _says_if_still(self, desk: D, seen: int, kind: AgentEventKind) -> None:
        if desk.seen == seen:
            self.says(desk, kind)
