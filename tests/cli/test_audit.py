"""`dialer audit`: the trail, filtered, for people and for programs."""

from __future__ import annotations

import pytest

from dialer.store.base.connection import Store
from dialer.store.operators import control
from tests.cli.conftest import Dialer, data


@pytest.fixture
def trail(store: Store) -> Store:
    """Four lines, as several people wrote them."""
    lines = [
        ("campaign_start", "anna@desk", {"campaign": "spring"}),
        ("block", "crm", {"number": "+86138****0001", "campaign": "", "source": "web form"}),
        ("unblock", "bob@desk", {"number": "+86138****0001", "campaign": ""}),
        ("campaign_pause", "anna@desk", {"campaign": "autumn"}),
    ]
    for i, (what, who, detail) in enumerate(lines):
        control.audit(store, what, who=who, now=1_772_500_000.0 + i, detail=detail)
    return store


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ((), ["campaign_pause", "unblock", "block", "campaign_start"]),
        (("--what", "campaign_"), ["campaign_pause", "campaign_start"]),
        (("--by", "ANNA"), ["campaign_pause", "campaign_start"]),
        (("--campaign", "spring"), ["campaign_start"]),
        (("--limit", "2"), ["campaign_pause", "unblock"]),
        (("--since", "1h"), ["campaign_pause", "unblock", "block", "campaign_start"]),
        (("--until", "1h"), []),
        (("--since", "2099-01-01"), []),
    ],
)
def test_the_newest_come_first_and_filters_narrow(dialer: Dialer, filters: tuple[str, ...], wanted: list[str]) -> None:
    """By what, by whom, by campaign, by the time at which the server took the line."""
    rows = data(dialer("audit", "--json", *filters))

    assert [row["what"] for row in rows] == wanted
    assert all(set(row) == {"at", "user", "who", "what", "detail"} for row in rows)


@pytest.mark.usefixtures("trail")
def test_people_see_a_page_that_fits(dialer: Dialer) -> None:
    """80 columns, with what is known of each; a note where there are more."""
    result = dialer("audit", "--limit", "3", env={"COLUMNS": "80"})

    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "number: +86138****0001" in result.stdout
    assert "more than 3" in result.stderr


def test_what_changed_is_said_as_people_say_it(dialer: Dialer, store: Store) -> None:
    """No maps of the program's: from what to what, how many, what was found of each host."""
    for detail in (
        {"campaign": "spring", "changes": {"wrapup_limit_s": ["30.0", "20.0"]}},
        {"campaign": "spring", "before": "stopped", "after": "running", "clear": False},
        {"lead_ids": ["L1", "L2"], "to": "autumn", "matched": 2, "fates": {"done": 1, "duplicate": 1, "busy": 0}},
        {"reason": "checked", "hosts": {"host-a": "Redis is empty"}, "odd": [{"a": 1}]},
    ):
        control.audit(store, "x", who="x", now=1.0, detail=detail)

    page = dialer("audit").stdout
    assert "campaign: spring, wrapup_limit_s: 30.0 -> 20.0" in page
    assert "campaign: spring, stopped -> running\n" in page
    assert "lead ids: L1 L2, to: autumn, 2 matched, 1 done, 1 duplicate\n" in page
    assert 'reason: checked, host-a: Redis is empty, odd: [{"a": 1}]' in page


def test_long_trails_are_read_in_pages(dialer: Dialer, store: Store) -> None:
    """Also what lies more than a page back is found."""
    control.audit(store, "first", who="x", now=1.0, detail={})
    for i in range(control.AUDIT_PAGE + 5):
        control.audit(store, "later", who="x", now=2.0 + i, detail={})

    (row,) = data(dialer("audit", "--what", "first", "--json"))
    assert row["at"] == 1.0


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize("given", ["yesterday", "2026-13-01", "2026-11-30T18:00:00"])
def test_a_time_that_is_none_is_said(dialer: Dialer, given: str) -> None:
    """With examples of what is one."""
    result = dialer("audit", "--since", given)

    assert result.exit_code == 2
    assert "give a span such as" in result.stderr


def test_an_empty_trail_says_so(dialer: Dialer) -> None:
    """In words for people, an empty list for programs."""
    assert "Nothing of this" in dialer("audit").stdout
    assert data(dialer("audit", "--json")) == []
