"""`dialer completion`: scripts for the shell, and the words it can complete."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

from dialer.cli.base.invocation import Invocation, as_flags


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for your shell.

    \b
    Example:
      eval "$(dialer completion bash)"                                   # in ~/.bashrc
      eval "$(dialer completion zsh)"                                    # in ~/.zshrc
      dialer completion fish > ~/.config/fish/completions/dialer.fish
    """
    script = get_completion_class(shell)
    assert script is not None  # all three come with click
    click.echo(script(ctx.find_root().command, {}, "dialer", "_DIALER_COMPLETE").source())


def campaign_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The campaigns in Redis. Completion has no place for messages: where Redis is away it offers nothing."""
    from config.problems import ConfigError
    from dialer.store.base.errors import StoreError
    from dialer.store.operators import campaigns

    given = ctx.find_root().params
    try:
        flags = as_flags(given.get("pairs") or (), "--set")
        if given.get("redis"):
            flags["redis.url"] = given["redis"]
        with Invocation(given.get("config"), flags).store() as store:
            names = campaigns.names(store)
    except (ConfigError, StoreError, click.UsageError):
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
