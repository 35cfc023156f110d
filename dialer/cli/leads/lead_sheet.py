"""A CSV file as people export it: its encoding, its delimiter, its columns, its rows."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CHUNK_BYTES: Final = 1 << 20
MAX_COLUMNS: Final = 200
MAX_ROWS: Final = 2_000_000
DELIMITERS: Final = ",;\t|"

FIELDS: Final = (
    "phone",
    "phones",
    "lead_id",
    "name",
    "timezone",
    "priority",
    "not_before",
    "expires_at",
    "customer_id",
    "account_id",
    "region",
    "consent_at",
    "consent_until",
    "consent_source",
)
"""Fields of a lead that a column can fill. Every other column goes to the lead's attrs."""

ATTRS: Final = "attrs"
SKIP: Final = "-"
OWN_COLUMNS: Final = ("rejected_row", "rejected_why")
"""What the file of rejected rows has besides: left out when that file is imported again."""


FORMULA_BEGINS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet calculate a cell instead of showing it."""


class BadSheet(ValueError):
    """A file that cannot be imported at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the field it fills (of `FIELDS`, or "attrs" or "-"), and its name in the file."""

    name: str
    field: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a file looks like. `digest` names its content."""

    path: Path
    encoding: str
    delimiter: str
    size_bytes: int
    digest: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a spreadsheet counts them: the header is row 1. `fault` says why it could not be read."""

    number: int
    cells: tuple[str, ...]
    fault: str = ""


def open_sheet(path: Path, mapping: Mapping[str, str], encoding: str | None = None) -> Sheet:
    """Find out what a file is. `mapping` gives columns a field by their names. Raises `BadSheet`."""
    encoding, digest, size = _look(path, encoding)
    with path.open(encoding=encoding, newline="") as file:
        header = file.readline(65_536)
    if not header.strip():
        raise BadSheet("the file is empty" if not size else "the first line is empty; it must name the columns")
    delimiter = max(DELIMITERS, key=header.count)
    with path.open(encoding=encoding, newline="") as file:
        names = next(csv.reader(file, delimiter=delimiter))  # a quoted name may go over several lines
    return Sheet(path, encoding, delimiter, size, digest, _columns(names, mapping))


def _look(path: Path, encoding: str | None) -> tuple[str, str, int]:
    """The encoding that the whole file is in, a digest of its content, and its size."""
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(b"PK"):
        raise BadSheet("this is a spreadsheet (or another archive), not CSV: save it as CSV first")
    if encoding is not None:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise BadSheet(f"no encoding is called {encoding!r}") from None
        candidates: tuple[str, ...] = (encoding,)
    elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ("utf-16",)
    else:
        candidates = ("utf-8-sig", "gb18030")
    for candidate in candidates:
        digest, size = hashlib.blake2b(digest_size=4), 0
        decoder = codecs.getincrementaldecoder(candidate)()
        try:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    digest.update(chunk)
                    size += len(chunk)
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return candidate, digest.hexdigest(), size
    raise BadSheet(f"the file is not text in {' or '.join(name.upper() for name in candidates)}; see --encoding")


def _columns(names: Sequence[str], mapping: Mapping[str, str]) -> tuple[Column, ...]:
    if len(names) > MAX_COLUMNS:
        raise BadSheet(f"{len(names)} columns, at most {MAX_COLUMNS} are read")
    names = [without_mark(name) or f"column_{place}" for place, name in enumerate(names, 1)]
    unknown = [name for name in mapping if name not in names]
    if unknown:
        raise BadSheet(f"--map names columns that are not there: {', '.join(unknown)}; there are: {', '.join(names)}")
    columns = tuple(Column(name, mapping.get(name) or _field_of(name)) for name in names)
    for field in FIELDS:
        filling = [column.name for column in columns if column.field == field]
        if len(filling) > 1 and field not in ("phone", "phones"):
            raise BadSheet(f"several columns fill {field}: {', '.join(filling)}; choose with --map")
    attrs = [column.name for column in columns if column.field == ATTRS]
    twice = sorted({name for name in attrs if attrs.count(name) > 1})
    if twice:
        raise BadSheet(f"several columns have the same name: {', '.join(twice)}")
    if not any(column.field in ("phone", "phones") for column in columns):
        raise BadSheet(f"no column is named phone or phones; say which it is, such as --map {names[0]}=phone")
    return columns


def no_formula(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula. `rows` takes the apostrophe away again."""
    return f"'{cell}" if cell.startswith(FORMULA_BEGINS) else cell


def without_mark(cell: str) -> str:
    """A cell without what marks it as text in a spreadsheet."""
    cell = cell.strip()
    return cell[1:].strip() if cell.startswith("'") and cell[1:].startswith(FORMULA_BEGINS) else cell


def _field_of(name: str) -> str:
    plain = name.lower().replace(" ", "_")
    return plain if plain in FIELDS else SKIP if plain in OWN_COLUMNS else ATTRS


def rows(sheet: Sheet, on_bytes: Callable[[int], None] = lambda _: None) -> Iterator[Row]:
    """The rows below the header; empty ones are left out. `on_bytes` is told how many bytes have been read.

    Raises `BadSheet` after `MAX_ROWS` rows.
    """
    with sheet.path.open("rb") as raw, io.TextIOWrapper(raw, encoding=sheet.encoding, newline="") as text:
        reader = csv.reader(text, delimiter=sheet.delimiter)
        next(reader)
        number = 1
        while True:
            number += 1
            try:
                cells = tuple(without_mark(cell) for cell in next(reader))
            except StopIteration:
                on_bytes(sheet.size_bytes)
                return
            except csv.Error as error:
                yield Row(number, (), f"cannot be read: {error}")
                continue
            if number - 1 > MAX_ROWS:
                raise BadSheet(f"more than {MAX_ROWS:,} rows; those were handled, put the others into another file")
            if not any(cells):
                continue
            if number % 500 == 0:
                on_bytes(raw.tell())
            surplus = len(cells) - len(sheet.columns)
            fault = f"has {len(cells)} cells, the header has {len(sheet.columns)}" if surplus > 0 else ""
            yield Row(number, cells, fault)
