"""Command groups that load a command only when it is used, and that say what a mistyped one may have meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from dialer.cli.base.failures import did_you_mean, failure_of
from dialer.cli.base.invocation import GLOBAL_OPTIONS, Invocation
from dialer.language.translation import _


@dataclass(frozen=True, slots=True)
class Lazy:
    """Where a command is ("package.module:attribute"), the section of the help it stands in, and its one line there."""

    target: str
    section: str
    short_help: str


class NearGroup(click.Group):
    """A group that lists its commands as written, and names the nearest one when there is none of a name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if not ctx.resilient_parsing and not word.startswith("-") and word not in self.list_commands(ctx):
            hints = did_you_mean(word, tuple(self.list_commands(ctx)))
            raise click.UsageError(" ".join((_("No such command {word!r}.", word=word), *hints)), ctx)
        return super().resolve_command(ctx, args)


class RootGroup(NearGroup):
    """The root. Help and completion of command names read the table alone and import no command."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.lazy.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in self.lazy.items():
            sections.setdefault(entry.section, []).append((name, entry.short_help))
        width = max(map(len, self.lazy))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(width), text) for name, text in rows])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [
            CompletionItem(name, help=entry.short_help)
            for name, entry in self.lazy.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            if error.option_name in GLOBAL_OPTIONS:
                where = _(
                    "It belongs before the command: dialer {option_name} ... COMMAND", option_name=error.option_name
                )
                raise click.NoSuchOption(error.option_name, f"{error.message} {where}", ctx=error.ctx) from None
            raise
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            url = ctx.obj.redis_url() if isinstance(ctx.obj, Invocation) else ""
            failure = failure_of(error, url)
            if failure is None:
                raise
            failure.show()
            raise click.exceptions.Exit(int(failure.code)) from error
