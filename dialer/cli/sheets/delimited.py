"""CSV of any kind: what separates its cells, and its records one by one, a stray quote harming only its own line."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from dialer.language.phrases import phrase
from dialer.language.translation import _, translated

DELIMITERS: Final = ",;\t|"
NAMES: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "\\t": "\t"}
"""Delimiters by what one can type."""

SAMPLE_LINES: Final = 50
MAX_LINE: Final = 1 << 17
"""Longest line that is read, in characters."""

MOST_LINES: Final = 100
"""A quoted cell goes over this many lines at most."""

_SEP: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)

OPEN_QUOTE: Final = phrase("a quote is opened and not closed: take it out, or double it")
STRAY_QUOTE: Final = phrase("a quote stands where none belongs: take it out, or double it and quote the cell")
TOO_LONG: Final = phrase("longer than {most:,} characters", most=MAX_LINE)


class Record(NamedTuple):
    """One record of a file, counted as a spreadsheet counts rows. `fault` says why it could not be read."""

    number: int
    cells: list[str]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is laid out: what separates its cells, and whether a first line says so (`sep=;`)."""

    delimiter: str
    said_first: bool = False


class UnreadableLayout(ValueError):
    """A delimiter that is none."""


def find_layout(path: Path, encoding: str, given: str | None) -> Layout:
    """What separates the cells: as `given`, as the file says, or what gives most of its first lines equally many cells.
    Raises `UnreadableLayout`."""
    with path.open(encoding=encoding, newline="") as file:
        lines = [line for line in islice(_lines(file), SAMPLE_LINES) if line.strip()]
    announced = _SEP.fullmatch(lines[0]) if lines else None
    if given is not None:
        delimiter = NAMES.get(given.lower(), given)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise UnreadableLayout(
                _(
                    "--delimiter wants one character, or one of {names}; got {given!r}",
                    names=", ".join(NAMES),
                    given=given,
                )
            )
        return Layout(delimiter, announced is not None)
    if announced is not None:
        return Layout(announced[1], True)
    return Layout(max(DELIMITERS, key=lambda delimiter: _fit(lines, delimiter)))


def _fit(lines: Sequence[str], delimiter: str) -> tuple[int, int]:
    """How many lines have as many cells as most have, if that is more than one; then the cells of the first line."""
    widths = []
    for line in lines:
        try:
            widths.append(len(next(csv.reader([line], delimiter=delimiter, strict=True), [])))
        except csv.Error:
            widths.append(0)
    several = [width for width in widths if width > 1]
    usual = max(set(several), key=several.count, default=0)
    return several.count(usual), widths[0] if widths else 0


def records(
    file: TextIO, layout: Layout, is_row: Callable[[Sequence[str]], bool] = lambda _: False
) -> Iterator[Record]:
    """The records of a file that was opened with newline="".

    A quoted cell may go over several lines, unless one of them `is_row` by itself: then a quote was left open, and only
    the line with it is lost.
    """
    lines = _Ahead(_lines(file))
    number = 0
    if layout.said_first:
        next(lines, None)
        number = 1
    for line in lines:
        number += 1
        if len(line) > MAX_LINE:
            yield Record(number, [], translated(TOO_LONG))
        elif '"' not in line:
            yield Record(number, line.rstrip("\r\n").split(layout.delimiter) if line.strip() else [])
        else:
            yield _quoted(number, line, lines, layout.delimiter, is_row)


def _quoted(number: int, line: str, lines: _Ahead, delimiter: str, is_row: Callable[[Sequence[str]], bool]) -> Record:
    """A record whose first line has quotes in it, with as many more lines as the quotes ask for."""
    taken = [line]
    while True:
        try:
            return Record(number, next(csv.reader(taken, delimiter=delimiter, strict=True)))
        except csv.Error as error:
            if "unexpected end" not in str(error):
                lines.put_back(taken[1:])
                return Record(number, [], translated(OPEN_QUOTE if len(taken) > 1 else STRAY_QUOTE))
        following = next(lines, None)
        if following is not None:
            taken.append(following)
        if following is None or len(taken) > MOST_LINES or is_row(_plain(following, delimiter)):
            lines.put_back(taken[1:])
            return Record(number, [], translated(OPEN_QUOTE))


def _plain(line: str, delimiter: str) -> list[str]:
    """The cells of a line by itself, as far as they can be told."""
    return next(csv.reader([line], delimiter=delimiter), [])


def _lines(file: TextIO) -> Iterator[str]:
    """The lines; of one that is too long the beginning, one character longer than allowed."""
    while line := file.readline(MAX_LINE + 1):
        rest = line
        while len(rest) > MAX_LINE and not rest.endswith(("\r", "\n")):
            rest = file.readline(MAX_LINE + 1)
        yield line


class _Ahead(Iterator[str]):
    """Lines that can be put back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._back: list[str] = []

    def put_back(self, lines: Sequence[str]) -> None:
        """The next lines are these, in this order."""
        self._back = [*lines, *self._back]

    def __next__(self) -> str:
        return self._back.pop(0) if self._back else next(self._lines)
