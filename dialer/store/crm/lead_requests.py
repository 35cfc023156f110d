"""Reading what the CRM asks of leads and campaigns: cancel, update, query, start and pause. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from compliance.numbers import E164
from config.campaign import NAME
from dialer.store.base.fields import Fields
from dialer.store.leads.lead_codec import (
    DEFAULT_PRIORITY,
    HIGHEST_PRIORITY,
    MAX_ATTRS_BYTES,
    MAX_ID_LENGTH,
    numbers_of,
)

MAX_TEXT_LENGTH: Final = 64
MAX_REASON_LENGTH: Final = 500
START: Final = "start"
PAUSE: Final = "pause"
UPDATES: Final = ("priority", "not_before", "attrs", "phone", "phones")


@dataclass(frozen=True, slots=True)
class LeadCancel:
    """Call a lead no more."""

    campaign: str
    lead_id: str
    who: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LeadUpdate:
    """Change a lead; None: that stays. `not_before` is seconds since the epoch, `numbers` are in the order of
    dialling."""

    campaign: str
    lead_id: str
    who: str
    priority: int | None = None
    not_before: float | None = None
    attrs: Mapping[str, Any] | None = None
    numbers: tuple[E164, ...] | None = None


@dataclass(frozen=True, slots=True)
class LeadQuery:
    """Say how a lead stands."""

    campaign: str
    lead_id: str


@dataclass(frozen=True, slots=True)
class CampaignRequest:
    """Start a campaign or go on with it (`start`), or pause it."""

    campaign: str
    action: str
    who: str


LeadRequest = LeadCancel | LeadUpdate | LeadQuery


def cancel(given: Fields, *_: object) -> LeadCancel:
    """Faults are in `given`."""
    campaign, lead_id = campaign_of(given, needed=True), _lead_id(given)
    who = given.text("who", MAX_TEXT_LENGTH, needed=True)
    return LeadCancel(campaign, lead_id, who, given.text("reason", MAX_REASON_LENGTH))


def update(given: Fields, default_region: str, regions: Mapping[str, str]) -> LeadUpdate:
    """Faults are in `given`."""
    campaign, lead_id = campaign_of(given, needed=True), _lead_id(given)
    who = given.text("who", MAX_TEXT_LENGTH, needed=True)
    named = {name for name in UPDATES if given.data.get(name) is not None}
    if not named:
        given.faults.append(f"nothing to update: give at least one of {', '.join(UPDATES)}")
    priority = given.whole("priority", 0, HIGHEST_PRIORITY, DEFAULT_PRIORITY)
    not_before = given.time("not_before")
    attrs = given.free("attrs", MAX_ATTRS_BYTES)
    numbers = numbers_of(given, regions.get(campaign, default_region), needed=False)
    return LeadUpdate(
        campaign,
        lead_id,
        who,
        priority if "priority" in named else None,
        not_before,
        attrs if "attrs" in named else None,
        numbers or None,
    )


def query(given: Fields, *_: object) -> LeadQuery:
    """Faults are in `given`."""
    return LeadQuery(campaign_of(given, needed=True), _lead_id(given))


def campaign_request(given: Fields, *_: object) -> CampaignRequest:
    """Faults are in `given`."""
    campaign = campaign_of(given, needed=True)
    action = given.choice("action", (START, PAUSE))
    return CampaignRequest(campaign, action, given.text("who", MAX_TEXT_LENGTH, needed=True))


def campaign_of(given: Fields, *, needed: bool) -> str:
    """The field `campaign`; empty where it is missing or cannot be a campaign's name."""
    campaign = given.text("campaign", MAX_TEXT_LENGTH, needed=needed)
    if campaign and not NAME.fullmatch(campaign):
        given.faults.append("campaign: not a campaign's name")
        return ""
    return campaign


def _lead_id(given: Fields) -> str:
    return given.text("lead_id", MAX_ID_LENGTH, needed=True)
