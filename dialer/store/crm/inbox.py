"""What the CRM and the desktops send back: outcomes of attempts, blocks and unblocks.

Carrying a request out twice changes nothing, so an entry is acknowledged last, and a crash in between repeats it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import msgpack

from compliance.blocks import Block, BlockKind, Target, of_number
from compliance.consent import CLOCKS_DIFFER_S
from config.campaign import CampaignSettings
from config.daemon import SHORTEST_PREFIX
from dialer.core.abandonment.windows import SLOT_S
from dialer.core.calls.dispositions import ANSWERED
from dialer.core.leads.lead_reasons import AGAIN, Kind, Why, kept
from dialer.core.model import Lead
from dialer.store.base.connection import Command, ScriptCall, Store, Value, campaign_call, careful_trip, trip
from dialer.store.base.errors import KeyDamaged, StoreError
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import packed
from dialer.store.base.streams import GROUP, read_group
from dialer.store.crm import blocks, crm_map, lead_orders
from dialer.store.crm.crm_map import SHARED
from dialer.store.crm.fences import fenced
from dialer.store.crm.refusals import Refusals
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
from dialer.store.leads.history import STORY_BYTES, Said
from dialer.store.leads.lead_codec import HIGHEST_PRIORITY, unpack
from dialer.store.operators import campaigns
from dialer.store.operators.agent_days import KEPT_S as AGENT_DAY_KEPT_S
from dialer.store.settlement.attempts import EndedAttempt, OpenAttempt
from dialer.store.settlement.floor_events import outcome_said
from dialer.store.settlement.ledger import DAY_KEPT_S, hour_of
from dialer.store.settlement.outbox import CrmEvent, publish, refused

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
class Known:
    """An attempt that an outcome names, and its lead. `ended` is None while the attempt is open. `settings` are None
    where the campaign's cannot be read; `unreadable` says what of all this could not be, empty: everything could."""

    lead_id: str
    number_index: int
    ended: EndedAttempt | None
    lead: Lead | None = None
    settings: CampaignSettings | None = None
    unreadable: str = ""

    @property
    def day(self) -> str:
        """The counting day of the ledger, empty while the attempt is open."""
        return self.ended.day if self.ended else ""

    @property
    def slot(self) -> int:
        return self.ended.slot if self.ended else 0

    @property
    def seen(self) -> str:
        """How lua/outcome.lua is told of it."""
        if self.ended is None:
            return "open"
        return "live" if self.ended.live and not self.ended.abandoned else "ended"


def read(
    store: Store, consumer: str, count: int, block_ms: int, *, default_region: str = "CN", crm: str = SHARED
) -> tuple[Received, ...]:
    """Up to `count` entries of a CRM that no other daemon handles, waiting up to `block_ms` (0: not at all).

    `default_region` is for numbers without a country code in block requests for all campaigns.
    """
    entries = read_group(store, store.keys.crm_in(crm), consumer, count, block_ms)
    known_campaigns = campaigns.readable(store)[0] if entries else ()
    regions = {campaign.settings.name: campaign.settings.default_region for campaign in known_campaigns}
    return tuple(
        replace(parse_request(entry.id, entry.fields, default_region, regions), fields=entry.fields)
        for entry in entries
    )


def apply(
    store: Store,
    received: Sequence[Received],
    *,
    now: float,
    shortest_prefix: int = SHORTEST_PREFIX,
    refusals_told: Refusals | None = None,
    crm: str = SHARED,
) -> CrmReport:
    """Carry requests of one CRM out, tell the sender what was refused (`refused` events, as many as `refusals_told`
    allows), and acknowledge them. An outcome of a campaign with a damaged key is not acknowledged: it comes again."""
    done = carry_out(store, received, now=now, shortest_prefix=shortest_prefix, crm=crm)
    _answer(store, crm, done, refusals_told or Refusals(), now)
    return CrmReport(len(done.received) - len(done.refusals), len(done.refusals), done.blocked, done.outcomes)


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """What came of requests: those that are done with, the events that answer them, what was refused by entry, who was
    blocked, which outcomes were kept."""

    received: Sequence[Received]
    answers: Sequence[CrmEvent]
    refusals: Sequence[tuple[str, BadRequest]]
    blocked: tuple[Target, ...]
    outcomes: tuple[Outcome, ...]


def carry_out(store: Store, received: Sequence[Received], *, now: float, shortest_prefix: int, crm: str) -> CarriedOut:
    """Carry requests of one CRM out, as far as it may ask for them (`fences.py`), and tell nobody. A handful of round
    trips, whatever the number of requests."""
    received = fenced(received, crm, crm_map.load(store)) if received else ()
    outcomes = [(entry.entry_id, entry.request) for entry in received if isinstance(entry.request, Outcome)]
    known = look_up(store, [outcome for _, outcome in outcomes])
    refusals = [(entry.entry_id, entry.request) for entry in received if isinstance(entry.request, BadRequest)]
    accepted: dict[str, tuple[Outcome, Known]] = {}
    asked_at = {entry.entry_id: entry.asked_at for entry in received}
    waiting: set[str] = set()
    for (entry_id, outcome), attempt in zip(outcomes, known, strict=True):
        if isinstance(attempt, KeyDamaged):
            waiting.add(entry_id)
            continue
        fault = _fault(outcome, attempt, min(asked_at[entry_id], now))
        if fault is None and attempt is not None:
            accepted[entry_id] = (outcome, attempt)
        else:
            refusals.append((entry_id, BadRequest((fault or "",), outcome.attempt)))
    opt_outs = [block for outcome, attempt in accepted.values() for block in _opt_outs(outcome, attempt, now)]
    blocked, refused_blocks = blocks.apply(store, received, opt_outs, now, shortest_prefix)
    waiting |= _keep(store, accepted, now)
    orders = lead_orders.carry_out(store, received, now)
    waiting |= orders.waiting
    contacts.mark(
        store,
        [_said(outcome, attempt.lead, attempt) for outcome, attempt in accepted.values() if attempt.lead is not None],
    )
    carried_out = {entry_id: outcome for entry_id, (outcome, _) in accepted.items() if entry_id not in waiting}
    events = [outcome_said(outcome, entry_id, asked_at[entry_id]) for entry_id, outcome in carried_out.items()]
    return CarriedOut(
        [entry for entry in received if entry.entry_id not in waiting],
        [*events, *orders.answers],
        [*refusals, *refused_blocks, *orders.refusals],
        blocked,
        tuple(carried_out.values()),
    )


def look_up(store: Store, outcomes: Sequence[Outcome]) -> list[Known | KeyDamaged | None]:
    """The attempts that outcomes name, and their leads, in two round trips; None: there is no such attempt."""
    keys = store.keys
    first: list[Command | ScriptCall] = []
    for outcome in outcomes:
        first.append(("HGET", keys.attempts(outcome.campaign), outcome.attempt))
        first.append(("HGET", keys.ended(outcome.campaign), outcome.attempt))
    replies = careful_trip(store, first)
    attempts = [_attempt(outcome, *pair) for outcome, *pair in zip(outcomes, replies[::2], replies[1::2], strict=True)]
    second: list[Command | ScriptCall] = []
    for outcome, attempt in zip(outcomes, attempts, strict=True):
        lead_id = attempt.lead_id if isinstance(attempt, Known) else ""
        second.append(("HGET", keys.lead(outcome.campaign), lead_id))
        second.append(("HGET", keys.progress(outcome.campaign), lead_id))
        second.append(("HGET", keys.campaign(outcome.campaign), "settings"))
    details = careful_trip(store, second)
    return [
        _with_lead(outcome.campaign, attempt, details[3 * i : 3 * i + 3]) if isinstance(attempt, Known) else attempt
        for i, (outcome, attempt) in enumerate(zip(outcomes, attempts, strict=True))
    ]


def _attempt(outcome: Outcome, opened: Any, ended: Any) -> Known | KeyDamaged | None:
    for reply in (opened, ended):
        if isinstance(reply, KeyDamaged):
            return reply
    try:
        if ended is not None:
            past = EndedAttempt.read(outcome.attempt, ended)
            return Known(past.lead_id, past.number_index, past)
        if opened is not None:
            record = OpenAttempt.read(outcome.campaign, outcome.attempt, opened)
            return Known(record.lead_id, record.number_index, None)
    except Undecodable:
        return Known("", 0, None, unreadable="the attempt")
    return None


def _with_lead(campaign: str, known: Known, details: Sequence[Any]) -> Known | KeyDamaged:
    for reply in details:
        if isinstance(reply, KeyDamaged):
            return reply
    lead, progress, settings = details
    # What cannot be read here must not keep other people's opt-outs waiting behind it.
    with suppress(StoreError):
        known = replace(known, settings=None if settings is None else campaigns.settings_of(settings))
    try:
        read_lead = None if lead is None else unpack(lead, campaign=campaign, progress=progress)
    except Undecodable:
        return replace(known, unreadable="its lead")
    if read_lead is not None and known.number_index >= len(read_lead.numbers):
        return replace(known, unreadable="its lead")
    return replace(known, lead=read_lead)


def _fault(outcome: Outcome, attempt: Known | None, asked_at: float) -> str | None:
    """Why an outcome cannot be carried out. `asked_at` is when it was sent: what waited for a daemon is not late."""
    if attempt is None:
        return f"attempt_id: campaign {outcome.campaign} has no such attempt"
    if attempt.unreadable:
        return f"attempt_id: {attempt.unreadable} cannot be read, so its number is not known"
    if attempt.lead is None and (outcome.blocks or outcome.outcome == CALLBACK):
        return "attempt_id: its lead has been deleted, so there is no number any more"
    if outcome.callback_at is not None and outcome.callback_at < asked_at - CLOCKS_DIFFER_S:
        return "callback_at: was past already when you sent it"
    expires_at = None if attempt.lead is None else attempt.lead.expires_at
    if outcome.callback_at is not None and expires_at is not None and outcome.callback_at >= expires_at:
        return "callback_at: is after the lead's expires_at"
    return None


def _opt_outs(outcome: Outcome, attempt: Known, now: float) -> list[Block]:
    """What an outcome blocks: the number that was dialled; where the customer is the scope all numbers of the lead, and
    its customer."""
    if not outcome.blocks or attempt.lead is None:
        return []
    source = outcome.outcome if outcome.outcome in FINAL else "opt_out"
    reason, who = outcome.note or f"attempt {outcome.attempt}", outcome.agent or "crm"
    targets = [of_number(attempt.lead.numbers[attempt.number_index])]
    if outcome.opt_out_scope == CUSTOMER:
        targets = [of_number(number) for number in attempt.lead.numbers]
        if attempt.lead.customer_id:
            targets.append(Target(BlockKind.CUSTOMER, attempt.lead.customer_id))
    return [target.block(source=source, reason=reason, who=who, at=now) for target in targets]


def _said(outcome: Outcome, lead: Lead, attempt: Known) -> contacts.Marking:
    """What an outcome says of the attempt, for those whom it counts for."""
    dialled = replace(lead, number_index=attempt.number_index)
    return contacts.said_of(dialled, outcome.attempt, outcome.outcome, opt_out=outcome.opt_out)


def _keep(store: Store, accepted: Mapping[str, tuple[Outcome, Known]], now: float) -> set[str]:
    """Keep outcomes (by entry) and do with their leads what follows. What ended since it was looked at is looked at
    again, once: an attempt ends only once. Returns the entries that have to wait for a damaged key."""
    calls = [_outcome_call(store, outcome, attempt, now) for outcome, attempt in accepted.values()]
    answers = dict(zip(accepted, careful_trip(store, calls), strict=True))
    waiting = {entry_id for entry_id, answer in answers.items() if isinstance(answer, KeyDamaged)}
    stale = [accepted[entry_id][0] for entry_id, answer in answers.items() if answer == _STALE]
    fresh = zip(stale, look_up(store, stale), strict=True)
    trip(
        store, [_outcome_call(store, outcome, attempt, now) for outcome, attempt in fresh if isinstance(attempt, Known)]
    )
    return waiting


def _outcome_call(store: Store, outcome: Outcome, attempt: Known, now: float) -> ScriptCall:
    what, a, why, priority = _wish(outcome, attempt, now)
    words = {
        "now": now,
        "attempt": outcome.attempt,
        "lead": attempt.lead_id,
        "outcome": outcome.outcome,
        "record": packed(outcome),
        "callback": outcome.callback_at is not None,
        "callback_agent": outcome.callback_agent,
        "line": _line_of(outcome, now),
        "story_bytes": STORY_BYTES,
        "what": what,
        "a": a,
        "why": why,
        "priority": priority,
        "seen": attempt.seen,
        "slot": attempt.slot,
        "stands_for": attempt.ended.stands_for if attempt.ended else 0,
        "day_kept_s": DAY_KEPT_S,
        "agent": attempt.ended.agent if attempt.ended else "",
        "agent_day_kept_s": AGENT_DAY_KEPT_S,
    }
    ledgers = [
        store.keys.ledger(outcome.campaign, attempt.day),
        store.keys.ledger_hour(outcome.campaign, hour_of(attempt.slot * SLOT_S)),
        store.keys.agent_day(outcome.campaign, attempt.day),
    ]
    args = [bytes(msgpack.packb(words, use_bin_type=False))]  # Lua's msgpack knows no binary
    return campaign_call(store, "outcome", outcome.campaign, args, ledgers)


def _line_of(outcome: Outcome, now: float) -> bytes:
    word = Said(outcome.outcome, outcome.attempt, outcome.agent, outcome.note, outcome.callback_at, now)
    return packed(word)


def _wish(outcome: Outcome, attempt: Known, now: float) -> tuple[Value, Value, Value, Value]:
    """What the lead is to do next: what, due at or kind, why, priority ("": as it is)."""
    if outcome.outcome in FINAL or outcome.blocks:
        kind = outcome.outcome if outcome.outcome in FINAL else "opt_out"
        who = {"who": outcome.agent} if outcome.agent else {}
        return "close", kind, kept(Why(Kind.SAID, outcome.outcome, facts=who)), ""
    if outcome.callback_at is not None:
        return "due", outcome.callback_at, kept(Why(Kind.SAID, CALLBACK, AGAIN)), HIGHEST_PRIORITY
    if outcome.outcome == MACHINE and attempt.lead is not None and attempt.settings is not None:
        rule = attempt.settings.retry.after(MACHINE)
        answered = sum(count for end, count in attempt.lead.tries.items() if end in ANSWERED) + (
            0 if attempt.day else 1
        )
        if answered <= rule.max_attempts:
            return "due", now + rule.delay_s, kept(Why(Kind.SAID, MACHINE, AGAIN)), ""
    return "", "", "", ""


def _answer(store: Store, crm: str, done: CarriedOut, refusals_told: Refusals, now: float) -> None:
    stream, entries = store.keys.crm_in(crm), {entry.entry_id: entry for entry in done.received}
    named, events = stream.removeprefix(store.keys.prefix), list(done.answers)
    for entry_id, bad in done.refusals:
        entry = entries[entry_id]
        if refusals_told.may_tell(named, entry.sender, bad.reasons[0], now):
            about = {"about": bad.about, "sender": entry.sender, "ref": entry.ref}
            events.append(refused(named, entry_id, bad.reasons, at=now, crm=crm, **about))
    if entries:
        publish(store, events)
        trip(store, [("XACK", stream, GROUP, *entries), ("XDEL", stream, *entries)])
