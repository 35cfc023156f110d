"""An agent's desktop, as far as every simulation has one."""

from __future__ import annotations

from dataclasses import dataclass

from dialer.core.agents.agent import AgentEvent, AgentEventKind, AgentState
from dialer.core.effects import AgentChanged


@dataclass(slots=True)
class Desk:
    """One agent's desktop. `seen` counts the changes of state that it saw, so that a plan made in one state is dropped
    in the next. `shift_ends_at` is what a login says, in seconds since the epoch; None: nothing."""

    name: str
    campaigns: tuple[str, ...]
    state: AgentState = AgentState.OFFLINE
    seen: int = 0
    shift_ends_at: float | None = None

    @property
    def uri(self) -> str:
        """Where the agent's phone is."""
        return f"sip:{self.name}@phones"

    def sees(self, told: AgentChanged) -> bool:
        """Show the agent's state; whether it is another than before."""
        if told.state is self.state:
            return False
        self.state = told.state
        self.seen += 1
        return True

    def word(self, kind: AgentEventKind, *, lead_id: str = "") -> AgentEvent:
        """What the desktop says to the dialer."""
        return AgentEvent(kind, self.name, self.uri, self.campaigns, lead_id=lead_id, shift_ends_at=self.shift_ends_at)
