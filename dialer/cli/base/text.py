"""A line of text for the terminal."""

from __future__ import annotations

import click

from dialer.language.translation import translated
from dialer.operating.text import clean


def say(text: str, *, error: bool = False) -> None:
    """Print a line as it is, however long."""
    click.echo(clean(translated(text)), err=error)
