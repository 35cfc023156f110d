"""The second gate: blocklist and caps, checked and reserved in one step right before the INVITE.

`screen` takes two round trips whatever the number of leads: the contact tags, where a number is judged and its
attempt counted, then the campaign, where the attempt is written down if the lease still holds. Where the second step
cannot be done for a lead, its reservation is given back. A process that dies between the two leaves a number with one
attempt too many on its account, which errs on the callee's side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgpack

from compliance import caps
from compliance.face import Cleared, Permit, Refusal, Reserved, Rule
from compliance.gate import clear
from compliance.numbers import E164
from compliance.policy import Policy
from config.campaign import CampaignSettings
from dialer.core.inputs import Permitted, Refused
from dialer.core.model import Lead
from dialer.store.connection import Command, ScriptCall, Store, Value, trip
from dialer.store.contacts import ATTEMPTS_KEPT, Reservation, give_back, packed, unpacked
from dialer.store.errors import StoreError
from dialer.store.keys import digits, place
from dialer.store.leases import Move, move
from dialer.store.registers import Shelf

LEASE_LOST: Final = Refusal(Rule.LEASE_LOST, "the lease on the lead has ended: it is not this daemon's any more", None)
"""What becomes of a lead that another daemon may have by now. It is left alone in the store."""

NO_REGISTERS: Final = Shelf()


def screen(
    store: Store,
    settings: CampaignSettings,
    policy: Policy,
    leads: Sequence[Lead],
    *,
    trunk: str,
    owner: str,
    now: float,
    attempt_ids: Sequence[str],
    shelf: Shelf = NO_REGISTERS,
) -> tuple[Permitted | Refused, ...]:
    """Pass leads (of one campaign, leased by `owner`) through both gates; one answer for each, in order.

    `shelf` has the national registers of this host; what one of them refuses is not reserved.

    A permitted lead's attempt is reserved and written down under the attempt id of the same place. A refused lead is
    postponed or closed already; one whose lease was lost is refused with `LEASE_LOST` and left alone. After
    `StoreUnavailable` nothing may be dialled, but attempts may be open: settle them as NOT_SENT, which does nothing to
    those that are not.
    """
    if len(leads) != len(attempt_ids):
        raise ValueError(f"{len(leads)} leads and {len(attempt_ids)} attempt ids")
    if not leads:
        return ()
    verdicts: list[Permit | Refusal] = []
    first = _first_gate(leads, policy, settings, shelf, now)
    wanted = [(i, passed) for i, passed in enumerate(first) if isinstance(passed, Cleared)]
    reserved = _reserve(store, settings.name, policy, [(attempt_ids[i], one.number) for i, one in wanted], now)
    second = dict(zip((i for i, _ in wanted), reserved, strict=True))
    for i, passed in enumerate(first):
        answer = passed if isinstance(passed, Refusal) else second[i]
        verdicts.append(answer if isinstance(answer, Refusal) else _permit(passed, answer))
    return _written_down(store, settings.name, leads, verdicts, trunk=trunk, owner=owner, now=now)


def sift(
    store: Store,
    settings: CampaignSettings,
    policy: Policy,
    leads: Sequence[Lead],
    *,
    owner: str,
    now: float,
    shelf: Shelf = NO_REGISTERS,
) -> tuple[tuple[Lead, ...], tuple[Refused, ...]]:
    """Those of the leads (of one campaign, leased by `owner`) that both gates would let pass now, and those that they
    would not, which are postponed or closed: agents in mode preview need not look at leads that nobody may call.

    Nothing is reserved. What is dialled passes `screen` at its own moment.
    """
    first = _first_gate(leads, policy, settings, shelf, now)
    passed = [lead for lead, one in zip(leads, first, strict=True) if isinstance(one, Cleared)]
    second = iter(_foreseen(store, settings.name, policy, [lead.number for lead in passed], now))
    verdicts = [one if isinstance(one, Refusal) else next(second) for one in first]
    refused = [Refused(lead, one) for lead, one in zip(leads, verdicts, strict=True) if one is not None]
    moves = [_refusal_move(one.lead, one.refusal) for one in refused]
    move(store, settings.name, owner, [*moves, *_counting(one.refusal for one in refused)], now)
    return tuple(lead for lead, one in zip(leads, verdicts, strict=True) if one is None), tuple(refused)


def _foreseen(store: Store, campaign: str, policy: Policy, numbers: Sequence[E164], now: float) -> list[Refusal | None]:
    """What lua/reserve.lua would refuse, in one round trip."""
    calls: list[Command | ScriptCall] = []
    for number in numbers:
        where, name = place(number), digits(number)
        calls.append(("HMGET", store.keys.blocked(where.shard), name, f"{name}@{campaign}"))
        calls.append(("HGET", store.keys.history(where), name))
    found = trip(store, calls)
    verdicts: list[Refusal | None] = []
    for blocks, attempts in zip(found[::2], found[1::2], strict=True):
        block = blocks[0] or blocks[1]
        times = [one.at for one in unpacked(attempts)]
        verdicts.append(_refusal(b"blocked", block, b"", policy) if block else caps.verdict(times, policy.caps, now))
    return verdicts


def _first_gate(
    leads: Sequence[Lead], policy: Policy, settings: CampaignSettings, shelf: Shelf, now: float
) -> list[Cleared | Refusal]:
    """Hours, expiry and the national registers. A number on a register is refused for good, whatever the hour."""
    listed = shelf.verdicts(policy.registers, [lead.number for lead in leads], now)
    first = [_cleared(lead, policy, settings, now) for lead in leads]
    return [
        on if on is not None and (on.until is None or isinstance(one, Cleared)) else one
        for on, one in zip(listed, first, strict=True)
    ]


def _cleared(lead: Lead, policy: Policy, settings: CampaignSettings, now: float) -> Cleared | Refusal:
    return clear(
        lead.number,
        policy=policy,
        stated_zone=lead.timezone,
        expires_at=lead.expires_at,
        now=now,
        ring_timeout_s=settings.ring_timeout_s,
    )


def _permit(passed: Cleared | Refusal, reserved: Reserved) -> Permit:
    assert isinstance(passed, Cleared)  # nothing else was reserved
    return Permit(passed, reserved)


def _reserve(
    store: Store, campaign: str, policy: Policy, wanted: Sequence[tuple[str, E164]], now: float
) -> list[Reserved | Refusal]:
    """Judge and count attempts, one script for each contact tag, all in one round trip."""
    by_shard: dict[int, list[int]] = defaultdict(list)
    for i, (_, number) in enumerate(wanted):
        by_shard[place(number).shard].append(i)
    calls = [
        _reserve_call(store, campaign, policy, shard, [wanted[i] for i in group], now)
        for shard, group in by_shard.items()
    ]
    answers: dict[int, Reserved | Refusal] = {}
    for group, reply in zip(by_shard.values(), trip(store, calls), strict=True):
        for i, what, a, b in zip(group, reply[::3], reply[1::3], reply[2::3], strict=True):
            attempt, number = wanted[i]
            answers[i] = Reserved(attempt, number, now, a) if what == b"ok" else _refusal(what, a, b, policy)
    return [answers[i] for i in range(len(wanted))]


def _reserve_call(
    store: Store, campaign: str, policy: Policy, shard: int, wanted: Sequence[tuple[str, E164]], now: float
) -> ScriptCall:
    keys = [store.keys.blocked(shard), *(store.keys.history(place(number)) for _, number in wanted)]
    args: list[Value] = [now, campaign, ATTEMPTS_KEPT, len(policy.caps)]
    for cap in policy.caps:
        args += [cap.limit, cap.window_s, cap.rest_s]
    for attempt, number in wanted:
        args += [digits(number), packed(now, campaign, attempt)]
    return ScriptCall("reserve", keys, args)


def _refusal(what: bytes, a: Any, b: bytes, policy: Policy) -> Refusal:
    if what == b"cap":
        return Refusal(Rule.CAP, f"called often enough: {policy.caps[a]}", float(b))
    block: Mapping[str, Any] = msgpack.unpackb(a)
    scope = f"campaign {block['campaign']}" if block["campaign"] else "all campaigns"
    return Refusal(Rule.BLOCKLIST, f"on the no-call list for {scope} ({block['source']}): {block['reason']}", None)


def _written_down(
    store: Store,
    campaign: str,
    leads: Sequence[Lead],
    verdicts: Sequence[Permit | Refusal],
    *,
    trunk: str,
    owner: str,
    now: float,
) -> tuple[Permitted | Refused, ...]:
    """Open the permitted attempts, postpone or close the refused leads; give back what could not be opened."""
    moves = [_move(lead, verdict, trunk, owner) for lead, verdict in zip(leads, verdicts, strict=True)]
    counting = _counting(one for one in verdicts if isinstance(one, Refusal))
    permits = [verdict for verdict in verdicts if isinstance(verdict, Permit)]
    try:
        done = move(store, campaign, owner, [*moves, *counting], now)[: len(moves)]
    except StoreError:
        # The attempts may be open although no answer came. The caller settles them as NOT_SENT once Redis is back.
        with suppress(StoreError):
            give_back(store, [Reservation(one.number, campaign, one.attempt) for one in permits])
        raise
    answers: list[Permitted | Refused] = []
    lost: list[Permit] = []
    for lead, verdict, opened in zip(leads, verdicts, done, strict=True):
        if isinstance(verdict, Refusal):
            answers.append(Refused(lead, verdict))
        elif opened:
            answers.append(Permitted(lead, verdict))
        else:
            lost.append(verdict)
            answers.append(Refused(lead, LEASE_LOST))
    if lost:
        give_back(store, [Reservation(one.number, campaign, one.attempt) for one in lost])
    return tuple(answers)


def _move(lead: Lead, verdict: Permit | Refusal, trunk: str, owner: str) -> Move:
    if isinstance(verdict, Refusal):
        return _refusal_move(lead, verdict)
    record = {
        "lead": lead.lead_id,
        "number": lead.number_index,
        "owner": owner,
        "at": verdict.reserved.at,
        "trunk": trunk,
        "ordinal": verdict.reserved.ordinal,
    }
    return Move("open", lead.lead_id, verdict.attempt, bytes(msgpack.packb(record)))


def _refusal_move(lead: Lead, refusal: Refusal) -> Move:
    why = f"{refusal.rule}: {refusal.detail}"
    if refusal.until is None:
        return Move("close", lead.lead_id, refusal.rule.value, why)
    return Move("due", lead.lead_id, refusal.until, why)


def _counting(refusals: Iterable[Refusal]) -> list[Move]:
    return [Move("count", "", f"refused:{one.rule}") for one in refusals]
