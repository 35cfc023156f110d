"""`dialer crm validate`, `schema` and `tail`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from config.campaign import CampaignSettings
from dialer.store.base.connection import Store, trip
from dialer.store.crm import event_settings
from dialer.store.crm.event_settings import EventSettings, Format
from dialer.store.crm.schema import contract
from dialer.store.operators import campaigns
from dialer.store.settlement.outbox import CrmEvent, publish
from pacing.api import Mode
from tests.cli.conftest import NOW, Dialer, data

GOOD = {"lead_id": "L1", "phone": "138 0013 8000"}
MIXED: list[Any] = [
    GOOD,
    {"lead_id": 17, "phone": "12"},
    {"lead_id": "L1", "phone": "13800138000"},
    {"type": "outcome", "campaign": "spring", "attempt_id": "A1", "outcome": "callback"},
    {"type": "query", "campaign": "spring", "lead_id": "L1"},
    {"type": "ready", "agent": 17},
    {"type": "dance"},
    [],
]
REASONS = {
    2: ["lead_id: must be text, got a whole number", "phone: too short"],
    3: ["lead_id: is in the file already, in line 1", "phone: is in the file already, in line 1"],
    4: ["callback_at: a callback needs it"],
    6: ['agent: must be text, got the whole number 17: send "17"'],
    7: ["type: must be one of outcome, block, unblock, cancel, update, query, campaign"],
    8: ["must be a map of fields, got a list"],
}


@pytest.mark.parametrize("as_lines", [True, False])
def test_entries_are_judged_before_they_are_sent(dialer: Dialer, store: Store, tmp_path: Path, as_lines: bool) -> None:
    """A list, or one a line; every reason of each, and nothing is sent."""
    file = tmp_path / "entries.json"
    file.write_text("\n".join(map(json.dumps, MIXED)) if as_lines else json.dumps(MIXED, indent=1))

    result = dialer("crm", "validate", str(file), "--json")

    assert result.exit_code == 8
    found = data(result)
    assert (found["entries"], found["good"]) == (8, 2)
    assert {row["line"]: row["reasons"] for row in found["bad"]} == REASONS
    assert trip(store, [("KEYS", "*")])[0] == []


def test_a_page_for_people(dialer: Dialer, tmp_path: Path) -> None:
    """Line, kind, id and reasons; the sum at the end, and no clear number."""
    file = tmp_path / "entries.json"
    file.write_text('{"lead_id": "L1", "phone": "138001380001234"}\nnot json\n\n' + json.dumps(GOOD))

    result = dialer("crm", "validate", str(file))

    assert "2 entries of 3 would be refused." in result.output
    assert "not JSON" in result.output
    assert "138001380001234" not in result.output


def test_a_good_file(dialer: Dialer) -> None:
    """From standard input, too."""
    result = dialer("crm", "validate", "-", input=json.dumps(GOOD))

    assert (result.exit_code, result.output) == (0, "1 entry, all right.\n")


def test_a_campaign_says_what_its_leads_need(dialer: Dialer, store: Store, tmp_path: Path) -> None:
    """Its country decides how numbers are read."""
    settings = CampaignSettings(name="calls", mode=Mode.PROGRESSIVE, caller_id="+12127365000", default_region="US")
    campaigns.create(store, settings, who="test", now=NOW)
    file = tmp_path / "entries.json"
    file.write_text(json.dumps(GOOD))

    assert dialer("crm", "validate", str(file)).exit_code == 0
    assert dialer("crm", "validate", str(file), "--campaign", "calls").exit_code == 8
    assert dialer("crm", "validate", str(file), "--campaign", "nowhere").exit_code == 6


def test_a_broken_list_is_said(dialer: Dialer) -> None:
    """Not taken for lines."""
    result = dialer("crm", "validate", "-", input="[{]")

    assert (result.exit_code, "is no JSON list" in result.output) == (7, True)


def test_the_schema_is_printed(dialer: Dialer) -> None:
    """The same as it is made."""
    assert json.loads(dialer("crm", "schema").output) == contract()


@pytest.mark.parametrize("format_", list(Format))
def test_what_passes_is_shown(dialer: Dialer, store: Store, format_: Format) -> None:
    """Both streams in the order of time, in either format; of one campaign or type, if asked."""
    event_settings.save(store, EventSettings(format_))
    publish(store, [CrmEvent("connected", "A1", "spring", NOW, {"lead_id": "L1", "agent": "17"})])
    publish(store, [CrmEvent("disposition", "A1", "spring", NOW, {"lead_id": "L1", "disposition": "connected"})])
    publish(store, [CrmEvent("disposition", "A2", "autumn", NOW, {"lead_id": "L2", "disposition": "busy"})])

    lines = [line.split()[1:] for line in dialer("crm", "tail", "--once").output.splitlines()]
    assert lines == [
        ["connected", "spring", "L1", "17"],
        ["disposition", "spring", "L1", "connected"],
        ["disposition", "autumn", "L2", "busy"],
    ]
    only = dialer("crm", "tail", "--once", "--campaign", "spring", "--type", "disposition", "--json").output
    (row,) = map(json.loads, only.splitlines())
    assert (row["stream"], row["kind"], row["id"], row["data"]["lead_id"]) == ("crm:out", "disposition", "A1", "L1")


def test_what_the_crm_writes_is_shown_masked(dialer: Dialer, store: Store) -> None:
    """Also what cannot be read."""
    trip(
        store, [("XADD", store.keys.crm_in(), "*", "json", '{"type": "block", "number": "13800138000", "who": "crm"}')]
    )
    trip(store, [("XADD", store.keys.crm_in(), "*", "json", "13800138000")])

    output = dialer("crm", "tail", "--once", "--incoming", "--json").output

    first, second = map(json.loads, output.splitlines())
    assert (first["kind"], first["data"]["number"]) == ("block", "*******8000")
    assert (second["kind"], second["data"]["reason"]) == ("unreadable", "must be a map of fields, got a whole number")
    assert "13800138000" not in output


def test_tail_follows(dialer: Dialer, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes while it looks is shown, until Ctrl-C."""
    looks = iter(range(3))

    def look(_: float) -> None:
        if next(looks) == 2:
            raise KeyboardInterrupt
        publish(store, [CrmEvent("disposition", "A1", "spring", NOW, {"disposition": "busy"})])

    monkeypatch.setattr("dialer.cli.crm.tail.time.sleep", look)
    publish(store, [CrmEvent("disposition", "A0", "spring", NOW, {"disposition": "early"})])

    result = dialer("crm", "tail", "--last", "0")

    assert "early" not in result.output
    assert result.output.count("busy") == 2
