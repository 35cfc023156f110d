"""The page of `dialer pace explain` says everything, in any width, without colours too."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from dialer.cli.pacing.explanation_page import page
from dialer.core.board import WindowRow
from dialer.operating.explanation import Explanation, HostView
from pacing.api import Decision, Mode, Settings
from pacing.learning.model_summary import ModelSummary, Share, model_summary
from tests.cli.conftest import NOW
from tests.cli.test_explanation import RECORD

FOUND = model_summary(RECORD.memory, RECORD.settings)
assert FOUND is not None
DRAWN: ModelSummary = replace(
    FOUND,
    hours=((9, Share(0.24, 120.0)), (10, Share(0.08, 90.0)), (19, Share(0.48, 300.0))),
    trunks=(("north", Share(0.23, 200.0)), ("south", Share(0.17, 50.0))),
)
VIEW = HostView(
    host="dial-1",
    alive=True,
    decision=Decision(7, risk=0.024),
    sentence="dial 7: 3 ready, 5.2 expected to free up",
    decided_at=NOW - 4,
    held_by=("no line is free",),
    settings=Settings(),
    record=RECORD,
    drawn=DRAWN,
)
TOLD = Explanation(
    campaign="spring",
    state="running",
    windows=(
        WindowRow("calendar_day", "today", 0.03, 967, 12),
        WindowRow("rolling_hour", "the last hour", 0.03, 95, 3),
        WindowRow("days", "30 days to 20 Dec", 0.05, 0, 0),
    ),
    hosts=(VIEW,),
    notes=(),
)


def drawn(told: Explanation, width: int = 110) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=False, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        console.print(page(told, NOW, width))
    return captured.get()


def test_the_whole_page() -> None:
    """Decision, what holds it down, everything that was learnt, the budget."""
    text = drawn(TOLD)

    for part in (
        "spring  ● running",
        "today               1.24 % of 3 %",
        "12 of 967 abandoned  room for 17 more",
        "3 of 95 abandoned  spent until 100 live answers",
        "30 days to 20 Dec   0.00 % of 5 %",
        "no live answer yet",
        "dial-1  ● predictive   saved 20 s ago by dial-1:1",
        "decision dial 7: 3 ready, 5.2 expected to free up   4 s ago",
        "held by  no line is free",
        "30.0 % of the calls are answered   the newest of about 100 calls count most",
        "24  8 48 %",
        " 9 10 19 h",
        "north 23.0 % of 200   south 17.0 % of 50",
        "answered after 11.0 s on average, half within",
        "talk     lasts 2 min 2 s on average",
        "still talking",
        "up to 3.0 % is tolerated of a call",
        "for each abandoned call that is forecast 2.0 happen",
        "cap 3 %  guarantee statistical  abandoned after 2 s  rings 25 s  up to 8 calls for each agent",
    ):
        assert part in text, part


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_too_wide(width: int) -> None:
    """Whatever the terminal."""
    assert max(map(len, drawn(TOLD, width).splitlines())) <= width


def test_nothing_learnt_yet() -> None:
    """Neither a daemon nor a record."""
    text = drawn(replace(TOLD, hosts=(), notes=("no daemon is alive: nothing is dialled until one runs (dialer run)",)))

    assert "! no daemon is alive" in text
    assert "Nothing was learnt of this campaign yet" in text


def test_a_host_at_its_beginning() -> None:
    """It has decided nothing and saved nothing."""
    fresh = replace(VIEW, sentence="not asked yet", decided_at=0.0, record=None, drawn=None)
    text = drawn(replace(TOLD, hosts=(fresh,)))

    assert "has saved nothing yet; it will within a minute" in text
    assert "decision not asked yet" in text


def test_a_host_that_is_gone() -> None:
    """What it knew is shown with its age."""
    text = drawn(replace(TOLD, hosts=(replace(VIEW, alive=False, record=replace(RECORD, at=NOW - 90_000)),)))

    assert "not alive; saved 1 d 1 h ago" in text


def test_a_mode_that_learns_nothing() -> None:
    """Says so, and its own setting."""
    text = drawn(replace(TOLD, hosts=(replace(VIEW, settings=Settings(mode=Mode.RATIO), drawn=None),)))

    assert "mode ratio learns nothing" in text
    assert "ratio 1.5" in text


def test_guesses_are_called_guesses() -> None:
    """What nobody has seen has no curve."""
    nothing = model_summary({}, Settings())
    text = drawn(replace(TOLD, hosts=(replace(VIEW, drawn=nothing),)))

    assert "learning 20 finished calls to go" in text
    assert "lasts about 2 min 2 s: a guess, none seen yet" in text
    assert "still talking" not in text


def test_the_limit_is_the_campaigns_own() -> None:
    """Pacers are told less than the limit, by what the hand-over takes; people are shown what holds."""
    view = replace(VIEW, settings=replace(VIEW.settings, abandon_after_s=1.7))

    assert "abandoned after 2 s" in drawn(replace(TOLD, hosts=(view,), abandon_after_s=2.0))
