"""What a supervisor does on the floor: an agent paused or logged out, as the agent's desktop would; a call hung up or
listened to."""

from __future__ import annotations

from dialer.core.agents.agent import AgentEvent
from dialer.core.board import CallRow, PartyRow
from dialer.core.inputs import Monitor
from dialer.core.talks.party import PartyState
from dialer.language.translation import _
from dialer.operating.desk import Desk, Missing
from dialer.store.base.connection import Store
from dialer.store.operators import agents, calls, control, listening
from sip.parties.messages import Voice


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


def listen(
    desk: Desk, target: str, now: float, *, uri: str = "", voice: Voice = Voice.LISTEN, stops: bool = False
) -> str:
    """Have the phone `uri` rung for the talks of an agent, or for one talk by its attempt's id; without a phone whoever
    gives the order is heard by others there from now on, or stops listening. Returns the order's id. Raises `Missing`,
    whose reasons are what could be listened to."""
    names = [row.agent for row in agents.listing(desk.store)]
    attempts = [row.attempt_id for _, row in calls.read(desk.store).rows]
    if target not in names and target not in attempts:
        words = _("no agent {target!r} is logged in, and no call of this id is on the line", target=target)
        raise Missing(words, *names, *attempts)
    agent, attempt = (target, "") if target in names else ("", target)
    order = Monitor("", desk.who, agent, attempt, uri=uri, voice=voice, stops=stops)
    return listening.send(desk.store, order, who=desk.who, now=now)


def became(store: Store, order: str) -> tuple[str, PartyRow] | None:
    """The host and the party that came of an order to ring a phone, or the refusal of any order, as a party that has
    ended; None while nothing is known."""
    rows = calls.read(store).parties
    return next(((host, row) for host, row in rows if row.party == f"listen-{order}"), None)


def listeners(store: Store, who: str, target: str) -> list[PartyRow]:
    """Where somebody listens, of an agent's or an attempt's talk."""
    rows = [row for _, row in calls.read(store).parties if row.who == who and row.state != PartyState.ENDED]
    return [row for row in rows if target in {row.agent, row.attempt_id}]
