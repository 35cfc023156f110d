"""What the pacers of a campaign have learnt, kept for the next start and for people to look at.

Each host keeps its own, in one field of the campaign's hash. A record is `[version, time, body]`: a reader of another
version can still tell how old it is. Whatever cannot be read is left out and named; nothing here may stop a daemon.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from dialer.store.base.connection import Command, Store, attempt_trip, trip
from dialer.store.base.errors import StoreError
from dialer.store.base.fields import EPOCH_MAX, Undecodable, encoded, fault_in, unpacked
from dialer.store.base.records import plain, shaped
from pacing.api import Decision, Memory, Rule, Settings

VERSION: Final = 2
WITH_SENTENCE: Final = 1
"""The version whose decisions had a sentence in the place of the reason."""

READABLE: Final = (WITH_SENTENCE, VERSION)
MOST_BYTES: Final = 262_144
"""A longer record is neither written nor read."""

MOST_HOSTS: Final = 64
"""So many of the newest are kept of one campaign."""

KEPT_S: Final = 30 * 86_400.0
"""A host that has not saved for so long is gone: what its campaigns were like then says little now."""

FUTURE_S: Final = 86_400.0
"""A time further ahead is a mistake: its record would stay the freshest for ever."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What the pacer of one campaign on one host had learnt at one moment, and what it did then.

    `owner` is the run of the daemon that saved it, `at` when, `decided_at` when it took its last `decision` (seconds
    since the epoch; 0: none). `settings` are those in force. `figures` are for people, `memory` is for
    `pacing.policies.make`.
    """

    campaign: str
    host: str
    owner: str
    at: float
    settings: Settings
    decision: Decision
    decided_at: float
    figures: Mapping[str, float]
    memory: Memory


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that could be read, and a sentence for each record that could not."""

    records: tuple[Learnt, ...]
    faults: tuple[str, ...]

    def for_host(self, campaign: str, host: str) -> Learnt | None:
        """What a pacer of `host` goes on from: its own, else the freshest of the others."""
        records = [record for record in self.records if record.campaign == campaign]
        own = next((record for record in records if record.host == host), None)
        return own or max(records, key=lambda record: record.at, default=None)


class _Body(msgspec.Struct, frozen=True):
    """The third part of a record as it is stored."""

    owner: str
    settings: Settings
    decision: Decision
    decided_at: float
    figures: dict[str, float]
    memory: dict[str, Any]


def save(store: Store, records: Iterable[Learnt]) -> tuple[str, ...]:
    """Keep these, in one round trip. Returns a sentence for each that could not be kept, for a reason of its own.

    Raises `StoreUnavailable`; some of them may have been kept then.
    """
    commands: list[Command] = []
    faults = []
    for record in records:
        try:
            commands.append(("HSET", store.keys.learnt(record.campaign), record.host, _packed(record)))
        except StoreError as error:
            faults.append(f"campaign {record.campaign}: {error}")
    for command, reply in zip(commands, attempt_trip(store, commands) if commands else (), strict=True):
        if isinstance(reply, StoreError):
            faults.append(f"{command[1]!r}: {reply}")
    return tuple(faults)


def read(store: Store, campaigns: Iterable[str], now: float) -> Found:
    """What all hosts have learnt of these campaigns, in one round trip. Records of hosts long gone are forgotten.

    Raises `StoreUnavailable`.
    """
    names = tuple(dict.fromkeys(campaigns))
    if not names:
        return Found((), ())
    records: list[Learnt] = []
    faults: list[str] = []
    gone: list[Command] = []
    for name, reply in zip(names, attempt_trip(store, [("HGETALL", _key(store, name)) for name in names]), strict=True):
        if isinstance(reply, StoreError):
            faults.append(f"campaign {name}: {reply}")
            continue
        of_hosts = [judged(name, host, raw) for host, raw in zip(reply[::2], reply[1::2], strict=True)]
        of_hosts.sort(key=lambda each: each.at, reverse=True)
        kept = [each for each in of_hosts if now - KEPT_S <= each.at <= now + FUTURE_S][:MOST_HOSTS]
        records += [each.record for each in kept if each.record is not None]
        faults += [each.fault for each in of_hosts if each.fault]
        if len(kept) < len(of_hosts):
            gone.append(("HDEL", _key(store, name), *(each.field for each in of_hosts if each not in kept)))
    if gone:
        trip(store, gone)
    return Found(tuple(records), tuple(faults))


def _key(store: Store, campaign: str) -> str:
    return store.keys.learnt(campaign)


def _packed(record: Learnt) -> bytes:
    body = {
        "owner": record.owner,
        "settings": plain(record.settings),
        "decision": plain(record.decision),
        "decided_at": record.decided_at,
        "figures": dict(record.figures),
        "memory": dict(record.memory),
    }
    fault = fault_in(body)
    if fault is not None:
        raise StoreError(f"what was learnt {fault}")
    raw = encoded([VERSION, record.at, body], "what was learnt")
    if len(raw) > MOST_BYTES:
        raise StoreError(f"what was learnt takes {len(raw)} bytes, the limit is {MOST_BYTES}")
    return raw


@dataclass(frozen=True, slots=True)
class _Judged:
    """One field of the hash: a record, or why it is none; `at` is 0 where even the time cannot be read."""

    field: bytes
    at: float
    record: Learnt | None
    fault: str = ""


def judged(campaign: str, field: bytes, raw: bytes) -> _Judged:
    """Read one field of a campaign's hash."""
    host, at = field.decode(errors="replace"), 0.0
    try:
        if len(raw) > MOST_BYTES:
            raise Undecodable(f"{len(raw)} bytes, the limit is {MOST_BYTES}")
        match unpacked(raw):
            case [int() as version, int() | float() as time, body] if 0 <= time <= EPOCH_MAX:
                at = float(time)
            case _:
                raise Undecodable("is no record of what was learnt")
        if version not in READABLE:
            raise Undecodable(f"is of version {version}, this release reads {' and '.join(map(str, READABLE))}")
        return _Judged(field, at, _unpacked(campaign, host, at, _newer(body) if version == WITH_SENTENCE else body))
    except Undecodable as error:
        return _Judged(field, at, None, f"campaign {campaign}, host {host}: {error}")


def _newer(body: object) -> object:
    """A body of version 1, whose decision had a sentence for its reason, as one of today's."""
    match body:
        case {"decision": {"dial": dial, "reason": str(said), **more}, **others}:
            words = said.removeprefix(f"dial {dial}: ")
            reason = {"rule": Rule.OTHER.value, "text": words} if said else {"rule": Rule.NONE.value}
            return {**others, "decision": {**more, "dial": dial, "reason": reason}}
    return body


def _unpacked(campaign: str, host: str, at: float, body: object) -> Learnt:
    fault = fault_in(body)
    if fault is not None:
        raise Undecodable(fault)
    kept = shaped(_Body, body, "what was learnt")
    return Learnt(
        campaign=campaign,
        host=host,
        owner=kept.owner,
        at=at,
        settings=kept.settings,
        decision=kept.decision,
        decided_at=kept.decided_at,
        figures=kept.figures,
        memory=kept.memory,
    )
