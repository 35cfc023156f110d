"""`dialer lists` against a real server."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dialer.cli.base.failures import CliExit
from dialer.store.base.connection import Store
from dialer.store.leads import intake
from dialer.store.operators import control
from tests.cli.conftest import Dialer, data


def csv_file(folder: Path, name: str, *numbers: int) -> Path:
    path = folder / name
    path.write_text("phone,name,customer_id\n" + "".join(f"1380000{i:04},王{i},C{i}\n" for i in numbers), "utf-8")
    return path


def take_in(store: Store, campaign: str) -> None:
    intake.take_in(store, campaign, "x", time.time(), 1000)


@pytest.fixture
def two_lists(dialer: Dialer, store: Store, spring: str, tmp_path: Path) -> str:
    """march: 1 to 4; april: 3 to 6, of which 3 and 4 are rejected; and one lead of the CRM's."""
    for name, numbers in (("march", range(1, 5)), ("april", range(3, 7))):
        assert (
            dialer("leads", "import", spring, str(csv_file(tmp_path, f"{name}.csv", *numbers)), "--no-wait").exit_code
            == 0
        )
        take_in(store, spring)
    intake.enqueue(store, spring, [{"lead_id": "crm-1", "phone": "13900009999", "customer_id": "C1"}])
    take_in(store, spring)
    return spring


def test_each_import_is_a_list(dialer: Dialer, two_lists: str) -> None:
    """With its name, owner and counts; the CRM's leads are one, too."""
    shown = dialer("lists", "list", two_lists)
    known = {each["list"]: each for each in data(dialer("lists", "list", two_lists, "--json"))}

    assert shown.exit_code == 0
    assert "march" in shown.stdout
    assert {name: (each["accepted"], each["rejected"], each["leads"]) for name, each in known.items()} == {
        "march": (4, 0, 4),
        "april": (2, 2, 2),
        "stream": (1, 0, 1),
    }
    assert known["march"]["owner"] == "tester@here"
    assert known["march"]["imports"][0]["file"] == "march.csv"


def test_a_list_is_shown_with_why_leads_were_rejected(dialer: Dialer, two_lists: str, tmp_path: Path) -> None:
    """By the file's own check and by the daemon, masked."""
    bad = tmp_path / "bad.csv"
    bad.write_text("phone,name\n138,x\n13800007777,y\n", "utf-8")
    assert (
        dialer("leads", "import", two_lists, str(bad), "--no-wait", "--list", "april", "--owner", "wang").exit_code == 8
    )

    shown = dialer("lists", "show", two_lists, "april")

    assert "phone: too short" in shown.stdout
    assert "is in the campaign already" in shown.stdout
    assert "april.csv" in shown.stdout
    assert "bad.csv" in shown.stdout
    assert "13800000003" not in shown.stdout
    assert dialer("lists", "show", two_lists, "may").exit_code == CliExit.NOT_FOUND


def test_the_same_file_is_the_same_list_and_another_one_is_not(
    dialer: Dialer, store: Store, spring: str, tmp_path: Path
) -> None:
    """A name that another file had gets a number; the name can be chosen, and a bad one is refused."""
    (tmp_path / "b").mkdir()
    march, other = csv_file(tmp_path, "march.csv", 1), csv_file(tmp_path / "b", "march.csv", 2)
    secret = csv_file(tmp_path, "13800001234.csv", 3)

    def list_of(path: Path, *more: str) -> str:
        return str(data(dialer("leads", "import", spring, str(path), "--no-wait", "--json", *more))["list"])

    assert list_of(march) == "march"
    assert list_of(other) == "march 2"
    assert list_of(march) == "march"
    assert list_of(csv_file(tmp_path, "x.csv", 4), "--list", "四月") == "四月"
    assert "1380" not in list_of(secret)
    assert dialer("leads", "import", spring, str(march), "--list", "13800001234").exit_code == 2


def test_a_dry_run_says_what_the_import_would(dialer: Dialer, two_lists: str, tmp_path: Path) -> None:
    """Also what the campaign has already: ids, and numbers under other ids."""
    path = csv_file(tmp_path, "again.csv", 1, 2, 8, 9)

    dry = data(dialer("leads", "import", two_lists, str(path), "--dry-run", "--json"))

    assert (dry["rows"], dry["sent"], dry["rejected"]) == (4, 2, 2)
    assert dry["reasons"] == {"phone: is in the campaign already": 2}
    assert [row["row"] for row in dry["rejected_rows"]] == [2, 3]
    same = data(dialer("leads", "import", two_lists, str(tmp_path / "march.csv"), "--dry-run", "--json"))
    assert (same["sent"], same["reasons"]["lead_id: a lead of this id is in the campaign already"]) == (0, 4)


def test_a_list_is_taken_back_after_a_question(dialer: Dialer, store: Store, two_lists: str, tmp_path: Path) -> None:
    """No: nothing happens. Yes: its leads are gone, it is on record, and the same file does not come back by itself."""
    refused = dialer("lists", "takeback", two_lists, "march", input="n\n")
    assert refused.exit_code != 0
    assert "Delete 4 leads of the list march, 0 of them called before?" in refused.stderr

    done = data(dialer("lists", "takeback", two_lists, "march", "--yes", "--json"))

    assert (done["deleted"], done["held"]) == (4, 0)
    assert [line.what for line in control.audit_trail(store, 5)].count("list_takeback") == 1
    known = {each["list"]: each for each in data(dialer("lists", "list", two_lists, "--json"))}
    assert known["march"]["leads"] == 0
    assert known["march"]["taken_back_at"] is not None
    assert "taken back" in dialer("lists", "list", two_lists).stdout
    file = str(tmp_path / "march.csv")
    for more in ((), ("--list", "march"), ("--dry-run",)):
        refused = dialer("leads", "import", two_lists, file, *more)
        assert (refused.exit_code, "--list NAME" in refused.stderr) == (CliExit.REFUSED, True)
    again = data(dialer("leads", "import", two_lists, file, "--no-wait", "--list", "march again", "--json"))
    assert (again["list"], again["sent"]) == ("march again", 4)


def test_overlaps_are_counted(dialer: Dialer, store: Store, two_lists: str, tmp_path: Path) -> None:
    """Between campaigns by number, within one by customer; numbers are not shown."""
    assert dialer("campaign", "create", "survey", "--set", "mode=progressive").exit_code == 0
    dialer("leads", "import", "survey", str(csv_file(tmp_path, "survey.csv", 1, 2, 5, 77)), "--no-wait")
    take_in(store, "survey")

    (row,) = data(dialer("lists", "compare", two_lists, "survey", "--json"))
    assert (row["list"], row["leads"], row["other"], row["other_leads"], row["both"]) == (two_lists, 7, "survey", 4, 3)
    assert row["share"] == 0.75

    rows = data(dialer("lists", "compare", two_lists, "--json"))
    by_pair = {frozenset((each["list"], each["other"])): each for each in rows}
    assert by_pair[frozenset((f"{two_lists}/march", f"{two_lists}/stream"))]["customers"] == 1
    shown = dialer("lists", "compare", f"{two_lists}/march", "survey/survey")
    assert "50.0 %" in shown.stdout
    assert "138" not in shown.stdout
    assert dialer("lists", "compare", f"{two_lists}/may").exit_code == CliExit.NOT_FOUND
