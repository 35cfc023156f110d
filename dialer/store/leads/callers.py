"""Who calls: the lead that was called lately at a number, kept for the call that its callee makes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from compliance.numbers import E164
from dialer.core.effects import FindCaller
from dialer.core.inputs import CallerFound
from dialer.core.model import Lead
from dialer.store.base.connection import Store, Value, campaign_call, careful_trip, trip
from dialer.store.base.errors import KeyDamaged
from dialer.store.base.fields import Undecodable
from dialer.store.base.keys import digits
from dialer.store.gate import contacts
from dialer.store.leads.history import read_history
from dialer.store.leads.leads import LeadState, look
from dialer.store.settlement.attempts import OpenAttempt

HELD_S: Final = 120.0
"""The lease of a lead that is kept; its holder renews it, and an open attempt outlives it."""

ROUNDS: Final = 5
"""How often somebody is looked for whose calls begin and end meanwhile; then it is a stranger who calls."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whom we called. `calling_from` is the place of the number among the lead's, `called_at` when we called
    last, `due_at` when the lead is due; None: it is closed, or in a call. Times are seconds since the epoch. `story` is
    what was kept of the lead's calls when it was looked at."""

    lead: Lead
    calling_from: int
    called_at: float
    due_at: float | None
    story: bytes


def find_and_keep(
    store: Store, wish: FindCaller, owner: str, *, since: float, now: float, rounds: int = ROUNDS
) -> CallerFound:
    """The answer to a wish: whoever calls is found and the lead kept, at one instant."""
    for _ in range(rounds):
        caller = find(store, wish.campaigns, wish.number, since=since, now=now)
        if caller is None:
            break
        if (answer := keep(store, caller, wish, owner, now)) is not None:
            return answer
    return CallerFound(wish.call)


def find(store: Store, campaigns: Sequence[str], number: E164, *, since: float, now: float) -> Caller | None:
    """The lead of these campaigns that was called last, at this number or another of its own; None where none was since
    `since`. What cannot be read is nobody's."""
    named = careful_trip(store, [("HGET", store.keys.numbers(name), digits(number)) for name in campaigns])
    callers: list[Caller] = []
    for campaign, lead_id in zip(campaigns, named, strict=True):
        if isinstance(lead_id, bytes):
            with suppress(KeyDamaged, Undecodable):
                callers += _callers(store, campaign, lead_id.decode(errors="replace"), number, now)
    lately = [caller for caller in callers if caller.called_at >= since]
    return max(lately, key=lambda caller: caller.called_at, default=None)


def _callers(store: Store, campaign: str, lead_id: str, number: E164, now: float) -> list[Caller]:
    callers = []
    for seen in look(store, campaign, [lead_id]):
        lead, in_call = seen.lead, seen.state is LeadState.IN_ATTEMPT
        calls = [past.at for past in read_history(seen.raw_story).attempts]
        if number in lead.numbers and (calls or in_call):
            fixed = in_call or seen.state is LeadState.CLOSED
            due_at = None if fixed else seen.at if seen.state is not LeadState.LEASED else now
            called_at = now if in_call else max(calls)
            callers.append(Caller(lead, lead.numbers.index(number), called_at, due_at, seen.raw_story or b""))
    return callers


def keep(store: Store, caller: Caller, wish: FindCaller, owner: str, now: float) -> CallerFound | None:
    """Keep the caller's lead for the call, as far as that can be, and put the call into the contact history. None where
    a call to it has ended since it was looked at: it is due at another time by now, and nothing is done."""
    lead = caller.lead
    attempt = OpenAttempt(
        attempt=wish.call,
        campaign=lead.campaign,
        lead_id=lead.lead_id,
        number_index=caller.calling_from,
        owner=owner,
        trunk=wish.trunk,
        caller_id=wish.caller_id,
        reserved_at=now,
        inbound=True,
        due_at=caller.due_at,
    )
    args: list[Value] = [owner, lead.lead_id, wish.call, attempt.pack(), now + HELD_S, int(caller.due_at is not None)]
    said = trip(store, [campaign_call(store, "hold", lead.campaign, [*args, caller.story])])[0]
    if said == -1:
        return None
    contacts.mark(store, [contacts.came(store, replace(lead, number_index=caller.calling_from), wish.call, now)])
    return CallerFound(wish.call, lead, caller.calling_from, held := said == 1, caller.due_at if held else None)
