"""`dialer leads` against a real server."""

from __future__ import annotations

import csv
import json
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dialer.cli.base.failures import CliExit
from dialer.cli.leads import import_command
from dialer.core.inputs import CampaignState
from dialer.store.base.connection import Store, trip
from dialer.store.leads import intake, leads
from dialer.store.operators import campaigns, control, status
from tests.cli.conftest import Dialer, board, data

GOOD = "phone,name,city\n13800001234,张三,北京\n13900001111,李四,上海\n"
MIXED = GOOD + "138,王五,广州\n13800001234,赵六,深圳\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.csv"
    path.write_text(GOOD, encoding="gb18030")
    return path


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.csv"
    path.write_text(MIXED, encoding="utf-8")
    return path


@contextmanager
def a_daemon(store: Store, campaign: str) -> Iterator[None]:
    """As much of a daemon as takes leads in: it says that it is alive and empties the stream of a started campaign."""
    campaigns.set_state(store, campaign, CampaignState.RUNNING, who="test", now=time.time())
    status.publish(store, "dial-1", board().to_wire(), now=time.time(), ttl=30.0)
    done = threading.Event()

    def take_in() -> None:
        while not done.wait(0.02):
            intake.take_in(store, campaign, "dial-1", time.time(), 200)

    thread = threading.Thread(target=take_in)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(5)


def test_rows_are_asked_for_the_ids_that_caps_count_per(
    dialer: Dialer, store: Store, tmp_path: Path, good: Path
) -> None:
    """As the daemon will ask; where this machine does not have the policy, the daemon alone will."""
    made = ("campaign", "create", "debts", "--set", "mode=progressive", "--set", "default_region=CN")
    assert dialer(*made, "--set", "policies=us-telemarketing,us-collections-regf").exit_code == 0

    result = dialer("leads", "import", "debts", str(good), "--dry-run")

    assert result.exit_code == 8
    assert "account_id: missing, and a cap of the campaign counts per account  [rows 2, 3]" in result.stdout

    key = store.keys.campaign("debts")
    settings = json.loads(trip(store, [("HGET", key, "settings")])[0])
    settings["policies"] = ["of-another-machine"]
    trip(store, [("HSET", key, "settings", json.dumps(settings))])
    assert dialer("leads", "import", "debts", str(good), "--dry-run").exit_code == 0


def test_import_waits_until_the_daemon_has_the_leads(dialer: Dialer, store: Store, spring: str, good: Path) -> None:
    """What the daemon made of them is part of the report."""
    with a_daemon(store, spring):
        result = dialer("leads", "import", spring, str(good), "--json")

    assert result.exit_code == 0
    assert {key: data(result)[key] for key in ("rows", "sent", "rejected", "encoding", "taken_in")} == {
        "rows": 2,
        "sent": 2,
        "rejected": 0,
        "encoding": "gb18030",
        "taken_in": {"accepted": 2, "rejected": 0, "left": 0},
    }
    rows, _ = leads.page(store, spring)
    assert {(row.number, row.name) for row in rows} == {("+86138****1234", "张三"), ("+86139****1111", "李四")}


def test_importing_a_file_twice_makes_no_lead_twice(dialer: Dialer, store: Store, spring: str, good: Path) -> None:
    """The lead_ids that were made are the same; the daemon rejects the second lot."""
    with a_daemon(store, spring):
        dialer("leads", "import", spring, str(good))
        again = dialer("leads", "import", spring, str(good), "--json")

    assert data(again)["taken_in"] == {"accepted": 0, "rejected": 2, "left": 0}
    assert again.exit_code == CliExit.PARTLY


def test_rejected_rows_are_reported_by_reason(dialer: Dialer, spring: str, mixed: Path) -> None:
    """With their rows as a spreadsheet counts them, and without a clear number."""
    result = dialer("leads", "import", spring, str(mixed), "--no-wait")

    assert result.exit_code == CliExit.PARTLY
    assert "phone: too short  [row 4]" in result.stdout
    assert "duplicate: the number is in an earlier row  [row 5 (as row 2)]" in result.stdout
    assert "13800001234" not in result.output


def test_rejects_can_be_corrected_and_imported(dialer: Dialer, store: Store, spring: str, mixed: Path) -> None:
    """The file of rejects has the rows as they came, is private, and is itself importable."""
    rejects = mixed.with_name("bad.csv")
    rejects.touch(0o644)  # an earlier file that others may read does not stay so
    dialer("leads", "import", spring, str(mixed), "--no-wait", "--rejects", str(rejects))

    with rejects.open(encoding="utf-8-sig", newline="") as file:
        header, short, twice = csv.reader(file)
    assert header == ["phone", "name", "city", "rejected_row", "rejected_why"]
    assert short == ["138", "王五", "广州", "4", "phone: too short"]
    assert twice[3:] == ["5", "duplicate: the number is in an earlier row (2)"]
    assert stat.S_IMODE(os.stat(rejects).st_mode) == 0o600

    rejects.write_text(rejects.read_text(encoding="utf-8-sig").replace("138,", "13600001111,"), encoding="utf-8")
    result = dialer("leads", "import", spring, str(rejects), "--no-wait", "--json")
    assert (data(result)["sent"], data(result)["rejected"]) == (2, 0)


def test_no_cell_of_the_rejects_is_a_formula(dialer: Dialer, spring: str, tmp_path: Path) -> None:
    """A spreadsheet shows such cells as text, and the next import reads them as they were."""
    file, rejects = tmp_path / "list.csv", tmp_path / "bad.csv"
    file.write_text("phone,name,@note\n+86138,=1+1,-2\n", encoding="utf-8")
    dialer("leads", "import", spring, str(file), "--no-wait", "--rejects", str(rejects))

    with rejects.open(encoding="utf-8-sig", newline="") as opened:
        header, row = csv.reader(opened)
    assert header[2] == "'@note"
    assert row[:3] == ["'+86138", "'=1+1", "'-2"]

    text = rejects.read_text(encoding="utf-8-sig").replace("'+86138", "'+8613800001111")
    rejects.write_text(text, encoding="utf-8")
    assert data(dialer("leads", "import", spring, str(rejects), "--no-wait", "--json"))["sent"] == 1


def test_dry_run_sends_nothing(dialer: Dialer, store: Store, spring: str, mixed: Path) -> None:
    """Every row is checked, the stream stays empty."""
    result = dialer("leads", "import", spring, str(mixed), "--dry-run", "--json")

    assert (data(result)["sent"], data(result)["rejected"]) == (2, 2)
    assert status.counts(store, spring, time.time()).queued == 0


def test_columns_can_be_mapped(dialer: Dialer, store: Store, spring: str, tmp_path: Path) -> None:
    """`--map` gives a column its field."""
    path = tmp_path / "cn.csv"
    path.write_text("手机,姓名\n13800001234,张三\n", encoding="gb18030")

    result = dialer("leads", "import", spring, str(path), "--map", "手机=phone", "--map", "姓名=name", "--no-wait")

    assert result.exit_code == 0, result.output
    intake.take_in(store, spring, "x", time.time(), 10)
    assert leads.page(store, spring)[0][0].name == "张三"


@pytest.mark.parametrize("pair", ["手机", "手机=telephone"])
def test_a_bad_mapping_is_a_usage_error(dialer: Dialer, spring: str, good: Path, pair: str) -> None:
    """The message names the fields there are."""
    result = dialer("leads", "import", spring, str(good), "--map", pair)

    assert result.exit_code == 2
    assert "lead_id" in result.stderr


def test_a_full_stream_is_waited_for(
    dialer: Dialer, store: Store, spring: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more leads than the limit wait in Redis; the import goes on as the daemon takes them in."""
    monkeypatch.setattr(import_command, "STREAM_LIMIT", 20)
    path = tmp_path / "many.csv"
    path.write_text("phone\n" + "".join(f"138{i:08}\n" for i in range(90)), encoding="utf-8")

    with a_daemon(store, spring):
        result = dialer("leads", "import", spring, str(path), "--json")

    assert data(result)["taken_in"] == {"accepted": 90, "rejected": 0, "left": 0}


def test_a_stream_that_stays_full_ends_the_import(
    dialer: Dialer, store: Store, spring: str, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody takes leads in: the import gives up after its patience, says how far it came, and what to do."""
    monkeypatch.setattr(import_command, "STREAM_LIMIT", 1)

    result = dialer("leads", "import", spring, str(good), "--patience", "0.2")

    assert result.exit_code == CliExit.REFUSED
    assert "Is a daemon running?" in result.stderr


def test_without_a_daemon_the_import_does_not_wait(dialer: Dialer, spring: str, good: Path) -> None:
    """It says that the leads wait."""
    begun = time.monotonic()
    result = dialer("leads", "import", spring, str(good))

    assert result.exit_code == 0
    assert "no daemon is alive" in result.stderr
    assert time.monotonic() - begun < 5


def test_an_import_is_audited(dialer: Dialer, store: Store, spring: str, good: Path) -> None:
    """Who imported what, and how much of it."""
    dialer("leads", "import", spring, str(good), "--no-wait")

    line = control.audit_trail(store, 1)[0]
    assert (line.what, line.who) == ("leads_import", "tester@here")
    assert line.detail == {"campaign": spring, "file": "good.csv", "sent": 2, "rejected": 0, "list": "good"}


def test_leads_are_listed_masked(dialer: Dialer, store: Store, spring: str) -> None:
    """By state, with a limit that is said."""
    entries = [{"lead_id": f"L{i}", "phone": f"1380000{i:04}"} for i in range(5)]
    intake.enqueue(store, spring, entries)
    intake.take_in(store, spring, "x", time.time(), 10)

    some = dialer("leads", "list", spring, "--state", "due", "--limit", "3")
    none = dialer("leads", "list", spring, "--state", "closed")
    rows = data(dialer("leads", "list", spring, "--json"))

    assert some.stdout.count("+86138****") == 3
    assert "more than 3" in some.stderr
    assert none.stdout == "No lead is closed.\n"
    assert sorted(row["lead_id"] for row in rows) == ["L0", "L1", "L2", "L3", "L4"]


def test_a_lead_tells_its_story(dialer: Dialer, store: Store, spring: str) -> None:
    """Masked, with the CRM's own data; looking at it is audited."""
    lead = {"lead_id": "L1", "phone": "13800001234", "name": "张三", "attrs": {"city": "北京"}}
    intake.enqueue(store, spring, [lead])
    intake.take_in(store, spring, "x", time.time(), 10)

    result = dialer("leads", "show", spring, "L1")

    assert result.exit_code == 0
    for words in ("+86138****1234", "张三", "attrs.city", "北京", "due"):
        assert words in result.stdout
    assert data(dialer("leads", "show", spring, "L1", "--json"))["row"]["lead_id"] == "L1"
    assert control.audit_trail(store, 1)[0].what == "lead_show"


def test_what_does_not_exist_is_not_found(dialer: Dialer, spring: str, good: Path) -> None:
    """A lead or a campaign, with its own exit code."""
    missing = dialer("leads", "show", spring, "nobody")
    nowhere = dialer("leads", "import", "sprnig", str(good))

    assert (missing.exit_code, nowhere.exit_code) == (CliExit.NOT_FOUND, CliExit.NOT_FOUND)
    assert "Did you mean 'spring'?" in nowhere.stderr
