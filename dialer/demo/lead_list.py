"""A seeded list of leads of which it is known what must become of each row. Pure.

Good rows are mixed with what real lists hold: rows that cannot be read, duplicates, people on the no-call list, people
who were called often enough, people who sleep at this hour, people whose line is always engaged. The numbers are
drawn at random, and nobody is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any, Final

import msgpack


class Kind(StrEnum):
    """What a row is, and so what must become of it."""

    GOOD = "good"
    BLOCKED = "on the no-call list"
    CALLED_ENOUGH = "called often enough before"
    ASLEEP = "outside calling hours"
    ALWAYS_BUSY = "busy whenever called"
    MALFORMED = "not msgpack"
    NO_PHONE = "no phone"
    NOT_A_PHONE = "phone that is none"
    OVERSIZE = "too long"
    SAME_ID = "lead_id given twice"
    SAME_NUMBER = "number given twice"


REJECTED: Final = frozenset(
    {Kind.MALFORMED, Kind.NO_PHONE, Kind.NOT_A_PHONE, Kind.OVERSIZE, Kind.SAME_ID, Kind.SAME_NUMBER}
)
"""Rows that must come back from intake."""

NEVER_DIALLED: Final = frozenset({Kind.BLOCKED, Kind.CALLED_ENOUGH, Kind.ASLEEP})
"""Rows that are taken in, and whose numbers no call may reach while the demo runs."""

SHARES: Final = {
    Kind.BLOCKED: 0.03,
    Kind.CALLED_ENOUGH: 0.03,
    Kind.ASLEEP: 0.04,
    Kind.ALWAYS_BUSY: 0.002,
    Kind.MALFORMED: 0.004,
    Kind.NO_PHONE: 0.006,
    Kind.NOT_A_PHONE: 0.01,
    Kind.OVERSIZE: 0.003,
    Kind.SAME_ID: 0.01,
    Kind.SAME_NUMBER: 0.015,
}
"""The share of rows of each kind; all others are good. Of every kind there is at least one row."""

FAR_ZONES: Final = ("Europe/Berlin", "America/New_York", "America/Los_Angeles")
"""Where people are whose time of day differs from Shanghai's by six hours and more, all year round."""

OVERSIZE_BYTES: Final = 20_000

_MOBILE_PREFIXES: Final = ("135", "136", "137", "138", "139", "150", "158", "159", "186", "187", "188", "189")
_NAMES: Final = ("王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴")
_NOT_PHONES: Final = ("12345", "n/a", "138-0000", "see notes", "+86 10")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the CRM sends it. `number` is in E.164, empty where the row has none or is to be rejected."""

    kind: Kind
    lead_id: str
    number: str
    payload: bytes


def draw(size: int, seed: int) -> tuple[Row, ...]:
    """`size` rows (at least 20), the same for the same seed. A duplicate comes after the row that it repeats."""
    if size < 20:
        raise ValueError(f"a list has 20 rows at least, got {size}")
    random = Random(seed)
    kinds = _kinds(size, random)
    numbers = _numbers(size, random)
    rows: list[Row] = []
    taken_in: list[Row] = []
    for i, kind in enumerate(kinds):
        row = _row(kind, f"L{i + 1:05}", next(numbers), taken_in, random)
        rows.append(row)
        if row.number:
            taken_in.append(row)
    return tuple(rows)


def _kinds(size: int, random: Random) -> list[Kind]:
    special = [kind for kind, share in SHARES.items() for _ in range(max(1, round(share * size)))]
    kinds = special + [Kind.GOOD] * (size - 1 - len(special))
    random.shuffle(kinds)
    return [Kind.GOOD, *kinds]  # a duplicate needs something that it repeats


def _numbers(size: int, random: Random) -> Iterator[str]:
    """Chinese mobile numbers, each once."""
    drawn = random.sample(range(len(_MOBILE_PREFIXES) * 10**8), size)
    return (f"+86{_MOBILE_PREFIXES[place // 10**8]}{place % 10**8:08}" for place in drawn)


def _row(kind: Kind, lead_id: str, number: str, earlier: list[Row], random: Random) -> Row:
    lead: dict[str, Any] = {
        "lead_id": lead_id,
        "phone": number,
        "name": f"{random.choice(_NAMES)}{random.choice(('先生', '女士'))}",
        "attrs": {"tier": random.choice(("standard", "silver", "gold"))},
    }
    if random.random() < 0.02:
        lead["priority"] = 9
    match kind:
        case Kind.ASLEEP:
            lead["timezone"] = random.choice(FAR_ZONES)
        case Kind.ALWAYS_BUSY:
            lead["priority"] = 9  # called first, and again first, until the cap says no
        case Kind.MALFORMED:
            return Row(kind, "", "", bytes(msgpack.packb(lead))[:-3])
        case Kind.NO_PHONE:
            del lead["phone"]
        case Kind.NOT_A_PHONE:
            lead["phone"] = random.choice(_NOT_PHONES)
        case Kind.OVERSIZE:
            lead["attrs"]["notes"] = "x" * OVERSIZE_BYTES
        case Kind.SAME_ID:
            lead["lead_id"] = lead_id = random.choice(earlier).lead_id
        case Kind.SAME_NUMBER:
            lead["phone"] = _written_otherwise(random.choice(earlier).number)
    return Row(kind, lead_id, "" if kind in REJECTED else number, bytes(msgpack.packb(lead)))


def _written_otherwise(number: str) -> str:
    """The same Chinese number as people write it."""
    national = number.removeprefix("+86")
    return f"{national[:3]} {national[3:7]}-{national[7:]}"
