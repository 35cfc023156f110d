"""The stand-in CRM, on a real server: it takes each event once, and loses none to a crash."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgpack
import pytest

from dialer.demo import crm
from dialer.demo.crm import Crm
from dialer.demo.lead_list import draw
from dialer.store.base.connection import Store
from dialer.store.crm import inbox
from dialer.store.crm.inbox import BlockRequest, Outcome
from dialer.store.operators import agents

ENDED = {"disposition": "connected", "agent": "agent-01"}


@pytest.fixture
def desk(valkey_url: str) -> Iterator[Crm]:
    """A CRM with one agent, on an empty server."""
    made = crm.connect(valkey_url, "dialer:", "spring-sale", {"agent-01": "sip:agent-01@127.0.0.1:5070"}, 1)
    crm.open_group(made)
    yield made
    made.client.close()


def announce(desk: Crm, kind: str, event_id: str, data: dict[str, Any]) -> None:
    """An event as the dialer sends it."""
    entry = {"v": 1, "type": kind, "id": event_id, "data": msgpack.packb(data)}
    desk.client.xadd(desk.stream("crm:out"), entry)


def serve_all(desk: Crm) -> None:
    """Hear everything that is there."""
    done = threading.Event()
    done.set()
    crm.serve(desk, done)


def test_an_event_that_comes_twice_does_nothing_twice(desk: Crm) -> None:
    """The second disposition of an attempt is known by its id; the agent wraps up once."""
    announce(desk, "connected", "a-1", {"agent": "agent-01"})
    announce(desk, "disposition", "a-1", ENDED)
    announce(desk, "disposition", "a-1", ENDED)
    announce(desk, "disposition", "a-2", {"disposition": "busy", "agent": ""})

    serve_all(desk)

    assert desk.heard == {"a-1": "connected", "a-2": "busy"}
    assert (desk.repeats, desk.contradictions, len(desk.errands)) == (1, 0, 1)
    assert desk.client.xpending(desk.stream("crm:out"), crm.GROUP)["pending"] == 0


def test_an_outcome_names_the_campaign_of_its_call(desk: Crm) -> None:
    """An agent may work for several campaigns."""
    announce(desk, "disposition", "a-1", {**ENDED, "campaign": "autumn-sale"})

    serve_all(desk)

    (errand,) = desk.errands
    assert errand.outcome is not None
    assert errand.outcome["campaign"] == "autumn-sale"


def test_two_ends_of_one_attempt_are_a_contradiction(desk: Crm) -> None:
    """Should the dialer ever say so, the books will show it."""
    announce(desk, "disposition", "a-1", ENDED)
    announce(desk, "disposition", "a-1", {"disposition": "busy", "agent": ""})

    serve_all(desk)

    assert desk.contradictions == 1


def test_what_a_crash_left_unacknowledged_is_heard(desk: Crm) -> None:
    """An earlier run read an event and died before it had acknowledged it."""
    announce(desk, "disposition", "a-1", ENDED)
    desk.client.xreadgroup(crm.GROUP, crm.CONSUMER, {desk.stream("crm:out"): ">"})

    serve_all(desk)

    assert desk.heard == {"a-1": "connected"}


def test_an_agent_who_was_paused_comes_back(desk: Crm) -> None:
    """A desktop that hears that the dialer has paused its agent says ready in a moment; the pause after login is its
    own."""
    for reason in ("login", "phone did not answer"):
        announce(desk, "agent_state", reason, {"agent": "agent-01", "state": "paused", "reason": reason})

    serve_all(desk)

    assert [(errand.agent, errand.event) for errand in desk.errands] == [("agent-01", "ready")]


def test_the_dialer_understands_what_is_sent(desk: Crm, store: Store) -> None:
    """Desktops' events, block requests and outcomes are read by the dialer without a fault."""
    for i in range(40):
        crm.wrap_up(desk, f"a-{i}", "agent-01", "spring-sale")
    crm.log_in(desk)
    crm.block(desk, ["+8613800001234"])
    crm.log_out(desk)

    heard, _ = agents.read(store, "host", "0", 100, 0)
    requests = [one.request for one in inbox.read(store, "consumer", 100, 0)]

    assert [entry.event.kind for entry in heard if isinstance(entry, agents.Heard)] == ["login", "ready", "logout"]
    assert isinstance(requests[0], BlockRequest)
    outcomes = [request.outcome for request in requests[1:] if isinstance(request, Outcome)]
    assert len(outcomes) == 40
    assert set(outcomes) == set(crm.OUTCOMES)


def test_a_rejected_row_is_known_again(desk: Crm) -> None:
    """Rows go into the campaign's stream in order, and each is remembered by its entry."""
    rows = draw(20, 1)

    crm.send_leads(desk, rows)

    entries: Any = desk.client.xrange(desk.campaign_stream("leads"))
    assert [fields[b"lead"] for _, fields in entries] == [row.payload for row in rows]
    assert [desk.sent[entry_id.decode()] for entry_id, _ in entries] == list(rows)


def test_an_agent_decides_on_each_lead(desk: Crm, store: Store) -> None:
    """In mode preview every offer is answered, sooner or later, by a word about that lead."""
    for serial in range(20):
        announce(desk, "preview", f"agent-01@{serial}", {"agent": "agent-01", "lead_id": f"L{serial}"})
    serve_all(desk)
    desk.errands = [replace(errand, at=0.0) for errand in desk.errands]

    crm.run_errands(desk)

    heard, _ = agents.read(store, "host", "0", 100, 0)
    said = [one.event for one in heard if isinstance(one, agents.Heard)]
    assert {event.lead_id for event in said} == {f"L{serial}" for serial in range(20)}
    assert {event.kind.value for event in said} == {"dial", "skip"}
