"""`dialer demo` at the terminal: what it says at the end, and with which exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from dialer.cli import main
from dialer.core.board import Delay
from dialer.demo import stage
from dialer.demo.books import Line
from dialer.demo.parts import DemoFailed
from dialer.demo.stage import Moment, Options, Show
from dialer.demo.summary import Summary

RIGHT = Summary(
    attempts=119,
    dispositions={"connected": 43, "no_answer": 43, "busy": 33},
    live_answers=43,
    abandoned=1,
    max_abandon_rate=0.03,
    utilisation=0.434,
    late_utilisation=0.5,
    hand_over=Delay(43, 2.0, 7.0, 9.0),
    answer_to_agent=Delay(43, 104.0, 164.0, 170.0),
    refusals={"cap": 8, "blocklist": 6},
    rejections={"no phone": 18},
    outcomes={"sale": 4},
    refused_requests=(),
    repeated_events=0,
    anomalies=0,
    late_decisions=0,
    books=(Line(True, "leads sent 10 = accepted 10"), Line(True, "attempts ended 119")),
)

Run = Callable[[Options, Show], Summary]


def run_demo(monkeypatch: pytest.MonkeyPatch, run: Run, *options: str) -> Any:
    """The command, with something else in place of a minute of dialling."""
    monkeypatch.setattr(stage, "run", run)
    return CliRunner().invoke(main, ["demo", *options])


def test_summary_and_books_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A phase is a line of text where there is no terminal; then come the figures and the books."""

    def run(options: Options, show: Show) -> Summary:
        assert options == Options(seconds=5, agents=3, leads=100, seed=9, keep=True)
        show(Moment("dialling", 5.0))
        show(Moment("dialling", 4.5))
        return RIGHT.with_folder("/tmp/x")

    done = run_demo(monkeypatch, run, "--seconds", "5", "--agents", "3", "--leads", "100", "--seed", "9", "--keep")

    assert done.exit_code == 0
    assert done.output.splitlines()[0] == "dialling, 5 s left"
    assert done.output.count("dialling, ") == 1
    assert "2.33 % of 3 % allowed: 1 of 43 answered" in done.output
    assert "✓ leads sent 10 = accepted 10" in done.output
    assert "The books balance." in done.output
    assert "kept in /tmp/x" in done.output


def test_books_that_do_not_balance_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cross, the number of wrong lines, exit code 1."""
    wrong = replace(RIGHT, books=(*RIGHT.books, Line(False, "nothing is left open: 1 leads on lease")))

    done = run_demo(monkeypatch, lambda *_: wrong)

    assert done.exit_code == 1
    assert "✗ nothing is left open: 1 leads on lease" in done.output
    assert "do not balance: 1 of 3 lines" in done.output


def test_summary_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """For programs: the same figures, and nothing else on standard output."""
    done = run_demo(monkeypatch, lambda *_: RIGHT, "--json")

    told = json.loads(done.stdout)
    assert (told["attempts"], told["balances"], round(told["abandon_rate"], 4)) == (119, True, 0.0233)
    assert told["books"][0] == {"balances": True, "text": "leads sent 10 = accepted 10"}


def test_a_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The part that failed and where the logs are, without a traceback."""

    def run(options: Options, show: Show) -> Summary:
        raise DemoFailed("the daemon ended with status 4\nThe logs are kept in /tmp/x")

    done = run_demo(monkeypatch, run)

    assert done.exit_code == 1
    assert "Error: the daemon ended with status 4\nThe logs are kept in /tmp/x" in done.output


def test_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is no failure of the demo; 130 is what shells expect."""

    def run(options: Options, show: Show) -> Summary:
        raise KeyboardInterrupt

    assert run_demo(monkeypatch, run).exit_code == 130


def test_what_did_not_go_well_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anomalies, late decisions and refused requests are said where there were any."""
    noted = replace(RIGHT, anomalies=2, refused_requests=("crm:in 1-0: attempt_id: missing",))

    output = run_demo(monkeypatch, lambda *_: noted).output

    assert "2 anomalies" in output
    assert "crm:in 1-0: attempt_id: missing" in output
    assert "came twice" not in output


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the demo's extra packages it says how to get them."""
    monkeypatch.setattr("dialer.cli.host.demo.find_spec", lambda name: None if name == "sippy" else object())

    done = CliRunner().invoke(main, ["demo"])

    assert done.exit_code == 2
    assert "not installed: sippy" in done.output
    assert "pip install '.[demo]'" in done.output


def test_an_edge_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the Debian packages, and nothing is started."""

    def run(*_: object) -> Summary:
        raise AssertionError("it was started")

    monkeypatch.setattr("dialer.shell.edge.files.program", lambda name: None if name == "rtpengine" else name)
    done = run_demo(monkeypatch, run, "--edge")
    assert done.exit_code == 2
    assert "not installed: rtpengine" in done.output
    assert "apt-get install kamailio " in done.output
