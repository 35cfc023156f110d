"""Who is not to be called: numbers, beginnings of numbers, customers and accounts, for good or until some day. Pure.

A block is looked for under every name that a lead has: its number, all prefixes of the number, its customer, its
account. One that holds is enough.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from compliance.api import Per, Refusal, Rule, Subject
from compliance.numbers import E164, mask, masked_text

LONGEST_PREFIX: Final = 14
"""A number has 15 digits at most (ITU-T E.164), and a prefix is less than a number."""

LONGEST_ID: Final = 64
"""As of the ids in leads, in characters."""

PREFIX_SHOWN: Final = 7
"""So many digits of a prefix people may see; with more it is nearly a number."""

CALLEE_SOURCES: Final = frozenset(
    {"keypress", "607", "opt_out", "complaint", "refused", "wrong_number", "sale", "erased", "unreadable"}
)
"""Where a block is from that the callee asked for: a key, the phone's own mark, a word to an agent (by the outcome that
it was said with), an erasure. What cannot be read any more may have been one. Only the administrator takes such a block
away, and no other block takes its place."""

_PREFIX: Final = re.compile(rf"[1-9][0-9]{{0,{LONGEST_PREFIX - 1}}}")


class BadBlock(ValueError):
    """No block can be like this. The message says why and never repeats a number."""


def is_id(text: str) -> bool:
    """Whether a text can be the id of a customer or an account: 1 to 64 characters that can be seen, no blank before or
    after. Whoever has another id could not be named to be blocked."""
    return 0 < len(text) <= LONGEST_ID and text.isprintable() and text == text.strip()


class BlockKind(StrEnum):
    """What a block is about."""

    NUMBER = "number"
    PREFIX = "prefix"  # every number that begins so
    CUSTOMER = "customer"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Target:
    """Who is blocked, and where.

    `value` is the digits of a number or of a prefix (country code first, no plus sign), or an id. `campaign` empty: for
    all campaigns of the tenant. There is at most one block on a target. Raises `BadBlock`.
    """

    kind: BlockKind
    value: str = field(repr=False)
    campaign: str = ""

    def __post_init__(self) -> None:
        match self.kind:
            case BlockKind.NUMBER:
                try:
                    E164(f"+{self.value}")
                except ValueError as error:
                    raise BadBlock(f"number: {error}") from None
            case BlockKind.PREFIX:
                if not _PREFIX.fullmatch(self.value):
                    raise BadBlock(f"prefix: must be 1 to {LONGEST_PREFIX} digits, the country code first, no 0 before")
            case _:
                if not is_id(self.value):
                    raise BadBlock(f"{self.kind}: must be 1 to {LONGEST_ID} visible characters, no blank at the ends")

    @property
    def subject(self) -> Subject | None:
        """Whom it is about; None: a prefix is about many."""
        return None if self.kind is BlockKind.PREFIX else Subject(Per(self.kind.value), self.value)

    def block(self, *, source: str, reason: str, who: str, at: float, until: float | None = None) -> Block:
        """The block on it."""
        return Block(self.kind, self.value, self.campaign, source, reason, who, at, until)

    def __str__(self) -> str:
        """The kind and the value as people and logs may see it: a number, a long prefix, and whatever in an id looks
        like a number masked."""
        return f"{self.kind} {self.shown}"

    @property
    def shown(self) -> str:
        """The value, masked like that."""
        match self.kind:
            case BlockKind.NUMBER:
                return mask(f"+{self.value}")
            case BlockKind.PREFIX:
                return self.value[:PREFIX_SHOWN] + "*" * (len(self.value) - PREFIX_SHOWN)
            case _:
                return masked_text(self.value)


@dataclass(frozen=True, slots=True)
class Block:
    """Why somebody is not to be called; `kind`, `value` and `campaign` as in `Target`.

    `source` says where it is from (crm, operator, complaint, opt_out, keypress), `who` who asked for it. `at` is
    seconds since the epoch, and so is `until`: from then on it is no block any more; None: for good. Raises `BadBlock`,
    also where it would end before it begins.
    """

    kind: BlockKind
    value: str = field(repr=False)
    campaign: str
    source: str
    reason: str = field(repr=False)
    who: str
    at: float
    until: float | None = None

    def __post_init__(self) -> None:
        Target(self.kind, self.value, self.campaign)
        if self.until is not None and not self.at < self.until < math.inf:
            raise BadBlock("until: must be in the future")

    @property
    def target(self) -> Target:
        """Who is blocked, and where."""
        return Target(self.kind, self.value, self.campaign)

    @property
    def asked_by_callee(self) -> bool:
        """Whether the person who is not to be called asked for it."""
        return self.source in CALLEE_SOURCES

    def holds(self, now: float) -> bool:
        """Whether it is a block at `now`."""
        return self.until is None or now < self.until


def of_number(number: E164, campaign: str = "") -> Target:
    """The target that is one number."""
    return Target(BlockKind.NUMBER, number.clear[1:], campaign)


def verdict(blocks: Iterable[Block], campaign: str, now: float) -> Refusal | None:
    """The refusal that follows from what was found on somebody, or None.

    Blocks of other campaigns and those that have ended do not count. Where several hold, the one that holds longest
    speaks; its end is when the lead may be asked about again.
    """
    held = [block for block in blocks if block.campaign in ("", campaign) and block.holds(now)]
    if not held:
        return None
    longest = max(held, key=lambda block: float("inf") if block.until is None else block.until)
    return Refusal(Rule.BLOCKLIST, "blocked", longest.until, _facts(longest))


def _facts(block: Block) -> dict[str, str | float | None]:
    return {
        "campaign": block.campaign,
        "target": "" if block.kind is BlockKind.NUMBER else str(block.target),
        "source": masked_text(block.source),
        "reason": masked_text(block.reason),
        "until": block.until,
    }


class PrefixTable:
    """Blocks on beginnings of numbers, for look-ups by a number: as many steps as there are lengths, 14 at most."""

    __slots__ = ("_by_prefix", "_lengths")

    def __init__(self, blocks: Iterable[Block] = ()) -> None:
        by_prefix: dict[str, tuple[Block, ...]] = {}
        for block in blocks:
            if block.kind is not BlockKind.PREFIX:
                raise ValueError(f"a block on a {block.kind} is none on a prefix")
            by_prefix[block.value] = (*by_prefix.get(block.value, ()), block)
        self._by_prefix = by_prefix
        self._lengths = tuple(sorted({len(prefix) for prefix in by_prefix}))

    def __len__(self) -> int:
        """How many prefixes."""
        return len(self._by_prefix)

    def on(self, digits: str) -> tuple[Block, ...]:
        """The blocks on a number (its digits, country code first), of all campaigns, the shortest prefix first.

        Also those that have ended since the table was made: `verdict` leaves them out.
        """
        matching: tuple[Block, ...] = ()
        by_prefix = self._by_prefix
        for length in self._lengths:
            hit = by_prefix.get(digits[:length])
            if hit is not None and length <= len(digits):
                matching += hit
        return matching
