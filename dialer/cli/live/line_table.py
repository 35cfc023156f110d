"""A table of many lines in the terminal, of which only those in sight are drawn: 300 agents cost what 20 do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from dialer.language.translation import word

T = TypeVar("T")

GAP: Final = "  "


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column: `key` names it, then its head in English, how a cell looks, and by what lines are sorted. One that is
    `optional` is left out where no line has anything in it; one with a `least` width gives way down to that where the
    terminal is too narrow for all."""

    key: str
    english: str
    cell: Callable[[T], Text]
    order: Callable[[T], object]
    right: bool = False
    optional: bool = False
    least: int = 0

    @property
    def head(self) -> str:
        """What stands above it, in the reader's language."""
        return word(self.english)


def shortened(cell: Text, width: int) -> Text:
    """A cell without its middle, so that it fits: names often differ at their ends only."""
    text, end = cell.plain, (width - 1) // 2
    while end and cell_len(text[-end:]) > (width - 1) // 2:
        end -= 1
    first = width - 1 - end
    while first and cell_len(text[:first]) + 1 + cell_len(text[len(text) - end :]) > width:
        first -= 1
    return Text(f"{text[:first]}…{text[len(text) - end :]}", cell.style)


class LineTable(ScrollView, Generic[T], can_focus=True):
    """Lines under their heads. The cursor stays on its line, wherever that goes; a line is known by `key_of`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move_page(-1)", show=False),
        Binding("pagedown", "move_page(1)", show=False),
        Binding("home,g", "move(-1_000_000)", show=False),
        Binding("end,G", "move(1_000_000)", show=False),
    ]

    class Moved(Message):
        """The cursor is on another line."""

    def __init__(self, columns: Sequence[Column[T]], key_of: Callable[[T], str], *, id: str) -> None:
        super().__init__(id=id)
        self._all_columns, self.columns, self.key_of = tuple(columns), tuple(columns), key_of
        self.lines: Sequence[T] = ()
        self.selected = ""  # the key of the line under the cursor
        self._widths = [cell_len(column.head) for column in columns]

    def show(self, lines: Sequence[T]) -> None:
        """These lines, in this order."""
        self.lines = lines
        columns = tuple(column for column in self._all_columns if self._says_something(column))
        if columns != self.columns:
            self.columns, self._widths = columns, [cell_len(column.head) for column in columns]
        if lines and self.line is None:
            self.selected = self.key_of(lines[min(self._place, len(lines) - 1)])
            self.post_message(self.Moved())
        self.virtual_size = Size(sum(self._widths) + len(GAP) * len(self.columns), len(lines) + 1)
        self.refresh()

    def _says_something(self, column: Column[T]) -> bool:
        return not column.optional or any(column.cell(line).plain for line in self.lines)

    @property
    def line(self) -> T | None:
        """The line under the cursor."""
        return next((line for line in self.lines if self.key_of(line) == self.selected), None)

    @property
    def _place(self) -> int:
        keys = [self.key_of(line) for line in self.lines]
        return keys.index(self.selected) if self.selected in keys else 0

    def action_move(self, by: int) -> None:
        if self.lines:
            self._select(min(max(self._place + by, 0), len(self.lines) - 1))

    def action_move_page(self, by: int) -> None:
        self.action_move(by * max(self.size.height - 2, 1))

    def on_click(self, event: events.Click) -> None:
        """The line that was clicked."""
        place = round(self.scroll_y) + event.y - 1
        if event.y > 0 and place < len(self.lines):
            self._select(place)

    def _select(self, place: int) -> None:
        self.selected = self.key_of(self.lines[place])
        first, room = round(self.scroll_y), max(self.size.height - 1, 1)
        if place < first:
            self.scroll_to(y=place, animate=False)
        elif place >= first + room:
            self.scroll_to(y=place - room + 1, animate=False)
        self.refresh()
        self.post_message(self.Moved())

    def render_line(self, y: int) -> Strip:
        """One line of the terminal: the heads, then the lines in sight."""
        place = round(self.scroll_y) + y - 1
        if y == 0:
            return self._strip([Text(column.head, "underline dim") for column in self.columns], "")
        if place >= len(self.lines):
            return Strip.blank(self.size.width)
        line = self.lines[place]
        is_selected = self.key_of(line) == self.selected
        return self._strip([column.cell(line) for column in self.columns], "reverse" if is_selected else "")

    def _shown_widths(self) -> list[int]:
        """The columns' widths, as far as they fit: the widest of those that shrink gives way first."""
        widths = list(self._widths)
        over = 1 + sum(widths) + len(GAP) * len(widths) - self.size.width
        leasts = [column.least or width for column, width in zip(self.columns, widths, strict=True)]
        while over > 0 and any(width > least for width, least in zip(widths, leasts, strict=True)):
            widths[max(range(len(widths)), key=lambda number: widths[number] - leasts[number])] -= 1
            over -= 1
        return widths

    def _strip(self, cells: Sequence[Text], style: str) -> Strip:
        whole = Text(" ")
        for number, cell in enumerate(cells):
            self._widths[number] = max(self._widths[number], cell.cell_len)
        for column, cell, width in zip(self.columns, cells, self._shown_widths(), strict=True):
            if cell.cell_len > width:
                cell = shortened(cell, width)
            room = " " * (width - cell.cell_len)
            whole = whole.append(room).append_text(cell) if column.right else whole.append_text(cell).append(room)
            whole.append(GAP)
        if style:
            whole.stylize(style)
        left, width = round(self.scroll_x), self.size.width
        return Strip(whole.render(self.app.console), whole.cell_len).crop_extend(left, left + width, None)
