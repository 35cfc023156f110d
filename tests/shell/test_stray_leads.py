"""Leads that nobody takes in do not stay unseen."""

from __future__ import annotations

import trio

from dialer.shell.tasks.stray_leads import StrayLeads
from dialer.store.base.connection import Store, trip
from dialer.store.settlement.outbox import CrmEvent
from tests.shell.some_parts import some_parts


def test_stray_leads_are_an_alarm_and_one_event(store: Store) -> None:
    """The alarm stays until they are gone, the event comes once."""
    trip(store, [("XADD", "dialer:spring:leads", "*", "json", "{}")])
    parts = some_parts(store)
    task = StrayLeads(parts)

    trio.run(task.look)
    trio.run(task.look)

    assert parts.health.alarms == {
        "leads in dialer:spring:leads": "1 lead waits in dialer:spring:leads and nobody reads there: there is no "
        "campaign spring (dialer crm stray)"
    }
    event = parts.queues.facts_to_write.receive_nowait()
    assert isinstance(event, CrmEvent)
    assert (event.kind, event.fields["key"]) == ("stray_leads", "dialer:spring:leads")
    assert parts.queues.facts_to_write.statistics().current_buffer_used == 0

    trip(store, [("DEL", "dialer:spring:leads")])
    trio.run(task.look)
    assert parts.health.alarms == {}
