"""`dialer callerid` against a real server."""

from __future__ import annotations

import time
from datetime import date, timedelta

import pytest

from compliance.caller_ids import Wanted
from compliance.numbers import E164
from config.caller_ids import CallerIdSettings
from config.campaign import CampaignSettings
from dialer.cli.base.failures import CliExit
from dialer.store.base.connection import Store, trip
from dialer.store.gate import caller_ids
from dialer.store.operators import campaigns, control
from pacing.api import Mode
from tests.cli.conftest import NOW, Dialer, data

A, B = "+861065550001", "95533"


@pytest.fixture
def autumn(store: Store) -> CampaignSettings:
    """A campaign with a pool."""
    rows = (CallerIdSettings(number=A, daily_limit=500), CallerIdSettings(number=B, countries=("CN",)))
    settings = CampaignSettings(name="autumn", mode=Mode.PROGRESSIVE, caller_ids=rows)
    campaigns.create(store, settings, who="test", now=NOW)
    return settings


def test_list_shows_uses_limits_and_rests(dialer: Dialer, store: Store, spring: str, autumn: CampaignSettings) -> None:
    """Of all campaigns or of one; the numbers are the company's own and stand there whole."""
    moment = time.time()
    caller_ids.allot(store, autumn, [Wanted(E164(f"+86138000000{i:02}")) for i in range(3)], moment)
    trip(store, [("ZADD", store.keys.caller_id_blocks(), moment, f"{A}|x{i}") for i in range(3)])
    before = date.fromtimestamp(moment) - timedelta(1)
    trip(store, [("HSET", store.keys.caller_id_uses(before.isoformat()), A, 20)])

    text = dialer("callerid", "list").stdout
    first, second = data(dialer("callerid", "list", "--campaign", "autumn", "--json"))

    assert "+862155550100" in text
    assert (first["caller_id"], first["uses_today"], first["daily_limit"]) == (A, 2, 500)
    assert first["why"] == "the network blocked 3 of its calls within a day (22 in two days)"
    assert first["rests_until"] == pytest.approx(moment + 86_400)
    assert (second["caller_id"], second["countries"], second["rests_until"], second["why"]) == (B, ["CN"], None, "")
    assert first["why"] in text


def test_rest_and_wake(dialer: Dialer, store: Store, autumn: CampaignSettings) -> None:
    """Who, until when and why are kept; both are in the audit trail."""
    rested = dialer("callerid", "rest", A, "--for", "7d", "--reason", "labelled as spam")
    (listed, _) = data(dialer("callerid", "list", "--json"))
    woken = dialer("callerid", "wake", A)

    assert rested.exit_code == 0
    assert rested.stdout.startswith(f"{A} rests until ")
    assert listed["why"] == "labelled as spam (tester@here)"
    assert listed["rests_until"] == pytest.approx(time.time() + 7 * 86_400, abs=60)
    assert woken.stdout == f"{A} may be shown again.\n"
    assert caller_ids.review(store, autumn, time.time()).resting == {}
    assert dialer("callerid", "wake", A).stdout == f"{A} did not rest.\n"
    said, before = control.audit_trail(store, 2)
    assert (said.what, before.what, before.detail["reason"]) == ("caller_id_wake", "caller_id_rest", "labelled as spam")


def test_a_mistyped_number_is_refused(dialer: Dialer, autumn: CampaignSettings) -> None:
    """It would rest nothing; those that there are are named."""
    result = dialer("callerid", "rest", "+861065550009", "--for", "7d", "--reason", "x")

    assert result.exit_code == CliExit.NOT_FOUND
    assert A in result.stderr


@pytest.mark.parametrize("span", ["7", "7y", "0h", "400d", "53w", ""])
def test_how_long_is_said_with_its_unit(dialer: Dialer, autumn: CampaignSettings, span: str) -> None:
    """And is not longer than a year."""
    result = dialer("callerid", "rest", A, "--for", span, "--reason", "x")

    assert result.exit_code == 2
    assert "12h" in result.stderr


def test_without_a_number_the_list_says_so(dialer: Dialer, store: Store) -> None:
    """No empty table."""
    assert dialer("callerid", "list").stdout == "No campaign has a caller id.\n"
