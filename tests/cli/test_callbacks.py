"""`dialer callbacks` against a real server."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from dialer.core.agents.agent import AgentState
from dialer.core.model import Close, Disposition, Retry
from dialer.store.base.connection import Store
from dialer.store.crm import inbox
from dialer.store.leads import leads
from dialer.store.leads.leads import LeadState
from dialer.store.operators import agents, campaigns, control
from dialer.store.settlement.settle import settle
from tests.cli.conftest import Dialer, data
from tests.store.conftest import POLICY, Floor, end, number  # noqa: F401

NOW = time.time()


@pytest.fixture
def floor(store: Store, spring: str, end: Any) -> Floor:  # noqa: F811
    """Three customers were talked to this morning, and were promised a call: L0 an hour ago by ann, L1 half an hour ago
    by anybody, L2 tomorrow by ann."""
    floor = Floor(store, campaigns.get(store, spring).settings, replace(POLICY, caps=()))
    floor.add(*({"lead_id": f"L{i}", "phone": number(i).clear, "name": "王芳"} for i in range(3)))
    floor.take_in(NOW - 9000)
    promises = [(NOW - 3600, "ann"), (NOW - 1800, ""), (NOW + 86_400, "ann")]
    for place, (dialled, (at, agent)) in enumerate(zip(floor.dial(3, NOW - 9000), promises, strict=True)):
        ended = end(dialled, Disposition.CONNECTED, Close("talked"), ended_at=NOW - 8900, live=True)
        settle(store, [ended], "host-a:1")
        word = inbox.Outcome(
            spring, dialled.permit.attempt, "callback", agent="ann", callback_at=at, callback_agent=agent
        )
        inbox.apply(store, [inbox.Received(f"1-{place}", word)], now=NOW - 8800)
    return floor


def test_what_is_owed_is_listed(dialer: Dialer, floor: Floor) -> None:
    """By the time that was promised, with who is to call and how late it is."""
    rows = data(dialer("callbacks", "list", "--json"))
    assert [(row["lead_id"], row["agent"], row["overdue"]) for row in rows] == [
        ("L0", "ann", True),
        ("L1", "", True),
        ("L2", "ann", False),
    ]
    shown = dialer("callbacks", "list", "--overdue").stdout
    assert "L1" in shown
    assert "L2" not in shown
    assert "ann (not in)" in shown
    assert number(0).clear[1:] not in shown


def test_a_promise_survives_a_busy_line(dialer: Dialer, floor: Floor, end: Any) -> None:  # noqa: F811
    """The retry table has nothing left for it, and it is called again; a talk keeps it."""
    (dialled,) = floor.dial(1, NOW)
    settle(floor.store, [end(dialled, Disposition.BUSY, Close("no retry"), ended_at=NOW)], "host-a:1")

    (row, *_) = data(dialer("callbacks", "list", "--json"))
    assert (row["lead_id"], row["tried"], row["last_end"], row["state"]) == ("L0", 1, "busy", "waiting")

    (again,) = [one for one in floor.dial(2, NOW + 700) if one.lead.lead_id == "L0"]
    assert (again.lead.priority, again.lead.wanted_agent) == (9, "ann")
    settle(floor.store, [end(again, Disposition.CONNECTED, Close("talked"), ended_at=NOW + 800)], "host-a:1")
    assert [row["lead_id"] for row in data(dialer("callbacks", "list", "--json"))] == ["L1", "L2"]
    assert leads.story(floor.store, "spring", "L0").row.state is LeadState.CLOSED


def test_a_promise_is_not_tried_for_ever(dialer: Dialer, floor: Floor, end: Any) -> None:  # noqa: F811
    """Hours after its time the retry table has its way."""
    late = NOW + 5 * 3600
    (dialled,) = floor.dial(1, late)
    settle(floor.store, [end(dialled, Disposition.NO_ANSWER, Close("no retry"), ended_at=late)], "host-a:1")

    assert "L0" not in [row["lead_id"] for row in data(dialer("callbacks", "list", "--json"))]


@pytest.mark.parametrize(("table_s", "due_s"), [(300.0, 300.0), (90_000.0, 600.0)])
def test_a_promise_does_not_wait_for_a_late_retry(
    floor: Floor,
    end: Any,  # noqa: F811
    table_s: float,
    due_s: float,
) -> None:
    """The retry table is obeyed where it is sooner: a promise for today is no call for tomorrow."""
    (dialled,) = floor.dial(1, NOW)
    settle(floor.store, [end(dialled, Disposition.BUSY, Retry(table_s, 0), ended_at=NOW)], "host-a:1")

    assert leads.story(floor.store, "spring", "L0").row.at == pytest.approx(NOW + due_s)


def test_the_replan_puts_overdue_callbacks_first(dialer: Dialer, floor: Floor, end: Any) -> None:  # noqa: F811
    """Anybody's, where the agent has gone home; what comes later is listed; on record."""
    (dialled,) = floor.dial(1, NOW)
    settle(floor.store, [end(dialled, Disposition.BUSY, Retry(500.0, 0), ended_at=NOW)], "host-a:1")

    told = data(dialer("callbacks", "replan", "--json"))

    assert (told["put_first"], told["freed"]) == (2, 1)
    assert [row["lead_id"] for row in told["coming"]] == ["L2"]
    taken = {lead.lead_id: lead.wanted_agent for lead in floor.lease(5, time.time())}
    assert taken == {"L0": "", "L1": ""}
    assert control.audit_trail(floor.store, 1)[0].what == "callbacks_replan"


def test_an_agent_who_is_in_keeps_the_promise(dialer: Dialer, floor: Floor) -> None:
    """The callback stays that agent's."""
    row = agents.Presence("ann", AgentState.READY, NOW, "", ("spring",), "host-a:1")
    agents.show(floor.store, [row])

    assert data(dialer("callbacks", "replan", "--json"))["freed"] == 0


def test_nothing_is_owed(dialer: Dialer, spring: str) -> None:
    """It says so."""
    assert dialer("callbacks", "list").stdout == "No callback is owed.\n"
    assert dialer("callbacks", "list", "--campaign", "autumn").exit_code == 6
