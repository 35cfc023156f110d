"""Judging entries without sending them, by the decoders that would read them."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from compliance.api import Per
from compliance.destinations import Destinations
from dialer.store.base.fields import kind_of
from dialer.store.base.streams import Entry
from dialer.store.crm.requests import READERS, BadRequest, parse_request
from dialer.store.leads.lead_codec import ANY_NUMBER, Rejection, parse
from dialer.store.operators import agents

LEAD: Final = "lead"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an entry is taken for, its id as far as it has one, and every reason why it would be refused."""

    kind: str
    id: str
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Checker:
    """Judges entries one after the other, at an instant (seconds since the epoch). `region` is the country of numbers
    without a country code; the others are those of the campaign that leads are for."""

    now: float
    region: str
    campaign: str = "campaign"
    ids_needed: Collection[Per] = ()
    destinations: Destinations = ANY_NUMBER
    _seen: dict[str, int] = field(default_factory=dict)

    def check(self, value: Any, line: int) -> Verdict:
        """Judge one. A lead whose id or number came earlier in the file is a duplicate, and `line` says where."""
        if not isinstance(value, dict):
            return Verdict("", "", (f"must be a map of fields, got {kind_of(value)}",))
        fields = {b"json": json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")}
        kind = value.get("type")
        if kind is None:
            return self._lead(fields, line)
        if isinstance(kind, str) and kind in agents.SAYABLE:
            said = agents.parse(Entry("1-0", fields))
            return Verdict(kind, _text(value, "agent"), said.reasons if isinstance(said, agents.Malformed) else ())
        request = parse_request("1-0", fields, self.region).request
        reasons = request.reasons if isinstance(request, BadRequest) else ()
        return Verdict(kind if kind in READERS else "", _text(value, "attempt_id") or _text(value, "lead_id"), reasons)

    def _lead(self, fields: dict[bytes, bytes], line: int) -> Verdict:
        verdict = parse(
            fields,
            campaign=self.campaign,
            default_region=self.region,
            now=self.now,
            ids_needed=self.ids_needed,
            destinations=self.destinations,
        )
        if isinstance(verdict, Rejection):
            return Verdict(LEAD, verdict.lead_id, verdict.reasons)
        lead, reasons = verdict.lead, []
        names = [("lead_id", f"id {lead.lead_id}"), *(("phone", number.clear) for number in lead.numbers)]
        for field_name, name in names:
            if name in self._seen:
                reasons.append(f"{field_name}: is in the file already, in line {self._seen[name]}")
        for _, name in names:
            self._seen.setdefault(name, line)
        return Verdict(LEAD, lead.lead_id, tuple(reasons))


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    return found[:64] if isinstance(found, str) else ""
