"""`dialer campaign funnel` against a real server."""

from __future__ import annotations

import time

import pytest

from dialer.cli.base.failures import CliExit
from dialer.core.inputs import CampaignState
from dialer.core.leads import lead_reasons
from dialer.core.leads.lead_counts import NO_LEAD
from dialer.language.decisions import sentence
from dialer.language.phrases import phrase
from dialer.store.base.connection import Store, trip
from dialer.store.leads import intake, leases
from dialer.store.operators import campaigns
from pacing.policies import progressive
from tests.cli.conftest import Dialer, data
from tests.pacing.cases import snapshot


def fill(store: Store, campaign: str) -> None:
    """Three leads are due, one is with a daemon, two are for later, one is closed, one rejected, one not looked at."""
    now = time.time()
    leads = [{"lead_id": f"L{i}", "phone": f"1380000{i:04}"} for i in range(5)]
    later = [{"lead_id": f"W{i}", "phone": f"1390000{i:04}", "not_before": now + 90_000} for i in range(2)]
    intake.enqueue(store, campaign, [*leads, *later, {"lead_id": "bad"}])
    intake.take_in(store, campaign, "host-a:1", now, 100)
    taken = leases.lease(store, campaign, "host-a:1", 2, now, 120.0).leads
    done, why = [taken[0].lead_id], lead_reasons.kept(lead_reasons.in_words("blocklist", phrase("no-call list")))
    leases.close(store, campaign, "host-a:1", done, kind="blocklist", why=why, now=now)
    intake.enqueue(store, campaign, [{"lead_id": "new", "phone": "13700000000"}])


def test_every_lead_has_its_place(dialer: Dialer, store: Store, spring: str) -> None:
    """With reasons, what is outside, and the last word."""
    fill(store, spring)

    told = data(dialer("campaign", "funnel", spring, "--json"))
    lines = dialer("campaign", "funnel", spring).stdout.splitlines()

    assert {name: told[name] for name in ("queued", "due", "waiting", "leased", "in_attempt", "closed")} == {
        "queued": 1,
        "due": 3,
        "waiting": 2,
        "leased": 1,
        "in_attempt": 0,
        "closed": 1,
    }
    assert (told["lost"], told["stored"], told["accepted"], told["rejected"], told["diallable"]) == (0, 7, 7, 1, 3)
    assert told["closed_for"]["blocklist"]["leads"] == 1
    assert sum(bar["leads"] for bar in told["coming"]) == 2
    assert lines[-1] == "due now: 3"
    for words in ("1 rejected at intake", "not before a time of the CRM's", "with a daemon", "blocklist"):
        assert any(words in line for line in lines), words


def test_what_does_not_add_up_is_said(dialer: Dialer, store: Store, spring: str) -> None:
    """In red, with the number."""
    fill(store, spring)
    trip(store, [("ZREM", store.keys.waiting(spring), "W1")])

    assert "! 1 lead is in no place" in dialer("campaign", "funnel", spring).stdout


def test_a_campaign_without_leads(dialer: Dialer, spring: str) -> None:
    """Nothing to draw, one word to say."""
    assert dialer("campaign", "funnel", spring).stdout.splitlines()[-1] == "no leads"


def test_list_and_show_have_the_same_last_word(dialer: Dialer, store: Store, spring: str) -> None:
    """One definition on all screens."""
    fill(store, spring)

    assert "due now: 3" in dialer("campaign", "list").stdout
    assert "due now: 3" in dialer("campaign", "show", spring).stdout
    assert data(dialer("campaign", "show", spring, "--json"))["counts"]["finished"] is False


def test_start_says_that_nothing_is_due_yet(dialer: Dialer, store: Store, spring: str) -> None:
    """Who starts a campaign hears from when on it dials."""
    later = {"lead_id": "W", "phone": "13900000000", "not_before": time.time() + 90_000}
    intake.enqueue(store, spring, [later])
    intake.take_in(store, spring, "host-a:1", time.time(), 100)

    result = dialer("campaign", "start", spring)

    assert "nothing due until" in result.stderr
    assert campaigns.get(store, spring).state is CampaignState.RUNNING


def test_an_unknown_campaign(dialer: Dialer, spring: str) -> None:
    """As everywhere."""
    assert dialer("campaign", "funnel", "sprnig").exit_code == CliExit.NOT_FOUND


def test_the_words_of_the_pacers() -> None:
    """The board adds to what they say of leads, so it must know their words."""
    assert sentence(progressive(snapshot(leads_available=0))).endswith(NO_LEAD)


@pytest.mark.parametrize("number", [21_000])
def test_many_reasons_are_put_together(dialer: Dialer, store: Store, spring: str, number: int) -> None:
    """The rarest go into one line; all are in the JSON."""
    keys, now = store.keys, time.time() + 3600
    pairs = [(f"L{i}", f"reason{i % 20}: because") for i in range(number)]
    for i in range(0, number, 1000):
        some = pairs[i : i + 1000]
        trip(
            store,
            [
                ("ZADD", keys.waiting(spring), *(cell for name, _ in some for cell in (now, name))),
                ("HSET", keys.why(spring), *(cell for pair in some for cell in pair)),
                ("HSET", keys.lead(spring), *(cell for name, _ in some for cell in (name, "x"))),
            ],
        )

    assert "8 others" in dialer("campaign", "funnel", spring).stdout
    assert len(data(dialer("campaign", "funnel", spring, "--json"))["waiting_for"]) == 20
