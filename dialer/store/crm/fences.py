"""What a CRM may ask for: of its own campaigns everything, of others nothing, and of all only not to be called. Pure.

Who may write into `crm:in:NAME` is for the server to say (`dialer redis-acl crm --crm NAME`); what stands there is that
CRM's word, whatever `who` it gives. The shared stream `crm:in` is for the campaigns that name no CRM, and for the
no-call list of the whole installation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from compliance.blocks import BlockKind
from dialer.store.crm.crm_map import SHARED, CrmMap
from dialer.store.crm.requests import BadRequest, BlockRequest, Received

NUMBERS_ONLY: Final = (
    "campaign: is needed: this CRM may block a number for all campaigns, but customers, accounts and prefixes for its "
    "own alone"
)
OWN_ONLY: Final = "campaign: is needed: what holds for all campaigns only the administrator takes away"


def fenced(received: Sequence[Received], crm: str, known: CrmMap) -> tuple[Received, ...]:
    """What `crm` may ask for as it is, everything else as a request that is refused."""
    return tuple(_fenced(entry, crm, known) for entry in received)


def _fenced(entry: Received, crm: str, known: CrmMap) -> Received:
    request = entry.request
    if isinstance(request, BadRequest):
        return entry
    campaign = request.target.campaign if isinstance(request, BlockRequest) else request.campaign
    if campaign:
        # A campaign that cannot be read, and never named a CRM before, is not a named CRM's.
        if known.by_campaign.get(campaign, SHARED) == crm:
            return entry
        # As if there were none: whose it is, is nobody's business.
        about = getattr(request, "attempt", "") or getattr(request, "lead_id", "")
        return replace(entry, request=BadRequest((f"campaign: this CRM has no campaign {campaign}",), about))
    if crm == SHARED or not isinstance(request, BlockRequest):
        return entry
    if not request.blocked:
        return replace(entry, request=BadRequest((OWN_ONLY,)))
    if request.target.kind is not BlockKind.NUMBER:
        return replace(entry, request=BadRequest((NUMBERS_ONLY,)))
    return entry
