"""Events for the CRM's stream."""

from __future__ import annotations

import msgpack
import pytest

from dialer.core.effects import Publish
from dialer.store.base.connection import Store
from dialer.store.base.errors import StoreError
from dialer.store.settlement import outbox
from dialer.store.settlement.outbox import CrmEvent, event_of, publish, refused
from tests.store.conftest import NOW
from tests.store.test_settle import events


def test_events_are_published_in_order(store: Store) -> None:
    """One entry each, with its idempotency key."""
    publish(store, [CrmEvent("connected", f"A{i}", "spring", NOW, {"agent": "17"}) for i in range(3)])

    assert [(kind, name) for kind, name, _ in events(store)] == [("connected", f"A{i}") for i in range(3)]
    assert events(store)[0][2] == {"campaign": "spring", "at": NOW, "agent": "17"}


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"attempt_id": "A1", "agent": "17"}, "A1"),
        ({"agent": "17"}, "17@1772500000.000"),
        ({"lead_id": "L1"}, "L1@1772500000.000"),
        ({}, "spring@1772500000.000"),
    ],
)
def test_an_event_is_named_after_what_it_is_about(fields: dict[str, str], name: str) -> None:
    """The attempt first."""
    assert event_of(Publish("connected", "spring", dict(fields)), NOW).id == name


def test_a_refusal_names_the_entry(store: Store) -> None:
    """So that its sender finds it."""
    publish(store, [refused("agents:in", "5-0", ["agent: missing"], about="", campaign="", at=NOW)])

    kind, name, data = events(store)[0]
    assert (kind, name, data["entry"], data["reasons"]) == ("refused", "agents:in/5-0", "5-0", ["agent: missing"])


def test_an_event_survives_the_wire() -> None:
    """What is spooled comes back equal; what is none is refused."""
    event = CrmEvent("connected", "A1", "spring", NOW, {"agent": "17"})

    assert outbox.from_wire(msgpack.unpackb(msgpack.packb(outbox.to_wire(event)))) == event
    with pytest.raises(ValueError, match="an event cannot be read"):
        outbox.from_wire({"kind": "connected"})


def test_what_cannot_be_encoded_is_said(store: Store) -> None:
    """With the event's name."""
    with pytest.raises(StoreError, match="the connected event A1 cannot be encoded"):
        publish(store, [CrmEvent("connected", "A1", "spring", NOW, {"x": object()})])


def test_what_people_wrote_leaves_masked(store: Store) -> None:
    """Names and reasons: in the stream and on the spool. Ids stay as they are."""
    fields = {
        "attempt_id": "19a3f5b7c21-1234-000017",
        "lead_id": "2026-03-000017",
        "name": "王芳 138 0000 1234",
        "reason": "Number 13800001234 is not in service",
    }
    event = CrmEvent("disposition", "19a3f5b7c21-1234-000017", "spring", NOW, fields)
    publish(store, [event, refused("crm:in", "5-0", ["number: 13800001234"], about="13800001234", campaign="", at=NOW)])

    (_, _, refusal), (_, _, sent) = sorted(events(store), key=lambda event: event[0], reverse=True)
    assert (sent["attempt_id"], sent["lead_id"]) == (fields["attempt_id"], fields["lead_id"])
    assert (sent["name"], sent["reason"]) == ("王芳 *******1234", "Number *******1234 is not in service")
    assert (refusal["about"], refusal["reasons"]) == ("*******1234", ["number: *******1234"])
    assert "00001234" not in repr(outbox.to_wire(event)).replace(" ", "")
