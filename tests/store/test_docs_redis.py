"""docs/redis.md says what the code does."""

from __future__ import annotations

import ast
import inspect
import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import pytest

import dialer
from dialer.core.agents.agent import AgentState
from dialer.core.agents.intervals import Interval
from dialer.core.inbound.ending import InboundEnd
from dialer.core.model import Disposition, Lead, Settlement
from dialer.disk.recordings.index import Row
from dialer.shell.recordings.finishing import event_of as recording_event
from dialer.store.base.connection import trip
from dialer.store.base.fields import Fields
from dialer.store.base.keys import Keys, Place
from dialer.store.base.streams import Entry, entries_of
from dialer.store.crm import inbox, lead_orders, readers
from dialer.store.crm.lead_requests import LeadQuery
from dialer.store.crm.requests import FINAL, READERS, Outcome, Received
from dialer.store.leads import intake
from dialer.store.leads.bulk import deletion
from dialer.store.leads.lead_codec import NewLead, Rejection, parse
from dialer.store.leads.leads import story
from dialer.store.leads.stray import Stray
from dialer.store.operators import agents
from dialer.store.settlement import floor_events
from dialer.store.settlement.floor_events import PacingFigures
from dialer.store.settlement.outbox import refused
from dialer.store.settlement.settle import settle
from dialer.store.settlement.settlements import INBOUND_CALL, KIND, event_of
from tests.store.conftest import NOW, OWNER, Floor, number

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "redis.md").read_text()


RECEIVED = Received("1-0", LeadQuery("spring", "L0"))
SAID_BY_THE_STORE = {
    "accepted": intake.event_of("spring", Entry("1-0", {}), Rejection("", ()), intake.ACCEPTED, NOW),
    "rejected": intake.event_of("spring", Entry("1-0", {}), Rejection("", ()), 2, NOW),
    "agent_interval": floor_events.agent_interval(Interval("17", "", "", "", AgentState.READY, "", NOW, NOW), "a"),
    "pacing_minute": floor_events.pacing_minute(
        "spring", "a", NOW, PacingFigures("", 0, 0, 0, "", "", None, 0, 0, 0, 0, 0, 0, 0, 0)
    ),
    "outcome": floor_events.outcome_said(Outcome("spring", "A1", "sale"), "1-0", NOW),
    "campaign_status": lead_orders.campaign_status(RECEIVED, "spring", "running", "paused", NOW),
    "leads_deleted": deletion.event_of("spring", ["L1"], "march", "ann", NOW),
    "refused": refused("s", "1-0", [], at=NOW),
    "recording": recording_event(
        Row(attempt="A1", at=NOW, duration_s=1.0, sha256="", size_bytes=1, file="A1.opus"), "one", NOW
    ),
    "stray_leads": Stray("dialer:spring:leads", "spring", "spring", 1, NOW).event(NOW),
}


def section(title: str) -> str:
    """What stands under a heading, up to the next of any level."""
    return re.split(rf"^#+ {re.escape(title)}\n", TEXT, flags=re.MULTILINE)[1].split("\n#")[0]


def table(text: str, which: int = 0) -> list[list[str]]:
    """The rows of a table, without its head, cells without backticks."""
    tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    rows = tables[which].strip().split("\n")[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def words(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def names(text: str, which: int = 0) -> set[str]:
    """What stands in backticks in the first column of a table."""
    return {word for row in table(text, which) for word in words(row[0])}


def examples(text: str) -> list[Any]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL)]


def commands() -> Iterator[list[str]]:
    for block in re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL):
        for line in block.strip().split("\n"):
            program, *arguments = shlex.split(line)
            assert program == "redis-cli"
            yield arguments


def test_every_key_is_named_and_no_other() -> None:
    """The page and `keys.Keys` know the same keys."""
    keys, code = Keys(), set()
    for name, method in inspect.getmembers(Keys, inspect.isfunction):
        if name.startswith("_"):
            continue
        places = [parameter.upper() for parameter in inspect.signature(method).parameters if parameter != "self"]
        given: list[Any] = [Place(0, 0) if place == "WHERE" else place for place in places]
        code.add(getattr(keys, name)(*given))
        if places == ["CRM"]:
            code.add(getattr(keys, name)())
    history, written = keys.history(Place(0, 0)), "dialer:{cSHARD}:h:BUCKET"
    code = {written if one == history else one for one in code}

    assert set(re.findall(r"`(dialer:[^`]+)`", TEXT)) == code


def test_the_status_of_a_lead_has_every_field(floor: Floor, end: Callable[..., Settlement]) -> None:
    """And each of its attempts."""
    floor.fill(1)
    settle(floor.store, [end(floor.dial()[0], live=True)], OWNER)
    (example,) = examples(section("lead_status"))

    fields = lead_orders.status_fields(story(floor.store, "spring", "L0"), RECEIVED)

    assert list(example) == ["campaign", "at", *fields]
    assert list(example["attempts"][0]) == list(fields["attempts"][0])


def test_every_event_type_is_named_and_no_other() -> None:
    """Whatever any room publishes has its section, with all its fields."""
    published = {kind: fields for _, kind, fields in _published()}
    documented = set(re.findall(r"^### (\w+)$", section_of_events(), flags=re.MULTILINE))

    assert documented == set(published) | {KIND, INBOUND_CALL, "lead_status"} | SAID_BY_THE_STORE.keys()
    for kind, event in SAID_BY_THE_STORE.items():
        (example,) = examples(section(kind))
        assert set(example) == {"campaign", "at", *event.fields}, kind
    for kind, fields in published.items():
        (example,) = examples(section(kind))
        assert set(example) == {"campaign", "at"} | fields, kind


def section_of_events() -> str:
    return TEXT.split("\n## Events\n")[1].split("\n## ")[0]


def _published() -> Iterator[tuple[str, str, set[str]]]:
    """(file, kind, fields) of every `Publish` in the code whose kind is written down."""
    root = Path(dialer.__file__).parent
    for path in root.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from ((path.name, kind, fields) for kind, fields in _published_by(function))


def _published_by(function: ast.AST) -> Iterator[tuple[str, set[str]]]:
    local: dict[str, ast.Dict] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and isinstance(node.targets[0], ast.Name):
            local[node.targets[0].id] = node.value
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(id="Publish"), args=[ast.Constant(value=str(kind)), _, fields]):
                body = local[fields.id] if isinstance(fields, ast.Name) else fields
                assert isinstance(body, ast.Dict)
                of_the_lead = set(Lead("L", "spring", (number(0),)).shown) if None in body.keys else set()
                yield kind, {str(key.value) for key in body.keys if isinstance(key, ast.Constant)} | of_the_lead


def test_the_disposition_example_has_every_field(floor: Floor, end: Callable[..., Settlement]) -> None:
    """And no other; the table has every disposition."""
    floor.fill(1)
    event = event_of(end(floor.dial()[0], live=True), OWNER)
    (example,) = examples(section("disposition"))

    assert list(example) == ["campaign", "at", *event.fields]
    assert names(section("disposition")) == {one.value for one in Disposition}


def test_the_example_of_a_call_from_outside_has_every_field(floor: Floor, end: Callable[..., Settlement]) -> None:
    """And the table every end."""
    floor.fill(1)
    event = event_of(replace(end(floor.dial()[0]), inbound=True), OWNER)
    (example,) = examples(section(INBOUND_CALL))

    assert (event.kind, list(example)) == (INBOUND_CALL, ["campaign", "at", *event.fields])
    assert names(section(INBOUND_CALL)) == {one.value for one in InboundEnd}


def test_the_fields_of_a_lead_are_those_that_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table, the example, and the example of a rejection."""
    asked: set[str] = set()
    finish = Fields.finish

    def noting(fields: Fields, hint: str = "") -> None:
        asked.update(fields.asked)
        finish(fields, hint)

    monkeypatch.setattr(Fields, "finish", noting)
    (example,) = examples(section("Leads"))

    answer = parse({b"json": json.dumps(example).encode()}, campaign="spring", default_region="CN", now=NOW)

    assert isinstance(answer, NewLead)
    assert set(example) | {"phone"} == asked == names(section("Leads"))


def test_the_example_of_a_rejection_is_the_answer() -> None:
    """Word for word."""
    bad = next(arguments[-1] for arguments in commands() if "color" in arguments[-1])

    answer = parse({b"json": bad.encode()}, campaign="spring", default_region="CN", now=NOW)

    assert isinstance(answer, Rejection)
    assert list(answer.reasons) == examples(section("Rejected leads"))[0]


def test_the_fields_of_requests_and_agents_are_those_that_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcome, block and agent event."""
    asked: list[set[str]] = []
    finish = Fields.finish

    def noting(fields: Fields, hint: str = "") -> None:
        asked.append(set(fields.asked))
        finish(fields, hint)

    monkeypatch.setattr(Fields, "finish", noting)
    inbox.parse_request("1-0", {b"json": b'{"type": "outcome"}'}, "CN")
    inbox.parse_request("1-0", {b"json": b'{"type": "block"}'}, "CN")
    for kind in ("cancel", "update", "query", "campaign"):
        inbox.parse_request("1-0", {b"json": json.dumps({"type": kind}).encode()}, "CN")
    agents.parse(Entry("1-0", {b"json": b'{"type": "ready"}'}))

    page = section("Outcomes, blocks and unblocks")
    outcome, block, *orders, agent = asked
    assert [outcome, block, agent] == [names(page, 0), names(page, 2), names(section("Agents"))]
    assert set().union(*orders) == names(section("Leads and campaigns"))
    assert set(READERS) == words(table(page)[0][3]) | words(table(page, 2)[0][3]) | words(
        table(section("Leads and campaigns"))[0][3]
    )
    assert words(table(section("Agents"))[0][3]) == set(agents.SAYABLE)
    assert {"callback", "machine"} | FINAL <= names(page, 1)


def test_the_commands_work(floor: Floor) -> None:
    """Typed in order, every line is understood by the server and then by the dialer."""
    readers.register(floor.store, "billing", who="test", now=NOW)
    for arguments in commands():
        trip(floor.store, [tuple(arguments)])

    report = floor.take_in()
    received = inbox.read(floor.store, OWNER, 100, 0)
    heard, _ = agents.read(floor.store, "host-a", "0", 10, 0)
    assert (report.accepted, report.rejected) == (1, 1)
    assert len(received) == 9
    assert not any(isinstance(one.request, inbox.BadRequest) for one in received)
    assert all(isinstance(one, agents.Heard) for one in heard)


def test_the_data_of_events_is_msgpack(floor: Floor, end: Callable[..., Settlement]) -> None:
    """As the page says."""
    floor.fill(1)
    settle(floor.store, [end(floor.dial()[0])], OWNER)

    (entry,) = entries_of(trip(floor.store, [("XRANGE", floor.store.keys.crm_out(), "-", "+")])[0])

    assert {name.decode() for name in entry.fields} == {"v", "type", "id", "data"}
    assert msgpack.unpackb(entry.fields[b"data"])["campaign"] == "spring"
