"""`dialer completion`: scripts for the shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from dialer.cli.base.help import examples


@click.command()
@examples(
    'eval "$(dialer completion bash)"                                   # in ~/.bashrc',
    'eval "$(dialer completion zsh)"                                    # in ~/.zshrc',
    "dialer completion fish > ~/.config/fish/completions/dialer.fish",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for your shell."""
    script = get_completion_class(shell)
    assert script is not None  # all three come with click
    click.echo(script(ctx.find_root().command, {}, "dialer", "_DIALER_COMPLETE").source())
