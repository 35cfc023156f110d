"""Lines of the audit trail: which are wanted, and how people read them, in their language. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from dialer.language.translation import word
from dialer.store.operators.control import Audited

TIMES: Final = ("at", "until", "not_before")
SPEAK_FOR_THEMSELVES: Final = ("changes", "fates", "hosts", "before", "after")
"""Maps of which each entry says what it is."""

LISTS: Final = ("lead_ids", "leads", "blocks", "campaigns", "fields")
COUNTED: Final = ("done", "matched", "unread", "leads", "skipped", "absent", "duplicate", "busy", "at_end")
CAMPAIGN_FIELDS: Final = ("campaign", "campaigns", "name")
"""Where a line says which campaign it is about."""


def is_wanted(line: Audited, by: str, what: str, campaign: str) -> bool:
    """Whether somebody with `by` in the name did what begins with `what`, about a campaign; empty: any."""
    if by.lower() not in f"{line.user} {line.who}".lower() or not line.what.startswith(what):
        return False
    named = [value for name in CAMPAIGN_FIELDS if (value := line.detail.get(name)) is not None]
    return not campaign or any(campaign == value or (isinstance(value, list) and campaign in value) for value in named)


def who_of(line: Audited) -> str:
    """Who did it: the user whom the server knew, and what that one said of itself, where it adds anything."""
    return line.who if line.user in ("", "default") or line.who.startswith(line.user) else f"{line.user}: {line.who}"


def words_of(detail: Mapping[str, Any], when: Callable[[float], str]) -> str:
    """What is known of it, short: what says nothing is left out. `when` writes a moment."""
    parts = []
    before, after = detail.get("before"), detail.get("after")
    if isinstance(before, str) and isinstance(after, str) and before and after:
        rest = {name: value for name, value in detail.items() if name not in ("before", "after")}
        detail = {**rest, "was": [before, after]}
    for name, value in detail.items():
        if value in ("", None, [], {}, False):
            continue
        if name in TIMES and isinstance(value, int | float):
            value = when(value)
        parts.append(_named(name, value))
    return ", ".join(parts)


def _named(name: str, value: Any) -> str:
    """A value with its name, as people say it; what stands for itself without one."""
    shown = word(name)
    match value:
        case True:
            return shown
        case dict() if name in SPEAK_FOR_THEMSELVES:
            return ", ".join(_named(key, inner) for key, inner in value.items() if inner not in (0, "", None))
        case [before, after] if name == "was":
            return f"{before} -> {after}"
        case [before, after] if name not in LISTS and isinstance(before, str) and isinstance(after, str):
            return f"{name}: {before} -> {after}"
        case list() if all(isinstance(one, str | int | float) for one in value):
            return f"{shown}: {' '.join(map(str, value))}"
        case int() | float() if name in COUNTED:
            return f"{value:,} {shown}"
        case str() | int() | float():
            return f"{shown}: {value}"
    return f"{shown}: {json.dumps(value, ensure_ascii=False, default=str)}"
