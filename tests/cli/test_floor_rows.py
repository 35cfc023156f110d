"""What the board's tables say of agents and campaigns."""

from __future__ import annotations

import pytest

from config.agents.settings import AgentSettings
from dialer.cli.live.floor_rows import AGENT_COLUMNS, campaign_lines
from dialer.core.board import AgentRow
from dialer.operating.agent_lines import agent_lines, matches
from tests.cli.conftest import NOW, board, campaign_row

LIMITS = AgentSettings(long_talk_s=600, long_wrapup_s=60, long_pause_s=900)


def line(state: str = "talking", for_s: float = 10.0, **more: object) -> dict[str, str]:
    """An agent's line by column."""
    row = AgentRow("17", "red", state, NOW - for_s, "", "spring", "李娜", **more)  # type: ignore[arg-type]
    (drawn,) = agent_lines([board(agents=(row,))], NOW, LIMITS)
    return {column.key: column.cell(drawn).plain for column in AGENT_COLUMNS}


@pytest.mark.parametrize(
    ("state", "for_s", "shown"),
    [
        ("talking", 599.0, "9:59"),
        ("talking", 600.0, "10:00 !"),
        ("wrapup", 61.0, "1:01 !"),
        ("paused", 899.0, "14:59"),
        ("paused", 3700.0, "1:01:40 !"),
        ("ready", 99_999.0, "27:46:39"),
    ],
)
def test_a_state_that_lasts_too_long_is_marked(state: str, for_s: float, shown: str) -> None:
    """Talk, wrap-up and pause have limits; waiting has none."""
    assert line(state, for_s)["for"] == shown


def test_what_an_agent_did_today() -> None:
    """Talks, their average, talks in an hour since the first, sales."""
    cells = line(talks=30, talk_s=2490.0, first_talk_at=NOW - 7200, outcomes={"sale": 4, "refused": 9})

    assert (cells["talks"], cells["average"], cells["per_hour"], cells["sales"]) == ("30", "1:23", "15.0", "4")


def test_a_day_that_has_just_begun_has_no_rates() -> None:
    """Two talks in the first minute are not 120 an hour."""
    cells = line(talks=2, talk_s=30.0, first_talk_at=NOW - 60)
    assert (cells["average"], cells["per_hour"]) == ("0:15", "–")
    assert (line()["average"], line()["per_hour"]) == ("–", "–")


@pytest.mark.parametrize(
    ("words", "found"), [("李娜", True), ("RED talk", True), ("spring 17", True), ("blue", False), ("red pause", False)]
)
def test_the_filter_wants_every_word(words: str, found: bool) -> None:
    """In whatever column."""
    row = AgentRow("17", "red", "talking", NOW, "", "spring", "李娜")
    (drawn,) = agent_lines([board(agents=(row,))], NOW, LIMITS)

    assert matches(drawn, words) == found


def test_campaigns_that_dial_come_first() -> None:
    """Then those that are held; those at rest only where they are asked for."""
    rows = [
        campaign_row("rest", state="stopped", calls={}),
        campaign_row("held", problem="no trunk"),
        campaign_row("busy", calls={"talking": 9}),
        campaign_row("calm", calls={"talking": 1}),
    ]

    assert [row.name for row in campaign_lines(rows, "", at_rest=False)] == ["busy", "calm", "held"]
    assert [row.name for row in campaign_lines(rows, "", at_rest=True)][-1] == "rest"
    assert [row.name for row in campaign_lines(rows, "stop", at_rest=False)] == ["rest"]
