"""Changing leads that are in a campaign already: due again, closed, of another priority, for as many as one likes.

Each batch is one script, atomic against the daemons: a lease is taken away in the step that changes the lead, so that a
daemon which is about to dial it finds the lease lost; a lead in an attempt is changed when the attempt ends. Daemons
that have such leads in memory are told through the control stream (`LEADS_TAKEN`), and drop them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import msgpack

from dialer.core.leads import lead_reasons
from dialer.core.leads.lead_reasons import Why
from dialer.store.base.connection import ScriptCall, Store, campaign_call, trip
from dialer.store.leads.history import STORY_BYTES, ordered_line
from dialer.store.leads.leads import LeadState
from dialer.store.operators import control

CHANGED_AT_ONCE: Final = 200
"""Leads that one script changes: some 1 ms of the server's time."""

HAND_BACK_S: Final = 3.0
"""A lead that was on lease is due again so much later: by then its daemon has been told to forget it."""

LEADS_TAKEN: Final = "leads_taken"
"""The command that tells daemons: args `campaign` and `leads`, a list of ids."""

CANCELLED: Final = "cancelled"
_NAMED_AT_ONCE: Final = 50  # ids have 64 characters at most, and a command takes 4,096 bytes

NOT_CLOSED: Final = frozenset({LeadState.DUE, LeadState.WAITING, LeadState.LEASED, LeadState.IN_ATTEMPT})
ANYWHERE: Final = NOT_CLOSED | {LeadState.CLOSED}


class Done(IntEnum):
    """What lua/change.lua says of a lead."""

    ABSENT = 0
    CHANGED = 1
    ELSEWHERE = 2  # not in one of the places that the change is for
    AT_END = 3  # in an attempt: changed when that ends


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of leads: one answer for each, in order, and those that a daemon has, or had, in its hands.
    `waited_until` is when each of them was to be due (seconds since the epoch), if it waited."""

    answers: tuple[Done, ...] = ()
    held: tuple[str, ...] = ()
    waited_until: tuple[float | None, ...] = ()

    def counts(self) -> Counter[Done]:
        """How many there are of each answer."""
        return Counter(self.answers)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of leads that are in one of the places `of`. `at` is when they are due, in seconds since the
    epoch; `kind` is what closed ones are counted under (`closed:KIND`); `priority` None leaves it as it is. A callback
    that was promised is forgotten at the close, unless it is `owed` elsewhere from now on."""

    what: str
    of: Collection[LeadState]
    at: float = 0.0
    kind: str = ""
    why: Why | None = None
    priority: int | None = None
    owed: bool = False


def due_again(of: Collection[LeadState], at: float, why: Why | None = None, priority: int | None = None) -> Change:
    """Leads become due at a moment, in seconds since the epoch; closed ones are open again."""
    return Change("due", of, at=at, why=why, priority=priority)


def closed(of: Collection[LeadState], kind: str, why: Why) -> Change:
    """Leads are called no more."""
    return Change("close", of, kind=kind, why=why)


def prioritised(priority: int, of: Collection[LeadState] = NOT_CLOSED) -> Change:
    """Leads get another priority, 0 to 9."""
    return Change("priority", of, priority=priority)


def cancelled(who: str, reason: str = "") -> Change:
    """Leads that are not done are closed on somebody's word, wherever they are."""
    return closed(NOT_CLOSED, CANCELLED, lead_reasons.ordered(CANCELLED, who, reason))


def change(
    store: Store, campaign: str, lead_ids: Sequence[str], ordered: Change, *, who: str, now: float, tell: bool = True
) -> Changed:
    """Change leads (at most `CHANGED_AT_ONCE`) in one atomic step, and tell the daemons that have some of them. Doing
    it twice does no harm."""
    if not lead_ids:
        return Changed()
    changed = read_answer(trip(store, [change_call(store, campaign, lead_ids, ordered, now)])[0])
    if tell:
        tell_daemons(store, campaign, changed.held, who=who, now=now)
    return changed


def change_call(store: Store, campaign: str, lead_ids: Sequence[str], ordered: Change, now: float) -> ScriptCall:
    """That step as a part of a trip; whoever makes it tells the daemons."""
    given = {
        "now": now,
        "what": ordered.what,
        "a": ordered.at if ordered.what == "due" else ordered.kind,
        "why": "" if ordered.why is None else lead_reasons.kept(ordered.why),
        "priority": "" if ordered.priority is None else ordered.priority,
        "from": {LeadState(place).value: True for place in ordered.of},
        "line": b"" if ordered.why is None else ordered_line(ordered.why, now),
        "story_bytes": STORY_BYTES,
        "hand_back_s": HAND_BACK_S,
        "owed": ordered.owed,
    }
    return campaign_call(store, "change", campaign, [bytes(msgpack.packb(given, use_bin_type=False)), *lead_ids])


def read_answer(reply: Sequence[Any]) -> Changed:
    """What lua/change.lua answered."""
    answers, held, waited = reply
    return Changed(
        tuple([Done(answer) for answer in answers]),
        tuple([lead_id.decode(errors="replace") for lead_id in held]),
        tuple([float(until) if until else None for until in waited]),
    )


def tell_daemons(store: Store, campaign: str, lead_ids: Sequence[str], *, who: str, now: float) -> None:
    """Tell all daemons to drop leads from memory; a phone that rings already may ring for the legal minimum."""
    for first in range(0, len(lead_ids), _NAMED_AT_ONCE):
        named = list(lead_ids[first : first + _NAMED_AT_ONCE])
        command = control.Command(LEADS_TAKEN, {"campaign": campaign, "leads": named})
        control.tell(store, command, who=who, now=now)
