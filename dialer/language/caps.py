"""A frequency cap in words: `2 attempts in 30 days, then 90 days of rest`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compliance.api import Per
from compliance.cap_windows import CalendarDays, CalendarMonths, Rolling, Window
from compliance.caps import Cap, Counts, Over
from dialer.language.moments import span
from dialer.language.phrases import N_, Phrase, listed, phrase, phrases

_EVENTS: Final[Mapping[Counts, tuple[str, str]]] = {
    Counts.ATTEMPTS: (N_("1 attempt"), N_("{number} attempts")),
    Counts.CONNECTS: (N_("1 connect"), N_("{number} connects")),
    Counts.CONVERSATIONS: (N_("1 conversation"), N_("{number} conversations")),
    Counts.REFUSALS: (N_("1 refusal"), N_("{number} refusals")),
    Counts.ABANDONED: (N_("1 abandoned call"), N_("{number} abandoned calls")),
    Counts.MACHINES: (N_("1 answering machine"), N_("{number} answering machines")),
}
_WHOSE: Final = {
    Per.CUSTOMER: N_("{cap} per customer"),
    Per.ACCOUNT: N_("{cap} per account"),
}
_WITHIN: Final = {
    Over.GROUP: N_("{cap} within the group"),
    Over.CAMPAIGN: N_("{cap} within the campaign"),
}


def cap_words(cap: Cap) -> Phrase:
    """All that a cap says."""
    one, many = _EVENTS[cap.counts]
    events = phrase(one) if cap.limit == 1 else phrase(many, number=cap.limit)
    text = phrase("{events} in {window}", events=events, window=window_words(cap.window))
    if cap.per is not Per.NUMBER:
        text = phrase(_WHOSE[cap.per], cap=text)
    if cap.over is not Over.TENANT:
        text = phrase(_WITHIN[cap.over], cap=text)
    parts = [text]
    if cap.rest_s:
        parts.append(phrase("then {span} of rest", span=span(cap.rest_s)))
    if cap.unless_agent_held:
        parts.append(phrase("unless an agent asked for the call"))
    return listed(parts)


def window_words(window: Window) -> Phrase:
    """`30 days`, `1 calendar month`."""
    match window:
        case Rolling(seconds):
            return span(seconds)
        case CalendarDays(days):
            return phrases("{number} calendar day", "{number} calendar days", days)
        case CalendarMonths(months):
            return phrases("{number} calendar month", "{number} calendar months", months)
