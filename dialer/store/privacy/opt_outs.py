"""Opt-outs by the callee's phone on their way to the no-call list: a key during the abandon message, or a 607."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from compliance.blocks import of_number
from compliance.numbers import E164
from dialer.store.base.connection import Command, ScriptCall, Store, trip
from dialer.store.base.records import Digits, Time, plain, shaped
from dialer.store.operators import control
from dialer.store.privacy import blocklist

KEYPRESS: Final = "keypress"
UNWANTED: Final = "607"
"""SIP 607 (RFC 8197): the callee marked the call as unwanted, and those that follow are to stay away."""

WHO: Final = "callee"


@dataclass(frozen=True, slots=True)
class OptedOut:
    """Whoever was called at `number` pressed `key` at `at` (seconds since the epoch), in that attempt; without a key,
    their phone said 607."""

    campaign: str
    attempt: str
    number: E164
    key: str
    at: float

    @property
    def source(self) -> str:
        """What the no-call list says of where the block comes from."""
        return KEYPRESS if self.key else UNWANTED

    @property
    def reason(self) -> str:
        """Why, for people."""
        return f"{f'pressed {self.key}' if self.key else 'marked as unwanted'} in attempt {self.attempt}"


def block(store: Store, pressed: Sequence[OptedOut]) -> None:
    """Block the numbers for all campaigns and for good, and write it into the audit trail. Doing it again, after an
    answer that was lost, changes nothing and leaves a second line there."""
    if not pressed:
        return
    blocks = [
        of_number(opt_out.number).block(source=opt_out.source, reason=opt_out.reason, who=WHO, at=opt_out.at)
        for opt_out in pressed
    ]
    blocklist.change(store, blocks, now=blocks[0].at)
    lines: list[Command | ScriptCall] = [
        control.audit_line(store, "block", WHO, block.at, {**blocklist.audited(block.target), "source": block.source})
        for block in blocks
    ]
    trip(store, lines)


def to_wire(opt_out: OptedOut) -> dict[str, Any]:
    """As plain msgpack-able data, for the disk spool. It holds a clear number."""
    wire: dict[str, Any] = plain(
        _Wire(opt_out.campaign, opt_out.attempt, opt_out.number.clear, opt_out.key, opt_out.at)
    )
    return wire


def from_wire(data: object) -> OptedOut:
    """The way back. Raises `Undecodable` for what `to_wire` did not write."""
    wire = shaped(_Wire, data, "not an opt-out: it")
    return OptedOut(wire.campaign, wire.attempt, E164(wire.number), wire.key, wire.at)


class _Wire(msgspec.Struct, frozen=True):
    campaign: str
    attempt: str
    number: Digits
    key: str
    at: Time
