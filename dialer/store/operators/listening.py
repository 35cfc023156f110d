"""The operator's order to listen to a talk, on its way to the daemons."""

from __future__ import annotations

from typing import Final

from compliance.numbers import masked_text
from dialer.core.inputs import Monitor
from dialer.store.base.connection import Store
from dialer.store.base.fields import Fields
from dialer.store.operators import control
from dialer.store.operators.agents import MAX_TEXT_LENGTH, MAX_URI_LENGTH
from sip.parties.messages import Voice

MONITOR: Final = "monitor"


def send(store: Store, order: Monitor, *, who: str, now: float) -> str:
    """Have a supervisor listen, and write into the audit trail who wanted it, the phone masked. Returns the order's id.
    Raises `StoreError`."""
    mode = "stop" if order.stops else order.voice.value
    args = {"agent": order.agent, "attempt_id": order.attempt, "mode": mode}
    entry = control.tell(store, control.Command(MONITOR, {**args, "uri": order.uri}), who=who, now=now)
    control.audit(store, MONITOR, who=who, now=now, detail={**args, "to": masked_text(order.uri)})
    return entry


def read(ordered: control.Ordered) -> Monitor | None:
    """The order of a command; None for another one, or what nobody could carry out."""
    if ordered.command.name != MONITOR:
        return None
    given = Fields(dict(ordered.command.args))
    agent, attempt = given.text("agent", MAX_TEXT_LENGTH), given.text("attempt_id", MAX_TEXT_LENGTH)
    uri = given.text("uri", MAX_URI_LENGTH)
    mode = given.choice("mode", (*(voice.value for voice in Voice), "stop"))
    given.finish()
    if given.faults or bool(agent) == bool(attempt):
        return None
    return Monitor(
        order=ordered.entry_id,
        who=ordered.who,
        agent=agent,
        attempt=attempt,
        uri=uri,
        shown=masked_text(uri),
        voice=Voice.LISTEN if mode == "stop" else Voice(mode),
        stops=mode == "stop",
    )
