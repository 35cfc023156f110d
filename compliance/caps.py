"""How often somebody may be called: frequency caps over the contact history. This is their only definition.

A cap counts events of one kind. An attempt is one at the moment it begins; what came of it (a connect, a conversation,
a refusal, an abandoned call, a machine) is one at the moment it ended. An attempt that has not ended counts as connect
and conversation, too, and at the latest moment that a contact can tell: nobody knows yet.

Who calls us is not attempted, and not reached by a call of ours; but a talk is a conversation, and a refusal in it one,
whoever began (CFPB, FAQ on 12 CFR 1006.14(b)(2): incoming calls count for the rest after a conversation and not for the
seven calls).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from typing import Any, Final

from compliance.api import Per, Refusal, Rule
from compliance.cap_windows import CalendarDays, CalendarMonths, Rolling, Window, frees, longest_s
from compliance.contacts import LONGEST_S, Contact, Mark, crc16

ASK_AGAIN_S: Final = 300.0
"""Where only attempts that have not ended stand against a number, it is asked about again after this: by then it is
known what came of them, or they never left and were given back."""


class Counts(StrEnum):
    """What a cap counts."""

    ATTEMPTS = "attempts"
    CONNECTS = "connects"
    CONVERSATIONS = "conversations"
    REFUSALS = "refusals"
    ABANDONED = "abandoned"
    MACHINES = "machines"


class Over(StrEnum):
    """Whose attempts a cap counts."""

    TENANT = "tenant"
    GROUP = "group"
    CAMPAIGN = "campaign"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` events in any window; when the last of them is spent there is rest for `rest_s` seconds from that
    event. `verdict` says exactly what that means.

    A rest after an event is a cap of 1. `unless_agent_held`: it does not bind a call that an agent asked for.
    """

    limit: int
    window: Window
    counts: Counts = Counts.ATTEMPTS
    per: Per = Per.NUMBER
    over: Over = Over.TENANT
    rest_s: float = 0.0
    unless_agent_held: bool = False

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"a cap allows at least 1 event, got {self.limit}")
        if not (math.isfinite(self.rest_s) and self.rest_s >= 0):
            raise ValueError(f"a cap's rest must be 0 s or more, got {self.rest_s}")


def facts_of(cap: Cap) -> dict[str, Any]:
    """A cap as plain data, for a refusal."""
    name = _WINDOWS[type(cap.window)]
    return {
        "limit": cap.limit,
        "window": [name, getattr(cap.window, name)],
        "counts": cap.counts.value,
        "per": cap.per.value,
        "over": cap.over.value,
        "rest_s": cap.rest_s,
        "unless_agent_held": cap.unless_agent_held,
    }


def cap_of(facts: Mapping[str, Any]) -> Cap:
    """The way back. Raises `KeyError`, `TypeError`, `ValueError` or `StopIteration` for what is none."""
    unit, length = facts["window"]
    window = next(kind for kind, name in _WINDOWS.items() if name == unit)(length)
    counts, per, over = Counts(facts["counts"]), Per(facts["per"]), Over(facts["over"])
    return Cap(facts["limit"], window, counts, per, over, facts["rest_s"], facts["unless_agent_held"])


@dataclass(frozen=True, slots=True)
class Scope:
    """Which attempts are of the asking campaign and of its group, by the check sums in contacts."""

    campaign_crc: int
    group_crc: int

    @classmethod
    def of(cls, campaign: str, group: str) -> Scope:
        """The scope of a campaign in a group; see `contacts.group_of`."""
        return cls(crc16(campaign), crc16(group))


_WINDOWS: Final[dict[type[Window], str]] = {Rolling: "seconds", CalendarDays: "days", CalendarMonths: "months"}
"""Windows, and the field that has their length."""

# Plain numbers: an operation of IntFlag takes ten times as long.
_ENDED: Final = int(Mark.ENDED)
_INBOUND: Final = int(Mark.INBOUND)
_MARKS: Final = {
    Counts.CONNECTS: int(Mark.CONNECTED),
    Counts.CONVERSATIONS: int(Mark.CONVERSATION),
    Counts.REFUSALS: int(Mark.REFUSED),
    Counts.ABANDONED: int(Mark.ABANDONED),
    Counts.MACHINES: int(Mark.MACHINE),
}
_OURS: Final = frozenset({Counts.ATTEMPTS, Counts.CONNECTS})
"""What only a call of ours is, and none of theirs."""

_UNCERTAIN: Final = frozenset({Counts.CONNECTS, Counts.CONVERSATIONS})
"""What a call may be while nobody knows how it ended."""


def verdict(
    contacts: Mapping[Per, Sequence[Contact]],
    caps: Iterable[Cap],
    *,
    scope: Scope,
    now: float,
    zone: tzinfo | None,
    agent_held: bool = False,
) -> Refusal | None:
    """May these be attempted at `now`, seconds since the epoch? None: yes.

    `contacts` are histories by subject, each ascending by `at` (as `contacts.unpacked` gives them); a subject that is
    missing is one that the lead does not have. `zone` has the midnights of calendar windows (None: this machine's).

    For each cap that binds the call, let t[0] .. t[n-1] be the moments of its events, ascending, with L = limit and
    R = rest_s. An event at t counts until f(t): t + W for a rolling window of W seconds; for n calendar days the
    midnight that begins the n-th day after t's; for n months the first midnight of the n-th month after t's.

    1. Window: t[i] counts while f(t[i]) > now. If n >= L and f(t[n-L]) > now, at least L count, and the window frees
       at f(t[n-L]).
    2. Rest: event i spent the cap if i >= L-1 and f(t[i-L+1]) > t[i], that is if it was at least the L-th in the window
       that ended with it. There is rest until t[i] + R for the latest such i; at exactly t[i] + R the rest is over.

    The cap refuses until the later of the two, if that is later than `now`. With several caps the latest of theirs
    counts. Events in the future (a clock was set back) count like any other: 1 and 2 hold as they stand. A cap per a
    subject that the lead does not have refuses for good. Attempts that have not ended may yet turn out to be nothing:
    for their sake alone nobody waits longer than `ASK_AGAIN_S` from now, or than would be without them.
    """
    if not math.isfinite(now):
        raise ValueError("now must be a finite number of seconds")
    worst: tuple[float, Cap] | None = None
    binding: list[Cap] = []
    for cap in caps:
        if cap.unless_agent_held and agent_held:
            continue
        history = contacts.get(cap.per)
        if history is None:
            return Refusal(Rule.CAP, "id_missing", None, facts_of(cap))
        if len(history) < cap.limit:
            continue
        until = _refused_until(_events(history, cap, scope), cap, now, zone)
        if until > now:
            binding.append(cap)
            if worst is None or until > worst[0]:
                worst = until, cap
    if worst is None:
        return None
    until, cap = worst
    known = _without_doubt(contacts, binding, now)
    if known is not None:
        sure = verdict(known, binding, scope=scope, now=now, zone=zone, agent_held=agent_held)
        until = min(until, max(now + ASK_AGAIN_S, now if sure is None or sure.until is None else sure.until))
    return Refusal(Rule.CAP, "cap_reached", until, facts_of(cap))


def ids_needed(caps: Iterable[Cap], *, agent_held: bool) -> frozenset[Per]:
    """Whom a lead must name, because a cap counts per them: without an id it is refused for good. `agent_held`: an
    agent asks for every call."""
    return frozenset(cap.per for cap in caps if not (cap.unless_agent_held and agent_held)) - {Per.NUMBER}


def horizon_s(caps: Iterable[Cap]) -> float:
    """How far back any of the caps can look, in seconds: contacts that began longer ago change no verdict."""
    return LONGEST_S + max((longest_s(cap.window) + cap.rest_s for cap in caps), default=0.0)


def _events(history: Sequence[Contact], cap: Cap, scope: Scope) -> list[float]:
    """The moments that a cap counts, ascending."""
    seen: Iterable[Contact] = history
    if cap.over is Over.CAMPAIGN:
        seen = [contact for contact in history if contact.campaign_crc == scope.campaign_crc]
    elif cap.over is Over.GROUP:
        seen = [contact for contact in history if contact.group_crc == scope.group_crc]
    if cap.counts in _OURS:
        seen = [contact for contact in seen if not contact.marks & _INBOUND]
    if cap.counts is Counts.ATTEMPTS:
        return [contact.at for contact in seen]
    mark, doubt = _MARKS[cap.counts], cap.counts in _UNCERTAIN
    return sorted(
        contact.ended_at for contact in seen if contact.marks & mark or (doubt and not contact.marks & _ENDED)
    )


def _refused_until(times: Sequence[float], cap: Cap, now: float, zone: tzinfo | None) -> float:
    """When a cap stops refusing, given ascending `times`; a moment that is not after `now` where it does not."""
    limit, rest_s = cap.limit, cap.rest_s
    if len(times) < limit:
        return -math.inf
    freed = frees(cap.window, zone)
    window_frees = freed(times[-limit])
    if rest_s:
        for last in range(len(times) - 1, limit - 2, -1):
            rested = times[last] + rest_s
            if rested <= window_frees or rested <= now:
                break
            if freed(times[last - limit + 1]) > times[last]:
                return rested
    return window_frees


def _without_doubt(
    contacts: Mapping[Per, Sequence[Contact]], caps: Iterable[Cap], now: float
) -> dict[Per, Sequence[Contact]] | None:
    """The histories without attempts whose end may still be told; None where there are none such. One that began
    longer ago than a contact can tell was forgotten: nobody will ever say."""
    certain, doubt = dict(contacts), False
    for per in {cap.per for cap in caps}:
        known = [contact for contact in contacts[per] if contact.marks & _ENDED or contact.at + LONGEST_S <= now]
        doubt = doubt or len(known) < len(contacts[per])
        certain[per] = known
    return certain if doubt else None
