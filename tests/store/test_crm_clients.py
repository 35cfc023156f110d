"""The example clients of docs/ against a real server: careful, and understood by the dialer."""

from __future__ import annotations

import importlib.util
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import redis

from dialer.core.agents.agent import AgentEvent, AgentEventKind
from dialer.core.model import Retry, Settlement
from dialer.store.base.connection import Store, trip
from dialer.store.crm import event_settings, inbox, readers
from dialer.store.crm.event_settings import EventSettings, Format
from dialer.store.leads.leads import LeadState, story
from dialer.store.operators import agents, campaigns
from dialer.store.settlement.outbox import CrmEvent, publish
from dialer.store.settlement.settle import settle
from tests.conftest import need
from tests.store.conftest import NOW, OWNER, Floor, number

DOCS = Path(__file__).parents[2] / "docs"
End = Callable[..., Settlement]
LIMIT_S = 60.0


@pytest.fixture
def client() -> ModuleType:
    """docs/crm_client.py as a module."""
    spec = importlib.util.spec_from_file_location("crm_client", DOCS / "crm_client.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def connection(valkey_url: str) -> Iterator[redis.Redis]:
    made = redis.Redis.from_url(valkey_url, protocol=2)
    yield made
    made.close()


@pytest.fixture
def talked(floor: Floor, end: End) -> Floor:
    """A floor on which lead L0 was talked to, and where another campaign has events, too."""
    readers.register(floor.store, "crm-example", who="test", now=NOW)
    readers.register(floor.store, "billing", who="test", now=NOW)
    floor.fill(1)
    settle(floor.store, [end(floor.dial()[0], step=Retry(3600.0, 0), live=True)], OWNER)
    publish(floor.store, [CrmEvent("disposition", "Z1", "autumn", NOW, {"disposition": "connected", "agent": "9"})])
    return floor


def written(store: Store) -> list[int]:
    """How much there is in the streams that the dialer reads."""
    return list(trip(store, [("XLEN", store.keys.crm_in()), ("XLEN", store.keys.agents_in())]))


def unread(store: Store) -> dict[str, int]:
    return {reader.name: reader.unread for reader in readers.listing(store)}


def test_the_client_follows_one_campaign_and_writes_nothing(
    client: ModuleType, connection: redis.Redis, talked: Floor, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own reader has read everything; others have everything to read yet; no outcome was made up."""
    database = sqlite3.connect(":memory:")

    assert client.follow(connection, database, "crm-example", "spring", block_ms=10) == 1

    assert capsys.readouterr().out == "disposition A0 L0 connected 17\n"
    assert unread(talked.store) == {"billing": 2, "crm-example": 0}
    assert written(talked.store) == [0, 0]
    database.close()


def test_a_crash_before_the_acknowledgement_repeats_nothing(
    client: ModuleType, connection: redis.Redis, talked: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was dealt with is in the database; the event comes again and is acknowledged."""
    database = sqlite3.connect(":memory:")
    with monkeypatch.context() as patch:
        patch.setattr(connection, "xack", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            client.follow(connection, database, "crm-example", "spring", block_ms=10)

    assert client.follow(connection, database, "crm-example", "spring", block_ms=10) == 0
    assert unread(talked.store)["crm-example"] == 0
    database.close()


def test_what_it_is_asked_to_write_is_understood(client: ModuleType, connection: redis.Redis, talked: Floor) -> None:
    """Leads, an outcome, decisions of a desktop."""
    assert client.add_leads(connection, "spring", [{"lead_id": "L7", "phone": number(7).clear}]) == 1
    assert talked.take_in().accepted == 1
    client.send_outcome(connection, "spring", "A0", "sale", agent="17")
    report = inbox.apply(talked.store, inbox.read(talked.store, OWNER, 10, 0), now=NOW + 100)
    assert (report.applied, report.refused) == (1, 0)
    assert story(talked.store, "spring", "L0").row.state is LeadState.CLOSED

    client.decide(connection, "17", "L1", dial=True)
    client.decide(connection, "17", "L2", dial=False, reason="spoke to her")
    heard, _ = agents.read(talked.store, "host-a", "0", 10, 0)
    assert [one.event for one in heard if isinstance(one, agents.Heard)] == [
        AgentEvent(AgentEventKind.DIAL, "17", lead_id="L1"),
        AgentEvent(AgentEventKind.SKIP, "17", lead_id="L2", reason="spoke to her"),
    ]


def test_the_client_of_a_crm_with_streams_of_its_own(client: ModuleType, connection: redis.Redis, floor: Floor) -> None:
    """It reads those, and asks there."""
    own = floor.settings.model_copy(update={"name": "summer", "crm": "north"})
    campaigns.create(floor.store, own, who="test", now=NOW)
    readers.register(floor.store, "crm-example", who="test", now=NOW, crm="north")
    publish(floor.store, [CrmEvent("disposition", "A1", "summer", NOW, {"disposition": "busy"})])
    database = sqlite3.connect(":memory:")

    assert client.is_registered(connection, "crm-example", "north")
    assert not client.is_registered(connection, "crm-example")
    assert client.follow(connection, database, "crm-example", "summer", block_ms=10, crm="north") == 1
    client.send_outcome(connection, "summer", "A1", "sale", crm="north")
    assert len(inbox.read(floor.store, OWNER, 10, 0, crm="north")) == 1


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False)


@pytest.mark.parametrize("format_", list(Format))
def test_the_client_is_a_command(talked: Floor, valkey_url: str, format_: Format, end: End) -> None:
    """It reads either format, and ends with a word where its reader is not registered."""
    event_settings.save(talked.store, EventSettings(format_))
    publish(talked.store, [CrmEvent("disposition", "A9", "spring", NOW, {"lead_id": "L9", "disposition": "busy"})])
    script = str(DOCS / "crm_client.py")

    once = run(sys.executable, script, valkey_url, "spring", "--once")
    readers.unregister(talked.store, "crm-example")
    refused = run(sys.executable, script, valkey_url, "spring", "--once")

    assert once.stdout == "disposition A0 L0 connected 17\ndisposition A9 L9 busy\n", once.stderr
    assert "dialer crm register crm-example" in refused.stderr


def test_the_client_for_node_follows_adds_and_asks(talked: Floor, valkey_url: str, tmp_path: Path) -> None:
    """Another language, the same care: its own reader, one campaign, nothing written unasked."""
    node, script = need("node"), str(DOCS / "crm_client.mjs")
    where = valkey_url.removeprefix("redis://").removesuffix("/0")
    event_settings.save(talked.store, EventSettings(Format.JSON))
    publish(talked.store, [CrmEvent("disposition", "A9", "spring", NOW, {"lead_id": "L9", "disposition": "busy"})])

    msgpack = run(node, script, where, "spring", "--once")
    assert "dialer crm set --format json" in msgpack.stderr  # the first event is from before
    trip(talked.store, [("XACK", talked.store.keys.crm_out(), "crm-example", *pending(talked.store))])
    once = run(node, script, where, "spring", "--once")
    assert once.stdout == "", once.stderr
    publish(talked.store, [CrmEvent("disposition", "A10", "spring", NOW, {"lead_id": "L10", "disposition": "busy"})])
    assert run(node, script, where, "spring", "--once").stdout == "disposition A10 L10 busy\n"
    assert unread(talked.store)["crm-example"] == 0
    assert written(talked.store) == [0, 0]

    leads = tmp_path / "leads.json"
    leads.write_text(json.dumps([{"lead_id": "L7", "phone": number(7).clear, "name": "王芳"}]))
    added = run(node, script, where, "spring", "--add", str(leads))
    assert (added.stdout, talked.take_in().accepted) == ("1 leads added\n", 1)

    def answer() -> None:
        while not inbox.apply(talked.store, inbox.read(talked.store, OWNER, 10, 500), now=NOW + 100).applied:
            pass

    daemon = threading.Thread(target=answer, daemon=True)
    daemon.start()
    asked = run(node, script, where, "spring", "--query", "L7")
    daemon.join(LIMIT_S)
    assert asked.stdout.startswith("lead_status crm:in/"), asked.stderr
    assert asked.stdout.endswith(" L7 due\n")


def pending(store: Store) -> list[str]:
    rows = trip(store, [("XPENDING", store.keys.crm_out(), "crm-example", "-", "+", 100)])[0]
    return [row[0].decode() for row in rows]
