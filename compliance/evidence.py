"""Evidence that can be checked by somebody else: records in a chain of hashes, and what is wrong with a chain.

A record is one line of JSON that ends with `"prev"` and `"hash"`. `hash` is the SHA-256 of the line up to there, `prev`
the hash of the record before it, so a record cannot be altered, left out, put in or moved without a trace. Records are
numbered from 1 by `seq` through all files of a host. What the chain cannot show, that its end is missing or that all of
it was written anew, shows the head: the newest record's number and hash, sealed with the host's key.

Numbers stand in records as HMAC-SHA-256 under that key (RFC 2104), never clear: without the key nobody can try all
numbers of a country, with it one number can be looked up.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from compliance.numbers import E164

GENESIS: Final = "0" * 64
"""`prev` of the first record of all."""

OPENED: Final = "opened"
"""Kind of the first record of a file. Its `torn` names what a crash left unfinished at the ends of earlier files."""

DELETED: Final = "deleted"
"""Kind of the record that a file of records `first` to `last` was deleted because it was old enough."""

_TAIL: Final = re.compile(rb',"hash":"([0-9a-f]{64})"\}\n\Z')
_TAIL_BYTES: Final = len(',"hash":""}\n') + 64
_SEQ: Final = re.compile(rb'\A\{"seq":([0-9]{1,18}),')


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to put on record. `at_ms` is milliseconds since the epoch, `fields` plain JSON data."""

    at_ms: int
    kind: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record of a chain; `Head()` before the first."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Record:
    """One record as read. Its own hash is right."""

    seq: int
    at_ms: int
    kind: str
    fields: Mapping[str, Any]
    prev: str
    hash: str


def number_hash(key: bytes, number: E164) -> str:
    """What stands in records for a number."""
    return hmac.new(key, f"number {number.clear}".encode(), hashlib.sha256).hexdigest()


def customer_hash(key: bytes, customer: str) -> str:
    """What stands in records for a customer whom nobody shall know any more."""
    return hmac.new(key, f"customer {customer}".encode(), hashlib.sha256).hexdigest()


def key_id(key: bytes) -> str:
    """Tells keys apart, and nothing else about them."""
    return hmac.new(key, b"key id", hashlib.sha256).hexdigest()[:16]


def seal(key: bytes, head: Head) -> str:
    """What only who has the key can write beside a head."""
    return hmac.new(key, f"head {head.seq} {head.hash}".encode(), hashlib.sha256).hexdigest()


def written(entry: Entry, after: Head) -> tuple[bytes, Head]:
    """The line of an entry that follows `after`, and the head that it becomes."""
    plain = {"seq": after.seq + 1, "at": entry.at_ms, "kind": entry.kind, **entry.fields, "prev": after.hash}
    body = json.dumps(plain, separators=(",", ":"), allow_nan=False).encode()[:-1]
    digest = hashlib.sha256(body).hexdigest()
    return body + f',"hash":"{digest}"}}\n'.encode(), Head(after.seq + 1, digest)


def read(line: bytes) -> Record | None:
    """A line as a record; None where it is none, or is not as it was written."""
    tail = _TAIL.search(line)
    if tail is None:
        return None
    body = line[:-_TAIL_BYTES]
    digest = hashlib.sha256(body).hexdigest()
    if digest != tail[1].decode():
        return None
    try:
        fields: Any = json.loads(body + b"}")
        seq, at, kind, prev = (fields.pop(name) for name in ("seq", "at", "kind", "prev"))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None  # whoever can compute a hash can compute it of anything
    known = isinstance(seq, int) and isinstance(at, int) and isinstance(kind, str) and isinstance(prev, str)
    return Record(seq, at, kind, fields, prev, digest) if known else None


# --- what is wrong with a chain ------------------------------------------------------------------------------------


class FaultKind(StrEnum):
    """What can be wrong."""

    ALTERED = "altered"
    MISSING = "missing"
    DISORDER = "out of order or repeated"
    UNLINKED = "does not follow from the record before it"
    UNREADABLE = "the file cannot be read to its end"
    HEAD = "is not what the daemon sealed"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with records `first` to `last`, found at `line` of `file` (0: the file as a whole)."""

    kind: FaultKind
    file: str
    line: int
    first: int
    last: int
    detail: str = ""

    def __str__(self) -> str:
        which = f"record {self.first}" if self.first == self.last else f"records {self.first} to {self.last}"
        where = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{where}: {which}: {self.kind.value}{f' ({self.detail})' if self.detail else ''}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, with its line end. `error` says why there is no more to read in the file."""

    file: str
    number: int
    raw: bytes
    error: str = ""


@dataclass(slots=True)
class Verdict:
    """What was found. `records` are good ones, `torn` files whose unfinished ends the daemon has put on record, and
    `unfinished` is a last line that was being written and that nothing relies on yet."""

    records: int = 0
    first: Record | None = None
    last: Record | None = None
    faults: list[Fault] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    unfinished: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


class Verification:
    """A chain that is being read, one line after the other, oldest first; then `verdict`.

    `part` is for a single file: it may begin and end anywhere. Otherwise what is missing before the first record must
    have been deleted on record, and nothing may be missing before `head`.
    """

    def __init__(self, head: Head | None = None, *, part: bool = False) -> None:
        self._head, self._part = head, part
        self._found = Verdict()
        self._bad: list[Line] = []  # since the last good record
        self._gaps: dict[int, Fault] = {}  # by the first number that is missing
        self._deleted: set[tuple[int, str]] = set()
        self._sealed = ""  # hash of the record that the head is about

    def take(self, line: Line) -> Record | None:
        """The next line. Returns its record, if it is one."""
        record = None if line.error else read(line.raw)
        if record is None:
            self._bad.append(line)
            return None
        self._torn_on_record(record)
        self._place(record, line)
        if record.kind == DELETED:
            self._deleted.add((record.fields.get("last", 0), str(record.fields.get("last_hash", ""))))
        if self._head is not None and record.seq == self._head.seq:
            self._sealed = record.hash
        self._found.records += 1
        return record

    def verdict(self) -> Verdict:
        """The whole, after the last line."""
        verdict, top = self._found, self._top
        sealed = self._head.seq if self._head is not None else None
        last = self._bad[-1] if self._bad else None
        if last and sealed is not None and top >= sealed and not last.error and not last.raw.endswith(b"\n"):
            self._bad.pop()
            verdict.unfinished = True
        reached = top + len(self._bad)
        end = self._bad[-1].file if self._bad else "the end"
        self._charge_bad()
        verdict.faults += self._gaps.values()
        if self._part:
            return verdict
        if verdict.first is not None and (verdict.first.seq, verdict.first.prev) != (1, GENESIS):
            before = (verdict.first.seq - 1, verdict.first.prev)
            if before not in self._deleted:
                detail = "and nothing says that they were deleted"
                verdict.faults.insert(0, Fault(FaultKind.MISSING, "the beginning", 0, 1, before[0], detail))
        if sealed is not None and reached < sealed:
            verdict.faults.append(Fault(FaultKind.MISSING, end, 0, reached + 1, sealed))
        elif self._head is not None and self._sealed and self._sealed != self._head.hash:
            verdict.faults.append(Fault(FaultKind.HEAD, "head.json", 0, self._head.seq, self._head.seq))
        return verdict

    @property
    def _top(self) -> int:
        return self._found.last.seq if self._found.last is not None else 0

    def _torn_on_record(self, record: Record) -> None:
        """Forgive the unfinished ends that an `opened` record describes exactly."""
        torn_ends = record.fields.get("torn") if record.kind == OPENED else None
        for torn in torn_ends if isinstance(torn_ends, list) else ():
            file = str(torn.get("file"))
            raw = b"".join(line.raw for line in self._bad if _stem(line.file) == file)
            if raw and torn.get("sha256") == hashlib.sha256(raw).hexdigest():
                self._bad = [line for line in self._bad if _stem(line.file) != file or line.error]
                self._found.torn.append(file)

    def _place(self, record: Record, line: Line) -> None:
        before, verdict = self._found.last, self._found
        altered = sum(not bad.error for bad in self._bad)
        expected = self._top + altered + 1
        self._charge_bad()
        if before is None:
            verdict.first = record
        elif record.seq <= before.seq:
            self._out_of_order(record, line)
            return
        elif record.seq > expected:
            self._gaps[expected] = Fault(FaultKind.MISSING, line.file, line.number, expected, record.seq - 1)
        elif not altered and record.prev != before.hash:
            verdict.faults.append(Fault(FaultKind.UNLINKED, line.file, line.number, record.seq, record.seq))
        verdict.last = record

    def _out_of_order(self, record: Record, line: Line) -> None:
        self._found.faults.append(Fault(FaultKind.DISORDER, line.file, line.number, record.seq, record.seq))
        for gap in [gap for gap in self._gaps.values() if gap.first <= record.seq <= gap.last]:
            del self._gaps[gap.first]
            for first, last in ((gap.first, record.seq - 1), (record.seq + 1, gap.last)):
                if first <= last:
                    self._gaps[first] = Fault(gap.kind, gap.file, gap.line, first, last)

    def _charge_bad(self) -> None:
        seq = self._top
        for line in self._bad:
            if line.error:
                fault = Fault(FaultKind.UNREADABLE, line.file, line.number, seq + 1, seq + 1, line.error)
            else:
                seq += 1
                seq_text = _SEQ.match(line.raw)
                which = int(seq_text[1]) if seq_text else seq
                fault = Fault(FaultKind.ALTERED, line.file, line.number, which, which)
            self._found.faults.append(fault)
        self._bad.clear()


def verify(lines: Iterable[Line], head: Head | None = None, *, part: bool = False) -> Verdict:
    """Check a whole chain, or a `part` of it, oldest line first."""
    verification = Verification(head, part=part)
    for line in lines:
        verification.take(line)
    return verification.verdict()


def _stem(file: str) -> str:
    """The name of a file whether it is compressed or not."""
    return file.removesuffix(".gz").removesuffix(".jsonl")
