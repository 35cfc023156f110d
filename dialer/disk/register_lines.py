"""Numbers out of the lists that registers are published as: text or CSV, one number a line, millions of them.

Lines of nothing but digits are read by the chunk. Whatever is left goes through the parser that leads go through.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import phonenumbers
from numpy.typing import NDArray

from compliance.numbers import BadNumber, parse
from dialer.disk.errors import DiskError

Values = NDArray[np.uint64]
"""Numbers as their digits in international form, without the plus."""

CHUNK_BYTES: Final = 1 << 22
MAX_LINE_BYTES: Final = 1 << 16
MAX_EXAMPLES: Final = 5

_SEPARATORS: Final = b" \t.-()/\"'\xa0\xc2"
_DELIMITERS: Final = (b"\t", b";", b",")
_FEWEST, _MOST = 5, 17  # digits of a line that is looked at by the chunk
_FEWEST_E164, _MOST_E164 = 7, 15


class Bytes(Protocol):
    """A file that is read from its start to its end."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, `size` at most; none at the end."""


class BadList(DiskError):
    """A list of numbers that cannot be read at all. The message says why."""


@dataclass(slots=True)
class Account:
    """What became of the lines of a list. `refused` counts by reason, `examples` has the first lines of each."""

    lines: int = 0
    numbers: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[int]] = field(default_factory=dict)

    def refuse(self, line: int, reason: str) -> None:
        """Count a line that is no number."""
        self.refused[reason] += 1
        seen = self.examples.setdefault(reason, [])
        if len(seen) < MAX_EXAMPLES:
            seen.append(line)


@dataclass(frozen=True, slots=True)
class Plan:
    """What of a country's numbering plan tells how a number was written: calling code, trunk prefix, and how many
    digits a national number has without it."""

    code: str
    trunk: str
    lengths: frozenset[int]

    @classmethod
    def of(cls, region: str) -> Plan:
        """The plan of a country, ISO 3166."""
        metadata: Any = phonenumbers.PhoneMetadata.metadata_for_region(region)
        lengths = frozenset(metadata.general_desc.possible_length)
        return cls(str(metadata.country_code), metadata.national_prefix or "", lengths)


def numbers_of(
    file: Bytes, region: str, columns: Sequence[str], account: Account, read: Callable[[], None]
) -> Iterator[Values]:
    """The numbers of a list, some thousands at a time, not sorted, doubles and all.

    `region` is the country of numbers without a country code, ISO 3166. `columns` are names or places (1 is the first)
    of the columns of a CSV file that make up the number, joined; none: each line is a number. `read` is called after
    each chunk. Raises `BadList`.
    """
    plan, cells, rest = Plan.of(region), _Cells(columns), b""
    while chunk := file.read(CHUNK_BYTES):
        if not account.lines and not rest:
            chunk = _from_its_start(chunk)
            cells.first_line = _first_line(chunk)
            if cells.first_line:
                cells.begin(chunk.split(b"\n", cells.first_line)[cells.first_line - 1].strip())
        lines, newline, rest = (rest + chunk).rpartition(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            line = account.lines + (lines + newline).count(b"\n") + 1
            raise BadList(f"line {line} has more than {MAX_LINE_BYTES} bytes")
        if newline:
            yield from _read(lines + newline, plan, region, cells, account)
        read()
    if rest:
        yield from _read(rest + b"\n", plan, region, cells, account)
    read()


def _from_its_start(chunk: bytes) -> bytes:
    if chunk.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadList("it is UTF-16 text: save it as UTF-8")
    return chunk.removeprefix(b"\xef\xbb\xbf")


def _first_line(text: bytes) -> int:
    """The first line (1 is the first) that is neither empty nor a comment: only there may be a heading."""
    lines = enumerate(text.split(b"\n"), 1)
    return next((line for line, raw in lines if raw.strip() and not raw.startswith(b"#")), 0)


def _read(text: bytes, plan: Plan, region: str, cells: _Cells, account: Account) -> Iterator[Values]:
    """Two passes by the chunk, the second over lines freed of separators, then one line at a time."""
    first = account.lines + 1
    values, places, count = _by_the_chunk(cells.joined(text), plan)
    account.lines += count
    account.numbers += len(values)
    yield values
    lines = text.split(b"\n") if places else []
    odd = [(first + place, lines[place]) for place, _ in places]
    picked = [(line, bare) for line, raw in odd if (bare := cells.bare(raw, line, account))]
    values, places, _ = _by_the_chunk(b"".join(bare + b"\n" for _, bare in picked), plan)
    account.numbers += len(values)
    yield values
    slow = []
    for place, bare in places:
        try:
            slow.append(int(parse(bare.decode("ascii", "replace"), region).clear[1:]))
        except BadNumber as error:
            account.refuse(picked[place][0], str(error))
    account.numbers += len(slow)
    yield np.array(slow, np.uint64)


@dataclass(slots=True)
class _Cells:
    """Finds the number in a line. `delimiter` and `places` of the columns are known once the first line was seen."""

    columns: Sequence[str]
    first_line: int = 0
    delimiter: bytes = b""
    places: tuple[int, ...] = ()

    def joined(self, text: bytes) -> bytes:
        """Some lines without the delimiters of those rows of which all columns make up the number, in their order."""
        width = len(self.places)
        if width < 2 or self.places != tuple(range(width)):
            return text
        raw = np.frombuffer(text, np.uint8)
        delimiters = raw == self.delimiter[0]
        lengths = np.diff(np.flatnonzero(raw == 10), prepend=-1)
        fields = np.add.reduceat(delimiters, np.cumsum(lengths) - lengths, dtype=np.int32) + 1
        kept: bytes = raw[~(delimiters & np.repeat(fields == width, lengths))].tobytes()
        return kept

    def bare(self, raw: bytes, line: int, account: Account) -> bytes:
        """The number in a line without separators; empty where there is none to read: an empty line, a comment, the
        heading, or one that was refused here."""
        text = raw.strip()
        if not text or text.startswith(b"#"):
            return b""
        if line == self.first_line or (self.columns and not self.places):
            self.begin(text)
            if (self.columns and self.places and not self._digits_at(text)) or not _has_digit(text):
                return b""
        if not self.columns:
            given = [cell for cell in _split(text, _delimiter(text)) if cell.strip(_SEPARATORS)]
            if len(given) > 1:
                account.refuse(line, "several fields: name the column that has the number")
                return b""
            return given[0].translate(None, _SEPARATORS) if given else b""
        row = _split(text, self.delimiter)
        if len(row) <= max(self.places):
            account.refuse(line, "fewer columns than the number needs")
            return b""
        return b"".join(row[place] for place in self.places).translate(None, _SEPARATORS) or b"-"

    def begin(self, text: bytes) -> None:
        """Learn from the first line, which may be a heading, where the columns are. Raises `BadList`."""
        self.delimiter = _delimiter(text)
        heads = [cell.strip(_SEPARATORS).decode("utf-8", "replace").lower() for cell in _split(text, self.delimiter)]
        places = []
        for column in self.columns:
            if column.isdecimal() and int(column) > 0:
                places.append(int(column) - 1)
            elif column.lower() in heads:
                places.append(heads.index(column.lower()))
            else:
                raise BadList(f"there is no column {column!r} in its first line")
        self.places = tuple(places)

    def _digits_at(self, text: bytes) -> bool:
        row = _split(text, self.delimiter)
        return any(_has_digit(row[place]) for place in self.places if place < len(row))


def _has_digit(text: bytes) -> bool:
    return any(48 <= byte <= 57 for byte in text)


def _delimiter(text: bytes) -> bytes:
    return max(_DELIMITERS, key=text.count)


def _split(text: bytes, delimiter: bytes) -> list[bytes]:
    if b'"' not in text:
        return text.split(delimiter)
    try:
        (row,) = csv.reader([text.decode("utf-8", "replace")], delimiter=delimiter.decode())
    except csv.Error:  # a carriage return within it, or a cell without end
        return text.split(delimiter)
    return [cell.encode() for cell in row]


def _by_the_chunk(text: bytes, plan: Plan) -> tuple[Values, list[tuple[int, bytes]], int]:
    """The numbers of those lines that are nothing but digits, perhaps after a plus; the other lines that are not
    empty, each with its place (0 is the first); and how many lines there are. `text` ends with a newline, or is empty.
    """
    raw = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(raw == 10)
    count = len(ends)
    if not count:
        return np.empty(0, np.uint64), [], 0
    starts = np.concatenate(([0], ends[:-1] + 1))
    ends = np.where((ends > starts) & (raw[ends - 1] == 13), ends - 1, ends)
    strange = np.concatenate(([0], np.cumsum((raw - np.uint8(48)) > 9, dtype=np.int32)))
    strange_in = strange[ends] - strange[starts]
    plus = (raw[starts] == 43) & (strange_in == 1)
    length = ends - starts - plus
    readable = (strange_in == plus) & (length >= _FEWEST) & (length <= _MOST)
    values, unread = np.zeros(count, np.uint64), (ends > starts)
    for digits in np.unique(length[readable]):
        mine = np.flatnonzero(readable & (length == digits))
        number = _digits(raw, starts[mine] + plus[mine], int(digits))
        values[mine] = _international(number, int(digits), plus[mine], plan)
        unread[mine] = values[mine] == 0
    places = np.flatnonzero(unread)
    return values[values > 0], [(int(i), text[starts[i] : ends[i]]) for i in places], count


def _digits(raw: NDArray[np.uint8], starts: NDArray[np.int64], digits: int) -> Values:
    number = np.zeros(len(starts), np.uint64)
    for i in range(digits):
        number = number * np.uint64(10) + (raw[starts + i] - np.uint8(48))
    return number


def _international(number: Values, digits: int, plus: NDArray[np.bool_], plan: Plan) -> Values:
    """Numbers of so many digits in international form; 0 where the digits do not tell, or tell more than one thing."""

    def begins(with_: str) -> NDArray[np.bool_]:
        if not with_ or len(with_) >= digits:
            return np.zeros(len(number), np.bool_)
        head: Values = number // np.uint64(10 ** (digits - len(with_)))
        return np.asarray(head == np.uint64(int(with_)), np.bool_)

    nobody = np.zeros(len(number), np.uint64)
    short = digits - len(plan.trunk)
    bare = nobody + np.uint64(int(plan.code) * 10**digits) + number if digits in plan.lengths else nobody
    cut = nobody
    if plan.trunk and short in plan.lengths:
        rest = np.uint64(int(plan.code) * 10**short) + number % np.uint64(10**short)
        cut = np.where(begins(plan.trunk), rest, 0).astype(np.uint64)
    whole = nobody
    if digits - len(plan.code) in plan.lengths:
        whole = np.where(begins(plan.code), number, 0).astype(np.uint64)
    longest = np.maximum(np.maximum(bare, cut), whole)
    agreed = np.all([(reading == 0) | (reading == longest) for reading in (bare, cut, whole)], axis=0)
    national = np.where(agreed, longest, 0).astype(np.uint64)
    if not _FEWEST_E164 <= digits <= _MOST_E164:
        return np.where(plus, 0, national).astype(np.uint64)
    # A number of our own country that has another length, as in +33 (0)6 12 34 56 78, is left to the parser.
    strange = begins(plan.code) & (digits - len(plan.code) not in plan.lengths)
    given = (number >= 10 ** (digits - 1)) & ~strange
    return np.where(plus, np.where(given, number, 0), national).astype(np.uint64)
