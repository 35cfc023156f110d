"""`dialer evidence`: checked, counted anew, looked up."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from compliance.evidence import Entry
from config.campaign import CampaignSettings
from config.policies import applied
from dialer.cli.base.failures import CliExit
from dialer.core import evidence
from dialer.core.abandonment.windows import counting_day
from dialer.core.calls.settling import unsent
from dialer.core.model import Disposition, Settlement
from dialer.disk.evidence_log import open_evidence
from dialer.store.base.connection import Store
from dialer.store.operators import campaigns
from dialer.store.settlement import settle
from pacing.api import Mode
from tests.cli.conftest import Dialer, data
from tests.store.conftest import OWNER, Floor

KEY = bytes(range(32))
HOST = OWNER.rpartition(":")[0]


def record(folder: Path, groups: Sequence[Sequence[Entry]], at: float) -> None:
    """Evidence of one host, a file for each group."""
    for group in groups:
        log = open_evidence(folder / "e", folder / "key", host=HOST, version="1", segment_bytes=10**6, new_key=KEY)
        log.append(group, opened_ms=evidence.ms(at))
        log.close()


@pytest.fixture
def here(dialer: Dialer, tmp_path: Path) -> Dialer:
    """`dialer` with this test's evidence."""
    options = ("--set", f"evidence.folder={tmp_path / 'e'}", "--set", f"evidence.key_file={tmp_path / 'key'}")
    return lambda *arguments, **kwargs: dialer(*options, *arguments, **kwargs)


@pytest.fixture
def dialled(store: Store, tmp_path: Path) -> list[Settlement]:
    """Three live answers today, one of them abandoned, and a busy one: in the ledger and on record."""
    at = time.time()
    settings = CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, caller_id="+861065550000")
    campaigns.create(store, settings, who="test", now=at)
    floor = Floor(store, settings)
    floor.fill(4)
    permits = floor.dial(4, at)
    day = counting_day(at, None)
    ends = [
        replace(
            unsent(one.lead, one.permit.attempt, "main", "", at),
            disposition=Disposition.ABANDONED if i == 0 else Disposition.CONNECTED if i < 3 else Disposition.BUSY,
            live=i < 3,
            abandoned=i == 0,
            charged=True,
            answered_at=at + 10 if i < 3 else None,
            ended_at=at + 50,
            day=day,
        )
        for i, one in enumerate(permits)
    ]
    settle.settle(store, ends, OWNER)
    applying = applied(settings)
    version = applying.version
    started = [evidence.policy(applying, version, at, at - 40 * 86_400)]
    started += [evidence.permit(permit, applying, version, "main", KEY) for permit in permits]
    record(tmp_path, [started, [evidence.settlement(end, day, OWNER, KEY, at) for end in ends]], at)
    return ends


@pytest.mark.usefixtures("dialled")
def test_whole_evidence(here: Dialer, tmp_path: Path) -> None:
    """What is there, and that the seal was checked; a single file as well."""
    result = here("evidence", "verify")

    assert result.exit_code == 0, result.output
    assert "whole, records 1 to 11" in result.stdout
    assert "(sealed)" in result.stdout
    first = sorted((tmp_path / "e").glob("*.jsonl"))[0]
    assert "records 1 to 6" in here("evidence", "verify", str(first)).stdout


@pytest.mark.usefixtures("dialled")
def test_altered_evidence(here: Dialer, tmp_path: Path) -> None:
    """The record is named, and the exit code tells a script."""
    last = sorted((tmp_path / "e").glob("*.jsonl"))[-1]
    last.write_bytes(last.read_bytes().replace(b'"abandoned":true', b'"abandoned":null'))

    result = here("evidence", "verify")

    assert result.exit_code == CliExit.BROKEN
    assert f"{last.name}, line 2: record 8: altered" in result.stdout
    found = data(here("evidence", "verify", "--json"))[str(tmp_path / "e")]
    assert (found["whole"], len(found["faults"])) == (False, 1)
    rates = here("evidence", "rates")
    assert rates.exit_code == CliExit.BROKEN
    assert "not whole" in rates.stderr
    assert "DIFFERS" in rates.stdout


@pytest.mark.usefixtures("dialled")
def test_a_head_of_somebody_elses(here: Dialer, tmp_path: Path) -> None:
    """Who writes everything anew has not the key."""
    (tmp_path / "key").write_text(KEY[::-1].hex())

    result = here("evidence", "verify")

    assert result.exit_code == CliExit.BROKEN
    assert "the seal is not of this key" in result.stdout


@pytest.mark.usefixtures("dialled")
def test_the_folder_of_another_host(here: Dialer, tmp_path: Path) -> None:
    """Its key is not ours: all but the seal is checked, and that is said."""
    shutil.copytree(tmp_path / "e", tmp_path / "copy")
    (tmp_path / "key").write_text(KEY[::-1].hex())

    result = here("evidence", "verify", str(tmp_path / "copy"))

    assert result.exit_code == 0, result.output
    assert "seal not checked" in result.stdout


@pytest.mark.usefixtures("dialled")
def test_rates_agree_with_the_ledger(here: Dialer) -> None:
    """Counted from the evidence alone, by day and by open window."""
    result = here("evidence", "rates")

    assert result.exit_code == 0, result.output
    assert "33.33 %" in result.stdout
    assert "agrees" in result.stdout
    report = data(here("evidence", "rates", "--json", "--campaign", "spring"))
    (day,) = report["days"]
    assert day["count"] == day["ledger"] == {"answered": 3, "abandoned": 1, "hung_up": 0, "machines": 0}
    assert day["counted"] == {"answered": 3, "abandoned": 1}
    assert day["definition"] == {"denominator": "live_answers", "hang_ups": "count", "machines": "keep"}
    assert {row["count"]["answered"] for row in report["windows"]} == {3}
    offline = here("evidence", "rates", "--offline", "--json")
    assert data(offline)["days"][0]["ledger"] is None
    assert data(here("evidence", "rates", "--campaign", "autumn", "--json"))["days"] == []


def test_what_only_the_ledger_has_is_missed(here: Dialer, dialled: list[Settlement], tmp_path: Path) -> None:
    """A call that is not on record is a difference, also where the day has no record at all."""
    settings = CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, caller_id="+861065550000")
    ended_at = dialled[0].ended_at
    for days, exit_code, said in [(0, 0, "begins on this day"), (2, CliExit.BROKEN, "DIFFERS")]:
        shutil.rmtree(tmp_path / "e")
        at = ended_at - days * 86_400
        record(tmp_path, [[evidence.policy(applied(settings), "v1", at, at)]], at)

        result = here("evidence", "rates")

        assert (result.exit_code, said in result.stdout) == (exit_code, True), result.stdout


def test_a_record_of_another_release(here: Dialer, tmp_path: Path) -> None:
    """It is named, rather than counted wrongly."""
    record(tmp_path, [[Entry(1, "settlement", {"live": True, "campaign": "spring"})]], 1.0)

    result = here("evidence", "rates", "--offline")

    assert result.exit_code == CliExit.BROKEN
    assert "record 2 (settlement) is not as this release writes it" in result.stderr


def test_an_attempt_is_shown(here: Dialer, dialled: list[Settlement]) -> None:
    """Its permit and its end, by its id or by its number; no clear number anywhere."""
    attempt = dialled[1]
    result = here("evidence", "show", "--attempt", attempt.attempt)

    assert result.exit_code == 0, result.output
    assert "permit" in result.stdout
    assert "settlement" in result.stdout
    assert attempt.lead.number.clear[-8:] not in result.stdout
    by_number = data(here("evidence", "show", "--number", attempt.lead.number.clear, "--json"))
    assert [(one["kind"], one["attempt"]) for one in by_number] == [
        ("permit", attempt.attempt),
        ("settlement", attempt.attempt),
    ]
    assert here("evidence", "show", "--attempt", "none").exit_code == CliExit.NOT_FOUND
    kinds = {one["kind"] for one in data(here("evidence", "show", "--kind", "permit", "--json"))}
    assert kinds == {"permit"}
    assert here("evidence", "show", "--kind", "permit", "--attempt", "x").exit_code == 2
    assert here("evidence", "show").exit_code == 2
    assert here("evidence", "show", "--number", "12").exit_code == 2


def test_without_evidence(here: Dialer) -> None:
    """The folder is named."""
    result = here("evidence", "verify")

    assert result.exit_code == CliExit.NOT_FOUND
    assert "is not there" in result.stderr
