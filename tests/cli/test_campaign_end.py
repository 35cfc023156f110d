"""`dialer campaign copy`, `archive` and `delete`, and whole lists of settings, against a real server."""

from __future__ import annotations

import time

import pytest

from dialer.cli.base.failures import CliExit
from dialer.core.inputs import CampaignState
from dialer.store.base.connection import Store, trip
from dialer.store.leads import intake
from dialer.store.operators import campaigns, control
from tests.cli.conftest import Dialer, data


def filled(store: Store, campaign: str) -> None:
    intake.enqueue(store, campaign, [{"lead_id": f"L{i}", "phone": f"1380000{i:04}"} for i in range(5)])
    intake.take_in(store, campaign, "x", time.time(), 4)


@pytest.mark.parametrize("command", ["copy", "create"])
def test_a_campaign_begins_with_the_settings_of_another(
    dialer: Dialer, store: Store, spring: str, command: str
) -> None:
    """But for what is given on top; it is stopped and empty, and the other one is as it was."""
    assert dialer("campaign", "set", spring, "ring_timeout_s=33", "max_lines=7").exit_code == 0
    filled(store, spring)

    if command == "copy":
        result = dialer("campaign", "copy", spring, "summer", "max_lines=40")
    else:
        result = dialer("campaign", "create", "summer", "--from", spring, "--set", "max_lines=40")

    made = campaigns.get(store, "summer")
    assert result.exit_code == 0
    assert (made.settings.name, made.settings.ring_timeout_s, made.settings.max_lines) == ("summer", 33.0, 40)
    assert made.state is CampaignState.STOPPED
    assert campaigns.get(store, spring).settings.max_lines == 7
    assert dialer("campaign", "copy", "autumn", "winter").exit_code == CliExit.NOT_FOUND


def test_an_archived_campaign_is_out_of_the_way_and_comes_back(dialer: Dialer, store: Store, spring: str) -> None:
    """It is not listed and cannot be started, and nothing of it is lost; one that runs is not archived."""
    filled(store, spring)
    campaigns.set_state(store, spring, CampaignState.RUNNING, who="x", now=time.time())
    assert dialer("campaign", "archive", spring).exit_code == CliExit.REFUSED
    campaigns.set_state(store, spring, CampaignState.STOPPED, who="x", now=time.time())

    assert dialer("campaign", "archive", spring).exit_code == 0

    assert spring not in dialer("campaign", "list").stdout
    assert "archived" in dialer("campaign", "list", "--archived").stdout
    assert campaigns.readable(store, archived=False)[0] == ()
    assert [each.settings.name for each in campaigns.readable(store)[0]] == [spring]
    refused = dialer("campaign", "start", spring, "--force")
    assert refused.exit_code != 0
    assert "--undo" in refused.stderr
    assert dialer("campaign", "archive", spring, "--undo").exit_code == 0
    (row,) = data(dialer("campaign", "list", "--json"))
    assert (row["archived_at"], row["counts"]["accepted"]) == (None, 4)


def test_a_deleted_campaign_leaves_nothing_but_what_the_rules_need(dialer: Dialer, store: Store, spring: str) -> None:
    """No key of it is left, the question says how much that is, and the audit trail who did it."""
    filled(store, spring)
    refused = dialer("campaign", "delete", spring, input="n\n")
    assert "Delete campaign spring with 4 leads and 1 lead in its stream?" in refused.stderr
    assert len(campaigns.names(store)) == 1

    done = data(dialer("campaign", "delete", spring, "--yes", "--json"))

    assert done["leads"] == 4
    assert campaigns.names(store) == ()
    assert trip(store, [("KEYS", f"{store.keys.prefix}{{{spring}}}:*")]) == [[]]
    assert "campaign_delete" in [line.what for line in control.audit_trail(store, 3)]
    assert dialer("campaign", "delete", spring, "--yes").exit_code == CliExit.NOT_FOUND


def test_a_campaign_with_open_calls_or_running_is_not_deleted(dialer: Dialer, store: Store, spring: str) -> None:
    """The CRM hears of every end first."""
    filled(store, spring)
    campaigns.set_state(store, spring, CampaignState.PAUSED, who="x", now=time.time())
    assert "stop it first" in dialer("campaign", "delete", spring, "--yes").stderr
    campaigns.set_state(store, spring, CampaignState.STOPPED, who="x", now=time.time())
    trip(store, [("HSET", store.keys.open(spring), "L0", "A1")])

    refused = dialer("campaign", "delete", spring, "--yes")

    assert refused.exit_code == CliExit.REFUSED
    assert "have not ended" in refused.stderr
    assert campaigns.names(store) == (spring,)


def test_caps_and_hours_are_changed_as_a_whole(dialer: Dialer, store: Store, spring: str) -> None:
    """As TOML has them; what was there before is gone, and mistakes are named with their row."""
    first = dialer("campaign", "set", spring, "caps=[{ limit = 1, window_days = 7 }, { limit = 3, window_days = 30 }]")
    second = dialer(
        "campaign", "set", spring, 'hours=[{ opens = "10:00", closes = "19:00" }]', "caps=[{limit=2,window_days=14}]"
    )

    settings = campaigns.get(store, spring).settings
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert [(row.limit, row.window_days) for row in settings.caps] == [(2, 14)]
    assert [(row.opens, row.closes) for row in settings.hours] == [("10:00", "19:00")]
    for pair, words in (
        ("caps=[{ limit = 0, window_days = 7 }]", "caps[0].limit"),
        ("caps=2 a month", "caps: is a list of rows: give all of them, '[{ limit = ...,"),
        ("caps=[{ limit = }]", "caps: is not TOML"),
        ("caps=[{ limt = 2 }]", "limt"),
    ):
        refused = dialer("campaign", "set", spring, pair)
        assert refused.exit_code == 2
        assert words in refused.stderr
    assert dialer("campaign", "set", spring, "caps=[]").exit_code == 0
    assert campaigns.get(store, spring).settings.caps == ()
