"""From a row of a file to a lead as the stream wants it, checked as the daemon will check it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgpack

from compliance.api import Per
from compliance.destinations import Destinations
from dialer.cli.sheets.cells import numbers_in, seen
from dialer.cli.sheets.columns import ATTRS, SKIP
from dialer.cli.sheets.sheet import Row, Sheet
from dialer.language.translation import _
from dialer.store.base.fields import Fields
from dialer.store.base.keys import digits
from dialer.store.leads.lead_codec import ANY_NUMBER, Rejection, judge_lead

_WHOLE: Final = re.compile(r"([0-9]{1,9})(?:\.0+)?")
TIMES: Final = ("not_before", "expires_at", "consent_at", "consent_until")
_WALL_FORMS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


class Ready(NamedTuple):
    """A row that is a lead: `packed` is what goes into the stream, `digits` are its numbers, as keys have them."""

    row: Row
    lead_id: str
    packed: bytes
    digits: tuple[str, ...]

    @property
    def entry(self) -> dict[str, Any]:
        """The lead's fields as the stream has them."""
        fields: dict[str, Any] = msgpack.unpackb(self.packed)
        return fields


class Rejected(NamedTuple):
    """A row that is none, with every reason. No reason has more of a number than its last digits."""

    row: Row
    lead_id: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowRules:
    """What each row of a file is judged by, without regard to the others; it can go to another process. The leads come
    with `list_name`.

    `default_region`, `max_lead_bytes`, `ids_needed` and `destinations` (see `lead_codec.parse`) are what the daemon
    will use, `now` is seconds since the epoch.
    """

    sheet: Sheet
    default_region: str
    max_lead_bytes: int
    now: float
    list_name: str = ""
    ids_needed: Collection[Per] = ()
    destinations: Destinations = ANY_NUMBER

    def judge(self, row: Row) -> Ready | Rejected:
        """What a row is by itself."""
        if row.fault:
            return Rejected(row, "", (row.fault,))
        entry = entry_of(row, self.sheet, self.default_region, self.list_name)
        packed: bytes = msgpack.packb(entry)
        if len(packed) > self.max_lead_bytes:
            return Rejected(
                row,
                "",
                (
                    _(
                        "{packed} bytes, the limit is {max_lead_bytes}",
                        packed=len(packed),
                        max_lead_bytes=self.max_lead_bytes,
                    ),
                ),
            )
        judged = judge_lead(
            Fields(entry),
            self.default_region,
            self.now,
            ids_needed=self.ids_needed,
            destinations=self.destinations,
        )
        if isinstance(judged, Rejection):
            return Rejected(row, judged.lead_id, judged.reasons)
        numbers = tuple([digits(number) for number in judged.fields["numbers"]])
        return Ready(row, entry["lead_id"], packed, numbers)


@dataclass(slots=True)
class Checker:
    """Checks the rows of one file, in order, and remembers them to find duplicates. A number belongs to one lead of a
    campaign, as in the daemon. `ids` and `numbers` (digits) have the row that each came in."""

    rules: RowRules
    ids: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def check(self, row: Row) -> Ready | Rejected:
        """What a row is."""
        return self.compare(self.rules.judge(row))

    def compare(self, judged: Ready | Rejected) -> Ready | Rejected:
        """What a judged row is beside those before it. One that is rejected does not make later ones duplicates."""
        if isinstance(judged, Rejected):
            return judged
        faults = []
        if judged.lead_id in self.ids:
            faults.append(_("duplicate: the lead_id is in an earlier row ({ids})", ids=self.ids[judged.lead_id]))
        taken = [self.numbers[number] for number in judged.digits if number in self.numbers]
        if taken:
            faults.append(_("duplicate: the number is in an earlier row ({taken})", taken=taken[0]))
        if faults:
            return Rejected(judged.row, judged.lead_id, tuple(faults))
        self.ids[judged.lead_id] = judged.row.number
        for number in judged.digits:
            self.numbers[number] = judged.row.number
        return judged


def entry_of(row: Row, sheet: Sheet, region: str, list_name: str = "") -> dict[str, Any]:
    """The lead's fields as the stream wants them. `region`: the country of numbers without a country code.

    A row without a lead_id gets one from the file's content and the row's number, so that importing the same file
    twice makes no lead twice. Text that cannot be converted stays as it is, for the one parser to refuse.
    """
    entry: dict[str, Any] = {}
    numbers: list[str] = []
    attrs: dict[str, str] = {}
    for column, cell in zip(sheet.columns, row.cells, strict=False):
        if not cell or column.field == SKIP:
            continue
        match column.field:
            case "phone" | "phones":
                numbers += numbers_in(cell, region)
            case "priority":
                whole = _WHOLE.fullmatch(cell)
                entry["priority"] = int(whole[1]) if whole else cell
            case "attrs":
                attrs[column.name] = cell
            case "name":
                entry["name"] = cell
            case name:
                entry[name] = seen(cell)
    for name in TIMES:
        if name in entry:
            entry[name] = moment(entry[name], entry.get("timezone"))
    entry.setdefault("lead_id", f"{sheet.digest}-{row.number}")
    if len(numbers) == 1:
        entry["phone"] = numbers[0]
    elif numbers:
        entry["phones"] = numbers
    if attrs:
        entry[ATTRS] = attrs
    if list_name:
        entry["list"] = list_name
    return entry


def moment(text: str, timezone: str | None) -> float | str:
    """A time as spreadsheets write it, in seconds since the epoch; the text itself where it is none.

    Seconds since the epoch, ISO 8601, or `2026-03-01 09:00` with dashes or slashes. A time without an offset is meant
    in the lead's time zone, or in this machine's where the lead has none.
    """
    if re.fullmatch(r"[0-9]{9,10}(\.[0-9]+)?", text):
        return float(text)
    time = _read_time(text.replace("/", "-"))
    if time is None:
        return text
    if time.tzinfo is None:
        try:
            time = time.replace(tzinfo=ZoneInfo(timezone)) if timezone else time.astimezone()
        except (ValueError, OSError, KeyError):
            return text  # the zone is refused by name; this time cannot be told
    return time.timestamp()


def _read_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in _WALL_FORMS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None
