"""Why leads were rejected: reasons as they are counted, and those that a campaign's rejected stream still has."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from typing import Final

from compliance.numbers import masked_text
from dialer.store.base.connection import Store, trip
from dialer.store.base.streams import entries_of
from dialer.store.leads.lead_codec import NO_LIST

PAGE: Final = 1000
EXAMPLES: Final = 3

_LAST_DIGITS: Final = re.compile(r" \((…\d{2,4})\)$")
_HOLDER: Final = re.compile(r"(is in the campaign already), in lead (.*)$", re.DOTALL)
_EARLIER: Final = re.compile(r"^(duplicate: .*) \((\d+)\)$")
_QUOTED: Final = re.compile(r"'[^']*'")
_PLACE: Final = re.compile(r"^phones\[\d+\]")


def general(reason: str) -> tuple[str, str]:
    """A reason without what is particular to its lead, for counting, and that particular; empty where there is none."""
    reason = _PLACE.sub("phones", reason)
    if hint := _LAST_DIGITS.search(reason):
        return reason[: hint.start()], hint[1]
    if earlier := _EARLIER.search(reason):
        return earlier[1], f"as row {earlier[2]}"
    if holder := _HOLDER.search(reason):
        return f"{reason[: holder.start()]}{holder[1]}", f"lead {holder[2]}"
    return _QUOTED.sub("...", reason), ""


def rejections(store: Store, campaign: str, list_name: str) -> tuple[Counter[str], dict[str, list[str]]]:
    """Why the daemons rejected leads of a list, of those that are still kept: how often each reason, and the ids of a
    few leads for each."""
    counts: Counter[str] = Counter()
    examples: dict[str, list[str]] = defaultdict(list)
    start = "-"
    while True:
        entries = entries_of(trip(store, [("XRANGE", store.keys.rejected(campaign), start, "+", "COUNT", PAGE)])[0])
        for entry in entries:
            if entry.fields.get(b"list", NO_LIST.encode()).decode(errors="replace") != list_name:
                continue
            lead_id = masked_text(entry.fields.get(b"lead_id", b"").decode(errors="replace"))
            for reason in _reasons(entry.fields.get(b"reasons", b"")):
                counts[reason] += 1
                if lead_id and len(examples[reason]) < EXAMPLES:
                    examples[reason].append(lead_id)
        if len(entries) < PAGE:
            return counts, examples
        start = f"({entries[-1].id}"


def _reasons(raw: bytes) -> list[str]:
    try:
        reasons = json.loads(raw)
    except (ValueError, RecursionError):
        return []
    listed = reasons if isinstance(reasons, list) else []
    return [masked_text(general(reason)[0]) for reason in listed if isinstance(reason, str)]
