"""What the CRM and the desktops send back: outcomes of attempts, blocks and unblocks.

Carrying a request out twice changes nothing, so an entry is acknowledged last, and a crash in between repeats it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import msgpack

from compliance.numbers import E164
from config.campaign import CampaignSettings
from dialer.core.dispositions import ANSWERED
from dialer.core.model import Lead
from dialer.core.windows import SLOT_S
from dialer.store import blocklist, campaigns, control
from dialer.store.connection import Command, ScriptCall, Store, Value, trip
from dialer.store.crm_requests import (
    CALLBACK,
    FINAL,
    MACHINE,
    BadRequest,
    BlockRequest,
    Outcome,
    Request,
    parse_request,
)
from dialer.store.lead_codec import HIGHEST_PRIORITY, unpack
from dialer.store.ledger import DAY_KEPT_S, hour_of
from dialer.store.outbox import added, refused
from dialer.store.streams import GROUP, read_group

__all__ = ["BadRequest", "BlockRequest", "CrmReport", "Outcome", "Received", "apply", "read"]

_STALE: Final = 3
"""The answer of lua/outcome.lua where the attempt was open when it was looked at, and has ended since."""


@dataclass(frozen=True, slots=True)
class Received:
    """One stream entry, read."""

    entry_id: str
    request: Request


@dataclass(frozen=True, slots=True)
class CrmReport:
    """What one `apply` did. `blocked` are the numbers that may not be called any more."""

    applied: int
    refused: int
    blocked: tuple[E164, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """An attempt that an outcome names, and its lead. `day` is the counting day of the ledger, empty while the attempt
    is open."""

    lead_id: str
    number_index: int
    lead: Lead | None
    settings: CampaignSettings | None
    day: str
    live: bool
    abandoned: bool
    slot: int


def read(store: Store, consumer: str, count: int, block_ms: int, *, default_region: str = "CN") -> tuple[Received, ...]:
    """Up to `count` entries that no other daemon handles, waiting up to `block_ms` (0: not at all).

    `default_region` is for numbers of block requests without a country code.
    """
    entries = read_group(store, store.keys.crm_in(), consumer, count, block_ms)
    return tuple(Received(entry.id, parse_request(entry.fields, default_region)) for entry in entries)


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
    requests = [one.request for one in received if isinstance(one.request, BlockRequest)]
    blocked = _block(store, requests, accepted, now)
    _keep(store, accepted, now)
    _answer(store, received, refusals, now)
    return CrmReport(len(received) - len(refusals), len(refusals), blocked)


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
    return _Known(
        lead_id=lead_id,
        number_index=number_index,
        lead=None if lead is None else unpack(lead, campaign=campaign, progress=progress),
        settings=None if settings is None else campaigns.settings_of(settings),
        day=day,
        live=live,
        abandoned=abandoned,
        slot=slot,
    )


def _fault(outcome: Outcome, found: _Known | None) -> str | None:
    """Why an outcome cannot be carried out."""
    if found is None:
        return f"attempt_id: campaign {outcome.campaign} has no such attempt"
    if found.lead is None and (outcome.blocks or outcome.outcome == CALLBACK):
        return "attempt_id: its lead has been deleted, so there is no number any more"
    expires_at = None if found.lead is None else found.lead.expires_at
    if outcome.callback_at is not None and expires_at is not None and outcome.callback_at >= expires_at:
        return "callback_at: is after the lead's expires_at"
    return None


def _block(
    store: Store, requests: Sequence[BlockRequest], accepted: Sequence[tuple[Outcome, _Known]], now: float
) -> tuple[E164, ...]:
    """Block and unblock in the order in which it was asked for, then what the outcomes block. Returns the numbers
    that were blocked."""
    changes: list[Command | ScriptCall] = []
    trail: list[Command | ScriptCall] = []
    blocked: list[E164] = []

    def add(block: blocklist.Block) -> None:
        changes.append(blocklist.command(store, block))
        blocked.append(block.number)
        detail = {"number": str(block.number), "campaign": block.campaign, "source": block.source}
        trail.append(control.audit_line(store, "block", block.who, now, detail))

    for one in requests:
        if one.blocked:
            add(blocklist.Block(one.number, one.campaign, "crm", one.reason, one.who, now))
        else:
            changes.append(blocklist.removal(store, one.number, one.campaign))
            detail = {"number": str(one.number), "campaign": one.campaign}
            trail.append(control.audit_line(store, "unblock", one.who, now, detail))
    for outcome, found in accepted:
        if outcome.blocks and found.lead is not None:
            number = found.lead.numbers[found.number_index]
            source = outcome.outcome if outcome.outcome in FINAL else "opt_out"
            reason = outcome.note or f"attempt {outcome.attempt}"
            add(blocklist.Block(number, "", source, reason, outcome.agent or "crm", now))
    trip(store, changes)
    trip(store, trail)
    return tuple(blocked)


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
        return "close", kind, f"{outcome.outcome}, says {outcome.agent or 'the CRM'}", ""
    if outcome.callback_at is not None:
        return "due", outcome.callback_at, "callback", HIGHEST_PRIORITY
    if outcome.outcome == MACHINE and found.lead is not None and found.settings is not None:
        rule = found.settings.retry.after(MACHINE)
        answered = sum(count for end, count in found.lead.tries.items() if end in ANSWERED) + (0 if found.day else 1)
        if answered <= rule.max_attempts:
            return "due", now + rule.delay_s, "an answering machine: called again", ""
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
