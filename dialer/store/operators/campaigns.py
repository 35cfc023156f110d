"""Campaigns: their settings and what the operator wants of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pydantic import ValidationError

from config.campaign import NAME, CampaignSettings
from dialer.core.inputs import CampaignState
from dialer.language.phrases import N_, phrase
from dialer.store.base.connection import ScriptCall, Store, campaign_call, careful_trip, still_damaged, trip
from dialer.store.base.errors import (
    CampaignArchived,
    CampaignExists,
    CampaignInUse,
    KeyDamaged,
    StoreError,
    UnknownCampaign,
)

SETTINGS_KEPT: Final = 1024
"""Stored settings that are kept as read: all campaigns, at 9 kB each. All are looked at one after the other, so where
there are more campaigns than places, every look reads every one of them anew."""

_RUNS: Final = 2
_ARCHIVED: Final = 3
_NOT_STOPPED: Final = N_("campaign {name!r} is not stopped: stop it first, with dialer campaign stop {name}")
_IN_CALLS: Final = N_(
    "campaign {name!r} has calls that have not ended, or of which the CRM has not been told: try again later"
)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as stored. Times are seconds since the epoch. One with `archived_at` is out of the way: daemons and
    boards do not look at it, and it cannot be started; rules that are about people, such as retention, still do."""

    settings: CampaignSettings
    state: CampaignState
    created_at: float
    changed_at: float
    changed_by: str
    archived_at: float | None = None


def create(store: Store, settings: CampaignSettings, *, who: str, now: float) -> Campaign:
    """Create a stopped campaign. Raises `CampaignExists`."""
    done, _ = trip(
        store,
        [
            _change(store, settings.name, "create", settings.model_dump_json(), who, now),
            ("SADD", store.keys.campaigns(), settings.name),
        ],
    )
    if not done:
        raise CampaignExists(phrase("campaign {name!r} is there already", name=settings.name))
    return get(store, settings.name)


def get(store: Store, name: str) -> Campaign:
    """One campaign. Raises `UnknownCampaign`, which lists those that exist."""
    stored = trip(store, [("HGETALL", store.keys.campaign(name))])[0]
    if not stored:
        raise UnknownCampaign(name, names(store))
    return _campaign(name, stored)


def names(store: Store) -> tuple[str, ...]:
    """The names of all campaigns, sorted; what cannot be the name of one is passed over."""
    raws = trip(store, [("SMEMBERS", store.keys.campaigns())])[0]
    return tuple(sorted(name for raw in raws if NAME.fullmatch(name := raw.decode(errors="replace"))))


def listing(store: Store, *, archived: bool = True) -> tuple[Campaign, ...]:
    """All campaigns by name, in two round trips. Raises `StoreError` where one of them cannot be read."""
    found, faults = readable(store, archived=archived)
    for fault in faults.values():
        raise StoreError(fault)
    return found


def readable(store: Store, *, archived: bool = True) -> tuple[tuple[Campaign, ...], dict[str, str]]:
    """All campaigns that can be read, with those that are `archived` or without, and why others cannot, by name: one
    that another release wrote, or of which a key is damaged, must not keep a daemon from serving the rest."""
    found = names(store)
    damaged = still_damaged(store)
    stored = careful_trip(store, [("HGETALL", store.keys.campaign(name)) for name in found])
    campaigns, faults = [], {}
    for name, fields in zip(found, stored, strict=True):
        begins = store.keys.campaign(name).removesuffix("campaign")
        try:
            if isinstance(fields, KeyDamaged):
                raise fields
            for key, fault in damaged.items():
                if key.startswith(begins):
                    raise fault
            if fields:
                campaigns.append(_campaign(name, fields))
        except StoreError as error:
            faults[name] = str(error)
    return tuple(campaign for campaign in campaigns if archived or campaign.archived_at is None), faults


def update(store: Store, settings: CampaignSettings, *, who: str, now: float) -> Campaign:
    """Replace the settings of the campaign of that name; its state stays. Raises `UnknownCampaign`."""
    return _changed(store, settings.name, "settings", settings.model_dump_json(), who, now)


def set_state(store: Store, name: str, state: CampaignState, *, who: str, now: float) -> Campaign:
    """Start, pause or stop a campaign. Raises `UnknownCampaign`, and `CampaignArchived`."""
    return _changed(store, name, "state", state.value, who, now)


def archive(store: Store, name: str, *, who: str, now: float, undo: bool = False) -> Campaign:
    """Put a stopped campaign out of the way with all that it knows, or back. Raises `UnknownCampaign`, and `StoreError`
    where it is not stopped."""
    return _changed(store, name, "archived", "" if undo else "1", who, now)


def delete(store: Store, name: str) -> int:
    """Delete a stopped campaign with its leads and all that it knows of them; returns how many leads those were. What
    the rules need stays: contact histories, blocks, evidence, and the ledgers of abandoned calls until their end of
    life. Raises `UnknownCampaign`, and `StoreError` where it is not stopped or a call has not ended."""
    done, answer = trip(store, [campaign_call(store, "delete_campaign", name, [])])[0]
    if done:
        trip(store, [("SREM", store.keys.campaigns(), name)])
        return int(answer)
    if answer == b"absent":
        trip(store, [("SREM", store.keys.campaigns(), name)])  # an earlier deletion did not come so far
        raise UnknownCampaign(name, names(store))
    raise CampaignInUse(phrase(_NOT_STOPPED if answer == b"state" else _IN_CALLS, name=name))


@lru_cache(maxsize=SETTINGS_KEPT)
def settings_of(raw: bytes) -> CampaignSettings:
    """Stored settings, read; the same bytes are read once. Raises `StoreError` where a newer or older release wrote
    what this one cannot read."""
    try:
        return CampaignSettings.model_validate_json(raw)
    except ValidationError as error:
        raise StoreError(f"stored campaign settings cannot be read: {error}") from error


def _change(store: Store, name: str, what: str, value: str, who: str, now: float) -> ScriptCall:
    return campaign_call(store, "campaign", name, [what, value, who, now])


def _changed(store: Store, name: str, what: str, value: str, who: str, now: float) -> Campaign:
    done, stored = trip(store, [_change(store, name, what, value, who, now), ("HGETALL", store.keys.campaign(name))])
    if done == _RUNS:
        raise CampaignInUse(phrase(_NOT_STOPPED, name=name))
    if done == _ARCHIVED:
        raise CampaignArchived(name)
    if not done:
        raise UnknownCampaign(name, names(store))
    return _campaign(name, stored)


def _campaign(name: str, flat: list[bytes]) -> Campaign:
    stored: Mapping[bytes, Any] = dict(zip(flat[::2], flat[1::2], strict=True))
    try:
        return Campaign(
            settings=settings_of(stored[b"settings"]),
            state=CampaignState(stored[b"state"].decode()),
            created_at=float(stored[b"created_at"]),
            changed_at=float(stored[b"changed_at"]),
            changed_by=stored[b"changed_by"].decode(),
            archived_at=float(stored[b"archived_at"]) if b"archived_at" in stored else None,
        )
    except (KeyError, ValueError, StoreError) as error:
        raise StoreError(f"campaign {name!r} cannot be read: {error}") from error
