"""The board, as text."""

from __future__ import annotations

import pytest
from rich.console import Console

from dialer.cli.live.board import render
from dialer.core.board import Board, TrunkRow, WindowRow
from tests.cli.conftest import NOW, board, campaign_row


def drawn(boards: list[Board], width: int = 80, height: int | None = None, now: float = NOW, notice: str = "") -> str:
    console = Console(width=width, height=500, force_terminal=False, color_system=None)
    with console.capture() as captured:
        console.print(render(boards, now, width, height, notice=notice))
    return captured.get()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """At usual widths, with long words and large figures."""
    wide = campaign_row("a" * 40, sentence="dial " + "x" * 300, agents={"ready": 12_345}, problem="")
    text = drawn([board(campaigns=(wide,), lines_used=1_000_000, lines_total=1_000_000)], width)

    assert max(map(len, text.splitlines())) <= width


def test_the_board_says_what_matters() -> None:
    """Lines, agents, rates against the cap, delays, ends, refusals, leads, and the pacer's sentence."""
    text = drawn([board()])

    for words in (
        "26 of 100 in use",
        "utilisation 75.0 %",
        "8 talking  1 ringing  2 ready  2 wrap-up  1 paused",
        "answered 30.0 %",
        "abandoned 1.24 % of 3 %",
        "12 of 967 today",
        "p50 3 ms  p99 12 ms",
        "no answer 60",
        "calling hours 120  caps 44",
        "12,045 due  830 waiting  50 with a daemon",
        "dial 3: 2 ready, 14 ringing",
    ):
        assert words in text


def test_every_counting_window_is_shown_with_its_budget() -> None:
    """The first on the line of the rates, and all with the calls that may be abandoned yet."""
    windows = (
        WindowRow("calendar_day", "today", 0.03, 967, 12, 31),
        WindowRow("successive_30_days", "30 days to 12 Dec", 0.03, 28_967, 612),
        WindowRow("rolling_hour", "the last hour", 0.06, 167, 10),
    )
    text = drawn([board(campaigns=(campaign_row(windows=windows),))], 120)

    for words in (
        "abandoned 1.24 % of 3 %",
        "12 of 967 today",
        "today 17 left   30 days to 12 Dec 2.11 % of 3 %, 264 left   the last hour 5.99 % of 6 %, none left",
        "about 11.6 abandoned without machines (31 found by agents)",
    ):
        assert words in text


def test_a_first_window_that_is_not_the_day_is_named() -> None:
    """A campaign under a monthly cap says so where the rates are."""
    window = WindowRow("calendar_month", "Nov", 0.05, 1000, 20)

    assert "2.00 % of 5 %" in (text := drawn([board(campaigns=(campaign_row(windows=(window,)),))]))
    assert "20 of 1,000 Nov" in text
    assert "Nov 31 left" in text


@pytest.mark.parametrize(
    ("changes", "alarm"),
    [
        ({"redis_healthy": False}, "Redis does not answer"),
        ({"problems": ("trunk north is down",)}, "trunk north is down"),
        ({"at": NOW - 42}, "not heard of for 42 s"),
        ({"trunks": (TrunkRow("north", 0, 60, 0, 10, 5, 12.0, "its calls failed"),)}, "rests 12 s"),
        ({"trunks": (TrunkRow("north", 0, 60, 0, 10, 0, 0.0, "drained by ann"),)}, "rests"),
        ({"spooled": 7}, "events waiting on disk: 7"),
        ({"campaigns": (campaign_row(problem="no such trunk: west"),)}, "no such trunk: west"),
    ],
)
def test_alarms_are_in_words(changes: dict[str, object], alarm: str) -> None:
    """Nothing is said by colour alone."""
    assert alarm in drawn([board(**changes)])


def test_a_problem_takes_the_place_of_the_sentence() -> None:
    """A campaign that does not run has no pacing to report."""
    text = drawn([board(campaigns=(campaign_row(problem="no caller_id"),))])

    assert "no caller_id" in text
    assert "dial 3" not in text


def test_without_a_daemon_it_says_how_to_start_one() -> None:
    """An empty screen would explain nothing."""
    assert "dialer run" in drawn([])


def test_a_campaign_without_due_leads_says_what_is_next() -> None:
    """Until when nothing is due, or that it is finished; while leads are due it says nothing of it."""
    idle = drawn([board(campaigns=(campaign_row(due=0, next="nothing due until 09:00"),))])
    busy = drawn([board(campaigns=(campaign_row(next="due now: 12,045"),))])

    assert "nothing due until 09:00" in idle
    assert "diallable" not in busy


def test_many_campaigns_become_lines() -> None:
    """What does not fit as cards is a table with all problems; the busiest keep their cards while there is room."""
    rows = tuple(campaign_row(f"c{i}", calls={"talking": i}, problem="no trunk" if i == 3 else "") for i in range(9))
    text = drawn([board(campaigns=rows)], 80, 40)

    assert len(text.splitlines()) <= 40
    assert 1 <= text.count("● running  predictive") < 9
    assert " c8  ● running  predictive" in text
    assert "! c3 is held: no trunk" in text


def test_the_height_does_not_change_with_the_sentence() -> None:
    """What is below the sentence does not jump when it needs a second line."""
    short = drawn([board(campaigns=(campaign_row(sentence="dial 0"), campaign_row("z")))])
    long = drawn([board(campaigns=(campaign_row(sentence="dial 0: " + "many words " * 10), campaign_row("z")))])

    assert short.count("\n") == long.count("\n")


def test_a_notice_comes_first() -> None:
    """The screen's own trouble is said on top."""
    assert drawn([board()], notice="Redis is away").startswith(" ! Redis is away")


def test_no_colour_depends_on_the_background() -> None:
    """Only the theme's own colours and no black or white, so that it reads on light and dark."""
    console = Console(width=100, force_terminal=True, color_system="truecolor")
    with console.capture() as captured:
        console.print(render([board(redis_healthy=False, problems=("x",))], NOW, 100))
    codes = {part.split("m")[0] for part in captured.get().split("\x1b[")[1:]}

    assert {number for code in codes for number in code.split(";")} <= {"0", "1", "2", "31", "32", "33", "35", "36"}


def test_campaigns_that_dial_come_first_on_a_small_terminal() -> None:
    """Of 35 campaigns at 80x24 those that work are on top, the held one is next with its alarm, and those at rest are
    one line."""
    rows = tuple(
        campaign_row(
            f"c{i:02}",
            state="running" if i in (7, 19, 30, 3) else "stopped",
            calls={"talking": i} if i in (7, 19, 30) else {},
            problem="its message cannot be read" if i == 3 else "",
        )
        for i in range(35)
    )
    lines = drawn([board(campaigns=rows)], 80, 24).splitlines()
    listed = [line.split()[0] for line in lines if line.startswith(" c")]

    assert len(lines) <= 24
    assert listed[1:5] == ["c30", "c19", "c07", "c03"]
    assert any("31 campaigns at rest: 31 stopped" in line for line in lines)
    assert sum("its message cannot be read" in line for line in lines) == 1


def test_what_a_terminal_has_no_room_for_is_counted() -> None:
    """Nobody takes the campaigns that fit for all there are."""
    rows = tuple(campaign_row(f"c{i:02}", calls={"talking": 1}, problem="x" * (i == 39)) for i in range(40))
    text = drawn([board(campaigns=rows)], 80, 24)

    assert len(text.splitlines()) <= 24
    assert "campaigns more, 1 of them held" in text


def test_a_window_without_answers_is_neither_good_nor_spent() -> None:
    """At rest nothing is left to abandon, and nothing is wrong."""
    text = drawn([board(campaigns=(campaign_row(answered=0, abandoned=0),))])

    assert "today no live answer yet" in text
    assert "none left" not in text


def test_an_alarm_is_said_once_and_wrapped() -> None:
    """Two hosts name theirs; a long one goes on under itself."""
    long = "trunk north is down: " + "see to it " * 12
    text = drawn([board(problems=(long, long)), board("dial-2")])

    assert text.count("trunk north is down") == 1
    assert text.startswith(" ! dial-1: trunk north is down")
    assert text.splitlines()[1].startswith("   ")


def test_overdue_callbacks_are_counted_above_and_at_their_campaign() -> None:
    """With the command that lists them; none, no word."""
    text = drawn([board(campaigns=(campaign_row("spring", overdue=2), campaign_row("autumn", overdue=1)))])

    assert "3 callbacks overdue: dialer callbacks list --overdue" in text
    assert "2 callbacks overdue" in text
    assert "1 callback overdue" in text
    assert "overdue" not in drawn([board(campaigns=(campaign_row("spring"),))])
