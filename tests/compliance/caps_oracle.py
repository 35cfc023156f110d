"""Frequency caps read aloud: every event is asked for itself, and days are compared as dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo

from compliance.api import Per
from compliance.cap_windows import CalendarDays, CalendarMonths, Rolling, Window
from compliance.caps import Cap, Counts, Over, Scope
from compliance.contacts import Contact, Mark

WHAT = {
    Counts.CONNECTS: Mark.CONNECTED,
    Counts.CONVERSATIONS: Mark.CONVERSATION,
    Counts.REFUSALS: Mark.REFUSED,
    Counts.ABANDONED: Mark.ABANDONED,
    Counts.MACHINES: Mark.MACHINE,
}


def allowed(
    contacts: Mapping[Per, Sequence[Contact]],
    caps: Sequence[Cap],
    scope: Scope,
    now: float,
    zone: tzinfo | None,
    *,
    agent_held: bool = False,
) -> bool:
    """Whether no cap stands against a call at `now`. Every subject that a cap counts per must be there."""
    return all(
        (cap.unless_agent_held and agent_held) or _room(events(contacts[cap.per], cap, scope), cap, now, zone)
        for cap in caps
    )


def events(history: Sequence[Contact], cap: Cap, scope: Scope) -> list[float]:
    """What the cap counts, in no order."""
    found = []
    for one in history:
        if cap.over is Over.CAMPAIGN and one.campaign_crc != scope.campaign_crc:
            continue
        if cap.over is Over.GROUP and one.group_crc != scope.group_crc:
            continue
        marks = Mark(one.marks)
        is_open = Mark.ENDED not in marks
        if Mark.INBOUND in marks and cap.counts in {Counts.ATTEMPTS, Counts.CONNECTS}:
            continue
        if cap.counts is Counts.ATTEMPTS:
            found.append(float(one.at))
        elif WHAT[cap.counts] in marks or (is_open and cap.counts in {Counts.CONNECTS, Counts.CONVERSATIONS}):
            found.append(one.at + 60.0 * (255 if is_open else one.minutes))
    return found


def _room(times: Sequence[float], cap: Cap, now: float, zone: tzinfo | None) -> bool:
    if sum(1 for t in times if counts_at(t, now, cap.window, zone)) >= cap.limit:
        return False
    for spent in times:
        before = sum(1 for t in times if t <= spent and counts_at(t, spent, cap.window, zone))
        if before >= cap.limit and now < spent + cap.rest_s:
            return False
    return True


def counts_at(event: float, now: float, window: Window, zone: tzinfo | None) -> bool:
    """Whether an event is still seen through the window at `now`."""
    then, today = datetime.fromtimestamp(event, zone).date(), datetime.fromtimestamp(now, zone).date()
    match window:
        case Rolling(seconds):
            return event + seconds > now
        case CalendarDays(days):
            return (today - then).days < days
        case CalendarMonths(months):
            return (today.year - then.year) * 12 + today.month - then.month < months


def changes(
    contacts: Mapping[Per, Sequence[Contact]], caps: Sequence[Cap], scope: Scope, zone: tzinfo | None, days: range
) -> set[float]:
    """Moments at which the answer can change: ends of windows and rests, and the midnights of `days` since 1970."""
    found: set[float] = set()
    for cap in caps:
        for event in set(events(contacts[cap.per], cap, scope)):
            found |= {event, event + cap.rest_s}
            if isinstance(cap.window, Rolling):
                found.add(event + cap.window.seconds)
    epoch = datetime(1970, 1, 1, tzinfo=zone)
    return found | {(epoch + timedelta(days=day)).timestamp() for day in days}
