"""What the CRM and the desktops send back: outcomes of attempts, blocks and unblocks.

Carrying a request out twice changes nothing, so an entry is acknowledged last, and a crash in between repeats it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import msgpack

from compliance.blocks import Block, BlockKind, Target, of_number
from config.campaign import CampaignSettings
from dialer.core.abandonment.windows import SLOT_S
from dialer.core.calls.dispositions import ANSWERED
from dialer.core.leads.lead_reasons import AGAIN, Kind, Why, kept
from dialer.core.model import Lead
from dialer.store.base.connection import Command, ScriptCall, Store, Value, trip
from dialer.store.base.errors import StoreError
from dialer.store.base.streams import GROUP, read_group
from dialer.store.crm import blocks
from dialer.store.crm.requests import (
    CALLBACK,
    CUSTOMER,
    FINAL,
    MACHINE,
    BadRequest,
    BlockRequest,
    Outcome,
    Received,
    parse_request,
)
from dialer.store.gate import contacts
from dialer.store.leads.lead_codec import HIGHEST_PRIORITY, unpack
from dialer.store.operators import campaigns
from dialer.store.settlement.ledger import DAY_KEPT_S, hour_of
from dialer.store.settlement.outbox import added, refused

__all__ = ["BadRequest", "BlockRequest", "CrmReport", "Outcome", "Received", "apply", "read"]

_STALE: Final = 3
"""The answer of lua/outcome.lua where the attempt was open when it was looked at, and has ended since."""


@dataclass(frozen=True, slots=True)
class CrmReport:
    """What one `apply` did. `blocked` are those who may not be called any more, `outcomes` those that were kept."""

    applied: int
    refused: int
    blocked: tuple[Target, ...]
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class _Known:
    """An attempt that an outcome names, and its lead. `day` is the counting day of the ledger, empty while the attempt
    is open. `settings` are None where nobody here can read them; a `damaged` lead cannot be read either."""

    lead_id: str
    number_index: int
    lead: Lead | None
    settings: CampaignSettings | None
    day: str
    live: bool
    abandoned: bool
    slot: int
    damaged: bool = False


def read(store: Store, consumer: str, count: int, block_ms: int, *, default_region: str = "CN") -> tuple[Received, ...]:
    """Up to `count` entries that no other daemon handles, waiting up to `block_ms` (0: not at all).

    `default_region` is for numbers without a country code in block requests for all campaigns.
    """
    entries = read_group(store, store.keys.crm_in(), consumer, count, block_ms)
    found = campaigns.readable(store)[0] if entries else ()
    regions = {one.settings.name: one.settings.default_region for one in found}
    return tuple(Received(entry.id, parse_request(entry.fields, default_region, regions)) for entry in entries)


def apply(store: Store, received: Sequence[Received], *, now: float) -> CrmReport:
    """Carry requests out, tell the sender what was refused (`refused` events), and acknowledge them. A handful of
    round trips, whatever the number of requests."""
    outcomes = [(one.entry_id, one.request) for one in received if isinstance(one.request, Outcome)]
    known = _look_up(store, [outcome for _, outcome in outcomes])
    refusals = [(one.entry_id, one.request) for one in received if isinstance(one.request, BadRequest)]
    accepted: list[tuple[Outcome, _Known]] = []
    for (entry_id, outcome), found in zip(outcomes, known, strict=True):
        fault = _fault(outcome, found)
        if fault is None and found is not None:
            accepted.append((outcome, found))
        else:
            refusals.append((entry_id, BadRequest((fault or "",), outcome.attempt)))
    opt_outs = [block for outcome, found in accepted for block in _opt_outs(outcome, found, now)]
    blocked, refused_blocks = blocks.apply(store, received, opt_outs, now)
    refusals += refused_blocks
    _keep(store, accepted, now)
    contacts.mark(store, [_said(outcome, found.lead, found) for outcome, found in accepted if found.lead is not None])
    _answer(store, received, refusals, now)
    kept = tuple(outcome for outcome, _ in accepted)
    return CrmReport(len(received) - len(refusals), len(refusals), blocked, kept)


def _look_up(store: Store, outcomes: Sequence[Outcome]) -> list[_Known | None]:
    """The attempts that outcomes name, and their leads, in two round trips."""
    keys = store.keys
    first: list[Command | ScriptCall] = []
    for one in outcomes:
        first.append(("HGET", keys.attempts(one.campaign), one.attempt))
        first.append(("HGET", keys.ended(one.campaign), one.attempt))
    replies = trip(store, first)
    found = [_attempt(*pair) for pair in zip(replies[::2], replies[1::2], strict=True)]
    second: list[Command | ScriptCall] = []
    for one, attempt in zip(outcomes, found, strict=True):
        lead_id = attempt[0] if attempt else ""
        second.append(("HGET", keys.lead(one.campaign), lead_id))
        second.append(("HGET", keys.progress(one.campaign), lead_id))
        second.append(("HGET", keys.campaign(one.campaign), "settings"))
    details = trip(store, second)
    rows = zip(outcomes, found, details[::3], details[1::3], details[2::3], strict=True)
    return [_known(one.campaign, *row) if row[0] else None for one, *row in rows]


def _attempt(opened: bytes | None, ended: bytes | None) -> tuple[Any, ...] | None:
    if ended is not None:
        lead_id, number_index, day, live, abandoned, *slot = msgpack.unpackb(ended)
        return (lead_id, number_index, day, live, abandoned, *(slot or [0]))  # older ones have no slot
    if opened is not None:
        record: Mapping[str, Any] = msgpack.unpackb(opened)
        return (record["lead"], record["number"], "", False, False, 0)
    return None


def _known(
    campaign: str, attempt: tuple[Any, ...], lead: bytes | None, progress: bytes | None, settings: bytes | None
) -> _Known:
    lead_id, number_index, day, live, abandoned, slot = attempt
    known = _Known(lead_id, number_index, None, None, day, live, abandoned, slot)
    # What cannot be read here must not keep other people's opt-outs waiting behind it.
    with suppress(StoreError):
        known = replace(known, settings=None if settings is None else campaigns.settings_of(settings))
    try:
        return replace(known, lead=None if lead is None else unpack(lead, campaign=campaign, progress=progress))
    except StoreError:
        return replace(known, damaged=True)


def _fault(outcome: Outcome, found: _Known | None) -> str | None:
    """Why an outcome cannot be carried out."""
    if found is None:
        return f"attempt_id: campaign {outcome.campaign} has no such attempt"
    if found.damaged:
        return "attempt_id: its lead cannot be read, so its number is not known"
    if found.lead is None and (outcome.blocks or outcome.outcome == CALLBACK):
        return "attempt_id: its lead has been deleted, so there is no number any more"
    expires_at = None if found.lead is None else found.lead.expires_at
    if outcome.callback_at is not None and expires_at is not None and outcome.callback_at >= expires_at:
        return "callback_at: is after the lead's expires_at"
    return None


def _opt_outs(outcome: Outcome, found: _Known, now: float) -> list[Block]:
    """What an outcome blocks: the number that was dialled; where the customer is the scope all numbers of the lead, and
    its customer."""
    if not outcome.blocks or found.lead is None:
        return []
    source = outcome.outcome if outcome.outcome in FINAL else "opt_out"
    reason, who = outcome.note or f"attempt {outcome.attempt}", outcome.agent or "crm"
    targets = [of_number(found.lead.numbers[found.number_index])]
    if outcome.opt_out_scope == CUSTOMER:
        targets = [of_number(number) for number in found.lead.numbers]
        if found.lead.customer_id:
            targets.append(Target(BlockKind.CUSTOMER, found.lead.customer_id))
    return [one.block(source=source, reason=reason, who=who, at=now) for one in targets]


def _said(outcome: Outcome, lead: Lead, found: _Known) -> contacts.Marking:
    """What an outcome says of the attempt, for those whom it counts for."""
    dialled = replace(lead, number_index=found.number_index)
    return contacts.said_of(dialled, outcome.attempt, outcome.outcome, opt_out=outcome.opt_out)


def _keep(store: Store, accepted: Sequence[tuple[Outcome, _Known]], now: float) -> None:
    """Keep outcomes and do with their leads what follows. What ended since it was looked at is looked at again, once:
    an attempt ends only once."""
    answers = trip(store, [_outcome_call(store, outcome, found, now) for outcome, found in accepted])
    stale = [outcome for (outcome, _), answer in zip(accepted, answers, strict=True) if answer == _STALE]
    fresh = zip(stale, _look_up(store, stale), strict=True)
    trip(store, [_outcome_call(store, outcome, found, now) for outcome, found in fresh if found is not None])


def _outcome_call(store: Store, outcome: Outcome, found: _Known, now: float) -> ScriptCall:
    keys = store.keys
    named = (
        *(keys.attempts, keys.ended, keys.outcomes, keys.open, keys.wishes, keys.lessee, keys.leased, keys.due),
        *(keys.waiting, keys.closed, keys.why, keys.priority, keys.counts, keys.lead),
    )
    all_keys = [
        *(key(outcome.campaign) for key in named),
        keys.ledger(outcome.campaign, found.day),
        keys.ledger_hour(outcome.campaign, hour_of(found.slot * SLOT_S)),
    ]
    seen: Value = "" if not found.day else int(found.live and not found.abandoned)
    args: list[Value] = [
        *(now, outcome.attempt, found.lead_id, outcome.outcome, bytes(msgpack.packb(asdict(outcome)))),
        *_wish(outcome, found, now),
        *(seen, found.slot, DAY_KEPT_S),
    ]
    return ScriptCall("outcome", all_keys, args)


def _wish(outcome: Outcome, found: _Known, now: float) -> tuple[Value, Value, Value, Value]:
    """What the lead is to do next: what, due at or kind, why, priority ("": as it is)."""
    if outcome.outcome in FINAL or outcome.blocks:
        kind = outcome.outcome if outcome.outcome in FINAL else "opt_out"
        who = {"who": outcome.agent} if outcome.agent else {}
        return "close", kind, kept(Why(Kind.SAID, outcome.outcome, facts=who)), ""
    if outcome.callback_at is not None:
        return "due", outcome.callback_at, kept(Why(Kind.SAID, CALLBACK, AGAIN)), HIGHEST_PRIORITY
    if outcome.outcome == MACHINE and found.lead is not None and found.settings is not None:
        rule = found.settings.retry.after(MACHINE)
        answered = sum(count for end, count in found.lead.tries.items() if end in ANSWERED) + (0 if found.day else 1)
        if answered <= rule.max_attempts:
            return "due", now + rule.delay_s, kept(Why(Kind.SAID, MACHINE, AGAIN)), ""
    return "", "", "", ""


def _answer(store: Store, received: Sequence[Received], refusals: Sequence[tuple[str, BadRequest]], now: float) -> None:
    stream = store.keys.crm_in()
    calls: list[Command | ScriptCall] = [
        added(store, refused("crm:in", entry_id, bad.reasons, about=bad.about, campaign="", at=now))
        for entry_id, bad in refusals
    ]
    ids = [one.entry_id for one in received]
    if ids:
        trip(store, calls)
        trip(store, [("XACK", stream, GROUP, *ids), ("XDEL", stream, *ids)])
