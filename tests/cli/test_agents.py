"""`dialer agents` against a real server."""

from __future__ import annotations

import time

from dialer.core.agents import AgentState
from dialer.store import agents
from dialer.store.agents import Presence
from dialer.store.connection import Store
from tests.cli.conftest import Dialer, data


def test_the_presence_table(dialer: Dialer, store: Store) -> None:
    """State, how long, why and where; by state and campaign if wanted."""
    since = time.time() - 61
    rows = [
        Presence("ann", AgentState.READY, since, "", ("spring",), "dial-1:1"),
        Presence("bob", AgentState.PAUSED, since, "lunch", ("spring", "autumn"), "dial-2:1"),
    ]
    agents.show(store, rows)

    text = dialer("agents").stdout
    ready = data(dialer("agents", "--state", "ready", "--json"))
    autumn = data(dialer("agents", "--campaign", "autumn", "--json"))

    assert all(
        words in text for words in ("ann", "○ ready", "1 min", "‖ paused", "lunch", "spring, autumn", "dial-2:1")
    )
    assert [row["agent"] for row in ready] == ["ann"]
    assert [row["agent"] for row in autumn] == ["bob"]


def test_nobody_is_said_in_words(dialer: Dialer) -> None:
    """An empty table would leave one guessing."""
    assert dialer("agents").stdout == "No agent is logged in.\n"
