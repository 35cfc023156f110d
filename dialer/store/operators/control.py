"""Operator commands and the audit trail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from dialer.store.base.connection import Command as RedisCommand
from dialer.store.base.connection import Store, trip
from dialer.store.base.fields import EPOCH_MAX, Fields, Undecodable, decode, encoded
from dialer.store.base.records import read as read_record
from dialer.store.base.streams import Entry, entries_of, read_after

COMMANDS_KEPT: Final = 10_000
AUDIT_KEPT: Final = 1_000_000
HANG_UP: Final = "call_hangup"
"""The command that ends one call, `attempt_id` in its arguments."""

AUDIT_PAGE: Final = 1000
MAX_NAME_LENGTH: Final = 64
MAX_ARGS_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Command:
    """What an operator wants, such as name "drain" and args {"host": "a"}."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ordered:
    """A command with who and when (seconds since the epoch), and the stream entry that it came in."""

    entry_id: str
    command: Command
    who: str
    at: float


@dataclass(frozen=True, slots=True)
class Audited:
    """One line of the audit trail; `at` is seconds since the epoch. `user` is the Redis user that wrote it, `who` what
    that one said of itself, or of whom it acted for."""

    at: float
    user: str
    who: str
    what: str
    detail: Mapping[str, Any]


def send(store: Store, command: Command, *, who: str, now: float) -> str:
    """Send a command to every daemon, and write it into the audit trail. Returns the entry's id."""
    audited = audit_line(store, command.name, who, now, command.args)
    sent, _ = trip(store, [_entry_of(store, command, who, now), audited])
    return str(sent.decode())


def tell(store: Store, command: Command, *, who: str, now: float) -> str:
    """Send a command that follows from something whose audit record is written elsewhere. Returns the entry's id."""
    return str(trip(store, [_entry_of(store, command, who[:MAX_NAME_LENGTH], now)])[0].decode())


def _entry_of(store: Store, command: Command, who: str, now: float) -> RedisCommand:
    body = {"name": command.name, "args": dict(command.args), "who": who, "at": now}
    keep = ("MAXLEN", "~", COMMANDS_KEPT)
    return ("XADD", store.keys.control(), *keep, "*", "command", encoded(body, "a command"))


def read(store: Store, cursor: str, count: int, block_ms: int) -> tuple[tuple[Ordered, ...], str]:
    """Commands after `cursor` ("$": only new ones) and the next cursor.

    What cannot be read is left out and written into the audit trail as `control_malformed`.
    """
    entries, after = read_after(store, store.keys.control(), cursor, count, block_ms)
    orders = []
    for entry in entries:
        try:
            orders.append(parse(entry))
        except Undecodable as error:
            at = int(entry.id.split("-")[0]) / 1000
            audit(store, "control_malformed", who="", now=at, detail={"entry": entry.id, "reason": str(error)})
    return tuple(orders), after


def parse(entry: Entry) -> Ordered:
    """Read one entry: one field, `command` (a msgpack map) or `json` (a JSON object). Raises `Undecodable`."""
    given = Fields(decode(entry.fields, "command"))
    name = given.text("name", MAX_NAME_LENGTH, needed=True)
    args = given.free("args", MAX_ARGS_BYTES)
    who = given.text("who", MAX_NAME_LENGTH, needed=True)
    at = given.time("at")
    given.finish()
    if at is None and not given.faults:
        given.faults.append("at: missing")
    if given.faults or at is None:
        raise Undecodable("; ".join(given.faults))
    return Ordered(entry.id, Command(name, args), who, at)


def audit(store: Store, what: str, *, who: str, now: float, detail: Mapping[str, Any]) -> None:
    """Write one line of the audit trail. Numbers in `detail` are the caller's to mask."""
    trip(store, [audit_line(store, what, who, now, detail)])


def audit_trail(store: Store, count: int) -> tuple[Audited, ...]:
    """The newest `count` lines, newest first."""
    return tuple(islice(audit_lines(store), count))


def audit_after(store: Store, cursor: str, count: int) -> tuple[tuple[tuple[str, Audited], ...], str]:
    """Lines after `cursor` ("$": only new ones), each with the id of its entry, and the next cursor."""
    entries, after = read_after(store, store.keys.audit(), cursor, count, 0)
    return tuple((entry.id, _audited(entry)) for entry in entries), after


def audit_lines(store: Store, since: float = 0.0, until: float = EPOCH_MAX) -> Iterator[Audited]:
    """The lines that came between two moments (seconds since the epoch), the newest first, read in pages. Raises
    `StoreError`."""
    oldest, newest = f"{int(since * 1000)}", f"{int(until * 1000)}"
    while True:
        reply = trip(store, [("XREVRANGE", store.keys.audit(), newest, oldest, "COUNT", AUDIT_PAGE)])[0]
        entries = entries_of(reply)
        yield from map(_audited, entries)
        if len(reply) < AUDIT_PAGE:
            return
        newest = f"({entries[-1].id}"


def _audited(entry: Entry) -> Audited:
    """A line, also one that somebody else wrote and that says less than ours."""
    at, user, who, what = (
        entry.fields.get(name, b"").decode(errors="replace") for name in (b"at", b"user", b"who", b"what")
    )
    try:
        detail = read_record(dict[str, Any], entry.fields.get(b"detail", b""), "the detail")
    except Undecodable as error:
        detail = {"unreadable": str(error)}
    try:
        return Audited(float(at), user, who, what, detail)
    except ValueError:
        return Audited(int(entry.id.partition("-")[0]) / 1000, user, who, what, detail)


def audit_line(store: Store, what: str, who: str, now: float, detail: Mapping[str, Any]) -> RedisCommand:
    """The command that writes one line of the audit trail."""
    keep = ("MAXLEN", "~", AUDIT_KEPT)
    line = (
        "at",
        now,
        "user",
        store.user,
        "who",
        who,
        "what",
        what,
        "detail",
        encoded(dict(detail), "a line of the audit trail"),
    )
    return ("XADD", store.keys.audit(), *keep, "*", *line)
