"""Importing a list into a register: reading it with a bar, and refusing what is more likely a broken download."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from compliance.register import Facts, RegisterUnreadable
from config.daemon import RegisterSettings
from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.output import progress_bar
from dialer.cli.base.text import say
from dialer.disk.register_lines import MAX_EXAMPLES, Account, Bytes
from dialer.disk.registers import open_register
from dialer.language.translation import _, _n
from dialer.operating.figures import count

GZIP: Final = b"\x1f\x8b"
LEAST_OF_BEFORE: Final = 0.9
"""A register that shrinks below this share of what it was is taken only when the operator says that it is right."""


def accept(
    settings: RegisterSettings, account: Account, fresh: Facts, *, max_refused: float, smaller: bool, older: bool
) -> None:
    """Refuse what is more likely a broken download than the register of today."""
    stays = _("the register stays as it is")
    refused, read = fresh.refused, fresh.refused + account.numbers
    if not fresh.count:
        raise Failure(CliExit.REFUSED, _("there is no number in it; {stays}", stays=stays))
    if 100.0 * refused > max_refused * read:
        raise Failure(
            CliExit.REFUSED,
            _(
                "{refused:,} of {read:,} lines are no numbers, more than {max_refused:g} %; {stays}",
                refused=refused,
                read=read,
                max_refused=max_refused,
                stays=stays,
            ),
            _("Take it all the same with --max-refused"),
        )
    try:
        with open_register(Path(settings.path)) as before:
            old = before.facts
    except RegisterUnreadable:
        return  # there is none, or none that is worth keeping
    if fresh.as_of < old.as_of and not older:
        raise Failure(
            CliExit.REFUSED,
            _("its data are older than those of {as_of}; {stays}", as_of=old.as_of, stays=stays),
            _("See --older"),
        )
    if fresh.count < LEAST_OF_BEFORE * old.count and not smaller:
        message = _(
            "it has {count:,} numbers, the one before has {before:,}; {stays}",
            count=fresh.count,
            before=old.count,
            stays=stays,
        )
        raise Failure(CliExit.REFUSED, message, _("If that is right: --smaller"))


@contextmanager
def reading(path: Path) -> Iterator[tuple[Bytes, Callable[[], None]]]:
    """A list of numbers, unpacked, and what moves the progress bar on."""
    size = path.stat().st_size
    with open(path, "rb") as raw, progress_bar("reading", size) as progress:
        packed = raw.read(len(GZIP)) == GZIP
        raw.seek(0)

        def move_on() -> None:
            at = raw.tell()
            progress.reach(at)
            progress.say("reading" if at < size else "writing")

        yield (gzip.GzipFile(fileobj=raw) if packed else raw), move_on


def report(account: Account) -> None:
    """Say what became of the lines of a list."""
    lines = _n("{number:,} line", "{number:,} lines", account.lines)
    numbers = _n("{number:,} number", "{number:,} numbers", account.numbers)
    say(f"{lines}, {numbers}")
    for reason, number in account.refused.most_common():
        lines = ", ".join(map(str, account.examples[reason])) + (", ..." if number > MAX_EXAMPLES else "")
        say(_("  {number:>9}  {reason}  [line {lines}]", number=count(number), reason=reason, lines=lines))
