"""`dialer crm`: readers and how events are written."""

from __future__ import annotations

from dialer.store.base.connection import Store, trip
from dialer.store.crm import event_settings, readers
from dialer.store.crm.event_settings import EventSettings, Format
from dialer.store.operators import control
from dialer.store.settlement.outbox import CrmEvent, publish
from tests.cli.conftest import NOW, Dialer, data


def announce(store: Store, count: int) -> None:
    publish(store, [CrmEvent("disposition", f"A{i}", "spring", NOW, {}) for i in range(count)])


def test_a_reader_is_registered_shown_and_unregistered(dialer: Dialer, store: Store) -> None:
    """It is not let go with events to read, unless one insists; the trail has who did it."""
    announce(store, 3)

    assert "its consumer group is new, 3 events unread" in dialer("crm", "register", "billing", "--from-oldest").output
    assert "billing       3" in dialer("crm", "readers").output
    refused = dialer("crm", "unregister", "billing")
    assert (refused.exit_code, "has 3 events to read yet" in refused.output) == (7, True)
    assert dialer("crm", "unregister", "billing", "--yes").exit_code == 0

    assert readers.listing(store) == ()
    trail = [(line.what, line.who) for line in control.audit_trail(store, 2)]
    assert trail == [("crm_unregister", "tester@here"), ("crm_register", "tester@here")]


def test_readers_are_data_as_well(dialer: Dialer, store: Store) -> None:
    """With what is wrong with each."""
    event_settings.save(store, EventSettings(kept=1_000, limit=1_000))
    readers.register(store, "billing", who="test", now=NOW)
    announce(store, 200)

    found = data(dialer("crm", "readers", "--json"))

    assert found["settings"] == {
        "format": "msgpack",
        "kept": 1_000,
        "limit": 1_000,
        "live_stream": True,
        "campaign_requests": False,
    }
    assert found["readers"][0]["unread"] == 200
    assert "200 events unread" in found["readers"][0]["trouble"]


def test_nobody_reads(dialer: Dialer) -> None:
    """What that means, and what to do."""
    assert (
        "No reader is registered: dialer:crm:out keeps its newest 1,000,000 events" in dialer("crm", "readers").output
    )


def test_mistakes_are_said(dialer: Dialer) -> None:
    """A name that is none, a reader that is not there, numbers that contradict each other."""
    assert dialer("crm", "register", "a b").exit_code == 7
    assert "there is no reader 'nobody'" in dialer("crm", "unregister", "nobody").output
    assert "kept (1,000,000) and limit (5)" in dialer("crm", "set", "--limit", "5").output


def test_one_format_for_all_hosts(dialer: Dialer, store: Store) -> None:
    """Shown without an option, changed with one."""
    assert "msgpack" in dialer("crm", "set").output
    assert data(dialer("crm", "set", "--format", "json", "--no-live-stream", "--json"))["format"] == "json"

    assert event_settings.load(store) == EventSettings(Format.JSON, live_stream=False)


def test_a_reader_that_is_behind_is_a_finding(dialer: Dialer, store: Store) -> None:
    """The doctor names it."""
    event_settings.save(store, EventSettings(kept=1_000, limit=1_000))
    readers.register(store, "billing", who="test", now=NOW)
    announce(store, 200)

    findings = data(dialer("doctor", "--no-trunks", "--json"))["findings"]

    assert [row["state"] for row in findings if row["area"] == "crm"] == ["warning"]


def test_stray_leads_are_shown_and_moved(dialer: Dialer, store: Store, spring: str) -> None:
    """To the campaign that was meant; the doctor points at them."""
    trip(store, [("XADD", "dialer:spring:leads", "*", "json", "{}")])

    assert "the braces around spring are missing" in dialer("crm", "stray").output
    findings = data(dialer("doctor", "--no-trunks", "--json"))["findings"]
    assert [row["text"] for row in findings if row["area"] == "leads"] == [
        "1 lead waits in dialer:spring:leads and nobody reads there: the braces around spring are missing"
    ]
    moved = dialer("crm", "stray", "dialer:spring:leads", "--move-to", spring)
    assert moved.output == "1 lead moved to campaign spring.\n"
    assert "No leads wait" in dialer("crm", "stray").output
    assert dialer("crm", "stray", "dialer:spring:leads", "--move-to", spring).exit_code == 6
    assert dialer("crm", "stray", "dialer:spring:leads").exit_code == 2
