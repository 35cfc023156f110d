"""`dialer block` against a real server."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from compliance.blocks import BlockKind, Target, of_number
from compliance.numbers import E164
from dialer.cli.base.failures import CliExit
from dialer.store.base.connection import Store
from dialer.store.operators import control
from dialer.store.privacy import blocklist
from dialer.store.privacy.blocklist import Block
from tests.cli.conftest import Dialer, data

NUMBER = of_number(E164("+8613800001234"))
EVERY_KIND = ("13800001234", "--prefix", "+8617", "--customer", "C-17", "--account", "ann@example.com")


def on(store: Store, target: Target = NUMBER, *campaigns: str) -> tuple[Block, ...]:
    return blocklist.check(store, target, campaigns, now=time.time())


def test_add_check_remove(dialer: Dialer, store: Store) -> None:
    """A number is blocked with who and why, found, and unblocked; each time it is shown masked."""
    added = dialer("block", "add", "138 0000 1234", "--reason", "complaint")
    (block,) = on(store)
    checked = dialer("block", "check", "13800001234")
    removed = dialer("block", "remove", "13800001234")

    assert (block.reason, block.who, block.source, block.until) == ("complaint", "tester@here", "operator", None)
    assert added.stdout == "Blocked number +86138****1234 for all campaigns.\n"
    assert "+86138****1234 is blocked" in checked.stdout
    assert removed.stdout == "Unblocked number +86138****1234 for all campaigns.\n"
    assert on(store) == ()
    assert "13800001234" not in added.output + checked.output + removed.output
    trail = control.audit_trail(store, 2)
    assert [(line.what, line.who) for line in trail] == [("unblock", "tester@here"), ("block", "tester@here")]
    assert trail[1].detail["blocks"] == ["number +86138****1234"]


def test_numbers_are_read_as_the_daemons_read_them(dialer: Dialer, store: Store) -> None:
    """By `intake.default_region`, unless another country is named: 212 555 0100 is in New York, or in Shanghai."""
    here = dialer("--set", "intake.default_region=US", "block", "add", "2125550100")
    there = dialer("--set", "intake.default_region=US", "block", "add", "2125550100", "--region", "CN")

    assert on(store, of_number(E164("+12125550100")))
    assert "+1" in here.stdout
    assert "+86" in there.stdout


def test_every_kind_is_added_found_and_removed(dialer: Dialer, store: Store, spring: str) -> None:
    """In one go, with its end and its source; for one campaign."""
    added = dialer("block", "add", *EVERY_KIND, "--campaign", spring, "--until", "90d", "--source", "web form")
    rows = data(dialer("block", "list", "--json"))
    checks = [data(dialer("block", "check", *named, "--json")) for named in (("--customer", "C-17"), ("17012345678",))]
    removed = dialer("block", "remove", *EVERY_KIND, "--campaign", spring)

    assert added.stdout.startswith("Blocked 4 entries for campaign spring until ")
    assert {(row["kind"], row["value"]) for row in rows} == {
        ("number", "+86138****1234"),
        ("prefix", "8617"),
        ("customer", "C-17"),
        ("account", "ann@example.com"),
    }
    for row in rows:
        assert (row["campaign"], row["source"]) == (spring, "web form")
        assert abs(row["until"] - row["at"] - 90 * 86_400) < 1
    assert [[row["kind"] for row in check["blocks"]] for check in checks] == [["customer"], ["prefix"]]
    assert removed.stdout == "Unblocked 4 entries for campaign spring.\n"
    assert data(dialer("block", "list", "--json")) == []


def test_a_block_is_not_shortened(dialer: Dialer, store: Store) -> None:
    """It had been blocked before, and stays so for good."""
    dialer("block", "add", "13800001234", "--reason", "complaint")

    again = dialer("block", "add", "13800001234", "--until", "12h")

    assert "Blocked 0 numbers for all campaigns until" in again.stdout
    assert "; 1 had been blocked before." in again.stdout
    assert [(block.reason, block.until) for block in on(store)] == [("complaint", None)]


@pytest.mark.parametrize("until", ["tomorrow", "0d", "90", "2020-01-01", "2027-01-31T18:00:00", "2150-01-01", "99999w"])
def test_an_end_that_is_none_is_refused(dialer: Dialer, store: Store, until: str) -> None:
    """Words, what has passed, what has no offset, what is too far away."""
    assert dialer("block", "add", "13800001234", "--until", until).exit_code == 2
    assert on(store) == ()


def test_an_end_may_be_a_day_or_a_time(dialer: Dialer, store: Store) -> None:
    """A day is blocked to its end by this machine's clock."""
    dialer("block", "add", "13800001234", "--until", "2098-01-31")
    dialer("block", "add", "--customer", "C-17", "--until", "2098-01-31T18:00:00+08:00")

    until = on(store)[0].until
    assert until is not None
    assert time.localtime(until)[:6] == (2098, 2, 1, 0, 0, 0)
    assert on(store, Target(BlockKind.CUSTOMER, "C-17"))[0].until == 4_042_000_800.0


def test_a_list_of_numbers_alone_is_no_csv_file(dialer: Dialer, store: Store, tmp_path: Path) -> None:
    """It is said which command takes it, and no number is shown."""
    file = tmp_path / "list.csv"
    file.write_text("13800001234\n13900001111\n", encoding="utf-8")

    result = dialer("block", "import", str(file))

    assert result.exit_code == 2
    assert "numbers alone are for dialer block add --file" in result.stderr
    assert "13800001234" not in result.output
    assert on(store) == ()


def test_many_numbers_from_a_file(dialer: Dialer, store: Store, tmp_path: Path) -> None:
    """One a line; empty lines and comments are left out, doubles count once."""
    file = tmp_path / "list.txt"
    file.write_text("\ufeff# no-call list\n13800001234\n\n+8613800001234\n13900001111\n", encoding="utf-8")

    result = dialer("block", "add", "--file", str(file), "--json")

    assert data(result) == {"blocks": 2, "newly_blocked": 2, "campaign": "", "until": None}


def test_nothing_is_blocked_where_one_cannot_be_read(dialer: Dialer, store: Store) -> None:
    """Every bad one is named by its place, and none is repeated."""
    result = dialer("block", "add", "13800001234", "nonsense", "138", "--prefix", "0138", "--customer", "x" * 65)

    assert result.exit_code == 2
    assert "number 2: not digits" in result.stderr
    assert "number 3: too short" in result.stderr
    assert "--prefix: prefix: must be 1 to 14 digits" in result.stderr
    assert "--customer: customer: must be 1 to 64 visible characters" in result.stderr
    assert on(store) == ()


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


def test_nobody_and_too_many_are_wrong_use(dialer: Dialer) -> None:
    """An empty list is more likely a mistake than a wish; one is checked at a time."""
    assert dialer("block", "add").exit_code == 2
    assert dialer("block", "check").exit_code == 2
    assert dialer("block", "check", "13800001234", "--customer", "C-17").exit_code == 2


def test_a_prefix_of_whole_countries_is_warned_of(dialer: Dialer) -> None:
    """It is done all the same; a longer one is shown only in part."""
    assert "whole countries" in dialer("block", "add", "--prefix", "86").stderr
    long = dialer("block", "add", "--prefix", "86138000012")
    listed = dialer("block", "list", "--kind", "prefix")

    assert "whole countries" not in long.stderr
    assert "8613800****" in listed.stdout
    assert "86138000012" not in long.output + listed.output


def test_list_is_masked_and_limited(dialer: Dialer, spring: str) -> None:
    """By scope and by kind, and it says where there is more."""
    dialer("block", "add", "13800001234", "13900001111", "13700001111")
    dialer("block", "add", "13600001111", "--campaign", spring, "--reason", "also 13500001111")
    dialer("block", "add", "--customer", "C-17")

    everything = data(dialer("block", "list", "--json"))
    scoped = data(dialer("block", "list", "--campaign", spring, "--json"))
    customers = data(dialer("block", "list", "--kind", "customer", "--json"))
    some = dialer("block", "list", "--limit", "2")

    assert len(everything) == 5
    assert [(row["value"], row["reason"]) for row in scoped] == [("+86136****1111", "also *******1111")]
    assert [row["value"] for row in customers] == ["C-17"]
    assert len(some.stdout.splitlines()) == 3
    assert "more than 2" in some.stderr


def test_a_free_number_is_said_to_be_free(dialer: Dialer) -> None:
    """In words and as JSON."""
    assert dialer("block", "check", "13800001234").stdout == "+86138****1234 is not blocked.\n"
    assert data(dialer("block", "check", "13800001234", "--json"))["blocked"] is False
    assert dialer("block", "check", "--customer", "C-17").stdout == "customer C-17 is not blocked.\n"
    assert dialer("block", "list").stdout == "Nobody is blocked.\n"


def test_an_export_comes_back_as_it_was(dialer: Dialer, store: Store, spring: str, tmp_path: Path) -> None:
    """With who, when and until; only its owner may read it, and the audit trail knows of it."""
    file = tmp_path / "list.csv"
    dialer("block", "add", *EVERY_KIND, "--campaign", spring, "--until", "90d", "--reason", 'asked, "twice"')
    dialer("block", "add", "13800001234", "--reason", "complaint")
    before = blocklist.page(store)[0]

    exported = dialer("block", "export", str(file))
    dialer("block", "remove", *EVERY_KIND, "--campaign", spring)
    dialer("block", "remove", "13800001234")
    imported = dialer("block", "import", str(file))

    assert exported.stdout == f"Wrote 5 blocks to {file}; it has clear phone numbers.\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert imported.stdout == "Blocked 5 entries; 0 had been blocked before.\n"
    after = blocklist.page(store)[0]
    assert {(one.target, one.source, one.reason, one.who) for one in after} == {
        (one.target, one.source, one.reason, one.who) for one in before
    }
    for one, was in zip(sorted(after, key=_key), sorted(before, key=_key), strict=True):
        assert 0 <= one.at - was.at < 1
        assert (one.until is None) == (was.until is None)
    trail = control.audit_trail(store, 20)
    assert {line.what for line in trail} == {"block", "unblock", "block_export", "block_import"}
    assert "13800001234" not in str(trail)


def _key(block: Block) -> tuple[str, str, str]:
    return block.kind, block.value, block.campaign


def test_an_import_says_every_row_that_it_cannot_read(dialer: Dialer, store: Store, tmp_path: Path) -> None:
    """And blocks nobody; values are not repeated."""
    file = tmp_path / "list.csv"
    file.write_text(
        "kind,value,campaign,at,until\n"
        "number,13800001234,,,\n"
        "number,138,,,\n"
        "planet,Mars,,,\n"
        "prefix,0138,,,\n"
        "number,13800001234,No Such!,,\n"
        "number,13800001234,,2090-01-01T00:00:00Z,\n"
        "number,13800001234,,,tomorrow\n"
        "number,13800001234\n"
    )

    result = dialer("block", "import", str(file))

    assert result.exit_code == 2
    for text in (
        "7 entries cannot be read; nothing was done",
        "line 3: too short",
        "line 4: kind: must be one of number, prefix, customer, account",
        "line 5: prefix: must be",
        "line 6: campaign: not a campaign's name",
        "line 7: at: is in the future",
        "line 8: until: not an ISO 8601 time",
        "line 9: has more or fewer cells",
    ):
        assert text in result.stderr
    assert "13800001234" not in result.output
    assert on(store) == ()


def test_an_import_leaves_out_what_has_ended_and_checks_its_scopes(
    dialer: Dialer, store: Store, spring: str, tmp_path: Path
) -> None:
    """Campaigns that are not there are refused, as are files of other columns."""
    good, other, list_ = tmp_path / "good.csv", tmp_path / "other.csv", tmp_path / "list.txt"
    good.write_text(
        "value,kind,until\n13800001234,number,2020-01-01T00:00:00Z\nC-17,customer,2090-01-01T00:00:00+08:00\n"
    )
    other.write_text("kind,value,campaign\ncustomer,C-18,sprnig\n")
    list_.write_text("13800001234\n")

    assert (
        dialer("block", "import", str(good)).stdout
        == "Blocked customer C-17; 0 had been blocked before, 1 that has ended left out.\n"
    )
    assert dialer("block", "import", str(other)).exit_code == CliExit.NOT_FOUND
    assert "no column is named kind or value" in dialer("block", "import", str(list_)).stderr

    (block,) = on(store, Target(BlockKind.CUSTOMER, "C-17"))
    assert (block.source, block.who) == ("import", "tester@here")
    assert on(store) == ()
    assert on(store, Target(BlockKind.CUSTOMER, "C-18")) == ()
