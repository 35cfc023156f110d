"""`dialer leads` on leads that are in a campaign already, against a real server."""

from __future__ import annotations

import csv
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from config.campaign import CampaignSettings
from dialer.core.model import Close, Disposition, Retry
from dialer.store.base.connection import Store
from dialer.store.crm import inbox
from dialer.store.leads import intake, leads
from dialer.store.leads.leads import LeadState
from dialer.store.operators import campaigns, control
from dialer.store.settlement.settle import settle
from pacing.api import Mode
from tests.cli.conftest import Dialer, data
from tests.store.conftest import Floor, end, number  # noqa: F401

OLD = time.time() - 10 * 86_400


@pytest.fixture
def floor(store: Store, spring: str) -> Floor:
    """The campaign spring with six leads that came in ten days ago."""
    floor = Floor(store, campaigns.get(store, spring).settings)
    rows = [{"lead_id": f"L{i}", "phone": number(i).clear, "attrs": {"city": "=Beijing"}} for i in range(6)]
    intake.enqueue(store, spring, rows)
    floor.take_in(OLD)
    return floor


@pytest.fixture
def lived(floor: Floor, end: Any) -> Floor:  # noqa: F811
    """L0 and L1 closed ten days ago after no answer and busy, L2 closed just now after no answer, L3 waiting, L4 and L5
    due."""
    first, second = floor.dial(2, OLD)
    ends = [end(first, Disposition.NO_ANSWER, Close("enough"), ended_at=OLD)]
    ends.append(end(second, Disposition.BUSY, Close("enough"), ended_at=OLD))
    settle(floor.store, ends, "host-a:1")
    now = time.time()
    third, fourth = floor.dial(2, now)
    ends = [end(third, Disposition.NO_ANSWER, Close("enough"), ended_at=now)]
    ends.append(end(fourth, Disposition.NO_ANSWER, Retry(7200.0, 0), ended_at=now))
    settle(floor.store, ends, "host-a:1")
    return floor


@pytest.fixture
def autumn(store: Store) -> str:
    campaigns.create(
        store, CampaignSettings(name="autumn", mode=Mode.PROGRESSIVE, caller_id="+862155550100"), who="test", now=OLD
    )
    return "autumn"


def states(store: Store, campaign: str = "spring") -> dict[str, LeadState]:
    return {row.lead_id: row.state for row in leads.page(store, campaign)[0]}


def test_old_no_answers_are_recycled(dialer: Dialer, lived: Floor) -> None:
    """Those alone, after a look and a yes; the audit trail says who did what to how many."""
    command = ("leads", "reopen", "spring", "--disposition", "no_answer", "--older-than", "3d")

    asked = dialer(*command, input="n\n")
    assert asked.exit_code == 1
    assert "To reopen: 1 lead of spring" in asked.stdout
    assert states(lived.store)["L0"] is LeadState.CLOSED

    assert dialer(*command, input="y\n").exit_code == 0
    assert states(lived.store) == {
        "L0": LeadState.DUE,
        "L1": LeadState.CLOSED,
        "L2": LeadState.CLOSED,
        "L3": LeadState.WAITING,
        "L4": LeadState.DUE,
        "L5": LeadState.DUE,
    }
    (line,) = [line for line in control.audit_trail(lived.store, 10) if line.what == "leads_reopen"]
    assert (line.who, line.detail["matched"], line.detail["fates"]) == ("tester@here", 1, {"done": 1})
    assert line.detail["disposition"] == "no_answer"


def test_a_dry_run_changes_nothing(dialer: Dialer, lived: Floor) -> None:
    """It says how many, where and why."""
    before = states(lived.store)

    found = data(dialer("leads", "cancel", "spring", "--all", "--dry-run", "--json"))

    assert (found["matched"], found["fates"]) == (3, {})
    assert {row["state"]: row["leads"] for row in found["found"]} == {"due": 2, "waiting": 1}
    assert states(lived.store) == before


@pytest.mark.parametrize(
    ("given", "matched"),
    [
        (("--tries", "1"), 4),
        (("--tries", "0"), 2),
        (("--state", "closed", "--disposition", "busy"), 1),
        (("--state", "waiting", "--due-to", "1h"), 0),
        (("--state", "waiting", "--due-from", "1h"), 1),
        (("--age", "9d", "--attr", "city==Beijing"), 6),
        (("--age", "11d"), 0),
        (("--reason", "no answer", "--state", "waiting"), 1),
        (("L1", "L4", "no such"), 2),
    ],
)
def test_leads_are_chosen_by_what_is_known_of_them(
    dialer: Dialer, lived: Floor, autumn: str, given: tuple[str, ...], matched: int
) -> None:
    """Tries, ends, times, ages, data, reasons, ids."""
    answer = dialer("leads", "copy", "spring", *given, "--to", autumn, "--dry-run", "--json")

    assert data(answer)["matched"] == matched


def test_leads_are_chosen_by_what_was_said_of_them(dialer: Dialer, lived: Floor) -> None:
    """The outcome of the last attempt."""
    word = inbox.Outcome("spring", "A0", "interested", agent="17", note="call 13800000000")
    inbox.apply(lived.store, [inbox.Received("1-1", word)], now=time.time())

    answer = data(dialer("leads", "reopen", "spring", "--outcome", "interested", "--yes", "--json"))

    assert answer["fates"] == {"done": 1}
    shown = dialer("leads", "show", "spring", "L0").stdout
    assert "interested" in shown
    assert "call *******0000" in shown
    assert "reopened by tester@here" in shown


def test_leads_of_a_file_are_moved(dialer: Dialer, lived: Floor, autumn: str, tmp_path: Path) -> None:
    """Plain lines or a column; what cannot be moved is said, and the exit code is 8."""
    plain, sheet = tmp_path / "ids.txt", tmp_path / "ids.csv"
    plain.write_text("L4\nL5\n")
    sheet.write_text("city,lead_id\nx,L3\n")
    assert data(dialer("leads", "move", "spring", "--file", str(plain), "--to", autumn, "--yes", "--json"))[
        "fates"
    ] == {"done": 2}
    assert dialer("leads", "move", "spring", "--file", str(sheet), "--to", autumn, "--yes").exit_code == 0
    assert states(lived.store, autumn) == {"L3": LeadState.WAITING, "L4": LeadState.DUE, "L5": LeadState.DUE}

    again = dialer("leads", "copy", "spring", "L4", "--to", autumn, "--yes")

    assert again.exit_code == 8
    assert "1 whose id or number is there already" in again.stdout


def test_a_level_is_given(dialer: Dialer, lived: Floor) -> None:
    """And the lead goes first."""
    assert dialer("leads", "priority", "9", "spring", "L5", "--yes").exit_code == 0

    assert lived.lease(1, time.time())[0].lead_id == "L5"


def test_waiting_leads_are_released(dialer: Dialer, lived: Floor) -> None:
    """Nobody else is."""
    assert data(dialer("leads", "release", "spring", "--all", "--yes", "--json"))["fates"] == {"done": 1}
    assert states(lived.store)["L3"] is LeadState.DUE


def test_leads_are_deleted(dialer: Dialer, lived: Floor) -> None:
    """With their story; their numbers may come in again."""
    assert data(dialer("leads", "delete", "spring", "--state", "closed", "--yes", "--json"))["fates"] == {"done": 3}

    assert set(states(lived.store)) == {"L3", "L4", "L5"}
    lived.add({"lead_id": "new", "phone": number(0).clear})
    assert lived.take_in(time.time()).accepted == 1


def test_an_export_is_masked_unless_it_is_asked_for(dialer: Dialer, lived: Floor, tmp_path: Path) -> None:
    """For its owner alone, without a formula, and on record."""
    masked, clear = tmp_path / "masked.csv", tmp_path / "clear.csv"

    assert dialer("leads", "export", "spring", "--all", "--to", str(masked)).exit_code == 0
    assert dialer("leads", "export", "spring", "L0", "--to", str(clear), "--clear").exit_code == 0

    assert number(0).clear[1:] not in masked.read_text(encoding="utf-8-sig")
    rows = {row["lead_id"]: row for row in csv.DictReader(masked.read_text(encoding="utf-8-sig").splitlines())}
    assert len(rows) == 6
    assert (rows["L0"]["last_disposition"], rows["L0"]["state"], rows["L0"]["tries"]) == ("no_answer", "closed", "1")
    (row,) = csv.DictReader(clear.read_text(encoding="utf-8-sig").splitlines())
    assert row["phones"] == f"'{number(0).clear}"
    assert not [cell for row in rows.values() for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    assert stat.S_IMODE(masked.stat().st_mode) == 0o600
    trail = [line.detail for line in control.audit_trail(lived.store, 10) if line.what == "leads_export"]
    assert [(line["clear"], line["leads"]) for line in trail] == [(True, 1), (False, 6)]


def test_mistakes_are_said(dialer: Dialer, lived: Floor, autumn: str) -> None:
    """Before anything is changed."""

    def says(*arguments: str) -> str:
        result = dialer("leads", *arguments)
        assert result.exit_code in (2, 6)
        return result.stderr

    assert "say which leads" in says("cancel", "spring")
    assert "--json does not ask" in says("cancel", "spring", "--all", "--json")
    assert "--older-than 'soon'" in says("reopen", "spring", "--older-than", "soon")
    assert "--tries 'x'" in says("reopen", "spring", "--tries", "x")
    assert "that is where they are" in says("move", "spring", "--all", "--to", "spring")
    assert "no campaign 'winter'" in says("move", "spring", "--all", "--to", "winter")
    assert "no campaign 'winter'" in says("cancel", "winter", "--all")
    assert "--at 'noon'" in says("release", "spring", "--all", "--at", "noon")
