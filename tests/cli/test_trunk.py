"""`dialer trunk` against a real server and far ends on this host."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.cli.base.failures import CliExit
from dialer.core.board import CallerIdRow, TrunkRow
from dialer.core.call_quality import CallFigures
from dialer.store.base.connection import Store
from dialer.store.operators import control, status, trunks
from tests.cli.conftest import Dialer, board, data
from tests.shell.test_trunk_watch import Carrier

FIGURES = CallFigures(400, 100, 15, 2.31, 4.0, {"no_answer": 220, "normal": 100, "congestion": 70, "busy": 10})
NORTH = TrunkRow("north", 12, 60, 3, 10.0, 0, 0.0, quality=FIGURES)
SOUTH = TrunkRow("south", 0, 30, 0, 5.0, 5, 12.0, "its calls failed 5 times in a row")


@pytest.fixture
def alive(store: Store) -> None:
    now = time.time()
    shown = CallerIdRow("+861065550001", FIGURES, {}, 100, 15)
    host = board(at=now, started_at=now - 60, trunks=(NORTH, SOUTH), caller_ids=(shown,))
    status.publish(store, "dial-1", host.to_wire(), now=now, ttl=30.0)


@pytest.mark.usefixtures("alive")
def test_list_shows_how_trunks_do(dialer: Dialer) -> None:
    """In use or why not, what is on them, and the figures that carriers look at."""
    text = dialer("trunk", "list").stdout
    north, south = data(dialer("trunk", "list", "--json"))

    for words in (
        "north",
        "12/60",
        "25 %",
        "15 %",
        "2.3 s",
        "no_answer 220",
        "in use",
        "rests 12 s",
        "south on dial-1: its calls failed",
    ):
        assert words in text
    assert (north["answer_seizure_ratio"], north["short_call_share"], north["drained"]) == (0.25, 0.15, False)
    assert (south["why"], south["attempts"]) == ("its calls failed 5 times in a row", 0)


@pytest.mark.usefixtures("alive")
def test_list_by_caller_id(dialer: Dialer) -> None:
    """The company's own numbers stand there whole."""
    assert "+861065550001" in dialer("trunk", "list", "--caller-ids").stdout
    (row,) = data(dialer("trunk", "list", "--caller-ids", "--json"))
    assert (row["caller_id"], row["attempts"], row["causes"]["busy"]) == ("+861065550001", 400, 10)


def test_list_without_a_daemon(dialer: Dialer) -> None:
    """There is nothing to show, and the exit code says so."""
    assert dialer("trunk", "list").exit_code == CliExit.NO_DAEMON


@pytest.mark.usefixtures("alive")
def test_drain_and_resume(dialer: Dialer, store: Store) -> None:
    """Kept in the store with who and why, audited, and said once only."""
    first = dialer("trunk", "drain", "north", "--reason", "maintenance")
    again = dialer("trunk", "drain", "north", "--reason", "something else")
    kept = trunks.drained(store)["north"]
    resumed, not_drained = dialer("trunk", "resume", "north"), dialer("trunk", "resume", "north")

    assert first.stdout == "No more calls start through north; 12 on it go on.\n"
    assert again.stdout == "north was drained by tester@here: maintenance already.\n"
    assert (kept.who, kept.reason) == ("tester@here", "maintenance")
    assert resumed.stdout == "Calls may go through north again.\n"
    assert not_drained.stdout == "north was not drained.\n"
    assert trunks.drained(store) == {}
    assert [line.what for line in control.audit_trail(store, 10)] == ["trunk_resume", "trunk_drain"]


@pytest.mark.usefixtures("alive")
def test_a_mistyped_trunk_drains_nothing(dialer: Dialer, store: Store) -> None:
    """It says which there are."""
    result = dialer("trunk", "drain", "nroth")
    assert result.exit_code == CliExit.NOT_FOUND
    assert "north, south" in result.stderr
    assert "Did you mean 'north'?" in result.stderr
    assert trunks.drained(store) == {}


# --- check ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    running = Carrier()
    yield running
    running.close()


@pytest.fixture
def settings(tmp_path: Path, carrier: Carrier) -> Path:
    """Two trunks: one that answers, one at a name that cannot be."""
    file = tmp_path / "dialer.toml"
    file.write_text(
        f'[[trunks]]\nname = "north"\nhost = "127.0.0.1"\nport = {carrier.port}\n'
        '[[trunks]]\nname = "gone"\nhost = "sip.carrier.invalid"\n'
    )
    return file


@pytest.mark.usefixtures("settings")
def test_check_asks_by_options_and_leaves_a_report(dialer: Dialer, tmp_path: Path) -> None:
    """The code is in words; the report has the same, by its day."""
    result = dialer("trunk", "check", "north", "--report", str(tmp_path / "checks"))
    (report,) = (tmp_path / "checks").iterdir()

    assert result.exit_code == 0, result.output
    assert "200 OK to OPTIONS after" in result.stdout
    assert report.name == f"line-check-{time.strftime('%Y-%m-%d')}.txt"
    assert "200 OK to OPTIONS after" in report.read_text()


@pytest.mark.usefixtures("settings")
def test_check_fails_where_a_trunk_does_not_work(dialer: Dialer, carrier: Carrier) -> None:
    """A carrier that says 503, and a name without an address."""
    carrier.status = "503 Service Unavailable"
    result = dialer("trunk", "check")
    assert result.exit_code == CliExit.UNFIT
    assert "503 Service Unavailable to OPTIONS" in result.stdout
    assert "sip.carrier.invalid" in result.stdout


@pytest.mark.usefixtures("settings")
def test_check_of_a_trunk_that_is_not_here(dialer: Dialer) -> None:
    """Named."""
    result = dialer("trunk", "check", "west")
    assert result.exit_code == CliExit.NOT_FOUND
    assert "west" in result.stderr


@pytest.mark.usefixtures("settings")
def test_a_test_call_is_judged_like_any_other(dialer: Dialer, store: Store, spring: str) -> None:
    """It needs a campaign; a number that is blocked is not called, and the rule is named."""
    alone = dialer("trunk", "check", "north", "--call", "+8613800138000")
    dialer("block", "add", "+8613800138000", "--reason", "asked us")
    blocked = dialer("trunk", "check", "north", "--call", "+8613800138000", "--campaign", spring)

    assert alone.exit_code == 2
    assert blocked.exit_code == CliExit.REFUSED
    assert "block" in blocked.stderr
    assert "13800138000" not in blocked.stderr
    assert not [line for line in control.audit_trail(store, 10) if line.what == "trunk_test_call"]


def test_a_row_of_the_board_without_calls_is_drawn(dialer: Dialer, store: Store) -> None:
    """A trunk that has just been configured."""
    now = time.time()
    host = board(at=now, started_at=now, trunks=(replace(NORTH, quality=CallFigures()),))
    status.publish(store, "dial-1", host.to_wire(), now=now, ttl=30.0)
    assert "in use" in dialer("trunk", "list").stdout
