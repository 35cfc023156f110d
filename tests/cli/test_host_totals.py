"""What several hosts say about one campaign, put together."""

from __future__ import annotations

import pytest

from dialer.core.board import Delay
from dialer.operating.host_totals import answer_rate, campaigns
from tests.cli.conftest import NOW, board, campaign_row


def test_own_counts_are_summed_and_shared_ones_are_not() -> None:
    """Agents and calls add up; the ledger and the queue are the same for everybody, so the newest word counts."""
    old = board("a", at=NOW - 1, campaigns=(campaign_row(due=10, answered=100),))
    new = board("b", at=NOW, campaigns=(campaign_row(due=9, answered=101),))

    (row,) = campaigns([new, old])

    assert (row.agents["talking"], row.calls["ringing"], row.dispositions["busy"]) == (16, 28, 20)
    assert (row.due, row.answered, row.leads_held) == (9, 101, 100)


def test_the_worst_delay_and_risk_are_shown() -> None:
    """A slow host is not hidden by a fast one."""
    fast = board("a", campaigns=(campaign_row(hand_over=Delay(10, 1, 2, 3), risk=None),))
    slow = board("b", campaigns=(campaign_row(hand_over=Delay(5, 10, 20, 30), risk=0.5),))

    (row,) = campaigns([fast, slow])

    assert (row.hand_over, row.risk) == (Delay(15, 10, 20, 30), 0.5)


def test_sentences_name_their_host_where_there_are_several() -> None:
    """One host needs no name."""
    both = [board(host, campaigns=(campaign_row(sentence=f"dial {host}"),)) for host in ("b", "a")]

    assert [row.sentence for row in campaigns(both)] == ["a: dial a\nb: dial b"]
    assert [row.sentence for row in campaigns(both[:1])] == ["dial b"]


def test_campaigns_come_by_name() -> None:
    """In the same order every second, whoever reports them."""
    boards = [board("a", campaigns=(campaign_row("z"), campaign_row("m"))), board("b", campaigns=(campaign_row("a"),))]

    assert [row.name for row in campaigns(boards)] == ["a", "m", "z"]


def test_answer_rate_counts_ended_calls() -> None:
    """Connected, abandoned and hung up are answers; before the first end there is no rate."""
    row = campaign_row(dispositions={"connected": 2, "abandoned": 1, "hung_up": 1, "busy": 4})

    assert answer_rate(row) == pytest.approx(0.5)
    assert answer_rate(campaign_row(dispositions={})) is None
