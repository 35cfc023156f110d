"""Printing: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, Final

import click
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

PIPED_WIDTH: Final = 200
"""Columns where the output is no terminal: tables are for `grep` then, and should not be cut."""


def console(*, error: bool = False) -> Console:
    """A console on standard output or standard error as it is now."""
    stream = sys.stderr if error else sys.stdout
    return Console(
        file=stream, width=None if stream.isatty() else PIPED_WIDTH, highlight=False, emoji=False, markup=False
    )


def show(renderable: RenderableType) -> None:
    """Print something drawn, without spaces at the ends of lines where no terminal needs them."""
    screen = console()
    if screen.is_terminal:
        screen.print(renderable)
        return
    with screen.capture() as captured:
        screen.print(renderable)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def show_json(data: Any) -> None:
    """Print one JSON document. Dataclasses become objects; non-ASCII text stays as it is."""
    click.echo(json.dumps(_plain(data), ensure_ascii=False, indent=2, default=str))


def _plain(data: Any) -> Any:
    if is_dataclass(data) and not isinstance(data, type):
        return asdict(data)
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(item) for item in data]
    return data


def table(heads: Sequence[str], rows: Iterable[Sequence[Text | str]], *, right: Iterable[str] = ()) -> Table:
    """A plain table. Columns whose heads are in `right` hold figures."""
    figures = set(right)
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in heads:
        drawn.add_column(head, justify="right" if head in figures else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    return drawn


def when(at: float | None) -> str:
    """A moment in local time; empty for None."""
    return "" if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
