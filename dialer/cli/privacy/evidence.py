"""`dialer evidence`: is the record whole, what does it say of an attempt, and what rates follow from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import RenderableType
from rich.text import Text

from dialer.cli.base.failures import CliExit, Failure, warn
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, progress_bar, table, when
from dialer.language.translation import _, _n

if TYPE_CHECKING:  # a command that only prints its help need not load these
    from compliance.evidence import Record, Verdict
    from compliance.numbers import E164
    from dialer.disk.evidence_files import Segment

MOST_FAULTS: Final = 50
"""Faults that are printed; all of them are counted, and `--json` has them all."""

PATHS: Final = click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[PATH]...")


@click.group(cls=NearGroup)
def evidence() -> None:
    """The record of every compliance decision and of every attempt's end.

    Each host keeps its own, in evidence.folder. These commands read it there, or in copies of it: give the folders.
    """


@evidence.command()
@examples("dialer evidence verify", "dialer evidence verify /mnt/archive/dial-1/evidence")
@PATHS
@answering
def verify(invocation: Invocation, paths: tuple[Path, ...]) -> Answer:
    """Check that no record was altered, left out, put in, moved or cut off.

    PATH is a folder of evidence, or one file of it: then what is before and after it is not looked at. Without PATH it
    is evidence.folder. With the host's key, from evidence.key_file, the seal on the newest record is checked, too; for
    another host's folder name its key with --set evidence.key_file=FILE. The daemon may be running. The exit code is 10
    if anything is wrong.
    """
    verdicts = {str(path): _verified(invocation, path) for path in _places(invocation, paths)}
    data = {
        place: {
            "whole": verdict.whole,
            "records": verdict.records,
            "first": verdict.first.seq if verdict.first else None,
            "last": verdict.last.seq if verdict.last else None,
            "last_hash": verdict.last.hash if verdict.last else None,
            "sealed": sealed,
            "faults": [str(fault) for fault in verdict.faults],
            "torn": verdict.torn,
        }
        for place, (verdict, sealed) in verdicts.items()
    }
    lines = [line for place, (verdict, sealed) in verdicts.items() for line in _lines(place, verdict, sealed)]
    whole = all(verdict.whole for verdict, _ in verdicts.values())
    return Answer(data, lines, code=0 if whole else CliExit.BROKEN)


def _lines(place: str, verdict: Verdict, sealed: bool) -> Iterator[RenderableType]:
    yield from (Text(str(fault), "red") for fault in verdict.faults[:MOST_FAULTS])
    if len(verdict.faults) > MOST_FAULTS:
        yield _("and {what} more; --json has them all", what=len(verdict.faults) - MOST_FAULTS)
    for name in verdict.torn:
        yield _("{name}: the machine stopped while it was written; that is on record", name=name)
    if verdict.first is None or verdict.last is None:
        yield _("{place}: no records", place=place)
        return
    span = _("records {first} to {last}", first=verdict.first.seq, last=verdict.last.seq)
    since, until = (when(record.at_ms / 1000) for record in (verdict.first, verdict.last))
    state = _n("{number:,} fault", "{number:,} faults", len(verdict.faults)) if verdict.faults else _("whole")
    yield _(
        "{place}: {state}, {span}, {since} to {until}", place=place, state=state, span=span, since=since, until=until
    )
    seal = _("sealed") if sealed else _("seal not checked")
    yield _("newest: {seq} {hash} ({seal})", seq=verdict.last.seq, hash=verdict.last.hash, seal=seal)


@evidence.command()
@examples(
    "dialer evidence rates --campaign spring-sale --since 2026-03-01",
    "dialer evidence rates /mnt/dial-1/evidence /mnt/dial-2/evidence --offline",
)
@PATHS
@click.option("--campaign", metavar="NAME", help="Only this campaign.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="First day.  [default: 30 days ago]")
@click.option("--offline", is_flag=True, help="Without Redis: do not compare with the ledger.")
@answering
def rates(
    invocation: Invocation,
    paths: tuple[Path, ...],
    campaign: str | None,
    since: object,
    offline: bool,
) -> Answer:
    """Count the abandonment rates anew, from the evidence alone, and compare them with the ledger.

    By counting day, then by the counting windows that are open now. Give the folders of all hosts to see all calls;
    the days are compared with the ledger of the hosts whose evidence was given. The exit code is 10 if the evidence is
    not whole or does not agree with the ledger.
    """
    from dialer.cli.privacy.evidence_rates import as_json_rows, compared, counted, page

    first = since.date().isoformat() if hasattr(since, "date") else (date.today() - timedelta(30)).isoformat()
    places = _places(invocation, paths)
    whole = True

    def read_all(see: Callable[[Record], None], *, check: bool) -> None:
        nonlocal whole

        def understood(record: Record) -> None:
            try:
                see(record)
            except (KeyError, TypeError, ValueError, AttributeError):
                reason = _("record {seq} ({kind}) is not as this release writes it", seq=record.seq, kind=record.kind)
                raise Failure(CliExit.BROKEN, reason) from None

        for place in places:
            if check:
                verdict = _verified(invocation, place, understood)[0]
                whole = whole and verdict.whole
            else:
                _each(place, _segments(place), understood)

    at = now()
    report = counted(read_all, first, campaign, at)
    if not offline:
        with invocation.store() as store:
            report = compared(store, report, first, at)
    if not whole:
        warn(_("the evidence is not whole: dialer evidence verify"))
    code = 0 if whole and report.agrees else CliExit.BROKEN
    return Answer({"whole": whole, **as_json_rows(report)}, page(report), code=code)


@evidence.command("show")
@examples(
    "dialer evidence show --attempt 19a3f-2b7c-000017",
    "dialer evidence show --number +8613800001234",
    "dialer evidence show --kind audited",
)
@PATHS
@click.option("--attempt", metavar="ID", help="The records of one attempt.")
@click.option("--number", metavar="NUMBER", help="The records of one number, +86...; needs the host's key.")
@click.option("--kind", metavar="KIND", help="The records of one kind, such as audited: the audit trail as it came.")
@answering
def show_(
    invocation: Invocation, paths: tuple[Path, ...], attempt: str | None, number: str | None, kind: str | None
) -> Answer:
    """Print what is on record of an attempt or of a number, or all records of one kind."""
    from compliance.numbers import BadNumber, parse

    given = {"attempt": attempt, "number": number, "kind": kind}
    names = [name for name, value in given.items() if value is not None]
    if len(names) != 1:
        raise click.UsageError(_("give --attempt, --number or --kind"))
    (name,) = names
    if number is None:
        records = _records(_places(invocation, paths), name, {given[name]})
    else:
        try:
            records = records_of(invocation, [parse(number, "ZZ")], paths)
        except BadNumber as error:
            raise click.UsageError(_("--number: {error}; write it with + and its country code", error=error)) from None
    if not records:
        raise Failure(CliExit.NOT_FOUND, _("nothing is on record of this {name}", name=name))
    page: list[RenderableType] = []
    for record in records:
        page.append(
            Text(
                _("{what}  {kind}  record {seq}", what=when(record.at_ms / 1000), kind=record.kind, seq=record.seq),
                "bold",
            )
        )
        page.append(table(("", ""), [(f"  {key}", _text(value)) for key, value in record.fields.items()]))
    data = [{"seq": record.seq, "at": record.at_ms, "kind": record.kind, **record.fields} for record in records]
    return Answer(data, page)


def records_of(invocation: Invocation, numbers: Sequence[E164], paths: tuple[Path, ...] = ()) -> list[Record]:
    """What is on record of some numbers, in this host's folder or in others. Fails without the host's key."""
    from compliance.evidence import number_hash

    key = _key(invocation)
    if key is None:
        raise Failure(CliExit.NOT_FOUND, _("the key in evidence.key_file is needed to look a number up"))
    return _records(_places(invocation, paths), "number", {number_hash(key, number) for number in numbers})


def _records(places: Sequence[Path], name: str, values: Collection[object]) -> list[Record]:
    records: list[Record] = []

    def see(record: Record) -> None:
        value = record.kind if name == "kind" else record.fields.get(name)
        if isinstance(value, str) and value in values:
            records.append(record)

    for place in places:
        _each(place, _segments(place), see)
    return records


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {when(at / 1000)}.{at % 1000:03}" for key, at in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "yes" if value is True else "no" if value is False else "" if value is None else str(value)


# --- reading -------------------------------------------------------------------------------------------------------


def _places(invocation: Invocation, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The folders or files to read."""
    if paths:
        return paths
    folder = Path(invocation.effective().settings.evidence.folder)
    if not folder.is_dir():
        raise Failure(
            CliExit.NOT_FOUND,
            _("{folder} is not there", folder=folder),
            _("Name the folder: dialer evidence COMMAND PATH"),
        )
    return (folder,)


def _segments(place: Path) -> list[Segment]:
    from dialer.disk.evidence_files import segments, single

    try:
        return segments(place) if place.is_dir() else [single(place)]
    except OSError as error:
        raise Failure(CliExit.NOT_FOUND, f"{place}: {error.strerror}", _("Read it as the daemon's user.")) from error


def _key(invocation: Invocation) -> bytes | None:
    """The host's key, if there is one that we may read."""
    from dialer.disk.errors import DiskError
    from dialer.disk.evidence_files import read_key

    try:
        return read_key(Path(invocation.effective().settings.evidence.key_file))
    except (OSError, DiskError):
        return None


def _verified(
    invocation: Invocation, place: Path, see: Callable[[Record], None] = lambda _: None
) -> tuple[Verdict, bool]:
    """The verdict on a folder or a file, and whether the seal was checked. `see` is shown every good record.

    A folder that says itself that it is of another key is another host's; in this host's own that is a fault.
    """
    from compliance.evidence import OPENED, Fault, FaultKind, Verification, key_id
    from dialer.disk.errors import DiskError
    from dialer.disk.evidence_files import lines, read_head

    head, key, problem = None, _key(invocation), ""
    of_key = ""
    if place.is_dir() and _segments(place):
        try:  # before the files are listed: the daemon may be running, and the head must not be ahead of them
            head = read_head(place, None)
            read_head(place, key)
        except DiskError as error:
            problem = str(error)
    verification, files = Verification(head, part=not place.is_dir()), _segments(place)
    with _progress(place, files) as progress:
        for line in lines(files, progress):
            record = verification.take(line)
            if record is not None:
                of_key = str(record.fields.get("key")) if record.kind == OPENED else of_key
                see(record)
    verdict = verification.verdict()
    own = place.resolve() == Path(invocation.effective().settings.evidence.folder).resolve()
    if problem and (own or head is None or key is None or of_key == key_id(key)):
        last = verdict.last.seq if verdict.last else 0
        verdict.faults.append(Fault(FaultKind.HEAD, "head.json", 0, last, last, problem))
    return verdict, head is not None and key is not None and not problem


def _each(place: Path, files: list[Segment], see: Callable[[Record], object]) -> None:
    """Show every good record of a folder or a file, in order."""
    from compliance.evidence import read
    from dialer.disk.evidence_files import lines

    with _progress(place, files) as progress:
        for line in lines(files, progress):
            record = read(line.raw)
            if record is not None:
                see(record)


@contextmanager
def _progress(place: Path, files: list[Segment]) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, where that is a terminal."""
    total = sum(file.path.stat().st_size for file in files if file.path.exists())
    with progress_bar(_("reading {place}", place=place), total) as progress:
        yield progress.advance
