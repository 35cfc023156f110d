"""The no-call list as a CSV file, there and back."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import IO, Final

import click

from compliance.blocks import BadBlock, Block, BlockKind
from compliance.consent import CLOCKS_DIFFER_S
from compliance.numbers import BadNumber, masked_text
from config.campaign import NAME
from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.privacy.block_wanted import MAX_TARGETS, refuse, target_of
from dialer.cli.sheets.cells import without_mark
from dialer.drawing.cells import no_formula
from dialer.language.translation import _
from dialer.store.base.connection import Store
from dialer.store.base.fields import EPOCH_MAX
from dialer.store.privacy import blocklist

COLUMNS: Final = ("kind", "value", "campaign", "source", "reason", "who", "at", "until")
PAGE: Final = 500
LONGEST_TEXT: Final = 500


@dataclass(frozen=True, slots=True)
class Read:
    """The blocks of a file, and how many of its rows have ended."""

    blocks: tuple[Block, ...]
    ended: int


def every_block(store: Store, now: float) -> Iterator[Block]:
    """The blocks that hold at `now`, read page by page. One that changes meanwhile may come twice."""
    cursor, more = "", True
    while more:
        page, cursor = blocklist.page(store, cursor, PAGE)
        yield from (block for block in page if block.holds(now))
        more = bool(cursor)


def export(store: Store, path: Path, now: float) -> int:
    """Write every block that holds into a file that only its owner can read; returns how many. A list that cannot be
    read leaves an older file alone."""
    written, blocks = 0, every_block(store, now)
    first = next(blocks, None)
    path.unlink(missing_ok=True)  # whoever has the old file open reads no more in it
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline=""
    ) as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for block in chain((first,) if first else (), blocks):
            value = f"+{block.value}" if block.kind is BlockKind.NUMBER else block.value
            texts = map(no_formula, (block.source, block.reason, block.who))
            rows.writerow((block.kind, value, block.campaign, *texts, _iso(block.at), _iso(block.until)))
            written += 1
    return written


def read(file: IO[str], region: str, who: str, now: float) -> Read:
    """The blocks of a file. Fails with every row that is none, by its place in the file; values are not shown.

    `who` and `now` are for rows that do not say who and when.
    """
    blocks: list[Block] = []
    bad: list[str] = []
    ended = 0
    try:
        rows = csv.DictReader(file)
        _check_columns(rows.fieldnames or ())
        for row in rows:
            if len(blocks) >= MAX_TARGETS:
                raise Failure(CliExit.REFUSED, _("more than {most:,} rows: split the file", most=MAX_TARGETS))
            try:
                block = _block(row, region, who, now)
            except (BadNumber, BadBlock) as error:
                bad.append(_("line {line_num}: {error}", line_num=rows.line_num, error=error))
                continue
            if block is None:
                ended += 1
            else:
                blocks.append(block)
    except (UnicodeDecodeError, csv.Error) as error:
        raise click.UsageError(_("the file cannot be read: {error}", error=error)) from error
    refuse(bad, _("cannot be read"))
    return Read(tuple(blocks), ended)


def _check_columns(names: object) -> None:
    columns = list(names) if isinstance(names, list | tuple) else []
    missing = [name for name in ("kind", "value") if name not in columns]
    unknown = [str(name) for name in columns if name not in COLUMNS]
    problems = []
    if missing:
        problems.append(
            _("no column is named {names} (numbers alone are for dialer block add --file)", names=" or ".join(missing))
        )
    if unknown:
        problems.append(_("unknown columns {columns}", columns=masked_text(", ".join(unknown)[:200])))
    if problems:
        raise click.UsageError(
            _(
                "the first line names the columns, of {columns}: {problems}",
                columns=", ".join(COLUMNS),
                problems="; ".join(problems),
            )
        )


def _block(row: Mapping[str | None, str | None], region: str, who: str, now: float) -> Block | None:
    """The block of a row; None where it has ended. Raises `BadBlock` or `BadNumber`."""
    if None in row or None in row.values():
        raise BadBlock(_("has more or fewer cells than the first line"))
    cells = {name: without_mark(row.get(name) or "") for name in COLUMNS}
    for name in ("source", "reason", "who"):
        if len(cells[name]) > LONGEST_TEXT or not (cells[name] or " ").isprintable():
            raise BadBlock(
                _(
                    "{name}: longer than {most} characters, or holds control characters",
                    name=name,
                    most=LONGEST_TEXT,
                )
            )
    if cells["campaign"] and not NAME.fullmatch(cells["campaign"]):
        raise BadBlock(_("campaign: not a campaign's name"))
    try:
        kind = BlockKind(cells["kind"])
    except ValueError:
        raise BadBlock(_("kind: must be one of {names}", names=", ".join(BlockKind))) from None
    target = target_of(kind, cells["value"], cells["campaign"], region)
    at, until = _moment("at", cells["at"]), _moment("until", cells["until"])
    if at is not None and at > now + CLOCKS_DIFFER_S:
        raise BadBlock(_("at: is in the future"))
    if until is not None and until <= now:
        return None
    source = cells["source"] or "import"
    moment = now if at is None else at
    return target.block(source=source, reason=cells["reason"], who=cells["who"] or who, at=moment, until=until)


def _iso(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(math.ceil(at), UTC).isoformat()


def _moment(name: str, text: str) -> float | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadBlock(_("{name}: not an ISO 8601 time such as 2027-01-31T18:00:00+08:00", name=name)) from None
    if moment.tzinfo is None or not 0 <= moment.timestamp() <= EPOCH_MAX:
        raise BadBlock(_("{name}: needs its offset, such as +08:00 or Z, and a year before 2100", name=name))
    return moment.timestamp()
