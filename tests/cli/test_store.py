"""`dialer store` against a real server."""

from __future__ import annotations

from dialer.store.base.connection import Store, trip
from dialer.store.operators import control
from dialer.store.settlement import acceptance, marker
from dialer.store.settlement.acceptance import Wait
from dialer.store.settlement.marker import Verdict
from tests.cli.conftest import NOW, Dialer, data


def waits(store: Store) -> None:
    """A host has found an emptied server, and another one is there."""
    why = Wait("w1", Verdict.EMPTIED, "Redis is empty: everything that it knew is gone", NOW, 812, 1, NOW - 7000)
    acceptance.wait(store, "dial-1", why)


def test_status_shows_each_host(dialer: Dialer, store: Store) -> None:
    """What Redis knows of it, and what one that waits has found and can tell."""
    assert dialer("store", "status").stdout == "No host has been here.\n"
    marker.tick(store, "dial-2", None, 15.0)
    waits(store)

    page = dialer("store", "status").stdout

    assert "of what it did Redis has" in page
    assert "too little: dialer store accept" in page
    assert "dial-1: Redis is empty" in page
    assert "812 attempts and 1 end, from" in page
    assert {host["host"]: host["state"] for host in data(dialer("store", "status", "--json"))["hosts"]} == {
        "dial-1": "waits",
        "dial-2": "whole",
    }


def test_status_says_that_the_server_has_no_data(dialer: Dialer, store: Store) -> None:
    """Of these hosts."""
    waits(store)

    assert "none of these hosts" in dialer("store", "status").stdout


def test_accept_says_what_is_lost_and_asks(dialer: Dialer, store: Store) -> None:
    """Who accepted what, and why, is in the audit trail."""
    waits(store)

    no = dialer("store", "accept", "--reason", "moved", input="n\n")
    yes = dialer("store", "accept", "--reason", "moved", input="y\n")

    assert "Lost: campaigns, leads, the no-call list" in no.stdout
    assert (no.exit_code, yes.exit_code) == (1, 0)
    assert "Accepted: dial-1 will go on" in yes.stdout
    (line,) = control.audit_trail(store, 5)
    assert (line.what, line.who, line.detail["reason"]) == ("store_accepted", "tester@here", "moved")
    assert trip(store, [("HGET", store.keys.marker(), "accepted:dial-1")]) == [b"w1"]


def test_there_may_be_nothing_to_accept(dialer: Dialer, store: Store) -> None:
    """It is said, and nothing is done."""
    result = dialer("store", "accept", "--reason", "x", "--yes")

    assert result.exit_code != 0
    assert "no host waits" in result.stderr
    assert dialer("store", "accept", "--reason", " ").exit_code == 2
