"""What a supervisor does on the floor: an agent paused or logged out, as the agent's desktop would; a call hung up."""

from __future__ import annotations

from dialer.core.agents.agent import AgentEvent
from dialer.core.board import CallRow
from dialer.language.translation import _
from dialer.operating.desk import Desk, Missing
from dialer.store.operators import agents, calls, control


def tell_agent(desk: Desk, event: AgentEvent, now: float) -> None:
    """Tell the agent's daemon, and write into the audit trail who wanted it. Raises `Missing` for an agent who is not
    logged in."""
    if not any(row.agent == event.agent for row in agents.listing(desk.store)):
        raise Missing(_("no agent {name!r} is logged in", name=event.agent))
    agents.enqueue(desk.store, [event])
    desk.note(f"agent_{event.kind.value}", now, agent=event.agent, reason=event.reason)


def hang_up(desk: Desk, attempt_id: str, now: float) -> tuple[str, CallRow]:
    """Have a call ended by its daemon; returns that host and the call as it was. Raises `Missing`, whose reasons are
    the calls that are on the line."""
    rows = {row.attempt_id: (host, row) for host, row in calls.read(desk.store).rows}
    if attempt_id not in rows:
        raise Missing(_("no call {attempt_id!r} is on the line", attempt_id=attempt_id), *rows)
    desk.order(control.HANG_UP, now, attempt_id=attempt_id)
    return rows[attempt_id]
