"""Sending the leads of a file: in batches, no faster than the daemon takes them in, and with a full account."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dialer.cli.base.failures import warn
from dialer.cli.base.output import ProgressBar
from dialer.cli.leads.lead_rows import Checker, Ready, Rejected
from dialer.cli.leads.row_pool import judged, processes_for
from dialer.cli.sheets.columns import OWN_COLUMNS, BadSheet
from dialer.cli.sheets.sheet import Sheet, rows
from dialer.drawing.cells import no_formula
from dialer.language.translation import _, _n
from dialer.operating.figures import count
from dialer.store.base.connection import Store
from dialer.store.base.errors import StreamFull
from dialer.store.leads import intake
from dialer.store.leads.rejections import general
from dialer.store.operators import status

BATCH: Final = 500
POLL_S: Final = 0.3
STANDSTILL_S: Final = 10.0
"""The daemon that took nothing in for this long is not going to; there is no point in waiting on."""

REASONS_KEPT: Final = 50

MAX_REJECTED_KEPT: Final = 1000
"""Rejected rows that the JSON report lists; all of them are counted, and all are in the file of `--rejects`."""


@dataclass(slots=True)
class Account:
    """What became of the rows of a file. `reasons` counts each reason and keeps its first rows."""

    rows: int = 0
    sent: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    rejected_rows: list[dict[str, Any]] = field(default_factory=list)

    def reject(self, row: Rejected) -> None:
        """Count a rejected row under each of its reasons."""
        self.rejected += 1
        for reason in row.reasons:
            counted_as, particular = general(reason)
            self.reasons[counted_as] = self.reasons.get(counted_as, 0) + 1
            examples = self.examples.setdefault(counted_as, [])
            if len(examples) < 5:
                examples.append(f"{row.row.number} ({particular})" if particular else str(row.row.number))
        if len(self.rejected_rows) < MAX_REJECTED_KEPT:
            self.rejected_rows.append({"row": row.row.number, "lead_id": row.lead_id, "reasons": row.reasons})

    def most_frequent(self) -> dict[str, int]:
        """The reasons that are kept with the list."""
        return dict(sorted(self.reasons.items(), key=lambda item: -item[1])[:REASONS_KEPT])


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What the daemons did with the campaign's stream while we waited; `left` entries still wait in it."""

    accepted: int
    rejected: int
    left: int


Send = Callable[[Sequence[bytes]], None]
"""Sends leads, each a packed entry."""

Faults = Callable[[Sequence[Ready]], Sequence[tuple[str, ...]]]
"""Why each of some leads would not be taken in; () for one that would."""


def check_and_send(
    sheet: Sheet,
    checker: Checker,
    send: Send,
    account: Account,
    reject: Callable[[Rejected], None],
    progress: ProgressBar,
    faults: Faults | None = None,
) -> None:
    """Check every row and hand the good ones to `send` in batches; `faults` are asked for more that is wrong with them.
    Raises `BadSheet` and what `send` raises."""
    batch: list[Ready] = []

    def turn_away(rejected: Rejected) -> None:
        account.reject(rejected)
        reject(rejected)

    def flush() -> None:
        reasons_of = faults(batch) if faults else [()] * len(batch)
        for ready, reasons in zip(batch, reasons_of, strict=True):
            if reasons:
                turn_away(Rejected(ready.row, ready.lead_id, reasons))
        good = [ready.packed for ready, reasons in zip(batch, reasons_of, strict=True) if not reasons]
        send(good)
        account.sent += len(good)
        batch.clear()

    for verdict in judged(rows(sheet, progress.reach), checker.rules, processes_for(sheet.size_bytes)):
        account.rows += 1
        match checker.compare(verdict):
            case Ready() as ready:
                batch.append(ready)
                if len(batch) == BATCH:
                    flush()
            case Rejected() as rejected:
                turn_away(rejected)
    if batch:
        flush()


def sender(store: Store, campaign: str, *, limit: int, patience_s: float, progress: ProgressBar) -> Send:
    """A `send` that adds to the campaign's stream and waits while `limit` entries wait there.

    Raises `StreamFull` when nothing could be added for `patience_s` seconds.
    """

    def send(entries: Sequence[bytes]) -> None:
        rest = list(entries)
        stuck_since: float | None = None
        while rest:
            try:
                intake.enqueue(store, campaign, rest, limit=limit)
                return
            except StreamFull as full:
                rest = rest[full.added :]
                moment = time.monotonic()
                stuck_since = moment if full.added or stuck_since is None else stuck_since
                if moment - stuck_since >= patience_s:
                    raise
                progress.say(_("waiting for the daemon to take leads in"))
                time.sleep(POLL_S)
                progress.say("sending")

    return send


def wait_for_intake(
    store: Store, campaign: str, before: status.Counts, patience_s: float, progress: ProgressBar
) -> TakenIn:
    """Wait until the stream is empty, for `patience_s` at most, and no longer than something happens."""
    end = time.monotonic() + patience_s
    moved_at, last = time.monotonic(), -1
    while True:
        counts = status.counts(store, campaign, time.time())
        moment = time.monotonic()
        if counts.queued != last:
            moved_at, last = moment, counts.queued
            progress.reach(counts.accepted + counts.rejected - before.accepted - before.rejected)
        if not counts.queued or moment >= end or moment - moved_at >= STANDSTILL_S:
            return TakenIn(counts.accepted - before.accepted, counts.rejected - before.rejected, counts.queued)
        time.sleep(min(POLL_S, end - moment))


@contextmanager
def rejects_file(path: Path | None, sheet: Sheet) -> Iterator[Callable[[Rejected], None]]:
    """Writes rejected rows as they came, with their row and why, readable by the user alone. None: writes nothing.

    Raises `BadSheet` where the file cannot be written.
    """
    if path is None:
        yield lambda _: None
        return
    if path.exists() and path.samefile(sheet.path):
        raise BadSheet(_("--rejects is the imported file itself"))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.fchmod(descriptor, 0o600)  # the file may have been there already
    except OSError as error:
        raise BadSheet(_("cannot write {path}: {strerror}", path=path, strerror=error.strerror)) from error
    with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*(no_formula(column.name) for column in sheet.columns), *OWN_COLUMNS])

        def write(rejected: Rejected) -> None:
            cells = [*rejected.row.cells, *[""] * (len(sheet.columns) - len(rejected.row.cells))][: len(sheet.columns)]
            writer.writerow([*map(no_formula, cells), rejected.row.number, no_formula("; ".join(rejected.reasons))])

        yield write


def report(
    sheet: Sheet, account: Account, taken: TakenIn | None, list_name: str, dry_run: bool, rejects: Path | None
) -> list[str]:
    """What became of the rows, for people."""
    lines = [
        _(
            "{name}: {rows}, {what}; list {list_name}",
            name=sheet.path.name,
            rows=_n("{number:,} row", "{number:,} rows", account.rows),
            what=sheet.what,
            list_name=list_name,
        ),
        f"  {_('would be sent') if dry_run else 'sent':<14}{count(account.sent):>9}",
        f"  {'rejected':<14}{count(account.rejected):>9}",
    ]
    for reason, number in sorted(account.reasons.items(), key=lambda item: (-item[1], item[0])):
        rows = ", ".join(account.examples[reason]) + (", ..." if number > len(account.examples[reason]) else "")
        lines.append(f"    {count(number):>7}  {reason}  [{'row' if number == 1 else 'rows'} {rows}]")
    if any("not a valid number of region" in reason for reason in account.reasons):
        lines.append(_("  A range that is new? numbers.also_valid in the daemons' settings allows its prefix."))
    if rejects is not None:
        lines.append(_("  The rejected rows are in {rejects}; it has clear phone numbers.", rejects=rejects))
    if taken is not None:
        lines.append(
            _(
                "  The daemon accepted {accepted:,} and rejected {rejected:,}.",
                accepted=taken.accepted,
                rejected=taken.rejected,
            )
        )
        if taken.left:
            waiting = _n("{number:,} lead still waits", "{number:,} leads still wait", taken.left)
            warn(_("{waiting} in the stream; dialer campaign show says when they are in", waiting=waiting))
    return lines
