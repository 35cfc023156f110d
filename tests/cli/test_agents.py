"""`dialer agents` against a real server."""

from __future__ import annotations

import time

from dialer.cli.base.failures import CliExit
from dialer.core.agents.agent import AgentState
from dialer.store.base.connection import Store
from dialer.store.operators import agents
from dialer.store.operators.agents import Presence
from tests.cli.conftest import Dialer, data


def test_the_presence_table(dialer: Dialer, store: Store, spring: str) -> None:
    """State, how long, why and where; by state and campaign if wanted."""
    since = time.time() - 61
    rows = [
        Presence("ann", AgentState.READY, since, "", ("autumn",), "dial-1:1"),
        Presence("bob", AgentState.PAUSED, since, "lunch", ("spring", "autumn"), "dial-2:1"),
    ]
    agents.show(store, rows)

    text = dialer("agents").stdout
    ready = data(dialer("agents", "--state", "ready", "--json"))
    there = data(dialer("agents", "--campaign", spring, "--json"))

    assert all(words in text for words in ("ann", "○ ready", "1 min", "‖ paused", "lunch", "spring, autumn  dial-2\n"))
    assert [row["agent"] for row in ready] == ["ann"]
    assert [row["agent"] for row in there] == ["bob"]


def test_nobody_is_said_in_words(dialer: Dialer) -> None:
    """An empty table would leave one guessing."""
    assert dialer("agents").stdout == "No agent is logged in.\n"


def test_a_mistyped_campaign_is_said(dialer: Dialer, spring: str) -> None:
    """It would look like an empty floor."""
    result = dialer("agents", "--campaign", "sprnig")

    assert result.exit_code == CliExit.NOT_FOUND
    assert "Did you mean 'spring'?" in result.stderr
