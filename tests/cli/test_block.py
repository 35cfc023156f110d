"""`dialer block` against a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from compliance.numbers import E164
from dialer.cli.exits import CliExit
from dialer.store import blocklist, control
from dialer.store.connection import Store
from tests.cli.conftest import Dialer, data

NUMBER = E164("+8613800001234")


def test_add_check_remove(dialer: Dialer, store: Store) -> None:
    """A number is blocked with who and why, found, and unblocked; each time it is shown masked."""
    added = dialer("block", "add", "138 0000 1234", "--reason", "complaint")
    (block,) = blocklist.check(store, NUMBER)
    checked = dialer("block", "check", "13800001234")
    removed = dialer("block", "remove", "13800001234")

    assert (block.reason, block.who, block.source) == ("complaint", "tester@here", "operator")
    assert added.stdout == "Blocked 1 number for all campaigns.\n"
    assert "+86138****1234 is blocked" in checked.stdout
    assert removed.stdout == "Unblocked 1 number for all campaigns.\n"
    assert blocklist.check(store, NUMBER) == ()
    assert "13800001234" not in added.output + checked.output + removed.output
    assert control.audit_trail(store, 1)[0].who == "tester@here"


def test_many_numbers_from_a_file(dialer: Dialer, store: Store, tmp_path: Path) -> None:
    """One a line; empty lines and comments are left out, doubles count once."""
    file = tmp_path / "list.txt"
    file.write_text("\ufeff# no-call list\n13800001234\n\n+8613800001234\n13900001111\n", encoding="utf-8")

    result = dialer("block", "add", "--file", str(file), "--json")

    assert data(result) == {"numbers": 2, "newly_blocked": 2, "campaign": ""}


def test_nothing_is_blocked_where_a_number_cannot_be_read(dialer: Dialer, store: Store) -> None:
    """Every bad one is named by its place, and none is repeated."""
    result = dialer("block", "add", "13800001234", "nonsense", "138")

    assert result.exit_code == 2
    assert "number 2: not digits" in result.stderr
    assert "number 3: too short" in result.stderr
    assert blocklist.check(store, NUMBER) == ()


@pytest.mark.parametrize("command", ["add", "remove"])
def test_a_mistyped_campaign_is_refused(dialer: Dialer, spring: str, command: str) -> None:
    """A block in a scope that does not exist would protect nobody."""
    assert dialer("block", command, "13800001234", "--campaign", "sprnig").exit_code == CliExit.NOT_FOUND
    assert dialer("block", command, "13800001234", "--campaign", spring).exit_code == 0


def test_check_finds_blocks_of_single_campaigns(dialer: Dialer, spring: str) -> None:
    """Whoever asks why a number is not called wants all of them."""
    dialer("block", "add", "13800001234", "--campaign", spring, "--reason", "moved")

    (block,) = data(dialer("block", "check", "13800001234", "--json"))["blocks"]
    assert (block["campaign"], block["reason"]) == (spring, "moved")


def test_no_number_is_wrong_use(dialer: Dialer) -> None:
    """An empty list is more likely a mistake than a wish."""
    assert dialer("block", "add").exit_code == 2


def test_list_is_masked_and_limited(dialer: Dialer, spring: str) -> None:
    """By scope, and it says where there is more."""
    dialer("block", "add", "13800001234", "13900001111", "13700001111")
    dialer("block", "add", "13600001111", "--campaign", spring, "--reason", "moved")

    everything = data(dialer("block", "list", "--json"))
    scoped = data(dialer("block", "list", "--campaign", spring, "--json"))
    some = dialer("block", "list", "--limit", "2")

    assert len(everything) == 4
    assert [(row["number"], row["reason"]) for row in scoped] == [("+86136****1111", "moved")]
    assert some.stdout.count("****") == 2
    assert "more than 2" in some.stderr


def test_a_free_number_is_said_to_be_free(dialer: Dialer) -> None:
    """In words and as JSON."""
    assert dialer("block", "check", "13800001234").stdout == "+86138****1234 is not blocked.\n"
    assert data(dialer("block", "check", "13800001234", "--json"))["blocked"] is False
    assert dialer("block", "list").stdout == "No number is blocked.\n"
