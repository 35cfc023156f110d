"""`dialer campaign preflight`, and what `campaign start` makes of it, against a real server."""

from __future__ import annotations

import time

import pytest

from compliance.api import Rule
from compliance.blocks import Block, BlockKind
from compliance.numbers import E164
from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from config.policies import applied
from config.redis import RedisSettings
from dialer.cli.base.failures import CliExit
from dialer.cli.campaigns import preflight as command
from dialer.cli.campaigns.preflight_page import page
from dialer.core.inputs import CampaignState
from dialer.core.leads.preflight import Preflight
from dialer.store.base.connection import Store
from dialer.store.base.keys import digits
from dialer.store.leads import intake
from dialer.store.leads.preflight import plan
from dialer.store.operators import campaigns, control
from dialer.store.privacy import blocklist
from pacing.api import Mode
from tests.cli.conftest import Dialer, data
from tests.rules import AT_ANY_HOUR


def number(index: int) -> E164:
    return E164(f"+86138{index:08}")


def listed(store: Store, leads: int, blocked: int) -> str:
    """A campaign that calls at any hour, with `blocked` of its leads on the no-call list."""
    now = time.time()
    settings = CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, caller_id="+862155550100", **AT_ANY_HOUR)
    campaigns.create(store, settings, who="test", now=now)
    intake.enqueue(store, "spring", ({"lead_id": f"L{i}", "phone": number(i).clear} for i in range(leads)))
    intake.take_in(store, "spring", "host-a:1", now, max(leads, 1))
    blocklist.add(
        store, [Block(BlockKind.NUMBER, digits(number(i)), "", "test", "asked", "test", now) for i in range(blocked)]
    )
    return settings.name


def test_the_sentence_comes_first(dialer: Dialer, store: Store) -> None:
    """Then each rule with its share, and that the campaign may start."""
    listed(store, 10, 2)

    result = dialer("campaign", "preflight", "spring")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0] == "10 leads: 8 diallable now, 2 blocked"
    assert any(line.startswith("blocked") and "20.0 %" in line and "for good" in line for line in lines)
    assert lines[-1].startswith("may start: 20.0 %")


def test_the_same_for_programs(dialer: Dialer, store: Store) -> None:
    """And in the audit trail, without a phone number."""
    listed(store, 10, 2)

    told = data(dialer("campaign", "preflight", "spring", "--json"))

    assert (told["judged"], told["diallable"], told["lost_share"], told["refused"]) == (10, 8, 0.2, "")
    assert told["rules"]["blocklist"]["for_good"] == 2
    (line,) = [line for line in control.audit_trail(store, 5) if line.what == "campaign_preflight"]
    assert (line.who, line.detail["rules"], line.detail["diallable"]) == ("tester@here", {"blocklist": 2}, 8)


def test_too_many_refusals_stop_the_start(dialer: Dialer, store: Store) -> None:
    """Above the campaign's share: the rules and their counts are named, the campaign stays stopped."""
    listed(store, 10, 6)

    looked, started = dialer("campaign", "preflight", "spring"), dialer("campaign", "start", "spring")

    assert looked.exit_code == started.exit_code == CliExit.REFUSED
    assert "campaign start refuses: 60.0 % of its 10 leads" in looked.stdout
    assert "6 blocked" in started.stderr
    assert "--force" in started.stderr
    assert campaigns.get(store, "spring").state is CampaignState.STOPPED


def test_the_share_is_the_campaigns(dialer: Dialer, store: Store) -> None:
    """What is not above it may start; what was looked at is said."""
    listed(store, 10, 6)
    dialer("campaign", "set", "spring", "refuse_above_share=0.6")

    started = dialer("campaign", "start", "spring")

    assert started.exit_code == 0
    assert "Preflight: 10 leads: 4 diallable now, 6 blocked." in started.stdout


def test_start_by_force_is_on_record(dialer: Dialer, store: Store) -> None:
    """With the name of whoever insisted."""
    listed(store, 10, 6)

    started = dialer("campaign", "start", "spring", "--force")

    assert "started by force" in started.stderr
    assert campaigns.get(store, "spring").state is CampaignState.RUNNING
    (line,) = [line for line in control.audit_trail(store, 5) if line.what == "campaign_preflight"]
    assert (line.who, line.detail["forced"]) == ("tester@here", True)


def test_a_running_campaign_is_not_judged_again(dialer: Dialer, store: Store) -> None:
    """Starting it twice changes nothing, whatever its list has come to."""
    listed(store, 10, 6)
    dialer("campaign", "start", "spring", "--force")

    assert "is running already" in dialer("campaign", "start", "spring").stdout.replace("was", "is")


def test_an_empty_list_may_start(dialer: Dialer, store: Store) -> None:
    """Leads may come later."""
    listed(store, 0, 0)

    assert dialer("campaign", "preflight", "spring").stdout.splitlines()[0] == "no lead to judge"
    assert dialer("campaign", "start", "spring").exit_code == 0


def test_several_processes_come_to_the_same(store: Store, valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the list is cut up, and progress is told up to its end."""
    listed(store, 300, 20)
    monkeypatch.setattr("dialer.store.leads.preflight.STRETCH", 70)
    settings = applied(campaigns.get(store, "spring").settings)
    daemon = DaemonSettings(redis=RedisSettings(url=valkey_url))
    flight, stretches = plan(store, settings, time.time())
    told: list[int] = []

    alone = command.fly(store, daemon, flight, stretches, lambda _: None, processes=1)
    together = command.fly(store, daemon, flight, stretches, told.append, processes=2)

    assert alone == together
    assert (alone.judged, alone.rules[Rule.BLOCKLIST].leads) == (300, 20)
    assert (len(stretches), told[-1]) == (5, 300)


def test_the_page_of_an_empty_preflight_draws() -> None:
    """Nothing to divide by."""
    assert page(Preflight(0.0, (0.0, 1.0)), None, 0.5, "") is not None
