"""What the daemon does about readers that are behind and about floods."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
import trio

from dialer.shell.parts import Parts
from dialer.shell.tasks.crm_streams import CrmStreams
from dialer.store.base.connection import Store, trip
from dialer.store.crm import event_settings, readers
from dialer.store.crm.event_settings import EventSettings
from dialer.store.crm.refusals import SUM_EVERY_S
from dialer.store.settlement.outbox import CrmEvent, publish
from tests.shell.some_parts import some_parts
from tests.store.conftest import NOW


@pytest.fixture
def parts(store: Store) -> Parts:
    """A daemon whose clock stands still until a test moves it."""
    event_settings.save(store, EventSettings(kept=1_000, limit=5_000))
    readers.register(store, "billing", who="test", now=NOW)
    return some_parts(store)


def look(parts: Parts, streams: CrmStreams) -> None:
    trio.run(streams.look)
    parts.metrics.show(
        parts.statistics.board("one", parts.engine.statistics(0.0), parts.health, workers=0, restarts=0, spooled=0)
    )


def test_a_reader_that_is_behind_is_on_the_board_and_in_the_metrics(store: Store, parts: Parts) -> None:
    """Until it has read, or nobody registers it any more."""
    streams = CrmStreams(parts)
    publish(store, [CrmEvent("disposition", f"A{i}", "spring", NOW, {}) for i in range(600)])

    look(parts, streams)
    assert "600 events unread" in parts.health.alarms["reader billing"]
    assert [row.unread for row in parts.statistics.readers] == [600]
    unread = parts.metrics.registry.get_sample_value("dialer_crm_reader_unread_events", {"reader": "billing"})
    assert unread == 600

    readers.unregister(store, "billing")
    look(parts, streams)
    assert "reader billing" not in parts.health.alarms


def test_events_that_everybody_has_read_go(store: Store, parts: Parts) -> None:
    """The daemon trims; the newest stay."""
    publish(store, [CrmEvent("disposition", f"A{i}", "spring", NOW, {}) for i in range(3_000)])
    trip(store, [("XGROUP", "SETID", store.keys.crm_out(), "billing", "$")])

    for _ in range(3):
        look(parts, CrmStreams(parts))

    assert 1_000 <= trip(store, [("XLEN", store.keys.crm_out())])[0] < 1_200


def test_a_flood_of_bad_entries_is_an_alarm_and_a_sum(parts: Parts) -> None:
    """The alarm names the stream, the sum goes to its sender."""
    wall = parts.clock.wall()
    for _ in range(500):
        parts.refusals.may_tell("crm:in", "noisy", "number: too short", wall)
    parts.clock = Mock(wraps=parts.clock, wall=lambda: wall + SUM_EVERY_S)

    look(parts, CrmStreams(parts))

    assert "crm:in is flooded" in parts.health.alarms["entries of crm:in"]
    event = parts.queues.facts_to_write.receive_nowait()
    assert isinstance(event, CrmEvent)
    assert event.fields["sender"] == "noisy"
