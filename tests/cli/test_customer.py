"""`dialer customer` against a real server."""

from __future__ import annotations

import time
from typing import Any

import pytest

from compliance.blocks import Block, BlockKind
from config.campaign import CampaignSettings
from dialer.core.model import Close, Disposition, Retry
from dialer.store.base.connection import Store
from dialer.store.crm import inbox
from dialer.store.operators import campaigns, control
from dialer.store.privacy import blocklist
from dialer.store.settlement.settle import settle
from pacing.api import Mode
from tests.cli.conftest import Dialer, data
from tests.rules import AT_ANY_HOUR
from tests.store.conftest import Floor, end, number  # noqa: F401

NOW = time.time()


@pytest.fixture
def floors(store: Store, end: Any) -> list[Floor]:  # noqa: F811
    """Two campaigns with leads of one customer, one of them called twice."""
    made = []
    for place, name in enumerate(("spring", "autumn")):
        settings = CampaignSettings(name=name, mode=Mode.PROGRESSIVE, caller_id="+862155550100", **AT_ANY_HOUR)
        campaigns.create(store, settings, who="test", now=NOW)
        floor = Floor(store, settings, attempts=100 * place)
        lead = {"lead_id": f"{name}-1", "phone": number(place).clear, "customer_id": "C-1", "name": "王芳"}
        floor.add({**lead, "consent_at": NOW - 900, "consent_source": "web form"})
        floor.add({"lead_id": f"{name}-x", "phone": number(50 + place).clear, "customer_id": "C-2"})
        floor.take_in(NOW)
        made.append(floor)
    spring, _ = made
    (first,) = spring.dial(1, NOW)
    settle(store, [end(first, Disposition.NO_ANSWER, Retry(0.0, 0), ended_at=NOW)], "host-a:1")
    (second,) = spring.dial(1, NOW + 1)
    settle(store, [end(second, Disposition.CONNECTED, Close("talked"), ended_at=NOW + 60, live=True)], "host-a:1")
    words = [
        inbox.Outcome("spring", second.permit.attempt, "interested", agent="17", note="wants an offer by mail"),
        inbox.Outcome("spring", second.permit.attempt, "sale", agent="17", note="signed"),
    ]
    for place, word in enumerate(words):
        inbox.apply(store, [inbox.Received(f"1-{place}", word)], now=NOW + 70 + place)
    blocklist.add(store, [Block(BlockKind.CUSTOMER, "C-1", "autumn", "letter", "asked", "ann", NOW)])
    return made


@pytest.mark.parametrize("asked", [number(0).clear, "C-1", "spring-1", number(1).clear])
def test_everything_about_one_person(dialer: Dialer, floors: list[Floor], asked: str) -> None:
    """By number, by customer or by lead: every lead of every campaign, every call, every word, and what is allowed."""
    told = data(dialer("customer", asked, "--json"))

    assert sorted(lead["row"]["lead_id"] for lead in told["leads"]) == ["autumn-1", "spring-1"]
    assert told["customers"] == ["C-1"]
    (spring,) = [lead for lead in told["leads"] if lead["campaign"] == "spring"]
    assert [call["disposition"] for call in spring["attempts"]] == ["no_answer", "connected"]
    assert [(line["what"], line["who"], line["text"]) for line in spring["history"]] == [
        ("interested", "17", "wants an offer by mail"),
        ("sale", "17", "signed"),
    ]
    assert [call["campaign"] for call in told["calls"]] == ["spring", "spring"]
    assert [block["value"] for block in told["blocks"]] == ["C-1"]
    sentences = {verdict["lead_id"]: verdict["sentence"] for verdict in told["verdicts"]}
    assert sentences["spring-1"].startswith("never: the lead is closed: sale")
    assert "blocked" in sentences["autumn-1"] or "asked" in sentences["autumn-1"]


def test_the_page_masks_numbers_and_is_on_record(dialer: Dialer, floors: list[Floor]) -> None:
    """Who looked at whom stands in the audit trail."""
    result = dialer("customer", number(0).clear)

    assert result.exit_code == 0
    assert number(0).clear[1:] not in result.stdout
    for words in ("+86138****0000", "wants an offer by mail", "web form", "spring-1", "autumn-1", "talked to an agent"):
        assert words in result.stdout, words
    line = control.audit_trail(floors[0].store, 1)[0]
    assert (line.what, line.who, line.detail) == ("customer_show", "tester@here", {"number": "+86138****0000"})


def test_nobody_of_that_name(dialer: Dialer, floors: list[Floor]) -> None:
    """An id that nobody has; a number that nobody has is somebody of whom nothing is known."""
    assert dialer("customer", "C-9").exit_code == 6
    result = dialer("customer", number(99).clear)
    assert result.exit_code == 0
    assert "has no call with these numbers" in result.stdout
