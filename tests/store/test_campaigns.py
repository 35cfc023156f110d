"""Campaigns: settings and what the operator wants of them."""

from __future__ import annotations

import pytest

from config.campaign import CampaignSettings
from dialer.core.inputs import CampaignState
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import CampaignExists, StoreError, UnknownCampaign
from dialer.store.operators import campaigns
from tests.store.conftest import NOW


def test_a_campaign_comes_back_as_it_was_created(store: Store, settings: CampaignSettings) -> None:
    """Stopped, with who and when."""
    created = campaigns.create(store, settings, who="ann", now=NOW)

    assert created == campaigns.get(store, "spring")
    assert created == campaigns.Campaign(settings, CampaignState.STOPPED, NOW, NOW, "ann")


def test_a_name_is_taken_once(store: Store, settings: CampaignSettings) -> None:
    """The second creation is refused and changes nothing."""
    campaigns.create(store, settings, who="ann", now=NOW)

    with pytest.raises(CampaignExists):
        campaigns.create(store, settings.model_copy(update={"ratio": 3.0}), who="bob", now=NOW + 1)

    assert campaigns.get(store, "spring").changed_by == "ann"


def test_changes_say_who_and_when(store: Store, settings: CampaignSettings) -> None:
    """State and settings change apart from each other."""
    campaigns.create(store, settings, who="ann", now=NOW)

    campaigns.set_state(store, "spring", CampaignState.RUNNING, who="bob", now=NOW + 1)
    changed = campaigns.update(store, settings.model_copy(update={"ratio": 3.0}), who="cho", now=NOW + 2)

    assert (changed.state, changed.settings.ratio) == (CampaignState.RUNNING, 3.0)
    assert (changed.created_at, changed.changed_at, changed.changed_by) == (NOW, NOW + 2, "cho")
    assert campaigns.listing(store) == (changed,)


def test_an_unknown_name_is_answered_with_the_known_ones(store: Store, settings: CampaignSettings) -> None:
    """A typing error is easy to find."""
    campaigns.create(store, settings, who="ann", now=NOW)

    with pytest.raises(UnknownCampaign, match="no campaign 'sprang'; existing campaigns: spring"):
        campaigns.set_state(store, "sprang", CampaignState.RUNNING, who="ann", now=NOW)
    with pytest.raises(UnknownCampaign):
        campaigns.get(store, "sprang")


def test_settings_that_cannot_be_read_are_said(store: Store, settings: CampaignSettings) -> None:
    """A newer release may have written them."""
    campaigns.create(store, settings, who="ann", now=NOW)
    trip(store, [("HSET", store.keys.campaign("spring"), "settings", '{"name": "spring", "warp": 9}')])

    with pytest.raises(StoreError, match=r"(?s)campaign 'spring' cannot be read.*warp"):
        campaigns.get(store, "spring")


def test_one_unreadable_campaign_does_not_hide_the_others(store: Store, settings: CampaignSettings) -> None:
    """What another release wrote is named with its fault; everything else is served."""
    campaigns.create(store, settings, who="ann", now=1.0)
    campaigns.create(store, settings.model_copy(update={"name": "odd"}), who="ann", now=1.0)
    trip(store, [("HSET", store.keys.campaign("odd"), "settings", '{"from": "the future"}')])

    found, faults = campaigns.readable(store)

    assert [campaign.settings.name for campaign in found] == [settings.name]
    assert list(faults) == ["odd"]
    with pytest.raises(StoreError, match="'odd' cannot be read"):
        campaigns.listing(store)
