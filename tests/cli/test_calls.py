"""`dialer call list` and `dialer call hangup`, against a real server."""

from __future__ import annotations

import time

import pytest

from dialer.cli.base.failures import CliExit
from dialer.core.board import CallRow
from dialer.store.base.connection import Store, trip
from dialer.store.operators import calls, control, status
from tests.cli.conftest import Dialer, data

TALK = "19a2f3c41d0-7b1e-000001"
RING = "19a2f3c41d0-7b1e-000002"


@pytest.fixture
def line(store: Store) -> None:
    """A talk, and a call that rings at another host."""
    now = time.time()
    talk = CallRow(TALK, "spring", "L1", "+86138****1234", "talking", now - 90, now - 70, now - 65, "ann", "north")
    ring = CallRow(RING, "autumn", "L2", "+86138****5678", "ringing", now - 7, None, None, "", "south")
    for host, rows in (("dial-1", [talk]), ("dial-2", [ring])):
        status.publish(store, host, {}, now=now, ttl=30)
        calls.publish(store, host, rows, now=now, ttl_s=30)


@pytest.mark.usefixtures("line")
def test_the_calls_of_all_hosts_are_listed(dialer: Dialer) -> None:
    """The oldest first, with ages; the number is masked."""
    rows = data(dialer("call", "list", "--json"))["calls"]
    assert [(row["attempt_id"], row["host"], row["state"]) for row in rows] == [
        (TALK, "dial-1", "talking"),
        (RING, "dial-2", "ringing"),
    ]
    assert 90 <= rows[0]["age_s"] < 120
    assert 65 <= rows[0]["talk_s"] < 95
    assert rows[1]["talk_s"] is None
    page = dialer("call", "list").stdout
    assert "● talking" in page
    assert "+86138****1234" in page
    assert "2 calls" in page


@pytest.mark.usefixtures("line")
@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--state", "ringing"), [RING]),
        (("--state", "ringing", "--state", "talking"), [TALK, RING]),
        (("--campaign", "spring"), [TALK]),
        (("--agent", "ann"), [TALK]),
        (("--agent", "bob"), []),
    ],
)
def test_the_list_can_be_narrowed(dialer: Dialer, options: tuple[str, ...], found: list[str]) -> None:
    """By state, campaign and agent."""
    rows = data(dialer("call", "list", *options, "--json"))["calls"]
    assert [row["attempt_id"] for row in rows] == found


def test_without_a_daemon_there_is_nothing_to_list(dialer: Dialer) -> None:
    """Exit code 9, as of the status."""
    result = dialer("call", "list")
    assert result.exit_code == CliExit.NO_DAEMON
    assert "No call is on the line." in result.stdout


@pytest.mark.usefixtures("line")
def test_a_host_that_says_something_else_is_named(dialer: Dialer, store: Store) -> None:
    """Another version's words hide nobody else's calls."""
    trip(store, [("SET", store.keys.calls("dial-2"), b"\xc1")])
    said = data(dialer("call", "list", "--json"))
    assert [row["attempt_id"] for row in said["calls"]] == [TALK]
    assert said["unreadable_hosts"] == ["dial-2"]


@pytest.mark.usefixtures("line")
def test_a_call_is_hung_up_and_the_audit_trail_says_by_whom(dialer: Dialer, store: Store) -> None:
    """Every daemon hears the command; the one that has the call ends it."""
    result = dialer("call", "hangup", TALK)
    assert "dial-1 hangs up the call to +86138****1234 with agent ann" in result.stdout
    (order,), _ = control.read(store, "0", 10, 0)
    assert (order.command.name, order.command.args, order.who) == ("call_hangup", {"attempt_id": TALK}, "tester@here")
    (line,) = control.audit_trail(store, 10)
    assert (line.what, line.who, line.detail) == ("call_hangup", "tester@here", {"attempt_id": TALK})


@pytest.mark.usefixtures("line")
def test_a_call_that_is_not_there_is_not_hung_up(dialer: Dialer, store: Store) -> None:
    """A mistyped id sends nothing, and says which it may have been."""
    result = dialer("call", "hangup", TALK.replace("7b1e", "7b1f"))
    assert result.exit_code == CliExit.NOT_FOUND
    assert f"Did you mean {TALK!r}?" in result.stderr
    assert control.read(store, "0", 10, 0)[0] == ()
