"""Carrying out what the CRM asks of leads and campaigns, and answering it.

Every request is answered, by `lead_status`, `campaign_status` or `refused`, with the sender's `ref`. Doing one twice,
after a crash before its acknowledgement, does no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from dialer.core.inputs import CampaignState
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import (
    CampaignArchived,
    KeyDamaged,
    StoreError,
    StoreUnavailable,
    UnknownCampaign,
    UnknownLead,
)
from dialer.store.crm import event_settings
from dialer.store.crm.lead_requests import PAUSE, CampaignRequest, LeadCancel, LeadQuery, LeadRequest, LeadUpdate
from dialer.store.crm.requests import BadRequest, Received
from dialer.store.leads import leads
from dialer.store.leads.bulk import changes, rewrite
from dialer.store.leads.bulk.rewrite import Rewrite
from dialer.store.leads.lead_codec import not_called
from dialer.store.leads.leads import LeadStory
from dialer.store.operators import campaigns, control
from dialer.store.settlement.outbox import CrmEvent

PAST_TOLD: Final = 20
"""So many attempts of a lead are in an answer, the newest."""

PREFLIGHT_HOLDS_S: Final = 24 * 3600.0
"""For so long after a good preflight the CRM may start a stopped campaign."""

AUDIT_LOOKED_THROUGH: Final = 5_000
"""So many lines of the audit trail are looked through for that preflight, the newest."""

NOT_ALLOWED: Final = (
    "type: the CRM may not start or pause campaigns here; an operator allows it: dialer crm set --campaign-requests"
)


@dataclass(slots=True)
class Done:
    """What came of requests: the events that answer them, what was refused by entry, and entries that have to wait for
    a damaged key."""

    answers: list[CrmEvent] = field(default_factory=list)
    refusals: list[tuple[str, BadRequest]] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)


def carry_out(store: Store, received: Sequence[Received], now: float) -> Done:
    """Do what was asked, in order."""
    done = Done()
    for entry in received:
        request = entry.request
        if not isinstance(request, LeadCancel | LeadUpdate | LeadQuery | CampaignRequest):
            continue
        about = "" if isinstance(request, CampaignRequest) else request.lead_id
        try:
            if isinstance(request, CampaignRequest):
                done.answers.append(_campaign(store, entry, request, now))
            else:
                done.answers.append(_lead(store, entry, request, now))
        except KeyDamaged:
            done.waiting.add(entry.entry_id)
        except UnknownLead:
            fault = f"lead_id: campaign {request.campaign} has no such lead"
            done.refusals.append((entry.entry_id, BadRequest((fault,), about)))
        except UnknownCampaign as error:
            done.refusals.append((entry.entry_id, BadRequest((f"campaign: {error}",), about)))
        except StoreUnavailable:
            raise  # all of it comes up again
        except StoreError as error:  # also where what is stored cannot be read: other people's requests go on
            done.refusals.append((entry.entry_id, BadRequest((str(error),), about)))
    return done


class _Refused(StoreError):
    """Understood and not done; the message says why."""


# --- leads ------------------------------------------------------------------------------------------------------------


def _lead(store: Store, entry: Received, request: LeadRequest, now: float) -> CrmEvent:
    settings = campaigns.get(store, request.campaign).settings
    match request:
        case LeadCancel(campaign, lead_id, who, reason):
            changed = changes.change(store, campaign, [lead_id], changes.cancelled(who, reason), who=who, now=now)
            if changes.Done.ABSENT in changed.answers:
                raise UnknownLead(lead_id)
            _audit(store, "lead_cancel", request, {"reason": reason}, now)
        case LeadUpdate():
            if request.numbers and (faults := not_called(request.numbers, settings.destinations(), now)):
                raise _Refused(faults[0])
            if any(number.is_in(request.lead_id) for number in request.numbers or ()):
                raise _Refused("phones: the lead's id holds this number, and ids are shown and logged")
            wanted = Rewrite(request.priority, request.not_before, request.attrs, request.numbers)
            rewrite.rewrite(store, request.campaign, request.lead_id, wanted, who=request.who, now=now)
            names = ("priority", "not_before", "attrs", "numbers")
            fields = [name for name in names if getattr(request, name) is not None]
            _audit(store, "lead_update", request, {"fields": fields}, now)
        case LeadQuery():
            pass
    story = leads.story(store, request.campaign, request.lead_id)
    return CrmEvent("lead_status", f"crm:in/{entry.entry_id}", request.campaign, now, status_fields(story, entry))


def status_fields(story: LeadStory, entry: Received) -> dict[str, Any]:
    """How a lead stands, numbers masked; `entry` is the request that it answers."""
    row = story.row
    return {
        "entry": entry.entry_id,
        "ref": entry.ref,
        "lead_id": row.lead_id,
        "customer_id": story.customer_id,
        "state": row.state.value,
        "state_at": row.at,
        "priority": row.priority,
        "phone": row.number,
        "phones": list(story.numbers),
        "came_in_at": story.came_in_at,
        "expires_at": story.expires_at,
        "tries": row.tries,
        "next_why": row.why,
        "attempt_id": story.open_attempt,
        "attempts": [
            {
                "attempt_id": past.attempt,
                "disposition": past.disposition,
                "reserved_at": past.at,
                "ended_at": past.ended_at,
                "agent": past.agent,
                "outcome": past.outcome,
            }
            for past in story.attempts[-PAST_TOLD:]
        ],
        "attrs": story.attrs,
    }


# --- campaigns --------------------------------------------------------------------------------------------------------


def _campaign(store: Store, entry: Received, request: CampaignRequest, now: float) -> CrmEvent:
    """Pause a campaign that runs, start one, or go on with it. One that is stopped is started if somebody looked at its
    list a short time ago and found it good enough: that is what the preflight is for."""
    if not event_settings.load(store).campaign_requests:
        raise _Refused(NOT_ALLOWED)
    campaign = campaigns.get(store, request.campaign)
    before = campaign.state
    if before is CampaignState.STOPPED and request.action == PAUSE:
        raise _Refused(f"campaign: {request.campaign} is stopped already")
    if before is CampaignState.STOPPED:
        if campaign.archived_at is not None:
            raise CampaignArchived(request.campaign)
        if fault := _list_fault(store, request.campaign, now):
            raise _Refused(f"campaign: {fault}")
    after = CampaignState.PAUSED if request.action == PAUSE else CampaignState.RUNNING
    if after is not before:
        campaigns.set_state(store, request.campaign, after, who=request.who, now=now)
        detail = {"campaign": request.campaign, "before": before.value, "after": after.value, "by": "crm"}
        control.send(store, control.Command("campaign_state", detail), who=request.who, now=now)
    return campaign_status(entry, request.campaign, before.value, after.value, now)


def _list_fault(store: Store, campaign: str, now: float) -> str:
    """Why nobody may start a stopped campaign unseen; empty: its newest preflight was good, and is not old."""
    for line in islice(control.audit_lines(store, now - PREFLIGHT_HOLDS_S, now), AUDIT_LOOKED_THROUGH):
        if line.what == "campaign_preflight" and line.detail.get("campaign") == campaign:
            refused = line.detail.get("refused")
            return f"{campaign} is not started: {refused}" if refused and not line.detail.get("forced") else ""
    return (
        f"{campaign} is stopped, and nobody has looked at its list in the last {PREFLIGHT_HOLDS_S / 3600:.0f} hours: "
        f"dialer campaign preflight {campaign}; or an operator starts it: dialer campaign start {campaign}"
    )


def campaign_status(entry: Received, campaign: str, before: str, after: str, now: float) -> CrmEvent:
    """What a campaign is, and was; `entry` is the request that it answers."""
    fields = {"entry": entry.entry_id, "ref": entry.ref, "state": after, "before": before}
    return CrmEvent("campaign_status", f"crm:in/{entry.entry_id}", campaign, now, fields)


def _audit(store: Store, what: str, request: LeadCancel | LeadUpdate, more: dict[str, Any], now: float) -> None:
    detail = {"campaign": request.campaign, "lead_id": request.lead_id, "by": "crm", **more}
    trip(store, [control.audit_line(store, what, request.who, now, detail)])
