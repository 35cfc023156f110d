"""Printing: drawings and text for people, JSON for programs, and no character that would steer a terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from dialer.cli.base.invocation import Invocation, json_option, pass_invocation
from dialer.cli.base.text import say
from dialer.language.translation import _, translated, word
from dialer.operating.text import clean, escaped

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PIPED_WIDTH: Final = 200
"""Columns where the output is no terminal: tables are for `grep` then, and should not be cut."""

FOLDED_WIDTH: Final = 14
"""Columns that a column of sentences needs at least, with the gap before it."""

PAGE_WIDTH: Final = 120
"""Columns of a page at most: longer lines are hard to read."""


class _CleanConsole(Console):
    """A console on which no text steers the terminal; its own control sequences do."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(clean(segment.text), segment.style)


def console(*, error: bool = False) -> Console:
    """A console on standard output or standard error as it is now."""
    stream = sys.stderr if error else sys.stdout
    return _CleanConsole(
        file=stream, width=None if stream.isatty() else PIPED_WIDTH, highlight=False, emoji=False, markup=False
    )


def page_width() -> int:
    """Columns that a page may use."""
    return min(console().width, PAGE_WIDTH)


def show(renderable: RenderableType) -> None:
    """Print something drawn, without spaces at the ends of lines where no terminal needs them."""
    screen = console()
    if screen.is_terminal:
        screen.print(renderable)
        return
    with screen.capture() as captured:
        screen.print(renderable)
    click.echo("\n".join(line.rstrip() for line in captured.get().split("\n")), nl=False)


def show_json(data: Any) -> None:
    """Print one JSON document. Dataclasses become objects; non-ASCII text stays as it is, unless it would steer a
    terminal: that is escaped, which means the same."""
    click.echo(escaped(json.dumps(_plain(data), ensure_ascii=False, indent=2, default=str)))


def _plain(data: Any) -> Any:
    if is_dataclass(data) and not isinstance(data, type):
        return asdict(data)
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(item) for item in data]
    return data


# --- what a command answers -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command has to say: `data` for programs, `page` for people, a text or something drawn, or several.
    `note` goes to standard error, for people alone. `code` is the exit code; a `failure` is raised at the end."""

    data: Any
    page: RenderableType | Sequence[RenderableType] = ()
    note: str = ""
    code: int = 0
    failure: Exception | None = None


def answering(
    function: Callable[..., Answer],
) -> Callable[..., None]:
    """A command that prints its answer: for people, or as JSON with the option `--json`, which it gets here."""

    @wraps(function)
    def command(invocation: Invocation, ctx: click.Context, /, *, as_json: bool, **arguments: Any) -> None:
        answer = function(invocation, **arguments)
        if as_json:
            show_json(answer.data)
        else:
            show_page(answer.page)
            if answer.note:
                say(answer.note, error=True)
        if answer.failure is not None:
            raise answer.failure
        if answer.code:
            ctx.exit(answer.code)

    return json_option(click.pass_context(pass_invocation(command)))


def show_page(page: RenderableType | Sequence[RenderableType]) -> None:
    """Print texts as they are, and what is drawn."""
    for part in page if isinstance(page, list | tuple) else (page,):
        if isinstance(part, str):
            say(part)
        else:
            show(part)


# --- tables and progress ----------------------------------------------------------------------------------------------


def fitted(
    heads: Sequence[str],
    rows: Sequence[Sequence[RenderableType]],
    *,
    right: Iterable[str] = (),
    optional: Sequence[str] = (),
    folding: Sequence[str] = (),
) -> RenderableType:
    """A table without as many of the `optional` columns as the terminal has no room for, the first of them first; those
    that are left out are named below. Columns `folding` hold sentences, which may take several lines; where there are
    any, nothing else is broken."""
    screen, figures = console(), tuple(right)
    for dropped in range(len(optional) + 1):
        kept = [place for place, head in enumerate(heads) if head not in optional[:dropped]]
        firm = [place for place in kept if heads[place] not in folding]
        whole = [heads[place] for place in firm] if folding else ()
        drawn = table(_picked(heads, kept), [_picked(row, kept) for row in rows], right=figures, whole=whole)
        measured = table(_picked(heads, firm), [_picked(row, firm) for row in rows])
        least = screen.measure(measured, options=screen.options.update(width=1000)).maximum
        if least + (len(kept) - len(firm)) * FOLDED_WIDTH <= screen.width:
            break
    return Group(drawn, left_out(optional[:dropped])) if dropped else drawn


def left_out(heads: Sequence[str]) -> Text:
    """What is said below a table of the columns for which there is no room."""
    return Text(_("no room for: {columns}", columns=", ".join(map(word, heads))), "dim")


def _picked(row: Sequence[Any], places: Iterable[int]) -> list[Any]:
    return [row[place] for place in places]


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[RenderableType]],
    *,
    right: Iterable[str] = (),
    whole: Iterable[str] = (),
) -> Table:
    """A plain table; its heads, and phrases in it, are said in the reader's language. Columns with heads in `right`
    hold figures; no cell of those or of `whole` is broken."""
    figures = set(right)
    unbroken = figures | set(whole)
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in heads:
        drawn.add_column(
            word(head), justify="right" if head in figures else "left", overflow="fold", no_wrap=head in unbroken
        )
    for row in rows:
        drawn.add_row(*(translated(cell) if isinstance(cell, str) else cell for cell in row))
    return drawn


def facts(values: Mapping[str, str | Text]) -> Table:
    """Names, in the reader's language, and values below each other; those without a value are left out."""
    return table(("", ""), [(Text(word(name), "dim"), value) for name, value in values.items() if value])


def alarm(text: str, style: str = "bold red") -> Text:
    """Something that is wrong, for a page."""
    return Text(f"! {translated(text)}", style)


def when(at: float | None) -> str:
    """A moment in local time; empty for None."""
    return "" if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


@dataclass(frozen=True, slots=True)
class ProgressBar:
    """How far some work is."""

    progress: Progress
    task: TaskID

    def reach(self, done: float) -> None:
        """So much is done in all."""
        self.progress.update(self.task, completed=done)

    def advance(self, more: float) -> None:
        """So much more is done."""
        self.progress.advance(self.task, more)

    def say(self, what: str) -> None:
        """What is being done now."""
        self.progress.update(self.task, description=clean(what))


@contextmanager
def progress_bar(what: str, total: float, *, hidden: bool = False) -> Iterator[ProgressBar]:
    """A progress bar on standard error, if somebody is looking."""
    # Most commands have no bar, and this import takes longer than all of theirs.
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    screen = console(error=True)
    columns = (TextColumn(" {task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=hidden or not screen.is_terminal) as progress:
        yield ProgressBar(progress, progress.add_task(what, total=max(total, 1)))
