"""The reference of all commands, as Markdown: `python -m dialer.cli.host.reference > docs/cli.md`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Final

import click

from dialer.cli import COMMANDS, main
from dialer.cli.base.failures import CliExit
from dialer.operating.glossary import FIGURES, PLACES
from dialer.shell.exits import Exit

HEAD: Final = """\
# The `dialer` command

Made by `python -m dialer.cli.host.reference`; a test keeps it true. Every command also has `--help`.

Global options stand before the command: `dialer --redis redis://10.0.0.5:6379/0 status`. `run` is the daemon;
`demo`, `simulate` and `pace stdio` work by themselves, `edge`, `policy`, `register` and `evidence` on files of the
machine;
everything else speaks to Redis and works from any machine that reaches it. `why` and most of `campaign` also look into
the policies of the machine, some into its registers: ask on a daemon's host. What `--json` prints goes to standard
output, warnings and errors to standard error. Phone numbers of callees are masked everywhere.
"""

EXITS: Final = {
    Exit.OK: "done",
    Exit.CRASH: "a bug, or interrupted",
    Exit.CONFIG: "wrong settings, or wrong use of the command; every mistake is named",
    Exit.REDIS: "Redis does not answer, or is the wrong one",
    Exit.SIP: "`run`: no SIP worker could be started, or they kept dying",
    Exit.SPOOLED: "`run`: drained, but events wait on disk for Redis",
    CliExit.NOT_FOUND: "there is no such campaign, lead, register or record",
    CliExit.REFUSED: "understood and not done: it exists already, cannot be started, too many of its leads are "
    "refused, the stream stays full, a register would be worse than the one before; `register show`: one cannot be "
    "relied on; `campaign preflight`: the campaign would not be started; `edge render`: a file is not current, or "
    "Kamailio does not take it",
    CliExit.PARTLY: "`leads import`: some rows were rejected, all others were taken; `leads move` and the like: "
    "some leads were left as they are",
    CliExit.NO_DAEMON: "`status`, `pace explain`: no daemon is alive",
    CliExit.BROKEN: "`evidence`: it is not whole, or does not agree with the ledger",
    CliExit.UNFIT: "`doctor`: this host cannot dial as it is, or must not",
    Exit.LOST: "`run`: drained, but records were lost: neither Redis nor the disks took them",
}


def page() -> str:
    """The whole page."""
    parts = [HEAD, "## Exit codes\n", "| Code | Meaning |\n|---|---|"]
    parts += [f"| {int(code)} | {meaning} |" for code, meaning in EXITS.items()]
    parts += ["\n## Figures on the screens\n", "| Figure | Unit | Meaning |\n|---|---|---|"]
    parts += [f"| {figure.name} | {figure.unit} | {figure.meaning} |" for figure in FIGURES]
    parts += ["\nA lead is in one of these places:\n", "| Place | Meaning |\n|---|---|"]
    parts += [f"| {place.word} | {place.meaning} |" for place in PLACES]
    parts.append("\n## Global options\n")
    parts += global_options()
    for name in COMMANDS:
        parts += command_section(name)
    return "\n".join(parts).rstrip() + "\n"


def global_options() -> Iterator[str]:
    """Those that stand before the command, a line each."""
    yield from _options(main)


def command_section(name: str) -> Iterator[str]:
    """A command with all that is below it, in lines of Markdown."""
    if name == "demo":  # has a page of its own, and belongs to another room
        yield f"\n## dialer demo\n\n{COMMANDS[name].short_help} See `dialer demo --help`."
        return
    command = main.get_command(click.Context(main, info_name="dialer"), name)
    assert command is not None
    yield from _section(command, f"dialer {name}", 2)


def _section(command: click.Command, path: str, level: int) -> Iterator[str]:
    arguments = " ".join(
        parameter.make_metavar(click.Context(command))
        for parameter in command.params
        if isinstance(parameter, click.Argument)
    )
    yield f"\n{'#' * level} {f'{path} {arguments}'.strip()}\n"
    text, _, example = inspect.cleandoc(command.help or "").partition("\b\nExample:\n")
    yield re.sub(r"\x08\n(.+?)(\n\n|\n?\Z)", r"```text\n\1\n```\2", text, flags=re.DOTALL).strip()
    if example:
        yield f"\n```sh\n{inspect.cleandoc(example)}\n```"
    options = list(_options(command))
    if options:
        yield ""
        yield from options
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _section(inner, f"{path} {name}", level + 1)


def _options(command: click.Command) -> Iterator[str]:
    context = click.Context(command)
    for parameter in command.params:
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None:
            yield f"- `{record[0]}`: {record[1]}"


if __name__ == "__main__":
    click.echo(page(), nl=False)
